"""Reading an SLA clock of the sample, and what the clocks and the changes show in the charts.

A clock stopped exactly on target is met; an open pause moves the breach, a pause after the breach does not: else a
breach would wander from the month in which it was reported into a later one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.sample import AS_OF, Event, Record, Value, clock, generate
from connectors.sample.names import DEGRADING

START = datetime(2025, 4, 30, 22, tzinfo=UTC)
DEGRADES_FROM = datetime(2026, 7, 31, 22, tzinfo=UTC)


def now(records: list[Record]) -> Iterator[tuple[Record, dict[str, Value]]]:
    for record in records:
        values = record.at(AS_OF)
        if values is not None:
            yield record, values


def test_trends() -> None:
    """The degrading service misses ever more in the last three months; changes get better over the year."""
    full = generate()
    service = next(r.key for r in full.of("service") if r.values["name"] == DEGRADING)
    own = {r.key for r in full.of("incident") if r.values["service"] == service}
    definitions = {record.key: record for record in full.of("sla_definition")}
    met: dict[bool, list[bool]] = {True: [], False: []}
    for record, values in now(full.of("sla_instance")):
        key = values["definition"]
        if isinstance(key, int) and values["incident"] in own and values["cancelled_at"] is None:
            reading = clock(record, definitions[key], AS_OF)
            if reading.stopped_at is not None or reading.is_breached:
                met[reading.started_at >= DEGRADES_FROM].append(not reading.is_breached)
    assert sum(met[False]) / len(met[False]) > 0.9
    assert sum(met[True]) / len(met[True]) < 0.75
    failed: dict[bool, list[bool]] = {True: [], False: []}
    for _, values in now(full.of("change")):
        closed_at = values["closed_at"]
        if values["state"] == "closed" and isinstance(closed_at, datetime):
            failed[closed_at >= datetime(2026, 5, 1, tzinfo=UTC)].append(values["outcome"] in ("unsuccessful", None))
    assert sum(failed[True]) / len(failed[True]) < 0.75 * sum(failed[False]) / len(failed[False])


def instance(started_at: datetime, *events: Event) -> Record:
    values: dict[str, Value] = {"started_at": started_at, "pauses": [], "stopped_at": None, "cancelled_at": None}
    return Record("sla_instance", 1, "servicenow", started_at, 0, values, list(events))


DEFINITION = Record("sla_definition", 1, "servicenow", START, 0, {"target_seconds": 3600})
NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)


def test_a_clock_stopped_exactly_on_target_is_met() -> None:
    hour = NOON + timedelta(hours=1)
    met = clock(instance(NOON, Event(hour, 0, {"stopped_at": hour})), DEFINITION, AS_OF)
    assert (met.state, met.is_breached, met.breach_at, met.elapsed_seconds) == ("completed", False, hour, 3600)
    late = hour + timedelta(seconds=1)
    missed = clock(instance(NOON, Event(late, 0, {"stopped_at": late})), DEFINITION, AS_OF)
    assert (missed.is_breached, missed.breach_at, missed.stopped_at) == (True, hour, late)


def test_an_open_pause_moves_the_breach() -> None:
    paused_at = NOON + timedelta(minutes=20)
    record = instance(NOON, Event(paused_at, 0, {"pauses": [(paused_at, None)]}))
    before = clock(record, DEFINITION, NOON + timedelta(minutes=10))
    assert (before.state, before.breach_at) == ("in_progress", NOON + timedelta(hours=1))
    for hours in (2, 50):
        reading = clock(record, DEFINITION, paused_at + timedelta(hours=hours))
        assert (reading.state, reading.is_breached, reading.elapsed_seconds) == ("paused", False, 1200)
        assert reading.paused_seconds == hours * 3600
        assert reading.breach_at == NOON + timedelta(hours=1 + hours)


def test_a_pause_after_the_breach_does_not_move_it() -> None:
    paused_at = NOON + timedelta(hours=3)
    reading = clock(instance(NOON, Event(paused_at, 0, {"pauses": [(paused_at, None)]})), DEFINITION, AS_OF)
    assert (reading.state, reading.is_breached, reading.breach_at) == ("paused", True, NOON + timedelta(hours=1))


def test_a_clock_before_its_start_is_refused() -> None:
    with pytest.raises(LookupError, match="does not exist"):
        clock(instance(NOON), DEFINITION, NOON - timedelta(seconds=1))
    with pytest.raises(TypeError, match="no clock"):
        clock(instance(NOON), Record("sla_definition", 1, "jira", START, 0, {"target_seconds": None}), NOON)
