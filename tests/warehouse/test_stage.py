"""The stage: typed columns out of records; garbage becomes null, never an error; only complete runs are seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse import stage
from warehouse.evidence import Evidence
from warehouse.versions import Ledger, Writer

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
COLUMNS = {
    "key": ("key", "text"),
    "opened_at": ("opened", "utc"),
    "created": ("fields.created", "instant"),
    "millis": ("fields.ms", "epoch_ms"),
    "lasted": ("lasted", "seconds"),
    "count": ("count", "integer"),
    "share": ("share", "double"),
    "is_on": ("on", "boolean"),
    "due_on": ("due", "date"),
    "status": ("fields.status", "json"),
    "status_name": ("fields.status.name", "text"),
    "links": ("fields.links", "list"),
    "absent": ("", "list"),
}


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    with Evidence(tmp_path / "evidence.duckdb") as opened:
        opened.con.execute(f"attach '{tmp_path / 'w.duckdb'}' as warehouse")
        opened.con.execute("use warehouse")
        yield opened


def store(evidence: Evidence, records: list[tuple[str, bytes]], *, source: str = "s", status: str = "complete") -> str:
    sync_id = evidence.new_sync(NOW)
    writer = Writer(
        evidence,
        sync_id=sync_id,
        source=source,
        connector="tool",
        stream="thing",
        mode="full",
        watermark=None,
        account="",
        now=NOW,
    )
    bodies = [body for _, body in records]
    writer.add([key for key, _ in records], bodies, bodies, [None] * len(records))
    writer.finish(status, Ledger(), NOW, is_counted=True)
    return sync_id


def build(evidence: Evidence, *sources: str, until: str | None = None) -> None:
    vendor = stage.Vendor(
        "tool", {"thing": COLUMNS, "never": COLUMNS}, {"both": "select key from stage.tool__thing"}, {}
    )
    described = [stage.Source(name, "tool", "https://x", {"thing": COLUMNS}, {"f": {"A": "a"}}) for name in sources]
    evidence.con.execute("drop schema if exists stage cascade")
    stage.build(evidence.con, [vendor], described, NOW, until)


def test_every_kind_is_read(evidence: Evidence) -> None:
    record = (
        b'{"key":"a","opened":"2026-10-25 01:30:00","lasted":"1970-01-02 00:00:01","count":"7","share":"0.5","on":"true",'
        b'"due":"2026-12-31","fields":{"created":"2026-01-02T03:04:05.000+0200","ms":1492070429000,'
        b'"status":{"name":"Open"},"links":[{"id":1},{"id":2}]}}'
    )
    store(evidence, [("a", record)])
    build(evidence, "s")
    cursor = evidence.con.execute("select * from stage.tool__thing")
    row = dict(zip([c[0] for c in cursor.description or []], cursor.fetchone() or (), strict=True))
    assert row["opened_at"] == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert row["created"] == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert row["millis"] == datetime(2017, 4, 13, 8, 0, 29, tzinfo=UTC)
    assert (row["lasted"], row["count"], row["share"], row["is_on"]) == (86401, 7, 0.5, True)
    assert str(row["due_on"]) == "2026-12-31"
    assert (row["status"], row["status_name"]) == ('{"name":"Open"}', "Open")
    assert (row["links"], row["absent"]) == (['{"id":1}', '{"id":2}'], None)


@pytest.mark.parametrize(
    "record",
    [
        b"{}",
        b"[1,2]",
        b'{"key":{"link":"x"},"fields":"text","count":"many","on":"perhaps","lasted":"later","due":"soon"}',
        b'{"opened":"0000-00-00 00:00:00","fields":{"created":"yesterday","ms":"x","status":null,"links":{}}}',
        b'{"opened":17,"fields":{"status":[1],"links":null}}',
    ],
)
def test_garbage_becomes_null(evidence: Evidence, record: bytes) -> None:
    store(evidence, [("k", record)])
    build(evidence, "s")
    row = evidence.con.execute(
        "select opened_at, created, lasted, count, is_on, due_on from stage.tool__thing"
    ).fetchone()
    assert row == (None,) * 6


def test_a_record_that_is_no_json_is_left_out_and_the_others_stay(evidence: Evidence) -> None:
    store(evidence, [("bad", b'{"key":"\\ud800"}'), ("good", b'{"key":"good"}')])
    build(evidence, "s")
    assert evidence.con.execute("select key from stage.tool__thing").fetchall() == [("good",)]


def test_latest_versions_of_complete_runs_only(evidence: Evidence) -> None:
    first = store(evidence, [("a", b'{"key":"1"}'), ("b", b'{"key":"1"}')])
    store(evidence, [("a", b'{"key":"2"}')], status="incomplete")
    build(evidence, "s")
    assert evidence.con.execute("select key from stage.tool__thing order by source_key").fetchall() == [("1",), ("1",)]
    store(evidence, [("b", b'{"key":"3"}')])
    build(evidence, "s")
    assert evidence.con.execute("select key from stage.tool__thing order by source_key").fetchall() == [("2",), ("3",)]
    build(evidence, "s", until=first)
    assert evidence.con.execute("select key from stage.tool__thing order by source_key").fetchall() == [("1",), ("1",)]


def test_sources_of_a_kind_stand_together_and_unread_streams_are_empty(evidence: Evidence) -> None:
    store(evidence, [("a", b'{"key":"a"}')])
    store(evidence, [("a", b'{"key":"a"}')], source="o'brien")
    build(evidence, "s", "o'brien", "never-read")
    rows = evidence.con.execute("select source, key from stage.tool__thing order by source").fetchall()
    assert rows == [("o'brien", "a"), ("s", "a")]
    assert evidence.con.execute("select count(*) from stage.tool__never").fetchone() == (0,)
    assert evidence.con.execute("select count(*) from stage.tool_both").fetchone() == (2,)
    assert evidence.con.execute("select count(*), count(distinct source) from stage.value").fetchone() == (3, 3)
