"""The folder and its files as a source: what makes a stream fail, in which words, and what never blocks a run."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from connectors import Reading
from connectors.errors import BrokenAnswer, Forbidden, Inconsistent, NotAuthenticated, NotFound, SourceError
from connectors.files import ROLES, Settings, folder
from connectors.files.streams import REGISTERS, STREAMS
from pipelines.configuration import load

if TYPE_CHECKING:
    from tests.connectors.files.conftest import Registers

HEADER = "id,name,status,owner\n"
ROW = "S-1,A,active,O\n"


def refused(registers: Registers, name: str = "suppliers", **settings: object) -> SourceError:
    with pytest.raises(SourceError) as caught:
        registers.read(name, **settings)
    return caught.value


@pytest.mark.fault(
    "files",
    "F1",
    "A register is not there",
    "Its stream ends incomplete; the message says to add it or to name it under skip.",
)
def test_a_missing_file_says_what_to_do(registers: Registers) -> None:
    (registers.folder / "suppliers.csv").unlink()
    error = refused(registers)
    assert isinstance(error, NotFound)
    assert f"there is no suppliers.csv in {registers.folder}" in str(error)
    assert "add it, or name it under skip" in str(error)
    registers.folder.joinpath("Suppliers.CSV").write_text(HEADER)
    assert "there is 'Suppliers.CSV'" in str(refused(registers))
    assert "suppliers" not in [stream.name for stream in registers.connector(skip=["suppliers"]).streams()]
    assert registers.connector(skip=["suppliers"]).skipped() == {"suppliers": "left out by the configuration"}


@pytest.mark.fault(
    "files",
    "F2",
    "The folder is gone: a share is not mounted",
    "Every stream ends incomplete, nothing is taken for deleted.",
)
def test_a_missing_folder_is_an_error_at_log_in(registers: Registers, tmp_path: Path) -> None:
    connector = registers.connector()
    registers.folder.rename(tmp_path / "away")
    with pytest.raises(NotFound, match="there is no folder"):
        connector.open()
    registers.folder.write_text("a file")
    with pytest.raises(NotFound, match="is no folder"):
        connector.open()


HEADERS = [
    ("id,name,owner\nS-1,A,O\n", "has no column 'status'", "add it to the first line"),
    (
        "id,name,stauts,owner\nS-1,A,active,O\n",
        "has no column 'status'",
        "did you mean 'stauts'? Rename it to 'status'",
    ),
    ("id;name;status;owner\n", "separates its columns by a semicolon, and a comma is configured", 'delimiter = ";"'),
    ("id\tname\tstatus\towner\n", "separates its columns by a tab", 'delimiter = "\\t"'),
    ("id,name,status,owner,Name\n", "has the column 'name' twice", "give one of them another name"),
    ('id,"name,status,owner\nS-1,A,active,O\n', "line 1, the names of the columns: a quotation mark is opened", ""),
    ("", "suppliers.csv is empty", "its first line must name the columns"),
    ("\n \r\n", "suppliers.csv is empty", ""),
    (HEADER.encode("utf-16"), "is written in UTF-16", 'set encoding = "utf-16"'),
    (b"id,name,status,owner,gr\xf6\xdfe\n", "the names of the columns: a letter is not in the encoding", ""),
]


@pytest.mark.fault(
    "files",
    "F3",
    "A required column is missing or misspelt",
    "The stream ends incomplete; the column that may be meant is named.",
)
@pytest.mark.fault(
    "files",
    "F4",
    "A file is saved with another delimiter or encoding",
    "The stream ends incomplete; the setting to write is named.",
)
@pytest.mark.fault(
    "files",
    "F5",
    "A file is empty, without the names of its columns",
    "The stream ends incomplete: its rows are not taken for deleted.",
)
@pytest.mark.parametrize(("content", "problem", "step"), HEADERS, ids=[problem for _, problem, _ in HEADERS])
def test_a_header_that_cannot_be_used_fails_the_stream(
    registers: Registers, content: str | bytes, problem: str, step: str
) -> None:
    registers.write("suppliers", content)
    error = refused(registers)
    assert isinstance(error, BrokenAnswer)
    assert problem in error.message
    assert step in error.next_step or step in error.message


def test_a_file_of_the_wrong_encoding_as_a_whole_fails_the_stream(registers: Registers) -> None:
    registers.write("suppliers", HEADER + ROW.replace("A", "AA"))
    assert "is not written in utf-16" in str(refused(registers, encoding="utf-16"))


@pytest.mark.fault(
    "files", "F6", "A file is larger than memory allows", "The stream ends incomplete; no more than the limit is read."
)
def test_a_file_has_a_limit(registers: Registers, monkeypatch: pytest.MonkeyPatch) -> None:
    registers.write("suppliers", HEADER + ROW)
    monkeypatch.setattr(folder, "LIMIT", len(HEADER + ROW))
    assert set(registers.read("suppliers").records) == {"S-1"}
    monkeypatch.setattr(folder, "LIMIT", len(HEADER + ROW) - 1)
    assert "is larger than" in str(refused(registers))


@pytest.mark.fault(
    "files",
    "F7",
    "A file is written while it is read",
    "The stream ends incomplete; the next run reads the whole file.",
)
@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_file_that_changes_while_it_is_read_is_inconsistent(
    registers: Registers, monkeypatch: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    file = registers.write("suppliers", HEADER + ROW)
    real = os.fstat

    def meddling(handle: int) -> os.stat_result:
        found = real(handle)
        if is_replaced:
            other = registers.folder / "new"
            other.write_text(HEADER + ROW)
            other.replace(file)
        else:
            file.write_text(HEADER + ROW + "S-2,B,active,O\n")
        return found

    monkeypatch.setattr(folder.os, "fstat", meddling)
    error = refused(registers)
    assert isinstance(error, Inconsistent)
    assert "suppliers.csv was changed while it was read" in str(error)


@pytest.mark.fault(
    "files",
    "F8",
    "A file is a link out of the folder, a pipe or a folder",
    "It is refused without being opened or waited for.",
)
@pytest.mark.parametrize(("kind", "error"), [("link", Forbidden), ("pipe", BrokenAnswer), ("folder", SourceError)])
def test_only_plain_files_are_read(registers: Registers, tmp_path: Path, kind: str, error: type[SourceError]) -> None:
    file = registers.folder / "suppliers.csv"
    file.unlink()
    if kind == "link":
        (tmp_path / "private").write_text("a secret of this account")
        file.symlink_to(tmp_path / "private")
    elif kind == "pipe":
        os.mkfifo(file)
    else:
        file.mkdir()
    found = refused(registers)
    assert isinstance(found, error)
    assert "secret" not in str(found)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_is_forbidden(registers: Registers) -> None:
    (registers.folder / "suppliers.csv").chmod(0)
    assert isinstance(refused(registers), Forbidden)


def test_the_states_of_one_run_agree_and_the_end_says_when_files_changed(registers: Registers) -> None:
    registers.write("suppliers", HEADER + ROW)
    connector = registers.connector()
    connector.open()
    stream, ledger = next(s for s in STREAMS if s.name == "suppliers"), Reading("full")
    list(connector.read(stream, ledger, ()))
    registers.write("suppliers", HEADER + "S-2,B,active,O\n")
    assert [sweep.keys for sweep in connector.census(stream, ledger)] == [["S-1"]]
    assert [page.keys for page in connector.fetch(stream, ["S-1", "S-2"], ledger)] == [["S-1"]]
    with pytest.raises(Inconsistent, match=r"suppliers\.csv changed after it was read"):
        connector.close()
    connector.close()
    with pytest.raises(NotAuthenticated):
        list(connector.read(stream, ledger, ()))


def test_a_replaced_folder_is_noticed(registers: Registers, tmp_path: Path) -> None:
    connector = registers.connector()
    connector.open()
    registers.folder.rename(tmp_path / "old")
    registers.folder.mkdir()
    with pytest.raises(Inconsistent, match="was replaced by another folder"):
        connector.close()


def test_a_row_that_is_gone_was_deleted_and_the_state_of_the_file_is_the_proof(registers: Registers) -> None:
    file = registers.write("suppliers", HEADER + ROW)
    os.utime(file, (1_790_000_000, 1_790_000_000))
    connector = registers.connector()
    connector.open()
    stream = next(s for s in STREAMS if s.name == "suppliers")
    absence = connector.explain(stream, ["S-7"], Reading("full"))["S-7"]
    assert absence.kind == "deleted"
    digest = hashlib.sha256((HEADER + ROW).encode()).hexdigest()[:12]
    assert absence.reason == f"no longer in suppliers.csv (file of 2026-09-21 14:13:20 UTC, sha256 {digest})"


def test_check_says_for_every_file_how_many_rows_and_what_is_wrong(registers: Registers) -> None:
    registers.write("suppliers", HEADER + ROW + "S-2,B,actve,O\n,C,active,O\n")
    registers.write("audits", "id,title,status,planned_on,clauses\nA-1,T,held,2026-01-01,9.2\n")
    registers.write(
        "audit_findings",
        "id,audit_id,title,grade,status,raised_on,owner\n"
        "F-1,A-1,T,minor,open,2026-01-02,O\nF-2,A-9,T,minor,open,2026-01-02,O\n",
    )
    (registers.folder / "risks.csv").unlink()
    findings = {finding.subject: finding for finding in registers.connector().check()}
    assert findings["folder"].is_ok
    assert (findings["suppliers"].is_ok, findings["suppliers"].count) == (False, 3)
    assert "2 of them can't be carried, the first: suppliers.csv line 3, column status" in findings["suppliers"].message
    assert (findings["audits"].is_ok, findings["audits"].count) == (True, 1)
    assert "add it, or name it under skip" in findings["risks"].message
    assert "the first: F-2 names A-9" in findings["audit_findings.audit_id"].message
    assert sum(not finding.is_ok for finding in findings.values()) == 3


def test_check_of_a_missing_folder_is_one_finding(registers: Registers, tmp_path: Path) -> None:
    connector = registers.connector()
    registers.folder.rename(tmp_path / "away")
    (finding,) = connector.check()
    assert not finding.is_ok
    assert ROLES.startswith("The right to list the folder")


def test_settings_are_checked_and_placed_beside_the_configuration(tmp_path: Path) -> None:
    own = Settings.model_validate({"connector": "files", "folder": "registers"})
    placed = own.relative_to(tmp_path).knowing({"suppliers.status": {"x": "active"}}).relative_to(Path("/elsewhere"))
    assert placed.folder == tmp_path / "registers"
    assert placed.words == {"suppliers.status": {"x": "active"}}
    assert placed.url == (tmp_path / "registers").as_uri()
    assert (own.folder, own.words) == (Path("registers"), {})


def test_the_folder_of_a_configuration_file_is_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "sms-evidence.toml"
    file.write_text(
        '[organization]\nname = "X"\ntime_zone = "UTC"\n[sources.reg]\nconnector = "files"\nfolder = "registers"\n'
    )
    assert load(file).sources["reg"].url == (tmp_path / "registers").as_uri()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"skip": ["supliers"]}, "'supliers' is no stream"),
        ({"encoding": "klingon"}, "is no encoding of text"),
        ({"encoding": "hex"}, "is no encoding of text"),
        ({"delimiter": "|"}, "Input should be"),
        ({"folder": "~/registers"}, "write ~ out"),
        ({"url": "file:///x"}, "Extra inputs"),
        ({"words": {}}, "Extra inputs"),
    ],
)
def test_settings_refuse_what_cannot_work(more: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({"connector": "files", "folder": "x", **more})


def test_every_register_can_be_known_and_linked() -> None:
    assert len(REGISTERS) == 12
    for register in REGISTERS.values():
        names = [field.name for field in register.fields]
        assert len(names) == len(set(names))
        assert {"id", "status"} <= set(register.required)
        assert all(field.links in REGISTERS for field in register.fields if field.links)
        assert set(register.one_of) <= set(names)
