"""What goes wrong between a Jira site and its readers: each fault spoils an answer that was good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import msgspec

from connectors.jira.simulator.site import Document
from connectors.loopback import Answer

JSON = {"Content-Type": "application/json;charset=UTF-8"}
_HTML = {"Content-Type": "text/html;charset=UTF-8"}


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Fault(Enum):
    """The faults that can be switched on."""

    RATE_LIMITED = auto()
    UNAVAILABLE = auto()
    SERVER_ERROR = auto()
    BAD_GATEWAY = auto()
    GATEWAY_TIMEOUT = auto()
    DISCONNECTED = auto()
    CUT_BODY = auto()
    CUT_CHUNKS = auto()
    CUT_JSON = auto()
    EMPTY = auto()
    HTML = auto()
    ERROR_ONLY = auto()
    ANONYMOUS = auto()
    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    REPEATED_TOKEN = auto()
    NO_TOKEN = auto()
    NO_IS_LAST = auto()
    NULL_TOKEN = auto()
    EXPIRED_TOKEN = auto()
    SHORT_PAGE = auto()
    EMPTY_PAGE = auto()
    NO_ISSUES = auto()
    FIELD_FAILED = auto()
    ISSUE_ERRORS = auto()
    LOST_HISTORY = auto()
    ESTIMATE = auto()
    GONE = auto()
    REDIRECT = auto()
    SLOW = auto()


PAGE_CAPS = {Fault.SHORT_PAGE: 1, Fault.EMPTY_PAGE: 0}
"""Faults that are served by making the page smaller, so that nothing is lost with a token and much by an offset."""


@dataclass(slots=True)
class Plan:
    """A fault switched on: for the next ``times`` answers of a path that ends in ``path``, after the first ``after``.

    ``retry_after`` is sent as it stands; ``pause`` is in seconds between pieces of ``piece`` bytes of a slow body.
    """

    fault: Fault
    times: int = 1
    after: int = 0
    path: str = ""
    retry_after: str | None = None
    piece: int = 100
    pause: float = 0.3

    def takes(self, path: str) -> bool:
        """Whether this answer is the plan's to spoil; counts it."""
        if self.times <= 0 or not path.endswith(self.path):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True

    def spoil(self, answer: Answer, params: Mapping[str, Any]) -> Answer:
        """The bad answer in place of the good one to a request with these parameters."""
        if self.fault is Fault.REPEATED_TOKEN:
            return _edit(answer, _with_token(params.get("nextPageToken")))
        if self.fault is Fault.EXPIRED_TOKEN:
            expired = problem(400, "The nextPageToken is invalid or has expired.")
            return expired if params.get("nextPageToken") else answer
        if self.fault is Fault.FIELD_FAILED:
            return _failed_field(answer, is_loud=params.get("failFast") == "true")
        return _SPOILERS[self.fault](answer, self)


def answer(document: object, status: int = 200, **headers: str) -> Answer:
    """A JSON answer."""
    return Answer(status, {**JSON, **headers}, msgspec.json.encode(document))


def problem(status: int, *messages: str) -> Answer:
    """Jira's own form of an error."""
    return answer({"errorMessages": messages, "errors": {}}, status)


def unauthenticated(reason: str | None) -> Answer:
    """No or wrong credentials, where nobody may stay anonymous. ``reason`` is what the log-in filter says."""
    document = {"message": "Client must be authenticated to access this resource.", "status-code": 401}
    refusal = answer(document, 401)
    named = {} if reason is None else {"X-Seraph-LoginReason": reason}
    headers = {**refusal.headers, **named, "WWW-Authenticate": 'OAuth realm="https%3A%2F%2Fexample.atlassian.net"'}
    return replace(refusal, headers=headers)


def _page(status: int, title: str, **headers: str) -> Answer:
    body = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, {**_HTML, **headers}, body.encode())


def _wait(plan: Plan) -> dict[str, str]:
    return {} if plan.retry_after is None else {"Retry-After": plan.retry_after}


def _rate_limited(_: Answer, plan: Plan) -> Answer:
    limits = {
        "X-RateLimit-Limit": "350",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": "2026-11-01T02:31Z",
        "RateLimit-Reason": "jira-burst-based",
    }
    return answer({"message": "Rate limit exceeded."}, 429, **limits, **_wait(plan))


