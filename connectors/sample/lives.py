"""Records in the making: what a ticket starts as, and the life that is told about it before it becomes a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from connectors.sample import AS_OF, Event, Home, Record, Value
from connectors.sample.catalogue import Service

_FIELDS = {
    "problem": (
        "title description service configuration_item team assignee priority state opened_at resolved_at closed_at "
        "due_at is_known_error root_cause workaround fix resolution_code change"
    ),
    "change": (
        "title description service configuration_item team assignee requested_by priority type risk state approval "
        "outcome opened_at planned_start_at planned_end_at actual_start_at actual_end_at closed_at reviewed_at "
        "justification assessment implementation_plan backout_plan test_plan review is_unauthorized"
    ),
    "approval": "change approver state",
    "incident": (
        "title description service configuration_item team assignee requester category priority state opened_at "
        "resolved_at closed_at resolver resolution_code reopened_count is_major problem change caused_by_change "
        "parent_incident channel"
    ),
    "sla_instance": "definition incident started_at pauses stopped_at cancelled_at",
    "outage": "service configuration_item type begin_at end_at incident",
    "satisfaction": "incident person score comment answered_at",
}


@dataclass(slots=True, eq=False)
class Slot:
    """A ticket that will be written: where, when, on which service, and what is particular about it."""

    home: Home
    opened_at: datetime
    service: Service | None
    marks: frozenset[str] = frozenset()
    key: int = 0


def settle(slots: Iterable[Slot], taken: set[datetime]) -> None:
    """Give each slot a second of its own, so that the order of creation is the same for every reader."""
    for slot in slots:
        while slot.opened_at in taken:
            slot.opened_at += timedelta(seconds=1)
        taken.add(slot.opened_at)


def number(slots: Sequence[Slot], first: int = 1) -> None:
    """Number slots that are already in order of creation."""
    for key, slot in enumerate(slots, first):
        slot.key = key


@dataclass(slots=True)
class Life:
    """A life told in any order and beyond the present; ``record`` keeps what has happened by then.

    Every field of the entity is there from the creation; those that ``values`` does not name are None.
    """

    entity: str
    home: Home
    created_at: datetime
    created_by: int
    values: dict[str, Value]
    key: int = 0
    events: list[Event] = field(default_factory=list)
    deleted_at: datetime | None = None

    def __post_init__(self) -> None:
        self.values = dict.fromkeys(_FIELDS[self.entity].split()) | self.values

    def then(self, at: datetime, by: int, **changes: Value) -> None:
        """Tell that fields changed at a moment; one before the creation counts from the second after it."""
        self.events.append(Event(max(at, self.created_at + timedelta(seconds=1)), by, changes))

    def record(self) -> Record:
        """The record: events in order, one a second, without those still to come and those that change nothing."""
        end = AS_OF if self.deleted_at is None else self.deleted_at - timedelta(seconds=1)
        happened = sorted((event for event in self.events if event.at <= end), key=lambda event: event.at)
        record = Record(self.entity, self.key, self.home, self.created_at, self.created_by, self.values)
        record.deleted_at = self.deleted_at
        values = dict(self.values)
        for at, group in groupby(happened, key=lambda event: event.at):
            together = list(group)
            told = {name: value for event in together for name, value in event.changes.items()}
            changes = {name: value for name, value in told.items() if values[name] != value}
            if changes:
                values |= changes
                record.events.append(Event(at, together[0].by, changes))
        return record


def records(lives: Iterable[Life]) -> list[Record]:
    """Number lives that nothing refers to in order of creation, and make them records."""
    ordered = sorted((life for life in lives if life.created_at <= AS_OF), key=lambda life: life.created_at)
    for key, life in enumerate(ordered, 1):
        life.key = key
    return [life.record() for life in ordered]
