"""A ServiceNow instance on the loopback interface, with what makes real ones lose rows.

The limit and the offset of a page are applied before the row ACLs, ``X-Total-Count`` counts what the account may not
see, a condition on an unknown field is dropped without a word, without ORDERBY no two requests have one order, and a
session serves one request at a time. Where an instance forgives a mistake (an unknown parameter, an operator that it
can't read), this one does not.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from email.message import Message
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from connectors.loopback import Answer, Served
from connectors.servicenow.simulator import batch
from connectors.servicenow.simulator.access import Refusal
from connectors.servicenow.simulator.accounts import Accounts
from connectors.servicenow.simulator.display import Display, Shown, to_utc
from connectors.servicenow.simulator.encoded_query import QueryError, parse
from connectors.servicenow.simulator.faults import (
    JSON,
    Fault,
    Plan,
    broken_record,
    cancelled,
    forbidden,
    problem,
    unauthenticated,
)
from connectors.servicenow.simulator.holdings import Holdings
from connectors.servicenow.simulator.parameters import Parameters, RefusedError
from connectors.servicenow.simulator.sessions import Quota, Sessions, cookie
from connectors.servicenow.simulator.tables import Row

__all__ = ["TOKEN_PATH", "Fault", "Plan", "Refusal", "Request", "Simulator"]

TOKEN_PATH = "/oauth_token.do"  # noqa: S105
_LONGEST_TARGET = 8192
"""Characters of a request target; a longer one is answered with 414."""
_TOO_LONG = problem(414, "Request URI is too long", None)
_NO_RECORD = ("No Record found", "Record doesn't exist or ACL restricts the record retrieval")


class Request(NamedTuple):
    """A request as it was received."""

    method: str
    path: str
    params: dict[str, str]

    @property
    def table(self) -> str:
        """The last part of the path: the table that is asked for."""
        return self.path.rpartition("/")[2]


class Simulator(Holdings, Served):
    """One instance that is served.

    ``page_cap`` is the default and the most of ``sysparm_limit``. ``before`` is called ahead of every answer, for
    writes between two requests (in many threads when many requests come at once). Switches, all off at first:
    ``literals_in_user_zone`` reads times of a query by the account's clock; ``transaction_rows`` cancels a transaction
    that would write out more rows than that; ``uncounted`` names tables without ``X-Total-Count``.
    """

    def __init__(
        self,
        tables: Mapping[str, Iterable[Mapping[str, str]]] | None = None,
        *,
        now: datetime,
        username: str = "evidence",
        password: str = "demo-only",  # noqa: S107
        client_id: str = "evidence-client",
        client_secret: str = "demo-only",  # noqa: S107
        api_key: str = "demo-only",
        token_uses: int | None = None,
        page_cap: int = 10000,
        invalid_query_returns_no_rows: bool = False,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        Holdings.__init__(self, now, username)
        self.page_cap = page_cap
        self.invalid_query_returns_no_rows = invalid_query_returns_no_rows
        self.literals_in_user_zone = False
        self.transaction_rows: int | None = None
        self.uncounted: set[str] = set()
        self.quota: Quota | None = None
        self.log: list[Request] = []
        self.faults: list[Plan] = []
        self.before: Callable[[Request], None] | None = None
        self.accounts = Accounts(username, password, client_id, client_secret, api_key, token_uses)
        self.sessions = Sessions()
        self._turn = 0
        Served.__init__(self, port, tls)
        for table, rows in (tables or {}).items():
            self.put(table, rows)
        self.admit()

    # -------------------------------------------------------------- faults

    def fail(
        self,
        fault: Fault,
        *,
        times: int = 1,
        after: int = 0,
        table: str | None = None,
        retry_after: str | None = None,
        piece: int = 100,
        pause: float = 0.3,
    ) -> Plan:
        """Switch a fault on for the next requests (see ``Plan``); several are served in the order of their arrival."""
        plan = Plan(fault, times, after, table, retry_after, piece, pause)
        with self._lock:
            self.faults.append(plan)
        return plan

    def ration(self, requests: int, retry_after: str | None = "3600") -> None:
        """From now on so many requests are answered, and then none (429) until this is called again, or `heal`."""
        with self._lock:
            self.quota = Quota(requests, retry_after)

    def heal(self) -> None:
        """Switch all faults off, and the quota."""
        with self._lock:
            self.faults.clear()
            self.quota = None

    def expire_tokens(self) -> None:
        """Make every access token so far worthless."""
        self.accounts.expire_tokens()

    # ------------------------------------------------------------- answers

    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The answer to a request, spoilt where a fault is planned. The server calls it, in many threads."""
        parts = urlsplit(target)
        request = Request(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)))
        self.log.append(request)
        with self.sessions.entered(headers) as session:
            if session is None:
                return Answer(202, {"Content-Type": JSON})
            if self.before is not None:
                self.before(request)
            with self._lock:
                is_short = len(target) <= _LONGEST_TARGET
                answer = self._judged(method, target, headers, body) if is_short else _TOO_LONG
                answer, hold = self._spoil(request, answer)
                date = format_datetime(self.now + self.skew, usegmt=True)
        if hold:
            self._server.stopping.wait(hold)
        return replace(answer, headers={"Date": date, **cookie(headers, session), **answer.headers})

    def _spoil(self, request: Request, answer: Answer) -> tuple[Answer, float]:
        """The answer, and for how long it is held back. Faults that name no table leave the token alone."""
        name = request.table
        plans = [plan for plan in self.faults if plan.table == name or request.path != TOKEN_PATH]
        plan = next((plan for plan in plans if plan.takes(name)), None)
        return (answer, 0.0) if plan is None else (plan.spoil(answer), plan.hold)

    def _judged(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The answer or the refusal."""
        try:
            return self._answer(method, target, headers, body)
        except RefusedError as refusal:
            return refusal.answer
        except QueryError as error:
            return problem(400, "Invalid query", str(error))

    def _answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        request = Request(method, parts.path, dict(pairs))
        if request.path == TOKEN_PATH and request.method == "POST":
            return self.accounts.grant(headers, body, self.now)
        if not self.accounts.is_known(headers, self.now):
            return unauthenticated()
        if self.quota is not None and (refusal := self.quota.spend("Table API")) is not None:
            return refusal
        if request.path == batch.PATH and request.method == "POST":
            return batch.serve(body, lambda method, target: self._judged(method, target, headers, b""), headers)
        if request.method != "GET":
            return problem(403, "Operation Failed", "ACL Exception: the account may read only")
        match request.path.strip("/").split("/"):
            case ["api", "now", "table", name] | ["api", "now", "v2", "table", name]:
                return self._page(name, Parameters.read(pairs, self.page_cap), request)
            case ["api", "now", "v1", "table", name]:
                answer = self._page(name, Parameters.read(pairs, self.page_cap), request)
                return problem(404, *_NO_RECORD) if answer.body == b'{"result":[]}' else answer
            case ["api", "now", "table", name, key] | ["api", "now", "v2", "table", name, key]:
                return self._record(name, key, Parameters.read(pairs, self.page_cap))
            case ["api", "now", "stats", name] | ["api", "now", "v1", "stats", name]:
                return self._statistics(name, Parameters.read(pairs, self.page_cap))
        return problem(400, "Requested URI does not represent any resource", None)

    def _page(self, name: str, parameters: Parameters, request: Request) -> Answer:
        """Rows of a table: first the page is cut, then the row ACLs take out of it what may not be seen."""
        if parameters.is_count:
            raise RefusedError(problem(400, "Invalid parameter", "sysparm_count"))
        found = self._select(name, parameters.query)
        page = found[parameters.offset : parameters.offset + parameters.limit]
        visible = [row for row in page if (name, row["sys_id"]) not in self._access.rows]
        columns = self._readable(name, parameters.fields)
        body = msgspec.json.encode({"result": _shown(visible, columns, self._display(name, parameters))})
        headers = {"Content-Type": JSON}
        if parameters.has_total and name not in self.uncounted:
            headers["X-Total-Count"] = str(len(found))
        if parameters.has_pagination and (links := self._links(request, parameters, len(found))):
            headers["Link"] = links
        answer = Answer(200, headers, body)
        if self.transaction_rows is not None and len(visible) > self.transaction_rows:
            return cancelled(answer)
        return broken_record(answer) if self._is_poisoned(name, visible, columns) else answer

    def _record(self, name: str, key: str, parameters: Parameters) -> Answer:
        """One row by its sys_id."""
        if name in self._access.tables:
            raise RefusedError(forbidden())
        if name not in self._tables:
            raise RefusedError(problem(400, f"Invalid table {name}", None))
        row = self._tables[name].rows.get(key)
        if row is None or (name, key) in self._access.rows:
            raise RefusedError(problem(404, *_NO_RECORD))
        columns = self._readable(name, parameters.fields)
        (shown,) = _shown([row], columns, self._display(name, parameters))
        answer = Answer(200, {"Content-Type": JSON}, msgspec.json.encode({"result": shown}))
        return broken_record(answer) if self._is_poisoned(name, [row], columns) else answer

    def _display(self, name: str, parameters: Parameters) -> Display:
        return Display(self.url, name, self._tables, parameters.mode, parameters.has_links, self.zone)

    def _readable(self, name: str, fields: Sequence[str]) -> list[str]:
        """The fields asked for, as far as they exist and may be read; every column of the table without a list."""
        columns = self._tables[name].columns
        return [
            column
            for column in dict.fromkeys(fields or sorted(columns))
            if column in columns and (name, column) not in self._access.fields
        ]

    def _is_poisoned(self, name: str, rows: Sequence[Row], columns: Sequence[str]) -> bool:
        """Whether a row or field that can't be written is on the page."""
        found = [self._poisoned.get((name, row["sys_id"]), "") for row in rows] if self._poisoned else []
        return any(column is None or column in columns for column in found)

    def _statistics(self, name: str, parameters: Parameters) -> Answer:
        """The aggregate API counts what the query matches, whatever the row ACLs say."""
        if not parameters.is_count:
            raise RefusedError(problem(400, "Invalid parameter", "only sysparm_count=true is served"))
        count = str(len(self._select(name, parameters.query)))
        return Answer(200, {"Content-Type": JSON}, msgspec.json.encode({"result": {"stats": {"count": count}}}))

    def _select(self, name: str, text: str) -> Sequence[Row]:
        """All rows that a query matches. Without an order they start at another place in each request."""
        if name in self._access.tables:
            raise RefusedError(forbidden())
        table = self._tables.get(name)
        if table is None:
            raise RefusedError(problem(400, f"Invalid table {name}", None))
        scripts = {"gs.getUserID()": self.account, "gs.getUserName()": self.username}
        query = parse(text, table.columns, scripts, self._literal)
        self._access.prove(name, query)
        if (query.dropped and self.invalid_query_returns_no_rows) or self._access.lets_nothing_match(name, query):
            return []
        if self._access.ignores_order(name):
            query.orders.clear()
        rows = table.select(query)
        if query.orders or not rows:
            return rows
        self._turn += 1
        start = self._turn * (len(rows) // 3 + 1) % len(rows)
        return [*rows[start:], *rows[:start]]

    def _literal(self, text: str) -> str:
        return to_utc(text, self.zone) if self.literals_in_user_zone else text

    def _links(self, request: Request, parameters: Parameters, total: int) -> str:
        """The Link header: nothing when all fits on one page, no ``next`` on the last."""
        limit, offset = parameters.limit, parameters.offset
        last = max(0, (total - 1) // limit * limit)
        places = {"first": 0, "prev": offset - limit, "next": offset + limit, "last": last}
        if total <= limit:
            return ""
        kept = {place: at for place, at in places.items() if 0 <= at < total and not (place == "prev" and offset == 0)}
        base = {**request.params, "sysparm_limit": str(limit)}
        return ",".join(
            f'<{self.url}{request.path}?{urlencode({**base, "sysparm_offset": str(at)})}>;rel="{place}"'
            for place, at in kept.items()
        )


def _shown(rows: Sequence[Row], columns: Sequence[str], display: Display) -> list[dict[str, Shown]]:
    """The rows as they are written into the answer."""
    if display.is_plain:
        return [{column: row.get(column, "") for column in columns} for row in rows]
    return [{column: display.show(column, row.get(column, "")) for column in columns} for row in rows]
