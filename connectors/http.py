"""The one transport of every connector: deadlines, retries, and answers proved whole before anybody parses them.

It is an adapter below the vendors' libraries, so that neither their retries nor their patience matter. A body is read
to its end under a wall-clock deadline; a broken one is asked for again; what stays wrong ends as one of the errors of
``connectors.errors``, which are offered here as well.
"""

from __future__ import annotations

import ipaddress
import random
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from connectors.errors import (
    BadRequest,
    BrokenAnswer,
    DeadlineExceeded,
    Forbidden,
    Gone,
    Inconsistent,
    InsecureUrl,
    NotAuthenticated,
    NotFound,
    RateLimited,
    ServerFailed,
    SourceError,
    Unreachable,
    clean,
    place,
    refusal,
)
from connectors.pace import Pace
from connectors.unreached import unreached

__all__ = [
    "BadRequest",
    "BrokenAnswer",
    "Check",
    "DeadlineExceeded",
    "Forbidden",
    "Gone",
    "Inconsistent",
    "InsecureUrl",
    "NotAuthenticated",
    "NotFound",
    "Pace",
    "Patience",
    "RateLimited",
    "ServerFailed",
    "SourceError",
    "Transport",
    "Unreachable",
    "clean",
    "place",
    "require_secure",
    "retry_after",
    "session",
]

_CHUNK = 64 * 1024
_LARGEST = 512 * 1024 * 1024
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
_SLOW = "is the tool slow or the page size too large?"

Check = Callable[[requests.Response], None]
"""Looks at a response whose content has been read; raises BrokenAnswer to have it asked for again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds. ``body`` is the wall-clock time that one whole answer may take.

    ``budget`` bounds the sleeping that one request may cost, and so the longest Retry-After that is honoured; ``base``
    and ``cap`` shape the full-jitter back-off; ``per_minute`` paces the requests of a source.
    """

    connect: float = 10.0
    read: float = 60.0
    body: float = 75.0
    attempts: int = 5
    base: float = 0.5
    cap: float = 30.0
    budget: float = 120.0
    per_minute: int | None = None


def _wall() -> datetime:
    return datetime.now(UTC)


