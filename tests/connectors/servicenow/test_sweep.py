"""The sweep names every key with the stamp of its version: the same text that a read gives, and another one as soon as
the content is another, however the change was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from connectors import Reading, Stream, sample
from connectors.http import SourceError
from connectors.servicenow import sweep
from connectors.servicenow.rendering import rows
from connectors.servicenow.simulator import Request, Simulator
from connectors.servicenow.simulator.faults import Fault
from tests.connectors.servicenow.instances import BY_NAME, COMPANY, NOW, companies, key, keys, opened, row, stamps

CLOCK = BY_NAME["task_sla"]
YESTERDAY = NOW - timedelta(days=1)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({"core_company": companies(230)}, now=NOW) as running:
        yield running


def seen(simulator: Simulator, stream: Stream = COMPANY, **settings: object) -> tuple[dict[str, str], dict[str, str]]:
    """Stamps by a full read, and by the sweep."""
    with opened(simulator, **settings) as connector:
        read = stamps(connector.read(stream, Reading("full"), []))
        return read, stamps(connector.census(stream, Reading("full")))


def test_read_fetch_and_sweep_give_the_same_stamps_in_every_table_of_the_sample() -> None:
    with Simulator(rows(sample.generate(scale=0.05), NOW), now=NOW) as simulator, opened(simulator) as connector:
        for stream in connector.streams():
            if stream.is_counted:
                read = stamps(connector.read(stream, Reading("full"), []))
                assert stamps(connector.census(stream, Reading("full"))) == read, stream.name
                some = list(read)[:5]
                assert stamps(connector.fetch(stream, some, Reading("full"))) == {k: read[k] for k in some}


def test_a_stamp_is_short_and_says_when_and_how_often(simulator: Simulator) -> None:
    read, swept = seen(simulator)
    assert read[key(0)] == swept[key(0)] == f"{NOW - timedelta(days=30):%Y-%m-%d %H:%M:%S} 0"


def test_the_sweep_asks_for_little_and_a_lot_at_a_time(simulator: Simulator) -> None:
    with opened(simulator) as connector:
        connector._prove(COMPANY, Reading("full"))
        simulator.log.clear()
        assert len(keys(connector.census(COMPANY, Reading("full")))) == 230
    (only,) = simulator.log
    assert only.params["sysparm_fields"] == "sys_id,sys_updated_on,sys_mod_count"
    assert only.params["sysparm_limit"] == "10000"
    assert "sys_created_on<=2026-11-01 02:29:00" in only.params["sysparm_query"]


@pytest.mark.fault(
    "servicenow",
    "F25",
    "A change that leaves sys_updated_on alone (autoSysFields off); the count of changes moves",
    "The sweep's stamp differs from that of the read; the record is fetched again.",
)
def test_a_silent_change_has_another_stamp(simulator: Simulator) -> None:
    read, _ = seen(simulator)
    old = NOW - timedelta(days=30)
    simulator.put("core_company", [row(0, old, name="renamed", sys_mod_count="1")])
    with opened(simulator) as connector:
        silent = Reading("incremental", "2026-11-01 02:29:00")
        assert keys(connector.read(COMPANY, silent, [])) == []
        swept = stamps(connector.census(COMPANY, silent))
    assert {k for k, stamp in swept.items() if stamp != read[k]} == {key(0)}


def test_rows_created_after_the_bound_wait(simulator: Simulator) -> None:
    simulator.put("core_company", [row(500, NOW), row(501, NOW, YESTERDAY)])
    _, swept = seen(simulator)
    assert key(500) not in swept
    assert key(501) in swept, "created before and updated after the bound: it is there"


def test_a_hidden_row_is_not_named(simulator: Simulator) -> None:
    simulator.hide("core_company", key(5))
    assert key(5) not in seen(simulator)[1]


@pytest.mark.parametrize("fault", [Fault.CANCELLED, Fault.CANCELLED_EMPTY, Fault.ERROR_ONLY, Fault.SERVER_ERROR])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_sweep_that_can_not_be_completed_raises(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, fault: Fault, concurrency: int
) -> None:
    monkeypatch.setattr(sweep, "PAGE", 20)
    with opened(simulator, concurrency=concurrency) as connector:
        connector._prove(COMPANY, Reading("full"))
        simulator.fail(fault, after=4, times=10_000)
        with pytest.raises(SourceError):
            list(connector.census(COMPANY, Reading("full")))


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_sweep_with_smaller_pages_is_as_good(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    """A transaction that is cancelled now and then, and an instance that lowers the limit on its own."""
    monkeypatch.setattr(sweep, "PAGE", 40)
    simulator.page_cap = 30
    with opened(simulator, concurrency=concurrency) as connector:
        read = stamps(connector.read(COMPANY, Reading("full"), []))
        for after in (1, 4, 7):
            simulator.fail(Fault.CANCELLED, after=after)
        swept = stamps(connector.census(COMPANY, Reading("full")))
    assert not any(plan.times for plan in simulator.faults)
    assert swept == read
    assert list(swept) == sorted(read)


def test_a_record_that_can_not_be_written_is_named_all_the_same(simulator: Simulator) -> None:
    simulator.poison("core_company", key(33), "sys_mod_count")
    reading = Reading("full")
    with opened(simulator) as connector:
        swept = stamps(connector.census(COMPANY, reading))
    assert len(swept) == 230
    assert swept[key(33)] == "", "no stamp is no claim"
    assert [gap.key for gap in reading.gaps] == [key(33)]


@pytest.mark.fault(
    "servicenow",
    "F32",
    "Rows are inserted late or deleted between the count and the sweep",
    "The count is taken anew, so that both sides agree.",
)
def test_the_count_follows_what_the_sweep_sees(simulator: Simulator) -> None:
    reading = Reading("full")
    with opened(simulator) as connector:
        list(connector.read(COMPANY, reading, []))
        assert reading.source_count == 230
        simulator.put("core_company", [row(700, YESTERDAY)])
        assert len(keys(connector.census(COMPANY, reading))) == 231
        assert reading.source_count == 231
        simulator.remove("core_company", key(700))
        simulator.remove("core_company", key(1))
        list(connector.census(COMPANY, reading))
    assert reading.source_count == 229


def test_rows_that_come_and_go_while_it_sweeps(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays all the time is named once, what is deleted or comes meanwhile at most once."""
    monkeypatch.setattr(sweep, "PAGE", 20)
    turn = iter(range(230))

    def write(request: Request) -> None:
        number = next(turn, None) if request.path.endswith("core_company") else None
        if number is not None and number % 5 == 0:
            simulator.remove("core_company", key(number))
            simulator.put("core_company", [row(5000 + number, YESTERDAY)])

    simulator.before = write
    with opened(simulator) as connector:
        named = keys(connector.census(COMPANY, Reading("full")))
    assert len(named) == len(set(named))
    assert {key(n) for n in range(230) if n % 5} <= set(named)


