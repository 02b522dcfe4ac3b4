"""SLM-04: what stood open and breached at the end of the month, as it stood then and not as it is now."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def clocks(ledger: Any) -> Any:
    """A ticket from September, so that both months exist."""
    ledger.add("incident", "i", state="new", opened_at="2026-09-01 08:00:00+00")
    return ledger


def clock(ledger: Any, key: str, **values: object) -> None:
    given = {"state": "in_progress", "type": "sla", "is_breached": True, "started_at": "2026-09-10 08:00:00+00"}
    ledger.add("sla_instance", key, **{**given, "breach_at": "2026-09-20 08:00:00+00", **values})


def test_the_state_is_that_of_the_end_of_the_month(clocks: Any) -> None:
    clock(clocks, "still", started_at="2026-09-10 08:00:00+00")
    clock(clocks, "stopped_later", state="completed", stopped_at="2026-10-03 08:00:00+00")
    clock(clocks, "cancelled_later", state="cancelled", stopped_at="2026-10-04 08:00:00+00")
    clock(clocks, "breached_later", breach_at="2026-10-02 08:00:00+00")
    clock(clocks, "paused", state="paused")
    clock(clocks, "stopped_before", state="completed", stopped_at="2026-09-25 08:00:00+00")
    clock(clocks, "attached_later", attached_at="2026-10-05 08:00:00+00")
    met = {key: met for key, (_, met, _) in clocks.units("SLM-04", "2026-09", "count").items()}
    assert met == {
        "still": True,
        "stopped_later": True,
        "cancelled_later": True,
        "breached_later": False,
        "paused": True,
    }
    assert clocks.value("SLM-04", "2026-09", "count") == 4
    assert clocks.value("SLM-04", "2026-09", "percent") == 80.0
    assert clocks.value("SLM-04", "2026-10", "count") == 4
    assert clocks.row("SLM-04", "2026-09", "count")["status"] == "missed"


def test_no_open_clock_is_zero_where_clocks_are_known_and_no_data_for_the_percentage(clocks: Any) -> None:
    clock(clocks, "done", state="completed", is_breached=False, stopped_at="2026-09-12 08:00:00+00")
    assert clocks.row("SLM-04", "2026-10", "count")["value"] == 0
    assert clocks.row("SLM-04", "2026-10", "count")["status"] == "met"
    percent = clocks.row("SLM-04", "2026-10", "percent")
    assert (percent["value"], percent["reason"]) == (None, "no unit in the period")


def test_a_source_without_clocks_has_no_figure(clocks: Any) -> None:
    clock(clocks, "done", state="completed", stopped_at="2026-09-12 08:00:00+00")
    clocks.add("incident", "j", source="desk", state="new", opened_at="2026-09-01 08:00:00+00")
    clocks.warehouse.run("issue", source="desk")
    row = clocks.row("SLM-04", "2026-10", "count", source="desk")
    assert (row["value"], row["reason"]) == (None, "no record of this kind was ever read")


def test_other_agreements_are_out_and_the_amount_is_the_age_of_the_breach(clocks: Any) -> None:
    clock(clocks, "ola", type="ola")
    clock(clocks, "sla", breach_at="2026-09-30 12:00:00+00")
    assert clocks.units("SLM-04", "2026-09", "count")["ola"][::2] == (False, "not an SLA: ola")
    query = (
        "select amount from metrics.population where metric = 'SLM-04' and record_id like '%:sla' order by period_start"
    )
    assert clocks.warehouse.con.execute(query).fetchone() == (10.0,)
