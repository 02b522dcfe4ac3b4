"""Tickets of the sample organisation as issues: what each entity's fields say, and what of them a history shows.

Values are the neutral fields as they stood at one moment, with ``creator`` beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from connectors.jira.rendering.fields import CUSTOM, field_id
from connectors.jira.rendering.values import Pen
from connectors.jira.rendering.words import (
    OUTCOMES,
    PROJECT_ID,
    PROJECT_KEY,
    PROJECT_NAME,
    REASONS,
    RESOLUTIONS,
    RESOLVED_AS,
    RISKS,
    STATES,
)
from connectors.jira.simulator.site import Document
from connectors.sample import Record, Value, Values

Entity = Literal["incident", "problem", "change"]
ENTITIES: tuple[Entity, ...] = ("incident", "problem", "change")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A record that is an issue. ``number`` counts all issues in the order in which they were made."""

    entity: Entity
    record: Record
    number: int

    @property
    def id(self) -> str:
        """The issue's id, which never changes."""
        return str(20_000 + self.number)

    @property
    def key(self) -> str:
        """What people call it."""
        return f"{PROJECT_KEY}-{self.number}"


class Custom(NamedTuple):
    """A custom field that an entity fills, and how."""

    name: str
    kind: Literal["choice", "time", "prose", "service", "asset"]
    pick: Callable[[Values], Value]


def _of(name: str) -> Callable[[Values], Value]:
    return lambda values: values[name]


def _word(words: Mapping[str, str], name: str) -> Callable[[Values], Value]:
    return lambda values: words.get(str(values[name]))


def _yes(name: str) -> Callable[[Values], Value]:
    return lambda values: "Yes" if values[name] else "No"


_IMPACTS = {"1": "Extensive / Widespread", "2": "Significant / Large", "3": "Moderate / Limited"}
_URGENCIES = {"1": "Critical", "2": "High", "3": "Medium"}
_AFFECTED = (
    Custom("Affected services", "service", _of("service")),
    Custom("Affected hardware", "asset", _of("configuration_item")),
)
_WEIGHT = (
    Custom("Impact", "choice", lambda values: _IMPACTS.get(str(values["priority"]), "Minor / Localized")),
    Custom("Urgency", "choice", lambda values: _URGENCIES.get(str(values["priority"]), "Low")),
)

FILLED: Mapping[Entity, tuple[Custom, ...]] = {
    "incident": (*_WEIGHT, *_AFFECTED, Custom("Major incident", "choice", _yes("is_major"))),
    "problem": (
        *_WEIGHT,
        *_AFFECTED,
        Custom("Root cause", "prose", _of("root_cause")),
        Custom("Workaround", "prose", _of("workaround")),
        Custom("Fix", "prose", _of("fix")),
        Custom("Known error", "choice", _yes("is_known_error")),
    ),
    "change": (
        _WEIGHT[0],
        *_AFFECTED,
        Custom("Change type", "choice", lambda values: str(values["type"]).capitalize()),
        Custom("Change risk", "choice", _word(RISKS, "risk")),
        Custom("Change reason", "choice", _word(REASONS, "type")),
        Custom("Change outcome", "choice", _word(OUTCOMES, "outcome")),
        Custom("Planned start", "time", _of("planned_start_at")),
        Custom("Planned end", "time", _of("planned_end_at")),
        Custom("Actual start", "time", _of("actual_start_at")),
        Custom("Actual end", "time", _of("actual_end_at")),
        Custom("Implementation plan", "prose", _of("implementation_plan")),
        Custom("Backout plan", "prose", _of("backout_plan")),
        Custom("Test plan", "prose", _of("test_plan")),
        Custom("Risk assessment", "prose", _of("assessment")),
        Custom("Post implementation review", "prose", _of("review")),
        Custom("Reviewed at", "time", _of("reviewed_at")),
        Custom("Unauthorized change", "choice", _yes("is_unauthorized")),
    ),
}
"""The custom fields by entity. A field of other entities is there as well, and null."""


def status_name(entity: Entity, values: Values) -> str:
    """The status of a state. Raises KeyError on a state that the workflow does not have."""
    return STATES[entity][str(values["state"])]


def resolution_name(entity: Entity, values: Values) -> str | None:
    """The resolution; None as long as the ticket is open."""
    state = values["state"]
    if entity == "change":
        if state == "cancelled":
            return "Declined" if values["approval"] == "rejected" else "Won't Do"
        return "Done" if state == "closed" else None
    if state == "cancelled":
        return "Won't Do"
    return RESOLVED_AS.get(str(values["resolution_code"]), "Done") if state in ("resolved", "closed") else None


def resolved_at(entity: Entity, values: Values) -> datetime | None:
    """When the resolution was set."""
    if resolution_name(entity, values) is None:
        return None
    found = (None if entity == "change" else values["resolved_at"]) or values["closed_at"]
    return found if isinstance(found, datetime) else None


