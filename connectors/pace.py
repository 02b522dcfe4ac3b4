"""When the next request of a source may leave; shared by all sessions of the source."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from connectors.errors import RateLimited


class Pace:
    """So many requests a minute, and none before the time that the source asked to wait for.

    A "wait" that one session was told holds for all: asking again earlier, on whatever connection, makes it longer.
    """

    def __init__(
        self,
        per_minute: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._sleep, self._clock = sleep, clock
        self._lock = Lock()
        self._next_at = clock()
        self._not_before = clock()

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so many seconds."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)

    def wait(self, budget: float) -> None:
        """Sleep until a request may leave.

        Raises:
            RateLimited: that is more seconds away than the budget; nothing was sent.
        """
        while True:
            with self._lock:
                now = self._clock()
                if self._not_before - now > budget:
                    raise RateLimited(
                        f"the source asked to wait {self._not_before - now:.0f} s more",
                        f"longer than the {budget:g} s that a request may cost; the next run carries on",
                    )
                leaves_at = max(now, self._next_at, self._not_before)
                self._next_at = leaves_at + self._interval
            if leaves_at > now:
                self._sleep(leaves_at - now)
            with self._lock:
                if self._not_before <= leaves_at:
                    return
