"""DQ-01: stored against counted by the source, over every stream that was read; hidden records show as a gap."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def runs(ledger: Any) -> Any:
    """A ticket from September, so that both months exist."""
    ledger.add("incident", "i", state="new", opened_at="2026-09-01 08:00:00+00")
    return ledger


def run(ledger: Any, sync_id: str, stream: str, counts: tuple[int | None, int | None], **values: object) -> None:
    source_count, warehouse_count = counts
    given = {"started_at": "2026-09-20 01:30:00+00", "sync_id": sync_id}
    ledger.warehouse.run(stream, source_count=source_count, warehouse_count=warehouse_count, **{**given, **values})


def test_counts_are_summed_before_they_are_divided(runs: Any) -> None:
    run(runs, "1", "incident", (90, 90))
    run(runs, "1", "problem", (10, 5), status="incomplete", hidden=5)
    run(runs, "2", "incident", (100, 100), started_at="2026-10-20 01:30:00+00")
    assert runs.share("DQ-01", "2026-09") == (95, 100)
    row = runs.row("DQ-01", "2026-09")
    assert (row["value"], row["unit"], row["target"], row["status"]) == (0.95, "ratio", 1.0, "missed")
    assert runs.row("DQ-01", "2026-10")["status"] == "met"
    assert runs.units("DQ-01", "2026-09") == {"incident": (True, True, None), "problem": (True, False, None)}


def test_reads_without_a_count_are_out_and_unfinished_reads_are_not_there(runs: Any) -> None:
    run(runs, "1", "incident", (90, 90))
    run(runs, "1", "status", (None, 12))
    run(runs, "1", "user", (40, None))
    for status in ("failed", "skipped", "running"):
        run(runs, "1", status, (5, 0), status=status)
    assert {key: (unit[0], unit[2]) for key, unit in runs.units("DQ-01", "2026-09").items()} == {
        "incident": (True, None),
        "status": (False, "the source gave no count"),
        "user": (False, "the stored records were not counted"),
    }
    assert runs.value("DQ-01", "2026-09") == 1.0


def test_the_month_is_that_of_the_start_and_each_source_has_its_own(runs: Any) -> None:
    run(runs, "1", "incident", (4, 4), started_at="2026-09-30 21:59:00+00", finished_at="2026-09-30 22:30:00+00")
    run(runs, "1", "issue", (4, 2), source="desk")
    assert runs.value("DQ-01", "2026-09", source="snow") == 1.0
    assert runs.value("DQ-01", "2026-09", source="desk") == 0.5
    row = runs.row("DQ-01", "2026-10")
    assert (row["value"], row["status"], row["reason"]) == (None, "no_data", "no unit in the period")
