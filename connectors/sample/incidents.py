"""Incidents of the sample organisation: taken, passed on, held, resolved, reopened, closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from connectors.sample import AS_OF, Record, Value
from connectors.sample.calendar import elapsed, instant, local_date, month_index, next_office, office_after
from connectors.sample.catalogue import RESOLUTION_SECONDS, RESPONSE_SECONDS, Catalogue
from connectors.sample.incident_plan import IncidentSlot
from connectors.sample.incident_words import complain, describe, fillings, tell
from connectors.sample.lives import Life
from connectors.sample.names import DEGRADING

_SLOW_SHARE = 0.055
_DEGRADED_SHARE = {15: 0.3, 16: 0.5, 17: 0.65}
"""Share of slow incidents; that of the degrading service by month of the sample (August to October 2026)."""

_CHANNELS = ("phone", "email", "self-service", "monitoring")
_CODES = ("Solution provided", "Workaround provided", "Resolved by caller", "Known error", "User error")
_CODE_WEIGHTS = (62, 14, 7, 7, 10)


@dataclass(slots=True)
class Desk:
    """What the writers of incidents share.

    ``ended`` has the end of each change carried out, ``fixes`` the same by service (keys), ``resolved`` the last
    resolution of each incident written so far, also one still to come, ``owed`` the slow ones due by target.
    """

    rng: Random
    catalogue: Catalogue
    ended: Mapping[int, datetime]
    fixes: Mapping[int, Sequence[tuple[datetime, int]]]
    resolved: dict[int, datetime] = field(default_factory=dict)
    owed: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hands:
    """Who handles an incident: the first to take it, the one who resolves it, and the team it was passed to, if any."""

    first: int
    resolver: int
    passed_to: int | None


def write_incidents(desk: Desk, slots: Sequence[IncidentSlot]) -> list[Record]:
    """The records of all planned incidents but the showcase; ``slots`` in order of their keys."""
    return [_write(desk, slot).record() for slot in slots if "showcase" not in slot.marks]


def _write(desk: Desk, slot: IncidentSlot) -> Life:
    life, hands = _open(desk, slot)
    responded_at = _responded(desk, slot)
    if "cancelled" in slot.marks:
        life.then(responded_at, hands.first, state="in_progress", assignee=hands.first)
        ended_at = office_after(desk.rng, responded_at, 0.5, 30)
        life.then(ended_at, hands.first, state="cancelled", closed_at=ended_at)
        return life
    life.then(responded_at, hands.first, state="in_progress", assignee=hands.first)
    if slot.marks & {"open_breached", "open_major"}:
        resolved_at = AS_OF + timedelta(days=2)
    else:
        resolved_at = _resolved(desk, slot, responded_at)
    middle = _at_work(desk.rng, slot, _between(desk.rng, responded_at, resolved_at, 0.05, 0.3), resolved_at)
    if hands.passed_to is not None:
        life.then(middle, hands.first, team=hands.passed_to, assignee=hands.resolver)
    if slot.marks & {"held", "waiting"}:
        resolved_at = _hold(desk.rng, life, slot, hands, middle, resolved_at)
    _link(desk, life, slot, hands, responded_at, min(resolved_at, AS_OF))
    _finish(desk, life, slot, hands, resolved_at)
    if "deleted" in slot.marks:
        life.deleted_at = instant(local_date(AS_OF) - timedelta(days=3), 11, 20, slot.key % 60)
    return life


def _open(desk: Desk, slot: IncidentSlot) -> tuple[Life, Hands]:
    """The incident as it was created, and who will handle it."""
    rng, catalogue, service = desk.rng, desk.catalogue, slot.service
    item = rng.choice(service.items) if service is not None and rng.random() < 0.85 else None
    words = fillings(rng, service.name if service else "something", item.name if item else "the machine")
    category, title = tell(rng, service.kind if service else None, words)
    owners = service.team if service is not None else catalogue.desk[slot.home]
    first_team = catalogue.desk[slot.home] if rng.random() < 0.6 and slot.priority != "1" else owners
    if "complaint" in slot.marks:
        category, title, first_team = "complaint", complain(rng, words), catalogue.management[slot.home]
        owners = first_team
    title = slot.title or title
    is_alarm = slot.priority in ("1", "2") and rng.random() < 0.5
    channel = "monitoring" if is_alarm else rng.choices(_CHANNELS, weights=(30, 25, 40, 5))[0]
    if "complaint" in slot.marks:
        channel = rng.choice(("phone", "email"))
    requester = rng.choice(catalogue.requesters[slot.home])
    if channel == "monitoring":
        requester = catalogue.monitoring[slot.home]
    first = rng.choice(first_team.members)
    was_passed = first_team is not owners and rng.random() < 0.55
    values: dict[str, Value] = {
        "title": title,
        "description": describe(rng, title, words),
        "service": service.key if service else None,
        "configuration_item": item.key if item else None,
        "team": first_team.key,
        "requester": requester,
        "category": category,
        "priority": slot.priority,
        "state": "new",
        "opened_at": slot.opened_at,
        "reopened_count": 0,
        "is_major": False,
        "channel": channel,
    }
    if "reprioritised" in slot.marks:
        values["priority"] = "4" if slot.priority == "5" else str(int(slot.priority) + 1)
    creator = first if channel == "phone" else requester
    life = Life("incident", slot.home, slot.opened_at, creator, values, key=slot.key)
    resolver = rng.choice(owners.members) if was_passed else first
    return life, Hands(first, resolver, owners.key if was_passed else None)


def _responded(desk: Desk, slot: IncidentSlot) -> datetime:
    """First response: at any hour for the two highest priorities, in office hours for the rest."""
    rng = desk.rng
    if slot.priority in ("1", "2"):
        is_slow = rng.random() < 0.06
        limit = 900 if slot.priority == "1" else 3600
        span = rng.randint(limit, limit * 3) if is_slow else rng.randint(60, limit - 60)
        return slot.opened_at + timedelta(seconds=span)
    if _is_slow(desk, slot, "response", normally=0.0):
        return slot.opened_at + timedelta(seconds=round(RESPONSE_SECONDS[slot.priority] * rng.uniform(1.05, 1.9)))
    return next_office(rng, slot.opened_at) + elapsed(rng, 0.03, 1.5)


def _is_slow(desk: Desk, slot: IncidentSlot, target: str, normally: float) -> bool:
    """Whether the incident is handled too slowly; on the degrading service counted, not drawn, for a clean trend."""
    is_degrading = slot.service is not None and slot.service.name == DEGRADING
    share = _DEGRADED_SHARE.get(month_index(slot.opened_at)) if is_degrading else None
    if share is None:
        return desk.rng.random() < normally
    desk.owed[target] = owed = desk.owed.get(target, 0.0) + (share if target == "resolution" else share / 2)
    if owed >= 1:
        desk.owed[target] -= 1
    return owed >= 1


def _resolved(desk: Desk, slot: IncidentSlot, responded_at: datetime) -> datetime:
    """The (first) resolution, without the time on hold."""
    rng = desk.rng
    if slot.parent is not None:
        return max(desk.resolved[slot.parent.key], responded_at) + elapsed(rng, 0.1, 0.5)
    if slot.answer is not None and slot.answer.key in desk.ended:
        return max(desk.ended[slot.answer.key], responded_at) + elapsed(rng, 0.1, 0.4)
    if "reopened_later" in slot.marks:
        return office_after(rng, responded_at, 8, 40)
    if "breached" in slot.marks:
        ratio = rng.uniform(1.4, 2.2)
    elif slot.marks & {"reopened", "major", "reprioritised", "held", "waiting"} and "pinned" in slot.marks:
        ratio = rng.uniform(0.2, 0.6)
    else:
        ratio = (
            rng.uniform(1.1, 3.5)
            if _is_slow(desk, slot, "resolution", _SLOW_SHARE)
            else min(0.85, rng.lognormvariate(-1.9, 0.9))
        )
    seconds = round(RESOLUTION_SECONDS[slot.priority] * ratio)
    resolved_at = max(slot.opened_at + timedelta(seconds=seconds), responded_at + elapsed(rng, 0.1, 1.5))
    return resolved_at if slot.priority in ("1", "2") else next_office(rng, resolved_at, within_minutes=180)


def _hold(
    rng: Random, life: Life, slot: IncidentSlot, hands: Hands, middle: datetime, resolved_at: datetime
) -> datetime:
    """Tell a wait for somebody else; the resolution moves by as much. One of the pinned waits has not ended."""
    held_at = _at_work(rng, slot, _between(rng, middle, resolved_at, 0.1, 0.4), resolved_at)
    resumed_at = AS_OF + timedelta(days=1) if "waiting" in slot.marks else office_after(rng, held_at, 6, 90)
    life.then(held_at, hands.resolver, state="on_hold")
    life.then(resumed_at, hands.resolver, state="in_progress")
    return office_after(rng, resolved_at + (resumed_at - held_at), 0.05, 0.5)


def _link(desk: Desk, life: Life, slot: IncidentSlot, hands: Hands, responded_at: datetime, until: datetime) -> None:
    """Tell what was found out while it was open; a problem may claim the incident later."""
    rng = desk.rng
    if slot.is_major:
        office = desk.catalogue.management[slot.home]
        life.then(responded_at + elapsed(rng, 0.05, 0.2), office.manager, is_major=True)
    if "reprioritised" in slot.marks:
        life.then(_between(rng, responded_at, until, 0.1, 0.5), hands.first, priority=slot.priority)
    if slot.parent is not None:
        life.then(responded_at, hands.first, parent_incident=slot.parent.key)
    if slot.caused_by is not None:
        life.then(_between(rng, responded_at, until, 0.1, 0.6), hands.resolver, caused_by_change=slot.caused_by.key)
    if slot.problem is not None:
        seen_at = max(responded_at, slot.problem.opened_at)
        life.then(office_after(rng, seen_at, 0.2, 12), hands.resolver, problem=slot.problem.key)


def _finish(desk: Desk, life: Life, slot: IncidentSlot, hands: Hands, resolved_at: datetime) -> None:
    """Tell resolution, reopening if it comes to that, and the closure by the system five days later."""
    rng = desk.rng
    life.then(resolved_at, hands.resolver, **_resolution(desk, slot, resolved_at, hands.resolver))
    if slot.marks & {"reopened", "reopened_later"}:
        wait = (185, 225) if "reopened_later" in slot.marks else (6, 60)
        reopened_at = office_after(rng, resolved_at, *wait)
        cleared: dict[str, Value] = dict.fromkeys(("resolved_at", "resolver", "resolution_code", "change"))
        life.then(reopened_at, hands.first, state="in_progress", reopened_count=1, **cleared)
        resolved_at = office_after(rng, reopened_at, 2, 40)
        life.then(resolved_at, hands.resolver, **_resolution(desk, slot, resolved_at, hands.resolver))
    desk.resolved[slot.key] = resolved_at
    closed_at = resolved_at + timedelta(days=10 if "reopened_later" in slot.marks else 5, seconds=rng.randint(60, 3600))
    life.then(closed_at, 0, state="closed", closed_at=closed_at)


def _resolution(desk: Desk, slot: IncidentSlot, resolved_at: datetime, resolver: int) -> dict[str, Value]:
    """The fields of a resolution; by a change when one answered it, or ended on its service the day before."""
    change = slot.answer.key if slot.answer is not None else None
    if change is None and slot.service is not None and slot.parent is None and desk.rng.random() < 0.3:
        day_before = resolved_at - timedelta(days=1)
        recent = [key for ended_at, key in desk.fixes.get(slot.service.key, ()) if day_before <= ended_at < resolved_at]
        change = recent[-1] if recent and (slot.caused_by is None or slot.caused_by.key != recent[-1]) else None
    code = desk.rng.choices(_CODES, weights=_CODE_WEIGHTS)[0]
    if slot.parent is not None:
        code = "Duplicate"
    elif change is not None:
        code = "Resolved by change"
    elif slot.problem is not None and slot.problem.opened_at < resolved_at and desk.rng.random() < 0.3:
        code = "Resolved by problem"
    return {
        "state": "resolved",
        "resolved_at": resolved_at,
        "resolver": resolver,
        "resolution_code": code,
        "change": change,
    }


def _between(rng: Random, start: datetime, end: datetime, low: float, high: float) -> datetime:
    """A moment inside a span, at a share of it between ``low`` and ``high``."""
    seconds = max(2.0, (end - start).total_seconds())
    return start + timedelta(seconds=max(1, round(seconds * rng.uniform(low, high))))


def _at_work(rng: Random, slot: IncidentSlot, moment: datetime, before: datetime) -> datetime:
    """The moment in office hours, where the priority lets it wait and there is one before ``before``."""
    working = next_office(rng, moment)
    return working if slot.priority not in ("1", "2") and working < before else moment
