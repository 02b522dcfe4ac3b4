"""Writing one stream of one run into the evidence: which records are new versions, and the counts that prove it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.batch import Batch, texts_of
from warehouse.evidence import ROW_GROUP, Evidence, EvidenceError

BATCH_RECORDS = ROW_GROUP
"""Records that commit together: one row group of the file, so that none is compressed twice."""
BATCH_BYTES = 128 * 1024 * 1024

# One row per record of the batch, with what was known of its key just before it: the record before it in the batch,
# else the latest stored version. Narrow on purpose: the texts themselves are not moved through it.
_JUDGE = """
create or replace temp table batch as
with placed as (
    select
        i.place, i.source_key, i.content_sha256, i.source_stamp,
        lag(i.content_sha256) over (partition by i.source_key order by i.place) as before_in_batch,
        l.content_sha256 as before_stored,
        coalesce(l.is_deleted, false) as was_deleted,
        coalesce(l.is_seen, false) as was_seen,
        l.source_key is not null as was_known
    from judged i
    left join latest l on l.source_key = i.source_key
)
select
    place, source_key, content_sha256, source_stamp, was_known,
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
    $prefix || source_key || $suffix || ordinal, $source, source_key, record, record_sha256, content_sha256,
    source_updated_at, source_stamp, $observed_at, $sync_id, ordinal, false, null, null
from stored
"""

_LATEST = """
create or replace temp table latest as
select
    source_key,
    arg_max(content_sha256, (sync_id, ordinal)) as content_sha256,
    arg_max(coalesce(source_stamp, ''), (sync_id, ordinal)) as source_stamp,
    arg_max(is_deleted, (sync_id, ordinal)) as is_deleted,
    false as is_seen
from {table}
where source = $source
group by source_key
"""

_BURY = """
insert into {table}
select
    $prefix || source_key || $suffix || ordinal, $source, source_key, null, null, null, null, null, $observed_at,
    $sync_id, ordinal, true, kind, reason
