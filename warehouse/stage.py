"""The stage: for each stream of each connector one view with the record's fields as typed columns.

Generated from the column maps that the connectors declare, so that mapping never needs SQL and the canonical SQL stays
static. A view shows the latest version of every living record, of all sources of the kind, as of the last complete run
of each source and stream: what an incomplete run brought waits for the next complete one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from warehouse.evidence import quoted

Columns = Mapping[str, tuple[str, str]]
"""Column name -> (dotted path in the record, kind). An empty path is a column that this source does not have."""


@dataclass(frozen=True, slots=True)
class Source:
    """One configured source, as the warehouse sees it. ``values`` maps field -> vendor word -> canonical word."""

    name: str
    connector: str
    url: str
    columns: Mapping[str, Columns]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a connector kind brings to the warehouse, whether or not a source of the kind is configured.

    ``columns`` are the columns of every stream it knows; ``views`` and ``canonical`` SQL texts by name.
    """

    kind: str
    columns: Mapping[str, Columns]
    views: Mapping[str, str]
    canonical: Mapping[str, str]


TYPES = {
    "text": "varchar",
    "integer": "bigint",
    "double": "double",
    "boolean": "boolean",
    "utc": "timestamptz",
    "instant": "timestamptz",
    "epoch_ms": "timestamptz",
    "seconds": "bigint",
    "date": "date",
    "json": "varchar",
    "list": "varchar[]",
}

# How a text out of the record becomes the column; {} is the text. What can't be read becomes null, never an error.
_READ = {
    "text": "nullif({}, '')",
    "integer": "try_cast(nullif({}, '') as bigint)",
    "double": "try_cast(nullif({}, '') as double)",
    "boolean": "try_cast(nullif({}, '') as boolean)",
    "utc": "try_strptime({}, '%Y-%m-%d %H:%M:%S') at time zone 'UTC'",
    "instant": "try_cast(nullif({}, '') as timestamptz)",
    "epoch_ms": "to_timestamp(try_cast({} as double) / 1000)",
    "seconds": "coalesce(try_cast(nullif({0}, '') as bigint),"
    " cast(epoch(try_strptime({0}, '%Y-%m-%d %H:%M:%S')) as bigint))",
    "date": "try_cast(nullif({}, '') as date)",
    "json": "nullif(cast({} as varchar), 'null')",
    "list": "cast({} as varchar[])",
}
_LEAF = {"json": "JSON", "list": ["JSON"]}


def build(
    con: duckdb.DuckDBPyConnection,
    vendors: Sequence[Vendor],
    sources: Sequence[Source],
    as_of: datetime,
    until: str | None = None,
) -> None:
    """Create schema ``stage`` in the current catalog, reading ``evidence`` (attached) up to sync ``until``."""
    con.execute("create schema stage")
    con.execute("create table stage.clock as select cast($as_of as timestamptz) as as_of", {"as_of": as_of})
    con.execute("create table stage.source (source varchar, connector varchar, url varchar)")
    con.execute("create table stage.value (source varchar, field varchar, vendor varchar, canonical varchar)")
    for source in sources:
        con.execute("insert into stage.source values (?, ?, ?)", [source.name, source.connector, source.url])
        rows = [[source.name, f, v, c] for f, words in source.values.items() for v, c in words.items()]
        if rows:
            con.executemany("insert into stage.value values (?, ?, ?, ?)", rows)
    for vendor in vendors:
        own = [source for source in sources if source.connector == vendor.kind]
        for stream, columns in vendor.columns.items():
            _create_stream(con, vendor.kind, stream, columns, own, until)
        _create_views(con, vendor)


def select_of(stream_table: str, latest_table: str, source: str, columns: Columns) -> str:
    """The select that turns one source's records of a stream into typed columns."""
    literal = source.replace("'", "''")
    listed = ", ".join(
        f"{_expression(path, kind, columns)} as {quoted(name)}" for name, (path, kind) in columns.items()
    )
    structure = json.dumps(_structure(columns)).replace("'", "''")
    return (
        f"select source, source_key, evidence_id, source_updated_at, observed_at{', ' if listed else ''}{listed}"
        " from (select r.source, r.source_key, r.evidence_id, r.source_updated_at, r.observed_at, r.record,"
        f" try(from_json(r.record, '{structure}')) as f"
        f" from {stream_table} r semi join {latest_table} l on l.evidence_id = r.evidence_id"
        f" where r.source = '{literal}') as parsed where f is not null"
    )