class Transport(HTTPAdapter):
    """Sends a request until a whole, sound answer is there, or says why there is none.

    ``requests`` counts every attempt, ``retries`` those after the first; ``last`` is the last good answer. Transports
    of the same source are given one ``pace``.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        check: Check | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = _wall,
        random: random.Random = random.Random(),  # noqa: B008 - jitter need not be repeatable
        pace: Pace | None = None,
    ) -> None:
        super().__init__(max_retries=0)
        self.patience = patience or Patience()
        self.requests = 0
        self.retries = 0
        self.last: requests.Response | None = None
        self._check, self._sleep, self._clock, self._wall, self._random = check, sleep, clock, wall, random
        self._pace = pace or Pace(self.patience.per_minute, sleep, clock)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One sound answer; ``stream`` and ``timeout`` of the caller are overruled.

        Raises:
            SourceError: there is none; nothing else is raised for what a source or a network does.
        """
        require_secure(request.url or "")
        slept, attempt = 0.0, 0
        while True:
            attempt += 1
            self._pace.wait(self.patience.budget)
            self.requests += 1
            self.retries += attempt > 1
            try:
                self.last = self._attempt(request, kwargs)
                return self.last
            except (Unreachable, DeadlineExceeded, ServerFailed, BrokenAnswer, RateLimited) as error:
                if error.retry_after:
                    self._pace.hold(error.retry_after)  # for all sessions, whether or not this one asks again
                if attempt >= self.patience.attempts or error.is_final:
                    raise
                slept += self._wait(error, attempt, slept)

    def close(self) -> None:
        """Close the connections now; urllib3 waits until nobody holds an answer any more, and ``last`` does."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for pool in [manager.pools[key] for key in manager.pools.keys()]:  # noqa: SIM118 - it can't be iterated
                pool.close()
        super().close()

    def _attempt(self, request: requests.PreparedRequest, kwargs: Mapping[str, Any]) -> requests.Response:
        where = place(request.url)
        passed = {name: kwargs[name] for name in ("verify", "cert", "proxies") if name in kwargs}
        deadline = self._clock() + self.patience.body
        timeout = (self.patience.connect, min(self.patience.read, self.patience.body))
        try:
            response = super().send(request, stream=True, timeout=timeout, **passed)
        except requests.exceptions.Timeout as error:
            raise DeadlineExceeded(f"{where} did not answer in time", _SLOW) from error
        except requests.exceptions.ConnectionError as error:
            raise unreached(error, where) from error
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            # "from None": http.client quotes a header that it refuses, secret and all
            raise BadRequest(
                f"{where}: the request can't be sent ({type(error).__name__})",
                "check the url, the CA file, and that no secret has a line break in it",
            ) from None
        try:
            self._read(response, deadline, where)
        except BaseException:
            response.raw.close()  # half-read: never back into the pool
            raise
        finally:
            response.raw.release_conn()
        self._judge(response, where)
        return response

    def _read(self, response: requests.Response, deadline: float, where: str) -> None:
        """The whole body, however slowly it drips, up to the deadline."""
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                left = deadline - self._clock()
                if left <= 0:
                    raise DeadlineExceeded(
                        f"{where} sent no whole answer within {self.patience.body:g} s", "lower the page size"
                    )
                wire = _socket(response.raw)  # anew: it is closed after the last byte
                if wire is not None:
                    wire.settimeout(max(0.05, min(left, self.patience.read)))
                chunk = response.raw.read1(_CHUNK, decode_content=True)
                if not chunk:
                    break
                chunks.append(chunk)
                size += len(chunk)
                if size > _LARGEST:
                    raise _final(BrokenAnswer(f"{where} sent more than {_LARGEST >> 20} MiB", "lower the page size"))
        except urllib3.exceptions.ReadTimeoutError as error:
            raise DeadlineExceeded(f"{where} stopped sending", _SLOW) from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise BrokenAnswer(
                f"{where} sent a body that is cut or damaged", "run again; if it stays, ask the tool's operator"
            ) from error
        response._content = b"".join(chunks)
        response._content_consumed = True  # type: ignore[attr-defined]
        stated = response.headers.get("Content-Length", "")
        if not response.headers.get("Content-Encoding") and stated.isdecimal() and int(stated) != size:
            raise BrokenAnswer(f"{where} promised {stated} bytes and sent {size}", "run again")

    def _judge(self, response: requests.Response, where: str) -> None:
        status = response.status_code
        if 300 <= status < 400:
            target = place(response.headers.get("Location"))
            raise _final(BrokenAnswer(f"{where} redirects to {target}, a log-in page?", "check the url and the log-in"))
        if status >= 400:
            error = refusal(response)
            if status in _RETRIED:
                error.retry_after = retry_after(response.headers.get("Retry-After"), self._now(response))
            else:
                error.is_final = True
            raise error
        if status in (HTTPStatus.ACCEPTED, HTTPStatus.PARTIAL_CONTENT) or not response.content:
            raise BrokenAnswer(
                f"{where} answered {status} without the content", "run again; is another client using this session?"
            )
        kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if not (kind == "application/json" or kind.endswith("+json")):
            raise BrokenAnswer(
                f"{where} answered with {clean(kind) or 'no content type'} instead of JSON",
                "a log-in or maintenance page? open the url in a browser and look",
            )
        try:
            msgspec.json.decode(response.content, type=msgspec.Raw)  # a gzip stream that is cut looks whole to urllib3
            if self._check is not None:
                self._check(response)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BrokenAnswer(f"{where} sent JSON that is cut or damaged", "lower the page size") from error
        except RecursionError as error:
            raise BrokenAnswer(f"{where} sent JSON that is nested too deeply", "look at the answer") from error

    def _now(self, response: requests.Response) -> datetime:
        """The source's clock if it states it (its dates are by that clock, which may differ from ours), else ours."""
        try:
            stated = parsedate_to_datetime(response.headers.get("Date", ""))
        except (TypeError, ValueError):
            return self._wall()
        return stated if stated.tzinfo else stated.replace(tzinfo=UTC)

    def _wait(self, error: SourceError, attempt: int, slept: float) -> float:
        """Sleep a random while, or have the pace wait as long as told; returns the seconds."""
        told = error.retry_after
        jitter = self._random.uniform(0, min(self.patience.cap, self.patience.base * 2**attempt))
        pause = told or jitter  # "wait 0 s" is no leave to hammer
        if slept + pause > self.patience.budget:
            if told:
                raise RateLimited(
                    f"{error.message}, and asks to wait {told:g} s",
                    f"more than the {self.patience.budget:g} s that a request may cost; the next run carries on",
                ) from error
            raise error
        if not told:
            self._sleep(pause)
        return pause


def session(
    transport: Transport,
    url: str,
    *,
    auth: AuthBase | None = None,
    verify: bool | Path = True,
    cert: tuple[str, str] | str | None = None,
    proxies: Mapping[str, str] | None = None,
) -> requests.Session:
    """A session on the transport that follows no redirect.

    Raises:
        InsecureUrl: ``url`` is plain http to another machine.
    """
    require_secure(url)
    made = requests.Session()
    made.mount("https://", transport)
    made.mount("http://", transport)
    made.max_redirects = 0
    made.auth = auth
    made.verify = str(verify) if isinstance(verify, Path) else verify
    made.cert = cert
    made.proxies.update(proxies or {})
    return made


def require_secure(url: str) -> None:
    """Let only https through, and plain http to this machine.

    Raises:
        InsecureUrl: otherwise.
    """
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme, host = "", ""
    if host and (scheme == "https" or (scheme == "http" and _is_loopback(host))):
        return
    raise InsecureUrl(f"{place(url)} is not https", "write the url with https://; plain http is for this machine only")


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header: a whole or decimal number, or a date; None for anything else."""
    if value is None:
        return None
    if re.fullmatch(r"\d{1,12}(\.\d*)?", value.strip(), re.ASCII):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _socket(raw: object) -> socket.socket | None:
    """The open socket below a response, also when its connection is not kept and has let go of it; else None."""
    for name in ("_fp", "fp", "raw", "_sock"):
        raw = getattr(raw, name, None)
    return raw if isinstance(raw, socket.socket) and raw.fileno() != -1 else None


def _final(error: SourceError) -> SourceError:
    error.is_final = True
    return error
