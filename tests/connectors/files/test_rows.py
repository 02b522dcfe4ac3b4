"""Rows of a register: which are carried, and that each fault names line, column and what to write."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

if TYPE_CHECKING:
    from tests.connectors.files.conftest import Registers

HEADER = "id,name,status,owner,contract_until,review_interval_months,amount\n"


def test_a_row_keeps_its_exact_text_its_line_and_its_cells(registers: Registers) -> None:
    text = 'S-1, Acme Ltd ,active,"A ""B"" C",2027-01-31,12,1000.50'
    registers.write("suppliers", f"\ufeff{HEADER}\r\n{text}\r\n")
    found = registers.read("suppliers")
    assert found.gaps == []
    document = msgspec.json.decode(found.records["S-1"])
    assert document == {
        "line": 3,
        "text": 'S-1, Acme Ltd ,active,"A ""B"" C",2027-01-31,12,1000.50',
        "fields": {
            "id": "S-1",
            "name": "Acme Ltd",
            "status": "active",
            "owner": 'A "B" C',
            "contract_until": "2027-01-31",
            "review_interval_months": "12",
            "amount": "1000.50",
        },
    }
    assert found.stamps["S-1"] == hashlib.sha256(found.contents["S-1"]).hexdigest()[:16]
    assert found.ledger.source_count == 1
    state = registers.folder / "suppliers.csv"
    assert str(found.ledger.watermark_to).endswith(hashlib.sha256(state.read_bytes()).hexdigest())


def test_a_row_that_only_moved_is_the_same_version(registers: Registers) -> None:
    registers.write("suppliers", HEADER + "S-1,A,active,O,,,\nS-2,B,active,O,,,\n")
    before = registers.read("suppliers")
    registers.write("suppliers", HEADER + "S-2,B,active,O,,,\n\nS-1,A,active,O,,,\n")
    after = registers.read("suppliers")
    assert before.records["S-1"] != after.records["S-1"]
    assert (before.contents, before.stamps) == (after.contents, after.stamps)
    registers.write("suppliers", HEADER + "S-2,B,active,O,,,\nS-1,A,ended,O,,,\n")
    changed = registers.read("suppliers")
    assert changed.stamps["S-1"] != before.stamps["S-1"]
    assert changed.stamps["S-2"] == before.stamps["S-2"]


FAULTS = [
    ("S-9,A,active,O,31.12.2026,,", "S-9", "column contract_until: '31.12.2026' is no date; write 2026-12-31"),
    ("S-9,A,active,O,2026-02-30,,", "S-9", "column contract_until: '2026-02-30' is no day of the calendar"),
    ("S-9,A,active,O,03/04/2026,,", "S-9", "'03/04/2026' is no date; write it like 2026-12-31"),
    ("S-9,A,active,O,2026-12-31 00:00:00,,", "S-9", "is no date; write 2026-12-31"),
    ("S-9,A,active,O,,twelve,", "S-9", "column review_interval_months: 'twelve' is no whole number; write it like 12"),
    ('S-9,A,active,O,,,"1.234,50"', "S-9", "column amount: '1.234,50' is no number; write it like 1234.5"),
    ("S-9,A,actve,O,,,", "S-9", "column status: 'actve' is no known status: did you mean 'active'?"),
    ("S-9,A,zzz,O,,,", "S-9", "'zzz' is no known status: there are candidate, active, ended;"),
    ("S-9,,active,O,,,", "S-9", "column name: is empty"),
    (",A,active,O,,,", "line 3", "column id: is empty: give the row an id that no other row has"),
    ("S-1,A,active,O,,,", "line 3", "column id: 'S-1' stands on line 2 already: give one of the rows another id"),
    ("line 2,A,active,O,,,", "line 3", "column id: 'line 2' is what a row without an id is called"),
    ("S-9,A,active,O,,", "S-9", "line 3: has 6 cells and the header 7"),
    ("S-9,A,active,O,,,,extra", "S-9", "line 3: has 8 cells and the header 7"),
    ('S-9,"A,active,O,,,', "S-9", "line 3: a quotation mark is opened and not closed"),
    ('S-9,"A"x,active,O,,,', "S-9", "line 3: text follows a closing quotation mark"),
]


@pytest.mark.fault(
    "files",
    "C2",
    "A date is written as 31.12.2026, or is no day",
    "The row is quarantined; line, column and the date to write are named.",
)
@pytest.mark.fault(
    "files",
    "C3",
    "A number is written with a decimal comma",
    "The row is quarantined; line, column and form are named.",
)
@pytest.mark.fault(
    "files",
    "C4",
    "A status is a word that nobody gave a meaning",
    "The row is quarantined; the nearest known word is named.",
)
@pytest.mark.fault("files", "C5", "A required cell is empty", "The row is quarantined; line and column are named.")
@pytest.mark.fault(
    "files",
    "C6",
    "A row has no id, or an id that another row has",
    "The first row with the id is carried, the others are quarantined under their line.",
)
@pytest.mark.fault(
    "files", "C7", "A row has too many or too few cells", "The row is quarantined; the number of cells is named."
)
@pytest.mark.parametrize(("row", "key", "reason"), FAULTS, ids=[reason[:40] for *_, reason in FAULTS])
def test_a_fault_is_named_and_the_other_rows_go_on(registers: Registers, row: str, key: str, reason: str) -> None:
    registers.write("suppliers", f"{HEADER}S-1,A,active,O,,,\n{row}\nS-2,B,ended,O,2026-01-31,6,7\n")
    found = registers.read("suppliers")
    assert set(found.records) == {"S-1", "S-2"}
    assert [(gap.kind, gap.key) for gap in found.gaps] == [("quarantined", key)]
    assert found.reasons[0].startswith("suppliers.csv line 3")
    assert reason in found.reasons[0]
    assert found.ledger.source_count == 3
    assert sorted(found.listed) == sorted(["S-1", "S-2", key]), "every row of the file is in the census"


@pytest.mark.fault(
    "files",
    "C8",
    "A row has bytes of another encoding",
    "The row is quarantined with line and column; the rows around it are read.",
)
@pytest.mark.parametrize("cell", [b"M\xfcller", b"\xed\xa0\x80", b"\xff\xfe"])
def test_bytes_of_another_encoding_are_a_fault_of_their_row(registers: Registers, cell: bytes) -> None:
    content = HEADER.encode() + b"S-1,A,active,O,,,\nS-9," + cell + b",active,O,,,\nS-2,\xc3\xa9,active,O,,,\n"
    registers.write("suppliers", content)
    found = registers.read("suppliers")
    assert set(found.records) == {"S-1", "S-2"}
    assert [gap.key for gap in found.gaps] == ["S-9"]
    assert "line 3, column name: a letter is not in the encoding" in found.reasons[0]
    assert registers.read("suppliers", encoding="latin-1").gaps == []


def test_an_id_of_another_encoding_is_known_by_its_line(registers: Registers) -> None:
    registers.write("suppliers", HEADER.encode() + b"\xfc-1,A,active,O,,,\n")
    assert [gap.key for gap in registers.read("suppliers").gaps] == ["line 2"]


@pytest.mark.fault(
    "files", "C9", "A cell is a spreadsheet formula, HTML or has control characters", "It is text, kept to the byte."
)
@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "a\x00\x07b", "'; drop table x; --"]
)
def test_hostile_cells_are_text(registers: Registers, name: str) -> None:
    registers.write("suppliers", f'{HEADER}S-1,"{name}",active,O,,,\n')
    found = registers.read("suppliers")
    assert msgspec.json.decode(found.records["S-1"])["fields"]["name"] == name


def test_a_message_shows_little_of_a_hostile_cell(registers: Registers) -> None:
    registers.write("suppliers", f'{HEADER}S-1,A,active,O,"{"x" * 5000}\x1b[31m\nevil",,\n')
    (reason,) = registers.read("suppliers").reasons
    assert len(reason) < 200
    assert reason.isprintable()


@pytest.mark.parametrize("status", ["Active", " ACTIVE ", "In  Selection"])
def test_capitals_and_spaces_do_not_make_another_word(registers: Registers, status: str) -> None:
    registers.write("suppliers", f"{HEADER}S-1,A,{status},O,,,\n")
    assert registers.read("suppliers").gaps == []


def test_a_word_of_the_organisation_is_known_once_it_has_a_meaning(registers: Registers) -> None:
    registers.write("suppliers", f"{HEADER}S-1,A,läuft,O,,,\n")
    assert len(registers.read("suppliers").gaps) == 1
    assert registers.read("suppliers", {"suppliers.status": {"läuft": "active"}}).gaps == []


def test_an_action_belongs_to_something(registers: Registers) -> None:
    header = "id,title,status,owner,decided_on,due_on,review_id,report_period\n"
    registers.write(
        "management_review_actions",
        header + "A-1,T,open,O,2026-01-01,2026-02-01,MR-1,\nA-2,T,open,O,2026-01-01,2026-02-01,,2026-01\n"
        "A-3,T,open,O,2026-01-01,2026-02-01,,\n",
    )
    found = registers.read("management_review_actions")
    assert set(found.records) == {"A-1", "A-2"}
    assert "one of review_id, nonconformity_id, report_period must be filled" in found.reasons[0]


@pytest.mark.parametrize(
    ("delimiter", "encoding", "codec"),
    [(";", "utf-8", "utf-8-sig"), ("\t", "utf-16", "utf-16"), (",", "cp1252", "cp1252"), (";", "utf-8-sig", "utf-8")],
)
def test_delimiters_and_encodings_of_spreadsheets(
    registers: Registers, delimiter: str, encoding: str, codec: str
) -> None:
    text = f"{HEADER}S-1,Müller & Söhne,active,O,,,\n".replace(",", delimiter).replace("\n", "\r\n")
    registers.write("suppliers", text.encode(codec))
    found = registers.read("suppliers", delimiter=delimiter, encoding=encoding)
    assert msgspec.json.decode(found.records["S-1"])["fields"]["name"] == "Müller & Söhne"


def test_columns_are_found_by_name_in_any_order_and_others_are_kept(registers: Registers) -> None:
    registers.write(
        "suppliers", "Owner,Internal Remark, ID ,Status,Name,Contract-Until,\nO,why,S-1,active,A,2027-01-01,\n"
    )
    found = registers.read("suppliers")
    fields = msgspec.json.decode(found.records["S-1"])["fields"]
    assert fields == {
        "owner": "O", "Internal Remark": "why", "id": "S-1", "status": "active", "name": "A",
        "contract_until": "2027-01-01", "column 7": "",
    }  # fmt: skip
    findings = {finding.subject: finding for finding in registers.connector().check()}
    assert findings["suppliers"].is_ok
    assert "Internal Remark" in findings["suppliers"].message


def test_nothing_is_written_into_the_folder(registers: Registers, tmp_path: Path) -> None:
    registers.write("suppliers", f"{HEADER}S-1,A,active,O,,,\nS-2,A,actve,O,,,\n")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()}
    registers.read("suppliers")
    list(registers.connector().check())
    assert before == {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()
    }
