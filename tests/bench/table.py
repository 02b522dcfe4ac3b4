"""The table that the benchmark's server serves, and an evaluator of the encoded queries that a reader sends.

Four columns can be asked for: sys_id, sys_created_on, sys_updated_on and sys_mod_count, with = > >= < <= IN and ISEMPTY
(which no row is), joined by ^ and followed by ORDERBY; ^OR only before ISEMPTY. A condition is a range of a sorted index,
so that a page costs its rows and not the table. Anything else is refused: a benchmark must not answer what it did not
understand.
"""

from __future__ import annotations

import hashlib
import operator
import re
import time
from array import array
from bisect import bisect_left, bisect_right
from calendar import timegm
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from records import FIRST, SPAN, Shape

_CONDITION = re.compile(r"(sys_id|sys_created_on|sys_updated_on|sys_mod_count)(>=|<=|=|>|<|ISEMPTY|IN)(.*)", re.DOTALL)
_CREATED_BEFORE = 86_400
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class QueryError(Exception):
    """The query has something that this evaluator does not know."""


@dataclass(slots=True)
class Query:
    """An encoded query, parsed: conditions as (column, operator, value) and the columns of its order."""

    conditions: list[tuple[str, str, str]] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)


def parse(text: str) -> Query:
    """Read an encoded query.

    Raises:
        QueryError: it has another column or operator.
    """
    query = Query()
    for part in filter(None, text.split("^")):
        if part.startswith("ORDERBY"):
            query.orders.append(part.removeprefix("ORDERBY"))
        elif re.fullmatch(r"OR[a-z_]+ISEMPTY", part) and query.conditions:
            continue  # an alternative that never holds
        elif found := _CONDITION.fullmatch(part):
            query.conditions.append((found[1], found[2], found[3]))
        else:
            raise QueryError(f"{part} is not served")
    if query.orders not in ([], ["sys_id"], ["sys_created_on", "sys_id"], ["sys_updated_on", "sys_id"]):
        raise QueryError(f"the order {query.orders} is not served")
    return query


class _Index:
    """Row numbers in the order of a column's values, which are kept beside them."""

    def __init__(self, values: Sequence[int] | Sequence[str], rows: Sequence[int]) -> None:
        self.values, self.rows = values, rows

    def places(self, sign: str, value: int | str) -> tuple[int, int]:
        """The half-open range of places whose value compares so."""
        left, right = bisect_left(self.values, value), bisect_right(self.values, value)  # type: ignore[type-var, arg-type]
        size = len(self.rows)
        return {"=": (left, right), ">": (right, size), ">=": (left, size), "<": (0, left), "<=": (0, right)}[sign]


