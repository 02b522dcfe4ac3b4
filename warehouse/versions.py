"""Writing one stream of one run into the evidence: which records are new versions, and the counts that prove it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from warehouse.evidence import Evidence, EvidenceError, sha256

BATCH_RECORDS = 20_000
BATCH_BYTES = 64 * 1024 * 1024

# One row per record of the batch, with what was known of its key just before it: the record before it in the batch,
# else the latest stored version.
_JUDGE = """
create or replace temp table batch as
with placed as (
    select
        i.place, i.source_key, i.record, i.record_sha256, i.content_sha256, i.source_updated_at,
        lag(i.content_sha256) over (partition by i.source_key order by i.place) as before_in_batch,
        l.content_sha256 as before_stored,
        coalesce(l.is_deleted, false) as was_deleted,
        coalesce(l.is_seen, false) as was_seen
    from incoming i
    left join latest l on l.source_key = i.source_key
)
select
    place, source_key, record, record_sha256, content_sha256, source_updated_at,
    coalesce(before_in_batch, before_stored) is null
        or (before_in_batch is null and was_deleted)
        or coalesce(before_in_batch, before_stored) <> content_sha256 as is_new,
    before_in_batch is null and before_stored is null as is_first,
    before_in_batch is not null or was_seen as is_again
from placed
"""

_STORE = """
insert into {table}
select
    $source || ':' || $stream || ':' || source_key || '@' || $sync_id || '.' || ordinal, $source, source_key, record,
    record_sha256, content_sha256, source_updated_at, $observed_at, $sync_id, ordinal, false, null
from (select *, $first + row_number() over (order by place) as ordinal from batch where is_new) as numbered
order by ordinal
"""

_LATEST = """
create or replace temp table latest as
select
    source_key,
    arg_max(content_sha256, (sync_id, ordinal)) as content_sha256,
    arg_max(is_deleted, (sync_id, ordinal)) as is_deleted,
    false as is_seen
from {table}
where source = $source
group by source_key
"""


@dataclass(slots=True)
class Counts:
    """What became of the records. `dropped` can't be stored; `quarantined` adds those stored but unreadable."""

    fetched: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicate: int = 0
    dropped: int = 0
    deleted: int = 0
    quarantined: int = 0

    def is_balanced(self) -> bool:
        """Every record fetched became one of these."""
        return self.fetched == self.added + self.changed + self.unchanged + self.duplicate + self.dropped


@dataclass(slots=True)
class Ledger:
    """What the reader says of a run when it ends; see `audit.sync_run`."""

    watermark_to: str | None = None
    pages: int = 0
    requests: int = 0
    retries: int = 0
    hidden: int = 0
    source_count: int | None = None
    gaps: list[tuple[str, str, str]] = field(default_factory=list)
    """(source key, hidden or quarantined, reason)"""


