"""Jira issues in, canonical rows out. Protects: SLA cycles, approval steps, links read in their direction, statuses known
by id, rich text, and times that the tool keeps only in the history.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.connectors.conftest import Stage

INCIDENT, PROBLEM, CHANGE = "[System] Incident", "[System] Problem", "[System] Change"
CAUSES = {"name": "Problem/Incident", "inward": "is caused by", "outward": "causes"}
RELATES = {"name": "Relates", "inward": "relates to", "outward": "relates to"}
DUPLICATE = {"name": "Duplicate", "inward": "is duplicated by", "outward": "duplicates"}
RESOLVES = {"name": "Resolve", "inward": "is resolved by", "outward": "resolves"}
HOSTILE = (
    "'; drop table canonical.incident; --",
    '{"type":"doc"',
    '<script>alert("1")</script>',
    "=1+1",
    "\u202egnp.exe",
)

Statuses = dict[str, str]


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


def history(jira: Stage, issue_id: str, at: datetime, *items: dict[str, object], author: str | None = "ann") -> None:
    id_ = f"{issue_id}{at:%d%H%M}"
    texts = [json.dumps(item) for item in items]
    jira.add(
        "changelog", f"{issue_id}/{id_}", id=id_, created=at, author_account=author, author_display="Ann", items=texts
    )


def moved(jira: Stage, issue_id: str, *steps: tuple[datetime, str, str]) -> None:
    """Status changes by words alone, as the history of a deleted status has them."""
    for at, before, after in steps:
        history(jira, issue_id, at, {"field": "status", "fromString": before, "toString": after})


def link(number: int, kind: dict[str, str], side: str, other: str, issuetype: str | None = None) -> str:
    there: dict[str, object] = {"id": other, "key": f"OPS-{other}"}
    if issuetype:
        there["fields"] = {"issuetype": {"name": issuetype}}
    return json.dumps({"id": str(number), "type": kind, f"{side}Issue": there})


def millis(at: datetime) -> dict[str, object]:
    return {"iso8601": "never read", "epochMillis": round(at.timestamp() * 1000)}


def doc(*blocks: object) -> str:
    return json.dumps({"type": "doc", "version": 1, "content": blocks})


def paragraph(*words: str) -> dict[str, object]:
    return {"type": "paragraph", "content": [{"type": "text", "text": word} for word in words]}


# --- which issue is what, and in which state -------------------------------------------------------------------------


def test_the_issue_type_decides_by_id_by_name_and_by_its_name_before_translation(jira: Stage) -> None:
    jira.mean("issue.entity", **{"10077": "incident"})
    jira.add("issuetype", "5", id="5", name="Änderung", untranslated_name="Change")
    issue(jira, "1")
    issue(jira, "2", "Problem")
    issue(jira, "3", "Störung", issuetype_id="10077")
    issue(jira, "4", "Änderung", issuetype_id="5")
    issue(jira, "5", "Task")
    assert set(jira.rows("incident")) == {"1", "3"}
    assert set(jira.rows("problem")) == {"2"}
    assert set(jira.rows("change")) == {"4"}


@pytest.mark.parametrize(
    ("issuetype", "status", "state"),
    [
        (INCIDENT, "Open", "new"),
        (INCIDENT, "Work in progress", "in_progress"),
        (INCIDENT, "Pending", "on_hold"),
        (INCIDENT, "Resolved", "resolved"),
        (INCIDENT, "Closed", "closed"),
        (INCIDENT, "Canceled", "cancelled"),
        (INCIDENT, "Planning", "unknown"),
        (PROBLEM, "Under investigation", "assess"),
        (PROBLEM, "Root cause analysis", "root_cause_analysis"),
        (PROBLEM, "Fix in progress", "fix_in_progress"),
        (CHANGE, "Planning", "new"),
        (CHANGE, "Assessment", "assess"),
        (CHANGE, "Peer review / change manager approval", "authorize"),
        (CHANGE, "Awaiting approval", "authorize"),
        (CHANGE, "Awaiting implementation", "scheduled"),
        (CHANGE, "Implementing", "implement"),
        (CHANGE, "Review", "review"),
        (CHANGE, "Completed", "closed"),
        (CHANGE, "Failed", "closed"),
        (CHANGE, "Declined", "cancelled"),
        (CHANGE, "On the moon", "unknown"),
    ],
)
def test_statuses_have_a_meaning_for_each_entity(jira: Stage, issuetype: str, status: str, state: str) -> None:
    issue(jira, "1", issuetype, status)
    entity = {INCIDENT: "incident", PROBLEM: "problem", CHANGE: "change"}[issuetype]
    row = jira.rows(entity)["1"]
    assert (row["state"], row["original_state"]) == (state, status)


def test_a_status_is_known_by_its_id_then_its_name_then_its_name_before_translation(jira: Stage) -> None:
    jira.mean("incident.state", **{"31": "on_hold"})
    jira.add("status", "31", id="31", name="Geparkt")
    jira.add("status", "32", id="32", name="Gelöst", untranslated_name="Resolved")
    jira.add("status", "33", id="33", name="WORK IN PROGRESS")
    for id_, status_id, name in (("1", "31", "Geparkt"), ("2", "32", "Gelöst"), ("3", "33", "WORK IN PROGRESS")):
        issue(jira, id_, status=name, status_id=status_id)
    assert [row["state"] for _, row in sorted(jira.rows("incident").items())] == ["on_hold", "resolved", "in_progress"]


def test_an_incident_in_full(jira: Stage) -> None:
    issue(
        jira, "1", status="Resolved", summary="No pay", priority="Highest", resolution="Done", resolved=day(3),
        reporter_account="u1", assignee_account="u2", major_incident="Yes",
        services=json.dumps([{"id": "b:1", "name": "Payroll"}]),
        components=[json.dumps({"id": "7", "name": "Desk"})],
        configuration_items=json.dumps([{"workspaceId": "w", "id": "w:9", "objectId": "9"}]),
    )  # fmt: skip
    row = jira.rows("incident")["1"]
    assert (row["number"], row["title"], row["service"], row["team"]) == ("OPS-1", "No pay", "Payroll", "Desk")
    assert (row["service_id"], row["team_id"]) == ("ops:service:b:1", "ops:team:7")
    assert (row["priority"], row["original_priority"], row["resolution_code"]) == ("1", "Highest", "Done")
    assert (row["opened_at"], row["resolved_at"], row["closed_at"]) == (day(1), day(3), None)
    assert (row["is_major"], row["reopened_count"]) == (True, 0)
    assert (row["requester_id"], row["assignee_id"]) == ("ops:person:u1", "ops:person:u2")
    assert row["configuration_item_id"] == "ops:configuration_item:w:9"
    assert (row["source_url"], row["evidence_id"]) == ("https://x/browse/OPS-1", "issue/1@1")
    assert jira.rows("service")["b:1"]["name"] == "Payroll"
    assert jira.rows("team")["7"]["name"] == "Desk"
    assert jira.rows("configuration_item")["w:9"]["name"] is None, "the name is in Assets"


@pytest.mark.parametrize(
    ("value", "is_major"),
    [
        ("Yes", True),
        ("No", False),
        (None, False),
        ("Perhaps", False),
        ('[{"value":"Yes"}]', True),
        ("[]", False),
        ("[", False),
    ],
)
def test_a_flag_is_a_choice_or_a_list_with_at_most_one(jira: Stage, value: str | None, is_major: bool) -> None:
    issue(jira, "1", major_incident=value)
    issue(jira, "2", PROBLEM, known_error=value)
    issue(jira, "3", CHANGE, unauthorized=value)
    assert jira.rows("incident")["1"]["is_major"] is is_major
    assert jira.rows("problem")["2"]["is_known_error"] is is_major
    assert jira.rows("change")["3"]["is_unauthorized"] is is_major


# --- times from the history ------------------------------------------------------------------------------------------


def test_closing_reopening_and_resolver_come_from_the_history(jira: Stage) -> None:
    issue(jira, "1", status="Closed", resolved=day(6))
    moved(
        jira, "1", (day(2), "Open", "Work in progress"), (day(3), "Work in progress", "Resolved"),
        (day(4), "Resolved", "Work in progress"), (day(7), "Resolved", "Closed"),
    )  # fmt: skip
    history(
        jira, "1", day(6), {"field": "status", "fromString": "Work in progress", "toString": "Resolved"}, author="bob"
    )
    row = jira.rows("incident")["1"]
    assert (row["reopened_count"], row["closed_at"], row["resolved_at"]) == (1, day(7), day(6))
    assert row["resolver_id"] == "ops:person:bob", "who resolved it last, not who closed it"


def test_closed_without_history_is_dated_by_the_resolution_and_cancelled_is_not_resolved(jira: Stage) -> None:
    issue(jira, "1", status="Closed", resolved=day(6))
    issue(jira, "2", status="Canceled", resolved=day(6))
    issue(jira, "3", status="Vanished", resolved=day(6), status_category="done")
    issue(jira, "4", status="Resolved", resolved=day(6))
    found = {key: (row["resolved_at"], row["closed_at"]) for key, row in jira.rows("incident").items()}
    assert found == {"1": (day(6), day(6)), "2": (None, day(6)), "3": (day(6), day(6)), "4": (day(6), None)}


def test_a_history_knows_statuses_by_id_and_keeps_the_words_of_deleted_ones(jira: Stage) -> None:
    jira.add("status", "3", id="3", name="Work in progress")
    issue(jira, "1")
    for at, (old_id, old, new_id, new) in (
        (day(2), ("1", "Open", "3", "Doing")),
        (day(3), ("3", "Doing", "99", "Limbo")),
        (day(4), ("99", "Limbo", "98", "Resolved")),
        (day(5), (None, None, None, "Closed")),
    ):
        history(jira, "1", at, {"field": "status", "from": old_id, "fromString": old, "to": new_id, "toString": new})
    history(
        jira,
        "1",
        day(6),
        {"field": "status", "from": "3", "fromString": "Work in progress", "to": None, "toString": None},
    )
    found = sorted(jira.rows("status_change").values(), key=lambda row: str(row["changed_at"]))
    assert [(row["from_value"], row["to_value"]) for row in found] == [
        ("new", "in_progress"),
        ("in_progress", "unknown"),
        ("unknown", "resolved"),
        (None, "closed"),
        ("in_progress", None),
    ]
    assert [row["original_to"] for row in found] == ["Doing", "Limbo", "Resolved", "Closed", None]


def test_history_items_are_numbered_and_named_in_our_words(jira: Stage) -> None:
    issue(jira, "1", CHANGE)
    history(
        jira, "1", day(2),
        {"field": "priority", "from": "1", "fromString": "Highest", "to": "9", "toString": "Cosmic"},
        {"field": "Component", "fieldId": "components", "from": None, "fromString": "", "to": "7", "toString": "Desk"},
        {"field": "Planned start", "fieldId": "customfield_1", "to": "2026-10-09T10:00:00.000+0200", "toString": "9/Oct"},
        {"field": "assignee", "to": "u2", "toString": "Bob"},
        {"field": "Cost centre", "toString": "12"},
    )  # fmt: skip
    history(jira, "1", day(3), {"field": "Cost centre", "toString": "13"}, author=None)
    found = jira.rows("status_change")
    assert {key: row["field"] for key, row in found.items() if row["changed_at"] == day(2)} == {
        "1/1020000/1": "priority",
        "1/1020000/2": "team",
        "1/1020000/3": "planned_start",
        "1/1020000/4": "assignee",
        "1/1020000/5": "Cost centre",
    }
    assert (found["1/1020000/1"]["from_value"], found["1/1020000/1"]["to_value"]) == ("1", "unknown")
    assert (found["1/1020000/2"]["original_from"], found["1/1020000/2"]["original_to"]) == (None, "Desk")
    assert found["1/1020000/1"]["changed_by"] == "ops:person:ann"
    assert found["1/1030000/1"]["changed_by"] == "Ann", "an account without an id has its name"


@pytest.mark.parametrize("written", ["1792750000", "1792750000000"])
def test_a_history_may_be_dated_by_a_number(jira: Stage, written: str) -> None:
    issue(jira, "1")
    items = [json.dumps({"field": "priority", "toString": "High"})]
    jira.add("changelog", "1/5", id="5", created=None, created_epoch=written, author_account="ann", items=items)
    jira.add("changelog", "1/6", id="6", created=None, created_epoch="soon", author_account="ann", items=items)
    jira.add("changelog", "404/7", id="7", created=day(2), author_account="ann", items=items)
    [row] = jira.rows("status_change").values()
    assert row["changed_at"] == datetime.fromtimestamp(1792750000, UTC)


# --- changes and approvals -------------------------------------------------------------------------------------------


def test_a_change_in_full(jira: Stage) -> None:
    issue(
        jira, "1", CHANGE, "Closed", change_type="Emergency", change_risk="Critical", change_outcome="Rolled back",
        planned_start=day(4), planned_end=day(5), actual_start=day(4, 1), actual_end=day(4, 2), resolved=day(8),
        reviewed_at=day(7), reporter_account="u1", assignee_account="u2", change_reason="Repair",
        review=doc(paragraph("Went well.")), assessment="Low.", implementation_plan=doc(), backout_plan=" \n",
    )  # fmt: skip
    row = jira.rows("change")["1"]
    assert (row["type"], row["risk"], row["outcome"]) == ("emergency", "very_high", "backed_out")
    assert (row["original_type"], row["original_risk"], row["original_outcome"]) == (
        "Emergency",
        "Critical",
        "Rolled back",
    )
    assert (row["planned_start_at"], row["actual_start_at"], row["actual_end_at"]) == (day(4), day(4, 1), day(4, 2))
    assert (row["closed_at"], row["reviewed_at"]) == (day(8), day(7))
    assert (row["review"], row["assessment"], row["justification"]) == ("Went well.", "Low.", "Repair")
    assert (row["implementation_plan"], row["backout_plan"], row["test_plan"]) == (None, None, None)
    assert (row["requested_by"], row["assigned_to"]) == ("ops:person:u1", "ops:person:u2")
    assert (row["approval"], row["approved_at"]) == (None, None)


def test_words_of_a_change_that_nobody_mapped(jira: Stage) -> None:
    issue(jira, "1", CHANGE, change_type="Odd", change_risk="Odd", change_outcome="Odd", priority="Odd")
    issue(jira, "2", CHANGE)
    odd, none = jira.rows("change")["1"], jira.rows("change")["2"]
    assert [odd[name] for name in ("type", "risk", "outcome", "priority")] == ["unknown"] * 4
    assert [odd[f"original_{name}"] for name in ("type", "risk", "outcome")] == ["Odd"] * 3
    assert [none[name] for name in ("type", "risk", "outcome", "priority")] == ["unknown", None, None, None]


def test_the_stock_workflow_tells_the_outcome_by_the_last_status(jira: Stage) -> None:
    issue(jira, "1", CHANGE, "Failed")
    issue(jira, "2", CHANGE, "Completed", change_outcome="Unsuccessful")
    issue(jira, "3", CHANGE, "Closed")
    found = {key: (row["outcome"], row["original_outcome"]) for key, row in jira.rows("change").items()}
    assert found == {"1": ("unsuccessful", "Failed"), "2": ("unsuccessful", "Unsuccessful"), "3": (None, None)}


def test_actual_times_are_fields_else_the_stay_in_implement_else_the_closing(jira: Stage) -> None:
    issue(jira, "1", CHANGE, "Closed")
    moved(
        jira,
        "1",
        (day(5), "Scheduled", "Implementing"),
        (day(6), "Implementing", "Review"),
        (day(7), "Review", "Closed"),
    )
    issue(jira, "2", CHANGE, "Implementing")
    moved(jira, "2", (day(5), "Scheduled", "Implementing"), (day(6), "Implementing", "Scheduled"))
    issue(jira, "3", CHANGE, "Closed", actual_start=day(5), resolved=day(9))
    issue(jira, "4", CHANGE, "Canceled", resolved=day(9))
    found = {key: (row["actual_start_at"], row["actual_end_at"]) for key, row in jira.rows("change").items()}
    assert found == {"1": (day(5), day(6)), "2": (day(5), None), "3": (day(5), day(9)), "4": (None, None)}


def test_the_review_is_dated_by_the_history_of_its_text(jira: Stage) -> None:
    issue(jira, "1", CHANGE, "Closed", review="Fine.")
    history(jira, "1", day(8), {"field": "Post implementation review", "toString": "Fine."})
    history(jira, "1", day(9), {"field": "Post implementation review", "fromString": "Fine.", "toString": None})
    assert jira.rows("change")["1"]["reviewed_at"] == day(8)


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


# --- service levels --------------------------------------------------------------------------------------------------


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


# --- links -----------------------------------------------------------------------------------------------------------


def linked(jira: Stage) -> set[tuple[object, ...]]:
    return {(row["from_id"], row["type"], row["to_id"]) for row in jira.rows("record_link").values()}


def test_a_link_listed_at_both_ends_is_one_and_reads_in_its_direction(jira: Stage) -> None:
    issue(jira, "1", links=[link(11, CAUSES, "inward", "2", PROBLEM), link(12, CAUSES, "inward", "3", CHANGE)])
    issue(jira, "2", PROBLEM, links=[link(11, CAUSES, "outward", "1", INCIDENT)])
    issue(jira, "3", CHANGE, links=[link(12, CAUSES, "outward", "1", INCIDENT)])
    assert linked(jira) == {
        ("ops:incident:1", "has_problem", "ops:problem:2"),
        ("ops:incident:1", "caused_by", "ops:change:3"),
    }
    row = jira.rows("incident")["1"]
    assert (row["problem_id"], row["caused_by_change_id"], row["change_id"]) == ("ops:problem:2", "ops:change:3", None)
    assert jira.rows("record_link")["12"]["original_type"] == "is caused by"
    assert jira.rows("record_link")["12"]["evidence_id"] == "issue/1@1", "of the end that the link reads from"


def test_an_incident_that_causes_a_change_was_not_caused_by_it(jira: Stage) -> None:
    issue(jira, "1", links=[link(11, CAUSES, "outward", "3", CHANGE)])
    issue(jira, "3", CHANGE)
    assert linked(jira) == {("ops:change:3", "caused_by", "ops:incident:1")}
    row = jira.rows("incident")["1"]
    assert (row["caused_by_change_id"], row["change_id"]) == (None, "ops:change:3")


def test_a_problem_drawn_the_wrong_way_round_is_still_the_incidents_problem(jira: Stage) -> None:
    issue(jira, "1", links=[link(11, CAUSES, "outward", "2", PROBLEM)])
    issue(jira, "2", PROBLEM)
    assert linked(jira) == {("ops:incident:1", "has_problem", "ops:problem:2")}


def test_what_resolves_comes_before_what_relates(jira: Stage) -> None:
    issue(jira, "1", links=[link(5, RELATES, "outward", "3"), link(6, RESOLVES, "inward", "4")])
    issue(jira, "2", PROBLEM, links=[link(7, RELATES, "inward", "3"), link(8, CAUSES, "inward", "4")])
    issue(jira, "3", CHANGE)
    issue(jira, "4", CHANGE)
    assert linked(jira) == {
        ("ops:incident:1", "relates_to", "ops:change:3"),
        ("ops:incident:1", "resolved_by", "ops:change:4"),
        ("ops:change:3", "relates_to", "ops:problem:2"),
        ("ops:problem:2", "caused_by", "ops:change:4"),
    }
    assert jira.rows("incident")["1"]["change_id"] == "ops:change:4"
    assert jira.rows("problem")["2"]["change_id"] == "ops:change:3", "a change that caused the problem does not fix it"


def test_duplicates_and_children_have_a_parent(jira: Stage) -> None:
    issue(jira, "1", links=[link(5, DUPLICATE, "outward", "2")])
    issue(jira, "2", links=[link(5, DUPLICATE, "inward", "1")])
    issue(jira, "3", parent_id="2")
    issue(jira, "4", parent_id="9")
    issue(jira, "9", "Epic")
    assert linked(jira) == {
        ("ops:incident:1", "duplicate_of", "ops:incident:2"),
        ("ops:incident:3", "child_of", "ops:incident:2"),
    }
    parents = {key: row["parent_incident_id"] for key, row in jira.rows("incident").items()}
    assert parents == {"1": "ops:incident:2", "2": None, "3": "ops:incident:2", "4": None}


def test_a_link_to_an_issue_that_is_not_read_and_a_type_nobody_mapped_are_kept(jira: Stage) -> None:
    odd = {"name": "Odd", "inward": "is eaten by", "outward": "eats"}
    issue(jira, "1", links=[link(5, odd, "outward", "70", CHANGE), link(6, odd, "inward", "71")])
    found = jira.rows("record_link")
    assert linked(jira) == {
        ("ops:incident:1", "relates_to", "ops:change:70"),
        ("ops:issue:71", "relates_to", "ops:incident:1"),
    }
    assert found["5"]["original_type"] == "eats"


def test_a_link_is_dated_by_the_history_of_either_end(jira: Stage) -> None:
    issue(jira, "1", links=[link(5, CAUSES, "inward", "2")])
    issue(jira, "2", PROBLEM)
    history(jira, "2", day(4), {"field": "Link", "to": "OPS-1", "toString": "This issue causes OPS-1"})
    assert jira.rows("record_link")["5"]["created_at"] == day(4)


def test_affected_objects_are_linked_once(jira: Stage) -> None:
    cloud = [
        {"workspaceId": "w", "id": "w:9", "objectId": "9"},
        {"workspaceId": "w", "objectId": "8"},
        {"objectId": "7"},
    ]
    issue(jira, "1", CHANGE, configuration_items=json.dumps([*cloud, cloud[0]]))
    issue(jira, "2", configuration_items=json.dumps(["Web server (7) (CMDB-12)", "Loose cable"]))
    assert linked(jira) == {
        ("ops:change:1", "affects", "ops:configuration_item:w:9"),
        ("ops:change:1", "affects", "ops:configuration_item:w:8"),
        ("ops:change:1", "affects", "ops:configuration_item:7"),
        ("ops:incident:2", "affects", "ops:configuration_item:CMDB-12"),
        ("ops:incident:2", "affects", "ops:configuration_item:Loose cable"),
    }
    names = {key: row["name"] for key, row in jira.rows("configuration_item").items()}
    assert names == {"w:9": None, "w:8": None, "7": None, "CMDB-12": "Web server (7)", "Loose cable": "Loose cable"}


# --- problems, texts, people -----------------------------------------------------------------------------------------


def test_rich_text_becomes_plain_text(jira: Stage) -> None:
    text = doc(
        paragraph("bo", "ld"),
        {
            "type": "bulletList",
            "content": [{"type": "listItem", "content": [paragraph(word)]} for word in ("one", "two")],
        },
        {
            "type": "paragraph",
            "content": [{"type": "mention", "attrs": {"id": "u", "text": "@Ann"}}, {"type": "hardBreak"}],
        },
        {"type": "paragraph"},
        paragraph('{"type": "doc"} \\ "quoted" \U0001f525'),
    )
    issue(jira, "1", PROBLEM, root_cause=text, workaround="h2. *wiki* text", fix=doc(paragraph(" ", "\u00a0")))
    row = jira.rows("problem")["1"]
    assert row["root_cause"] == 'bold\none\ntwo\n@Ann\n\n{"type": "doc"} \\ "quoted" \U0001f525'
    assert (row["workaround"], row["fix"]) == ("h2. *wiki* text", None)


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '{"type": "doc"', "null", "12"])
def test_text_that_only_looks_like_a_document_stays(jira: Stage, text: str) -> None:
    issue(jira, "1", PROBLEM, root_cause=text)
    assert jira.rows("problem")["1"]["root_cause"] == text


@pytest.mark.parametrize(
    ("status", "resolution", "code"),
    [
        ("Closed", "Done", "fix_applied"),
        ("Closed", "Won't Do", "risk_accepted"),
        ("Canceled", "Won't Do", "cancelled"),
        ("Closed", "Duplicate", "duplicate"),
        ("Closed", "Eaten", "unknown"),
        ("Open", None, None),
    ],
)
def test_how_a_problem_ended(jira: Stage, status: str, resolution: str | None, code: str | None) -> None:
    issue(jira, "1", PROBLEM, status, resolution=resolution, due=date(2026, 10, 9))
    row = jira.rows("problem")["1"]
    assert (row["resolution_code"], row["original_resolution_code"]) == (code, resolution)
    assert row["due_at"] == day(10), "a due date ends with its day"


def test_people_are_one_row_each_with_what_was_seen_last(jira: Stage) -> None:
    issue(jira, "1", reporter_account="u1", reporter_display="Old", reporter_email="o@x", observed_at=day(2))
    issue(jira, "2", assignee_account="u1", assignee_display="New", assignee_active=False, observed_at=day(3))
    issue(jira, "3", "Task", creator_name="dc-user", creator_key="JIRAUSER7", creator_display="Del")
    history(jira, "1", day(2), {"field": "priority"}, author="u9")
    found = jira.rows("person")
    assert set(found) == {"u1", "JIRAUSER7", "u9"}
    row = found["u1"]
    assert (row["name"], row["email"], row["is_active"], row["evidence_id"]) == ("New", "o@x", False, "issue/2@1")


def test_a_team_field_comes_before_the_component(jira: Stage) -> None:
    issue(jira, "1", team="Night crew", components=[json.dumps({"id": "7", "name": "Desk"})])
    row = jira.rows("incident")["1"]
    assert (row["team"], row["team_id"]) == ("Night crew", "ops:team:Night crew")
    assert {key: row["name"] for key, row in jira.rows("team").items()} == {"Night crew": "Night crew"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_carried_as_it_is(jira: Stage, text: str) -> None:
    issue(
        jira, "1", status=text, summary=text, priority=text, major_incident=text, team=text, reporter_account=text,
        services=json.dumps([{"id": text, "name": text}]), sla_1=sla(text, text, ongoingCycle=cycle(day(2), day(3))),
        configuration_items=json.dumps([text]), labels=[json.dumps(text)],
    )  # fmt: skip
    issue(
        jira,
        "2",
        CHANGE,
        change_type=text,
        review=text,
        approvals=json.dumps([step(text, text, day(2), day(3), **{text: text})]),
    )
    history(jira, "1", day(2), {"field": text, "fromString": text, "toString": text})
    row, change = jira.rows("incident")["1"], jira.rows("change")["2"]
    assert (row["title"], row["original_state"], row["service"], row["category"]) == (text, text, text, text)
    assert (change["original_type"], change["review"], change["approval"]) == (text, text, "unknown")
    issue(jira, "3", PROBLEM, resolution=text, root_cause=text, known_error=text)
    assert jira.rows("problem")["3"]["root_cause"] == text
    assert all(jira.every().values())


def test_an_empty_source_gives_no_rows(jira: Stage) -> None:
    assert set(jira.every().values()) == {0}
