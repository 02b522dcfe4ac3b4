"""A small warehouse in memory, filled by hand: the real tables, the real metric engine, no mock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from warehouse import metrics
from warehouse.building import entities

AS_OF = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)


class Warehouse:
    """Canonical rows by hand; each gets evidence of its own."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con

    def add(self, table: str, key: str, /, *, source: str = "snow", **values: object) -> str:
        """One row of an entity; returns its id."""
        record_id = f"{source}:{table}:{key}"
        evidence_id = f"{record_id}@1.1"
        row = {f"{table}_id": record_id, "source": source, "evidence_id": evidence_id, **values}
        self.con.execute(
            f"insert into canonical.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values())
        )
        self.con.execute(
            "insert into audit.evidence values (?, ?, 'tool', ?, ?, sha256(?), null, ?, '1', 1, false, null, null)",
            [evidence_id, source, table, key, record_id, AS_OF],
        )
        return record_id

    def run(self, stream: str, *, source: str = "snow", status: str = "complete", **values: object) -> None:
        """One row of `audit.sync_run`."""
        row = {"sync_id": "1", "source": source, "stream": stream, "status": status, "mode": "full"}
        row |= {"started_at": AS_OF, "finished_at": AS_OF, "hidden": 0, "quarantined": 0, **values}
        self.con.execute(
            f"insert into audit.sync_run ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values())
        )

    def build(self, **settings: str) -> duckdb.DuckDBPyConnection:
        """Compute the metrics."""
        facts = {"organization": "Example", "sync_id": "1", **settings}
        metrics.build(self.con, as_of=AS_OF, time_zone="Europe/Amsterdam", settings=facts)
        return self.con


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    from pathlib import Path

    import warehouse.building as building

    folder = Path(building.__file__).parent
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        con.execute("create schema canonical; create schema audit; attach ':memory:' as evidence")
        for ddl in entities().values():
            con.execute(ddl)
        con.execute((folder / "evidence.sql").read_text())
        for table in ("sync_run", "gap", "configuration"):
            con.execute(f"create table audit.{table} as select * from evidence.audit.{table}")
        con.execute(
            "create table audit.evidence (evidence_id varchar, source varchar, connector varchar, stream varchar,"
            " source_key varchar, record_sha256 varchar, source_updated_at timestamptz, observed_at timestamptz,"
            " sync_id varchar, ordinal bigint, is_deleted boolean, deleted_kind varchar, deleted_reason varchar)"
        )
        con.execute((folder / "analyst.sql").read_text())
        yield Warehouse(con)
