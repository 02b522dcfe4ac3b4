"""INC-06: a reopening is held against the month of the first resolution, also when it comes much later."""

from __future__ import annotations

from typing import Any


def incident(ledger: Any, key: str, *moves: tuple[str, str, str], **values: object) -> None:
    given = {"state": "closed", "opened_at": "2026-08-20 08:00:00+00"}
    ledger.history(ledger.add("incident", key, **{**given, **values}), *moves)


def test_a_late_reopening_restates_the_month_of_the_first_resolution(ledger: Any) -> None:
    first = ("2026-08-25 08:00:00", "new", "resolved")
    incident(ledger, "once", first)
    again = [("2026-10-02 08:00:00", "resolved", "in_progress"), ("2026-10-03 08:00:00", "in_progress", "resolved")]
    incident(ledger, "again", first, *again, reopened_count=1)
    assert ledger.units("INC-06", "2026-08") == {"once": (True, False, None), "again": (True, True, None)}
    assert ledger.value("INC-06", "2026-08") == 50.0
    assert ledger.units("INC-06", "2026-10") == {}


def test_the_counter_tells_of_a_reopening_that_the_history_lacks(ledger: Any) -> None:
    incident(ledger, "1", resolved_at="2026-09-02 08:00:00+00", reopened_count=2)
    assert ledger.units("INC-06", "2026-09") == {"1": (True, True, None)}


def test_an_open_incident_that_was_resolved_once_is_in(ledger: Any) -> None:
    moves = [("2026-08-25 08:00:00", "new", "resolved"), ("2026-08-26 08:00:00", "resolved", "in_progress")]
    incident(ledger, "1", *moves, state="in_progress")
    assert ledger.units("INC-06", "2026-08") == {"1": (True, True, None)}


def test_cancelled_is_out(ledger: Any) -> None:
    incident(ledger, "1", ("2026-08-25 08:00:00", "new", "cancelled"), state="cancelled")
    incident(
        ledger,
        "2",
        ("2026-08-25 08:00:00", "new", "resolved"),
        ("2026-08-26 08:00:00", "resolved", "cancelled"),
        state="cancelled",
    )
    assert ledger.units("INC-06", "2026-08") == {"2": (False, False, "cancelled")}
