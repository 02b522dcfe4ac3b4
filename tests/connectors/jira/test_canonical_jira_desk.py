"""Clocks and approvals inside Jira issues. Protects: every cycle counts, a pause does not breach, the tool's own word on
a breach, and the decision of a change as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.connectors.conftest import Stage

INCIDENT, PROBLEM, CHANGE = "[System] Incident", "[System] Problem", "[System] Change"


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of October 2026, UTC."""
    return datetime(2026, 10, number, hour, minute, tzinfo=UTC)


@pytest.fixture
def jira(make_stage: Callable[[str, str], Stage]) -> Stage:
    return make_stage("jira", "ops")


def issue(jira: Stage, id_: str, issuetype: str = INCIDENT, status: str = "Open", **values: object) -> None:
    row = {
        "id": id_,
        "key": f"OPS-{id_}",
        "issuetype": issuetype,
        "status": status,
        "created": day(1),
        "updated": day(20),
    }
    jira.add("issue", id_, **{**row, **values})


def millis(at: datetime) -> dict[str, object]:
    return {"iso8601": "never read", "epochMillis": round(at.timestamp() * 1000)}


def step(id_: str, final: str, asked: datetime, done: datetime | None, **decisions: str) -> dict[str, object]:
    """An approval step; decisions by account."""
    asked_of = [
        {"approver": {"accountId": who, "displayName": who.title()}, "approverDecision": d}
        for who, d in decisions.items()
    ]
    found: dict[str, object] = {"id": id_, "name": "CAB", "finalDecision": final, "approvers": asked_of}
    return found | {"createdDate": millis(asked)} | ({"completedDate": millis(done)} if done else {})


def test_one_row_per_approver_dated_by_the_step(jira: Stage) -> None:
    steps = [
        step("1", "approved", day(2), day(3), ann="approved", bob="pending"),
        step("2", "pending", day(4), None, ann="approved", cy="pending", dan="abstained"),
        step("3", "declined", day(5), day(6), ann="declined"),
        step("4", "approved", day(7), day(8)),
    ]
    issue(jira, "1", CHANGE, approvals=json.dumps(steps))
    found = {key: (row["state"], row["decided_at"]) for key, row in jira.rows("approval").items()}
    assert found == {
        "1/1/ann": ("approved", day(3)),
        "1/1/bob": ("not_required", None),
        "1/2/ann": ("approved", None),
        "1/2/cy": ("requested", None),
        "1/2/dan": ("unknown", None),
        "1/3/ann": ("rejected", day(6)),
        "1/4/1": ("approved", day(8)),
    }
    row = jira.rows("approval")["1/1/bob"]
    assert (row["record_id"], row["entity"], row["original_state"]) == ("ops:change:1", "change", "pending")
    assert (row["approver_id"], row["requested_at"], row["name"]) == ("ops:person:bob", day(2), "CAB")
    assert {"ann", "bob", "cy", "dan"} <= set(jira.rows("person"))


@pytest.mark.parametrize(
    ("steps", "approval", "approved_at"),
    [
        ([step("1", "approved", day(2), day(3)), step("2", "approved", day(4), day(6))], "approved", day(6)),
        ([step("1", "approved", day(2), day(3)), step("2", "pending", day(4), None)], "requested", None),
        ([step("1", "approved", day(2), day(5)), step("2", "declined", day(2), day(3))], "rejected", None),
        ([step("1", "declined", day(2), day(3)), step("2", "approved", day(4), day(5))], "approved", day(5)),
        ([step("1", "declined", day(2), day(3)), step("2", "pending", day(4), None)], "requested", None),
        ([step("1", "shrugged", day(2), day(3))], "unknown", None),
        ([], None, None),
        (None, None, None),
        ("no list", None, None),
    ],
)
def test_the_change_is_approved_when_all_steps_that_stand_are(
    jira: Stage, steps: object, approval: str | None, approved_at: datetime | None
) -> None:
    issue(jira, "1", CHANGE, approvals=json.dumps(steps) if steps is not None else None)
    row = jira.rows("change")["1"]
    assert (row["approval"], row["approved_at"]) == (approval, approved_at)


def test_a_late_approval_keeps_its_own_time(jira: Stage) -> None:
    steps = [step("1", "approved", day(2), day(9), ann="approved")]
    issue(jira, "1", CHANGE, "Implementing", actual_start=day(5), approvals=json.dumps(steps))
    row = jira.rows("change")["1"]
    assert (row["actual_start_at"], row["approved_at"]) == (day(5), day(9))


def test_a_standard_change_that_nobody_was_asked_about_is_preapproved(jira: Stage) -> None:
    issue(jira, "1", CHANGE, change_type="Standard")
    issue(jira, "2", CHANGE, change_type="Standard", approvals=json.dumps([step("1", "pending", day(2), None)]))
    issue(jira, "3", CHANGE, change_type="Normal")
    found = {key: row["is_preapproved"] for key, row in jira.rows("change").items()}
    assert found == {"1": True, "2": False, "3": False}


def cycle(start: datetime, breach: datetime | None, stop: datetime | None = None, **more: object) -> dict[str, object]:
    found = {"startTime": millis(start), "goalDuration": {"millis": 3_600_000}, "elapsedTime": {"millis": 1_800_000}}
    found |= {"breachTime": millis(breach)} if breach else {}
    return found | ({"stopTime": millis(stop)} if stop else {}) | more


