"""Configuration items of the sample organisation and how they hang together, stale and orphan ones included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from random import Random

from connectors.sample import AS_OF, Event, Home, Record, Value
from connectors.sample.calendar import FIRST_DAY, LAST_DAY, instant, office_moment
from connectors.sample.names import PLACES, Kind, ServiceName

RUNS_ON, DEPENDS_ON = "Runs on::Runs", "Depends on::Used by"

_PARTS: dict[Kind, tuple[tuple[str, str], ...]] = {
    "access": (
        ("app", "application"),
        ("app", "application"),
        ("db", "database"),
        ("srv", "server"),
        ("srv", "server"),
    ),
    "data": (("app", "application"), ("app", "application"), ("db", "database"), ("srv", "server"), ("srv", "server")),
    "field": (("app", "application"), ("db", "database"), ("srv", "server"), ("srv", "server")),
    "finance": (
        ("app", "application"),
        ("app", "application"),
        ("db", "database"),
        ("db", "database"),
        ("srv", "server"),
    ),
    "network": (("gw", "application"), ("sw", "network_device"), ("sw", "network_device"), ("fw", "network_device")),
    "office": (("app", "application"), ("app", "application"), ("srv", "server"), ("sw", "network_device")),
    "plant": (("app", "application"), ("db", "database"), ("srv", "server"), ("rtu", "network_device")),
    "portal": (
        ("app", "application"),
        ("app", "application"),
        ("db", "database"),
        ("srv", "server"),
        ("srv", "server"),
    ),
}
_COPIES = {"servicenow": 2, "jira": 2}
_WORKSTATIONS = {"servicenow": 24, "jira": 8}
_WORDS = {
    "application": "Application of {service}, {environment}",
    "database": "Database of {service}, {environment}",
    "server": "Virtual server for {service} in data hall {place}",
    "network_device": "Network device for {service}, cabinet in {place}",
    "workstation": "Laptop handed out at {place}",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A configuration item in use, as far as tickets need it."""

    key: int
    name: str
    item_class: str


