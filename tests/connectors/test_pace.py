"""One pace for all sessions of a source: so many a minute, and nothing before the time that the source asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from connectors.http import RateLimited
from connectors.pace import Pace


class Clock:
    """A clock that only sleeping moves; several may sleep at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now = max(self.now, self.now + seconds)

    def read(self) -> float:
        return self.now


def test_requests_leave_at_the_configured_rate_whatever_session_sends_them() -> None:
    clock = Clock()
    pace = Pace(60, clock.sleep, clock.read)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pace.wait(1000), range(30)))
    assert clock.now >= 29


def test_without_a_rate_nothing_waits() -> None:
    clock = Clock()
    pace = Pace(None, clock.sleep, clock.read)
    for _ in range(100):
        pace.wait(1)
    assert clock.now == 0


@pytest.mark.fault(
    "network",
    "N1",
    "429 with Retry-After to one of several sessions",
    "All sessions of the source wait; none asks earlier than told.",
)
def test_a_wait_that_one_was_told_holds_for_all() -> None:
    clock = Clock()
    pace = Pace(None, clock.sleep, clock.read)
    pace.hold(50)
    pace.hold(10)
    pace.wait(60)
    assert clock.now == 50


def test_a_wait_told_while_another_sleeps_is_kept_as_well() -> None:
    clock = Clock()
    pace = Pace(6, clock.sleep, clock.read)
    pace.wait(100)

    def told_meanwhile(seconds: float) -> None:
        if clock.now == 0:
            pace.hold(30)
        clock.sleep(seconds)

    pace._sleep = told_meanwhile
    pace.wait(100)
    assert clock.now == 30


def test_more_than_the_budget_is_no_wait_but_an_error_and_nothing_is_sent() -> None:
    clock = Clock()
    pace = Pace(None, clock.sleep, clock.read)
    pace.hold(3600)
    with pytest.raises(
        RateLimited, match=r"asked to wait 3600 s more: longer than the 120 s .* the next run carries on"
    ):
        pace.wait(120)
    assert clock.now == 0
