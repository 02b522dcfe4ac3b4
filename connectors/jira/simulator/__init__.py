"""A Jira site with Service Management on the loopback interface, with what makes real ones lose issues.

Cloud hands out page tokens and no total, caps pages without a word, shows at most 40 histories inside an issue, and
serves a visitor with wrong credentials as anonymous; Data Center pages by offset, and not behind its result window.
Where a site forgives a mistake (an unknown parameter, a null in a body), this one does not.
"""

from __future__ import annotations

import binascii
import ssl
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from threading import RLock
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec

from connectors.jira.simulator.arguments import refused
from connectors.jira.simulator.call import Call
from connectors.jira.simulator.cloud import Cloud
from connectors.jira.simulator.datacenter import DataCenter
from connectors.jira.simulator.faults import PAGE_CAPS, Fault, Plan, RefusedError, problem
from connectors.jira.simulator.holdings import Holdings, Views
from connectors.jira.simulator.index import Cursors
from connectors.jira.simulator.servicedesk import beside, is_beside, parameters
from connectors.jira.simulator.site import Document, Issue, Site
from connectors.loopback import Answer, Served

Deployment = Literal["cloud", "datacenter"]

_LONGEST_TARGET = 8192
"""Characters of a request target; a longer one is answered with 414."""

ACCOUNT = "712020:6f0c4d5e-93a1-4b7e-8f52-0d1e2c3b4a59"
"""The account's id on Cloud."""


class Request(NamedTuple):
    """A request as it was received.

    ``params`` are those of the query (a list where one is given more than once), or the members of a JSON body.
    """

    method: str
    path: str
    params: dict[str, Any]