from (select *, $first + row_number() over (order by source_key) as ordinal from buried) as numbered
order by ordinal
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
        self._affixes = {"prefix": f"{source}:{stream}:", "suffix": f"@{sync_id}."}
        self._table = evidence.ensure_table(connector, stream)
        self._now = now
        self._digest = hashlib.sha256()
        self._ordinal = 0
        self._waiting = Batch()
        self._gaps: list[tuple[str, str, str]] = []
        self.counts = Counts()
        self.unstorable: set[str] = set()
        """Keys of records that came and could not be stored."""
        with evidence.transaction():
            evidence.open_run(sync_id, source, stream, mode, watermark, account, now)
        evidence.con.execute(_LATEST.format(table=self._table), {"source": source})
        self.begin_census()

    def add(
        self,
        keys: Sequence[str],
        records: Sequence[bytes],
        contents: Sequence[bytes],
        updated: Sequence[datetime | None],
        stamps: Sequence[str] | None = None,
    ) -> None:
        """Take records; full batches are committed.

        Raises:
            ValueError: the lists differ in length.
        """
        self._waiting.extend(keys, records, contents, updated, stamps)
        while len(self._waiting) >= BATCH_RECORDS:
            with self._evidence.transaction():
                self._flush(BATCH_RECORDS)
        if self._waiting.size >= BATCH_BYTES:
            self._flush_all()

    # -------------------------------------------------------------- census

    def begin_census(self) -> None:
        """Forget what was listed."""
        self._evidence.con.execute("create or replace temp table census (source_key varchar, source_stamp varchar)")

    def list_census(self, keys: Sequence[str], stamps: Sequence[str] | None = None) -> None:
        """Take a part of the source's own list of what it has."""
        table = pa.table({"key": pa.array(keys, pa.string()), "stamp": pa.array(stamps or [""] * len(keys))})
        self._evidence.con.register("listed", table)
        self._evidence.con.execute("insert into census select key, stamp from listed")
        self._evidence.con.unregister("listed")

    def listed(self) -> int:
        """How many keys the census has."""
        return self._number("select count(distinct source_key) from census")

    def wanted(self) -> list[str]:
        """Keys of the census that are not stored as living, or are stored as another version than the source has."""
        self._flush_all()
        return self._keys(
            "select distinct c.source_key from census c left join latest l on l.source_key = c.source_key"
            " where l.source_key is null or l.is_deleted"
            " or (c.source_stamp <> '' and l.source_stamp <> '' and c.source_stamp <> l.source_stamp)"
        )

    def absent(self) -> list[str]:
        """Keys that are stored as living and not in the census."""
        self._flush_all()
        return self._keys(
            "select source_key from latest where not is_deleted and source_key not in (select source_key from census)"
        )

    def among_living(self, keys: Iterable[str]) -> int:
        """How many of the keys are stored as living."""
        self._evidence.con.register("asked", pa.table({"source_key": pa.array(list(keys), pa.string())}))
        return self._number(
            "select count(*) from latest where not is_deleted and source_key in (select source_key from asked)"
        )

    def bury(self, absences: Mapping[str, tuple[str, str]]) -> None:
        """A tombstone for each key, with kind and reason: the source has no such record any more, or shows it not."""
        if not absences:
            return
        keys = sorted(absences)
        kinds, reasons = zip(*(absences[key] for key in keys), strict=True)
        table = pa.table({"source_key": keys, "kind": list(kinds), "reason": list(reasons)})
        parameters = self._affixes | {
            "source": self._names["source"],
            "sync_id": self._names["sync_id"],
            "observed_at": self._now,
        }
        with self._evidence.transaction():
            self._flush(len(self._waiting))
            self._evidence.con.register("buried", table)
            self._evidence.con.execute(_BURY.format(table=self._table), parameters | {"first": self._ordinal})
            self._evidence.con.execute(
                "update latest set is_deleted = true where source_key in (select source_key from buried)"
            )
            self._evidence.con.unregister("buried")
        self._extend_digest(keys, ["-"] * len(keys))
        self._ordinal += len(keys)
        self.counts.deleted += len(keys)

    def live(self) -> int:
        """How many records are stored as living, counting what was added so far."""
        self._flush_all()
        return self._number("select count(*) from latest where not is_deleted")

    def finish(self, status: str, ledger: Ledger, now: datetime, *, is_counted: bool, error: str | None = None) -> None:
        """The last batch, the gaps, the watermark and the manifest, in one transaction."""
        with self._evidence.transaction():
            self._flush(len(self._waiting))
            self._write_gaps(ledger)
            stored = self._number("select count(*) from latest where not is_deleted") if is_counted else None
            if stored is None:
                stored = self.counts.fetched - self.counts.duplicate - self.counts.dropped
            if not self.counts.is_balanced():
                raise EvidenceError(f"fetched and stored differ in {self._table}: {self.counts}")
            self._write_counts(ledger, stored)
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
        ((number,),) = self._evidence.con.execute(query).fetchall()
        return int(number)

    def _keys(self, query: str) -> list[str]:
        return [row[0] for row in self._evidence.con.execute(f"{query} order by 1").fetchall()]

    def _flush_all(self) -> None:
        if self._waiting:
            with self._evidence.transaction():
                self._flush(len(self._waiting))

    def _flush(self, most: int) -> None:
        """Store up to so many of the waiting records, inside a transaction of the caller."""
        if not self._waiting:
            return
        taken = self._waiting.take(most)
        texts, bad = texts_of(taken.keys, taken.records)
        table = taken.table(texts)
        self.counts.fetched += len(taken)
        self.counts.dropped += len(bad)
        self._gaps += bad
        self.unstorable.update(key for key, _, _ in bad)
        if bad:
            table = table.filter(table["record"].is_valid())
        con = self._evidence.con
        con.register("judged", table.select(["place", "source_key", "content_sha256", "source_stamp"]))
        con.execute(_JUDGE)
        con.unregister("judged")
        self._count()
        self._store(table)
        self._remember()

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

    def _store(self, table: pa.Table) -> None:
        """The new versions of the batch, each with its ordinal.

        Raises:
            EvidenceError: the file took another number of them than went in.
        """
        con = self._evidence.con
        places = [row[0] for row in con.execute("select place from batch where is_new").fetchall()]
        if len(places) < len(table):
            table = table.filter(pc.is_in(table["place"], value_set=pa.array(places, pa.int64())))
        first, new = self._ordinal, len(table)
        table = table.append_column("ordinal", pa.array(range(first + 1, first + new + 1), pa.int64()))
        con.register("stored", table)
        names = {name: self._names[name] for name in ("source", "sync_id")}
        (stored,) = con.execute(
            _STORE.format(table=self._table), names | self._affixes | {"observed_at": self._now}
        ).fetchone() or (0,)
        if stored != new:
            raise EvidenceError(f"{new} new versions went in and {stored} came out: the batch is taken back")
        self._note_unreadable()
        con.unregister("stored")
        self._extend_digest(table["source_key"].to_pylist(), table["record_sha256"].to_pylist())
        self._ordinal += new

    def _remember(self) -> None:
        """The batch's keys in `latest`, as they stand after it."""
        con = self._evidence.con
        if self._number("select count(*) from batch where was_known"):
            con.execute("delete from latest where source_key in (select source_key from batch)")
        con.execute(
            "insert into latest select source_key, arg_max(content_sha256, place), arg_max(source_stamp, place),"
            " false, true from batch group by source_key"
        )

    def _extend_digest(self, keys: Sequence[str], hashes: Sequence[str]) -> None:
        prefix, suffix = self._affixes["prefix"], self._affixes["suffix"]
        self._digest.update(
            "".join(
                f"{prefix}{key}{suffix}{place} {digest}\n"
                for place, (key, digest) in enumerate(zip(keys, hashes, strict=True), self._ordinal + 1)
            ).encode()
        )

    def _note_unreadable(self) -> None:
        """A stored record that the warehouse can't read as JSON: kept as it is, and named."""
        rows = self._evidence.con.execute(
            "select source_key from stored where not json_valid(record) order by place"
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

    def _write_counts(self, ledger: Ledger, stored: int) -> None:
        counts = self.counts
        self._evidence.con.execute(
            "update evidence.audit.sync_run set watermark_to = ?, pages = ?, requests = ?, retries = ?, fetched = ?,"
            " added = ?, changed = ?, unchanged = ?, duplicate = ?, deleted = ?, hidden = ?, quarantined = ?,"
            " source_count = ?, warehouse_count = ? where sync_id = ? and source = ? and stream = ?",
            [
                ledger.watermark_to,
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
