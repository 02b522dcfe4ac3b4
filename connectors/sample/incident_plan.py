"""Which incidents the sample organisation has: the daily stream, those that must be there, and their consequences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from connectors.sample import AS_OF, Home
from connectors.sample.calendar import Workload, elapsed, instant, next_working_day, office_moment, quiet_moment
from connectors.sample.catalogue import HOMES, Catalogue
from connectors.sample.change_plan import ChangeSlot
from connectors.sample.incident_words import HOSTILE_TITLES
from connectors.sample.lives import Slot, number, settle
from connectors.sample.problems import ProblemSlot

_PRIORITIES = (("1", "2", "3", "4", "5"), (1.2, 8, 46, 38, 7))

_PINS: tuple[tuple[str, str, int, int], ...] = (
    ("reopened", "3", 10, 6),
    ("reopened_later", "3", 9, 24),
    ("cancelled", "4", 10, 12),
    ("no_service", "3", 10, 8),
    ("reprioritised", "2", 10, 13),
    ("breached", "3", 10, 1),
    ("held", "3", 10, 13),
    ("major", "1", 10, 14),
    ("open_breached", "3", 10, 20),
    ("waiting", "3", 10, 26),
    ("complaint", "3", 10, 8),
    ("deleted", "4", 10, 19),
)
"""Mark, priority, month and day in 2026: both homes have each, Jira a day later, so that every month's end shows it."""

_SHOWCASE_OPENED_AT = instant(date(2026, 9, 10), 6, 41, 33)
_OPEN_MAJOR_AT = instant(date(2026, 10, 31), 14, 7, 21)
"""A major incident of the last Saturday that nobody has solved by the present."""

_RATES = (
    ("cancelled", 0.03),
    ("no_service", 0.03),
    ("reprioritised", 0.05),
    ("held", 0.14),
    ("reopened", 0.03),
    ("reopened_later", 0.006),
    ("complaint", 0.034),
)
_LINKED_DAYS = (12, 25)
"""A problem gathers the incidents of its service from so many days before it was opened to so many after."""


@dataclass(slots=True, eq=False)
class IncidentSlot(Slot):
    """An incident that will be written, with what it hangs together with."""

    priority: str = "3"
    title: str = ""
    parent: IncidentSlot | None = None
    caused_by: ChangeSlot | None = None
    answer: ChangeSlot | None = None
    problem: ProblemSlot | None = None

    @property
    def is_major(self) -> bool:
        """Whether it is promoted to a major incident."""
        return bool(self.marks & {"major", "open_major"})


def plan_incidents(
    rng: Random, catalogue: Catalogue, days: Workload, quiet: Workload, count: int
) -> list[IncidentSlot]:
    """``count`` incidents (never fewer than the pinned ones), not numbered yet: consequences still come."""
    slots = list(_pinned(rng, catalogue))
    while len(slots) < count:
        home: Home = "servicenow" if rng.random() < 0.7 else "jira"
        is_quiet = rng.random() < 0.09
        opened_at = quiet_moment(rng, quiet.day(rng)) if is_quiet else office_moment(rng, days.day(rng))
        slots.append(_free(rng, catalogue, home, opened_at))
    return slots


def _pinned(rng: Random, catalogue: Catalogue) -> Iterable[IncidentSlot]:
    for mark, priority, month, day in _PINS:
        for late, home in enumerate(HOMES):
            opened_at = office_moment(rng, date(2026, month, day + late))
            service = None if mark == "no_service" else catalogue.draw(rng, home)
            yield IncidentSlot(home, opened_at, service, frozenset({mark, "pinned"}), priority=priority)
    for n, title in enumerate(HOSTILE_TITLES):
        opened_on = (date(2026, 10, 5 + n), date(2026, 2 + n % 6, 10 + n))
        for day_before, home in zip(opened_on, HOMES if n % 2 else HOMES[::-1], strict=True):
            opened_at = office_moment(rng, next_working_day(day_before))
            slot = IncidentSlot(home, opened_at, catalogue.draw(rng, home), frozenset({"pinned"}))
            slot.title = title
            yield slot
    portal = catalogue.service("servicenow", "Customer Portal")
    marks = frozenset({"open_major", "pinned"})
    yield IncidentSlot("servicenow", _OPEN_MAJOR_AT, portal, marks, priority="1")
    gateway = catalogue.service("servicenow", "Meter Reading Gateway")
    yield IncidentSlot("servicenow", _SHOWCASE_OPENED_AT, gateway, frozenset({"showcase", "pinned"}))


def _free(rng: Random, catalogue: Catalogue, home: Home, opened_at: datetime) -> IncidentSlot:
    slot = IncidentSlot(home, opened_at, catalogue.draw(rng, home))
    slot.priority = rng.choices(*_PRIORITIES)[0]
    if slot.priority == "1":
        slot.marks = frozenset({"major"} if rng.random() < 0.8 else ())
        return slot
    drawn = rng.random()
    for mark, rate in _RATES:
        if 0 <= drawn < rate:
            slot.marks = frozenset({mark})
            break
        drawn -= rate
    if "no_service" in slot.marks:
        slot.service = None
    if "complaint" in slot.marks:
        slot.priority = "3"
    return slot


def add_consequences(
    rng: Random, slots: list[IncidentSlot], causes: Iterable[tuple[ChangeSlot, datetime]], taken: set[datetime]
) -> list[IncidentSlot]:
    """All incidents with those that a change or a major incident brought about, numbered in order of creation."""
    for change, ended_at in causes:
        opened_at = ended_at + elapsed(rng, 0.3, 30)
        slot = IncidentSlot(change.home, opened_at, change.service, frozenset({"caused"}), caused_by=change)
        slot.priority = rng.choice(("2", "3", "3"))
        slots.append(slot)
    for major in [slot for slot in slots if slot.is_major]:
        for _ in range(rng.randint(1, 3)):
            opened_at = major.opened_at + timedelta(seconds=rng.randint(200, 3000))
            child = IncidentSlot(major.home, opened_at, major.service, frozenset({"child"}), parent=major)
            slots.append(child)
    settle(slots, taken)
    slots = sorted((slot for slot in slots if slot.opened_at <= AS_OF), key=lambda slot: slot.opened_at)
    number(slots)
    return slots


def link_problems(rng: Random, slots: Sequence[IncidentSlot], problems: Sequence[ProblemSlot]) -> None:
    """Let each problem gather some incidents of its service; an incident belongs to one problem at most."""
    before, after = (timedelta(days=days) for days in _LINKED_DAYS)
    odd = {"deleted", "complaint", "cancelled", "showcase", "child"}
    by_service: dict[int, list[IncidentSlot]] = {}
    for slot in slots:
        if slot.service is not None and not slot.marks & odd:
            by_service.setdefault(slot.service.key, []).append(slot)
    for problem in problems:
        own = by_service.get(problem.service.key, []) if problem.service is not None else []
        start, end = problem.opened_at - before, problem.opened_at + after
        alike = [slot for slot in own if slot.problem is None and start <= slot.opened_at <= end]
        for slot in rng.sample(alike, min(len(alike), rng.randint(1, 5))):
            slot.problem = problem
