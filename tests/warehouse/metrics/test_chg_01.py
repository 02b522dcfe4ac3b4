"""CHG-01: success is what the tool says, less what the change broke; silence is no success."""

from __future__ import annotations

from typing import Any

CHANGE = {
    "type": "normal",
    "state": "closed",
    "outcome": "successful",
    "opened_at": "2026-09-01 08:00:00+00",
    "actual_start_at": "2026-09-05 18:00:00+00",
    "actual_end_at": "2026-09-05 20:00:00+00",
    "closed_at": "2026-09-08 08:00:00+00",
}


def change(ledger: Any, key: str, **values: object) -> str:
    return str(ledger.add("change", key, **{**CHANGE, **values}))


def test_the_outcome_decides_and_an_empty_one_is_no_success(ledger: Any) -> None:
    change(ledger, "good")
    change(ledger, "issues", outcome="successful_with_issues")
    change(ledger, "bad", outcome="unsuccessful")
    change(ledger, "backed_out", outcome="backed_out")
    change(ledger, "silent", outcome=None)
    change(ledger, "unknown", outcome="unknown")
    assert {key for key, (_, met, _) in ledger.units("CHG-01", "2026-09").items() if met} == {"good", "issues"}
    assert ledger.share("CHG-01", "2026-09") == (2, 6)
    assert ledger.note("CHG-01", "silent") == "no outcome recorded"
    assert ledger.row("CHG-01", "2026-09")["reason"] == "n = 6: too few for a percentage alone"


def test_an_incident_linked_later_restates_the_month_until_thirty_days_after_the_end(ledger: Any) -> None:
    cases = {
        "at_once": ("2026-09-05 19:00:00+00", "new"),
        "last_day": ("2026-10-05 20:00:00+00", "closed"),
        "too_late": ("2026-10-05 20:00:01+00", "new"),
        "cancelled": ("2026-09-06 08:00:00+00", "cancelled"),
    }
    for key, (opened_at, state) in cases.items():
        ledger.add("incident", key, state=state, opened_at=opened_at, caused_by_change_id=change(ledger, key))
    met = {key: met for key, (_, met, _) in ledger.units("CHG-01", "2026-09").items()}
    assert met == {"at_once": False, "last_day": False, "too_late": True, "cancelled": True}


def test_the_observation_is_a_setting(ledger: Any) -> None:
    ledger.settings = {"observation_days": "5"}
    cause = change(ledger, "c")
    ledger.add("incident", "i", state="new", opened_at="2026-09-12 08:00:00+00", caused_by_change_id=cause)
    assert ledger.value("CHG-01", "2026-09") == 100.0


def test_what_was_never_implemented_is_out_and_shown_but_a_stopped_implementation_is_a_failure(ledger: Any) -> None:
    never = {"actual_start_at": None, "actual_end_at": None}
    change(ledger, "cancelled", state="cancelled", outcome=None, **never)
    change(ledger, "rejected", approval="rejected", outcome=None, **never)
    change(ledger, "nothing", **never)
    change(ledger, "stopped", state="cancelled", outcome=None)
    assert ledger.units("CHG-01", "2026-09") == {
        "cancelled": (False, False, "cancelled before it was implemented"),
        "rejected": (False, False, "rejected before it was implemented"),
        "nothing": (False, True, "not implemented"),
        "stopped": (True, False, None),
    }
    assert ledger.note("CHG-01", "stopped") == "cancelled after the start"
