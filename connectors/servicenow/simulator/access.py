"""What the account may not see, and how the instance refuses it: with an error, or without a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from connectors.servicenow.simulator.encoded_query import Alternatives, Condition, Query
from connectors.servicenow.simulator.faults import forbidden
from connectors.servicenow.simulator.parameters import RefusedError

_RANGES = frozenset({"<", "<=", ">", ">=", "BETWEEN", "LIKE", "NOT LIKE", "STARTSWITH", "ENDSWITH"})


class Refusal(Enum):
    """What a query ACL does to ranges and orders: ``LOUD`` is 403; ``EMPTY`` lets no row match a range; ``UNSORTED``
    does so, and leaves the order away."""

    LOUD = auto()
    EMPTY = auto()
    UNSORTED = auto()


@dataclass(slots=True)
class Access:
    """Rows by table and sys_id, tables, fields by table and name; what may not stand in a query, by table."""

    rows: set[tuple[str, str]] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    fields: set[tuple[str, str]] = field(default_factory=set)
    conditions: set[tuple[str, str]] = field(default_factory=set)
    ranges: dict[str, Refusal] = field(default_factory=dict)

    def prove(self, table: str, query: Query) -> None:
        """See that the account may ask this of the table.

        Raises:
            RefusedError: it may not (403).
        """
        named = [*(c.field for c in _conditions(query)), *(order.field for order in query.orders)]
        if any((table, name) in self.conditions for name in named):
            raise RefusedError(forbidden())
        if self.ranges.get(table) is Refusal.LOUD and (query.orders or _has_range(query)):
            raise RefusedError(forbidden())

    def lets_nothing_match(self, table: str, query: Query) -> bool:
        """Whether a range in the query finds no row, without a word."""
        return self.ranges.get(table) in (Refusal.EMPTY, Refusal.UNSORTED) and _has_range(query)

    def ignores_order(self, table: str) -> bool:
        """Whether the order is not kept to."""
        return self.ranges.get(table) is Refusal.UNSORTED


def _has_range(query: Query) -> bool:
    return any(condition.operator in _RANGES for condition in _conditions(query))


def _conditions(query: Query) -> Sequence[Condition]:
    branches: Sequence[Sequence[Alternatives]] = query.branches
    return [condition for branch in branches for alternatives in branch for condition in alternatives]
