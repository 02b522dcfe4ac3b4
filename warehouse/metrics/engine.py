"""From populations to figures: periods, settings and targets, the view of all populations, and the generic step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.metrics.definition import FOLDER, Definition, definitions

DEFAULTS = {"small_n": "20", "observation_days": "30"}

_SQL = FOLDER.parent


def build(
    con: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime,
    time_zone: str,
    settings: Mapping[str, str] | None = None,
    targets: Mapping[str, float] | None = None,
    folder: Path | None = None,
) -> None:
    """Create schema ``metrics`` in the current catalog, beside ``canonical`` and ``audit``.

    ``targets`` overrides shipped targets by metric (``SLM-01``) or by metric and measure (``SLM-04.percent``).

    Raises:
        DefinitionError: a metric's header is wrong.
    """
    found = definitions(folder)
    con.execute("create schema metrics")
    facts = DEFAULTS | dict(settings or {}) | {"as_of": as_of.isoformat(), "time_zone": time_zone}
    con.execute("create table metrics.setting (name varchar, value varchar)")
    con.executemany("insert into metrics.setting values (?, ?)", [[k, v] for k, v in sorted(facts.items())])
    _define(con, found, targets or {})
    con.execute((_SQL / "periods.sql").read_text(encoding="utf-8"))
    con.execute((_SQL / "intervals.sql").read_text(encoding="utf-8"))
    con.execute(f"create view metrics.population as {population(found)}")
    con.execute((_SQL / "figures.sql").read_text(encoding="utf-8"))


def population(found: Sequence[Definition]) -> str:
    """All populations as one query; the metric stands first as a literal, so that a filter on it prunes the others."""
    columns = (
        "measure, period_start, record_id, evidence_id, source, service, dimensions, is_in, is_met, amount,"
        " numerator_amount, denominator_amount, excluded_because"
    )
    return "\nunion all\n".join(f"select '{d.id}' as metric, {columns} from (\n{d.sql}\n) as units" for d in found)


def _define(con: duckdb.DuckDBPyConnection, found: Sequence[Definition], targets: Mapping[str, float]) -> None:
    con.execute(
        "create table metrics.definition (metric varchar, measure varchar, position integer, title varchar,"
        " definition varchar, clauses varchar, area varchar, direction varchar, aggregate varchar, unit varchar,"
        " attribution varchar, exclusions varchar, pitfalls varchar, sql varchar, definition_sha256 varchar)"
    )
    con.execute("create table metrics.target (metric varchar, measure varchar, target double)")
    for d in found:
        for position, m in enumerate(d.measures):
            con.execute(
                f"insert into metrics.definition values ({', '.join('?' * 15)})",
                [
                    d.id,
                    m.name,
                    position,
                    d.title,
                    d.definition,
                    "|".join(d.clauses),
                    "|".join(d.areas),
                    d.direction,
                    m.aggregate,
                    m.unit,
                    d.attribution,
                    d.exclusions,
                    d.pitfalls,
                    d.sql,
                    d.sha256,
                ],
            )
            target = targets.get(f"{d.id}.{m.name}", targets.get(d.id, m.target))
            if target is not None:
                con.execute("insert into metrics.target values (?, ?, ?)", [d.id, m.name, target])
