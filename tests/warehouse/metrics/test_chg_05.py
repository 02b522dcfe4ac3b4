"""CHG-05: the auditor asks for one change, so each change says which of its steps have no evidence."""

from __future__ import annotations

from typing import Any

FULL = {
    "type": "normal",
    "risk": "moderate",
    "state": "closed",
    "approval": "approved",
    "requested_by": "snow:person:1",
    "opened_at": "2026-09-01 08:00:00+00",
    "approved_at": "2026-09-03 08:00:00+00",
    "planned_start_at": "2026-09-05 18:00:00+00",
    "planned_end_at": "2026-09-05 21:00:00+00",
    "actual_start_at": "2026-09-05 18:05:00+00",
    "actual_end_at": "2026-09-05 20:00:00+00",
    "closed_at": "2026-09-08 08:00:00+00",
    "reviewed_at": "2026-09-07 08:00:00+00",
    "assessment": "Readings wait",
    "review": "Went well",
    "configuration_item_id": "snow:configuration_item:db",
}


def change(ledger: Any, key: str, **values: object) -> str:
    return str(ledger.add("change", key, **{**FULL, **values}))


def test_each_step_that_lacks_evidence_is_named(ledger: Any) -> None:
    ledger.add("configuration_item", "db", status="in_use")
    lacking = {
        "raised": {"requested_by": None},
        "classified": {"type": "unknown"},
        "assessed": {"assessment": None},
        "approved": {"approved_at": None, "approval": "requested"},
        "scheduled": {"planned_end_at": None},
        "implemented": {"actual_start_at": None},
        "reviewed": {"review": None},
        "linked": {"configuration_item_id": "snow:configuration_item:gone"},
    }
    change(ledger, "full")
    for step, values in lacking.items():
        change(ledger, step, **values)
    assert ledger.note("CHG-05", "full") is None
    assert {step: ledger.note("CHG-05", step) for step in lacking} == {step: step for step in lacking}
    assert ledger.share("CHG-05", "2026-09") == (1, 9)


def test_a_late_approval_is_one_and_an_early_review_is_none(ledger: Any) -> None:
    ledger.add("configuration_item", "db", status="in_use")
    change(ledger, "late", approved_at="2026-09-07 08:00:00+00")
    change(ledger, "early", reviewed_at="2026-09-05 19:59:59+00")
    change(ledger, "on_the_spot", reviewed_at="2026-09-05 20:00:00+00")
    assert [ledger.note("CHG-05", key) for key in ("late", "early", "on_the_spot")] == [None, "reviewed", None]


def test_a_preapproved_change_is_assessed_and_approved_with_its_model(ledger: Any) -> None:
    ledger.add("configuration_item", "db", status="in_use")
    model = {"type": "standard", "assessment": None, "risk": None, "approved_at": None}
    change(ledger, "model", is_preapproved=True, **model)
    change(ledger, "other", is_preapproved=False, **model)
    assert ledger.note("CHG-05", "model") is None
    assert ledger.note("CHG-05", "other") == "assessed, approved"


def test_a_link_in_the_list_of_items_counts_and_cancelled_changes_are_shown(ledger: Any) -> None:
    item = ledger.add("configuration_item", "web", status="in_use")
    listed = change(ledger, "listed", configuration_item_id=None)
    ends = {"from_id": listed, "from_entity": "change", "to_id": item, "to_entity": "configuration_item"}
    ledger.add("record_link", "l", type="affects", **ends)
    change(ledger, "cancelled", state="cancelled", configuration_item_id=None)
    units = ledger.units("CHG-05", "2026-09")
    assert units["listed"] == (True, True, None)
    assert units["cancelled"][::2] == (False, "cancelled")
