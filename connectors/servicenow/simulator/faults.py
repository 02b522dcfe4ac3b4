"""What goes wrong between a ServiceNow instance and its readers: each fault spoils an answer that was good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

import msgspec

from connectors.loopback import Answer

JSON = "application/json;charset=UTF-8"
HTML = "text/html;charset=UTF-8"


class Fault(Enum):
    """The faults that can be switched on."""

    RATE_LIMITED = auto()
    BUSY = auto()
    SERVER_ERROR = auto()
    BAD_GATEWAY = auto()
    UNAVAILABLE = auto()
    DISCONNECTED = auto()
    CUT_BODY = auto()
    CUT_CHUNKS = auto()
    CUT_JSON = auto()
    CANCELLED = auto()
    CANCELLED_EMPTY = auto()
    ERROR_ONLY = auto()
    BROKEN_RECORD = auto()
    TEXT_RECORD = auto()
    ACCEPTED = auto()
    UNAUTHENTICATED = auto()
    FORBIDDEN = auto()
    LOGIN_PAGE = auto()
    HIBERNATING = auto()
    NO_TOTAL = auto()
    SLOW = auto()
    HELD = auto()
    SECOND_FACTOR = auto()


@dataclass(slots=True)
class Plan:
    """A fault switched on: for the next ``times`` answers (of ``table``, when named) after the first ``after``.

    ``retry_after`` is sent as it stands; ``pause`` is in seconds: between pieces of ``piece`` bytes of a slow body, or
    before a connection that is held is closed without an answer.
    """

    fault: Fault
    times: int = 1
    after: int = 0
    table: str | None = None
    retry_after: str | None = None
    piece: int = 100
    pause: float = 0.3

    def takes(self, table: str | None) -> bool:
        """Whether this answer is the plan's to spoil; counts it."""
        if self.times <= 0 or (self.table is not None and self.table != table):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True

    @property
    def hold(self) -> float:
        """Seconds for which nothing is sent."""
        return self.pause if self.fault is Fault.HELD else 0.0

    def spoil(self, answer: Answer) -> Answer:
        """The bad answer in place of the good one."""
        return _SPOILERS[self.fault](answer, self)


def problem(status: int, message: str, detail: str | None, **headers: str) -> Answer:
    """The platform's own form of an error."""
    body = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return Answer(status, {"Content-Type": JSON, **headers}, msgspec.json.encode(body))


def unauthenticated() -> Answer:
    """No or wrong credentials."""
    answer = problem(401, "User Not Authenticated", "Required to provide Auth information")
    return replace(answer, headers={**answer.headers, "WWW-Authenticate": 'BASIC realm="Service-now"'})


def forbidden() -> Answer:
    """No right to the table or to a field of the query."""
    detail = "Field(s) present in the query do not have permission to be read"
    return problem(403, "Insufficient rights to query records", detail)


def limited(limit: int, rule: str, retry_after: str | None) -> Answer:
    """A request beyond the rate limit of so many an hour."""
    answer = problem(429, "Rate limit exceeded", f"Rate limit of {limit} requests per hour for {rule} exceeded")
    limits = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Reset": "1793500200", "X-RateLimit-Rule": rule}
    wait = {} if retry_after is None else {"Retry-After": retry_after}
    return replace(answer, headers={**answer.headers, **limits, **wait})


def broken_record(answer: Answer) -> Answer:
    """A record that can't be written out breaks the JSON of the page that it is on."""
    cut = answer.body.rstrip()[:-2]
    return replace(answer, body=cut + b',"error":{"message":"Record could not be written"}],"status":"failure"}')


def _html(status: int, title: str) -> Answer:
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, {"Content-Type": HTML}, body.encode())


def _rate_limited(_: Answer, plan: Plan) -> Answer:
    return limited(100, plan.table or "Table API", plan.retry_after)


def _unavailable(_: Answer, plan: Plan) -> Answer:
    answer = _html(503, "Service Unavailable")
    return replace(answer, headers={**answer.headers, **_wait(plan)})


