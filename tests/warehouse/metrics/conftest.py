"""Given canonical rows, expect figures: the real tables and the real engine; months are those of Amsterdam."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

Verdict = tuple[bool, bool, str | None]


class Ledger:
    """Rows go in by `add`, figures and units come out. The first question builds the metrics as of 2026-11-01 03:30."""

    def __init__(self, warehouse: Any) -> None:
        self.warehouse = warehouse
        self.settings: dict[str, str] = {}
        self._is_built = False
        self._moves = 0

    def add(self, table: str, key: str, **values: object) -> str:
        """One canonical row; returns its id (`snow:<table>:<key>`)."""
        return str(self.warehouse.add(table, key, **values))

    def history(self, record_id: str, *moves: tuple[str, str, str]) -> None:
        """Moves of the state: when, from, to. Ids run backwards: they must not decide the order."""
        for at, before, after in moves:
            self._moves += 1
            self.add(
                "status_change",
                f"{9999 - self._moves}",
                record_id=record_id,
                entity=record_id.split(":")[1],
                field="state",
                from_value=before,
                to_value=after,
                original_from=before,
                original_to=after,
                changed_at=f"{at}+00",
            )

    def row(self, metric: str, month: str, measure: str = "value", **of: str) -> Mapping[str, Any]:
        """The row of `metrics.value`; ``source=`` or ``service=`` for one of those."""
        dimension, name = next(iter(of.items()), ("all", ""))
        cursor = self._built().execute(
            "select numerator, denominator, n, value, unit, target, status, reason from metrics.value where metric = ?"
            " and measure = ? and period_start = ? and dimension = ? and dimension_value = ?",
            [metric, measure, date.fromisoformat(f"{month}-01"), dimension, name],
        )
        names = [column[0] for column in cursor.description]
        (row,) = cursor.fetchall()
        return dict(zip(names, row, strict=True))

    def value(self, metric: str, month: str, measure: str = "value", **of: str) -> float | None:
        """The figure."""
        value: float | None = self.row(metric, month, measure, **of)["value"]
        return value

    def share(self, metric: str, month: str, measure: str = "value") -> tuple[float, float]:
        """Numerator and denominator."""
        row = self.row(metric, month, measure)
        return row["numerator"], row["denominator"]

    def units(self, metric: str, month: str, measure: str = "value") -> dict[str, Verdict]:
        """(is_in, is_met, excluded_because) of each unit, by the key it was added with."""
        rows = self._built().execute(
            "select record_id, is_in, is_met, excluded_because from metrics.population where metric = ?"
            " and measure = ? and period_start = ?",
            [metric, measure, date.fromisoformat(f"{month}-01")],
        )
        return {str(row[0]).split(":")[-1]: (row[1], row[2], row[3]) for row in rows.fetchall()}

    def note(self, metric: str, key: str) -> str | None:
        """What the population notes as missing about a record."""
        query = "select dimensions['missing'] from metrics.population where metric = ? and record_id like '%:' || ?"
        row = self._built().execute(query, [metric, key]).fetchone()
        note: str | None = row[0]
        return note

    def _built(self) -> Any:
        if not self._is_built:
            self.warehouse.build(**self.settings)
            self._is_built = True
        return self.warehouse.con


@pytest.fixture
def ledger(warehouse: Any) -> Ledger:
    return Ledger(warehouse)
