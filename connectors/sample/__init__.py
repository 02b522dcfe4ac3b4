"""One fictional organisation, told once and served by both simulators.

The truth is neutral: entities and fields carry the names of the canonical model, references are keys. Each record has
the values it was created with and the events that changed it, so that the organisation can be asked how it stood at
any moment. Nothing depends on the wall clock; the same seed gives the same organisation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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


@dataclass(frozen=True, slots=True)
class SlaClock:
    """An SLA instance read at a moment. ``breach_at`` is the instant at which the target is, or will be, used up.

    ``stopped_at`` is also set by a cancellation; ``elapsed_seconds`` are without, ``paused_seconds`` only the pauses.
    """

    state: Literal["in_progress", "paused", "completed", "cancelled"]
    breach_at: datetime
    is_breached: bool
    elapsed_seconds: int
    paused_seconds: int
    started_at: datetime
    stopped_at: datetime | None


def clock(record: Record, definition: Record, moment: datetime) -> SlaClock:
    """Read a clock that runs day and night. An open pause moves ``breach_at`` with the moment.

    Breached means that the target was used up strictly before the stop (or the moment): exactly on target is met. A
    pause that begins after the target was used up does not move ``breach_at`` any more. Raises LookupError when the
    instance did not exist at the moment, TypeError when one of the records is of another entity.
    """
    values = record.at(moment)
    if values is None:
        raise LookupError(f"sla_instance {record.key} does not exist at {moment.isoformat()}")
    started_at, seconds, pauses = values["started_at"], definition.values["target_seconds"], values["pauses"]
    stopped_at = values["cancelled_at"] or values["stopped_at"]
    if not isinstance(started_at, datetime) or not isinstance(seconds, int) or not isinstance(pauses, list):
        raise TypeError(f"{record.entity} {record.key} and {definition.entity} {definition.key} make no clock")
    end = stopped_at if isinstance(stopped_at, datetime) else None
    until = end or moment
    breach_at, paused = started_at + timedelta(seconds=seconds), timedelta()
    for begin, resumed_at in pauses:
        span = (resumed_at or until) - begin
        paused += span
        if begin <= breach_at:
            breach_at += span
    is_waiting = bool(pauses) and pauses[-1][1] is None
    state: Literal["in_progress", "paused", "completed", "cancelled"] = "paused" if is_waiting else "in_progress"
    if end is not None:
        state = "cancelled" if values["cancelled_at"] else "completed"
    return SlaClock(
        state,
        breach_at,
        breach_at < until,
        round((until - started_at - paused).total_seconds()),
        round(paused.total_seconds()),
        started_at,
        end,
    )


def generate(seed: int = 2020, scale: float = 1.0) -> Organization:
    """The organisation from 2025-05-01 up to ``AS_OF``; ``scale`` multiplies the number of tickets (3,000 at 1).

    What an auditor must be able to find is there at any scale. Change 1 is the one with a flawless trace.
    """
    # imported here: the parts of the story are told in terms of the records above
    from connectors.sample.story import tell

    return tell(seed, scale)
