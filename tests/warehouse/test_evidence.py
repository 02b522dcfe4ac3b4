"""The evidence file: one writer, ids that only grow, manifests that chain, killed runs that are closed and re-read."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from warehouse.evidence import Evidence, EvidenceBusy, EvidenceError, LastRun
from warehouse.versions import Ledger, Writer

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)


def store(evidence: Evidence, records: dict[str, bytes], *, status: str = "complete", stream: str = "incident") -> str:
    """One run of one stream; returns its sync id."""
    sync_id = evidence.new_sync(NOW)
    writer = Writer(
        evidence,
        sync_id=sync_id,
        source="snow",
        connector="servicenow",
        stream=stream,
        mode="full",
        watermark=None,
        account="reader",
        now=NOW,
    )
    writer.add(list(records), list(records.values()), list(records.values()), [NOW] * len(records))
    writer.finish(status, Ledger(watermark_to="2026-11-01 02:29:00"), NOW, is_counted=True)
    return sync_id


def test_the_file_is_private_and_has_one_writer(tmp_path: Path) -> None:
    path = tmp_path / "var" / "evidence.duckdb"
    with Evidence(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(EvidenceBusy, match="another sync is running"):
            Evidence(path)
        second = subprocess.run(
            [
                sys.executable,
                "-c",
                f"from pathlib import Path; from warehouse.evidence import Evidence; Evidence(Path({str(path)!r}))",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "EvidenceBusy" in second.stderr
    with Evidence(path):
        pass


def test_a_file_that_is_no_database_is_refused_and_released(tmp_path: Path) -> None:
    path = tmp_path / "evidence.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(EvidenceError, match="can't be opened"):
        Evidence(path)
    path.unlink()
    with Evidence(path):
        pass


def test_sync_ids_grow_even_when_the_clock_goes_back(tmp_path: Path) -> None:
    with Evidence(tmp_path / "e.duckdb") as evidence:
        first = store(evidence, {"a": b"{}"})
        evidence_id = evidence.new_sync(NOW - timedelta(days=3))
        assert first == "20261101T023000Z"
        assert evidence_id == "20261101T023001Z"


def test_manifests_chain_and_can_be_recomputed_from_the_rows(tmp_path: Path) -> None:
    with Evidence(tmp_path / "e.duckdb") as evidence:
        store(evidence, {"a": b'{"v":1}', "b": b'{"v":1}'})
        store(evidence, {"a": b'{"v":2}'})
        store(evidence, {"a": b'{"v":2}'}, stream="problem", status="incomplete")
        cursor = evidence.con.execute("select * from evidence.audit.sync_run order by sync_id")
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        previous = None
        for row in rows:
            versions = evidence.con.execute(
                f"select evidence_id, record_sha256 from evidence.raw.servicenow__{row['stream']}"
                " where sync_id = ? order by ordinal",
                [row["sync_id"]],
            ).fetchall()
            digest = hashlib.sha256("".join(f"{i} {h}\n" for i, h in versions).encode()).hexdigest()
            stated = {
                k: v.isoformat() if isinstance(v, datetime) else v
                for k, v in row.items()
                if k not in ("manifest_sha256", "previous_sha256")
            }
            stated |= {"versions_sha256": digest, "previous_sha256": previous}
            assert row["previous_sha256"] == previous
            assert row["manifest_sha256"] == hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()
            previous = row["manifest_sha256"]
        assert evidence.head("snow") == previous
        assert [row["status"] for row in rows] == ["complete", "complete", "incomplete"]


def test_a_killed_run_is_closed_as_failed_and_its_versions_stay(tmp_path: Path) -> None:
    path = tmp_path / "e.duckdb"
    script = f"""
import os, signal
from datetime import UTC, datetime
from pathlib import Path
import warehouse.versions as versions
from warehouse.evidence import Evidence, LastRun
versions.BATCH_RECORDS = 2
now = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
evidence = Evidence(Path({str(path)!r}))
writer = versions.Writer(evidence, sync_id=evidence.new_sync(now), source="snow", connector="servicenow",
                         stream="incident", mode="full", watermark=None, account="reader", now=now)
records = [b'{{"v":1}}'] * 2
writer.add(["a", "b"], records, records, [now, now])
writer.add(["c"], records[:1], records[:1], [now])
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -9
    with Evidence(path) as evidence:
        assert evidence.close_stale(NOW) == ["20261101T023000Z"]
        assert evidence.close_stale(NOW) == []
        assert evidence.last_run("snow", "incident") == LastRun(None, None)
        status = evidence.con.execute(
            "select status, watermark_to, manifest_sha256 is not null from evidence.audit.sync_run"
        ).fetchall()
        assert status == [("failed", None, True)]
        store(evidence, {"a": b'{"v":1}', "b": b'{"v":1}', "c": b'{"v":1}'})
        rows = evidence.con.execute(
            "select source_key, sync_id from evidence.raw.servicenow__incident order by source_key"
        ).fetchall()
        assert rows == [("a", "20261101T023000Z"), ("b", "20261101T023000Z"), ("c", "20261101T023001Z")]


def test_texts_of_a_run_are_kept_once(tmp_path: Path) -> None:
    with Evidence(tmp_path / "e.duckdb") as evidence:
        evidence.remember("1", {"configuration": "a", "metrics/X.sql": "select 1"})
        evidence.remember("2", {"configuration": "b", "metrics/X.sql": "select 1"})
        rows = evidence.con.execute(
            "select sync_id, name, body from evidence.audit.configuration order by 1, 2"
        ).fetchall()
        assert rows == [
            ("1", "configuration", "a"),
            ("1", "metrics/X.sql", "select 1"),
            ("2", "configuration", "b"),
            ("2", "metrics/X.sql", None),
        ]


def test_records_changed_since_a_sync_are_known_across_incomplete_runs(tmp_path: Path) -> None:
    with Evidence(tmp_path / "e.duckdb") as evidence:
        first = store(evidence, {"a": b'{"v":1}', "b": b'{"v":1}'})
        store(evidence, {"b": b'{"v":2}'}, status="incomplete")
        assert list(evidence.changed_since("snow", "servicenow", ["incident", "problem"], first)) == [("incident", "b")]
        assert list(evidence.changed_since("snow", "servicenow", ["incident"], None)) == [
            ("incident", "a"),
            ("incident", "b"),
        ]
        assert evidence.latest_records("snow", "servicenow", "incident") == [b'{"v":1}', b'{"v":2}']
        assert evidence.latest_records("snow", "servicenow", "nothing") == []
