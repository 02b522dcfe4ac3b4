"""Tickets of the sample organisation as rows of ServiceNow's task tables and of the approvals that hang on them.

Each function turns the neutral fields, as they stood at one moment, into the vendor's fields. Beside the fields of the
truth they find ``key``, ``creator``, ``closer``, ``reopener``, ``reopened_at`` and ``reassignments``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.sample import Event, Record, Value, Values
from connectors.servicenow.rendering.values import day, elapsed, reference, sys_id, text
from connectors.servicenow.rendering.words import (
    APPROVAL,
    CHANGE_STATE,
    IMPACT_URGENCY,
    INCIDENT_STATE,
    OUTCOME,
    PROBLEM_STATE,
    RESOLUTION,
    RISK,
    TASK_STATE,
)

Row = dict[str, str]

_TASK_BLANKS = (
    "service_offering location contract parent correlation_id close_notes approval_set expected_start work_start "
    "work_end due_date hold_reason contact_type approval_history comments work_notes"
)
_INCIDENT_BLANKS = "subcategory origin_id child_incidents cause business_stc calendar_stc"
_PROBLEM_BLANKS = (
    "category subcategory first_reported_by_task duplicate_of confirmed_at confirmed_by reopened_at reopened_by "
    "review_outcome workaround_communicated_at fix_communicated_at related_incidents"
)
_CHANGE_BLANKS = (
    "chg_model phase_state reason requested_by_date cab_date cab_date_time cab_recommendation on_hold_reason "
    "conflict_last_run"
)
_STANDARD_TEMPLATES = 7


def word(words: Mapping[str, str], value: Value) -> str:
    """What the instance stores for one of our words, "" for none. Raises KeyError on a word that it does not have."""
    return words[value] if isinstance(value, str) and value else ""


def _blank(names: str) -> Row:
    return dict.fromkeys(names.split(), "")


def _task(table: str, number: str, values: Values) -> Row:
    """The fields that every task table inherits."""
    impact, urgency = IMPACT_URGENCY.get(text(values.get("priority")), ("3", "3"))
    return {
        **_blank(_TASK_BLANKS),
        "number": number,
        "sys_class_name": table,
        "sys_domain": "global",
        "short_description": text(values["title"]),
        "description": text(values.get("description")),
        "active": text(not values.get("closed_at")),
        "approval": "not requested",
        "priority": text(values.get("priority")),
        "impact": impact,
        "urgency": urgency,
        "opened_at": text(values["opened_at"]),
        "opened_by": reference("person", values.get("creator")),
        "closed_at": text(values.get("closed_at")),
        "closed_by": reference("person", values.get("closer")),
        "assigned_to": reference("person", values.get("assignee")),
        "assignment_group": reference("team", values.get("team")),
        "business_service": reference("service", values.get("service")),
        "cmdb_ci": reference("configuration_item", values.get("configuration_item")),
        "company": sys_id("company", 1),
        "escalation": "0",
        "reassignment_count": text(values.get("reassignments", 0)),
    }


def _number(prefix: str, first: int, key: Value) -> str:
    return f"{prefix}{first + int(text(key)):07}"


def incident(values: Values) -> Row:
    """A row of ``incident``."""
    state = word(INCIDENT_STATE, values["state"])
    waited = elapsed(values["opened_at"], values["closed_at"])
    return {
        **_task("incident", _number("INC", 10000, values["key"]), values),
        **_blank(_INCIDENT_BLANKS),
        "state": state,
        "incident_state": state,
        "severity": "3",
        "category": text(values["category"]),
        "caller_id": reference("person", values["requester"]),
        "contact_type": text(values["channel"]),
        "hold_reason": "1" if values["state"] == "on_hold" else "",
        "resolved_at": text(values["resolved_at"]),
        "resolved_by": reference("person", values["resolver"]),
        "close_code": text(values["resolution_code"]),
        "reopen_count": text(values["reopened_count"] or 0),
        "reopened_time": text(values.get("reopened_at")),
        "reopened_by": reference("person", values.get("reopener")),
        "problem_id": reference("problem", values["problem"]),
        "rfc": reference("change", values["change"]),
        "caused_by": reference("change", values["caused_by_change"]),
        "parent_incident": reference("incident", values["parent_incident"]),
        "major_incident_state": "accepted" if values["is_major"] else "",
        "business_duration": waited,
        "calendar_duration": waited,
    }


def problem(values: Values) -> Row:
    """A row of ``problem``. A cancelled problem is closed with the resolution code that says so."""
    state = word(PROBLEM_STATE, values["state"])
    is_resolved, is_fixed = bool(values["resolved_at"]), bool(values["fix"])
    return {
        **_task("problem", _number("PRB", 40000, values["key"]), values),
        **_blank(_PROBLEM_BLANKS),
        "state": state,
        "problem_state": state,
        "due_date": text(values["due_at"]),
        "resolution_code": word(RESOLUTION, values["resolution_code"]),
        "known_error": text(bool(values["is_known_error"])),
        "major_problem": "false",
        "cause_notes": text(values["root_cause"]),
        "fix_notes": text(values["fix"]),
        "workaround": text(values["workaround"]),
        "workaround_applied": "false",
        "fix_at": text(values["resolved_at"]) if is_fixed else "",
        "fix_by": reference("person", values["assignee"]) if is_fixed else "",
        "resolved_at": text(values["resolved_at"]),
        "resolved_by": reference("person", values["assignee"]) if is_resolved else "",
        "reopen_count": "0",
        "rfc": reference("change", values["change"]),
    }


def change(values: Values) -> Row:
    """A row of ``change_request``. The review's date has no time of day; ``review_status`` moves with it."""
    is_standard = values["type"] == "standard"
    template = int(text(values["key"])) % _STANDARD_TEMPLATES
    return {
        **_task("change_request", _number("CHG", 30000, values["key"]), values),
        **_blank(_CHANGE_BLANKS),
        "state": word(CHANGE_STATE, values["state"]),
        "phase": "requested",
        "type": text(values["type"]),
        "category": "Other",
        "scope": "3",
        "risk": word(RISK, values["risk"]),
        "approval": word(APPROVAL, values["approval"]),
        "close_code": word(OUTCOME, values["outcome"]),
        "requested_by": reference("person", values["requested_by"]),
        "start_date": text(values["planned_start_at"]),
        "end_date": text(values["planned_end_at"]),
        "work_start": text(values["actual_start_at"]),
        "work_end": text(values["actual_end_at"]),
        "review_date": day(values["reviewed_at"]),
        "review_status": "completed" if values["reviewed_at"] else "",
        "review_comments": text(values["review"]),
        "justification": text(values["justification"]),
        "risk_impact_analysis": text(values["assessment"]),
        "implementation_plan": text(values["implementation_plan"]),
        "backout_plan": text(values["backout_plan"]),
        "test_plan": text(values["test_plan"]),
        "unauthorized": text(bool(values["is_unauthorized"])),
        "std_change_producer_version": sys_id("standard_change", template) if is_standard else "",
        "cab_required": text(values["type"] == "normal"),
        "conflict_status": "Not Run",
        "on_hold": "false",
        "outside_maintenance_schedule": "false",
        "production_system": "true",
    }


