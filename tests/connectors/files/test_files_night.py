"""Registers through whole nights: the evidence holds what the files hold, and a bad row never buries a good one."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.files.streams import REGISTERS
from pipelines.configuration import load
from pipelines.night import Night, StreamResult
from warehouse.published import open_published

if TYPE_CHECKING:
    from tests.connectors.files.conftest import Registers

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
HEADER = "id,name,status,owner,contract_until\n"


def configure(folder: Path, registers: Path, more: str = "") -> Path:
    path = folder / "sms-evidence.toml"
    path.write_text(
        '[organization]\nname = "X"\ntime_zone = "Europe/Amsterdam"\n[sources.registers]\nconnector = "files"\n'
        f'folder = "{registers}"\n{more}'
    )
    return path


class House:
    """A folder of registers and the nights that read it."""

    def __init__(self, registers: Registers, more: str = "") -> None:
        self.registers = registers
        self.path = configure(registers.folder.parent, registers.folder, more)
        self.now = NOW

    def night(self) -> dict[str, StreamResult]:
        """A whole run; results by stream."""
        self.now += timedelta(days=1)
        with Night(load(self.path), environ={}, clock=lambda: self.now) as night:
            night.run()
        return {result.stream: result for result in night.results}

    def read(self, stream: str) -> tuple[StreamResult, dict[str, dict[str, str]]]:
        """A run without the warehouse; the result of a stream, and the cells of every row stored."""
        self.now += timedelta(days=1)
        with Night(load(self.path), environ={}, clock=lambda: self.now) as night:
            results = {result.stream: result for result in night.read_source("registers")}
            records = [msgspec.json.decode(r) for r in night.evidence.latest_records("registers", "files", stream)]
        return results[stream], {record["fields"]["id"]: record["fields"] for record in records}

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """From the published warehouse."""
        with open_published(self.path.parent / "var" / "warehouse.duckdb") as con:
            return con.execute(sql).fetchall()


@pytest.fixture
def house(registers: Registers) -> House:
    return House(registers)


def test_what_happens_in_a_file_arrives_and_history_stays(house: House) -> None:
    house.registers.write("suppliers", HEADER + "S-1,A,active,O,2027-01-31\nS-2,B,active,O,\nS-3,C,active,O,\n")
    first = house.night()
    assert {result.status for result in first.values()} == {"complete"}
    assert set(first) == set(REGISTERS)
    assert (first["suppliers"].added, first["suppliers"].source_count, first["suppliers"].warehouse_count) == (3, 3, 3)
    second = house.night()
    assert sum(result.added + result.changed + result.deleted for result in second.values()) == 0
    house.registers.write("suppliers", HEADER + "S-4,D,active,O,\nS-3,C,ended,O,\nS-1,A,active,O,2027-01-31\n")
    third = house.night()["suppliers"]
    assert (third.status, third.added, third.changed, third.deleted, third.unchanged) == ("complete", 1, 1, 1, 1)
    assert house.rows("select number, state from canonical.register_entry order by number") == [
        ("S-1", "active"), ("S-3", "ended"), ("S-4", "active"),
    ]  # fmt: skip
    told = house.rows("select source_key, deleted_kind, deleted_reason from audit.evidence where is_deleted")
    assert [row[:2] for row in told] == [("S-2", "deleted")]
    assert "no longer in suppliers.csv (file of " in str(told[0][2])
    house.registers.write("suppliers", HEADER + "S-2,B,active,O,\n")
    fourth = house.night()["suppliers"]
    assert (fourth.status, fourth.deleted, fourth.warehouse_count) == ("complete", 3, 1), "back, and the others gone"


@pytest.mark.fault(
    "files",
    "C10",
    "A good row of yesterday has a bad date today",
    "The run is complete, the gap is named, the last good version stays the latest.",
)
def test_a_row_that_becomes_bad_keeps_its_last_good_version(house: House) -> None:
    house.registers.write("suppliers", HEADER + "S-1,A,active,O,2027-01-31\nS-2,B,active,O,\n")
    house.night()
    house.registers.write("suppliers", HEADER + "S-1,A,active,O,31.01.2028\nS-2,B,ended,O,\n")
    for _ in range(2):
        result = house.night()["suppliers"]
        assert (result.status, result.deleted, result.quarantined, result.hidden) == ("complete", 0, 1, 0)
        assert (result.source_count, result.warehouse_count) == (2, 2)
    found = house.rows("select number, state, valid_until::varchar from canonical.register_entry order by number")
    assert found == [("S-1", "active", "2027-01-31"), ("S-2", "ended", None)]
    gaps = house.rows("select distinct source_key, kind, reason from audit.gap")
    assert gaps == [
        ("S-1", "quarantined", "suppliers.csv line 2, column contract_until: '31.01.2028' is no date; write 2028-01-31")
    ]
    house.registers.write("suppliers", HEADER + "S-1,A,active,O,2028-01-31\nS-2,B,ended,O,\n")
    healed = house.night()["suppliers"]
    assert (healed.status, healed.changed, healed.quarantined) == ("complete", 1, 0)


def test_rows_without_a_usable_key_are_counted(house: House) -> None:
    house.registers.write("suppliers", HEADER + "S-1,A,active,O,\n,B,active,O,\nS-1,C,active,O,\nS-4,D,active\n\n")
    for _ in range(2):
        result = house.night()["suppliers"]
        assert result.status == "complete"
        assert (result.source_count, result.warehouse_count, result.quarantined, result.hidden) == (4, 1, 3, 0)
    assert sorted(row[0] for row in house.rows("select distinct source_key from audit.gap")) == [
        "S-4", "line 3", "line 4",
    ]  # fmt: skip


@pytest.mark.fault(
    "files",
    "F9",
    "One register can't be read: its header is broken",
    "That stream is incomplete and keeps its last complete state; the others are complete.",
)
def test_a_broken_file_takes_no_other_register_down(house: House) -> None:
    house.registers.write("suppliers", HEADER + "S-1,A,active,O,\n")
    house.night()
    house.registers.write("suppliers", "id,name\nS-2,B\n")
    results = house.night()
    assert results["suppliers"].status == "incomplete"
    assert "has no column 'status', 'owner'" in str(results["suppliers"].error)
    assert {result.status for name, result in results.items() if name != "suppliers"} == {"complete"}
    assert house.rows("select number from canonical.register_entry") == [("S-1",)]


def test_a_folder_that_is_gone_deletes_nothing(house: House) -> None:
    house.registers.write("suppliers", HEADER + "S-1,A,active,O,\n")
    house.night()
    away = house.registers.folder.rename(house.registers.folder.with_name("away"))
    results = house.night()
    assert {result.status for result in results.values()} == {"incomplete"}
    assert sum(result.deleted for result in results.values()) == 0
    away.rename(house.registers.folder)
    assert {result.status for result in house.night().values()} == {"complete"}


def test_a_register_that_is_not_kept_is_skipped(registers: Registers) -> None:
    (registers.folder / "training.csv").unlink()
    results = House(registers, 'skip = ["training"]\n').night()
    assert results["training"].status == "skipped"
    assert {result.status for name, result in results.items() if name != "training"} == {"complete"}


# ------------------------------------------------------------ any edits

ROW = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["S-1", "S-2", "S-3", "S-4", "S 5", 'S"6', ""]),
        "name": st.text(alphabet='ab",;\n\r =<é\x00', max_size=5).map(lambda text: f"n{text}n"),
        "status": st.sampled_from(["active", "ended", "ended", "Active", "actve"]),
        "owner": st.just("O"),
        "contract_until": st.sampled_from(["", "2026-12-31", "2027-01-31", "31.12.2026"]),
    }
)


def is_good(row: Mapping[str, str]) -> bool:
    return row["status"] != "actve" and "." not in row["contract_until"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=st.lists(st.lists(ROW, max_size=6), min_size=1, max_size=4),
    delimiter=st.sampled_from([",", ";"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_after_any_edits_the_evidence_holds_what_the_file_holds(
    registers: Registers,
    tmp_path_factory: pytest.TempPathFactory,
    states: list[list[dict[str, str]]],
    delimiter: str,
    end: str,
) -> None:
    others = ", ".join(f'"{name}"' for name in REGISTERS if name != "suppliers")
    house = House(registers, f'delimiter = "{delimiter}"\nskip = [{others}]\n')
    house.path = configure(tmp_path_factory.mktemp("house"), registers.folder, house.path.read_text().split("\n", 6)[6])
    stored: dict[str, dict[str, str]] = {}
    for state in states:
        out = io.StringIO(newline="")
        writer = csv.DictWriter(
            out, list(HEADER.strip().split(",")), delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL
        )
        writer.writeheader()
        writer.writerows(state)
        registers.write("suppliers", out.getvalue())
        firsts: dict[str, dict[str, str]] = {}
        for row in state:
            if row["id"]:
                firsts.setdefault(row["id"], row)
        stored = {key: row for key, row in stored.items() if key in firsts}
        stored |= {key: row for key, row in firsts.items() if is_good(row)}
        result, found = house.read("suppliers")
        assert result.status == "complete", result.error
        assert found == stored
        assert (result.source_count, result.warehouse_count, result.hidden) == (len(state), len(stored), 0)
        assert result.quarantined == len(state) - sum(is_good(row) for row in firsts.values())
