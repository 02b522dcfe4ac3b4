"""The site's own words: issue types, statuses, priorities, resolutions, link types and the choices of its fields.

Ids are those of the site, never of the truth; a choice's id follows from its place in the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PROJECT_ID, PROJECT_KEY, PROJECT_NAME = "10001", "OPS", "IT Operations"
SERVICE_DESK_ID = "1"

ISSUE_TYPES: Mapping[str, tuple[str, str]] = {
    "incident": ("10010", "[System] Incident"),
    "problem": ("10011", "[System] Problem"),
    "change": ("10012", "[System] Change"),
    "service_request": ("10013", "[System] Service request"),
}
"""Id and name by entity. The sample has no service requests in this home."""

CATEGORIES: Mapping[str, tuple[int, str, str]] = {
    "new": (2, "blue-gray", "To Do"),
    "indeterminate": (4, "yellow", "In Progress"),
    "done": (3, "green", "Done"),
}

STATUSES: Mapping[str, tuple[str, str]] = {
    "Open": ("10100", "new"),
    "Work in progress": ("10101", "indeterminate"),
    "Pending": ("10102", "indeterminate"),
    "Resolved": ("10103", "done"),
    "Closed": ("10104", "done"),
    "Canceled": ("10105", "done"),
    "Under investigation": ("10106", "indeterminate"),
    "Root cause analysis": ("10107", "indeterminate"),
    "Fix in progress": ("10108", "indeterminate"),
    "Planning": ("10109", "new"),
    "Assessment": ("10110", "indeterminate"),
    "Awaiting approval": ("10111", "indeterminate"),
    "Scheduled": ("10112", "indeterminate"),
    "Implementing": ("10113", "indeterminate"),
    "Review": ("10114", "indeterminate"),
}
"""Id and category by name. A status is shared by all workflows that use its name."""

STATES: Mapping[str, Mapping[str, str]] = {
    "incident": {
        "new": "Open",
        "in_progress": "Work in progress",
        "on_hold": "Pending",
        "resolved": "Resolved",
        "closed": "Closed",
        "cancelled": "Canceled",
    },
    "problem": {
        "new": "Open",
        "assess": "Under investigation",
        "root_cause_analysis": "Root cause analysis",
        "fix_in_progress": "Fix in progress",
        "resolved": "Resolved",
        "closed": "Closed",
        "cancelled": "Canceled",
    },
    "change": {
        "new": "Planning",
        "assess": "Assessment",
        "authorize": "Awaiting approval",
        "scheduled": "Scheduled",
        "implement": "Implementing",
        "review": "Review",
        "closed": "Closed",
        "cancelled": "Canceled",
    },
}

PRIORITIES: Mapping[str, str] = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}
"""Names; the ids are the truth's own numbers, as on a site that never changed its priorities."""

RESOLUTIONS: Mapping[str, str] = {
    "Done": "10000",
    "Won't Do": "10001",
    "Duplicate": "10002",
    "Known Error": "10003",
    "Declined": "10004",
}

RESOLVED_AS: Mapping[str, str] = {
    "Duplicate": "Duplicate",
    "duplicate": "Duplicate",
    "Known error": "Known Error",
    "risk_accepted": "Won't Do",
    "cancelled": "Won't Do",
    "rejected": "Declined",
}
"""Resolutions other than Done, by our resolution code."""


class LinkType(NamedTuple):
    """``outward`` reads from the source of a link, ``inward`` from its destination."""

    id: str
    name: str
    inward: str
    outward: str


CAUSES = LinkType("10400", "Problem/Incident", "is caused by", "causes")
RELATES = LinkType("10401", "Relates", "relates to", "relates to")
DUPLICATES = LinkType("10402", "Duplicate", "is duplicated by", "duplicates")

_YES_NO = ("Yes", "No")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "Impact": ("Extensive / Widespread", "Significant / Large", "Moderate / Limited", "Minor / Localized"),
    "Urgency": ("Critical", "High", "Medium", "Low"),
    "Change type": ("Standard", "Normal", "Emergency"),
    "Change risk": ("Critical", "High", "Medium", "Low"),
    "Change reason": ("Repair", "Upgrade", "Maintenance", "New functionality", "Other"),
    "Change outcome": ("Successful", "Successful with issues", "Unsuccessful"),
    "Known error": _YES_NO,
    "Major incident": _YES_NO,
    "Unauthorized change": _YES_NO,
}

CHOICE_IDS: Mapping[tuple[str, str], str] = {
    (field, choice): str(10200 + 10 * n + place)
    for n, (field, choices) in enumerate(CHOICES.items())
    for place, choice in enumerate(choices)
}

RISKS: Mapping[str, str] = {"low": "Low", "moderate": "Medium", "high": "High"}
REASONS: Mapping[str, str] = {"standard": "Maintenance", "normal": "Upgrade", "emergency": "Repair"}
OUTCOMES: Mapping[str, str] = {
    "successful": "Successful",
    "successful_with_issues": "Successful with issues",
    "unsuccessful": "Unsuccessful",
}
DECISIONS: Mapping[str, str] = {"requested": "pending", "approved": "approved", "rejected": "declined"}

REQUEST_TYPES: Mapping[str, tuple[str, str]] = {
    "incident": ("11", "Report a system problem"),
    "change": ("12", "Request a change"),
}
"""Id and name of what a customer may ask for in the portal, by entity. Problems are not asked for."""

ORGANIZATIONS = ("Customers of the network", "Municipalities", "Contractors")
"""The organisations that the desk's customers belong to."""
