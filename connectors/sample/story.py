"""The sample organisation put together: catalogue, problems, changes, incidents, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random

from connectors.sample import AS_OF, Organization, Record, clock
from connectors.sample.calendar import ZONE, workload
from connectors.sample.catalogue import Catalogue, establish
from connectors.sample.change_plan import plan_changes
from connectors.sample.changes import Changes, causing, write_changes
from connectors.sample.clocks import run_clocks
from connectors.sample.incident_plan import add_consequences, link_problems, plan_incidents
from connectors.sample.incidents import Desk, write_incidents
from connectors.sample.lives import Slot, records
from connectors.sample.names import ORGANIZATION
from connectors.sample.outages import write_outages, write_satisfaction
from connectors.sample.problems import plan_problems, write_problems
from connectors.sample.showcase import write_showcase

_INCIDENTS, _PROBLEMS, _CHANGES = 2170, 110, 640
"""Tickets at scale 1; the incidents without those that a change or a major incident brings about."""


def tell(seed: int, scale: float) -> Organization:
    """The whole organisation. Every part draws from a stream of its own, so that one part can change alone."""
    if scale <= 0:
        raise ValueError(f"scale must be above 0, not {scale}")

    def stream(part: str) -> Random:
        return Random(f"{seed}/{part}")

    catalogue = establish(stream("catalogue"))
    days, quiet = workload(weekend=0.04), workload(weekend=1.0)
    taken: set[datetime] = set()
    problems = plan_problems(stream("problems"), catalogue, days, round(_PROBLEMS * scale), taken)
    incidents = plan_incidents(stream("incidents"), catalogue, days, quiet, round(_INCIDENTS * scale))
    majors = [slot for slot in incidents if "major" in slot.marks]
    changes, answers = plan_changes(
        stream("changes"), catalogue, days, round(_CHANGES * scale), problems, majors, taken
    )
    for major in majors:
        major.answer = answers.get(major)
    done = write_changes(stream("change lives"), catalogue, changes)
    incidents = add_consequences(stream("consequences"), incidents, causing(changes, done.ended), taken)
    link_problems(stream("links"), incidents, problems)
    desk = Desk(stream("incident lives"), catalogue, done.ended, _by_service(done))
    story = write_showcase(catalogue, _showcase(problems), _showcase(incidents))
    tickets = {
        "problem": [*write_problems(stream("problem lives"), catalogue, problems, done.ended), story.problem],
        "change": [story.change, *done.changes],
        "approval": records([*done.approvals, *story.approvals]),
        "incident": [*write_incidents(desk, incidents), story.incident],
    }
    for own in tickets.values():
        own.sort(key=lambda record: record.key)
    return Organization(
        ORGANIZATION, ZONE.key, seed, AS_OF, {**catalogue.records, **tickets, **_follow(stream, catalogue, tickets)}
    )


def _follow(
    stream: Callable[[str], Random], catalogue: Catalogue, tickets: Mapping[str, Sequence[Record]]
) -> dict[str, list[Record]]:
    """What follows from the incidents: clocks, outages, answers of those who were helped."""
    incidents = tickets["incident"]
    clocks = run_clocks(catalogue, incidents)
    definitions = {record.key: record for record in catalogue.records["sla_definition"]}
    late = set()
    for record in clocks:
        definition, incident = record.values["definition"], record.values["incident"]
        if record.deleted_at is None and isinstance(definition, int) and isinstance(incident, int):
            reading = clock(record, definitions[definition], AS_OF)
            if reading.is_breached and reading.state != "cancelled":
                late.add(incident)
    return {
        "sla_instance": clocks,
        "outage": write_outages(stream("outages"), catalogue, incidents),
        "satisfaction": write_satisfaction(stream("satisfaction"), catalogue, incidents, late),
    }


def _showcase(slots: Sequence[Slot]) -> Slot:
    return next(slot for slot in slots if "showcase" in slot.marks)


def _by_service(done: Changes) -> Mapping[int, list[tuple[datetime, int]]]:
    """End and key of the changes carried out, in order, by the key of their service."""
    found: dict[int, list[tuple[datetime, int]]] = {}
    for record in done.changes:
        service = record.values["service"]
        values = record.at(AS_OF)
        succeeded = values is not None and values["outcome"] == "successful"
        if succeeded and record.key in done.ended and isinstance(service, int):
            found.setdefault(service, []).append((done.ended[record.key], record.key))
    return {service: sorted(ends) for service, ends in found.items()}