def approval(values: Values) -> Row:
    """A row of ``sysapproval_approver``."""
    change_id = reference("change", values["change"])
    return {
        "sysapproval": change_id,
        "document_id": change_id,
        "source_table": "change_request",
        "approver": reference("person", values["approver"]),
        "state": word(APPROVAL, values["state"]),
        "group": "",
        "comments": "",
        "due_date": "",
        "sys_domain": "global",
    }


def change_task(values: Values) -> Row:
    """A row of ``change_task``."""
    return {
        **_task("change_task", _number("CTASK", 10000, values["key"]), values),
        "state": word(TASK_STATE, values["state"]),
        "change_request": reference("change", values["change"]),
        "parent": reference("change", values["change"]),
        "change_task_type": text(values["type"]),
        "planned_start_date": text(values["planned_start_at"]),
        "planned_end_date": text(values["planned_end_at"]),
        "work_start": text(values["actual_start_at"]),
        "work_end": text(values["actual_end_at"]),
        "close_code": word(OUTCOME, values["outcome"]),
        "on_hold": "false",
        "on_hold_reason": "",
    }


def change_tasks(record: Record) -> Iterator[Record]:
    """The work that a change is divided into: its implementation, and a test for every change that is not standard."""
    kinds = ("implementation",) if record.values["type"] == "standard" else ("implementation", "testing")
    for place, kind in enumerate(kinds):
        key = record.key * 2 + place
        truth = dict(record.values)
        values = _work(kind, record.key, truth)
        task = Record("change_task", key, record.home, record.created_at, record.created_by, dict(values))
        task.deleted_at = record.deleted_at
        for event in record.events:
            truth.update(event.changes)
            told = _work(kind, record.key, truth)
            changes = {name: value for name, value in told.items() if values[name] != value}
            if changes:
                task.events.append(Event(event.at, event.by, changes))
            values = told
        yield task


def _work(kind: str, change_key: int, truth: Values) -> dict[str, Value]:
    """A change task as its change stands. The test begins when the implementation has ended."""
    state, is_test = truth["state"], kind == "testing"
    states = {"scheduled": "open", "implement": "in_progress", "review": "closed", "closed": "closed"}
    if is_test:
        states |= {"implement": "open", "review": "in_progress"}
    end = truth["closed_at"] if is_test else truth["actual_end_at"] or truth["closed_at"]
    is_over = states.get(text(state)) == "closed"
    return {
        "change": change_key,
        "type": kind,
        "title": f"{'Test' if is_test else 'Implement'}: {text(truth['title'])}",
        "state": "skipped" if state == "cancelled" else states.get(text(state), "pending"),
        "priority": truth["priority"],
        "service": truth["service"],
        "configuration_item": truth["configuration_item"],
        "team": truth["team"],
        "assignee": truth["assignee"],
        "opened_at": truth["opened_at"],
        "planned_start_at": truth["planned_start_at"],
        "planned_end_at": truth["planned_end_at"],
        "actual_start_at": truth["actual_end_at"] if is_test else truth["actual_start_at"],
        "actual_end_at": end if is_over else None,
        "closed_at": end if is_over else truth["closed_at"],
        "outcome": truth["outcome"],
    }
