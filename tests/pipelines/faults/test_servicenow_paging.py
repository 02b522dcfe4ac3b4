"""A whole night against an instance that pages as real ones do, while its users go on working.

Rows hidden after the limit, thousands in one second, writes between any two requests, commits that come late: nothing
is missing, nothing stale and nothing left over once the instance has come to rest.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, Lock

import pytest

from connectors.servicenow.simulator import Request
from tests.pipelines.faults.servicenow_fixtures import (
    NOW,
    ROWS,
    SECRETS,
    Place,
    calm,
    configure,
    incidents,
    key,
    place,
    row,
    stamp,
    whole,
)

__all__ = ["calm", "place"]


@pytest.mark.fault(
    "servicenow",
    "F1",
    "More than 10,000 rows: the default limit ends every answer there",
    "All are read, page by page.",
)
def test_more_rows_than_the_default_limit(place: Place) -> None:
    place.simulator.load({"incident": incidents(10_050, timedelta(minutes=1))})
    configure(place.path.parent, place.simulator.url, page_size=5_000)
    place.simulator.advance(NOW + timedelta(days=1))
    assert whole(place).warehouse_count == 10_050
    assert place.mended() == []


@pytest.mark.fault(
    "servicenow",
    "F1",
    "The instance lowers the limit that is asked for on its own",
    "Read on behind the last row shown.",
)
def test_an_instance_that_gives_less_than_is_asked_for(place: Place) -> None:
    place.simulator.page_cap = 8
    configure(place.path.parent, place.simulator.url, page_size=1_000)
    whole(place)
    assert place.mended() == []


@pytest.mark.fault(
    "servicenow",
    "F2",
    "The limit is applied before row ACLs: short pages, a full X-Total-Count",
    "A short page ends nothing; hidden rows are counted, and told apart from rows that are gone.",
)
def test_short_pages_end_nothing(place: Place) -> None:
    for n in range(0, ROWS, 3):
        place.simulator.hide("incident", key(n))
    result = whole(place)
    assert (result.source_count, result.hidden, result.warehouse_count) == (ROWS, 24, ROWS - 24)
    assert place.mended() == []
    for n in range(0, ROWS, 3):
        place.simulator.show("incident", key(n))
    assert whole(place).added == 24


@pytest.mark.fault(
    "servicenow",
    "F3",
    "Several pages in a row are empty, with X-Total-Count above zero",
    "The range is halved until rows show; the rest arrives.",
)
@pytest.mark.parametrize(("first", "last"), [(0, 34), (20, 54), (36, ROWS), (0, ROWS)])
def test_empty_pages_end_nothing(place: Place, first: int, last: int) -> None:
    for n in range(first, last):
        place.simulator.hide("incident", key(n))
    result = whole(place)
    assert (result.hidden, result.warehouse_count) == (last - first, ROWS - last + first)
    assert place.mended() == []


@pytest.mark.fault(
    "servicenow",
    "F4",
    "Rows are updated, inserted and deleted between any two requests",
    "Nothing that stood still is missed; what moved arrives the same night or the next.",
)
@pytest.mark.parametrize("nights", [0, 1])
def test_writes_between_any_two_requests(place: Place, nights: int) -> None:
    for _ in range(nights):
        whole(place)
    guard, turn = Lock(), iter(range(ROWS))

    def work(request: Request) -> None:
        with guard:
            n = next(turn, None) if request.table == "incident" else None
            if n is None:
                return
            at = place.now - timedelta(minutes=5)
            place.simulator.put("incident", [row(900 + n, at)])
            alive = place.simulator.rows("incident")
            if key(ROWS - 1 - n) in alive and n % 3:
                place.simulator.edit("incident", key(ROWS - 1 - n), at, short_description="changed")
            if key(n) in alive and n % 2:
                place.simulator.remove("incident", key(n), audit=True)

    place.simulator.before = work
    moved = place.night()
    assert moved.status in ("complete", "incomplete")
    assert (moved.status == "complete") == (moved.error is None)
    place.simulator.before = None
    still = {n for n in range(ROWS) if place.simulator.rows("incident").get(key(n), {}).get("sys_mod_count") == "0"}
    assert {key(n) for n in still} <= set(place.living())
    whole(place)


@pytest.mark.fault(
    "servicenow", "F5", "Three pages of rows in one second", "The second is read on by key: every row arrives, once."
)
def test_more_rows_in_one_second_than_a_page_holds(place: Place) -> None:
    burst = NOW - timedelta(days=3)
    place.simulator.put("incident", [row(500 + n, burst) for n in range(35)])
    assert whole(place).added == ROWS + 35
    place.simulator.put("incident", [row(500 + n, place.now - timedelta(hours=1), state="6") for n in range(35)])
    assert whole(place).changed == 35
    assert place.mended() == []


@pytest.mark.fault(
    "servicenow",
    "F6",
    "A long transaction commits after it was read past: rows appear with an older sys_updated_on",
    "Windows overlap, and the sweep compares every version: read by the next night, however late it comes.",
)
@pytest.mark.parametrize("lateness", [timedelta(seconds=30), timedelta(seconds=90), timedelta(hours=5)])
def test_commits_that_come_late(place: Place, lateness: timedelta) -> None:
    stamped = NOW - lateness
    late = [row(800, stamped), place.simulator.rows("incident")[key(7)] | {"state": "6", "sys_mod_count": "1"}]
    late[1]["sys_updated_on"] = stamp(stamped)
    place.simulator.commit_late("incident", late, NOW + timedelta(minutes=1))
    assert place.night().status == "complete"
    assert key(800) in place.simulator.rows("incident")
    result = whole(place)
    assert (result.added, result.changed) == (1, 1)


@pytest.mark.fault(
    "servicenow",
    "F6",
    "A commit with an older time while the night reads on behind it",
    "Found by the sweep of the same night.",
)
def test_commits_that_come_between_two_pages(place: Place) -> None:
    def commit(request: Request) -> None:
        if "sys_updated_on>" in request.params.get("sysparm_query", "") and place.now > NOW:
            place.simulator.before = None
            place.simulator.put("incident", [row(800, NOW - timedelta(days=20))])

    whole(place)
    place.simulator.before = commit
    assert whole(place).added == 1


@pytest.mark.fault(
    "servicenow",
    "F17",
    "202 when two requests of one session overlap",
    "Readers at the same time have sessions of their own: it does not happen.",
)
def test_readers_at_the_same_time_do_not_disturb_each_other(place: Place) -> None:
    place.simulator.load({"incident": incidents(400, timedelta(hours=1))})
    configure(place.path.parent, place.simulator.url, "concurrency = 4\n")
    pair, met = Barrier(2), []

    def meet(request: Request) -> None:
        if met or request.table != "incident" or request.params["sysparm_limit"] != "10":
            return
        if "2026-11-01" in request.params["sysparm_query"] or "sys_updated_on<=" not in request.params["sysparm_query"]:
            return
        try:
            pair.wait(timeout=20)
        except BrokenBarrierError:
            return
        met.append(request)

    place.simulator.before = meet
    result = whole(place)
    assert met, "two requests were under way at once"
    incidents_read = [request for request in place.simulator.log if request.table == "incident"]
    assert result.requests == len(incidents_read), "none was asked again"


_READER = """
import sys
from datetime import datetime
from pathlib import Path
from connectors.servicenow import STREAMS, instance
instance.STREAMS = tuple(s for s in STREAMS if s.name in sys.argv[3:])
from pipelines.configuration import load
from pipelines.night import Night
with Night(load(Path(sys.argv[1])), clock=lambda: datetime.fromisoformat(sys.argv[2])) as night:
    list(night.read_source("snow"))
