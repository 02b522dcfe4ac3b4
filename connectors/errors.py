"""What can go wrong with a source, and how it is said: one line, what happened and what to do.

No text here holds a header, a query string, a secret or a whole body; what a vendor says is quoted in one short line,
without the secrets that the request carried, should the answer repeat them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qsl, urlsplit

import requests

EXCERPT = 200
"""Characters of a vendor's error message that are shown."""


class SourceError(Exception):
    """Something that a source did or refused; ``next_step`` says what to do about it.

    ``retry_after`` is what the source asked to wait, in seconds; ``is_final`` is set where asking again can't help.
    """

    retry_after: float | None = None
    is_final = False

    def __init__(self, message: str, next_step: str = "") -> None:
        self.message = _line(message)
        self.next_step = _line(next_step)
        super().__init__(f"{self.message}: {self.next_step}" if next_step else self.message)


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
    """The source does not accept the request (another 4xx), or it can't even be sent."""


class RateLimited(SourceError):  # noqa: N818
    """Told to wait longer than a run may."""


class ServerFailed(SourceError):  # noqa: N818
    """The source failed (5xx), again and again."""


class BrokenAnswer(SourceError):  # noqa: N818
    """An answer that is cut, of the wrong type, or not what it says it is."""


class Inconsistent(SourceError):  # noqa: N818
    """Answers that contradict each other: paging went wrong, or the source ignores what we ask."""


REFUSALS: dict[int, tuple[type[SourceError], str]] = {
    401: (NotAuthenticated, "check the log-in in the environment"),
    403: (Forbidden, "give the account the right to read it"),
    404: (NotFound, "check the url, and whether the tool has this table or interface"),
    407: (Unreachable, "the proxy asks for a log-in: set HTTPS_PROXY with user and password in the environment"),
    408: (DeadlineExceeded, "lower the page size"),
    410: (Gone, "the tool removed this interface: a newer version of the connector is needed"),
    425: (DeadlineExceeded, "run again later"),
    429: (RateLimited, "lower per_minute for this source, or run later"),
}


def refusal(response: requests.Response) -> SourceError:
    """The error that an answer of 400 and above stands for, in the vendor's own words where it has some."""
    text = f"{place(response.url)} answered {response.status_code} {_words(response)}".rstrip()
    other = (
        (ServerFailed, "run again later; the next run carries on")
        if response.status_code >= 500
        else (BadRequest, "the tool does not accept the request")
    )
    kind, step = REFUSALS.get(response.status_code, other)
    return kind(text, step)


def place(url: str | None) -> str:
    """Scheme, host and path: what of a URL may stand in a message."""
    try:
        parts = urlsplit(url or "")
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that is no URL"
    return clean(f"{parts.scheme}://{host}{port}{parts.path}" if host else parts.path or "an unknown address")


def clean(text: str) -> str:
    """One line without control characters, at most EXCERPT characters."""
    line = _line(text)
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _words(response: requests.Response) -> str:
    """The vendor's own error message, when the body is JSON and has one."""
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    text = "; ".join(_messages(document)) if isinstance(document, dict) else ""
    for secret in sorted(_secrets(response.request), key=len, reverse=True):
        text = text.replace(secret, "***")
    return f"({clean(text)})" if text else ""


def _messages(document: dict[str, object]) -> Iterator[str]:
    """ServiceNow: error.message and error.detail, or OAuth's two words. Jira: errorMessages and errors, or message."""
    error, listed, fields = document.get("error"), document.get("errorMessages"), document.get("errors")
    if isinstance(error, dict):
        yield from (str(error[name]) for name in ("message", "detail") if error.get(name))
    yield from (word for word in (error, document.get("error_description")) if isinstance(word, str))
    yield from (str(word) for word in listed) if isinstance(listed, list) else ()
    yield from (f"{name}: {word}" for name, word in fields.items()) if isinstance(fields, dict) else ()
    if isinstance(message := document.get("message"), str):
        yield message


def _secrets(request: requests.PreparedRequest) -> set[str]:
    """The secrets that a request carried: in its headers, or in the form of a token endpoint."""
    scheme, _, given = str(request.headers.get("Authorization", "")).partition(" ")
    found = {given, str(request.headers.get("x-sn-apikey", ""))}
    if scheme.lower() == "basic":
        with suppress(binascii.Error):
            found.add(base64.b64decode(given).decode("utf-8", "replace").partition(":")[2])
    if "form-urlencoded" in str(request.headers.get("Content-Type", "")) and isinstance(request.body, str):
        found |= {
            value for name, value in parse_qsl(request.body) if name not in ("grant_type", "client_id", "username")
        }
    return {secret for secret in found if len(secret) > 2}
