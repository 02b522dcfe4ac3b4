"""The stand-in: a folder of the sample organisation that reads without a fault at any moment, and can be meddled with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from connectors import Connector, Reading, sample
from connectors.errors import SourceError
from connectors.files import STREAMS, Settings, connect, instance
from connectors.files.rendering import rows, text
from connectors.files.stand_in import StandIn, stand_in
from connectors.files.streams import REGISTERS

ORGANIZATION = sample.generate(7, 0.02)
NOW = ORGANIZATION.as_of
MOMENTS = [datetime(2025, 5, 2, tzinfo=UTC) + timedelta(days=61 * n) for n in range(9)] + [NOW]


def source(folder: StandIn) -> Connector:
    return connect("registers", Settings.model_validate(folder.settings), {})


def read(folder: StandIn) -> dict[str, dict[str, bytes]]:
    """The contents of every row by stream and key; there must be no gaps."""
    connector = source(folder)
    assert connector.open().server_time == folder._moment
    found: dict[str, dict[str, bytes]] = {}
    for stream in connector.streams():
        ledger = Reading("full")
        found[stream.name] = {
            key: content
            for page in connector.read(stream, ledger, ())
            for key, content in zip(page.keys, page.contents, strict=True)
        }
        assert ledger.gaps == []
    connector.close()
    return found


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment:%Y-%m}")
def test_every_moment_reads_without_a_fault_and_links_lead_somewhere(moment: datetime) -> None:
    with stand_in(ORGANIZATION, moment) as folder:
        found = read(folder)
        assert {name: set(listed) for name, listed in found.items()} == folder.truth()
        assert [finding.message for finding in source(folder).check() if not finding.is_ok] == []


def test_no_row_knows_the_future() -> None:
    for moment in MOMENTS:
        told = rows(ORGANIZATION, moment)
        known = [
            cell
            for listed in told.values()
            for row in listed
            for name, cell in row.items()
            if name.endswith("_on") and name not in ("planned_on", "due_on", "review_on", "actions_due_on")
        ]
        assert all(cell <= (moment + timedelta(hours=2)).date().isoformat() for cell in known)
    assert all(date.fromisoformat(cell) for cell in known)


def test_it_is_told_the_same_every_time_and_grows() -> None:
    again = sample.generate(7, 0.02)
    assert [text(n, listed) for n, listed in rows(again, NOW).items()] == [
        text(n, listed) for n, listed in rows(ORGANIZATION, NOW).items()
    ]
    counts = [sum(map(len, rows(ORGANIZATION, moment).values())) for moment in MOMENTS]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    assert 60 <= counts[-1] <= 150
    assert set(rows(ORGANIZATION, NOW)) == set(REGISTERS) == {stream.name for stream in STREAMS}


def test_what_people_do_in_the_folder() -> None:
    with stand_in(ORGANIZATION, NOW - timedelta(days=1)) as folder:
        before = read(folder)
        folder.edit("suppliers", "SUP-001")
        folder.edit_silently("risks", "RSK-001")
        folder.remove("documents", "DOC-001")
        after = read(folder)
        changed = {(s, k) for s in before for k in before[s].keys() & after[s].keys() if before[s][k] != after[s][k]}
        assert changed == {("suppliers", "SUP-001"), ("risks", "RSK-001")}
        assert before["documents"].keys() - after["documents"].keys() == {"DOC-001"}
        folder.edit("suppliers", "SUP-001")
        assert read(folder)["suppliers"]["SUP-001"] != after["suppliers"]["SUP-001"]
        folder.advance(NOW)
        assert "DOC-001" not in folder.truth()["documents"]
        folder.restore("documents", "DOC-001")
        assert read(folder)["documents"]["DOC-001"]
        with pytest.raises(LookupError):
            folder.edit("suppliers", "SUP-999")


def test_it_breaks_off_and_heals() -> None:
    with stand_in(ORGANIZATION, NOW) as folder:
        before = read(folder)
        folder.break_off()
        folder.break_off()
        with pytest.raises(SourceError):
            source(folder).open()
        folder.remove("suppliers", "SUP-001")
        folder.heal()
        folder.heal()
        assert read(folder)["suppliers"].keys() == before["suppliers"].keys() - {"SUP-001"}


def test_the_clock_is_given_back() -> None:
    usual = instance._clock
    with stand_in(ORGANIZATION, NOW) as folder:
        assert instance._clock() == NOW
        folder.advance(NOW + timedelta(days=1))
        assert instance._clock() == NOW + timedelta(days=1)
    assert instance._clock is usual
