"""A ServiceNow instance on the loopback interface, with what makes real ones lose rows.

The limit and the offset of a page are applied before the row ACLs, ``X-Total-Count`` counts what the account may not
see, a condition on an unknown field is dropped without a word, and without ORDERBY no two requests have one order.
Where an instance forgives a mistake (an unknown parameter, an operator that it can't read), this one does not.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.message import Message
from email.utils import format_datetime
from threading import RLock
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from connectors.loopback import Answer, Served
from connectors.servicenow.rendering.values import sys_id
from connectors.servicenow.simulator.accounts import Accounts
from connectors.servicenow.simulator.display import Display, Shown
from connectors.servicenow.simulator.encoded_query import QueryError, parse
from connectors.servicenow.simulator.faults import (
    JSON,
    Fault,
    Plan,
    broken_record,
    forbidden,
    problem,
    unauthenticated,
)
from connectors.servicenow.simulator.parameters import Parameters, RefusedError
from connectors.servicenow.simulator.tables import Row, Table

TOKEN_PATH = "/oauth_token.do"  # noqa: S105
_LONGEST_TARGET = 8192
"""Characters of a request target; a longer one is answered with 414."""


class Request(NamedTuple):
    """A request as it was received."""

    method: str
    path: str
    params: dict[str, str]


@dataclass(slots=True)
class Access:
    """What the account may not see: rows by table and sys_id, tables, fields by table and name."""

    rows: set[tuple[str, str]] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    fields: set[tuple[str, str]] = field(default_factory=set)


class Simulator(Served):
    """One instance: tables of text, one account that may read them, a clock that stands still until it is advanced.

    ``page_cap`` is the default and the most of ``sysparm_limit``. ``before`` is called ahead of every answer, for
    writes between two requests. All methods may be called while it serves.
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
        self.now = now
        self.page_cap = page_cap
        self.invalid_query_returns_no_rows = invalid_query_returns_no_rows
        self.log: list[Request] = []
        self.faults: list[Plan] = []
        self.before: Callable[[Request], None] | None = None
        self.accounts = Accounts(username, password, client_id, client_secret, api_key, token_uses)
        self._tables: dict[str, Table] = {}
        self._access = Access()
        self._account = ""
        self._poisoned: dict[tuple[str, str], str | None] = {}
        self._turn = 0
        self._lock = RLock()
        super().__init__(port, tls)
        for table, rows in (tables or {}).items():
            self.put(table, rows)
        self._admit(username)

    def put(self, table: str, rows: Iterable[Mapping[str, str]]) -> None:
        """Insert rows, or replace those of the same sys_id; makes the table when it is new."""
        with self._lock:
            self._tables.setdefault(table, Table()).put(rows)

    def remove(self, table: str, key: str) -> None:
        """Delete a row by its sys_id. Raises KeyError when it is not there."""
        with self._lock:
            self._tables[table].remove(key)

    def load(self, tables: Mapping[str, Iterable[Mapping[str, str]]]) -> None:
        """Make the named tables hold these rows and no others; the account's own row stays."""
        with self._lock:
            for table, rows in tables.items():
                kept = self._tables.get(table)
                self._tables[table] = Table(rows)
                if kept is not None:
                    self._tables[table].columns |= kept.columns
            self._admit(self.accounts.username)

    def advance(self, now: datetime) -> None:
        """Set the instance's clock."""
        with self._lock:
            self.now = now

    def hide(self, table: str, key: str) -> None:
        """A row ACL: the row is counted and takes its place on a page, but is not shown."""
        self._access.rows.add((table, key))

    def show(self, table: str, key: str) -> None:
        """Take the row ACL back."""
        self._access.rows.discard((table, key))

    def withhold(self, table: str, name: str) -> None:
        """A field ACL: the field is missing from every row."""
        self._access.fields.add((table, name))

    def expose(self, table: str, name: str) -> None:
        """Take the field ACL back."""
        self._access.fields.discard((table, name))

    def forbid(self, table: str) -> None:
        """A table ACL: 403."""
        self._access.tables.add(table)

    def allow(self, table: str) -> None:
        """Take the table ACL back."""
        self._access.tables.discard(table)

    def absent(self, table: str) -> None:
        """The instance does not have the table: 400."""
        with self._lock:
            self._tables.pop(table, None)

    def poison(self, table: str, key: str, name: str | None = None) -> None:
        """The row (or one field of it) can't be written out: every page that it is on is broken JSON."""
        self._poisoned[(table, key)] = name

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

    def heal(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self.faults.clear()

    def expire_tokens(self) -> None:
        """Make every access token so far worthless."""
        self.accounts.expire_tokens()

    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The answer to a request, spoilt where a fault is planned. The server calls it."""
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        request = Request(method, parts.path, dict(pairs))
        self.log.append(request)
        if self.before is not None:
            self.before(request)
        with self._lock:
            try:
                if len(target) > _LONGEST_TARGET:
                    raise RefusedError(problem(414, "Request URI is too long", None))
                answer = self._answer(request, pairs, headers, body)
            except RefusedError as refusal:
                answer = refusal.answer
            except QueryError as error:
                answer = problem(400, "Invalid query", str(error))
            answer = self._spoil(request, answer)
            return replace(answer, headers={"Date": format_datetime(self.now, usegmt=True), **answer.headers})

    def _spoil(self, request: Request, answer: Answer) -> Answer:
        """Faults that name no table leave the token alone."""
        name = request.path.rpartition("/")[2]
        plans = [plan for plan in self.faults if plan.table == name or request.path != TOKEN_PATH]
        plan = next((plan for plan in plans if plan.takes(name)), None)
        return answer if plan is None else plan.spoil(answer)

    def _answer(
        self, request: Request, pairs: Sequence[tuple[str, str]], headers: Message[str, str], body: bytes
    ) -> Answer:
        if request.path == TOKEN_PATH and request.method == "POST":
            return self.accounts.grant(headers, body, self.now)
        if not self.accounts.is_known(headers, self.now):
            return unauthenticated()
        if request.method != "GET":
            return problem(403, "Operation Failed", "ACL Exception: the account may read only")
        match request.path.strip("/").split("/"):
            case ["api", "now", "table", name] | ["api", "now", "v2", "table", name]:
                return self._page(name, Parameters.read(pairs, self.page_cap), request)
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
        display = Display(self.url, name, self._tables, parameters.mode, parameters.has_links)
        columns = self._readable(name, parameters.fields)
        body = msgspec.json.encode({"result": _shown(visible, columns, display)})
        headers = {"Content-Type": JSON}
        if parameters.has_total:
            headers["X-Total-Count"] = str(len(found))
        if parameters.has_pagination and (links := self._links(request, parameters, len(found))):
            headers["Link"] = links
        answer = Answer(200, headers, body)
        return broken_record(answer) if self._is_poisoned(name, visible, columns) else answer

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
        scripts = {"gs.getUserID()": self._account, "gs.getUserName()": self.accounts.username}
        query = parse(text, table.columns, scripts)
        if query.dropped and self.invalid_query_returns_no_rows:
            return []
        rows = table.select(query)
        if query.orders or not rows:
            return rows
        self._turn += 1
        start = self._turn * (len(rows) // 3 + 1) % len(rows)
        return [*rows[start:], *rows[:start]]

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

    def _admit(self, username: str) -> None:
        """Give the account a row in ``sys_user``, as every account has one."""
        users = self._tables.setdefault("sys_user", Table())
        own = next((key for key, row in users.rows.items() if row.get("user_name") == username), None)
        self._account = own or sys_id("account", username)
        if own is None:
            users.put([_user(self._account, username)])


def _user(key: str, username: str) -> Row:
    created = {"sys_created_on": "2024-01-02 00:00:00", "sys_created_by": "admin"}
    updated = {"sys_updated_on": "2024-01-02 00:00:00", "sys_updated_by": "admin", "sys_mod_count": "0"}
    return {
        "sys_id": key,
        "user_name": username,
        "name": "Evidence Integration",
        "first_name": "Evidence",
        "last_name": "Integration",
        "email": "",
        "active": "true",
        "time_zone": "GMT",
        "sys_domain": "global",
        **created,
        **updated,
    }


def _shown(rows: Sequence[Row], columns: Sequence[str], display: Display) -> list[dict[str, Shown]]:
    """The rows as they are written into the answer."""
    if display.is_plain:
        return [{column: row.get(column, "") for column in columns} for row in rows]
    return [{column: display.show(column, row.get(column, "")) for column in columns} for row in rows]
