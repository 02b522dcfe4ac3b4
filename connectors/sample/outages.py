"""Outages and answers to satisfaction surveys, as they follow from the sample's incidents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from datetime import date, datetime, timedelta
from random import Random

from connectors.sample import AS_OF, Home, Record, Value
from connectors.sample.calendar import elapsed, instant, office_after
from connectors.sample.catalogue import Catalogue, Service
from connectors.sample.incident_words import comment
from connectors.sample.lives import Life, records
from connectors.sample.names import DEGRADING

_PLANNED: tuple[tuple[Home, str, date, int, int], ...] = (
    ("servicenow", "Billing and Collections", date(2025, 11, 15), 20, 240),
    ("servicenow", "Customer Portal", date(2026, 3, 7), 21, 180),
    ("servicenow", "Corporate Network", date(2026, 10, 17), 19, 300),
    ("jira", "Charging Point Platform", date(2026, 2, 14), 22, 120),
    ("jira", "Data Lakehouse", date(2026, 10, 10), 18, 360),
)
"""Announced interruptions: home, service, day, local hour and minutes."""

_ANSWERED = {"phone": 0.2, "email": 0.28, "self-service": 0.34, "monitoring": 0.0}
_SCORES = (5, 4, 3, 2, 1)


def write_outages(rng: Random, catalogue: Catalogue, incidents: Iterable[Record]) -> list[Record]:
    """Every major incident is an outage of its service, mostly overlapped by one of an item; some others degrade it."""
    services = {service.key: service for own in catalogue.services.values() for service in own}
    lives = list(_planned(catalogue))
    for incident in incidents:
        values = incident.at(AS_OF)
        if values is None or not isinstance(service_key := values["service"], int):
            continue
        service, resolved_at = services[service_key], values["resolved_at"]
        end_at = resolved_at if isinstance(resolved_at, datetime) else None
        if values["is_major"]:
            lives += _interruptions(rng, incident, service, end_at)
        elif values["priority"] == "2" and end_at is not None and rng.random() < 0.25:
            lives.append(_outage(rng, incident, service, None, "degradation", timedelta(), end_at))
    return records(lives)


def _planned(catalogue: Catalogue) -> Iterator[Life]:
    for home, name, day, hour, minutes in _PLANNED:
        service = catalogue.service(home, name)
        begin_at = instant(day, hour)
        values: dict[str, Value] = {
            "service": service.key,
            "type": "planned",
            "begin_at": begin_at,
            "end_at": begin_at + timedelta(minutes=minutes),
        }
        yield Life("outage", home, begin_at - timedelta(days=9, minutes=service.key), service.owner, values)


def _interruptions(rng: Random, incident: Record, service: Service, end_at: datetime | None) -> Iterator[Life]:
    yield _outage(rng, incident, service, None, "outage", timedelta(), end_at)
    if incident.key % 3 or incident.created_at > AS_OF - timedelta(days=40):
        late = timedelta(minutes=rng.randint(4, 25))
        item = service.items[0].key
        yield _outage(rng, incident, service, item, "outage", late, end_at and end_at + timedelta(minutes=9))


def _outage(
    rng: Random,
    incident: Record,
    service: Service,
    item: int | None,
    kind: str,
    late: timedelta,
    end_at: datetime | None,
) -> Life:
    """An outage entered by the team some minutes after the incident; its end is entered when it is known."""
    begin_at = incident.created_at - timedelta(seconds=rng.randint(60, 900)) + late
    values: dict[str, Value] = {
        "service": service.key,
        "configuration_item": item,
        "type": kind,
        "begin_at": begin_at,
        "incident": incident.key,
    }
    created_at = incident.created_at + late + timedelta(seconds=rng.randint(30, 60))
    life = Life("outage", incident.home, created_at, service.team.members[0], values)
    if end_at is not None:
        life.then(end_at + elapsed(rng, 0.05, 0.4), service.team.members[0], end_at=max(end_at, begin_at + late))
    return life


def write_satisfaction(rng: Random, catalogue: Catalogue, incidents: Iterable[Record], late: Set[int]) -> list[Record]:
    """Answers to the question asked after a resolution; ``late`` tells which incidents missed an agreed time."""
    degrading = catalogue.service("servicenow", DEGRADING).key
    lives = []
    for incident in incidents:
        values = incident.at(AS_OF)
        if values is None or not isinstance(resolved_at := values["resolved_at"], datetime):
            continue
        if rng.random() >= _ANSWERED[str(values["channel"])] or values["category"] == "complaint":
            continue
        is_bad = incident.key in late or bool(values["reopened_count"])
        is_grim = is_bad and values["service"] == degrading
        weights = (4, 12, 26, 32, 26) if is_grim else (14, 26, 28, 20, 12) if is_bad else (48, 32, 12, 5, 3)
        score = rng.choices(_SCORES, weights=weights)[0]
        answered_at = office_after(rng, resolved_at, 0.5, 70)
        person = values["requester"] if isinstance(values["requester"], int) else 0
        answer: dict[str, Value] = {
            "incident": incident.key,
            "person": person,
            "score": score,
            "comment": comment(rng, score),
            "answered_at": answered_at,
        }
        lives.append(Life("satisfaction", incident.home, answered_at, person, answer))
        if rng.random() < 0.02:
            again = answered_at + elapsed(rng, 1, 20)
            better = answer | {"score": min(5, score + 1), "answered_at": again}
            lives.append(Life("satisfaction", incident.home, again, person, better))
    return records(lives)
