"""INC-04: clock hours to the last resolution, with what is left out shown; median, ninth decile and mean side by side."""

from __future__ import annotations

from typing import Any


def incident(ledger: Any, key: str, resolved: str | None, **values: object) -> None:
    given = {"state": "closed", "opened_at": "2026-09-01 08:00:00+00", "resolved_at": resolved and f"{resolved}+00"}
    ledger.add("incident", key, **{**given, **values})


def test_percentiles_interpolate_and_the_mean_stands_beside(ledger: Any) -> None:
    for hours in (1, 2, 3, 10):
        incident(ledger, str(hours), f"2026-09-01 {8 + hours:02}:00:00")
    assert ledger.value("INC-04", "2026-09", "median") == 2.5
    assert round(ledger.value("INC-04", "2026-09", "p90"), 6) == 7.9
    assert ledger.value("INC-04", "2026-09", "mean") == 4.0
    row = ledger.row("INC-04", "2026-09", "median")
    assert (row["n"], row["unit"], row["reason"]) == (4, "hours", "n = 4: too few for a median alone")


def test_a_reopened_incident_counts_once_with_its_last_resolution(ledger: Any) -> None:
    incident(ledger, "1", "2026-10-02 08:00:00", reopened_count=1)
    one = "snow:incident:1"
    ledger.history(one, ("2026-09-02 08:00:00", "new", "resolved"), ("2026-09-03 08:00:00", "resolved", "new"))
    assert ledger.row("INC-04", "2026-09", "median")["value"] is None
    assert ledger.value("INC-04", "2026-10", "median") == 31 * 24.0


def test_what_is_left_out_is_shown_with_its_reason(ledger: Any) -> None:
    incident(ledger, "good", "2026-09-02 08:00:00")
    incident(ledger, "child", "2026-09-02 08:00:00", parent_incident_id="snow:incident:good")
    incident(ledger, "negative", "2026-09-02 08:00:00", opened_at="2026-09-03 08:00:00+00")
    incident(ledger, "cancelled", "2026-09-02 08:00:00", state="cancelled")
    incident(ledger, "reopened", "2026-09-02 08:00:00", state="in_progress")
    incident(ledger, "unresolved", None, closed_at="2026-09-04 08:00:00+00")
    why = {key: why for key, (_, _, why) in ledger.units("INC-04", "2026-09", "median").items()}
    assert why == {
        "good": None,
        "child": "child or duplicate of another incident",
        "negative": "resolved before it was opened",
        "cancelled": "cancelled",
        "reopened": "reopened and not resolved again",
        "unresolved": "closed without a time of resolution",
    }
    assert ledger.value("INC-04", "2026-09", "mean") == 24.0


def test_hours_are_those_of_the_clock_also_when_it_changes(ledger: Any) -> None:
    incident(ledger, "1", "2026-10-25 12:00:00", opened_at="2026-10-24 12:00:00+00")
    assert ledger.value("INC-04", "2026-10", "median") == 24.0