@dataclass(frozen=True, slots=True)
class Support:
    """Who stands behind the items of a service (or of nobody's, when ``service`` is None)."""

    home: Home
    service: int | None
    service_name: ServiceName
    owner: int
    team: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An item before it has a key. ``rank`` counts the items of its home; what is wrong with an item goes by it."""

    support: Support
    item_class: str
    name: str
    environment: str
    rank: int = 0

    @property
    def is_stale(self) -> bool:
        """Whether discovery lost sight of it some months ago."""
        return self.rank % 17 == 5

    @property
    def is_orphan(self) -> bool:
        """Whether nobody related it to anything."""
        return self.rank % 19 == 7

    @property
    def is_retired(self) -> bool:
        """Whether it was taken out of use during the period."""
        return self.rank % 23 == 11

    @property
    def status(self) -> str:
        """The status it was recorded with."""
        if self.support.service_name.is_retired:
            return "retired"
        if self.item_class == "workstation" and self.name[-1] in "05":
            return "in_stock"
        return "in_maintenance" if self.rank % 29 == 3 else "in_use"


@dataclass(frozen=True, slots=True)
class Stock:
    """The items, their relations, and by the key of their service those of production that tickets are about."""

    records: list[Record]
    relations: list[Record]
    in_use: Mapping[int, tuple[Item, ...]]


def stock(rng: Random, supports: Sequence[Support]) -> Stock:
    """All items of both homes."""
    drafts = [*chain.from_iterable(_parts(support) for support in supports), *_workstations(supports)]
    rng.shuffle(drafts)
    ranks: dict[Home, int] = {}
    for n, draft in enumerate(drafts):
        ranks[draft.support.home] = rank = ranks.get(draft.support.home, 0) + 1
        drafts[n] = replace(draft, rank=rank)
    first = instant(FIRST_DAY.replace(year=2024), 9)
    records: list[Record] = []
    in_use: dict[int, list[Item]] = {}
    for key, draft in enumerate(drafts, 1):
        created_at = first + timedelta(hours=key * 30, minutes=rng.randrange(240), seconds=rng.randrange(60))
        record = _item(rng, key, draft, created_at)
        records.append(record)
        is_usable = draft.status == "in_use" and not draft.is_retired and not draft.is_orphan
        is_shared = draft.environment == "production" and draft.item_class != "workstation"
        if is_usable and is_shared and draft.support.service is not None:
            in_use.setdefault(draft.support.service, []).append(Item(key, draft.name, draft.item_class))
    order = ("application", "database", "server", "network_device", "workstation")
    return Stock(
        records,
        _relations(rng, drafts, records),
        {service: tuple(sorted(items, key=lambda i: order.index(i.item_class))) for service, items in in_use.items()},
    )


def _parts(support: Support) -> Iterator[Draft]:
    name = support.service_name
    if name.is_retired:
        yield Draft(support, "server", f"{name.code}-srv-01", "production")
        return
    counts: dict[str, int] = {}
    for copy in range(_COPIES[support.home]):
        environment = "production" if copy == 0 else "acceptance"
        for prefix, item_class in _PARTS[name.kind]:
            counts[prefix] = counts.get(prefix, 0) + 1
            yield Draft(support, item_class, f"{name.code}-{prefix}-{counts[prefix]:02}", environment)


def _workstations(supports: Sequence[Support]) -> Iterator[Draft]:
    """Laptops of a home hang below its office service, or below its first service when it has none."""
    for home, count in _WORKSTATIONS.items():
        own = [support for support in supports if support.home == home and not support.service_name.is_retired]
        support = next((s for s in own if s.service_name.kind == "office" and s.service_name.code == "dwp"), own[0])
        for n in range(1, count + 1):
            yield Draft(support, "workstation", f"lt-{home[0]}{n:04}", "production")


def _item(rng: Random, key: int, draft: Draft, created_at: datetime) -> Record:
    support = draft.support
    words = {
        "service": support.service_name.name,
        "environment": draft.environment,
        "place": PLACES[key % len(PLACES)],
    }
    is_thing = draft.item_class not in ("application", "database")
    is_discovered = draft.status != "in_stock"
    values: dict[str, Value] = {
        "name": draft.name,
        "class": draft.item_class,
        "description": None if key % 13 == 4 else _WORDS[draft.item_class].format(**words),
        "status": draft.status,
        "serial_number": f"HV{key * 7919 % 1000003:07}" if is_thing else None,
        "owner": support.owner,
        "team": support.team,
        "service": None if draft.item_class == "workstation" or draft.is_orphan else support.service,
        "discovered_at": created_at if is_discovered else None,
        "environment": draft.environment,
    }
    record = Record("configuration_item", key, support.home, created_at, support.owner, values)
    if is_discovered and draft.status != "retired":
        record.events = list(_sightings(rng, key, created_at, draft.is_stale))
    if draft.is_retired and draft.status == "in_use":
        retired_at = office_moment(rng, FIRST_DAY + timedelta(days=90 + key * 37 % 400))
        record.events = [event for event in record.events if event.at < retired_at]
        record.events.append(Event(retired_at, support.owner, {"status": "retired"}))
    return record


def _sightings(rng: Random, key: int, created_at: datetime, is_stale: bool) -> Iterator[Event]:
    """Discovery sees an item every 28 days until now, a stale one until three to nine months before."""
    end = AS_OF - timedelta(days=90 + key * 31 % 180) if is_stale else AS_OF
    day = FIRST_DAY + timedelta(days=key % 28)
    while day <= LAST_DAY:
        at = instant(day, 4, rng.randrange(60), rng.randrange(60))
        if created_at < at <= end:
            yield Event(at, 0, {"discovered_at": at})
        day += timedelta(days=28)


def _relations(rng: Random, drafts: Sequence[Draft], items: Sequence[Record]) -> list[Record]:
    """Services use applications and devices, applications and databases run on the servers beside them."""
    beside: dict[tuple[int | None, str], list[Record]] = {}
    for draft, item in zip(drafts, items, strict=True):
        if draft.item_class == "server" and not draft.is_orphan:
            beside.setdefault((draft.support.service, draft.environment), []).append(item)
    pairs: list[tuple[str, int, Record, str, datetime]] = []
    for draft, item in zip(drafts, items, strict=True):
        if draft.is_orphan:
            continue
        service = draft.support.service
        servers = beside.get((service, draft.environment), [])
        if draft.item_class in ("application", "database") and servers:
            server = rng.choice(servers)
            pairs.append(("configuration_item", item.key, server, RUNS_ON, max(item.created_at, server.created_at)))
        if draft.item_class != "database" and service is not None:
            pairs.append(("service", service, item, DEPENDS_ON, item.created_at))
    pairs.sort(key=lambda pair: (pair[4], pair[2].key))
    relations = []
    for key, (parent_entity, parent, child, kind, at) in enumerate(pairs, 1):
        values: dict[str, Value] = {
            "parent_entity": parent_entity,
            "parent": parent,
            "child_entity": "configuration_item",
            "child": child.key,
            "type": kind,
        }
        created_at = at + timedelta(minutes=5)
        relations.append(Record("ci_relationship", key, child.home, created_at, 0, values))
    return relations