class Incidents:
    """So many rows. Memory: about 150 bytes a row; the records themselves are written when they are asked for.

    ``clock`` is the instance's own time, in seconds since 1970; `change` moves it on by a day.
    """

    def __init__(self, rows: int) -> None:
        self.shape = Shape(rows)
        self.rows = rows
        self.clock = FIRST + SPAN + 30 * 86_400
        numbers = range(rows)
        self._key_of = [hashlib.md5(b"%d" % n, usedforsecurity=False).hexdigest() for n in numbers]
        by_id = array("i", sorted(numbers, key=self._key_of.__getitem__))
        self._rank = array("i", bytes(4 * rows))
        for place, row in enumerate(by_id):
            self._rank[row] = place
        self._ids = _Index([self._key_of[row] for row in by_id], by_id)
        self.updated = array("q", map(self.shape.first_update, numbers))
        self.created = array("q", (moment - _CREATED_BEFORE for moment in self.updated))
        self.changes = array("H", bytes(2 * rows))
        self._updates = self._index(self.updated, numbers)
        self._creations = self._index(self.created, self._updates.rows)
        self._turn = 0

    def change(self, percent: float) -> int:
        """Update so many rows, spread over the table, within the day after the clock; returns how many."""
        every = max(1, round(100 / percent))
        changed = range(self._turn % every, self.rows, every)
        self._turn += 1
        for place, row in enumerate(changed):
            self.updated[row] = self.clock + 3_600 + place * 72_000 // len(changed)
            self.changes[row] += 1
        self.clock += 86_400
        among = set(changed)
        self._updates = self._index(self.updated, [row for row in self._updates.rows if row not in among], changed)
        return len(changed)

    def select(self, query: Query, offset: int, limit: int) -> tuple[int, Sequence[int]]:
        """How many rows match, and the row numbers of one page of them."""
        order = self._order(query)
        ranges = dict.fromkeys(("sys_id", "sys_created_on", "sys_updated_on"), (0, self.rows))
        tests: list[Callable[[int], bool]] = []
        named: list[int] | None = None
        for column, sign, value in query.conditions:
            if column == "sys_mod_count":
                tests.append(self._test(sign, value))
            elif sign == "ISEMPTY":
                named = []
            elif sign == "IN":
                if column != "sys_id":
                    raise QueryError(f"{column}IN is not served")
                found = self._named(value.split(","))
                named = found if named is None else [row for row in named if row in found]
            else:
                low, high = self._by(column).places(sign, value if column == "sys_id" else _seconds(value))
                low = max(low, ranges[column][0])
                ranges[column] = low, max(low, min(high, ranges[column][1]))
        narrow = {column: span for column, span in ranges.items() if span != (0, self.rows)}
        if not tests and named is None and not narrow.keys() - {order}:
            low, high = ranges[order]
            return high - low, self._by(order).rows[low + offset : min(high, low + offset + limit)]
        found = self._filtered(narrow, named, tests)
        found.sort(key=self._rank.__getitem__)
        if order != "sys_id":
            found.sort(key=(self.updated if order == "sys_updated_on" else self.created).__getitem__)
        return len(found), found[offset : offset + limit]

    def record(self, row: int) -> bytes:
        """The whole record."""
        key, created = self._key_of[row].encode(), self.created[row]
        return self.shape.record(row, key, created, self.updated[row], self.changes[row])

    def thin(self, row: int, names: Sequence[str]) -> bytes:
        """A record of some of the four columns."""
        literal = self.shape.literal
        members = []
        for name in names:
            if name == "sys_id":
                members.append(b'"sys_id":"%b"' % self._key_of[row].encode())
            elif name == "sys_mod_count":
                members.append(b'"sys_mod_count":"%d"' % self.changes[row])
            elif name == "sys_updated_on":
                members.append(b'"sys_updated_on":"%b"' % literal(self.updated[row]))
            else:
                members.append(b'"sys_created_on":"%b"' % literal(self.created[row]))
        return b"{" + b",".join(members) + b"}"

    # -------------------------------------------------------------- inside

    def _index(self, values: Sequence[int], rows: Sequence[int], later: Sequence[int] = ()) -> _Index:
        """An index of rows that are nearly in order; ``later`` ones come behind all of them."""
        ordered = array(
            "i", rows if later else sorted(sorted(rows, key=self._rank.__getitem__), key=values.__getitem__)
        )
        ordered.extend(sorted(later, key=lambda row: (values[row], self._rank[row])))
        return _Index(array("q", (values[row] for row in ordered)), ordered)

    def _by(self, column: str) -> _Index:
        return {"sys_id": self._ids, "sys_created_on": self._creations, "sys_updated_on": self._updates}[column]

    def _order(self, query: Query) -> str:
        return query.orders[0] if query.orders else "sys_id"

    def _named(self, keys: Sequence[str]) -> list[int]:
        found = []
        for key in set(keys):
            low, high = self._ids.places("=", key)
            found += self._ids.rows[low:high]
        return found

    def _test(self, sign: str, value: str) -> Callable[[int], bool]:
        if sign not in _COMPARE or not value.isdecimal():
            raise QueryError(f"sys_mod_count{sign}{value} is not served")
        compare, number = _COMPARE[sign], int(value)
        return lambda row: compare(self.changes[row], number)

    def _filtered(
        self, narrow: dict[str, tuple[int, int]], named: list[int] | None, tests: list[Callable[[int], bool]]
    ) -> list[int]:
        """The rows of the narrowest condition that pass the others."""
        first = min(narrow, key=lambda column: narrow[column][1] - narrow[column][0], default=None)
        if named is not None or first is None:
            candidates: Sequence[int] = range(self.rows) if named is None else named
        else:
            low, high = narrow.pop(first)
            candidates = self._by(first).rows[low:high]
        for column, (low, high) in narrow.items():
            values: Sequence[int] = {
                "sys_id": self._rank,
                "sys_created_on": self.created,
                "sys_updated_on": self.updated,
            }[column]
            if low == high:
                return []
            # places of an index that holds values become bounds of the values; a rank is its own place
            least, most = (low, high - 1) if column == "sys_id" else self._bounds(column, low, high)
            candidates = [row for row in candidates if least <= values[row] <= most]
        return [row for row in candidates if all(test(row) for test in tests)]

    def _bounds(self, column: str, low: int, high: int) -> tuple[int, int]:
        values = self._by(column).values
        return int(values[low]), int(values[high - 1])


def _seconds(text: str) -> int:
    try:
        return timegm(time.strptime(text, "%Y-%m-%d %H:%M:%S"))
    except ValueError as error:
        raise QueryError(f"{text} is no time") from error
