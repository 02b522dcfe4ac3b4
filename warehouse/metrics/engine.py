"""From populations to figures: periods, settings and targets, the view of all populations, and the generic step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import duckdb

from warehouse.metrics.definition import FOLDER, Definition, DefinitionError, definitions

DEFAULTS = {"small_n": "20", "observation_days": "30"}

COLUMNS = {
    "measure": "varchar",
    "period_start": "date",
    "record_id": "varchar",
    "evidence_id": "varchar",
    "source": "varchar",
    "service": "varchar",
    "dimensions": "map(varchar, varchar)",
    "is_in": "boolean",
    "is_met": "boolean",
    "amount": "double",
    "numerator_amount": "double",
    "denominator_amount": "double",
    "excluded_because": "varchar",
}
"""What the query of every metric returns, in this order."""

_SQL = FOLDER.parent


SHARED = ("periods", "intervals", "figures")
"""The SQL around the metrics' own files, in the order in which it runs."""


def shared_sql() -> list[Path]:
    """The files that shape every figure beside the metric's own."""
    return [_SQL / f"{name}.sql" for name in SHARED]


def helpers() -> dict[str, str]:
    """The helper views and tables that metrics join, by name, each with its query."""
    text = (_SQL / "intervals.sql").read_text(encoding="utf-8")
    parts = re.split(r"^create (?:view|table) metrics\.(\w+) as", text, flags=re.MULTILINE)
    return {name: query.split(";")[0] for name, query in zip(parts[1::2], parts[2::2], strict=True)}


class TargetError(Exception):
    """A target is set for a figure that does not exist."""


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
        DefinitionError: a metric's header or query is wrong.
        TargetError: a target names no figure.
    """
    found = definitions(folder)
    check_targets(found, targets or {})
    con.execute("create schema metrics")
    facts = DEFAULTS | dict(settings or {}) | {"as_of": as_of.isoformat(), "time_zone": time_zone}
    con.execute("create table metrics.setting (name varchar, value varchar)")
    con.executemany("insert into metrics.setting values (?, ?)", [[k, v] for k, v in sorted(facts.items())])
    _define(con, found, targets or {})
    con.execute((_SQL / "periods.sql").read_text(encoding="utf-8"))
    con.execute((_SQL / "intervals.sql").read_text(encoding="utf-8"))
    for definition in found:
        _check_query(con, definition)
    con.execute(f"create view metrics.population as {population(found)}")
    con.execute(f"create view metrics.reach as {reach(found)}")
    con.execute((_SQL / "figures.sql").read_text(encoding="utf-8"))


def check_targets(found: Sequence[Definition], targets: Mapping[str, float]) -> None:
    """Refuse a target for a figure that no metric has.

    Raises:
        TargetError: names the key and the nearest one that exists.
    """
    names = [name for d in found for name in (d.id, *(f"{d.id}.{m.name}" for m in d.measures))]
    for key in targets:
        if key not in names:
            near = get_close_matches(key, names, n=1)
            raise TargetError(
                f"there is no figure {key!r} to set a target for" + (f"; is it {near[0]}?" if near else "")
            )


def population(found: Sequence[Definition]) -> str:
    """All populations as one query; the metric stands first as a literal, so that a filter on it prunes the others."""
    columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in COLUMNS.items())
    return "\nunion all\n".join(f"select '{d.id}' as metric, {columns} from (\n{_query(d)}\n) as units" for d in found)


def reach(found: Sequence[Definition]) -> str:
    """Per metric the sources that ever delivered a record of the kind that it counts, as one query."""
    none = "select cast(null as varchar) as metric, cast(null as varchar) as source where false"
    kinds = (f"select '{d.id}' as metric, source from canonical.{d.counts} group by source" for d in found if d.counts)
    return "\nunion all\n".join([none, *kinds])


def _query(definition: Definition) -> str:
    return definition.sql.rstrip().removesuffix(";")


def _check_query(con: duckdb.DuckDBPyConnection, definition: Definition) -> None:
    file = f"{definition.id}.sql"
    try:
        rows = con.execute(f"describe select * from (\n{_query(definition)}\n) as units").fetchall()
    except duckdb.Error as error:
        raise DefinitionError(f"{file}: the query does not run: {error}") from error
    names = [row[0] for row in rows]
    if names != list(COLUMNS):
        raise DefinitionError(f"{file}: the query returns {', '.join(names)}; it has to return {', '.join(COLUMNS)}")


def _define(con: duckdb.DuckDBPyConnection, found: Sequence[Definition], targets: Mapping[str, float]) -> None:
    con.execute(
        "create table metrics.definition (metric varchar, measure varchar, position integer, title varchar,"
        " definition varchar, clauses varchar, area varchar, direction varchar, aggregate varchar, unit varchar,"
        " attribution varchar, exclusions varchar, pitfalls varchar, sql varchar, definition_sha256 varchar)"
    )
    con.execute("create table metrics.target (metric varchar, measure varchar, target double)")
    for d in found:
        for position, m in enumerate(d.measures):
            row = [d.id, m.name, position, d.title, d.definition, "|".join(d.clauses), "|".join(d.areas), d.direction]
            row += [m.aggregate, m.unit, d.attribution, d.exclusions, d.pitfalls, d.sql, d.sha256]
            con.execute(f"insert into metrics.definition values ({', '.join('?' * len(row))})", row)
            target = targets.get(f"{d.id}.{m.name}", targets.get(d.id, m.target))
            if target is not None:
                con.execute("insert into metrics.target values (?, ?, ?)", [d.id, m.name, target])