# --------------------------------------------------------- clocks of an SLA


def clock(number: int, **values: str) -> dict[str, str]:
    usual = {
        "stage": "in_progress",
        "active": "true",
        "has_breached": "false",
        "start_time": "2026-10-20 08:00:00",
        "planned_end_time": "2026-10-21 08:00:00",
        "percentage": "10",
        "business_percentage": "9",
        "time_left": "1970-01-01 10:00:00",
        "task": key(900),
        "sla": key(901),
    }
    return row(number, YESTERDAY, NOW - timedelta(days=9), **(usual | values))


def test_a_clock_that_ticks_keeps_its_stamp() -> None:
    """Jobs rewrite running clocks, their time of update and their count of changes included, up to each minute."""
    with Simulator({"task_sla": [clock(1)]}, now=NOW) as simulator:
        before = seen(simulator, CLOCK)
        ticked = {"percentage": "11", "time_left": "1970-01-01 09:00:00", "sys_mod_count": "7"}
        simulator.put("task_sla", [clock(1, **ticked) | {"sys_updated_on": "2026-11-01 02:00:00"}])
        assert seen(simulator, CLOCK) == before


@pytest.mark.fault(
    "servicenow",
    "F34",
    "SLA repair writes the times of a task's clocks anew, without a new time of update",
    "The stamp is made of those times: the sweep finds it, the record is fetched again.",
)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stage", "cancelled"),
        ("has_breached", "true"),
        ("start_time", "2026-10-20 09:00:00"),
        ("planned_end_time", "2026-10-22 08:00:00"),
        ("end_time", "2026-10-21 07:00:00"),
    ],
)
def test_a_repair_that_writes_times_anew_has_another_stamp(name: str, value: str) -> None:
    with Simulator({"task_sla": [clock(1), clock(2)]}, now=NOW) as simulator:
        before, _ = seen(simulator, CLOCK)
        simulator.put("task_sla", [clock(1, **{name: value})])
        after, swept = seen(simulator, CLOCK)
    assert swept == after
    assert {k for k, stamp in swept.items() if stamp != before[k]} == {key(1)}


@pytest.mark.fault(
    "servicenow",
    "F35",
    "SLA repair deletes a task's clocks and makes them anew",
    "The sweep misses the old and the window brings the new; the audit tells of the deletion.",
)
def test_a_repair_that_makes_clocks_anew() -> None:
    with Simulator({"task_sla": [clock(1), clock(2)], "sys_audit": []}, now=NOW) as simulator:
        before, _ = seen(simulator, CLOCK)
        simulator.remove("task_sla", key(1))
        simulator.put("task_sla", [clock(3) | {"sys_updated_on": "2026-11-01 02:00:00"}])
        deletion = {"tablename": "task_sla", "fieldname": "DELETED", "documentkey": key(1), "user": "system"}
        simulator.put("sys_audit", [row(50, YESTERDAY, **deletion)])
        reading = Reading("incremental", "2026-11-01 01:00:00")
        with opened(simulator) as connector:
            assert keys(connector.read(CLOCK, reading, [])) == [key(3)]
            swept = set(keys(connector.census(CLOCK, reading)))
            assert set(before) - swept == {key(1)}
            absence = connector.explain(CLOCK, [key(1)], reading)[key(1)]
    assert (absence.kind, absence.reason) == ("deleted", "deleted by system at 2026-10-31 02:30:00 UTC, by sys_audit")