class Simulator(Served):
    """One site, one account that may read it, a clock that stands still until it is advanced.

    The account shows ``username`` and ``token`` on Cloud (basic), the token alone on Data Center (bearer). ``page_cap``
    is the most of any page; ``account`` is the account's id (Cloud) or name. ``before`` is called ahead of every
    answer, for writes between two requests. All methods may be called while it serves.
    """

    def __init__(
        self,
        site: Site,
        *,
        now: datetime,
        deployment: Deployment = "cloud",
        username: str = "evidence@example.com",
        token: str = "demo-only",  # noqa: S107
        page_cap: int = 10_000,
        result_window: int = 10_000,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.now = now
        self.deployment = deployment
        self.username = username
        self.token = token
        self.page_cap = page_cap
        self.result_window = result_window
        self.log: list[Request] = []
        self.faults: list[Plan] = []
        self.before: Callable[[Request], None] | None = None
        self.account = ACCOUNT if deployment == "cloud" else username.partition("@")[0]
        self._holdings = Holdings(site, now, shows_archived_projects=deployment == "datacenter")
        self._cursors = Cursors()
        self._lock = RLock()
        super().__init__(port, tls)

    def advance(self, now: datetime, site: Site | None = None) -> None:
        """Set the site's clock, and all that it holds when a site is given. Page tokens and hidden issues stay so."""
        with self._lock:
            self.now = now
            if site is not None:
                self._holdings.load(site)
            self._holdings.advance(now)

    def lag(self, lag: timedelta) -> None:
        """Let the search show changes from now on only so much later, by the site's clock."""
        with self._lock:
            self._holdings.lag = lag

    def put(self, *issues: Issue) -> None:
        """Add issues, or replace those of the same id."""
        with self._lock:
            self._holdings.put(issues)

    def remove(self, id_: str) -> None:
        """Delete an issue. Raises KeyError when it is not there."""
        with self._lock:
            self._holdings.remove(id_)

    def move(self, id_: str, project_key: str, number: int) -> None:
        """Move an issue to another project, under a new key. Raises KeyError when one of them is not there."""
        with self._lock:
            self._holdings.move(id_, project_key, number)

    def archive(self, id_: str) -> None:
        """Put an issue into the archive: not in the search, still found by its id. Raises KeyError."""
        with self._lock:
            self._holdings.archive(id_)

    def put_away(self, project_key: str, *, is_trashed: bool = False) -> None:
        """Put a project into the archive, or the trash. Raises KeyError when it is not there."""
        with self._lock:
            self._holdings.put_away(project_key, is_trashed=is_trashed)

    def bring_back(self, project_key: str) -> None:
        """Make a project live again. Raises KeyError when it is not there."""
        with self._lock:
            self._holdings.bring_back(project_key)

    def hide(self, *ids: str) -> None:
        """Take the right to see issues away: it is as if they were not there."""
        with self._lock:
            for id_ in ids:
                self._holdings.hide(id_, is_hidden=True)

    def show(self, *ids: str) -> None:
        """Give the right back."""
        with self._lock:
            for id_ in ids:
                self._holdings.hide(id_, is_hidden=False)

    def deny(self, project_key: str) -> None:
        """Take the permission to browse a project away."""
        with self._lock:
            self._holdings.deny(project_key, is_denied=True)

    def allow(self, project_key: str) -> None:
        """Give it back."""
        with self._lock:
            self._holdings.deny(project_key, is_denied=False)

    def views(self) -> Views:
        """What the account is shown now, by the search and by id: to hold against what a reader has stored."""
        with self._lock:
            return self._holdings.views()

    def expire_tokens(self) -> None:
        """Make every page token so far worthless."""
        with self._lock:
            self._cursors.expire()

    def fail(
        self,
        fault: Fault,
        *,
        times: int = 1,
        after: int = 0,
        path: str = "",
        retry_after: str | None = None,
        piece: int = 100,
        pause: float = 0.3,
    ) -> Plan:
        """Switch a fault on for the next requests (see ``Plan``); several are served in the order of their arrival."""
        plan = Plan(fault, times, after, path, retry_after, piece, pause)
        with self._lock:
            self.faults.append(plan)
        return plan

    def heal(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self.faults.clear()

    def answer(self, method: str, target: str, headers: Message[str, str], body: bytes) -> Answer:
        """The answer to a request, spoilt where a fault is planned. The server calls it."""
        parts = urlsplit(target)
        with self._lock:
            try:
                given = parameters(parts.path, parts.query, body) or _parameters(method, parts.query, body)
            except RefusedError as refusal:
                return self._dated(refusal.answer)
            request = Request(method, parts.path, _single(given) if method != "POST" else given)
            self.log.append(request)
        if self.before is not None:
            self.before(request)
        with self._lock:
            plan = next((plan for plan in self.faults if plan.takes(request.path)), None)
            is_rejected = plan is not None and plan.fault is Fault.ANONYMOUS
            try:
                if len(target) > _LONGEST_TARGET:
                    raise RefusedError(problem(414, "Request URI is too long"))
                cap = self.page_cap if plan is None else PAGE_CAPS.get(plan.fault, self.page_cap)
                answer = self._answer(request, given, None if is_rejected else headers, cap)
            except RefusedError as refusal:
                answer = refusal.answer
            if plan is not None and not is_rejected:
                answer = plan.spoil(answer, request.params)
            return self._dated(answer)

    def _dated(self, answer: Answer) -> Answer:
        return replace(
            answer, headers={"Date": format_datetime(self.now.astimezone(UTC), usegmt=True), **answer.headers}
        )

    def _answer(
        self, request: Request, given: Mapping[str, Any], headers: Message[str, str] | None, cap: int
    ) -> Answer:
        """Answer by the deployment's rules. No headers: the credentials are refused, whatever they are."""
        shown = headers.get("Authorization") if headers is not None else "refused"
        is_known = headers is not None and self._is_known(shown or "")
        reason = None if is_known or not shown else "AUTHENTICATED_FAILED"
        call = Call(request.method, request.path, given, self.now, is_known, reason)
        if is_beside(call.path):
            return beside(call, self._holdings.site, self.deployment == "cloud", self.page_cap, headers)
        search, by_id = self._holdings.views()
        if self.deployment == "cloud":
            return Cloud(search, by_id, self._cursors, self._account(), cap, self.url).answer(call)
        return DataCenter(search, by_id, self._account(), cap, self.result_window, self.url).answer(call)

    def _is_known(self, shown: str) -> bool:
        kind, _, value = shown.partition(" ")
        if self.deployment == "datacenter":
            return kind.lower() == "bearer" and value == self.token
        try:
            return (
                kind.lower() == "basic" and b64decode(value, validate=True).decode() == f"{self.username}:{self.token}"
            )
        except (binascii.Error, UnicodeDecodeError):
            return False

    def _account(self) -> Document:
        """What ``/myself`` says."""
        site = self._holdings.site
        own = {
            "emailAddress": self.username,
            "displayName": "Evidence Integration",
            "active": True,
            "timeZone": site.time_zone,
            "locale": "en_GB",
        }
        if self.deployment == "cloud":
            return {
                "self": f"{site.url}/rest/api/3/user?accountId={self.account}",
                "accountId": self.account,
                "accountType": "atlassian",
                **own,
            }
        return {
            "self": f"{site.url}/rest/api/2/user?username={self.account}",
            "key": "JIRAUSER10000",
            "name": self.account,
            **own,
        }


def _parameters(method: str, query: str, body: bytes) -> dict[str, Any]:
    """The query's parameters, each a list of texts; for a POST the members of its body, which must be an object."""
    if method != "POST":
        found: dict[str, Any] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found
    if query:
        raise refused("query parameters are not supported for POST")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise refused(f"There was an error parsing JSON. Check that your request body is valid. {error}") from error


def _single(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a query with the list around a lone value taken off."""
    return {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in params.items()}
