"""CHG-04: an approval counts when the change as a whole was approved before it started; a late one does not."""

from __future__ import annotations

from typing import Any

CHANGE = {
    "type": "normal",
    "state": "closed",
    "approval": "approved",
    "approved_at": "2026-09-03 08:00:00+00",
    "opened_at": "2026-09-01 08:00:00+00",
    "actual_start_at": "2026-09-05 18:00:00+00",
}


def change(ledger: Any, key: str, **values: object) -> None:
    ledger.add("change", key, **{**CHANGE, **values})


def test_late_missing_refused_and_flagged_are_unauthorised(ledger: Any) -> None:
    change(ledger, "good")
    change(ledger, "same_second", approved_at="2026-09-05 18:00:00+00")
    change(ledger, "late", approved_at="2026-09-05 18:00:01+00")
    change(ledger, "none", approved_at=None, approval="requested")
    change(ledger, "undated", approved_at=None)
    change(ledger, "refused", approval="rejected")
    change(ledger, "flagged", is_unauthorized=True)
    change(ledger, "not_asked", approved_at=None, approval="not_required")
    assert {key for key, (_, met, _) in ledger.units("CHG-04", "2026-09").items() if not met} == {"good", "same_second"}
    row = ledger.row("CHG-04", "2026-09")
    assert (row["value"], row["denominator"], row["status"]) == (6, 8, "missed")
    assert ledger.note("CHG-04", "late") == "approved after the start"
    assert ledger.note("CHG-04", "undated") == "approved, but no time of the decision is recorded"


def test_started_is_enough_and_the_month_is_that_of_the_start(ledger: Any) -> None:
    change(ledger, "running", state="implement", approved_at=None, actual_start_at="2026-10-31 20:00:00+00")
    change(ledger, "planned", state="scheduled", approved_at=None, actual_start_at=None)
    assert list(ledger.units("CHG-04", "2026-10")) == ["running"]
    assert ledger.value("CHG-04", "2026-10") == 1


def test_a_preapproved_standard_change_is_out_and_shown_but_another_standard_change_is_in(ledger: Any) -> None:
    change(ledger, "model", type="standard", is_preapproved=True, approved_at=None, approval="not_required")
    change(ledger, "standard", type="standard", approved_at=None, approval="not_required")
    assert ledger.units("CHG-04", "2026-09") == {
        "model": (False, False, "pre-approved standard change"),
        "standard": (True, True, None),
    }


def test_no_change_started_is_zero_and_no_changes_at_all_is_no_data(ledger: Any) -> None:
    change(ledger, "good")
    ledger.add("incident", "i", source="desk", state="new", opened_at="2026-09-01 08:00:00+00")
    ledger.warehouse.run("issue", source="desk")
    assert ledger.value("CHG-04", "2026-10") == 0
    assert ledger.value("CHG-04", "2026-10", source="snow") == 0
    assert ledger.value("CHG-04", "2026-10", source="desk") is None
