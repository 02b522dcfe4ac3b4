"""Which records become versions: only what differs from the latest one of its key, tombstones included; nothing twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from warehouse import versions
from warehouse.evidence import Evidence, EvidenceError
from warehouse.versions import Counts, Ledger, Writer

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    with Evidence(tmp_path / "evidence.duckdb") as opened:
        yield opened


def writer_of(evidence: Evidence, stream: str = "incident") -> Writer:
    return Writer(
        evidence,
        sync_id=evidence.new_sync(NOW),
        source="snow",
        connector="servicenow",
        stream=stream,
        mode="full",
        watermark=None,
        account="reader",
        now=NOW,
    )


def run(
    evidence: Evidence, records: Sequence[tuple[str, bytes]], gone: Sequence[str] = (), contents: Sequence[bytes] = ()
) -> Counts:
    writer = writer_of(evidence)
    bodies = [body for _, body in records]
    writer.add([key for key, _ in records], bodies, list(contents) or bodies, [NOW] * len(records))
    writer.bury(dict.fromkeys(gone, ("deleted", "gone")))
    writer.finish("complete", Ledger(), NOW, is_counted=True)
    return writer.counts


def stored(evidence: Evidence) -> list[tuple[str, str | None, bool]]:
    return evidence.con.execute(
        "select source_key, record, is_deleted from evidence.raw.servicenow__incident order by sync_id, ordinal"
    ).fetchall()


def test_an_unchanged_record_adds_nothing(evidence: Evidence) -> None:
    assert run(evidence, [("a", b'{"v":1}')]).added == 1
    counts = run(evidence, [("a", b'{"v":1}')])
    assert (counts.added, counts.changed, counts.unchanged) == (0, 0, 1)
    assert len(stored(evidence)) == 1


def test_a_b_a_gives_three_versions(evidence: Evidence) -> None:
    for body in (b'{"v":"A"}', b'{"v":"B"}', b'{"v":"A"}'):
        run(evidence, [("k", body)])
    assert [record for _, record, _ in stored(evidence)] == ['{"v":"A"}', '{"v":"B"}', '{"v":"A"}']


def test_a_deletion_is_a_tombstone_and_a_return_is_one_version(evidence: Evidence) -> None:
    run(evidence, [("k", b'{"v":1}')])
    assert run(evidence, [], gone=["k"]).deleted == 1
    assert run(evidence, [("k", b'{"v":1}'), ("k", b'{"v":1}')]).changed == 1
    assert stored(evidence) == [("k", '{"v":1}', False), ("k", None, True), ("k", '{"v":1}', False)]


def test_the_exact_bytes_are_kept(evidence: Evidence) -> None:
    odd = '{"a": 1E5, "b":0.10,"n":123456789012345678901234567890,\t"a":2, "u":"\\u00e9é"}'.encode()
    run(evidence, [("k", odd)])
    assert stored(evidence)[0][1] == odd.decode()


def test_a_record_met_twice_in_a_run_is_a_duplicate_even_over_batches(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "BATCH_RECORDS", 2)
    counts = run(evidence, [("a", b"1"), ("b", b"1"), ("a", b"1")])
    assert (counts.fetched, counts.added, counts.duplicate) == (3, 2, 1)
    writer = writer_of(evidence)
    for key in ("a", "b", "a", "c"):
        writer.add([key], [b"1"], [b"1"], [None])
    writer.finish("complete", Ledger(), NOW, is_counted=True)
    assert (writer.counts.added, writer.counts.unchanged, writer.counts.duplicate) == (1, 2, 1)


def test_two_states_of_a_record_in_one_run_are_two_versions(evidence: Evidence) -> None:
    counts = run(evidence, [("a", b"1"), ("a", b"2"), ("a", b"2")])
    assert (counts.added, counts.changed, counts.duplicate) == (1, 1, 1)
    assert [record for _, record, _ in stored(evidence)] == ["1", "2"]


def test_volatile_parts_make_no_version(evidence: Evidence) -> None:
    run(evidence, [("a", b'{"clock":1,"v":1}')], contents=[b'{"v":1}'])
    counts = run(evidence, [("a", b'{"clock":2,"v":1}')], contents=[b'{"v":1}'])
    assert counts.unchanged == 1
    assert len(stored(evidence)) == 1


def test_what_cannot_be_read_is_named_and_nothing_else_is_lost(evidence: Evidence) -> None:
    counts = run(evidence, [("bytes", b"\xff\xfe"), ("half", b'{"t":"\\ud800"}'), ("good", b'{"t":1}')])
    assert (counts.added, counts.dropped, counts.quarantined) == (2, 1, 2)
    gaps = evidence.con.execute("select source_key, kind, reason from evidence.audit.gap order by 1").fetchall()
    assert [(key, kind) for key, kind, _ in gaps] == [("bytes", "quarantined"), ("half", "quarantined")]
    assert counts.is_balanced()


def test_a_census_tells_what_is_absent_missing_or_was_changed_in_silence(evidence: Evidence) -> None:
    first = writer_of(evidence)
    first.add(["a", "b", "moved", "unmarked"], [b"1"] * 4, [b"1"] * 4, [None] * 4, ["1", "1", "1", ""])
    first.finish("complete", Ledger(), NOW, is_counted=True)
    writer = writer_of(evidence)
    writer.add(["c"], [b"1"], [b"1"], [None], ["1"])
    writer.list_census(["a", "c", "moved"], ["1", "1", "2"])
    writer.list_census(["d", "d", "unmarked"], ["1", "1", "7"])
    assert writer.listed() == 5
    assert writer.absent() == ["b"]
    assert writer.wanted() == ["d", "moved"], "a version that has no mark can't be told by one"
    assert writer.live() == 5
    assert writer.among_living(["a", "d"]) == 1
    writer.finish("complete", Ledger(), NOW, is_counted=True)


def test_a_tombstone_says_what_became_of_the_record(evidence: Evidence) -> None:
    run(evidence, [("a", b"1"), ("b", b"1")], gone=["b"])
    rows = evidence.con.execute(
        "select source_key, deleted_kind, deleted_reason from evidence.raw.servicenow__incident where is_deleted"
    ).fetchall()
    assert rows == [("b", "deleted", "gone")]


@pytest.mark.fault(
    "process",
    "P1",
    "A target that drops the first record of each batch in silence",
    "Counted on every batch: the batch is taken back, the run ends failed and nothing is published.",
)
@pytest.mark.parametrize("loss", [" where ordinal > (select min(ordinal) from stored)", " limit 0"])
def test_a_batch_of_which_a_record_is_lost_is_taken_back(
    evidence: Evidence, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    monkeypatch.setattr(versions, "_STORE", versions._STORE + loss)
    with pytest.raises(EvidenceError, match=r"2 new versions went in and [01] came out"):
        run(evidence, [("a", b"1"), ("b", b"1")])
    assert stored(evidence) == []


def test_counts_of_a_history_are_those_of_what_was_asked(evidence: Evidence) -> None:
    for rows in (3, 1):
        writer = writer_of(evidence, "sys_audit")
        keys = [str(n) for n in range(rows)]
        writer.add(keys, [b"1"] * rows, [b"1"] * rows, [None] * rows)
        writer.finish("complete", Ledger(source_count=rows), NOW, is_counted=False)
    counted = evidence.con.execute("select warehouse_count from evidence.audit.sync_run order by sync_id").fetchall()
    assert counted == [(3,), (1,)]


def test_ids_are_unique_over_batches_and_tombstones(evidence: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "BATCH_RECORDS", 1)
    run(evidence, [("a", b"1"), ("b", b"1"), ("c", b"1")])
    run(evidence, [("a", b"2"), ("a", b"3")], gone=["b", "c"])
    ids = evidence.con.execute("select count(*), count(distinct evidence_id) from evidence.raw.servicenow__incident")
    assert ids.fetchone() == (7, 7)
