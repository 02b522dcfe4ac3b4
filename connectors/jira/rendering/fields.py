"""The field metadata of the site: what ``/field`` answers. Every site has its own ids; these are this one's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connectors.jira.simulator.site import Document

_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"
_DESK = "com.atlassian.servicedesk:"
_AGILE = "com.pyxis.greenhopper.jira:"


class Kind(NamedTuple):
    """A field's type: what its value is, whose plug-in made it, and what a list of it holds."""

    type: str
    custom: str
    items: str = ""


_SELECT = Kind("option", _TYPES + "select")
_TEXT_AREA = Kind("string", _TYPES + "textarea")
_TIME = Kind("datetime", _TYPES + "datetime")
_SLA = Kind("sd-servicelevelagreement", _DESK + "sd-sla-field")

CUSTOM: Mapping[str, tuple[int, Kind]] = {
    "Approvals": (10003, Kind("sd-approvals", "com.atlassian.servicedesk.approvals-plugin:sd-approvals")),
    "Impact": (10004, _SELECT),
    "Change type": (10005, _SELECT),
    "Change risk": (10006, _SELECT),
    "Change reason": (10007, _SELECT),
    "Planned start": (10008, _TIME),
    "Planned end": (10009, _TIME),
    "Request Type": (10010, Kind("sd-customerrequesttype", _DESK + "vp-origin")),
    "Epic Name": (10011, Kind("string", _AGILE + "gh-epic-label")),
    "Epic Status": (10012, Kind("option", _AGILE + "gh-epic-status")),
    "Epic Color": (10013, Kind("string", _AGILE + "gh-epic-color")),
    "Epic Link": (10014, Kind("any", _AGILE + "gh-epic-link")),
    "Story Points": (10016, Kind("number", _TYPES + "float")),
    "Rank": (10019, Kind("any", _AGILE + "gh-lexo-rank")),
    "Sprint": (10020, Kind("array", _AGILE + "gh-sprint", "json")),
    "Flagged": (10021, Kind("array", _TYPES + "multicheckboxes", "option")),
    "Organizations": (10022, Kind("array", _DESK + "sd-customer-organizations", "sd-customerorganization")),
    "Request participants": (10024, Kind("array", _DESK + "sd-request-participants", "user")),
    "Satisfaction": (10025, Kind("sd-feedback", _DESK + "sd-request-feedback")),
    "Satisfaction date": (10026, Kind("datetime", _DESK + "sd-request-feedback-date")),
    "Time to resolution": (10030, _SLA),
    "Time to first response": (10031, _SLA),
    "Request language": (
        10032,
        Kind("sd-request-lang", "com.atlassian.servicedesk.servicedesk-lingo-integration-plugin:sd-request-language"),
    ),
    "Root cause": (10033, _TEXT_AREA),
    "Workaround": (10034, _TEXT_AREA),
    "Fix": (10035, _TEXT_AREA),
    "Known error": (10036, _SELECT),
    "Urgency": (10037, _SELECT),
    "Implementation plan": (10038, _TEXT_AREA),
    "Backout plan": (10039, _TEXT_AREA),
    "Test plan": (10040, _TEXT_AREA),
    "Risk assessment": (10041, _TEXT_AREA),
    "Change outcome": (10042, _SELECT),
    "Affected services": (
        10043,
        Kind(
            "array",
            "com.atlassian.jira.plugins.service-entity:service-entity-field-cftype",
            "service-entity-field",
        ),
    ),
    "Affected hardware": (
        10044,
        Kind("array", "com.atlassian.jira.plugins.cmdb:cmdb-object-cftype", "cmdb-object-field"),
    ),
    "Actual start": (10045, _TIME),
    "Actual end": (10046, _TIME),
    "Post implementation review": (10047, _TEXT_AREA),
    "Reviewed at": (10048, _TIME),
    "Major incident": (10049, _SELECT),
    "Unauthorized change": (10050, _SELECT),
    "Development": (
        10051,
        Kind("any", "com.atlassian.jira.plugins.jira-development-integration-plugin:devsummarycf"),
    ),
    "Cost centre": (10052, Kind("string", _TYPES + "textfield")),
    "Vendor reference": (10053, Kind("string", _TYPES + "textfield")),
}
"""Number and type by name. Those that the sample fills are among others that it does not."""

_SYSTEM: Mapping[str, tuple[str, str, str]] = {
    "issuekey": ("Key", "", ""),
    "thumbnail": ("Images", "", ""),
    "project": ("Project", "project", ""),
    "issuetype": ("Issue Type", "issuetype", ""),
    "summary": ("Summary", "string", ""),
    "description": ("Description", "string", ""),
    "status": ("Status", "status", ""),
    "statusCategory": ("Status Category", "statusCategory", ""),
    "statuscategorychangedate": ("Status Category Changed", "datetime", ""),
    "priority": ("Priority", "priority", ""),
    "resolution": ("Resolution", "resolution", ""),
    "resolutiondate": ("Resolved", "datetime", ""),
    "created": ("Created", "datetime", ""),
    "updated": ("Updated", "datetime", ""),
    "lastViewed": ("Last Viewed", "datetime", ""),
    "duedate": ("Due date", "date", ""),
    "creator": ("Creator", "user", ""),
    "reporter": ("Reporter", "user", ""),
    "assignee": ("Assignee", "user", ""),
    "labels": ("Labels", "array", "string"),
    "components": ("Components", "array", "component"),
    "issuelinks": ("Linked Issues", "array", "issuelinks"),
    "subtasks": ("Sub-tasks", "array", "issuelinks"),
    "parent": ("Parent", "", ""),
    "attachment": ("Attachment", "array", "attachment"),
    "comment": ("Comment", "comments-page", ""),
    "worklog": ("Log Work", "array", "worklog"),
    "environment": ("Environment", "string", ""),
    "security": ("Security Level", "securitylevel", ""),
    "versions": ("Affects versions", "array", "version"),
    "fixVersions": ("Fix versions", "array", "version"),
    "votes": ("Votes", "votes", ""),
    "watches": ("Watchers", "watches", ""),
    "timespent": ("Time Spent", "number", ""),
}
_NOT_NAVIGABLE = frozenset({"comment", "attachment", "worklog"})


def field_id(name: str) -> str:
    """The id of a custom field. Raises KeyError for one that the site does not have."""
    return f"customfield_{CUSTOM[name][0]}"


def fields() -> list[Document]:
    """All fields of the site."""
    return [*(_system(*entry) for entry in _SYSTEM.items()), *(_custom(name) for name in CUSTOM)]


def _system(id_: str, words: tuple[str, str, str]) -> Document:
    name, type_, items = words
    found = _field(id_, name, is_custom=False, clauses=[id_.lower()])
    if type_:
        found["schema"] = {"type": type_, **({"items": items} if items else {}), "system": id_}
    return found


def _custom(name: str) -> Document:
    number, kind = CUSTOM[name]
    found = _field(field_id(name), name, is_custom=True, clauses=[f"cf[{number}]", name])
    items = {"items": kind.items} if kind.items else {}
    found["schema"] = {"type": kind.type, **items, "custom": kind.custom, "customId": number}
    return found


def _field(id_: str, name: str, *, is_custom: bool, clauses: list[str]) -> Document:
    return {
        "id": id_,
        "key": id_,
        "name": name,
        "custom": is_custom,
        "orderable": True,
        "navigable": id_ not in _NOT_NAVIGABLE,
        "searchable": True,
        "clauseNames": clauses,
    }
