"""The evidence file: append-only versions of source records, sync runs, and manifests chained by hash.

Versions commit in batches under the sync's id; the last batch, the watermark and the manifest of a stream commit
together. A process killed in between leaves committed versions and a row `running`, which the next process closes as
failed; the watermark has not moved, so the next run reads the same window again and stores nothing twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

STORAGE_VERSION = "v1.5.0"
"""Files are written so that DuckDB 1.5 reads them."""

ROW_GROUP = 16_384
"""Rows of a row group of the evidence file. A batch fills one: with DuckDB's own 122,880 each commit compresses a
partly filled group anew."""

_RAW = """
create table if not exists evidence.raw.{table} (
    evidence_id varchar,
    source varchar,
    source_key varchar,
    record varchar using compression zstd,
    record_sha256 varchar,
    content_sha256 varchar,
    source_updated_at timestamptz,
    source_stamp varchar,
    observed_at timestamptz,
    sync_id varchar,
    ordinal bigint,
    is_deleted boolean,
    deleted_kind varchar,
    deleted_reason varchar
)
"""

# What a manifest states, in this order; `versions_sha256` covers the versions that the run stored.
_STATED = (
    "sync_id, source, stream, mode, started_at, finished_at, status, watermark_from, watermark_to, pages, requests, "
    "retries, fetched, added, changed, unchanged, duplicate, deleted, hidden, quarantined, source_count, "
    "warehouse_count, account, error"
)


class EvidenceError(Exception):
    """The evidence file can't be used; the message says why and what to do."""