class Writer:
    """Writes the records of one stream in one run. `add` may be called any number of times, then `finish` once."""

    def __init__(
        self,
        evidence: Evidence,
        *,
        sync_id: str,
        source: str,
        connector: str,
        stream: str,
        mode: str,
        watermark: str | None,
        account: str,
        now: datetime,
    ) -> None:
        self._evidence = evidence
        self._names = {"sync_id": sync_id, "source": source, "stream": stream}
        self._table = evidence.ensure_table(connector, stream)
        self._now = now
        self._digest = hashlib.sha256()
        self._ordinal = 0
        self._waiting: list[tuple[str, bytes, bytes, datetime | None]] = []
        self._bytes = 0
        self._gaps: list[tuple[str, str, str]] = []
        self.counts = Counts()
        with evidence.transaction():
            evidence.open_run(sync_id, source, stream, mode, watermark, account, now)
        evidence.con.execute(_LATEST.format(table=self._table), {"source": source})

    def add(
        self,
        keys: Sequence[str],
        records: Sequence[bytes],
        contents: Sequence[bytes],
        updated: Sequence[datetime | None],
    ) -> None:
        """Take records; a full batch is committed."""
        for entry in zip(keys, records, contents, updated, strict=True):
            self._waiting.append(entry)
            self._bytes += len(entry[1])
        if len(self._waiting) >= BATCH_RECORDS or self._bytes >= BATCH_BYTES:
            with self._evidence.transaction():
                self._flush()

    def absent(self, census: Iterable[str]) -> list[str]:
        """Keys that are stored as living and not in the census of the source."""
        with self._evidence.transaction():
            self._flush()
        self._register_census(census)
        rows = self._evidence.con.execute(
            "select source_key from latest l where not is_deleted"
            " and not exists (select 1 from census c where c.source_key = l.source_key) order by source_key"
        ).fetchall()
        return [row[0] for row in rows]

    def unknown(self, census: Iterable[str]) -> list[str]:
        """Keys of the census that are not stored as living."""
        self._register_census(census)
        rows = self._evidence.con.execute(
            "select distinct source_key from census c where not exists (select 1 from latest l"
            " where l.source_key = c.source_key and not l.is_deleted) order by source_key"
        ).fetchall()
        return [row[0] for row in rows]

    def bury(self, keys: Sequence[str], reason: str) -> None:
        """A tombstone for each key: the source has no such record any more."""
        if not keys:
            return
        source, stream, sync_id = (self._names[n] for n in ("source", "stream", "sync_id"))
        with self._evidence.transaction():
            self._flush()
            self._register_census(keys)
            self._evidence.con.execute(
                f"insert into {self._table} select $source || ':' || $stream || ':' || source_key || '@' || $sync_id"
                " || '.' || ordinal, $source, source_key, null, null, null, null, $now, $sync_id, ordinal, true,"
                " $reason from (select source_key, $first + row_number() over (order by source_key) as ordinal"
                " from census) as numbered order by ordinal",
                {
                    "source": source,
                    "stream": stream,
                    "sync_id": sync_id,
                    "now": self._now,
                    "reason": reason,
                    "first": self._ordinal,
                },
            )
            for place, key in enumerate(sorted(keys), start=self._ordinal + 1):
                self._digest.update(f"{source}:{stream}:{key}@{sync_id}.{place} -\n".encode())
            self._evidence.con.execute(
                "update latest set is_deleted = true from census c where c.source_key = latest.source_key"
            )
        self._ordinal += len(keys)
        self.counts.deleted += len(keys)

    def live(self) -> int:
        """How many records are stored as living, counting what was added so far."""
        with self._evidence.transaction():
            self._flush()
        return self._number("select count(*) from latest where not is_deleted")

    def finish(self, status: str, ledger: Ledger, now: datetime, *, is_counted: bool, error: str | None = None) -> None:
        """The last batch, the gaps, the watermark and the manifest, in one transaction."""
        with self._evidence.transaction():
            self._flush()
            self._write_gaps(ledger)
            stored = self._number("select count(*) from latest where not is_deleted") if is_counted else None
            if stored is None:
                stored = self.counts.fetched - self.counts.duplicate - self.counts.dropped
            if not self.counts.is_balanced():
                raise EvidenceError(f"fetched and stored differ in {self._table}: {self.counts}")
            self._write_counts(ledger, stored, status)
            self._evidence.seal(
                self._names["sync_id"],
                self._names["source"],
                self._names["stream"],
                self._digest.hexdigest(),
                now,
                status,
                error,
            )

    # -------------------------------------------------------------- inside

    def _number(self, query: str) -> int:
        row = self._evidence.con.execute(query).fetchone()
        return int(row[0]) if row else 0

    def _register_census(self, keys: Iterable[str]) -> None:
        table = pa.table({"source_key": pa.array(list(keys), pa.string())})
        self._evidence.con.register("census", table)

    def _flush(self) -> None:
        if not self._waiting:
            return
        keys, records, contents, updated = (list(column) for column in zip(*self._waiting, strict=True))
        texts = self._texts(keys, records)
        table = pa.table(
            {
                "place": pa.array(range(len(keys)), pa.int64()),
                "source_key": pa.array(keys, pa.string()),
                "record": pa.array(texts, pa.string()),
                "record_sha256": pa.array(sha256(records), pa.string()),
                "content_sha256": pa.array(sha256(contents), pa.string()),
                "source_updated_at": pa.array(updated, pa.timestamp("us", tz="UTC")),
            }
        )
        self.counts.fetched += len(keys)
        con = self._evidence.con
        con.register("incoming", table.filter(table["record"].is_valid()))
        con.execute(_JUDGE)
        self._count()
        self._store()
        con.unregister("incoming")
        self._waiting, self._bytes = [], 0

    def _texts(self, keys: list[str], records: list[bytes]) -> list[str | None]:
        """The records as text; one that is no UTF-8 is left out and named as a gap."""
        texts: list[str | None] = []
        for key, record in zip(keys, records, strict=True):
            try:
                texts.append(record.decode())
            except UnicodeDecodeError as error:
                texts.append(None)
                self.counts.dropped += 1
                self._gaps.append((key, "quarantined", f"the record is not UTF-8: {error.reason} at {error.start}"))
        return texts

    def _count(self) -> None:
        row = self._evidence.con.execute(
            "select count(*) filter (where is_new and is_first), count(*) filter (where is_new and not is_first),"
            " count(*) filter (where not is_new and not is_again), count(*) filter (where not is_new and is_again)"
            " from batch"
        ).fetchone()
        added, changed, unchanged, duplicate = row or (0, 0, 0, 0)
        self.counts.added += added
        self.counts.changed += changed
        self.counts.unchanged += unchanged
        self.counts.duplicate += duplicate

    def _store(self) -> None:
        con = self._evidence.con
        new = self._number("select count(*) from batch where is_new")
        stored = con.execute(
            _STORE.format(table=self._table), self._names | {"observed_at": self._now, "first": self._ordinal}
        ).fetchone()
        if stored is None or stored[0] != new:
            raise EvidenceError(f"{new} new versions went in and {stored} came out: the batch is taken back")
        self._extend_digest()
        self._note_unreadable()
        con.execute("delete from latest where source_key in (select source_key from batch)")
        con.execute(
            "insert into latest select source_key, arg_max(content_sha256, place), false, true from batch"
            " group by source_key"
        )
        self._ordinal += new

    def _extend_digest(self) -> None:
        row = self._evidence.con.execute(
            "select string_agg($source || ':' || $stream || ':' || source_key || '@' || $sync_id || '.' || ordinal"
            " || ' ' || record_sha256 || chr(10), '' order by ordinal) from (select source_key, record_sha256,"
            " $first + row_number() over (order by place) as ordinal from batch where is_new) as numbered",
            self._names | {"first": self._ordinal},
        ).fetchone()
        if row and row[0]:
            self._digest.update(row[0].encode())

    def _note_unreadable(self) -> None:
        """A stored record that the warehouse can't read as JSON: kept as it is, and named."""
        rows = self._evidence.con.execute(
            "select source_key from batch where is_new and not json_valid(record) order by place"
        ).fetchall()
        reason = "stored, but it can't be read as JSON text (such as half of a surrogate pair): left out of the figures"
        self._gaps.extend((row[0], "quarantined", reason) for row in rows)

    def _write_gaps(self, ledger: Ledger) -> None:
        gaps = self._gaps + ledger.gaps
        if gaps:
            keys, kinds, reasons = (list(column) for column in zip(*gaps, strict=True))
            self._evidence.con.register("gaps", pa.table({"source_key": keys, "kind": kinds, "reason": reasons}))
            self._evidence.con.execute(
                "insert into evidence.audit.gap select $sync_id, $source, $stream, source_key, kind, reason, $now"
                " from gaps",
                self._names | {"now": self._now},
            )
        self.counts.quarantined = sum(1 for gap in gaps if gap[1] == "quarantined")

    def _write_counts(self, ledger: Ledger, stored: int, status: str) -> None:
        counts = self.counts
        self._evidence.con.execute(
            "update evidence.audit.sync_run set watermark_to = ?, pages = ?, requests = ?, retries = ?, fetched = ?,"
            " added = ?, changed = ?, unchanged = ?, duplicate = ?, deleted = ?, hidden = ?, quarantined = ?,"
            " source_count = ?, warehouse_count = ? where sync_id = ? and source = ? and stream = ?",
            [
                ledger.watermark_to if status == "complete" else None,
                ledger.pages,
                ledger.requests,
                ledger.retries,
                counts.fetched,
                counts.added,
                counts.changed,
                counts.unchanged,
                counts.duplicate,
                counts.deleted,
                ledger.hidden,
                counts.quarantined,
                ledger.source_count,
                stored,
                *self._names.values(),
            ],
        )
