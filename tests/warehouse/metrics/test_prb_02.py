"""PRB-02: closures against everything that could have been closed; cancelled and duplicate are no closures."""

from __future__ import annotations

from typing import Any


def problem(ledger: Any, key: str, opened: str, closed: str | None = None, **values: object) -> None:
    given = {"state": "closed" if closed else "root_cause_analysis", "closed_at": closed and f"{closed} 08:00:00+00"}
    ledger.add("problem", key, opened_at=f"{opened} 08:00:00+00", **{**given, **values})


def test_closed_in_the_month_of_those_open_at_its_start_or_opened_in_it(ledger: Any) -> None:
    problem(ledger, "before", "2026-08-10", "2026-09-02")
    problem(ledger, "within", "2026-09-10", "2026-09-20")
    problem(ledger, "later", "2026-09-10", "2026-10-20")
    problem(ledger, "open", "2026-08-10")
    problem(ledger, "done", "2026-08-10", "2026-08-20")
    assert ledger.share("PRB-02", "2026-08") == (1, 3)
    assert ledger.share("PRB-02", "2026-09") == (2, 4)
    assert ledger.share("PRB-02", "2026-10") == (1, 2)
    assert ledger.row("PRB-02", "2026-09")["status"] == "no_target"


def test_cancelled_and_duplicate_are_out_on_both_sides_and_shown(ledger: Any) -> None:
    problem(ledger, "good", "2026-09-01", "2026-09-20")
    problem(ledger, "cancelled", "2026-09-01", "2026-09-20", state="cancelled")
    problem(ledger, "duplicate", "2026-09-01", "2026-09-20", resolution_code="duplicate")
    units = ledger.units("PRB-02", "2026-09")
    assert {key: why for key, (_, _, why) in units.items()} == {
        "good": None,
        "cancelled": "cancelled or duplicate",
        "duplicate": "cancelled or duplicate",
    }
    assert ledger.value("PRB-02", "2026-09") == 100.0


def test_resolved_is_not_closed_and_a_reopened_problem_is_open(ledger: Any) -> None:
    problem(ledger, "resolved", "2026-09-01", state="resolved", resolved_at="2026-09-20 08:00:00+00")
    problem(ledger, "reopened", "2026-09-01", "2026-09-10", state="fix_in_progress")
    problem(ledger, "undated", "2026-09-01", state="closed", resolved_at="2026-09-20 08:00:00+00")
    assert ledger.units("PRB-02", "2026-09") == {
        "resolved": (True, False, None),
        "reopened": (True, False, None),
        "undated": (True, True, None),
    }
    assert set(ledger.units("PRB-02", "2026-10")) == {"resolved", "reopened"}
