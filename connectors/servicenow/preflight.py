"""What is proved of a table before anything read from it is believed; once in a run, with five small requests.

An instance answers a question that it did not understand: it drops conditions on fields that the account may not use,
reads times in the zone of the account, leaves out fields without a word, and refuses ranges where it shows rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from connectors import Stream
from connectors.http import BadRequest, Forbidden, Inconsistent
from connectors.servicenow.client import Answer, Row
from connectors.servicenow.paging import Walk, conditions
from connectors.servicenow.sweep import stamp_fields

ROWS = 10
"""Rows looked at: a field counts as shown when one of them has it."""
_NOBODY = "0" * 32
_NEVER = "2999-01-01 00:00:00"
_EVER = "1970-01-01 00:00:00"
_TRIES = 3
_FIELD = re.compile(r"(?:^|\^)(?:OR)?([a-z][a-z0-9_.]*)")


@dataclass(frozen=True, slots=True)
class Proof:
    """What a table turned out to be like.

    ``total`` is the instance's count, hidden rows included; ``keys`` a few of them. ``not_shown`` names wanted fields
    that no row has; ``timeless`` counts rows without a time of update, which only the sweep finds.
    """

    total: int
    keys: tuple[str, ...]
    not_shown: tuple[str, ...] = ()
    timeless: int = 0


class Preflight:
    """The proofs of one run. ``zone`` is the time zone of the account, as the instance names it."""

    def __init__(self, zone: str = "") -> None:
        self.zone = zone
        self.proofs: dict[str, Proof] = {}

    def prove(self, stream: Stream, walk: Walk, base: str) -> Proof:
        """Look at a few rows and ask for what can't be; ``base`` is the configured filter.

        Raises:
            Forbidden: a field that paging or comparing needs is not shown, or rows may not be asked for by ranges.
            Inconsistent: the instance ignores conditions, or reads times in another zone.
        """
        if stream.name not in self.proofs:
            self.proofs[stream.name] = self._prove(stream, walk, base)
        return self.proofs[stream.name]

    def _prove(self, stream: Stream, walk: Walk, base: str) -> Proof:
        look = _look(walk, base)
        total = look.total or 0
        not_shown = _not_shown(walk, look)
        _prove_needed(stream, walk, not_shown)
        _prove_filter(walk, base, look if look.rows else None)
        keys = tuple(row.sys_id for row in look.rows)
        wanted = tuple(sorted(not_shown.intersection(stream.columns)))
        if not total:
            return Proof(0, keys, wanted)
        _prove_heard(walk, base)
        timeless = _prove_ranges(walk, base, total)
        if look.rows and not look.is_thin:
            self._prove_zone(walk, base, look.rows)
        return Proof(total, keys, wanted, timeless)

    def _prove_zone(self, walk: Walk, base: str, rows: Sequence[Row]) -> None:
        """A row asked for by the time that it shows must come back, unless it was updated or deleted meanwhile."""
        for row in [row for row in rows if walk.time(row)][:_TRIES]:
            by_key, by_time = f"sys_id={row.sys_id}", f"{walk.clock}={walk.time(row)}"
            if walk.once(conditions(base, by_time, by_key)).rows:
                return
            now = walk.once(conditions(base, by_key)).rows
            if now and walk.time(now[0]) == walk.time(row):
                zone = f", perhaps in the account's own ({self.zone})" if self.zone not in ("", "GMT", "UTC") else ""
                raise Inconsistent(
                    f"{walk.table}: the instance reads times in another zone than it shows them{zone}",
                    "set the time zone of the account to GMT",
                )


def _look(walk: Walk, base: str) -> Answer:
    """A few rows. Rows that may be read, but not in order, are the work of a query ACL."""
    try:
        return next(walk.ids(base))
    except Forbidden as error:
        try:
            walk.client.page(walk.table, base, ["sys_id"], 1)
        except (Forbidden, BadRequest):
            raise error from None
        raise _refused_ranges(walk, error) from error


def _ranged(walk: Walk, query: str) -> int:
    """The count of a query with a range in it, of a table whose rows may be read."""
    try:
        return walk.count(query)
    except Forbidden as error:
        raise _refused_ranges(walk, error) from error


def _refused_ranges(walk: Walk, error: Forbidden) -> Forbidden:
    return Forbidden(
        f"{walk.table} may be read, but not by ranges and in order of {walk.clock}: {error.message}",
        f"a query ACL (query_range) on {walk.table}: grant it to the account",
    )


def _not_shown(walk: Walk, look: Answer) -> set[str]:
    if not look.records or look.is_thin:
        return set()
    shown = set[str]().union(*(msgspec.json.decode(record, type=dict[str, msgspec.Raw]) for record in look.records))
    return set(walk.fields) - shown


def _prove_needed(stream: Stream, walk: Walk, not_shown: set[str]) -> None:
    needed = [walk.clock, *(name for name in stamp_fields(stream) if name == "sys_mod_count")]
    if missing := [name for name in needed if name in not_shown]:
        raise Forbidden(
            f"{walk.table}: {missing[0]} is not shown to this account", f"allow reading {walk.table}.{missing[0]}"
        )


def _prove_filter(walk: Walk, base: str, look: Answer | None) -> None:
    """A condition on a field that is not there is dropped, or lets nothing match."""
    names = filter_fields(base)
    if not names or (look is not None and look.is_thin):
        return
    found = look or next(walk.ids(""))
    if missing := sorted(_not_shown(walk, found).intersection(names)):
        raise Inconsistent(
            f"{walk.table}: the filter asks for {missing[0]}, which the instance does not show and may ignore",
            f"correct the filter of {walk.table}, or allow reading {walk.table}.{missing[0]}",
        )


def filter_fields(base: str) -> list[str]:
    """The fields that a filter names."""
    return list(dict.fromkeys(_FIELD.findall(base)))


def _prove_heard(walk: Walk, base: str) -> None:
    """An instance drops conditions that it can't use; then a window would be the whole table, for ever."""
    for condition in (f"{walk.clock}>{_NEVER}", f"sys_id={_NOBODY}"):
        if found := _ranged(walk, conditions(base, condition)):
            raise Inconsistent(
                f"{walk.table}: the instance ignores our query ({condition} matches {found} records)",
                f"the account needs to read {walk.table}.{walk.clock}, also as a condition (query ACLs)",
            )


def _prove_ranges(walk: Walk, base: str, total: int) -> int:
    """Every row must be found by a range of times that holds all of them; returns how many have no time.

    Rows come and go meanwhile, so it is asked several times before anything is said.
    """
    for _ in range(_TRIES):
        ranged = _ranged(walk, conditions(base, f"{walk.clock}>{_EVER}"))
        if ranged == total:
            return 0
        again = walk.count(base)
        least, most = min(total, again), max(total, again)
        if least <= ranged <= most:
            return 0
        timeless = walk.count(conditions(base, f"{walk.clock}ISEMPTY"))
        if least <= ranged + timeless <= most:
            return timeless
        total = again
    raise Forbidden(
        f"{walk.table}: {total} records, but {ranged} of them when asked for by {walk.clock}",
        f"a query ACL (query_range) on {walk.table}: grant it to the account",
    )
