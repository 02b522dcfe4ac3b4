"""What Service Management keeps inside an issue: SLA clocks, approvals, the request, and what the customer thought.

None of it moves the issue's ``updated``: whether it does on a real site is not documented, and a reader must not
depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from connectors.jira.rendering.fields import field_id
from connectors.jira.rendering.tickets import Ticket, reporter, status_name
from connectors.jira.rendering.values import SITE_URL, Pen, duration
from connectors.jira.rendering.words import (
    DECISIONS,
    ISSUE_TYPES,
    ORGANIZATIONS,
    PROJECT_ID,
    PROJECT_KEY,
    PROJECT_NAME,
    REQUEST_TYPES,
    SERVICE_DESK_ID,
    STATUSES,
)
from connectors.jira.simulator.site import Document
from connectors.sample import Record, Values, clock

SLAS: Mapping[str, str] = {"Time to resolution": "1", "Time to first response": "2"}
"""Ids of the SLAs by the names of their definitions, which are those of their fields."""

_REQUEST = f"{SITE_URL}/rest/servicedeskapi/request"
_DESK = f"{SITE_URL}/rest/servicedeskapi/servicedesk"


def sla(pen: Pen, ticket: Ticket, name: str, clocks: Sequence[tuple[Record, Record]], moment: datetime) -> Document:
    """One SLA field: cycles that stopped, and the one that runs. A cancelled cycle is gone.

    ``clocks`` are instances with their definitions, oldest first. A waiting cycle does not say when it will breach.
    """
    found: Document = {
        "id": SLAS[name],
        "name": name,
        "_links": {"self": f"{_REQUEST}/{ticket.id}/sla/{SLAS[name]}"},
        "completedCycles": [],
        "slaDisplayFormat": "NEW_SLA_FORMAT",
    }
    for record, definition in clocks:
        if record.at(moment) is None:
            continue
        reading, goal = clock(record, definition, moment), float(str(definition.values["target_seconds"]))
        if reading.state == "cancelled":
            continue
        cycle: Document = {"startTime": pen.desk_time(reading.started_at)}
        is_waiting = reading.state == "paused"
        if reading.is_breached or not is_waiting:
            cycle["breachTime"] = pen.desk_time(reading.breach_at)
        cycle["breached"] = reading.is_breached
        if reading.stopped_at is None:
            cycle |= {"paused": is_waiting, "withinCalendarHours": True}
        else:
            cycle["stopTime"] = pen.desk_time(reading.stopped_at)
        cycle |= {
            "goalDuration": duration(goal),
            "elapsedTime": duration(reading.elapsed_seconds),
            "remainingTime": duration(goal - reading.elapsed_seconds),
        }
        if reading.stopped_at is None:
            found["ongoingCycle"] = cycle
        else:
            found["completedCycles"].append(cycle)
    return found


def approvals(pen: Pen, ticket: Ticket, records: Sequence[Record], moment: datetime) -> list[Document] | None:
    """The approval steps, one for each approver asked; None when nobody was asked."""
    found = []
    for record in records:
        values = record.at(moment)
        if values is None:
            continue
        decision = DECISIONS[str(values["state"])]
        step: Document = {
            "id": str(record.key),
            "name": "Waiting for approval",
            "finalDecision": decision,
            "canAnswerApproval": False,
            "approvers": [{"approver": pen.person(values["approver"]), "approverDecision": decision}],
            "createdDate": pen.desk_time(record.created_at),
        }
        if decision != "pending":
            step["completedDate"] = pen.desk_time(record.updated_at(moment))
        step["_links"] = {"self": f"{_REQUEST}/{ticket.id}/approval/{record.key}"}
        found.append(step)
    return found or None


def satisfaction(pen: Pen, records: Sequence[Record], moment: datetime) -> Document:
    """The two fields of the last answer; a customer who answers again replaces the first."""
    answers = [values for record in records if (values := record.at(moment)) is not None]
    if not answers:
        return {}
    rating, answered_at = answers[-1]["score"], answers[-1]["answered_at"]
    found: Document = {field_id("Satisfaction"): {"rating": rating}}
    if isinstance(answered_at, datetime):
        found[field_id("Satisfaction date")] = pen.time(answered_at)
    return found


def request(pen: Pen, ticket: Ticket, values: Values, entered_at: datetime) -> Document | None:
    """The request that the customer sees; None where the ticket was not asked for in the portal.

    ``entered_at`` is when the issue came into its status.
    """
    if ticket.entity not in REQUEST_TYPES or values.get("channel") == "monitoring":
        return None
    if reporter(ticket.entity, values) is None:
        return None
    status = pen.status(status_name(ticket.entity, values))
    return {
        "_links": {
            "jiraRest": pen.link(f"issue/{ticket.id}"),
            "web": f"{SITE_URL}/servicedesk/customer/portal/{SERVICE_DESK_ID}/{ticket.key}",
            "self": f"{_REQUEST}/{ticket.id}",
        },
        "requestType": request_type(ticket.entity),
        "currentStatus": {
            "status": status["name"],
            "statusCategory": status["statusCategory"]["key"].upper(),
            "statusDate": pen.desk_time(entered_at),
        },
    }


def request_type(entity: str) -> Document:
    """What a customer may ask for in the portal."""
    id_, name = REQUEST_TYPES[entity]
    return {
        "_expands": ["field"],
        "id": id_,
        "_links": {"self": f"{_DESK}/{SERVICE_DESK_ID}/requesttype/{id_}"},
        "name": name,
        "description": "",
        "helpText": "",
        "issueTypeId": ISSUE_TYPES[entity][0],
        "serviceDeskId": SERVICE_DESK_ID,
        "portalId": SERVICE_DESK_ID,
        "groupIds": ["1"],
    }


def portal() -> dict[str, list[Document]]:
    """The service desk, its request types, and the organisations of its customers."""
    desk = {
        "_links": {"self": f"{_DESK}/{SERVICE_DESK_ID}"},
        "id": SERVICE_DESK_ID,
        "projectId": PROJECT_ID,
        "projectName": PROJECT_NAME,
        "projectKey": PROJECT_KEY,
    }
    organizations = [
        {"id": str(n), "name": name, "_links": {"self": f"{SITE_URL}/rest/servicedeskapi/organization/{n}"}}
        for n, name in enumerate(ORGANIZATIONS, 1)
    ]
    types = [request_type(entity) for entity in REQUEST_TYPES]
    return {"servicedesk": [desk], "requesttype": types, "organization": organizations}


def entered(ticket: Ticket, moment: datetime, *, category: bool = False) -> datetime:
    """When the ticket came into the status that it has at the moment, or into that status's category."""
    states = [(ticket.record.created_at, ticket.record.values["state"])]
    states += [
        (event.at, event.changes["state"]) for event in ticket.record.history(moment) if "state" in event.changes
    ]
    names = [(at, status_name(ticket.entity, {"state": state})) for at, state in states]
    words = [(at, STATUSES[name][1] if category else name) for at, name in names]
    changed = [at for (_, before), (at, after) in pairwise(words) if before != after]
    return changed[-1] if changed else ticket.record.created_at