def reporter(entity: Entity, values: Values) -> Value:
    """Who asked for it."""
    return values[{"incident": "requester", "change": "requested_by", "problem": "creator"}[entity]]


def _custom_value(pen: Pen, custom: Custom, values: Values) -> Any:
    """A custom field's value as the issue has it."""
    value = custom.pick(values)
    if value is None or value == 0:
        return None
    if custom.kind == "choice":
        return pen.choice(custom.name, str(value))
    if isinstance(value, datetime):
        return pen.time(value)
    if custom.kind == "prose":
        return pen.prose(str(value))
    key = int(str(value))
    return [pen.service(key) if custom.kind == "service" else pen.asset(key)]


def fields(pen: Pen, ticket: Ticket, values: Values) -> Document:
    """The fields that follow from the ticket alone."""
    entity = ticket.entity
    resolution, done_at, due_at = resolution_name(entity, values), resolved_at(entity, values), values.get("due_at")
    component = pen.component(values["team"])
    found: Document = {
        "issuetype": pen.issue_type(entity),
        "project": project(pen),
        "summary": values["title"],
        "description": pen.prose(str(values["description"])) if values["description"] else None,
        "environment": None,
        "status": pen.status(status_name(entity, values)),
        "priority": pen.priority(values["priority"]),
        "resolution": pen.resolution(resolution) if resolution else None,
        "resolutiondate": pen.time(done_at) if done_at else None,
        "duedate": due_at.astimezone(pen.zone).date().isoformat() if isinstance(due_at, datetime) else None,
        "creator": pen.person(values["creator"]),
        "reporter": pen.person(reporter(entity, values)),
        "assignee": pen.person(values["assignee"]),
        "labels": labels(values),
        "components": [component] if component else [],
        "subtasks": [],
        "versions": [],
        "fixVersions": [],
        "security": None,
        "lastViewed": None,
        "timespent": None,
        **dict.fromkeys(map(field_id, CUSTOM)),
    }
    found |= {field_id("Request participants"): [], field_id("Organizations"): [], field_id("Development"): "{}"}
    found[field_id("Rank")] = f"0|i{ticket.number:05x}:"
    return found | {field_id(custom.name): _custom_value(pen, custom, values) for custom in FILLED[entity]}


def labels(values: Values) -> list[str]:
    """Complaints are told by a label."""
    return ["complaint"] if values.get("category") == "complaint" else []


def project(pen: Pen) -> Document:
    """The project, as issues and the roster show it."""
    return {
        "self": pen.link(f"project/{PROJECT_ID}"),
        "id": PROJECT_ID,
        "key": PROJECT_KEY,
        "name": PROJECT_NAME,
        "projectTypeKey": "service_desk",
        **({"simplified": False} if pen.deployment == "cloud" else {}),
    }


_NOTHING = (None, None)


class Seen(NamedTuple):
    """What a history shows of a field: an id, where the value has one, and words."""

    field: str
    field_id: str
    id: str | None
    words: str | None


def seen(pen: Pen, ticket: Ticket, values: Values) -> dict[str, Seen]:
    """All that a history would show of the ticket, by field."""
    status, priority = pen.status(status_name(ticket.entity, values)), pen.priority(values["priority"])
    name = resolution_name(ticket.entity, values)
    assignee, component = pen.person(values["assignee"]), pen.component(values["team"])
    entries = [
        Seen("resolution", "resolution", RESOLUTIONS[name] if name else None, name),
        Seen("status", "status", status["id"], status["name"]),
        Seen("priority", "priority", priority["id"], priority["name"]),
        Seen("summary", "summary", None, str(values["title"])),
        Seen("labels", "labels", None, " ".join(labels(values))),
        Seen("assignee", "assignee", *((pen.person_id(assignee), assignee["displayName"]) if assignee else _NOTHING)),
        Seen("Component", "components", *((component["id"], component["name"]) if component else _NOTHING)),
        *(_seen_custom(pen, custom, values) for custom in FILLED[ticket.entity]),
    ]
    return {entry.field: entry for entry in entries}


def _seen_custom(pen: Pen, custom: Custom, values: Values) -> Seen:
    value, id_ = custom.pick(values), field_id(custom.name)
    if value is None or value == 0:
        return Seen(custom.name, id_, None, None)
    if custom.kind == "choice":
        return Seen(custom.name, id_, pen.choice(custom.name, str(value))["id"], str(value))
    if isinstance(value, datetime):
        return Seen(custom.name, id_, pen.time(value), pen.friendly(value))
    if custom.kind == "prose":
        return Seen(custom.name, id_, None, str(value))
    key = int(str(value))
    if custom.kind == "service":
        service = pen.service(key)
        return Seen(custom.name, id_, service["id"], service["name"])
    return Seen(custom.name, id_, f"[{pen.asset_id(key)}]", str(pen.names["configuration_item", key]["name"]))