def sla(name: str = "Time to resolution", id_: str = "4", **cycles: object) -> str:
    return json.dumps({"id": id_, "name": name, **cycles})


def test_every_cycle_is_a_clock(jira: Stage) -> None:
    done = [
        cycle(day(2), day(3), day(2, 12), breached=False),
        cycle(day(5), day(6), day(7), breached=True),
        cycle(day(8), day(9), day(10), breached=False),
        cycle(day(11), day(12), day(13)),
    ]
    issue(
        jira, "1", sla_1=sla(completedCycles=done, ongoingCycle=cycle(day(20), day(25), breached=False, paused=False))
    )
    found = jira.rows("sla_instance")
    assert list(found) == [f"1/4/{n}" for n in range(1, 6)]
    assert [row["state"] for row in found.values()] == ["completed"] * 4 + ["in_progress"]
    assert [row["is_breached"] for row in found.values()] == [False, True, False, True, True], (
        "the tool's own word; without one the stop; and what runs past its time by now"
    )
    row = found["1/4/1"]
    assert (row["started_at"], row["stopped_at"], row["breach_at"]) == (day(2), day(2, 12), day(3))
    assert (row["elapsed_seconds"], row["target_seconds"], row["target"]) == (1800, 3600, "resolution")
    assert (row["record_id"], row["entity"], row["type"]) == ("ops:incident:1", "incident", "sla")
    assert row["sla_definition_id"] in {d["sla_definition_id"] for d in jira.rows("sla_definition").values()}


def test_a_paused_clock_does_not_breach_by_the_passing_of_time(jira: Stage) -> None:
    issue(jira, "1", sla_40=sla(ongoingCycle=cycle(day(2), day(3), paused=True, breached=False)))
    issue(jira, "2", sla_2=sla(completedCycles=[], ongoingCycle=cycle(day(2), None, paused=True, breached=False)))
    issue(jira, "3", sla_2=sla(ongoingCycle=cycle(day(2), day(3), paused=True, breached=True)))
    found = {key: (row["state"], row["is_breached"]) for key, row in jira.rows("sla_instance").items()}
    assert found == {"1/4/1": ("paused", False), "2/4/1": ("paused", False), "3/4/1": ("paused", True)}


@pytest.mark.parametrize(
    "value",
    [
        "[]",
        '"text"',
        "{}",
        sla(),
        sla(completedCycles=None, ongoingCycle=None),
        sla(ongoingCycle="x"),
        sla(completedCycles={}),
    ],
)
def test_a_field_without_a_cycle_is_no_clock(jira: Stage, value: str) -> None:
    issue(jira, "1", sla_1=value)
    assert jira.rows("sla_instance") == {}


def test_clocks_of_requests_are_kept(jira: Stage) -> None:
    issue(jira, "1", "Service Request", sla_1=sla(ongoingCycle=cycle(day(2), day(3))))
    issue(jira, "2", "Task", sla_1=sla("Time to cook", ongoingCycle=cycle(day(2), day(3))))
    found = {key: (row["record_id"], row["entity"], row["target"]) for key, row in jira.rows("sla_instance").items()}
    assert found == {
        "1/4/1": ("ops:service_request:1", "service_request", "resolution"),
        "2/4/1": ("ops:issue:2", "issue", "other"),
    }


def test_a_definition_is_the_field_and_the_policy_says_what_is_an_ola(jira: Stage) -> None:
    jira.mean("sla_definition.type", **{"Time to triage": "ola"})
    for number, name in (("1", "Time to triage"), ("2", "Time to resolution")):
        jira.add("field", number, id=f"customfield_{number}", name=name, schema_type="sd-servicelevelagreement")
    issue(jira, "1", sla_1=sla("Time to triage", ongoingCycle=cycle(day(2), day(3))))
    issue(jira, "2", sla_1=sla("Time to first response", "9", ongoingCycle=cycle(day(2), day(3))))
    found = {key: (row["type"], row["target"], row["is_active"]) for key, row in jira.rows("sla_definition").items()}
    assert found == {
        "Time to triage": ("ola", "other", True),
        "Time to resolution": ("sla", "resolution", False),
        "Time to first response": ("sla", "response", True),
    }
    assert jira.rows("sla_definition")["Time to triage"]["evidence_id"] == "field/1@1"
    assert jira.rows("sla_instance")["1/4/1"]["type"] == "ola"


@pytest.mark.parametrize("text", ["'; drop table canonical.incident; --", '{"type":"doc"', "=1+1", "\u202egnp.exe"])
def test_hostile_text_is_carried_as_it_is(jira: Stage, text: str) -> None:
    steps = [step(text, text, day(2), day(3), **{text: text})]
    issue(jira, "1", CHANGE, approvals=json.dumps(steps), sla_1=sla(text, text, ongoingCycle=cycle(day(2), day(3))))
    assert jira.rows("change")["1"]["approval"] == "unknown"
    [approval], [clock] = jira.rows("approval").values(), jira.rows("sla_instance").values()
    assert (approval["original_state"], approval["approver_id"]) == (text, f"ops:person:{text}")
    assert (clock["name"], clock["target"]) == (text, "other")
    assert set(jira.rows("sla_definition")) == {text}