class EvidenceBusy(EvidenceError):  # noqa: N818 - a state, not a fault
    """Another sync holds the evidence file."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """Where the next run of a stream carries on: the last complete run, or what an unfinished one has reached since.

    ``sync_id`` is the last complete run, None when there was none.
    """

    sync_id: str | None
    watermark: str | None


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def raw_table(connector: str, stream: str) -> str:
    """The raw table of a stream, without its schema."""
    return quoted(f"{connector}__{stream}")


class Evidence:
    """The evidence file, opened for writing by one process at a time.

    Raises:
        EvidenceBusy: another process is writing.
        EvidenceError: the file is no evidence file, or can't be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(path)
        try:
            with _private():
                self.con = duckdb.connect()
                self.con.execute("set timezone = 'UTC'")
                place = str(path).replace("'", "''")
                self.con.execute(
                    f"attach '{place}' as evidence (storage_version '{STORAGE_VERSION}', row_group_size {ROW_GROUP})"
                )
            self.con.execute((Path(__file__).parent / "evidence.sql").read_text())
        except duckdb.Error as error:
            self._release()
            raise EvidenceError(f"{path} can't be opened as an evidence file: {error}") from error
        path.chmod(0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Write everything out and let the next process in."""
        with suppress(duckdb.Error):
            self.con.execute("checkpoint evidence")
        self.con.close()
        self._release()

    def _release(self) -> None:
        os.close(self._lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.con.execute("begin")
        try:
            yield
        except BaseException:
            self.con.execute("rollback")
            raise
        self.con.execute("commit")

    # ---------------------------------------------------------------- runs

    def new_sync(self, now: datetime) -> str:
        """A sync id: the time of its start, later than every earlier id even when the clock went back."""
        last = self._one("select max(sync_id) from evidence.audit.sync_run")
        moment = now.replace(microsecond=0)
        if last and moment <= (latest := datetime.strptime(last, "%Y%m%dT%H%M%S%z")):
            moment = latest + timedelta(seconds=1)
        return f"{moment:%Y%m%dT%H%M%S}Z"

    def close_stale(self, now: datetime) -> list[str]:
        """Close as failed what a killed process left running; returns the ids of those syncs."""
        columns = f"sync_id, source, stream, manifest_sha256, {_STATED}"
        stale = self.con.execute(
            f"select {columns} from evidence.audit.sync_run where status = 'running' order by sync_id, stream"
        ).fetchall()
        for sync_id, source, stream, *_ in stale:
            error = "the process ended before the stream did; the next run reads the same window again"
            with self.transaction():
                self.seal(sync_id, source, stream, self._digest_stored(sync_id, source, stream), now, "failed", error)
        return sorted({row[0] for row in stale})

    def last_run(self, source: str, stream: str) -> LastRun:
        """Where a stream stands. A run that a quota ended has a watermark too: what it read is not read again."""
        row = self.con.execute(
            "select max(sync_id) filter (where status = 'complete'),"
            " arg_max(watermark_to, sync_id) filter (where watermark_to is not null)"
            " from evidence.audit.sync_run where source = ? and stream = ?",
            [source, stream],
        ).fetchone()
        return LastRun(*row) if row else LastRun(None, None)

    def complete_at(self) -> datetime | None:
        """When the newest complete read began; None when there was none."""
        row = self.con.execute(
            "select max(started_at) from evidence.audit.sync_run where status = 'complete'"
        ).fetchone()
        return row[0] if row else None

    def skip(self, sync_id: str, source: str, stream: str, reason: str, now: datetime) -> None:
        """Record that the configuration leaves a stream out."""
        with self.transaction():
            self.open_run(sync_id, source, stream, "full", None, "", now)
            self.seal(sync_id, source, stream, hashlib.sha256().hexdigest(), now, "skipped", reason)

    def remember(self, sync_id: str, texts: Mapping[str, str]) -> None:
        """Keep the configuration, mapping and definitions of a run; an unchanged text is stored once."""
        for name, body in texts.items():
            digest = hashlib.sha256(body.encode()).hexdigest()
            known = self._one(
                "select count(*) from evidence.audit.configuration where name = ? and sha256 = ?", name, digest
            )
            self.con.execute(
                "insert into evidence.audit.configuration values (?, ?, ?, ?)",
                [sync_id, name, digest, None if known else body],
            )

    def head(self, source: str) -> str | None:
        """The newest manifest hash of a source's chain; keep it elsewhere to prove the chain later."""
        value = self._one(
            "select r.manifest_sha256 from evidence.audit.sync_run r"
            " where r.source = ? and r.manifest_sha256 is not null and not exists (select 1 from"
            " evidence.audit.sync_run n where n.source = r.source and n.previous_sha256 = r.manifest_sha256)",
            source,
        )
        return str(value) if value else None

    # ------------------------------------------------------------- versions

    def tables(self) -> list[str]:
        """The raw tables that exist, as `<connector>__<stream>`."""
        return [
            row[0]
            for row in self.con.execute(
                "select table_name from duckdb_tables() where database_name = 'evidence' and schema_name = 'raw'"
                " order by table_name"
            ).fetchall()
        ]

    def ensure_table(self, connector: str, stream: str) -> str:
        """Make the raw table of a stream when it is missing; returns its qualified name."""
        table = raw_table(connector, stream)
        self.con.execute(_RAW.format(table=table))
        return f"evidence.raw.{table}"

    def changed_since(
        self, source: str, connector: str, streams: Iterable[str], sync_id: str | None
    ) -> Iterator[tuple[str, str]]:
        """(stream, key) of the records that got a new version after a sync (of all records, when None)."""
        existing = set(self.tables())
        for stream in streams:
            if f"{connector}__{stream}" not in existing:
                continue
            cursor = self.con.cursor()  # the connection itself stores versions meanwhile
            cursor.execute(
                f"select distinct source_key from evidence.raw.{raw_table(connector, stream)}"
                " where source = ? and sync_id > ? and not is_deleted order by source_key",
                [source, sync_id or ""],
            )
            while keys := cursor.fetchmany(10_000):
                yield from ((stream, key) for (key,) in keys)

    def latest_records(self, source: str, connector: str, stream: str) -> list[bytes]:
        """The latest stored record of every key of a stream that is not deleted."""
        if f"{connector}__{stream}" not in set(self.tables()):
            return []
        rows = self.con.execute(
            f"select arg_max(record, (sync_id, ordinal)) from evidence.raw.{raw_table(connector, stream)}"
            " where source = ? group by source_key having not arg_max(is_deleted, (sync_id, ordinal))"
            " order by source_key",
            [source],
        ).fetchall()
        return [row[0].encode() for row in rows]

    # -------------------------------------------------------------- inside

    def _one(self, query: str, *parameters: object) -> str | None:
        row = self.con.execute(query, list(parameters)).fetchone()
        return row[0] if row else None

    def open_run(
        self, sync_id: str, source: str, stream: str, mode: str, watermark: str | None, account: str, now: datetime
    ) -> None:
        self.con.execute(
            "insert into evidence.audit.sync_run (sync_id, source, stream, mode, started_at, status, watermark_from,"
            " account) values (?, ?, ?, ?, ?, 'running', ?, ?)",
            [sync_id, source, stream, mode, now, watermark, account],
        )

    def seal(
        self, sync_id: str, source: str, stream: str, versions: str, now: datetime, status: str, error: str | None
    ) -> None:
        """Set status and end, then the manifest, chained to the newest of the source. Runs inside a transaction."""
        where = "where sync_id = ? and source = ? and stream = ?"
        self.con.execute(
            f"update evidence.audit.sync_run set status = ?, finished_at = ?, error = ? {where}",
            [status, now, error, sync_id, source, stream],
        )
        previous = self.head(source)
        digest = self._manifest(sync_id, source, stream, versions, previous)
        self.con.execute(
            f"update evidence.audit.sync_run set manifest_sha256 = ?, previous_sha256 = ? {where}",
            [digest, previous, sync_id, source, stream],
        )

    def _manifest(self, sync_id: str, source: str, stream: str, versions: str, previous: str | None) -> str:
        cursor = self.con.execute(
            f"select {_STATED} from evidence.audit.sync_run where sync_id = ? and source = ? and stream = ?",
            [sync_id, source, stream],
        )
        row = cursor.fetchone()
        if row is None:
            raise EvidenceError(f"{source} {stream} has no row for {sync_id} in audit.sync_run")
        stated: dict[str, object] = dict(zip(_STATED.split(", "), row, strict=True))
        stated = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in stated.items()}
        stated |= {"versions_sha256": versions, "previous_sha256": previous}
        return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()

    def _digest_stored(self, sync_id: str, source: str, stream: str) -> str:
        """The digest of the versions that a run stored, read back from the raw table."""
        digest = hashlib.sha256()
        for table in self.tables():
            if table.split("__", 1)[1] != stream:
                continue
            cursor = self.con.execute(
                "select evidence_id || ' ' || coalesce(record_sha256, '-') || chr(10)"
                f" from evidence.raw.{quoted(table)} where sync_id = ? and source = ? order by ordinal",
                [sync_id, source],
            )
            while rows := cursor.fetchmany(10_000):
                digest.update("".join(row[0] for row in rows).encode())
        return digest.hexdigest()


def _locked(path: Path) -> int:
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
        os.close(handle)
        raise EvidenceBusy(
            f"another sync is running{f' (process {holder})' if holder else ''}: it holds {path}. "
            "Wait until it ends; nothing was changed."
        ) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


@contextmanager
def _private() -> Iterator[None]:
    """Files made inside are readable by their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
