"""The tables of a simulated instance: rows of text, an index per field and a sorted list per order, built on use."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from connectors.servicenow.simulator.encoded_query import Condition, Order, Query

Row = dict[str, str]

_RANGES = ("<", "<=", ">", ">=")


class Table:
    """Rows by sys_id. A row is replaced, never altered, so that an answer in the making keeps what it has read."""

    def __init__(self, rows: Iterable[Mapping[str, str]] = ()) -> None:
        self.rows: dict[str, Row] = {}
        self.columns: set[str] = {"sys_id"}
        self._sorted: dict[tuple[Order, ...], list[Row]] = {}
        self._indexes: dict[str, dict[str, list[Row]]] = {}
        self.put(rows)

    def put(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Insert rows, or replace those of the same sys_id. Raises ValueError on a row without one."""
        for row in rows:
            if not row.get("sys_id"):
                raise ValueError("a row needs a sys_id")
            self.rows[row["sys_id"]] = dict(row)
            self.columns.update(row)
        self._forget()

    def remove(self, sys_id: str) -> None:
        """Delete a row. Raises KeyError when there is none."""
        del self.rows[sys_id]
        self._forget()

    def select(self, query: Query) -> Sequence[Row]:
        """The matching rows in the query's order (in any order when it names none)."""
        orders = tuple(query.orders)
        known, rows, is_sorted = self._narrowed(query.required(), orders)
        predicate = query.predicate(known)
        if predicate is not None:
            rows = [row for row in rows if predicate(row)]
        return rows if is_sorted else arranged(rows, orders)

    def _narrowed(
        self, required: Sequence[Condition], orders: tuple[Order, ...]
    ) -> tuple[list[Condition], Sequence[Row], bool]:
        """The fewest rows that an index offers, the conditions thus met, and whether they are in order already."""
        best: tuple[list[Condition], Sequence[Row], bool] = ([], self._ordered(orders), True)
        for condition in required:
            if condition.operator in ("=", "IN"):
                rows = self._equal(condition)
                if len(rows) * 4 < len(best[1]):
                    best = ([condition], rows, False)
        for name in {condition.field for condition in required if condition.operator in _RANGES}:
            bounds = [c for c in required if c.field == name and c.operator in _RANGES]
            is_leading = bool(orders) and orders[0] == Order(name, False)
            rows = self._between(bounds, orders if is_leading else (Order(name, False),))
            if len(rows) * (1 if is_leading else 4) <= len(best[1]):
                best = (bounds, rows, is_leading)
        return best

    def _equal(self, condition: Condition) -> list[Row]:
        name = condition.field
        if name not in self._indexes:
            index: dict[str, list[Row]] = {}
            for row in self.rows.values():
                index.setdefault(row.get(name, ""), []).append(row)
            self._indexes[name] = index
        wanted = dict.fromkeys(condition.value.split(",")) if condition.operator == "IN" else (condition.value,)
        return [row for value in wanted for row in self._indexes[name].get(value, ())]

    def _between(self, bounds: Sequence[Condition], orders: tuple[Order, ...]) -> list[Row]:
        """Rows within the bounds of the field that ``orders`` begins with. Empty values are in no range."""
        rows, name = self._ordered(orders), orders[0].field

        def key(row: Row) -> str:
            return row.get(name, "")

        start, stop = bisect_right(rows, "", key=key), len(rows)
        for _, operator, value in bounds:
            cut = (bisect_left if operator in ("<", ">=") else bisect_right)(rows, value, key=key)
            if operator in ("<", "<="):
                stop = min(stop, cut)
            else:
                start = max(start, cut)
        return rows[start:stop]

    def _ordered(self, orders: tuple[Order, ...]) -> list[Row]:
        if orders not in self._sorted:
            self._sorted[orders] = arranged(self.rows.values(), orders)
        return self._sorted[orders]

    def _forget(self) -> None:
        self._sorted.clear()
        self._indexes.clear()


def arranged(rows: Iterable[Row], orders: Sequence[Order]) -> list[Row]:
    """Rows sorted by several fields as text, empty values first."""
    result = list(rows)
    for name, is_descending in reversed(orders):
        result.sort(key=lambda row: row.get(name, ""), reverse=is_descending)
    return result
