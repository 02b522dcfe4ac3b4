"""What an instance remembers of its clients: server sessions, which serve one request at a time, and a quota."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.cookies import CookieError, SimpleCookie
from threading import Lock

from connectors.loopback import Answer
from connectors.servicenow.rendering.values import sys_id
from connectors.servicenow.simulator.faults import limited

_COOKIE = "JSESSIONID"


class Sessions:
    """The sessions by cookie. A client without one gets a new session with each request."""

    def __init__(self) -> None:
        self._busy: set[str] = set()
        self._issued = 0
        self._lock = Lock()

    @contextmanager
    def entered(self, headers: Message[str, str]) -> Iterator[str | None]:
        """The name of the session while a request is served in it, None when it is serving another one."""
        name = _named(headers)
        with self._lock:
            if name in self._busy:
                is_free = False
            else:
                is_free = True
                if not name:
                    self._issued += 1
                    name = sys_id("session", self._issued).upper()
                self._busy.add(name)
        try:
            yield name if is_free else None
        finally:
            if is_free:
                with self._lock:
                    self._busy.discard(name)


def cookie(headers: Message[str, str], name: str) -> dict[str, str]:
    """The header that hands a session out, when the client does not have it yet."""
    return {} if _named(headers) == name else {"Set-Cookie": f"{_COOKIE}={name}; Path=/; HttpOnly"}


def _named(headers: Message[str, str]) -> str:
    try:
        found = SimpleCookie(str(headers.get("Cookie", ""))).get(_COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


@dataclass(slots=True)
class Quota:
    """So many requests an hour; ``left`` counts down and ``retry_after`` is told when there are none."""

    limit: int
    retry_after: str | None
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.limit

    def spend(self, table: str) -> Answer | None:
        """Take one request; the refusal (429) when there are none left."""
        if self.left > 0:
            self.left -= 1
            return None
        return limited(self.limit, table, self.retry_after)
