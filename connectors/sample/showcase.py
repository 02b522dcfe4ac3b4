"""One change told in full, with its problem, its incident and its two approvals.

Everything that an auditor asks for is there; of interest are a window that was moved and a test that found something.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connectors.sample import Record
from connectors.sample.calendar import instant
from connectors.sample.catalogue import Catalogue, Service, Team
from connectors.sample.change_plan import SHOWCASE_KEY
from connectors.sample.items import Item
from connectors.sample.lives import Life, Slot

_PROBLEM_TITLE = "Nightly meter reading import runs out of database connections"
_CHANGE_TITLE = "Raise the connection pool of the meter reading import and close idle connections"
_INCIDENT_TITLE = "Readings of district Kleiwijk arrive after seven in the morning, third time this week"
_PLANS = {
    "justification": "Removes the cause of late readings. Three districts missed the billing run in a week.",
    "implementation_plan": "1. Tell the control room and the desk. 2. Copy the configuration. 3. Raise the limit of "
    "the database, then the pool. 4. Restart one import node, test case 1. 5. The other node, cases 2 to 5.",
    "backout_plan": "Put the copied configuration back and restart both nodes: 15 minutes. Decision at 22:15 at the "
    "latest, by the engineer with the service owner on the phone.",
    "test_plan": "Acceptance: full load of 1.4 million readings with 48 workers. Production: five cases, the last one "
    "a trial import of district Kleiwijk.",
}


@dataclass(frozen=True, slots=True)
class Showcase:
    """The records of the story. The approvals are lives still: they are numbered with all others."""

    problem: Record
    change: Record
    incident: Record
    approvals: list[Life]


def write_showcase(catalogue: Catalogue, problem: Slot, incident: Slot) -> Showcase:
    """The story, under the keys that the problem and the incident have in their order of creation."""
    service = catalogue.service("servicenow", "Meter Reading Gateway")
    item, office = service.items[0], catalogue.management["servicenow"]
    return Showcase(
        _problem(service, item, office, problem),
        _change(service, item, office),
        _incident(catalogue, service, item, problem, incident),
        _approvals(service, office),
    )


def _at(month: int, day: int, hour: int, minute: int, second: int = 0) -> datetime:
    return instant(date(2026, month, day), hour, minute, second)


def _problem(service: Service, item: Item, office: Team, slot: Slot) -> Record:
    analyst = service.team.members[2]
    life = Life(
        "problem",
        "servicenow",
        slot.opened_at,
        office.members[1],
        {
            "title": _PROBLEM_TITLE,
            "description": "Since the release of 24 August the import of readings waits for connections between four "
            "and seven in the morning. Districts at the end of the list reach billing too late.",
            "service": service.key,
            "configuration_item": item.key,
            "team": service.team.key,
            "priority": "2",
            "state": "new",
            "opened_at": slot.opened_at,
            "due_at": slot.opened_at + timedelta(days=60),
            "is_known_error": False,
        },
        key=slot.key,
    )
    life.then(_at(9, 1, 10, 5), analyst, state="assess", assignee=analyst)
    life.then(_at(9, 3, 13, 40), analyst, state="root_cause_analysis")
    life.then(
        _at(9, 11, 15, 22),
        analyst,
        root_cause=f"The release starts 48 import workers, the pool on {item.name} has 32 connections, and connections "
        "of finished workers stay open for an hour. Shown by the waits recorded in the night of 10 September.",
        workaround="Restart the import at 6:15 when districts are missing; the operator on duty may do it.",
        is_known_error=True,
    )
    life.then(_at(9, 14, 9, 40), analyst, state="fix_in_progress", change=SHOWCASE_KEY)
    resolved_at, closed_at = _at(10, 12, 10, 30), _at(10, 19, 14, 5)
    fix = "Pool of 64 connections, idle ones closed after five minutes, alarm at 48 in use. Ten nights without a wait."
    life.then(resolved_at, analyst, state="resolved", resolved_at=resolved_at, resolution_code="fix_applied", fix=fix)
    life.then(closed_at, office.members[1], state="closed", closed_at=closed_at)
    return life.record()


def _change(service: Service, item: Item, office: Team) -> Record:
    raiser, engineer = service.team.members[2], service.team.members[0]
    opened_at = _at(9, 14, 9, 12, 5)
    life = Life(
        "change",
        "servicenow",
        opened_at,
        raiser,
        {
            "title": _CHANGE_TITLE,
            "description": f"Setting on {item.name}: pool from 32 to 64 connections, idle connections closed after "
            "five minutes, new alarm at 48 in use.",
            "service": service.key,
            "configuration_item": item.key,
            "team": service.team.key,
            "assignee": engineer,
            "requested_by": raiser,
            "priority": "2",
            "type": "normal",
            "risk": "moderate",
            "state": "new",
            "approval": "not_requested",
            "opened_at": opened_at,
            "planned_start_at": _at(9, 26, 20, 0),
            "planned_end_at": _at(9, 26, 23, 0),
            **_PLANS,
            "is_unauthorized": False,
        },
        key=SHOWCASE_KEY,
    )
    _tell_change(life, service, office)
    return life.record()


def _tell_change(life: Life, service: Service, office: Team) -> None:
    engineer = service.team.members[0]
    assessment = (
        "Impact: readings only; the import stands still for at most 30 minutes between two runs. Risk moderate: the "
        "database has to carry 64 connections; the load test in acceptance reached 71 percent of its memory. Security: "
        "none. Continuity: the standby node is changed last."
    )
    life.then(_at(9, 16, 11, 3, 20), service.team.manager, state="assess", assessment=assessment)
    life.then(_at(9, 18, 14, 30, 8), engineer, state="authorize", approval="requested")
    moved = {"planned_start_at": _at(10, 3, 20, 0), "planned_end_at": _at(10, 3, 23, 0)}
    life.then(_at(9, 21, 16, 45), engineer, **moved)
    life.then(_at(9, 23, 10, 17, 31), office.manager, state="scheduled", approval="approved")
    started_at, ended_at = _at(10, 3, 20, 4, 12), _at(10, 3, 22, 21, 47)
    life.then(started_at, engineer, state="implement", actual_start_at=started_at)
    life.then(ended_at, engineer, state="review", actual_end_at=ended_at)
    reviewed_at, closed_at = _at(10, 6, 11, 20, 15), _at(10, 8, 9, 3, 44)
    review = (
        "Done within the window. Test case 4 found a limit of 60 open files on the second node; raised on the spot, as "
        "the plan allowed, and added to the build of both nodes. Two nights: no wait, all districts in by 5:10. The "
        "alarm fired once in the trial and was received by the operator. Lesson: acceptance gets the production limits."
    )
    life.then(reviewed_at, office.members[0], review=review, reviewed_at=reviewed_at)
    life.then(closed_at, office.members[0], state="closed", closed_at=closed_at, outcome="successful")


def _approvals(service: Service, office: Team) -> list[Life]:
    """The owner of the service, then the head of the service management office."""
    lives = []
    for approver, decided_at in ((service.owner, _at(9, 21, 15, 2, 9)), (office.manager, _at(9, 23, 10, 17, 31))):
        life = Life(
            "approval",
            "servicenow",
            _at(9, 18, 14, 30, 8),
            service.team.members[0],
            {"change": SHOWCASE_KEY, "approver": approver, "state": "requested"},
        )
        life.then(decided_at, approver, state="approved")
        lives.append(life)
    return lives


def _incident(catalogue: Catalogue, service: Service, item: Item, problem: Slot, slot: Slot) -> Record:
    """It waits for the change from 15 September on, its clock stands still meanwhile, and the agreed time is kept."""
    requester, agent = catalogue.requesters["servicenow"][0], service.team.members[1]
    desk = catalogue.desk["servicenow"]
    life = Life(
        "incident",
        "servicenow",
        slot.opened_at,
        requester,
        {
            "title": _INCIDENT_TITLE,
            "description": f"{_INCIDENT_TITLE}. Billing starts its run at seven and leaves the district out.",
            "service": service.key,
            "configuration_item": item.key,
            "team": desk.key,
            "requester": requester,
            "category": "data",
            "priority": "3",
            "state": "new",
            "opened_at": slot.opened_at,
            "reopened_count": 0,
            "is_major": False,
            "channel": "self-service",
        },
        key=slot.key,
    )
    life.then(_at(9, 10, 8, 14), desk.members[0], state="in_progress", assignee=desk.members[0])
    life.then(_at(9, 10, 9, 2), desk.members[0], team=service.team.key, assignee=agent)
    life.then(_at(9, 10, 11, 35), agent, problem=problem.key)
    life.then(_at(9, 11, 16, 10), agent, state="on_hold")
    resolved_at, closed_at = _at(10, 5, 9, 30), _at(10, 10, 9, 31, 12)
    life.then(_at(10, 5, 8, 45), agent, state="in_progress")
    life.then(
        resolved_at,
        agent,
        state="resolved",
        resolved_at=resolved_at,
        resolver=agent,
        resolution_code="Resolved by change",
        change=SHOWCASE_KEY,
    )
    life.then(closed_at, 0, state="closed", closed_at=closed_at)
    return life.record()
