"""What a simulated Jira site holds: issues with their histories, and the lists around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Document = dict[str, Any]
"""A JSON object as it is sent."""


def written(moment: datetime) -> str:
    """A time as Jira writes it, in the zone that it is in: ``2026-01-02T03:04:05.000+0200``, no colon in the offset."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}{moment:%z}"


@dataclass(slots=True)
class History:
    """Fields of an issue that changed together: ``id``, ``author``, ``created`` (ISO 8601) and ``items``."""

    document: Document
    at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.at = datetime.fromisoformat(self.document["created"])


@dataclass(slots=True)
class Issue:
    """An issue with all its fields; the times that queries go by are read out of the fields.

    ``histories`` come oldest first. Raises ValueError for a time that is no ISO 8601.
    """

    id: str
    key: str
    fields: Document
    histories: Sequence[History] = ()
    created: datetime = field(init=False)
    updated: datetime = field(init=False)
    resolved: datetime | None = field(init=False)

    def __post_init__(self) -> None:
        self.created = datetime.fromisoformat(self.fields["created"])
        self.updated = datetime.fromisoformat(self.fields["updated"])
        resolved = self.fields.get("resolutiondate")
        self.resolved = datetime.fromisoformat(resolved) if resolved else None

    @property
    def number(self) -> int:
        """The number in the key: 12 of ``OPS-12``."""
        return int(self.key.rpartition("-")[2])

    @property
    def project(self) -> str:
        """The key's other part: ``OPS`` of ``OPS-12``."""
        return self.key.rpartition("-")[0]


@dataclass(slots=True)
class Site:
    """A site as it stands at a moment, in the words of its deployment.

    ``time_zone`` is that of the account's profile: JQL reads times in it, and all times are written in it. ``url`` is
    the public name that stands in the records, so that they are the same bytes whatever port they are served from.
    ``portal`` has Service Management's lists (servicedesk, requesttype, organization), ``register`` those of Assets
    (workspace, schema, type, attribute, object), ``traps`` what is wrong with Assets (``assets.Trap``).
    """

    url: str
    time_zone: str
    projects: list[Document] = field(default_factory=list)
    fields: list[Document] = field(default_factory=list)
    statuses: list[Document] = field(default_factory=list)
    issuetypes: list[Document] = field(default_factory=list)
    users: list[Document] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    portal: dict[str, list[Document]] = field(default_factory=dict)
    register: dict[str, list[Document]] = field(default_factory=dict)
    traps: set[Any] = field(default_factory=set)
