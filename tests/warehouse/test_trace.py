"""The change trace: each step with its evidence, or what is missing; a shared number asks for the source."""

from __future__ import annotations

import json
from typing import Any

import pytest

from warehouse.trace import AmbiguousNumberError, ChangeTrace, UnknownNumberError, trace_change

FULL = {
    "number": "CHG0030001",
    "title": "Raise the pool",
    "type": "normal",
    "risk": "moderate",
    "state": "closed",
    "outcome": "successful",
    "approval": "approved",
    "requested_by": "snow:person:1",
    "assigned_to": "snow:person:2",
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
}


def change(warehouse: Any, *, linked: bool = True, source: str = "snow", **values: object) -> ChangeTrace:
    change_id = warehouse.add("change", "c", source=source, **{**FULL, **values})
    warehouse.add("person", "1", name="Ada")
    warehouse.add("person", "2", name="Ben")
    warehouse.add("person", "3", name="Cem")
    if linked:
        item = warehouse.add("configuration_item", "i", name="db-1", status="in_use")
        warehouse.add(
            "record_link",
            "l",
            from_id=change_id,
            from_entity="change",
            to_id=item,
            to_entity="configuration_item",
            type="affects",
        )
    warehouse.add(
        "approval",
        "a",
        record_id=change_id,
        entity="change",
        approver_id="snow:person:3",
        state="approved" if values.get("approved_at", "x") else "requested",
        requested_at="2026-09-02 08:00:00+00",
        decided_at=values.get("approved_at", FULL["approved_at"]),
    )
    return trace_change(warehouse.build(), "chg0030001")


def step(trace: ChangeTrace, name: str) -> Any:
    return next(s for s in trace.steps if s.name == name)


def test_a_full_change_has_all_six_steps_with_time_actor_and_hash(warehouse: Any) -> None:
    trace = change(warehouse)
    assert [s.name for s in trace.steps] == ["raised", "assessed", "approved", "implemented", "reviewed", "linked"]
    assert {s.status for s in trace.steps} == {"done"}
    assert trace.missing == []
    assert all(proof.record_sha256 for s in trace.steps for proof in s.proofs)
    assert step(trace, "raised").actor == "Ada"
    assert step(trace, "approved").actor == "Cem"
    assert step(trace, "implemented").detail.startswith("2026-09-05 20:05 to 2026-09-05 22:00"), "in the report's zone"


@pytest.mark.parametrize(
    ("values", "name", "status", "missing"),
    [
        ({"requested_by": None}, "raised", "missing", "no requester"),
        ({"assessment": None}, "assessed", "missing", "no risk and impact analysis"),
        ({"risk": None, "assessment": None}, "assessed", "missing", "no risk level and risk and impact analysis"),
        ({"approved_at": None}, "approved", "missing", "no final approval"),
        ({"approved_at": "2026-09-06 08:00:00+00"}, "approved", "late", "after the start at 2026-09-05 20:05"),
        ({"actual_start_at": None, "actual_end_at": None}, "implemented", "missing", "no actual start and end"),
        ({"review": None}, "reviewed", "missing", "closed without a review"),
        ({"reviewed_at": None}, "reviewed", "missing", "no date"),
        ({"reviewed_at": "2026-09-04 08:00:00+00"}, "reviewed", "missing", "before the actual end"),
        ({"state": "review", "review": None}, "reviewed", "open", None),
        ({"is_preapproved": True, "approved_at": None, "assessment": None}, "approved", "not_required", None),
        ({"is_preapproved": True, "assessment": None}, "assessed", "not_required", None),
        ({"state": "cancelled", "actual_start_at": None}, "implemented", "not_required", None),
        (
            {"state": "scheduled", "actual_start_at": None, "actual_end_at": None, "approved_at": None},
            "approved",
            "open",
            None,
        ),
    ],
)
def test_what_is_missing_is_said(
    warehouse: Any, values: dict[str, object], name: str, status: str, missing: str | None
) -> None:
    found = step(change(warehouse, **values), name)
    assert found.status == status
    assert (found.missing is None) if missing is None else (missing in found.missing)


def test_a_link_to_nowhere_is_no_link(warehouse: Any) -> None:
    warehouse.add(
        "record_link",
        "l2",
        from_id="snow:change:c",
        from_entity="change",
        to_id="snow:configuration_item:gone",
        to_entity="configuration_item",
        type="affects",
    )
    trace = change(warehouse, linked=False)
    assert step(trace, "linked").status == "missing"
    assert [link.is_known for link in trace.links] == [False]


def test_linked_records_show_in_both_directions_with_their_own_hash(warehouse: Any) -> None:
    incident = warehouse.add("incident", "n", number="INC1", state="closed", opened_at="2026-09-01 00:00:00+00")
    warehouse.add(
        "record_link",
        "l3",
        from_id=incident,
        from_entity="incident",
        to_id="snow:change:c",
        to_entity="change",
        type="caused_by",
    )
    trace = change(warehouse)
    link = next(link for link in trace.links if link.entity == "incident")
    assert (link.relation, link.number, link.proof.evidence_id) == ("causes", "INC1", f"{incident}@1.1")


def test_a_number_of_two_sources_lists_both(warehouse: Any) -> None:
    warehouse.add("change", "c", source="other", **{**FULL, "title": "The other"})
    with pytest.raises(AmbiguousNumberError, match=r"--source other: The other; --source snow: Raise the pool"):
        change(warehouse)
    assert trace_change(warehouse.con, "CHG0030001", "other").title == "The other"


def test_an_unknown_number_says_what_to_do(warehouse: Any) -> None:
    warehouse.add("incident", "1", number="INC1", state="new", opened_at="2026-09-01 00:00:00+00")
    with pytest.raises(UnknownNumberError, match="sms-evidence sync"):
        trace_change(warehouse.build(), "CHG'; drop table canonical.change; --")


def test_the_json_form_is_plain_and_tells_the_figures_that_the_change_enters(warehouse: Any) -> None:
    document = json.loads(json.dumps(change(warehouse).as_dict()))
    assert document["is_complete"] is True
    assert document["steps"][3]["at"] == "2026-09-05T20:00:00+00:00"
    assert {figure["metric"] for figure in document["figures"]} >= {"CHG-01", "CHG-04", "CHG-05"}
