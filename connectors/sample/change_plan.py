"""Which changes the sample organisation raises: from problems, for major incidents, and by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from connectors.sample import AS_OF, Home
from connectors.sample.calendar import Workload, elapsed, instant, month_index, next_working_day, office_moment
from connectors.sample.catalogue import Catalogue
from connectors.sample.change_words import fix_title
from connectors.sample.lives import Slot, number, settle
from connectors.sample.problems import ProblemSlot

SHOWCASE_KEY = 1
"""Key of the change that shows a flawless trace; all other keys follow the order of creation."""

_PINS: tuple[tuple[str, Home], ...] = (
    ("normal unapproved", "jira"),
    ("emergency late", "servicenow"),
    ("normal unauthorized unassessed", "servicenow"),
    ("normal unreviewed no_outcome", "servicenow"),
    ("normal no_item", "jira"),
    ("normal unsuccessful", "servicenow"),
    ("normal causing", "servicenow"),
    ("normal one_person", "servicenow"),
)
"""Type and marks of a change in the last month, with its home; the other home had the same some months before."""

_RATES = (
    ("unapproved", 0.02),
    ("late", 0.03),
    ("unauthorized", 0.015),
    ("unreviewed", 0.05),
    ("unassessed", 0.035),
    ("no_item", 0.04),
    ("no_outcome", 0.015),
    ("one_person", 0.02),
    ("cancelled", 0.04),
    ("rejected", 0.025),
)
_NOT_FOR_STANDARD = frozenset({"unapproved", "unauthorized", "late", "one_person", "rejected"})
_LAST_MONTH = 17


@dataclass(slots=True, eq=False)
class ChangeSlot(Slot):
    """A change that will be written. ``pace`` below 1 hurries it along; ``title`` is that of a problem's fix."""

    type: str = "normal"
    pace: float = 1.0
    title: str = ""


def plan_changes(
    rng: Random,
    catalogue: Catalogue,
    workload: Workload,
    count: int,
    problems: Sequence[ProblemSlot],
    majors: Sequence[Slot],
    taken: set[datetime],
) -> tuple[list[ChangeSlot], dict[Slot, ChangeSlot]]:
    """``count`` changes (never fewer than the others ask for), numbered; and which of them answers which major."""
    showcase = ChangeSlot(
        "servicenow",
        instant(date(2026, 9, 14), 9, 12, 5),
        catalogue.service("servicenow", "Meter Reading Gateway"),
        frozenset({"showcase"}),
        SHOWCASE_KEY,
    )
    slots = [*_pinned(rng, catalogue)]
    fixes = {slot: problem for problem in problems if (slot := _fix(problem)) is not None}
    answers = {major: _answer(rng, major) for major in majors if major.service is not None and rng.random() < 0.6}
    slots += [slot for slot in (*fixes, *answers.values()) if slot.opened_at <= AS_OF]
    while len(slots) + 1 < count:
        slots.append(_free(rng, catalogue, workload))
    settle([showcase, *slots], taken)
    slots.sort(key=lambda slot: slot.opened_at)
    number(slots, SHOWCASE_KEY + 1)
    _blame(slots)
    for slot, problem in fixes.items():
        problem.change = slot.key or None
    for problem in problems:
        if "showcase" in problem.marks:
            problem.change = SHOWCASE_KEY
    return [showcase, *slots], answers


def _pinned(rng: Random, catalogue: Catalogue) -> list[ChangeSlot]:
    """In the last month opened early enough to be closed in it; the same in the other home in spring 2026 or before."""
    slots = []
    for n, (words, home) in enumerate(_PINS):
        change_type, *marks = words.split()
        other: Home = "jira" if home == "servicenow" else "servicenow"
        for place, day in ((home, date(2026, 10, 1 + (n % 2) * 4)), (other, date(2026 - n % 2, 3 + 2 * (n % 4), 3))):
            opened_at = office_moment(rng, next_working_day(day))
            service = catalogue.draw(rng, place)
            slots.append(ChangeSlot(place, opened_at, service, frozenset({"pinned", *marks}), 0, change_type, 0.4))
    return slots


def _fix(problem: ProblemSlot) -> ChangeSlot | None:
    """The change that a problem asks for, raised before the problem moves on; it is never given up."""
    if not problem.wants_change or "showcase" in problem.marks or problem.fix_at is None:
        return None
    opened_at = problem.fix_at - timedelta(minutes=20)
    return ChangeSlot(
        problem.home, opened_at, problem.service, frozenset({"fix"}), 0, "normal", 0.8, fix_title(problem.title)
    )


def _answer(rng: Random, major: Slot) -> ChangeSlot:
    """The emergency change that ends a major incident."""
    opened_at = major.opened_at + elapsed(rng, 0.3, 0.8)
    return ChangeSlot(major.home, opened_at, major.service, frozenset({"answer"}), 0, "emergency")


def _free(rng: Random, catalogue: Catalogue, workload: Workload) -> ChangeSlot:
    home: Home = "servicenow" if rng.random() < 0.7 else "jira"
    change_type = rng.choices(("standard", "normal", "emergency"), weights=(38, 57, 5))[0]
    opened_at = office_moment(rng, workload.day(rng))
    marks = set()
    if month_index(opened_at) < _LAST_MONTH:
        drawn = rng.random()
        for mark, rate in _RATES:
            if 0 <= drawn < rate and not (change_type == "standard" and mark in _NOT_FOR_STANDARD):
                marks.add(mark)
            drawn -= rate
    return ChangeSlot(home, opened_at, catalogue.draw(rng, home), frozenset(marks), 0, change_type)


def _blame(slots: Sequence[ChangeSlot]) -> None:
    """Let every so many changes cause an incident, ever fewer. Counted, not drawn, for a clean trend."""
    owed = 0.0
    for slot in slots:
        month = month_index(slot.opened_at)
        if month < _LAST_MONTH and not slot.marks & {"pinned", "cancelled", "rejected", "answer"}:
            owed += 0.05 - 0.002 * month
            if owed >= 1:
                owed -= 1
                slot.marks |= {"causing"}