"""


def _read_until(place: Place, moment: int) -> None:
    """A reader of its own, killed while the instance answers its n-th question about incidents."""
    command = [sys.executable, "-c", _READER, str(place.path), place.now.isoformat(), "incident", "sys_audit"]
    child = subprocess.Popen(command, env={**os.environ, **SECRETS}, stderr=subprocess.PIPE)
    guard, seen = Lock(), []

    def strike(request: Request) -> None:
        with guard:
            if request.table == "incident":
                seen.append(request)
            if len(seen) == moment:
                child.send_signal(signal.SIGKILL)
                child.wait()

    place.simulator.before = strike
    _, errors = child.communicate(timeout=60)
    place.simulator.before = None
    assert child.returncode == -signal.SIGKILL, errors.decode()


@pytest.mark.fault(
    "servicenow",
    "F29",
    "kill -9 of our process at any page",
    "Nothing that was committed is lost or doubled; the next run is complete.",
)
def test_a_kill_at_any_page_loses_nothing(place: Place) -> None:
    whole(place)
    place.simulator.edit("incident", key(9), state="6")
    place.simulator.remove("incident", key(10), audit=True)
    place.simulator.put("incident", [row(600 + n, place.now - timedelta(hours=2, minutes=n)) for n in range(45)])
    for moment in (3, 8, 12):
        _read_until(place, moment)
    result = whole(place)
    assert (result.added + result.changed, result.deleted) <= (46, 1)
    ((doubled,), *_), ((changed,), *_) = place.ask(
        "select count(*) from (select 1 from evidence.raw.servicenow__incident"
        " group by source_key, content_sha256, is_deleted having count(*) > 1)",
        "select count(*) from evidence.raw.servicenow__incident",
    )
    assert (doubled, changed) == (0, ROWS + 45 + 1 + 1)


HOSTILE = {
    "number": "INC^0000001^ORactive=true",
    "short_description": 'naïve 文字 🜚 "quoted" \\ <b> &amp; \u2028 line\r\n\ttab',
    "close_notes": "",
    "business_duration": "1970-01-02 00:00:00",
    "correlation_id": "0.10",
    "work_end": "",
}


@pytest.mark.fault(
    "servicenow",
    "F30",
    "Values: empty, ^ and line ends, other scripts, durations as dates of 1970",
    "Kept as they were sent, byte for byte.",
)
def test_values_stay_as_they_are(place: Place) -> None:
    place.simulator.edit("incident", key(4), NOW - timedelta(hours=1), **HOSTILE)
    whole(place)
    assert HOSTILE.items() <= place.living()[key(4)].items()
    assert place.living()[key(5)]["close_notes"] == ""
    assert "close_notes" in place.living()[key(5)]


@pytest.mark.fault(
    "servicenow",
    "F30",
    "The same row on two pages, as it was updated in between",
    "Both versions are kept, the later one counts; the same version twice is a duplicate.",
)
def test_a_row_on_two_pages(place: Place) -> None:
    def update(request: Request) -> None:
        if request.table == "incident" and request.params["sysparm_query"].endswith(
            "ORDERBYsys_updated_on^ORDERBYsys_id"
        ):
            pages.append(request)
            if len(pages) == 2:
                place.simulator.edit("incident", key(2), NOW - timedelta(minutes=10), short_description="changed")

    pages: list[Request] = []
    configure(place.path.parent, place.simulator.url, "concurrency = 1\n")
    place.simulator.before = update
    result = whole(place)
    assert (result.added, result.changed) == (ROWS, 1)
    versions = [found and found["short_description"] for found in place.versions(key(2))]
    assert versions == ["as it was 2", "changed"]


@pytest.mark.fault(
    "servicenow",
    "F32",
    "The count changes between counting and reading",
    "Counted anew after the sweep; both sides agree, or the run says by how much they differ.",
)
@pytest.mark.parametrize("change", ["insert", "late insert", "delete", "hide"])
def test_counts_that_change_while_they_are_taken(place: Place, change: str) -> None:
    whole(place)
    place.simulator.edit("incident", key(3), state="6")
    counts: list[Request] = []

    def work(request: Request) -> None:
        if request.table != "incident" or "sys_created_on<=" not in request.params["sysparm_query"]:
            return
        counts.append(request)
        if len(counts) != 2:
            return
        if change == "delete":
            place.simulator.remove("incident", key(20), audit=True)
        elif change == "hide":
            place.simulator.hide("incident", key(20))
        else:
            at = place.now - (timedelta(hours=3) if change == "late insert" else timedelta())
            place.simulator.put("incident", [row(801, at)])

    place.simulator.before = work
    result = place.night()
    assert (result.status, result.error) == ("complete", None)
    assert len(counts) >= 2
    place.simulator.before = None
    whole(place)
