"""Problems of the sample organisation: from the first suspicion to the closure, with and without a cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from connectors.sample import Home, Record
from connectors.sample.calendar import Workload, elapsed, instant, office_after, office_moment
from connectors.sample.catalogue import Catalogue
from connectors.sample.change_words import problem_texts, problem_title
from connectors.sample.incident_words import fillings
from connectors.sample.lives import Life, Slot, number, settle

_PINS: tuple[tuple[str, Home, date, date | None], ...] = (
    ("no_cause", "servicenow", date(2026, 8, 11), date(2026, 10, 7)),
    ("no_cause", "jira", date(2026, 8, 19), date(2026, 10, 15)),
    ("blank_cause", "servicenow", date(2025, 11, 4), date(2026, 1, 20)),
    ("cancelled", "servicenow", date(2026, 9, 29), date(2026, 10, 9)),
    ("cancelled", "jira", date(2026, 10, 1), date(2026, 10, 13)),
    ("duplicate", "servicenow", date(2026, 10, 6), date(2026, 10, 14)),
    ("overdue", "servicenow", date(2026, 6, 9), None),
    ("overdue", "jira", date(2026, 5, 20), None),
    ("fixed", "servicenow", date(2026, 8, 4), date(2026, 10, 20)),
    ("fixed", "jira", date(2026, 8, 6), date(2026, 10, 22)),
    ("showcase", "servicenow", date(2026, 8, 31), None),
)
"""What must be there whatever the scale: the mark, the home, the day it is opened, the day it ends."""

_RATES = (("no_cause", 0.06), ("cancelled", 0.06), ("duplicate", 0.03), ("overdue", 0.04), ("risk_accepted", 0.09))
_DUE_DAYS = {"1": 30, "2": 45, "3": 75, "4": 110}


@dataclass(slots=True, eq=False)
class ProblemSlot(Slot):
    """A problem with the moments that its change and its incidents go by; ``ends_on`` fixes the day it is closed."""

    title: str = ""
    words: Mapping[str, str] | None = None
    ends_on: date | None = None
    change: int | None = None
    assessed_at: datetime | None = None
    analysed_at: datetime | None = None
    fix_at: datetime | None = None

    @property
    def wants_change(self) -> bool:
        """Whether a change is raised to fix it."""
        return bool(self.marks & {"with_change", "showcase"})


def plan_problems(
    rng: Random, catalogue: Catalogue, workload: Workload, count: int, taken: set[datetime]
) -> list[ProblemSlot]:
    """``count`` problems (never fewer than the pinned ones), numbered in order of creation."""
    slots = []
    for mark, place, opened_on, ends_on in _PINS:
        slot = ProblemSlot(place, office_moment(rng, opened_on), catalogue.draw(rng, place), frozenset({mark}))
        slot.ends_on = ends_on
        if mark == "showcase":
            slot.service = catalogue.service("servicenow", "Meter Reading Gateway")
            slot.opened_at = instant(opened_on, 9, 24, 10)
        slots.append(slot)
    while len(slots) < count:
        home: Home = "servicenow" if rng.random() < 0.7 else "jira"
        marks = {"with_change"} if rng.random() < 0.4 else set()
        drawn = rng.random()
        for mark, rate in _RATES:
            if 0 <= drawn < rate:
                marks = {mark}
            drawn -= rate
        opened_at = office_moment(rng, workload.day(rng))
        slots.append(ProblemSlot(home, opened_at, catalogue.draw(rng, home), frozenset(marks)))
    settle(slots, taken)
    slots.sort(key=lambda slot: slot.opened_at)
    number(slots)
    for slot in slots:
        _plan_times(rng, slot)
    return slots


def _plan_times(rng: Random, slot: ProblemSlot) -> None:
    if slot.service is None:
        raise ValueError("a problem of the sample always has a service")
    slot.words = fillings(rng, slot.service.name, rng.choice(slot.service.items).name)
    slot.title = problem_title(rng, slot.service.kind, slot.words)
    slot.assessed_at = office_after(rng, slot.opened_at, 3, 60)
    slot.analysed_at = office_after(rng, slot.assessed_at, 12, 120)
    slot.fix_at = office_after(rng, slot.analysed_at, 72, 480)


def write_problems(
    rng: Random, catalogue: Catalogue, slots: Sequence[ProblemSlot], implemented: Mapping[int, datetime]
) -> list[Record]:
    """The records. ``implemented`` gives the end of each change that was carried out: a fix waits for its change."""
    return [_write(rng, catalogue, slot, implemented).record() for slot in slots if "showcase" not in slot.marks]


def _write(rng: Random, catalogue: Catalogue, slot: ProblemSlot, implemented: Mapping[int, datetime]) -> Life:
    service, words = slot.service, slot.words
    if service is None or words is None or not (slot.assessed_at and slot.analysed_at and slot.fix_at):
        raise ValueError("a problem is planned before it is written")
    priority = rng.choices(("1", "2", "3", "4"), weights=(1, 5, 10, 4))[0]
    assignee = rng.choice(service.team.members)
    management = catalogue.management[slot.home]
    life = Life(
        "problem",
        slot.home,
        slot.opened_at,
        rng.choice(management.members),
        {
            "title": slot.title,
            "description": f"{slot.title}. Several incidents look alike; cause unknown so far.",
            "service": service.key,
            "configuration_item": rng.choice(service.items).key,
            "team": service.team.key,
            "priority": priority,
            "state": "new",
            "opened_at": slot.opened_at,
            "due_at": slot.opened_at + timedelta(days=_DUE_DAYS[priority]),
            "is_known_error": False,
        },
        key=slot.key,
    )
    life.then(slot.assessed_at, assignee, state="assess", assignee=assignee)
    if slot.marks & {"cancelled", "duplicate"}:
        ended_at = _ends(rng, slot, office_after(rng, slot.assessed_at, 24, 200))
        code = "duplicate" if "duplicate" in slot.marks else "cancelled"
        state = "closed" if code == "duplicate" else "cancelled"
        life.then(ended_at, assignee, state=state, resolution_code=code, closed_at=ended_at)
        return life
    life.then(slot.analysed_at, assignee, state="root_cause_analysis")
    if "overdue" not in slot.marks:
        _solve(rng, life, slot, assignee, implemented)
    return life


def _solve(rng: Random, life: Life, slot: ProblemSlot, assignee: int, implemented: Mapping[int, datetime]) -> None:
    """From the analysis on: cause, workaround, fix (by a change, where one was raised), resolution, closure."""
    if slot.words is None or slot.analysed_at is None or slot.fix_at is None:
        raise ValueError("a problem is planned before it is solved")
    texts = problem_texts(rng, slot.words)
    found_at = office_after(rng, slot.analysed_at, 8, 40)
    if "blank_cause" in slot.marks:
        life.then(found_at, assignee, root_cause=" \n ")
    elif "no_cause" not in slot.marks:
        known = rng.random() < 0.6
        workaround = texts["workaround"] if known else None
        life.then(found_at, assignee, root_cause=texts["root_cause"], is_known_error=known, workaround=workaround)
    life.then(slot.fix_at, assignee, state="fix_in_progress", change=slot.change)
    ready_at = slot.fix_at
    if slot.change is not None:
        if slot.change not in implemented:
            return
        ready_at = implemented[slot.change]
    resolved_at = office_after(rng, ready_at, 20, 200)
    closed_at = _ends(rng, slot, office_after(rng, resolved_at, 48, 400))
    resolved_at = min(resolved_at, closed_at - elapsed(rng, 20, 60))
    accepted = "risk_accepted" in slot.marks
    fix = None if accepted or slot.marks & {"no_cause", "blank_cause"} else texts["fix"]
    code = "risk_accepted" if accepted else "fix_applied"
    life.then(resolved_at, assignee, state="resolved", resolved_at=resolved_at, resolution_code=code, fix=fix)
    life.then(closed_at, assignee, state="closed", closed_at=closed_at)


def _ends(rng: Random, slot: ProblemSlot, otherwise: datetime) -> datetime:
    return otherwise if slot.ends_on is None else office_moment(rng, slot.ends_on)
