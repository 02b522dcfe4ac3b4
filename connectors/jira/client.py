"""One request to Jira and its answer, checked.

The library builds and sends the requests and nothing more. Its own paging stops at the first short or empty page, its
own retries ignore what the server asks for, and its Issue objects cost five times the memory. So: one page per call
through ``_get_json``, no retries of its own, and the bytes taken from our own transport, which has read the whole body
and proved it before the library sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import jira
import msgspec
import requests
from pydantic import SecretStr

from connectors.http import BrokenAnswer, NotAuthenticated, Patience, ServerFailed, Transport, session
from connectors.jira.settings import Deployment

T = TypeVar("T")

_LISTS = frozenset({"field", "status", "issuetype", "project"})


class IssueFields(msgspec.Struct, gc=False):
    """The fields of an issue that reading needs. Times are as sent: ISO 8601 with the account's offset."""

    created: str | None = None
    updated: str | None = None
    project: Item | None = None


class Item(msgspec.Struct, gc=False):
    """Anything with an id."""

    id: str
    key: str | None = None


class IssueHead(msgspec.Struct, gc=False):
    """What reading needs of an issue."""

    id: str
    fields: IssueFields | None = None
    changelog: Changelog | None = None


class Changelog(msgspec.Struct, gc=False):
    """The histories that the server put into an issue; ``total`` is how many there are."""

    histories: list[msgspec.Raw]
    total: int | None = None


class HistoryHead(msgspec.Struct, gc=False):
    """What reading needs of a history: on Cloud the time may also be a number (epoch seconds or milliseconds)."""

    id: str
    created: str | int | None = None


class SearchPage(msgspec.Struct):
    """A page of issues. Cloud sends a token for the next one, Data Center a total."""

    issues: list[msgspec.Raw]
    nextPageToken: str | None = None  # noqa: N815 - Jira's name
    isLast: bool | None = None  # noqa: N815
    total: int | None = None


class BulkIssues(msgspec.Struct):
    """Issues asked for by id; those that are gone or hidden are simply absent. Errors are failures to try again."""

    issues: list[msgspec.Raw]
    issueErrors: list[dict[str, Any]] | None = None  # noqa: N815


class IssueChangelog(msgspec.Struct):
    """Some histories of one issue; others may follow on later pages."""

    issueId: str  # noqa: N815
    changeHistories: list[msgspec.Raw]  # noqa: N815


class ChangelogPage(msgspec.Struct):
    """A page of histories of many issues, oldest first over all of them."""

    issueChangeLogs: list[IssueChangelog]  # noqa: N815
    nextPageToken: str | None = None  # noqa: N815


class ProjectPage(msgspec.Struct):
    """A page of the projects that the account may browse."""

    values: list[msgspec.Raw]
    isLast: bool  # noqa: N815


class Account(msgspec.Struct):
    """Who we are: ``accountId`` on Cloud, ``name`` on Data Center. JQL reads times in ``timeZone``."""

    accountId: str | None = None  # noqa: N815
    name: str | None = None
    timeZone: str | None = None  # noqa: N815


class ServerInfo(msgspec.Struct):
    """What the site says of itself, to anyone."""

    deploymentType: str | None = None  # noqa: N815
    serverTime: str | None = None  # noqa: N815


_ENVELOPES: Mapping[str, type] = {
    "search/jql": SearchPage,
    "search": SearchPage,
    "issue/bulkfetch": BulkIssues,
    "changelog/bulkfetch": ChangelogPage,
    "project/search": ProjectPage,
    "myself": Account,
    "serverInfo": ServerInfo,
}


def check(response: requests.Response) -> None:
    """Prove a 200 before anything uses it; the transport asks again when this raises ``BrokenAnswer``.

    Raises:
        NotAuthenticated: the credentials were refused and the request was served as anonymous.
        BrokenAnswer: the body is not what the called endpoint promises.
    """
    if re.search("AUTHENTICATED_FAILED|AUTHENTICATION_DENIED", response.headers.get("X-Seraph-LoginReason", "")):
        raise NotAuthenticated(
            "Jira refused the log-in and answered as to an anonymous visitor",
            "check the user and the token; after many failures Jira Data Center asks for a CAPTCHA in the browser",
        )
    path = re.sub(r"^.*/rest/api/[^/]+/", "", urlsplit(response.url).path)
    expected: Any = list[msgspec.Raw] if path in _LISTS else _ENVELOPES.get(path, dict[str, msgspec.Raw])
    decode(response.content, expected)


class _Errors(msgspec.Struct):
    errorMessages: list[str] | None = None  # noqa: N815


def decode(body: bytes, kind: type[T]) -> T:
    """The answer as the given type.

    Raises:
        BrokenAnswer: it is not; or it carries error messages beside a status of success.
    """
    try:
        if body[:64].lstrip()[:1] == b"{" and b'"errorMessages"' in body:
            found = msgspec.json.decode(body, type=_Errors).errorMessages
            if found:
                raise BrokenAnswer(f"Jira answered with success and an error: {'; '.join(found)[:300]}", "")
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenAnswer(
            f"the answer is not understood: {error}", "a proxy in between may answer in its place"
        ) from (error)


