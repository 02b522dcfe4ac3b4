"""Changes of the sample organisation: raised, approved, carried out, reviewed, and where that went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from connectors.sample import Record, Value
from connectors.sample.calendar import elapsed, month_index, office_after, window_after
from connectors.sample.catalogue import Catalogue, Service
from connectors.sample.change_plan import ChangeSlot
from connectors.sample.change_words import change_texts, change_title, review
from connectors.sample.incident_words import fillings
from connectors.sample.lives import Life


@dataclass(frozen=True, slots=True)
class Crew:
    """Who asks, who decides, who does it (keys of persons). Different people, but where the change says otherwise."""

    requested_by: int
    assignee: int
    approvers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """The moments of a change that is carried out. ``decisions`` are those of the approvers, in their order."""

    assessed_at: datetime | None
    asked_at: datetime | None
    decisions: tuple[datetime, ...]
    planned_start_at: datetime
    planned_end_at: datetime
    started_at: datetime
    ended_at: datetime
    reviewed_at: datetime
    closed_at: datetime


@dataclass(slots=True)
class Changes:
    """The records of changes, the approvals (not numbered yet), and when each change that was carried out ended.

    ``owed`` are failures by the failure rate so far, less those told: counted, not drawn, for a clean trend.
    """

    changes: list[Record] = field(default_factory=list)
    approvals: list[Life] = field(default_factory=list)
    ended: dict[int, datetime] = field(default_factory=dict)
    owed: float = 0.0


def write_changes(rng: Random, catalogue: Catalogue, slots: Sequence[ChangeSlot]) -> Changes:
    """The records of all planned changes but the showcase, whose story is written elsewhere."""
    done = Changes()
    for slot in slots:
        if "showcase" not in slot.marks:
            done.changes.append(_write(rng, catalogue, slot, done).record())
    return done


def _write(rng: Random, catalogue: Catalogue, slot: ChangeSlot, done: Changes) -> Life:
    service = slot.service
    if service is None:
        raise ValueError("a change of the sample always has a service")
    item = rng.choice(service.items)
    words = fillings(rng, service.name, item.name)
    crew = _crew(rng, catalogue, slot, service)
    course = _course(rng, slot, len(crew.approvers))
    texts = change_texts(rng, words)
    assessment = None if "unassessed" in slot.marks else texts["assessment"]
    life = Life(
        "change",
        slot.home,
        slot.opened_at,
        crew.requested_by,
        {
            **texts,
            "title": slot.title or change_title(rng, service.kind, slot.type, words),
            "description": f"Change on {item.name} for {service.name}. {texts['justification']}",
            "service": service.key,
            "configuration_item": None if "no_item" in slot.marks else item.key,
            "team": service.team.key,
            "assignee": crew.assignee,
            "requested_by": crew.requested_by,
            "priority": {"emergency": "1", "standard": "4"}.get(slot.type, "3"),
            "type": slot.type,
            "risk": "low" if slot.type == "standard" else rng.choices(("high", "moderate", "low"), (2, 5, 4))[0],
            "state": "new",
            "approval": "not_requested",
            "opened_at": slot.opened_at,
            "planned_start_at": course.planned_start_at,
            "planned_end_at": course.planned_end_at,
            "assessment": assessment if slot.type != "normal" else None,
            "is_unauthorized": False,
        },
        key=slot.key,
    )
    if course.assessed_at is not None:
        life.then(course.assessed_at, crew.assignee, state="assess", assessment=assessment)
    if "cancelled" in slot.marks:
        ended_at = office_after(rng, course.assessed_at or slot.opened_at, 4, 70)
        life.then(ended_at, crew.requested_by, state="cancelled", closed_at=ended_at)
        return life
    if not _authorise(life, slot, crew, course, done.approvals):
        return life
    done.ended[slot.key] = course.ended_at
    _carry_out(rng, catalogue, life, slot, crew, course, _outcome(rng, slot, course.ended_at, done), words)
    return life


def _crew(rng: Random, catalogue: Catalogue, slot: ChangeSlot, service: Service) -> Crew:
    office = catalogue.management[slot.home]
    if "one_person" in slot.marks:
        return Crew(service.team.manager, service.team.manager, (service.team.manager,))
    requested_by, assignee = rng.sample(service.team.members, 2)
    if slot.type == "standard":
        return Crew(requested_by, assignee, ())
    first = office.manager if slot.type == "emergency" else rng.choice((service.owner, service.team.manager))
    is_wide = slot.type == "normal" and rng.random() < 0.55
    return Crew(requested_by, assignee, (first, office.manager) if is_wide else (first,))


def _course(rng: Random, slot: ChangeSlot, approvers: int) -> Course:
    """Times of a change as if nothing stopped it. ``pace`` below 1 hurries it along."""
    pace, opened_at = slot.pace, slot.opened_at
    assessed_at = asked_at = None
    decisions: tuple[datetime, ...] = ()
    ready_at = opened_at
    if slot.type == "normal":
        assessed_at = office_after(rng, opened_at, 3, 48 * pace)
        asked_at = ready_at = office_after(rng, assessed_at, 3, 40 * pace)
        decisions = _decide(rng, asked_at, approvers, 2, 50 * pace)
    elif slot.type == "emergency":
        asked_at = ready_at = opened_at + elapsed(rng, 0.05, 0.3)
        decisions = tuple(asked_at + elapsed(rng, 0.2, 1.2) for _ in range(approvers))
    if decisions and not slot.marks & {"late", "unapproved", "unauthorized"}:
        ready_at = max(decisions)
    if slot.type == "emergency":
        planned = ready_at + elapsed(rng, 0.1, 0.4)
        hours = rng.uniform(0.7, 2.5)
    else:
        planned = window_after(rng, ready_at, 1, max(2, round(7 * pace)))
        hours = rng.choice((1, 2, 2, 3, 4))
    planned_end_at = planned + timedelta(seconds=round(hours * 3600))
    started_at = planned + timedelta(seconds=rng.randint(20, 700))
    share = rng.uniform(1.05, 1.6) if rng.random() < 0.08 else rng.uniform(0.3, 0.85)
    ended_at = started_at + timedelta(seconds=round(hours * 3600 * share))
    if "late" in slot.marks:
        decisions = tuple(office_after(rng, ended_at, 1, 30) for _ in range(approvers))
    reviewed_at = office_after(rng, ended_at, 4, 72 * pace)
    closed_at = office_after(rng, max((reviewed_at, *decisions)), 0.5, 40 * pace)
    return Course(
        assessed_at, asked_at, decisions, planned, planned_end_at, started_at, ended_at, reviewed_at, closed_at
    )


def _decide(rng: Random, asked_at: datetime, count: int, low: float, high: float) -> tuple[datetime, ...]:
    return tuple(office_after(rng, asked_at, low, high) for _ in range(count))


def _authorise(life: Life, slot: ChangeSlot, crew: Crew, course: Course, approvals: list[Life]) -> bool:
    """Tell the approval; False when the change ends with it. A pre-approved change goes straight to the schedule."""
    if slot.type == "standard":
        life.then(life.created_at + timedelta(minutes=10), crew.assignee, state="scheduled", approval="approved")
        return True
    if course.asked_at is None or "unauthorized" in slot.marks:
        return True
    is_refused = "rejected" in slot.marks
    life.then(course.asked_at, crew.assignee, state="authorize", approval="requested")
    last = max(range(len(crew.approvers)), key=lambda n: course.decisions[n])
    for n, (approver, decided_at) in enumerate(zip(crew.approvers, course.decisions, strict=True)):
        values: dict[str, Value] = {"change": life.key, "approver": approver, "state": "requested"}
        approval = Life("approval", life.home, course.asked_at, crew.assignee, values)
        approvals.append(approval)
        if "unapproved" not in slot.marks:
            approval.then(decided_at, approver, state="rejected" if is_refused and n == last else "approved")
    decided_at, approver = course.decisions[last], crew.approvers[last]
    if is_refused:
        life.then(decided_at, approver, state="cancelled", approval="rejected", closed_at=decided_at)
    elif "late" in slot.marks:
        life.then(decided_at, approver, approval="approved")
    elif "unapproved" not in slot.marks:
        life.then(decided_at, approver, state="scheduled", approval="approved")
    return not is_refused


def _carry_out(
    rng: Random,
    catalogue: Catalogue,
    life: Life,
    slot: ChangeSlot,
    crew: Crew,
    course: Course,
    outcome: str,
    words: Mapping[str, str],
) -> None:
    """Tell implementation, review and closure."""
    office = catalogue.management[slot.home]
    life.then(course.started_at, crew.assignee, state="implement", actual_start_at=course.started_at)
    life.then(course.ended_at, crew.assignee, state="review", actual_end_at=course.ended_at)
    if "unauthorized" in slot.marks:
        life.then(course.ended_at + elapsed(rng, 5, 20), office.members[0], is_unauthorized=True)
    if "unreviewed" not in slot.marks:
        text = review(rng, outcome, words)
        reviewer = office.members[slot.key % len(office.members)]
        life.then(course.reviewed_at, reviewer, review=text, reviewed_at=course.reviewed_at)
    life.then(
        course.closed_at,
        crew.assignee,
        state="closed",
        closed_at=course.closed_at,
        outcome=None if "no_outcome" in slot.marks else outcome,
    )


def _outcome(rng: Random, slot: ChangeSlot, ended_at: datetime, done: Changes) -> str:
    """Failures get rarer over the last twelve months: 13 percent in the autumn of 2025, 2 percent a year later."""
    if "unsuccessful" in slot.marks:
        return "unsuccessful"
    if slot.marks & {"pinned", "causing"}:
        return "successful"
    month = month_index(ended_at)
    done.owed += 0.13 if month < 6 else 0.13 - 0.01 * (month - 6)
    if done.owed >= 1:
        done.owed -= 1
        return "unsuccessful"
    return "successful_with_issues" if rng.random() < 0.06 else "successful"


def causing(slots: Iterable[ChangeSlot], ended: Mapping[int, datetime]) -> list[tuple[ChangeSlot, datetime]]:
    """The changes that brought about an incident, with the moment they ended."""
    return [(slot, ended[slot.key]) for slot in slots if "causing" in slot.marks and slot.key in ended]
