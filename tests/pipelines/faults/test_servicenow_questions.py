"""A whole night against an instance that understands a question otherwise than it was meant.

It ignores conditions, reads times in another zone, sends no counts, or has a clock that is off: noticed before anything
is believed, or without harm.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.pipelines.faults.servicenow_fixtures import LAG, Place, calm, configure, cut_short, key, place, row, whole

__all__ = ["calm", "place"]


@pytest.mark.fault(
    "servicenow",
    "F22",
    "A configured filter names an unknown field: the condition is ignored, or nothing matches",
    "Ends incomplete and names the field; nothing is taken for deleted.",
)
@pytest.mark.parametrize("returns_no_rows", [False, True])
def test_a_filter_that_is_not_understood(place: Place, returns_no_rows: bool) -> None:
    whole(place)
    place.simulator.invalid_query_returns_no_rows = returns_no_rows
    configure(place.path.parent, place.simulator.url, 'query = { incident = "u_site=9" }\n')
    cut_short(place, "u_site")
    configure(place.path.parent, place.simulator.url)
    whole(place)


@pytest.mark.fault(
    "servicenow",
    "F22",
    "The table has no sys_updated_on: the condition on it is ignored, every page is the first",
    "Noticed before anything is read; ends incomplete, never endless.",
)
@pytest.mark.parametrize("returns_no_rows", [False, True])
def test_a_table_without_the_time_that_is_asked_for(place: Place, returns_no_rows: bool) -> None:
    whole(place)
    place.simulator.invalid_query_returns_no_rows = returns_no_rows
    kept = place.simulator.rows("incident").values()
    place.simulator.absent("incident")
    without = [{n: v for n, v in found.items() if n != "sys_updated_on"} for found in kept]
    place.simulator.put("incident", without)
    cut_short(place, "sys_updated_on")
    place.simulator.put("incident", kept)
    whole(place)


@pytest.mark.fault(
    "servicenow",
    "F26",
    "The account's time zone is not GMT: labels of times are in its zone",
    "Values are read, not labels: nothing shifts.",
)
def test_a_zone_of_the_account_shifts_nothing(place: Place) -> None:
    place.simulator.move_account("America/Los_Angeles")
    whole(place)
    place.simulator.edit("incident", key(3), state="6")
    assert whole(place).changed == 1


@pytest.mark.fault(
    "servicenow",
    "F26",
    "The instance reads the times of a query in the account's zone",
    "Noticed by asking for a row by its own time; ends incomplete and says what to set.",
)
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_times_that_are_read_in_another_zone(place: Place, zone: str) -> None:
    whole(place)
    place.simulator.move_account(zone)
    place.simulator.literals_in_user_zone = True
    place.simulator.edit("incident", key(3), state="6")
    cut_short(place, zone, "set the time zone of the account to GMT")
    place.simulator.move_account("GMT")
    assert whole(place).changed == 1


@pytest.mark.fault(
    "servicenow", "F27", "X-Total-Count is missing", "The Aggregate API counts instead; the run ends complete."
)
def test_counts_that_are_not_sent(place: Place) -> None:
    place.simulator.uncounted.update({"incident", "cmdb_ci"})
    for n in range(20, 50):
        place.simulator.hide("incident", key(n))
    assert whole(place).hidden == 30
    assert place.mended() == []


@pytest.mark.fault(
    "servicenow",
    "F28",
    "The Date header is five minutes off, either way",
    "Windows overlap by more: what was written at their border arrives.",
)
@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_clock_that_is_off(place: Place, minutes: int) -> None:
    place.simulator.skew = timedelta(minutes=minutes)
    written = [row(700 + n, place.now - LAG - timedelta(seconds=30 * n)) for n in range(20)]
    place.simulator.put("incident", written)
    assert place.night().status == "complete"
    place.simulator.put("incident", [row(750 + n, place.now - timedelta(days=1, seconds=20 * n)) for n in range(20)])
    whole(place)
    whole(place)