def moment(text: str | int | None) -> datetime | None:
    """A time of Jira's in UTC: ISO 8601 with an offset (``+0200`` as well), or epoch seconds or milliseconds."""
    if text is None:
        return None
    if isinstance(text, int) or text.isdigit():
        number = int(text)
        return datetime.fromtimestamp(number / 1000 if number > 10**11 else number, UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


@dataclass(frozen=True, slots=True)
class Login:
    """What a request proves itself with: an e-mail address and an API token, or a personal access token alone."""

    token: SecretStr
    username: SecretStr | None = None


def login(source: str, secrets: Mapping[str, SecretStr]) -> Login:
    """The log-in that the secrets allow.

    Raises:
        NotAuthenticated: there is no token.
    """
    if "token" not in secrets:
        prefix = "SMS_EVIDENCE_" + re.sub(r"[^A-Z0-9]", "_", source.upper())
        raise NotAuthenticated(
            f"{source}: there is no token",
            f"set {prefix}_USERNAME (e-mail) and {prefix}_TOKEN for Cloud, {prefix}_TOKEN alone for Data Center",
        )
    return Login(secrets["token"], secrets.get("username"))


@dataclass(slots=True)
class Client:
    """The requests of one site, one after the other on one session."""

    url: str
    deployment: Deployment
    login: Login
    patience: Patience
    transport: Transport = field(init=False)
    _jira: jira.JIRA = field(init=False)

    def __post_init__(self) -> None:
        self.transport = Transport(self.patience, check)
        own = session(self.transport, self.url)
        token = self.login.token.get_secret_value()
        username = self.login.username.get_secret_value() if self.login.username else None
        # requests encodes the header in latin-1, Jira reads UTF-8
        basic = (_latin(username), _latin(token)) if username else None
        self._jira = jira.JIRA(
            options={"server": self.url, "rest_api_version": "3" if self.deployment == "cloud" else "2"},
            basic_auth=basic,
            token_auth=None if basic else token,
            get_server_info=False,
            max_retries=0,
            timeout=(10, 120),
            logging=False,
        )
        self._jira.deploymentType = "Cloud" if self.deployment == "cloud" else "Server"
        for prefix, adapter in own.adapters.items():
            self._jira._session.mount(prefix, adapter)
        self._jira._session.max_redirects = own.max_redirects

    def myself(self) -> Account:
        """The account, by the site's own word; refuses anonymous visitors."""
        return decode(self._get("myself", {}), Account)

    def server(self) -> tuple[ServerInfo, datetime]:
        """The site and its clock (UTC).

        Raises:
            BrokenAnswer: it says no time at all.
        """
        info = decode(self._get("serverInfo", {}), ServerInfo)
        date = self._last().headers.get("Date")
        time = moment(info.serverTime) or (parsedate_to_datetime(date) if date else None)
        if time is None:
            raise BrokenAnswer("the site states no time", "a proxy in between must leave the Date header in")
        return info, time

    def listed(self, path: str) -> list[bytes]:
        """The records of an endpoint that answers with one list: field, status, issuetype; project on Data Center."""
        return [bytes(raw) for raw in decode(self._get(path, {}), list[msgspec.Raw])]

    def projects(self, start: int) -> ProjectPage:
        """A page of projects (Cloud)."""
        return decode(self._get("project/search", {"startAt": start, "maxResults": 100}), ProjectPage)

    def search(self, jql: str, fields: Sequence[str], limit: int, token: str | None = None) -> SearchPage:
        """A page of the search on Cloud. ``fields`` must be named: the default is the id alone."""
        # failFast as text: requests would send "True", which the contract refuses. Without it, a field that fails is
        # left out in silence.
        parameters = {"jql": jql, "fields": ",".join(fields), "maxResults": limit, "failFast": "true"}
        if token is not None:
            parameters["nextPageToken"] = token
        return decode(self._get("search/jql", parameters), SearchPage)

    def find(self, jql: str, fields: Sequence[str], limit: int, start: int = 0, **more: str) -> SearchPage:
        """A page of the search on Data Center, which states the total."""
        parameters = {"jql": jql, "fields": ",".join(fields), "maxResults": limit, "startAt": start, **more}
        page = decode(self._get("search", parameters), SearchPage)
        if page.total is None:
            raise BrokenAnswer("the search states no total", "")
        return page

    def issues(self, ids: Sequence[str], fields: Sequence[str]) -> BulkIssues:
        """The named issues (Cloud, at most 100)."""
        return decode(self._post("issue/bulkfetch", {"issueIdsOrKeys": list(ids), "fields": list(fields)}), BulkIssues)

    def histories(self, ids: Sequence[str], limit: int, token: str | None) -> ChangelogPage:
        """A page of the histories of the named issues (Cloud, at most 1000)."""
        # no nulls: the body's schema is closed
        body: dict[str, Any] = {"issueIdsOrKeys": list(ids), "maxResults": limit}
        if token is not None:
            body["nextPageToken"] = token
        return decode(self._post("changelog/bulkfetch", body), ChangelogPage)

    def close(self) -> None:
        """End the session."""
        self._jira._session.close()

    def _get(self, path: str, parameters: Mapping[str, object]) -> bytes:
        with _translated(path):
            self._jira._get_json(path, params=dict(parameters))
        return self._last().content

    def _post(self, path: str, body: Mapping[str, object]) -> bytes:
        with _translated(path):
            self._jira._get_json(path, params=dict(body), use_post=True)
        return self._last().content

    def _last(self) -> requests.Response:
        if self.transport.last is None:
            raise BrokenAnswer("there is no answer yet", "")
        return self.transport.last


def _latin(text: str) -> str:
    return text.encode().decode("latin-1")


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """The library's own errors as ours, without the body of the answer, which its text repeats."""
    try:
        yield
    except jira.JIRAError as error:
        raise ServerFailed(f"{path}: Jira answered with status {error.status_code}", "") from None
    except requests.exceptions.JSONDecodeError:
        raise BrokenAnswer(f"{path}: the answer is no JSON", "") from None
