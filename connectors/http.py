"""The one transport of every connector: deadlines, retries, and answers proved whole before anybody parses them.

It is an adapter below the vendors' libraries, so that neither their retries nor their patience matter. A body is read
to its end under a wall-clock deadline; a broken one is asked for again; what stays wrong ends as one of the errors
below, whose text says what to do and never holds a header, a query string, a secret or a whole body.
"""

from __future__ import annotations

import ipaddress
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

EXCERPT = 200
"""Characters of a vendor's error message that are shown."""

_CHUNK = 64 * 1024
_RETRIED = {408, 425, 429, 500, 502, 503, 504}


class SourceError(Exception):
    """Something that a source did or refused; ``next_step`` says what to do about it."""

    retry_after: float | None = None
    is_final = False
    """Set where asking again can't help."""

    def __init__(self, message: str, next_step: str = "") -> None:
        self.message = message
        self.next_step = next_step
        super().__init__(f"{message}: {next_step}" if next_step else message)


class InsecureUrl(SourceError):  # noqa: N818 - the names are the errors' kinds
    """Plain http to another machine."""


class Unreachable(SourceError):  # noqa: N818
    """No connection: name, network or TLS."""


class DeadlineExceeded(SourceError):  # noqa: N818
    """The source took longer than it may."""


class NotAuthenticated(SourceError):  # noqa: N818
    """The log-in was refused (401)."""


class Forbidden(SourceError):  # noqa: N818
    """The account lacks a right (403)."""


class NotFound(SourceError):  # noqa: N818
    """No such address (404)."""


class Gone(SourceError):  # noqa: N818
    """The source has removed this interface (410)."""


class BadRequest(SourceError):  # noqa: N818
    """The source does not accept the request (another 4xx)."""


class RateLimited(SourceError):  # noqa: N818
    """Told to wait longer than a run may."""


class ServerFailed(SourceError):  # noqa: N818
    """The source failed (5xx), again and again."""


class BrokenAnswer(SourceError):  # noqa: N818
    """An answer that is cut, of the wrong type, or not what it says it is."""


class Inconsistent(SourceError):  # noqa: N818
    """Answers that contradict each other: paging went wrong, or the source ignores what we ask."""


