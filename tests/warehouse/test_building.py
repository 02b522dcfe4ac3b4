"""Publishing: atomic, readers keep what they opened, the last three files stay, nothing half-done is seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from warehouse.building import Building, PublishError
from warehouse.evidence import Evidence
from warehouse.published import NotPublishedError, open_published
from warehouse.stage import Source, Vendor
from warehouse.versions import Ledger, Writer

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
COLUMNS = {"thing": {"id": ("id", "text"), "opened": ("opened", "instant")}}
VENDOR = Vendor(
    "tool",
    COLUMNS,
    {},
    {
        "change": "select source || ':change:' || id as change_id, source, id as number, 'normal' as type,"
        " 'closed' as state, opened as opened_at, evidence_id from stage.tool__thing"
    },
)
SOURCES = [Source("s", "tool", "https://example.com", COLUMNS)]


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    with Evidence(tmp_path / "var" / "evidence.duckdb") as opened:
        yield opened


def night(evidence: Evidence, target: Path, keys: list[str], now: datetime = NOW) -> Path:
    sync_id = evidence.new_sync(now)
    writer = Writer(
        evidence,
        sync_id=sync_id,
        source="s",
        connector="tool",
        stream="thing",
        mode="full",
        watermark=None,
        account="",
        now=now,
    )
    records = [f'{{"id":"{key}","opened":"2026-09-01T00:00:00Z"}}'.encode() for key in keys]
    writer.add(keys, records, records, [None] * len(keys))
    writer.finish("complete", Ledger(source_count=len(keys)), now, is_counted=True)
    building = Building(evidence, target, sync_id)
    building.canonical([VENDOR], SOURCES, now)
    building.metrics(now, "UTC", {"organization": "X"}, {})
    return building.publish()


def count(con: duckdb.DuckDBPyConnection) -> object:
    return (con.execute("select count(*) from canonical.change").fetchone() or (None,))[0]


def test_a_reader_keeps_what_it_opened_and_the_next_sees_the_new_file(evidence: Evidence, tmp_path: Path) -> None:
    target = tmp_path / "var" / "warehouse.duckdb"
    night(evidence, target, ["1"])
    assert target.is_symlink()
    with open_published(target) as old:
        night(evidence, target, ["1", "2"])
        with open_published(target) as new:
            assert (count(old), count(new)) == (1, 2)


def test_a_reader_in_another_process_does_not_block_the_next_publish(evidence: Evidence, tmp_path: Path) -> None:
    target = tmp_path / "var" / "warehouse.duckdb"
    night(evidence, target, ["1"])
    code = (
        "import sys; from pathlib import Path; from warehouse.published import open_published\n"
        "with open_published(Path(sys.argv[1])) as con:\n"
        "    print('open', flush=True); sys.stdin.readline()\n"
        "    print(con.execute('select count(*) from canonical.change').fetchone()[0], flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdin is not None
        assert reader.stdout.readline() == "open\n"
        night(evidence, target, ["1", "2"])
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "1\n"


def test_the_last_three_files_stay(evidence: Evidence, tmp_path: Path) -> None:
    target = tmp_path / "var" / "warehouse.duckdb"
    paths = [night(evidence, target, ["1"], NOW + timedelta(days=day)) for day in range(5)]
    assert sorted((tmp_path / "var" / "published").iterdir()) == paths[-3:]
    assert target.resolve() == paths[-1].resolve()


def test_what_fails_leaves_the_published_file(evidence: Evidence, tmp_path: Path) -> None:
    target = tmp_path / "var" / "warehouse.duckdb"
    first = night(evidence, target, ["1"])
    building = Building(evidence, target, evidence.new_sync(NOW))
    broken = Vendor("tool", COLUMNS, {}, {"change": "select no_such_column from stage.tool__thing"})
    with pytest.raises(duckdb.Error):
        building.canonical([broken], SOURCES, NOW)
    building.abandon()
    assert target.resolve() == first.resolve()
    assert [p.name for p in first.parent.iterdir()] == [first.name]
    night(evidence, target, ["1", "2"])


def test_a_file_of_ones_own_is_not_overwritten(evidence: Evidence, tmp_path: Path) -> None:
    target = tmp_path / "var" / "warehouse.duckdb"
    target.write_text("mine")
    with pytest.raises(PublishError, match="not a link"):
        Building(evidence, target, "20261101T023000Z")
    assert target.read_text() == "mine"


def test_the_published_file_stands_alone_read_only_and_sealed(evidence: Evidence, tmp_path: Path) -> None:
    target = tmp_path / "var" / "warehouse.duckdb"
    path = night(evidence, target, ["1"])
    alone = tmp_path / "elsewhere.duckdb"
    alone.write_bytes(path.read_bytes())
    with open_published(alone) as con:
        views = con.execute("select schema_name || '.' || view_name from duckdb_views() where not internal").fetchall()
        assert ("metrics.population",) in views
        for (view,) in views:
            con.execute(f"select * from {view} limit 1")
        assert con.execute("select count(*) from duckdb_schemas() where schema_name = 'stage'").fetchone() == (0,)
        with pytest.raises(duckdb.Error):
            con.execute("create table x (a integer)")
        with pytest.raises(duckdb.Error):
            con.execute(f"select * from read_text('{alone}')")
    with pytest.raises(NotPublishedError, match="sms-evidence sync"), open_published(tmp_path / "none.duckdb"):
        pass


def test_every_figure_has_its_evidence(evidence: Evidence, tmp_path: Path) -> None:
    target = tmp_path / "var" / "warehouse.duckdb"
    night(evidence, target, ["1", "2"])
    with open_published(target) as con:
        rows = con.execute(
            "select e.source_key, e.record_sha256 from canonical.change c join audit.evidence e"
            " on e.evidence_id = c.evidence_id order by 1"
        ).fetchall()
        assert [key for key, _ in rows] == ["1", "2"]
        stored = evidence.con.execute(
            "select record_sha256 from evidence.raw.tool__thing order by source_key"
        ).fetchall()
        assert [(h,) for _, h in rows] == stored
