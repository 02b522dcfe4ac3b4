"""The standing part of the sample organisation: people, teams, services, configuration items and SLA definitions."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal

from connectors.sample import Home, Record, Value
from connectors.sample.calendar import FIRST_DAY, instant, office_moment
from connectors.sample.items import Item, Support, stock
from connectors.sample.names import DOMAIN, FIRST_NAMES, LAST_NAMES, SERVICES, TEAMS, Kind, ServiceName, TeamName

HOMES: tuple[Home, Home] = ("servicenow", "jira")
MONITORING_NAME = "Monitoring Integration"

_REQUESTERS = {"servicenow": 80, "jira": 36}
_OWNERS = {"servicenow": 7, "jira": 4}
_HOUR = 3600
_CRITICALITY = {
    1: "1 - most critical",
    2: "2 - somewhat critical",
    3: "3 - less critical",
    4: "4 - not critical",
}

RESOLUTION_SECONDS = {"1": 4 * _HOUR, "2": 12 * _HOUR, "3": 72 * _HOUR, "4": 168 * _HOUR, "5": 336 * _HOUR}
RESPONSE_SECONDS = {"1": _HOUR // 4, "2": _HOUR, "3": 16 * _HOUR, "4": 72 * _HOUR, "5": 72 * _HOUR}
OLA_TEAM, OLA_PRIORITY, OLA_SECONDS = "Network Operations", "3", 48 * _HOUR
"""The one operational level agreement: what Network Operations promises the service desk."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team and its people (keys of persons; the manager is none of the members)."""

    key: int
    home: Home
    name: str
    manager: int
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """An operational service with what tickets need to know of it. ``items`` come applications first."""

    key: int
    home: Home
    name: str
    kind: Kind
    team: Team
    owner: int
    weight: float
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it: the records, and the same as objects for those who write tickets."""

    records: Mapping[str, list[Record]]
    services: Mapping[Home, Sequence[Service]]
    desk: Mapping[Home, Team]
    management: Mapping[Home, Team]
    requesters: Mapping[Home, Sequence[int]]
    monitoring: Mapping[Home, int]
    names: Mapping[int, str]

    def service(self, home: Home, name: str) -> Service:
        """A service by its name."""
        return next(service for service in self.services[home] if service.name == name)

    def draw(self, rng: Random, home: Home) -> Service:
        """A service, drawn by its share of the work."""
        services = self.services[home]
        return rng.choices(services, weights=[service.weight for service in services])[0]


Role = Literal["member", "manager", "owner", "requester", "monitoring"]


@dataclass(frozen=True, slots=True)
class People:
    """Keys of persons by home and role; members and managers by team."""

    records: list[Record]
    by_role: Mapping[tuple[Home, Role, str], list[int]]

    def of(self, home: Home, role: Role, team: str = "") -> list[int]:
        return self.by_role.get((home, role, team), [])


def found_moments(rng: Random, count: int, year: int) -> list[datetime]:
    """Distinct moments of creation in one year, in order. What comes later in the catalogue has a later year."""
    start = date(year, 1, 1)
    days = 365
    moments: set[datetime] = set()
    while len(moments) < count:
        moments.add(office_moment(rng, start + timedelta(days=rng.randrange(days))))
    return sorted(moments)


def ascii_letters(text: str) -> str:
    """Letters as an account name has them: accents dropped, lower case, no spaces."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return plain.lower().replace(" ", "")


def hire(rng: Random) -> People:
    """Everybody of both homes. Every twelfth requester has left; nobody who left appears on a ticket."""
    posts: list[tuple[Home, Role, str]] = []
    for team in TEAMS:
        posts.extend((team.home, "member", team.name) for _ in range(team.size))
        posts.append((team.home, "manager", team.name))
    for home in HOMES:
        posts.extend((home, "owner", "") for _ in range(_OWNERS[home]))
        posts.extend((home, "requester", "") for _ in range(_REQUESTERS[home]))
    rng.shuffle(posts)
    names = rng.sample([f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES], len(posts))
    accounts = [(post, name) for post, name in zip(posts, names, strict=True)]
    accounts += [((home, "monitoring", ""), MONITORING_NAME) for home in HOMES]
    moments = found_moments(rng, len(accounts), 2021)
    records: list[Record] = []
    by_role: dict[tuple[Home, Role, str], list[int]] = {}
    users: set[tuple[Home, str]] = set()
    requesters = 0
    for key, ((post, name), created_at) in enumerate(zip(accounts, moments, strict=True), 1):
        home, role, _ = post
        first, _, last = name.partition(" ")
        user = f"{ascii_letters(first)[0]}{ascii_letters(last)}"
        user = user if (home, user) not in users else f"{user}{key}"
        users.add((home, user))
        email = f"{ascii_letters(first)}.{ascii_letters(last)}@{DOMAIN}"
        values: dict[str, Value] = {"name": name, "email": email, "is_active": True, "user_name": user}
        record = Record("person", key, home, created_at, 0, values)
        records.append(record)
        requesters += role == "requester"
        if role == "requester" and requesters % 12 == 0:
            record.values = values | {"is_active": False}
        else:
            by_role.setdefault(post, []).append(key)
    return People(records, by_role)


