"""Rows made by number, connectors that are closed at the end, and instances with oddities that the simulator lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message
from threading import Barrier, BrokenBarrierError, Lock
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import SecretStr

from connectors import Page, Sweep
from connectors.loopback import Answer
from connectors.servicenow import STREAMS, Settings
from connectors.servicenow.instance import ServiceNow
from connectors.servicenow.simulator import Simulator

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
SECRETS = {
    "username": SecretStr("evidence"),
    "password": SecretStr("demo-only"),
    "client_id": SecretStr("evidence-client"),
    "client_secret": SecretStr("demo-only"),
}
BY_NAME = {stream.name: stream for stream in STREAMS}
COMPANY = BY_NAME["core_company"]


def key(number: int) -> str:
    """A sys_id that is spread over the whole range, as real ones are."""
    return f"{(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128):032x}"


def row(number: int, updated: datetime, created: datetime | None = None, **values: str) -> dict[str, str]:
    """A row of any table, with the fields that the platform keeps."""
    return {
        "sys_id": key(number),
        "name": f"Number {number}",
        "sys_created_on": f"{created or updated:%Y-%m-%d %H:%M:%S}",
        "sys_updated_on": f"{updated:%Y-%m-%d %H:%M:%S}",
        "sys_mod_count": "0",
        **values,
    }


def companies(count: int, step: timedelta = timedelta(minutes=7)) -> list[dict[str, str]]:
    """Rows with one update each, evenly spread from thirty days ago on."""
    return [row(n, NOW - timedelta(days=30) + n * step) for n in range(count)]


@contextmanager
def opened(simulator: Simulator, **settings: object) -> Iterator[ServiceNow]:
    """A connector that has logged in to the instance."""
    values = {"connector": "servicenow", "url": simulator.url, "page_size": 20, "patience": {"attempts": 1}} | settings
    connector = ServiceNow("snow", Settings.model_validate(values), SECRETS)
    try:
        connector.open()
        yield connector
    finally:
        if connector._readers is not None:
            connector._readers.close()


def keys(parts: Iterable[Page | Sweep]) -> list[str]:
    """All keys of pages or of a sweep, in order."""
    return [key for part in parts for key in part.keys]


def stamps(parts: Iterable[Page | Sweep]) -> dict[str, str]:
    """Each key's stamp."""
    return {key: stamp for part in parts for key, stamp in zip(part.keys, part.stamps or [], strict=True)}


class Rewriting(Simulator):
    """Understands each query as ``rewrite`` does."""

    rewrite: Callable[[str], str] = staticmethod(lambda query: query)

    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The answer to another question."""
        parts = urlsplit(target)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        if "sysparm_query" in given:
            given["sysparm_query"] = self.rewrite(given["sysparm_query"])
        return super().answer(method, f"{parts.path}?{urlencode(given)}", headers, body)


class Refusing(Simulator):
    """Answers as ``refuse`` says, and as ever where that says nothing; ``refused`` counts."""

    refused = 0
    refuse: Callable[[str, str], Answer | None] = staticmethod(lambda path, query: None)

    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The refusal, or the answer."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query)).get("sysparm_query", "")
        refusal = self.refuse(parts.path, query)
        self.refused += refusal is not None
        return refusal or super().answer(method, target, headers, body)


class Crowded(Simulator):
    """Has a cookie for each session, and answers 202 to a request of a session that waits for another one.

    The first two requests that ``meets`` picks wait for each other; ``met`` tells whether they did, ``most`` how many
    were under way at once.
    """

    meets: Callable[[str, str], bool] = staticmethod(lambda path, query: False)
    met = False
    most = 0

    def __init__(self, *args: object, **kwargs: object) -> None:
        self._busy: list[str] = []
        self._sessions = 0
        self._guard = Lock()
        self._pair = Barrier(2)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The answer, once the session is free of others."""
        cookie = str(headers.get("Cookie", ""))
        with self._guard:
            if cookie and cookie in self._busy:
                return Answer(202, {"Content-Type": "application/json"})
            self._busy.append(cookie)
            self.most = max(self.most, len(self._busy))
        try:
            parts = urlsplit(target)
            if not self.met and self.meets(parts.path, dict(parse_qsl(parts.query)).get("sysparm_query", "")):
                self._meet()
            good = super().answer(method, target, headers, body)
        finally:
            with self._guard:
                self._busy.remove(cookie)
        if cookie:
            return good
        with self._guard:
            self._sessions += 1
            return Answer(
                good.status, {**good.headers, "Set-Cookie": f"JSESSIONID={self._sessions}; Path=/"}, good.body
            )

    def _meet(self) -> None:
        try:
            self._pair.wait(timeout=10)
        except BrokenBarrierError:
            return
        self.met = True
