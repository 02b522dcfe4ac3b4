"""How complete the evidence is: what is missing, since when, and why; what the sources no longer have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import duckdb


@dataclass(frozen=True, slots=True)
class StreamState:
    """How the evidence of one stream stands: its newest run, its last complete one, the first that failed since."""

    source: str
    stream: str
    status: str
    complete_as_of: datetime | None
    missing_since: datetime | None
    source_count: int | None
    warehouse_count: int | None
    hidden: int
    quarantined: int
    error: str | None
    manifest_sha256: str | None

    @property
    def is_missing(self) -> bool:
        """Whether something that should be there was not read."""
        return self.status not in ("complete", "skipped")


@dataclass(frozen=True, slots=True)
class GapState:
    """A record that exists in the source and is not in the figures, and since which run that is known."""

    source: str
    stream: str
    source_key: str
    kind: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Gone:
    """Records of a stream that the source no longer shows, by what became of them, in one month."""

    source: str
    stream: str
    kind: str
    records: int


def streams(con: duckdb.DuckDBPyConnection) -> list[StreamState]:
    """Every stream that was ever read or left out."""
    rows = con.execute(
        """
        with newest as (
            select source, stream, max(sync_id) as sync_id
            from audit.sync_run
            group by source, stream
        ),
        complete as (
            select source, stream, max(sync_id) as sync_id, max(finished_at) as finished_at
            from audit.sync_run
            where status = 'complete'
            group by source, stream
        ),
        missing as (
            select r.source, r.stream, min(r.started_at) as started_at
            from audit.sync_run r
            left join complete c on c.source = r.source and c.stream = r.stream
            where r.status not in ('complete', 'skipped') and r.sync_id > coalesce(c.sync_id, '')
            group by r.source, r.stream
        )
        select
            r.source, r.stream, r.status, c.finished_at, m.started_at, r.source_count, r.warehouse_count,
            coalesce(r.hidden, 0), coalesce(r.quarantined, 0), r.error, r.manifest_sha256
        from audit.sync_run r
        join newest n on n.source = r.source and n.stream = r.stream and n.sync_id = r.sync_id
        left join complete c on c.source = r.source and c.stream = r.stream
        left join missing m on m.source = r.source and m.stream = r.stream
        order by r.source, r.stream
        """
    ).fetchall()
    return [StreamState(*row) for row in rows]


def gaps(con: duckdb.DuckDBPyConnection) -> list[GapState]:
    """The gaps of the newest run of each stream."""
    rows = con.execute(
        """
        with newest as (
            select source, stream, max(sync_id) as sync_id
            from audit.sync_run
            group by source, stream
        ),
        since as (
            select source, stream, source_key, kind, min(observed_at) as observed_at
            from audit.gap
            group by source, stream, source_key, kind
        )
        select g.source, g.stream, g.source_key, g.kind, min(g.reason), min(s.observed_at)
        from audit.gap g
        join newest n on n.source = g.source and n.stream = g.stream and n.sync_id = g.sync_id
        join since s
            on s.source = g.source and s.stream = g.stream and s.source_key = g.source_key and s.kind = g.kind
        group by g.source, g.stream, g.source_key, g.kind
        order by g.source, g.stream, g.source_key
        """
    ).fetchall()
    return [GapState(*row) for row in rows]


def gone(con: duckdb.DuckDBPyConnection, period: date) -> list[Gone]:
    """What the sources no longer showed in a month. Its versions stay in the evidence."""
    rows = con.execute(
        """
        select e.source, e.stream, e.deleted_kind, count(*)
        from audit.evidence e
        join metrics.period p on e.observed_at >= p.start_at and e.observed_at < p.end_at
        where e.is_deleted and p.period_start = ?
        group by e.source, e.stream, e.deleted_kind
        order by e.source, e.stream, e.deleted_kind
        """,
        [period],
    ).fetchall()
    return [Gone(*row) for row in rows]