def form_teams(rng: Random, people: People) -> tuple[list[Record], dict[str, Team]]:
    """Team records of both homes, and teams by name."""
    drafts: list[TeamName] = rng.sample(TEAMS, len(TEAMS))
    records, teams = [], {}
    for key, (draft, created_at) in enumerate(zip(drafts, found_moments(rng, len(drafts), 2022), strict=True), 1):
        manager = people.of(draft.home, "manager", draft.name)[0]
        records.append(Record("team", key, draft.home, created_at, 0, {"name": draft.name, "manager": manager}))
        members = tuple(people.of(draft.home, "member", draft.name))
        teams[draft.name] = Team(key, draft.home, draft.name, manager, members)
    return records, teams


def offer_services(rng: Random, people: People, teams: Mapping[str, Team]) -> tuple[list[Record], list[Support]]:
    """Service records of both homes, retired ones included, and who stands behind each, in order of the keys."""
    drafts: list[ServiceName] = rng.sample(SERVICES, len(SERVICES))
    records, supports = [], []
    for key, (draft, created_at) in enumerate(zip(drafts, found_moments(rng, len(drafts), 2023), strict=True), 1):
        owners = people.of(draft.home, "owner")
        support = Support(draft.home, key, draft, owners[key % len(owners)], teams[draft.team].key)
        values: dict[str, Value] = {
            "name": draft.name,
            "state": "retired" if draft.is_retired else "operational",
            "criticality": _CRITICALITY[draft.criticality],
            "owner": support.owner,
            "team": support.team,
            "description": draft.description,
        }
        records.append(Record("service", key, draft.home, created_at, support.owner, values))
        supports.append(support)
    return records, supports


def agree_slas() -> list[Record]:
    """SLA definitions of both homes. Jira has one clock for each target, with a goal for each priority."""
    created_at = instant(FIRST_DAY.replace(month=1, day=15), 10)
    records: list[Record] = []

    def agree(home: Home, name: str, kind: str, target: str, priority: str, seconds: int) -> None:
        values: dict[str, Value] = {
            "name": name,
            "type": kind,
            "target": target,
            "entity": "incident",
            "priority": priority,
            "target_seconds": seconds,
        }
        at = created_at + timedelta(minutes=len(records))
        records.append(Record("sla_definition", len(records) + 1, home, at, 0, values))

    for target, seconds in (("response", RESPONSE_SECONDS), ("resolution", RESOLUTION_SECONDS)):
        for priority, limit in seconds.items():
            agree("servicenow", f"Priority {priority} {target}", "sla", target, priority, limit)
            clock = "Time to first response" if target == "response" else "Time to resolution"
            agree("jira", clock, "sla", target, priority, limit)
    agree("servicenow", f"{OLA_TEAM} hand-over", "ola", "resolution", OLA_PRIORITY, OLA_SECONDS)
    return records


def establish(rng: Random) -> Catalogue:
    """The whole catalogue; nothing in it depends on how many tickets there will be."""
    people = hire(rng)
    team_records, teams = form_teams(rng, people)
    service_records, supports = offer_services(rng, people, teams)
    items = stock(rng, supports)
    services: dict[Home, list[Service]] = {home: [] for home in HOMES}
    for key, support in enumerate(supports, 1):
        name = support.service_name
        if not name.is_retired:
            own = Service(
                key, name.home, name.name, name.kind, teams[name.team], support.owner, name.weight, items.in_use[key]
            )
            services[name.home].append(own)
    return Catalogue(
        records={
            "person": people.records,
            "team": team_records,
            "service": service_records,
            "configuration_item": items.records,
            "ci_relationship": items.relations,
            "sla_definition": agree_slas(),
        },
        services=services,
        desk={team.home: teams[team.name] for team in TEAMS if team.role == "desk"},
        management={team.home: teams[team.name] for team in TEAMS if team.role == "management"},
        requesters={home: people.of(home, "requester") for home in HOMES},
        monitoring={home: people.of(home, "monitoring")[0] for home in HOMES},
        names={record.key: str(record.values["name"]) for record in people.records},
    )
