"""INC-01: open at start + opened + reopened - resolved = open at end, whatever the history looks like."""

from __future__ import annotations

from typing import Any

import pytest

MEASURES = ("open_start", "opened", "reopened", "resolved", "open_end")


def incident(ledger: Any, key: str, opened: str, state: str, **values: object) -> str:
    return str(ledger.add("incident", key, opened_at=f"{opened}+00", state=state, **values))


def balance(ledger: Any, month: str) -> tuple[float, ...]:
    figures = tuple(ledger.value("INC-01", month, measure) for measure in MEASURES)
    assert figures[0] + figures[1] + figures[2] - figures[3] == figures[4]
    return figures


def test_a_reopened_incident_is_resolved_twice(ledger: Any) -> None:
    one = incident(ledger, "1", "2026-08-20 08:00:00", "closed", resolved_at="2026-10-04 08:00:00+00")
    ledger.history(
        one,
        ("2026-08-21 08:00:00", "new", "in_progress"),
        ("2026-08-30 08:00:00", "in_progress", "resolved"),
        ("2026-09-02 08:00:00", "resolved", "in_progress"),
        ("2026-10-04 08:00:00", "in_progress", "resolved"),
        ("2026-10-09 08:00:00", "resolved", "closed"),
    )
    assert balance(ledger, "2026-08") == (0, 1, 0, 1, 0)
    assert balance(ledger, "2026-09") == (0, 0, 1, 0, 1)
    assert balance(ledger, "2026-10") == (1, 0, 0, 1, 0)


def test_without_history_the_record_itself_says_when_it_ended(ledger: Any) -> None:
    incident(ledger, "resolved", "2026-08-20 08:00:00", "closed", resolved_at="2026-09-02 08:00:00+00")
    incident(ledger, "closed_only", "2026-08-20 08:00:00", "closed", closed_at="2026-10-02 08:00:00+00")
    incident(ledger, "open", "2026-08-20 08:00:00", "on_hold")
    assert balance(ledger, "2026-08") == (0, 3, 0, 0, 3)
    assert balance(ledger, "2026-09") == (3, 0, 0, 1, 2)
    assert balance(ledger, "2026-10") == (2, 0, 0, 1, 1)


def test_closed_without_a_resolution_is_resolved_at_closing(ledger: Any) -> None:
    one = incident(ledger, "1", "2026-08-20 08:00:00", "closed", closed_at="2026-09-03 08:00:00+00")
    ledger.history(one, ("2026-09-03 08:00:00", "new", "closed"))
    assert balance(ledger, "2026-09") == (1, 0, 0, 1, 0)


def test_cancelled_as_known_now_is_left_out_everywhere_and_shown(ledger: Any) -> None:
    one = incident(ledger, "1", "2026-08-20 08:00:00", "cancelled", closed_at="2026-10-03 08:00:00+00")
    ledger.history(one, ("2026-10-03 08:00:00", "new", "cancelled"))
    incident(ledger, "2", "2026-08-20 08:00:00", "new")
    assert balance(ledger, "2026-08") == (0, 1, 0, 0, 1)
    assert balance(ledger, "2026-10") == (1, 0, 0, 0, 1)
    assert ledger.units("INC-01", "2026-08", "opened")["1"] == (False, False, "cancelled")


def test_moves_of_the_same_second_are_put_in_order(ledger: Any) -> None:
    one = incident(ledger, "1", "2026-08-20 08:00:00", "closed", resolved_at="2026-08-21 08:00:00+00")
    ledger.history(
        one,
        ("2026-08-21 08:00:00", "new", "in_progress"),
        ("2026-08-21 08:00:00", "in_progress", "resolved"),
        ("2026-08-26 08:00:00", "resolved", "closed"),
    )
    assert balance(ledger, "2026-08") == (0, 1, 0, 1, 0)


@pytest.mark.parametrize(
    ("state", "moves", "expected"),
    [
        ("closed", [("2026-09-02 08:00:00", "new", "in_progress")], (1, 0, 0, 1, 0)),
        ("in_progress", [("2026-09-02 08:00:00", "new", "resolved")], (1, 0, 1, 1, 1)),
        ("in_progress", [("2026-09-02 08:00:00", "resolved", "in_progress")], (0, 0, 1, 0, 1)),
        ("closed", [("2026-09-02 08:00:00", "resolved", "closed")], (0, 0, 0, 0, 0)),
        ("closed", [("2026-08-01 08:00:00", "new", "resolved")], (0, 0, 0, 0, 0)),
        ("unknown", [("2026-09-02 08:00:00", "new", "unknown")], (1, 0, 0, 0, 1)),
    ],
    ids=[
        "end missing",
        "reopening missing",
        "made resolved",
        "made resolved and closed",
        "before the opening",
        "unmapped",
    ],
)
def test_a_gap_in_the_history_is_reconciled_with_the_record(
    ledger: Any, state: str, moves: list[tuple[str, str, str]], expected: tuple[int, ...]
) -> None:
    fields = (
        {"resolved_at": "2026-09-05 08:00:00+00"} if state == "closed" else {"updated_at": "2026-09-05 08:00:00+00"}
    )
    ledger.history(incident(ledger, "1", "2026-08-20 08:00:00", state, **fields), *moves)
    incident(ledger, "first", "2026-08-01 08:00:00", "cancelled")
    balance(ledger, "2026-08")
    assert balance(ledger, "2026-09") == expected


def test_the_border_of_the_month_is_midnight_in_amsterdam_on_both_sides_of_the_clock_change(ledger: Any) -> None:
    incident(ledger, "march", "2026-03-31 21:59:59", "new")
    incident(ledger, "april", "2026-03-31 22:00:00", "new")
    incident(ledger, "october", "2026-10-31 22:59:59", "new")
    incident(ledger, "november", "2026-10-31 23:00:00", "new")
    for month, key in (("2026-03", "march"), ("2026-04", "april"), ("2026-10", "october"), ("2026-11", "november")):
        assert list(ledger.units("INC-01", month, "opened")) == [key]
    assert balance(ledger, "2026-11") == (3, 1, 0, 0, 4)
    assert ledger.row("INC-01", "2026-11", "opened")["reason"] == "the month is not over: provisional"