def _wait(plan: Plan) -> dict[str, str]:
    return {} if plan.retry_after is None else {"Retry-After": plan.retry_after}


def cancelled(answer: Answer) -> Answer:
    """The quota ended the transaction: the rows written by then, and an error behind them, under status 200."""
    error = {
        "message": "Transaction cancelled: maximum execution time exceeded",
        "detail": "Transaction cancelled: maximum execution time exceeded Check logs for error trace or enable "
        "glide.rest.debug property to verify REST request processing",
    }
    body = {"result": _records(answer), "error": error, "status": "failure"}
    return replace(answer, body=msgspec.json.encode(body))


def _second_factor(*_: object) -> Answer:
    """The password was right, and a code of the second factor is asked for."""
    refused = unauthenticated()
    return replace(refused, headers={**refused.headers, "X-MFA_TOKEN": "required"})


def _records(answer: Answer) -> list[object]:
    """The first half of the records of a page; nothing when the answer holds none."""
    document = msgspec.json.decode(answer.body)
    result = document.get("result") if isinstance(document, dict) else None
    return result[: (len(result) + 1) // 2] if isinstance(result, list) else []


def _text_record(answer: Answer) -> Answer:
    text = "Transaction cancelled: maximum execution time exceeded"
    return replace(answer, body=msgspec.json.encode({"result": [*_records(answer), text]}))


def _with_body(answer: Answer, body: bytes) -> Answer:
    return replace(answer, body=body)


def _half(answer: Answer) -> bytes:
    return answer.body[: len(answer.body) // 2]


def _without_total(answer: Answer) -> Answer:
    return replace(answer, headers={name: v for name, v in answer.headers.items() if name != "X-Total-Count"})


_LOGIN = Answer(302, {"Location": "/login_redirect.do?sysparm_stack=no"})
_BUSY = Answer(429, {"Content-Type": HTML}, b"<html><body>Maximum number of concurrent requests</body></html>")

_SPOILERS: Mapping[Fault, Callable[[Answer, Plan], Answer]] = {
    Fault.RATE_LIMITED: _rate_limited,
    Fault.BUSY: lambda _, plan: replace(_BUSY, headers={**_BUSY.headers, **_wait(plan)}),
    Fault.SERVER_ERROR: lambda *_: _html(500, "Internal Server Error"),
    Fault.BAD_GATEWAY: lambda *_: _html(502, "Bad Gateway"),
    Fault.UNAVAILABLE: _unavailable,
    Fault.DISCONNECTED: lambda *_: Answer(0),
    Fault.CUT_BODY: lambda good, _: replace(good, announced=len(good.body), body=_half(good)),
    Fault.CUT_CHUNKS: lambda good, _: replace(good, is_unfinished=True, body=_half(good)),
    Fault.CUT_JSON: lambda good, _: replace(good, body=_half(good)),
    Fault.CANCELLED: lambda good, _: cancelled(good),
    Fault.CANCELLED_EMPTY: lambda good, _: cancelled(_with_body(good, b"{}")),
    Fault.ERROR_ONLY: lambda *_: problem(200, "Transaction cancelled: maximum execution time exceeded", None),
    Fault.BROKEN_RECORD: lambda good, _: broken_record(good),
    Fault.TEXT_RECORD: lambda good, _: _text_record(good),
    Fault.ACCEPTED: lambda *_: Answer(202, {"Content-Type": JSON}),
    Fault.UNAUTHENTICATED: lambda *_: unauthenticated(),
    Fault.FORBIDDEN: lambda *_: forbidden(),
    Fault.LOGIN_PAGE: lambda *_: _LOGIN,
    Fault.HIBERNATING: lambda *_: _html(200, "Hibernating Instance"),
    Fault.NO_TOTAL: lambda good, _: _without_total(good),
    Fault.HELD: lambda *_: Answer(0),
    Fault.SECOND_FACTOR: _second_factor,
    Fault.SLOW: lambda good, plan: replace(good, piece=plan.piece, pause=plan.pause),
}