def _edit(good: Answer, change: Callable[[Document], None]) -> Answer:
    """The answer with its document changed."""
    document = msgspec.json.decode(good.body)
    if isinstance(document, dict):
        change(document)
    return replace(good, body=msgspec.json.encode(document))


def _with_token(token: object) -> Callable[[Document], None]:
    """Hand out the token that was just used, once more; a first page keeps its own."""

    def change(document: Document) -> None:
        if token:
            document["nextPageToken"] = token

    return change


def _without_token(document: Document) -> None:
    document.pop("nextPageToken", None)
    document["isLast"] = False


def _without_last(document: Document) -> None:
    document.pop("isLast", None)


def _with_issue_error(document: Document) -> None:
    """One issue could not be read this time."""
    issues = document.get("issues") or []
    failed = issues[:1]
    document["issues"] = issues[1:]
    document["issueErrors"] = [{"id": issue["id"], "errorMessage": "Issue could not be retrieved"} for issue in failed]


def _null_token(document: Document) -> None:
    """The last page names the token, and says that there is none."""
    document.setdefault("nextPageToken", None)


def _without_history(document: Document) -> None:
    """One history of the issue that has the most is left out, without a word."""
    logs = document.get("issueChangeLogs") or []
    if logs:
        max(logs, key=lambda log: len(log["changeHistories"]))["changeHistories"].pop()


def _estimated(document: Document) -> None:
    document["count"] = 2 * document["count"] + 100


def _failed_field(good: Answer, *, is_loud: bool) -> Answer:
    """A field can't be read: an error for those who ask for one, else it is left out in silence."""
    if is_loud:
        return problem(500, "Field customfield_10003 could not be read")

    def change(document: Document) -> None:
        for issue in document.get("issues", ()):
            issue["fields"].pop("summary", None)

    return _edit(good, change)


def _redirect(*_: object) -> Answer:
    return Answer(302, {**_HTML, "Location": "https://id.atlassian.com/login"}, b"<html></html>")


def _half(good: Answer) -> bytes:
    return good.body[: len(good.body) // 2]


_SPOILERS: Mapping[Fault, Callable[[Answer, Plan], Answer]] = {
    Fault.RATE_LIMITED: _rate_limited,
    Fault.UNAVAILABLE: lambda _, plan: _page(503, "Service Unavailable", **_wait(plan)),
    Fault.SERVER_ERROR: lambda *_: problem(500, "Internal server error"),
    Fault.BAD_GATEWAY: lambda *_: _page(502, "Bad Gateway"),
    Fault.GATEWAY_TIMEOUT: lambda *_: _page(504, "Gateway Timeout"),
    Fault.DISCONNECTED: lambda *_: Answer(0),
    Fault.CUT_BODY: lambda good, _: replace(good, announced=len(good.body), body=_half(good)),
    Fault.CUT_CHUNKS: lambda good, _: replace(good, is_unfinished=True, body=_half(good)),
    Fault.CUT_JSON: lambda good, _: replace(good, body=_half(good)),
    Fault.EMPTY: lambda good, _: replace(good, body=b""),
    Fault.HTML: lambda *_: _page(200, "Log in with Atlassian account"),
    Fault.ERROR_ONLY: lambda *_: problem(200, "The search index is not available"),
    Fault.UNAUTHENTICATED: lambda *_: unauthenticated("AUTHENTICATED_FAILED"),
    Fault.FORBIDDEN: lambda *_: problem(403, "You do not have permission to perform this operation."),
    Fault.NO_TOKEN: lambda good, _: _edit(good, _without_token),
    Fault.NO_IS_LAST: lambda good, _: _edit(good, _without_last),
    Fault.NULL_TOKEN: lambda good, _: _edit(good, _null_token),
    Fault.SHORT_PAGE: lambda good, _: good,
    Fault.EMPTY_PAGE: lambda good, _: good,
    Fault.NO_ISSUES: lambda good, _: _edit(good, lambda document: document.pop("issues", None)),
    Fault.ISSUE_ERRORS: lambda good, _: _edit(good, _with_issue_error),
    Fault.LOST_HISTORY: lambda good, _: _edit(good, _without_history),
    Fault.ESTIMATE: lambda good, _: _edit(good, _estimated),
    Fault.GONE: lambda *_: problem(410, "The requested API has been removed."),
    Fault.REDIRECT: _redirect,
    Fault.SLOW: lambda good, plan: replace(good, piece=plan.piece, pause=plan.pause),
}