def _create_stream(
    con: duckdb.DuckDBPyConnection,
    kind: str,
    stream: str,
    columns: Columns,
    sources: Sequence[Source],
    until: str | None,
) -> None:
    table = f"evidence.raw.{quoted(f'{kind}__{stream}')}"
    exists = con.execute(
        "select count(*) from duckdb_tables() where database_name = 'evidence' and schema_name = 'raw'"
        " and table_name = ?",
        [f"{kind}__{stream}"],
    ).fetchone() != (0,)
    parts = [_empty(columns)]
    if exists and sources:
        latest = f"temp.{quoted(f'latest__{kind}__{stream}')}"
        _create_latest(con, latest, table, stream, until)
        parts = [select_of(table, latest, source.name, source.columns.get(stream, columns)) for source in sources]
    con.execute(f"create view stage.{quoted(f'{kind}__{stream}')} as {' union all '.join(parts)}")


def _create_views(con: duckdb.DuckDBPyConnection, vendor: Vendor) -> None:
    """The connector's own helpers, each after those that it reads. They are computed once: nested as views, planning
    the canonical queries took longer than running them."""
    waiting = {f"{vendor.kind}_{name}": select for name, select in sorted(vendor.views.items())}
    while waiting:
        ready = [name for name, select in waiting.items() if not _reads(con, select) & waiting.keys()]
        if not ready:
            raise ValueError(f"the stage views of {vendor.kind} read each other in a circle: {', '.join(waiting)}")
        for name in ready:
            con.execute(f"create table stage.{quoted(name)} as {waiting.pop(name)}")


def _reads(con: duckdb.DuckDBPyConnection, select: str) -> set[str]:
    names = con.get_table_names(select, qualified=True)
    return {name.split(" ")[0].removeprefix("stage.") for name in names}  # DuckDB 2.0 keeps the alias


def _create_latest(con: duckdb.DuckDBPyConnection, latest: str, table: str, stream: str, until: str | None) -> None:
    """The evidence ids of the living records of a stream, as of the last complete run of each source."""
    con.execute(
        f"""
        create or replace temp table {latest.removeprefix("temp.")} as
        with bound as (
            select source, max(sync_id) as sync_id
            from evidence.audit.sync_run
            where stream = $stream and status = 'complete' and sync_id <= $until
            group by source
        )
        select arg_max(r.evidence_id, (r.sync_id, r.ordinal)) as evidence_id
        from {table} r
        join bound b on b.source = r.source and r.sync_id <= b.sync_id
        group by r.source, r.source_key
        having not arg_max(r.is_deleted, (r.sync_id, r.ordinal))
        """,
        {"stream": stream, "until": until or "9"},
    )


def _empty(columns: Columns) -> str:
    """No rows, with the right types: a stream that was never read, or is skipped."""
    named = {
        "source": "varchar",
        "source_key": "varchar",
        "evidence_id": "varchar",
        "source_updated_at": "timestamptz",
        "observed_at": "timestamptz",
    } | {name: TYPES[kind] for name, (_, kind) in columns.items()}
    listed = ", ".join(f"cast(null as {type_}) as {quoted(name)}" for name, type_ in named.items())
    return f"select {listed} where false"


def _clashing(columns: Columns) -> set[str]:
    """Paths that are both read whole and looked into: those are read on their own."""
    paths = {path for path, _ in columns.values() if path}
    return {path for path in paths if any(other.startswith(path + ".") for other in paths)}


def _structure(columns: Columns) -> dict[str, object]:
    tree: dict[str, object] = {}
    clashing = _clashing(columns)
    for path, kind in columns.values():
        if not path or path in clashing:
            continue
        *nodes, leaf = path.split(".")
        place = tree
        for node in nodes:
            child = place.setdefault(node, {})
            if not isinstance(child, dict):
                raise TypeError(f"column path {path} goes through a value")
            place = child
        place[leaf] = _LEAF.get(kind, "VARCHAR")
    return tree or {"-": "VARCHAR"}


def _expression(path: str, kind: str, columns: Columns) -> str:
    if not path:
        return f"cast(null as {TYPES[kind]})"
    if path in _clashing(columns):
        pointer = "$" + "".join("." + quoted(part) for part in path.split("."))
        found = f"json_extract_string(record, '{pointer.replace(chr(39), chr(39) * 2)}')"
    else:
        found = "f." + ".".join(quoted(part) for part in path.split("."))
    return _READ[kind].format(found)
