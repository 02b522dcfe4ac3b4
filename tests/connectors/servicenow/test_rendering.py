"""The sample organisation rendered as ServiceNow tables: stock codes, UTC text, and the instance's habits.

Inserts are not audited, ``sys_audit`` has no ``sys_updated_on``, a cancelled problem is a closed one. A deletion stands
in the audit and in the log of deletions, whatever table it was in.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from connectors.sample import AS_OF, Event, Home, Organization, Record, Value
from connectors.servicenow.rendering import Row, rows
from connectors.servicenow.rendering.values import sys_id

START = datetime(2026, 10, 1, 8, 0, 0, tzinfo=UTC)

_INCIDENT_BLANKS = (
    "configuration_item assignee resolved_at closed_at resolver resolution_code reopened_count is_major problem "
    "change caused_by_change parent_incident"
)
_CHANGE_BLANKS = (
    "configuration_item actual_start_at actual_end_at closed_at reviewed_at justification assessment "
    "implementation_plan backout_plan test_plan review outcome"
)
_PROBLEM_BLANKS = (
    "configuration_item assignee resolved_at closed_at due_at root_cause workaround fix resolution_code change"
)
PERSON: dict[str, Value] = {"name": "Ann Example", "email": "ann@example.org", "is_active": True, "user_name": "ann"}
INCIDENT: dict[str, Value] = {
    **dict.fromkeys(_INCIDENT_BLANKS.split()),
    "title": "No tone",
    "description": "Since nine",
    "service": 1,
    "team": 1,
    "requester": 1,
    "category": "network",
    "priority": "3",
    "state": "new",
    "opened_at": START,
    "channel": "phone",
}
CHANGE: dict[str, Value] = {
    **dict.fromkeys(_CHANGE_BLANKS.split()),
    "title": "New line",
    "description": "",
    "service": 1,
    "team": 1,
    "assignee": 1,
    "requested_by": 1,
    "priority": "3",
    "type": "normal",
    "risk": "moderate",
    "state": "new",
    "approval": "not_requested",
    "opened_at": START,
    "planned_start_at": START + timedelta(days=2),
    "planned_end_at": START + timedelta(days=2, hours=2),
    "is_unauthorized": False,
}
PROBLEM: dict[str, Value] = {
    **dict.fromkeys(_PROBLEM_BLANKS.split()),
    "title": "Tones get lost",
    "description": "",
    "service": 1,
    "team": 1,
    "priority": "2",
    "state": "new",
    "opened_at": START,
    "is_known_error": False,
}
DEFINITION: dict[str, Value] = {
    "name": "Priority 3 resolution",
    "type": "sla",
    "target": "resolution",
    "entity": "incident",
    "priority": "3",
    "target_seconds": 7200,
}


def at(hours: float) -> datetime:
    """So many hours after the start."""
    return START + timedelta(hours=hours)


def organization(*records: Record) -> Organization:
    """A tiny organisation with one person."""
    found: dict[str, list[Record]] = {"person": [Record("person", 1, "servicenow", START, 0, PERSON)]}
    for record in records:
        found.setdefault(record.entity, []).append(record)
    return Organization("Example", "UTC", 0, AS_OF, found)


def record(entity: str, values: dict[str, Value], *events: Event, home: Home = "servicenow") -> Record:
    return Record(entity, 1, home, START, 1, values, list(events))


def only(tables: dict[str, list[Row]], table: str) -> Row:
    """The one row of a table."""
    (row,) = tables[table]
    return row


# ------------------------------------------------------------------ a ticket over time


def incident() -> Record:
    return record(
        "incident",
        INCIDENT,
        Event(at(1), 1, {"state": "in_progress", "assignee": 1}),
        Event(at(2), 1, {"state": "resolved", "resolved_at": at(2), "resolver": 1, "resolution_code": "User error"}),
        Event(at(3), 0, {"state": "closed", "closed_at": at(3)}),
    )


def test_an_incident_is_rendered_as_it_stood() -> None:
    whole = organization(incident())
    assert rows(whole, START - timedelta(seconds=1))["incident"] == []
    new, resolved, closed = (only(rows(whole, at(hours)), "incident") for hours in (0, 2, 3))
    assert [row["state"] for row in (new, resolved, closed)] == ["1", "6", "7"]
    assert [row["sys_mod_count"] for row in (new, resolved, closed)] == ["0", "2", "3"]
    assert [row["sys_updated_by"] for row in (new, resolved, closed)] == ["ann", "ann", "system"]
    assert [row["active"] for row in (new, resolved, closed)] == ["true", "true", "false"]
    assert (new["number"], new["opened_at"], new["resolved_at"]) == ("INC0010001", "2026-10-01 08:00:00", "")
    assert resolved["sys_updated_on"] == resolved["resolved_at"] == "2026-10-01 10:00:00"
    assert (closed["caller_id"], closed["resolved_by"]) == (sys_id("person", 1), sys_id("person", 1))
    assert (closed["close_code"], closed["closed_by"], closed["calendar_duration"]) == (
        "User error",
        "",
        "1970-01-01 03:00:00",
    )


def test_a_reopening_shows_who_and_when() -> None:
    reopened = incident()
    reopened.events[2:] = [Event(at(5), 1, {"state": "in_progress", "reopened_count": 1, "resolved_at": None})]
    row = only(rows(organization(reopened), at(6)), "incident")
    assert (row["reopen_count"], row["reopened_time"], row["reopened_by"]) == (
        "1",
        "2026-10-01 13:00:00",
        sys_id("person", 1),
    )
    assert row["resolved_at"] == ""


def test_each_changed_field_is_audited_and_the_insert_is_not() -> None:
    audit = rows(organization(incident()), at(2))["sys_audit"]
    told = [(r["fieldname"], r["oldvalue"], r["newvalue"], r["sys_created_on"], r["user"]) for r in audit]
    assert ("state", "1", "2", "2026-10-01 09:00:00", "ann") in told
    assert ("incident_state", "2", "6", "2026-10-01 10:00:00", "ann") in told
    assert ("assigned_to", "", sys_id("person", 1), "2026-10-01 09:00:00", "ann") in told
    assert ("resolved_at", "", "2026-10-01 10:00:00", "2026-10-01 10:00:00", "ann") in told
    assert {row["documentkey"] for row in audit} == {sys_id("incident", 1)}
    assert min(row["sys_created_on"] for row in audit) == "2026-10-01 09:00:00"
    assert "sys_updated_on" not in audit[0]


def test_a_deletion_leaves_an_audit_row_behind() -> None:
    deleted = incident()
    deleted.deleted_at = at(4)
    assert len(rows(organization(deleted), at(3))["incident"]) == 1
    after = rows(organization(deleted), at(4))
    assert after["incident"] == []
    last = after["sys_audit"][-1]
    assert (last["fieldname"], last["oldvalue"], last["newvalue"]) == ("DELETED", "DELETED", "DELETED")


def test_every_deletion_is_logged_once_and_audited() -> None:
    deleted = incident()
    deleted.values = {**deleted.values, "configuration_item": 1}
    values: dict[str, Value] = {"definition": 1, "incident": 1, "started_at": START}
    running = record("sla_instance", values | {"pauses": [], "stopped_at": None, "cancelled_at": None})
    whole = organization(deleted, running, record("sla_definition", DEFINITION))
    assert len(rows(whole, at(3))["task_ci"]) == 1
    deleted.deleted_at = running.deleted_at = at(4)
    assert rows(whole, at(3))["sys_audit_delete"] == []
    after = rows(whole, at(4))
    assert after["incident"] == after["task_sla"] == after["task_ci"] == []
    logged = {row["tablename"]: row for row in after["sys_audit_delete"]}
    assert sorted(logged) == ["incident", "task_ci", "task_sla"]
    assert len(logged) == len(after["sys_audit_delete"])
    assert logged["incident"]["documentkey"] == sys_id("incident", 1)
    assert logged["incident"]["sys_created_on"] == "2026-10-01 12:00:00"
    audited = [row for row in after["sys_audit"] if row["fieldname"] == "DELETED"]
    assert {row["documentkey"] for row in audited} == {row["documentkey"] for row in logged.values()}


def test_records_of_the_other_tool_are_left_out() -> None:
    elsewhere = rows(organization(record("incident", INCIDENT, home="jira")), AS_OF)
    assert elsewhere["incident"] == []


# ------------------------------------------------------------------ the other tickets


def test_a_change_carries_stock_codes_and_its_work() -> None:
    change = record(
        "change",
        CHANGE,
        Event(at(1), 1, {"state": "authorize", "approval": "requested"}),
        Event(at(2), 1, {"state": "scheduled", "approval": "approved"}),
        Event(at(48), 1, {"state": "implement", "actual_start_at": at(48)}),
        Event(at(49), 1, {"state": "review", "actual_end_at": at(49)}),
        Event(at(50), 1, {"review": "Went well", "reviewed_at": at(50)}),
        Event(at(51), 1, {"state": "closed", "closed_at": at(51), "outcome": "successful_with_issues"}),
    )
    during, after = rows(organization(change), at(48)), rows(organization(change), at(51))
    row = only(after, "change_request")
    assert (row["number"], row["state"], row["risk"], row["approval"]) == ("CHG0030001", "3", "3", "approved")
    assert (row["close_code"], row["review_date"], row["review_comments"]) == (
        "successful_issues",
        "2026-10-03",
        "Went well",
    )
    assert (row["start_date"], row["work_start"]) == ("2026-10-03 08:00:00", "2026-10-03 08:00:00")
    assert [task["state"] for task in during["change_task"]] == ["2", "1"]
    implementation, testing = after["change_task"]
    assert (implementation["work_end"], testing["work_start"]) == ("2026-10-03 09:00:00", "2026-10-03 09:00:00")
    assert (testing["closed_at"], testing["change_task_type"]) == ("2026-10-03 11:00:00", "testing")
    states = [
        (r["oldvalue"], r["newvalue"])
        for r in after["sys_audit"]
        if (r["tablename"], r["fieldname"]) == ("change_request", "state")
    ]
    assert states == [("-5", "-3"), ("-3", "-2"), ("-2", "-1"), ("-1", "0"), ("0", "3")]


def test_a_standard_change_names_its_template() -> None:
    standard = record("change", CHANGE | {"type": "standard", "is_unauthorized": True})
    row = only(rows(organization(standard), AS_OF), "change_request")
    assert re.fullmatch("[0-9a-f]{32}", row["std_change_producer_version"])
    assert row["unauthorized"] == "true"


def test_an_approval_is_audited_in_its_own_table() -> None:
    values: dict[str, Value] = {"change": 1, "approver": 1, "state": "requested"}
    approval = record("approval", values, Event(at(1), 1, {"state": "approved"}))
    after = rows(organization(approval), at(1))
    row, audit = only(after, "sysapproval_approver"), only(after, "sys_audit")
    assert (row["sysapproval"], row["source_table"], row["state"]) == (
        sys_id("change", 1),
        "change_request",
        "approved",
    )
    assert (audit["tablename"], audit["oldvalue"], audit["newvalue"]) == (
        "sysapproval_approver",
        "requested",
        "approved",
    )


def test_a_cancelled_problem_is_closed_as_cancelled() -> None:
    problem = record(
        "problem", PROBLEM, Event(at(1), 1, {"state": "cancelled", "resolution_code": "cancelled", "closed_at": at(1)})
    )
    row = only(rows(organization(problem), at(1)), "problem")
    assert (row["number"], row["state"], row["resolution_code"]) == ("PRB0040001", "107", "canceled")
    assert (row["known_error"], row["closed_by"]) == ("false", sys_id("person", 1))


def test_an_sla_clock_is_read_at_the_moment() -> None:
    definition = record("sla_definition", DEFINITION)
    values: dict[str, Value] = {"definition": 1, "incident": 1, "started_at": START}
    values |= {"pauses": [], "stopped_at": None, "cancelled_at": None}
    running = record(
        "sla_instance",
        values,
        Event(at(1), 0, {"pauses": [(at(1), None)]}),
        Event(at(2), 0, {"pauses": [(at(1), at(2))]}),
        Event(at(4), 0, {"stopped_at": at(4)}),
    )
    paused, late, stopped = (
        only(rows(organization(definition, running), at(hours)), "task_sla") for hours in (1.5, 3.5, 4)
    )
    assert [row["stage"] for row in (paused, late, stopped)] == ["paused", "in_progress", "completed"]
    assert (paused["pause_time"], paused["business_duration"]) == ("2026-10-01 09:00:00", "1970-01-01 01:00:00")
    assert (paused["planned_end_time"], paused["pause_duration"]) == ("2026-10-01 10:00:00", "1970-01-01 00:00:00")
    assert (late["planned_end_time"], late["has_breached"], late["end_time"]) == ("2026-10-01 11:00:00", "true", "")
    assert late["original_breach_time"] == "2026-10-01 10:00:00"
    assert (stopped["active"], stopped["percentage"], stopped["pause_duration"]) == (
        "false",
        "150.00",
        "1970-01-01 01:00:00",
    )
    assert (stopped["sys_updated_on"], stopped["sys_mod_count"]) == ("2026-10-01 12:00:00", "3")
    agreement = only(rows(organization(definition), AS_OF), "contract_sla")
    assert (agreement["type"], agreement["duration"]) == ("SLA", "1970-01-01 02:00:00")


def test_a_survey_is_one_questionnaire_with_its_answers() -> None:
    values: dict[str, Value] = {"incident": 1, "person": 1, "score": 4, "comment": "Fine.", "answered_at": START}
    after = rows(organization(record("satisfaction", values)), AS_OF)
    asked = only(after, "asmt_assessment_instance")
    assert (asked["state"], asked["trigger_table"], asked["trigger_id"]) == (
        "complete",
        "incident",
        sys_id("incident", 1),
    )
    assert (asked["taken_on"], asked["due_date"]) == ("2026-10-01 08:00:00", "2026-10-15")
    assert asked["metric_type"] == only(after, "asmt_metric_type")["sys_id"]
    told = [(r["actual_value"], r["scaled_value"], r["string_value"]) for r in after["asmt_metric_result"]]
    assert told == [("4", "7.5", ""), ("", "", "Fine.")]
    assert {r["instance"] for r in after["asmt_metric_result"]} == {asked["sys_id"]}
    silent = rows(organization(record("satisfaction", values | {"comment": None})), AS_OF)
    assert only(silent, "asmt_metric_result")["actual_value"] == "4"


def test_a_known_error_has_an_article_from_then_on() -> None:
    problem = record(
        "problem",
        PROBLEM,
        Event(at(1), 1, {"state": "assess"}),
        Event(at(2), 1, {"is_known_error": True, "workaround": "Dial again"}),
        Event(at(3), 1, {"state": "closed", "closed_at": at(3)}),
    )
    before, known, closed = (rows(organization(problem), at(hours))["kb_knowledge"] for hours in (1, 2, 3))
    assert before == []
    assert (known[0]["source"], known[0]["sys_created_on"]) == (sys_id("problem", 1), "2026-10-01 10:00:00")
    assert (known[0]["workflow_state"], known[0]["published"], known[0]["active"]) == (
        "published",
        "2026-10-01",
        "true",
    )
    assert (closed[0]["workflow_state"], closed[0]["active"]) == ("retired", "false")
    assert (closed[0]["sys_updated_on"], closed[0]["sys_mod_count"]) == ("2026-10-01 11:00:00", "1")
    assert rows(organization(record("problem", PROBLEM)), AS_OF)["kb_knowledge"] == []
