"""SLM-01: a clock counts in the month in which it is decided, so that a ticket nobody closes can't hide its breach."""

from __future__ import annotations

from typing import Any

import pytest

IN, MET, MISSED = True, True, False


@pytest.fixture
def clocks(ledger: Any) -> Any:
    """A ticket from March, so that all months since exist."""
    ledger.add("incident", "first", state="new", opened_at="2026-03-01 00:00:00+00")
    return ledger


def clock(ledger: Any, key: str, **values: object) -> None:
    given = {"state": "completed", "type": "sla", "is_breached": False, "started_at": "2026-09-10 08:00:00+00"}
    ledger.add("sla_instance", key, **{**given, **values})


def test_an_open_breached_clock_counts_in_the_month_of_its_breach(clocks: Any) -> None:
    clock(clocks, "met", stopped_at="2026-09-10 09:00:00+00", breach_at="2026-09-10 12:00:00+00")
    clock(clocks, "open", state="in_progress", is_breached=True, breach_at="2026-09-12 08:00:00+00")
    assert clocks.units("SLM-01", "2026-09") == {"met": (IN, MET, None), "open": (IN, MISSED, None)}
    assert clocks.value("SLM-01", "2026-09") == 50.0
    assert clocks.value("SLM-01", "2026-10") is None


def test_a_breach_is_not_moved_to_the_month_of_the_stop(clocks: Any) -> None:
    clock(clocks, "late", is_breached=True, breach_at="2026-09-30 20:00:00+00", stopped_at="2026-10-04 08:00:00+00")
    assert clocks.units("SLM-01", "2026-09") == {"late": (IN, MISSED, None)}
    assert clocks.units("SLM-01", "2026-10") == {}


def test_exactly_on_target_is_met_and_a_second_later_is_not(clocks: Any) -> None:
    clock(clocks, "on", is_breached=True, stopped_at="2026-09-10 12:00:00+00", breach_at="2026-09-10 12:00:00+00")
    clock(clocks, "after", stopped_at="2026-09-10 12:00:01+00", breach_at="2026-09-10 12:00:00+00")
    assert clocks.units("SLM-01", "2026-09") == {"on": (IN, MET, None), "after": (IN, MISSED, None)}


def test_a_clock_stopped_out_of_a_pause_is_judged_by_its_durations(clocks: Any) -> None:
    times = {"stopped_at": "2026-09-14 12:00:00+00", "breach_at": "2026-09-10 12:00:00+00", "target_seconds": 14400}
    clock(clocks, "paused", elapsed_seconds=7200, paused_seconds=350000, **times)
    clock(clocks, "ran", elapsed_seconds=15000, **times)
    assert {key: met for key, (_, met, _) in clocks.units("SLM-01", "2026-09").items()} == {
        "paused": True,
        "ran": False,
    }


def test_a_running_clock_is_breached_before_the_flag_is_refreshed_but_not_a_paused_one(clocks: Any) -> None:
    clock(clocks, "lags", state="in_progress", breach_at="2026-10-31 20:00:00+00")
    clock(clocks, "paused", state="paused", breach_at="2026-10-31 20:00:00+00")
    clock(clocks, "ahead", state="in_progress", breach_at="2026-11-02 08:00:00+00")
    assert clocks.units("SLM-01", "2026-10") == {"lags": (IN, MISSED, None)}


def test_a_clock_attached_later_counts_at_its_breach(clocks: Any) -> None:
    clock(
        clocks,
        "retro",
        is_breached=True,
        attached_at="2026-10-20 08:00:00+00",
        breach_at="2026-09-11 08:00:00+00",
        stopped_at="2026-10-21 08:00:00+00",
    )
    assert clocks.units("SLM-01", "2026-09") == {"retro": (IN, MISSED, None)}


def test_cancelled_clocks_and_other_agreements_are_out_and_shown(clocks: Any) -> None:
    stop = {"stopped_at": "2026-09-10 09:00:00+00", "breach_at": "2026-09-10 12:00:00+00"}
    clock(clocks, "cancelled", state="cancelled", **stop)
    clock(clocks, "ola", type="ola", **stop)
    clock(clocks, "contract", type="underpinning_contract", **stop)
    units = clocks.units("SLM-01", "2026-09")
    assert {key: (is_in, why) for key, (is_in, _, why) in units.items()} == {
        "cancelled": (False, "cancelled"),
        "ola": (False, "not an SLA: ola"),
        "contract": (False, "not an SLA: underpinning_contract"),
    }
    row = clocks.row("SLM-01", "2026-09")
    assert (row["value"], row["status"], row["reason"]) == (None, "no_data", "no unit in the period, 3 left out")


def test_the_month_is_that_of_amsterdam(clocks: Any) -> None:
    clock(clocks, "march", stopped_at="2026-03-31 21:59:59+00")
    clock(clocks, "april", stopped_at="2026-03-31 22:00:00+00")
    clock(clocks, "october", stopped_at="2026-10-31 22:59:59+00")
    clock(clocks, "november", stopped_at="2026-10-31 23:00:00+00")
    for month, key in (("2026-03", "march"), ("2026-04", "april"), ("2026-10", "october"), ("2026-11", "november")):
        assert list(clocks.units("SLM-01", month)) == [key]


def test_the_service_is_that_of_the_ticket(clocks: Any) -> None:
    ticket = clocks.add("incident", "i", state="closed", service="Payments", opened_at="2026-09-10 08:00:00+00")
    clock(clocks, "met", record_id=ticket, stopped_at="2026-09-10 09:00:00+00")
    assert clocks.value("SLM-01", "2026-09", service="Payments") == 100.0
    assert clocks.value("SLM-01", "2026-09", source="snow") == 100.0
