"""One fictional organisation, told once and served by both simulators.

The truth is neutral: entities and fields carry the names of the canonical model, references are keys. Each record has
the values it was created with and the events that changed it, so that the organisation can be asked how it stood at
any moment. Nothing depends on the wall clock; the same seed gives the same organisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

AS_OF = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
"""The organisation's present: 03:30 in Amsterdam on the first night after the last full month."""

Home = Literal["servicenow", "jira"]
Value = str | int | float | bool | datetime | list[tuple[datetime, datetime | None]] | None
Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Event:
    """Fields that changed together: when, by whom (key of a person, 0 for the system), and their new values."""

    at: datetime
    by: int
    changes: Values


@dataclass(slots=True)
class Record:
    """One record of the truth. ``entity`` is a canonical entity, ``key`` unique within it over both homes."""

    entity: str
    key: int
    home: Home
    created_at: datetime
    created_by: int
    values: Values
    events: list[Event] = field(default_factory=list)
    deleted_at: datetime | None = None

    def at(self, moment: datetime) -> dict[str, Value] | None:
        """The fields as they stood at ``moment`` (events up to and including it); None when it did not exist."""
        if self.created_at > moment or (self.deleted_at is not None and self.deleted_at <= moment):
            return None
        values = dict(self.values)
        for event in self.history(moment):
            values.update(event.changes)
        return values

    def history(self, moment: datetime) -> Iterator[Event]:
        """The events up to and including ``moment``, oldest first."""
        return (event for event in self.events if event.at <= moment)

    def updated_at(self, moment: datetime) -> datetime:
        """Time of the last event up to ``moment``, else the creation."""
        return max((event.at for event in self.history(moment)), default=self.created_at)


@dataclass(slots=True)
class Organization:
    """All records by entity, in order of their keys."""

    name: str
    time_zone: str
    seed: int
    as_of: datetime
    records: dict[str, list[Record]]

    def of(self, entity: str, home: Home | None = None) -> list[Record]:
        """The records of an entity, of one home when one is named."""
        return [r for r in self.records.get(entity, []) if home is None or r.home == home]
