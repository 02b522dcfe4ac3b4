"""SLM-02: the customary figure counts what was stopped in the month, and leaves open breaches to SLM-04."""

from __future__ import annotations

from typing import Any


def clock(ledger: Any, key: str, **values: object) -> None:
    given = {"state": "completed", "type": "sla", "is_breached": False, "started_at": "2026-09-10 08:00:00+00"}
    ledger.add("sla_instance", key, **{**given, **values})


def test_a_breached_clock_counts_when_it_stops_and_an_open_one_not_at_all(ledger: Any) -> None:
    ledger.add("incident", "i", state="new", opened_at="2026-09-10 08:00:00+00")
    clock(ledger, "met", stopped_at="2026-10-02 09:00:00+00", breach_at="2026-10-02 12:00:00+00")
    clock(ledger, "late", is_breached=True, breach_at="2026-09-30 20:00:00+00", stopped_at="2026-10-04 08:00:00+00")
    clock(ledger, "open", state="in_progress", is_breached=True, breach_at="2026-10-12 08:00:00+00")
    assert ledger.units("SLM-02", "2026-10") == {"met": (True, True, None), "late": (True, False, None)}
    assert ledger.value("SLM-02", "2026-10") == 50.0
    assert ledger.value("SLM-02", "2026-09") is None


def test_cancelled_is_out_and_shown(ledger: Any) -> None:
    ledger.add("incident", "i", state="new", opened_at="2026-09-10 08:00:00+00")
    clock(ledger, "cancelled", state="cancelled", is_breached=True, stopped_at="2026-09-10 09:00:00+00")
    assert [(u[0], u[2]) for u in ledger.units("SLM-02", "2026-09").values()] == [(False, "cancelled")]
