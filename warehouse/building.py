"""Building the warehouse beside the published one, and publishing it with one rename.

The published name is a link to ``published/warehouse-<sync>.duckdb``: a reader that has the old file open keeps it, a
new reader gets the new one, and nothing half-done is ever seen. The last three files stay.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse import metrics, stage
from warehouse.evidence import STORAGE_VERSION, Evidence, quoted

KEPT = 3

_FOLDER = Path(__file__).parent


class PublishError(Exception):
    """The warehouse can't be put in its place; the message says what stands there."""


def entities() -> dict[str, str]:
    """The canonical entities and the DDL of each, by name."""
    return {path.stem: path.read_text() for path in sorted((_FOLDER / "canonical").glob("*.sql"))}


class Building:
    """A warehouse file under construction. Call `canonical`, `metrics`, `publish` in this order, or `abandon`."""

    def __init__(self, evidence: Evidence, target: Path, sync_id: str) -> None:
        self._con = evidence.con
        self._target = target
        self._final = target.parent / "published" / f"warehouse-{sync_id}.duckdb"
        self._file = self._final.with_suffix(".building")
        self._final.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not target.is_symlink():
            raise PublishError(
                f"{target} is a file of its own, not a link to a published warehouse: move it away first"
            )
        for left in self._final.parent.glob("warehouse-*.building*"):  # of a run that was killed: we hold its lock
            left.unlink()
        place = str(self._file).replace("'", "''")
        self._con.execute(f"attach '{place}' as warehouse (storage_version '{STORAGE_VERSION}')")
        self._con.execute("use warehouse")

    def canonical(
        self, vendors: Sequence[stage.Vendor], sources: Sequence[stage.Source], as_of: datetime
    ) -> dict[str, int]:
        """Rebuild every canonical entity from the evidence; returns rows per entity."""
        con = self._con
        stage.build(con, vendors, sources, as_of)
        con.execute("create schema canonical")
        rows = {}
        for entity, ddl in entities().items():
            con.execute(ddl)
            for vendor in vendors:
                if entity in vendor.canonical:
                    con.execute(f"insert into canonical.{quoted(entity)} by name {vendor.canonical[entity]}")
            rows[entity] = _count(con, f"canonical.{quoted(entity)}")
        self._copy_audit(sorted({source.connector for source in sources}))
        con.execute("drop schema stage cascade")
        con.execute((_FOLDER / "analyst.sql").read_text())
        return rows

    def metrics(
        self,
        as_of: datetime,
        time_zone: str,
        settings: Mapping[str, str],
        targets: Mapping[str, float],
    ) -> dict[str, int]:
        """Compute every metric; returns figures per metric."""
        metrics.build(self._con, as_of=as_of, time_zone=time_zone, settings=settings, targets=targets)
        return dict(
            self._con.execute("select metric, count(*) from metrics.value group by metric order by metric").fetchall()
        )

    def publish(self) -> Path:
        """Close the file and put it in place atomically; returns its path."""
        self._close()
        _remove(self._final)
        self._file.rename(self._final)
        link = self._target.with_name(f".{self._target.name}.new")
        link.unlink(missing_ok=True)
        link.symlink_to(self._final.relative_to(self._target.parent))
        link.replace(self._target)
        _sync_folder(self._target.parent)
        self._prune()
        return self._final

    def abandon(self) -> None:
        """Throw the unfinished file away; what is published stays."""
        with suppress(duckdb.Error):
            self._close()
        _remove(self._file)

    def _close(self) -> None:
        self._con.execute("use memory")
        self._con.execute("detach warehouse")

    def _copy_audit(self, connectors: Sequence[str]) -> None:
        con = self._con
        con.execute("create schema audit")
        for table in ("sync_run", "gap", "configuration"):
            con.execute(f"create table audit.{table} as select * from evidence.audit.{table}")
        con.execute(
            "create table audit.evidence (evidence_id varchar, source varchar, connector varchar, stream varchar,"
            " source_key varchar, record_sha256 varchar, source_updated_at timestamptz, observed_at timestamptz,"
            " sync_id varchar, ordinal bigint, is_deleted boolean, deleted_kind varchar, deleted_reason varchar)"
        )
        names = con.execute(
            "select table_name from duckdb_tables() where database_name = 'evidence' and schema_name = 'raw'"
        ).fetchall()
        for (name,) in names:
            connector, stream = name.split("__", 1)
            if connector in connectors:
                con.execute(
                    "insert into audit.evidence select evidence_id, source, ?, ?, source_key, record_sha256,"
                    " source_updated_at, observed_at, sync_id, ordinal, is_deleted, deleted_kind, deleted_reason"
                    f" from evidence.raw.{quoted(name)}",
                    [connector, stream],
                )
        con.execute((_FOLDER / "audit.sql").read_text())

    def _prune(self) -> None:
        files = sorted(self._final.parent.glob("warehouse-*.duckdb"))
        current = self._target.resolve()
        for file in [f for f in files if f.resolve() != current][: max(0, len(files) - KEPT)]:
            _remove(file)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"select count(*) from {table}").fetchone()
    return int(row[0]) if row else 0


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.with_name(file.name + ".wal").unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
