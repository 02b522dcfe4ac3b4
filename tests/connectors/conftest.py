"""A connector's SQL on rows written by hand: the stage as tables, then the real views, selects and canonical tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import duckdb
import pytest

import connectors
from pipelines.night import shipped_values, vendors
from warehouse.building import entities
from warehouse.stage import TYPES, select_of

AS_OF = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)

Row = dict[str, object]


class Stage:
    """The stage of one source of a kind, filled by hand. Every record has evidence named `<stream>/<key>@1`."""

    def __init__(self, con: duckdb.DuckDBPyConnection, kind: str, source: str) -> None:
        self._con, self._kind, self._source = con, kind, source
        self._vendor = next(vendor for vendor in vendors() if vendor.kind == kind)
        con.execute("create schema stage; create schema canonical")
        con.execute("create table stage.clock as select cast(? as timestamptz) as as_of", [AS_OF])
        con.execute(
            "create table stage.source as select ? as source, ? as connector, 'https://x' as url", [source, kind]
        )
        con.execute("create table stage.value (source varchar, field varchar, vendor varchar, canonical varchar)")
        for stream, columns in self._vendor.columns.items():
            typed = {name: TYPES[column] for name, (_, column) in columns.items()}
            typed |= dict.fromkeys(("source", "source_key", "evidence_id"), "varchar")
            typed |= dict.fromkeys(("source_updated_at", "observed_at"), "timestamptz")
            listed = ", ".join(f'"{name}" {type_}' for name, type_ in typed.items())
            con.execute(f'create table stage."{kind}__{stream}" ({listed})')
        shipped = shipped_values(connectors.installed()[kind])
        words = [(source, field, word, ours) for field, by_word in shipped.items() for word, ours in by_word.items()]
        con.execute(f"insert into stage.value values {', '.join(['(?, ?, ?, ?)'] * len(words))}", sum(words, ()))

    def mean(self, field: str, /, **words: str) -> None:
        """Meanings of vendor words that a user's configuration gives."""
        for vendor, canonical in words.items():
            self._con.execute("delete from stage.value where field = ? and vendor = ?", [field, vendor])
            self._con.execute("insert into stage.value values (?, ?, ?, ?)", [self._source, field, vendor, canonical])

    def add(self, stream: str, key: str, /, **values: object) -> None:
        """One record of a stream."""
        row = {
            "source": self._source,
            "source_key": key,
            "evidence_id": f"{stream}/{key}@1",
            "observed_at": AS_OF,
            **values,
        }
        names, holes = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        self._con.execute(f'insert into stage."{self._kind}__{stream}" ({names}) values ({holes})', list(row.values()))

    def load(self, stream: str, records: dict[str, bytes]) -> None:
        """Records as a tool sent them, by key, read by the real stage."""
        self._con.execute(
            "create or replace table sent (source varchar, source_key varchar, evidence_id varchar,"
            " source_updated_at timestamptz, observed_at timestamptz, record varchar)"
        )
        rows = [
            [self._source, key, f"{stream}/{key}@1", None, AS_OF, record.decode()] for key, record in records.items()
        ]
        self._con.executemany("insert into sent values (?, ?, ?, ?, ?, ?)", rows)
        select = select_of("sent", "sent", self._source, self._vendor.columns[stream])
        self._con.execute(f'insert into stage."{self._kind}__{stream}" by name {select}')

    def build(self) -> None:
        """Create the connector's own views, each once those that it reads are there."""
        waiting = dict(self._vendor.views)
        while waiting:
            before = len(waiting)
            for name, select in list(waiting.items()):
                try:
                    self._con.execute(f'create view stage."{self._kind}_{name}" as {select}')
                except duckdb.CatalogException:
                    continue
                del waiting[name]
            assert len(waiting) < before, f"views that read what is not there: {sorted(waiting)}"

    def rows(self, entity: str) -> dict[str, Row]:
        """The canonical rows of an entity by their native key; ids must be unique and evidence named."""
        if not self._con.execute("select 1 from duckdb_views() where schema_name = 'stage'").fetchone():
            self.build()
        self._con.execute(f"drop table if exists canonical.{entity}")
        self._con.execute(entities()[entity])
        self._con.execute(f"insert into canonical.{entity} by name {self._vendor.canonical[entity]}")
        cursor = self._con.execute(f"select * from canonical.{entity}")
        names = [column[0] for column in cursor.description or []]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        prefix = f"{self._source}:{entity}:"
        keyed = {
            str(row[f"{entity}_id"]).removeprefix(prefix): row
            for row in sorted(found, key=lambda row: str(row[f"{entity}_id"]))
        }
        assert len(keyed) == len(found)
        assert all(str(row[f"{entity}_id"]).startswith(prefix) and row["evidence_id"] for row in found)
        return keyed

    def every(self) -> dict[str, int]:
        """Rows of each entity that the connector fills."""
        return {entity: len(self.rows(entity)) for entity in self._vendor.canonical}


MakeStage = Callable[[str, str], Stage]


@pytest.fixture
def make_stage() -> Iterator[MakeStage]:
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        yield lambda kind, source: Stage(con, kind, source)