Check = Callable[[requests.Response], None]
"""Looks at a response whose content has been read; raises BrokenAnswer to have it asked for again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds. ``body`` is the wall-clock time that one whole answer may take.

    ``budget`` bounds the sleeping that one request may cost, and so the longest Retry-After that is honoured; ``base``
    and ``cap`` shape the full-jitter back-off; ``per_minute`` paces the requests of one session.
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

    ``requests`` counts every attempt, ``retries`` those after the first; ``last`` is the last good answer.
    """

    def __init__(
        self,
        patience: Patience | None = None,
        check: Check | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = _wall,
        random: random.Random = random.Random(),  # noqa: B008 - jitter need not be repeatable
    ) -> None:
        super().__init__(max_retries=0)
        self.patience = patience or Patience()
        self.requests = 0
        self.retries = 0
        self.last: requests.Response | None = None
        self._check, self._sleep, self._clock, self._wall, self._random = check, sleep, clock, wall, random
        self._next_at: float | None = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """One sound answer; ``stream`` and ``timeout`` of the caller are overruled."""
        require_secure(request.url or "")
        slept = 0.0
        for attempt in range(1, self.patience.attempts + 1):
            self._pace()
            self.requests += 1
            self.retries += attempt > 1
            try:
                response = self._attempt(request, kwargs)
            except (Unreachable, DeadlineExceeded, ServerFailed, BrokenAnswer, RateLimited) as error:
                if attempt == self.patience.attempts or error.is_final:
                    raise
                slept += self._wait(error, attempt, slept)
                continue
            self.last = response
            return response
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(self, request: requests.PreparedRequest, kwargs: Mapping[str, Any]) -> requests.Response:
        where = place(request.url)
        passed = {name: kwargs[name] for name in ("verify", "cert", "proxies") if name in kwargs}
        deadline = self._clock() + self.patience.body
        try:
            response = super().send(
                request,
                stream=True,
                timeout=(self.patience.connect, min(self.patience.read, self.patience.body)),
                **passed,
            )
        except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectTimeout) as error:
            raise DeadlineExceeded(
                f"{where} did not answer in time", "is the tool slow or the page size too large?"
            ) from error
        except requests.exceptions.SSLError as error:
            raise _final(
                Unreachable(f"{where}: the TLS certificate is not accepted", "check the url, or give the private CA")
            ) from error
        except requests.exceptions.ConnectionError as error:
            raise Unreachable(f"{where} can't be reached", "check the url, DNS, proxy and firewall") from error
        try:
            self._read(response, deadline, where)
        finally:
            response.raw.release_conn()
        self._judge(response, where)
        return response

    def _read(self, response: requests.Response, deadline: float, where: str) -> None:
        """The whole body, however slowly it drips, up to the deadline."""
        chunks: list[bytes] = []
        raw = response.raw
        connection = getattr(raw, "connection", None) or getattr(raw, "_connection", None)
        sock = getattr(connection, "sock", None)
        try:
            while True:
                left = deadline - self._clock()
                if left <= 0:
                    raw.close()
                    raise DeadlineExceeded(
                        f"{where} sent no whole answer within {self.patience.body:g} s", "lower the page size"
                    )
                if sock is not None:
                    sock.settimeout(max(0.05, min(left, self.patience.read)))
                chunk = raw.read1(_CHUNK, decode_content=True)
                if not chunk:
                    break
                chunks.append(chunk)
        except urllib3.exceptions.ReadTimeoutError as error:
            raw.close()
            raise DeadlineExceeded(
                f"{where} stopped sending", "is the tool slow or the page size too large?"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raw.close()
            raise BrokenAnswer(
                f"{where} sent a body that is cut or damaged", "run again; if it stays, ask the tool's operator"
            ) from error
        response._content = b"".join(chunks)
        response._content_consumed = True  # type: ignore[attr-defined]
        stated = response.headers.get("Content-Length", "")
        plain = not response.headers.get("Content-Encoding")
        if plain and stated.isdigit() and int(stated) != len(response.content):
            raise BrokenAnswer(f"{where} promised {stated} bytes and sent {len(response.content)}", "run again")

    def _judge(self, response: requests.Response, where: str) -> None:
        status = response.status_code
        if status in _RETRIED:
            raise _busy(response, where, self._wall())
        if status in (301, 302, 303, 307, 308):
            target = place(response.headers.get("Location"))
            raise _final(BrokenAnswer(f"{where} redirects to {target}, a log-in page?", "check the url and the log-in"))
        if status >= 400:
            raise _refused(response, where)
        kind = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if status == HTTPStatus.ACCEPTED or not response.content:
            raise BrokenAnswer(
                f"{where} answered {status} with no content", "run again; is another client using this session?"
            )
        if not (kind == "application/json" or kind.endswith("+json")):
            raise BrokenAnswer(
                f"{where} answered with {kind or 'no content type'} instead of JSON, a log-in or maintenance page?",
                "open the url in a browser and look",
            )
        if self._check is not None:
            self._check(response)

    def _wait(self, error: SourceError, attempt: int, slept: float) -> float:
        """Sleep as told, or a random while; returns the seconds."""
        told = error.retry_after
        pause = (
            told
            if told is not None
            else self._random.uniform(0, min(self.patience.cap, self.patience.base * 2**attempt))
        )
        if slept + pause > self.patience.budget:
            if told is not None:
                raise RateLimited(
                    f"{error.message}, and asks to wait {told:g} s",
                    f"more than the {self.patience.budget:g} s that a request may cost; the next run carries on",
                ) from error
            raise error
        self._sleep(pause)
        return pause

    def _pace(self) -> None:
        if self.patience.per_minute is None:
            return
        now = self._clock()
        if self._next_at is not None and now < self._next_at:
            self._sleep(self._next_at - now)
            now = self._next_at
        self._next_at = now + 60 / self.patience.per_minute


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
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return
    raise InsecureUrl(f"{place(url)} is not https", "write the url with https://; plain http is for this machine only")


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header: a whole or decimal number, or a date; None for anything else."""
    if value is None:
        return None
    try:
        seconds = float(value.strip())
        return seconds if 0 <= seconds < float("inf") else None
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def place(url: str | None) -> str:
    """Scheme, host and path: what of a URL may stand in a message."""
    parts = urlsplit(url or "")
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return clean(f"{parts.scheme}://{host}{port}{parts.path}" if host else parts.path or "an unknown address")


def clean(text: str) -> str:
    """One line without control characters, at most EXCERPT characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _busy(response: requests.Response, where: str, now: datetime) -> SourceError:
    status = response.status_code
    text = f"{where} answered {status} {_words(response)}".rstrip()
    error: SourceError
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        error = RateLimited(text, "lower per_minute for this source, or run later")
    elif status in (408, 425):
        error = DeadlineExceeded(text, "lower the page size")
    else:
        error = ServerFailed(text, "run again later; the next run carries on")
    error.retry_after = retry_after(response.headers.get("Retry-After"), now)
    return error


def _refused(response: requests.Response, where: str) -> SourceError:
    text = f"{where} answered {response.status_code} {_words(response)}".rstrip()
    kinds: dict[int, tuple[type[SourceError], str]] = {
        401: (NotAuthenticated, "check the log-in in the environment"),
        403: (Forbidden, "give the account the right to read it"),
        404: (NotFound, "check the url, and whether the tool has this table or interface"),
        410: (Gone, "the tool removed this interface: a newer version of the connector is needed"),
    }
    kind, step = kinds.get(response.status_code, (BadRequest, "the tool does not accept the request"))
    return kind(text, step)


def _words(response: requests.Response) -> str:
    """The vendor's own error message, when the body is JSON and has one."""
    try:
        document = json.loads(response.content)
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    error = document.get("error")
    words = [error] if isinstance(error, str) else []
    if isinstance(error, dict):
        words = [str(error[name]) for name in ("message", "detail") if error.get(name)]
    listed = document.get("errorMessages")
    words += [str(word) for word in listed] if isinstance(listed, list) else []
    if isinstance(document.get("errors"), dict):
        words += [f"{name}: {word}" for name, word in document["errors"].items()]
    return f"({clean('; '.join(words))})" if words else ""


def _final(error: SourceError) -> SourceError:
    error.is_final = True
    return error
