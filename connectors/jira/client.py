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
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import jira
import msgspec
import requests
from pydantic import SecretStr

from connectors.http import BrokenAnswer, NotAuthenticated, Pace, Patience, ServerFailed, Transport
from connectors.jira.answers import (
    Account,
    BulkIssues,
    ChangelogPage,
    Estimate,
    HistoryPage,
    IssueHead,
    ProjectHead,
    ProjectPage,
    SearchPage,
    ServerInfo,
    check,
    decode,
    moment,
)
from connectors.jira.settings import Deployment
from connectors.network import NetworkSettings

__all__ = ["Client", "Login", "decode", "login"]


@dataclass(frozen=True, slots=True)
class Login:
    """What a request proves itself with: an e-mail address and an API token, or a personal access token alone."""

    token: SecretStr
    username: SecretStr | None = None

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and token as requests must be given them: it encodes a header in latin-1, and Jira reads UTF-8."""
        if self.username is None:
            return None
        user, token = (secret.get_secret_value().encode().decode("latin-1") for secret in (self.username, self.token))
        return user, token


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
    pace: Pace
    network: NetworkSettings
    transport: Transport = field(init=False)
    _jira: jira.JIRA = field(init=False)

    def __post_init__(self) -> None:
        self.transport = Transport(self.patience, check, pace=self.pace)
        own = self.network.session(self.transport, self.url)
        basic = self.login.basic
        self._jira = jira.JIRA(
            options={"server": self.url, "rest_api_version": "3" if self.deployment == "cloud" else "2"},
            basic_auth=basic,
            token_auth=None if basic else self.login.token.get_secret_value(),
            get_server_info=False,
            max_retries=0,
            timeout=(10, 120),
            logging=False,
        )
        self._jira.deploymentType = "Cloud" if self.deployment == "cloud" else "Server"
        theirs = self._jira._session
        for prefix, adapter in own.adapters.items():
            theirs.mount(prefix, adapter)
        for name in ("verify", "cert", "proxies", "trust_env", "max_redirects"):
            setattr(theirs, name, getattr(own, name))

    def myself(self) -> Account:
        """The account, by the site's own word; refuses anonymous visitors."""
        return decode(self._get("myself", {}), Account)

    def server(self, version: str | None = None) -> tuple[ServerInfo, datetime]:
        """The site and its clock (UTC). Version 2 of the interface answers on either deployment.

        Raises:
            BrokenAnswer: it says no time at all.
        """
        info = decode(self._get("serverInfo", {}, version), ServerInfo)
        date = self._last().headers.get("Date")
        time = moment(info.serverTime) or (parsedate_to_datetime(date) if date else None)
        if time is None:
            raise BrokenAnswer("the site states no time", "a proxy in between must leave the Date header in")
        return info, time

    def listed(self, path: str, **parameters: str) -> list[bytes]:
        """The records of an endpoint that answers with one list: field, status, issuetype; project on Data Center."""
        return [bytes(raw) for raw in decode(self._get(path, parameters), list[msgspec.Raw])]

    def projects(self, start: int, status: Sequence[str] = ()) -> ProjectPage:
        """A page of projects (Cloud): live ones, or those of the given states (live, archived, deleted)."""
        parameters: dict[str, object] = {"startAt": start, "maxResults": 100}
        if status:
            parameters["status"] = list(status)
        return decode(self._get("project/search", parameters), ProjectPage)

    def project(self, key: str) -> ProjectHead:
        """A project by its key, also by one that it had before."""
        return decode(self._get(f"project/{key}", {}), ProjectHead)

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

    def estimate(self, jql: str) -> int:
        """About how many issues match (Cloud); the search index that it comes from lags behind."""
        return decode(self._post("search/approximate-count", {"jql": jql}), Estimate).count

    def issue(self, id_: str, fields: Sequence[str]) -> bytes:
        """One issue by its id, also where the search does not show it."""
        body = self._get(f"issue/{id_}", {"fields": ",".join(fields)})
        decode(body, IssueHead)
        return body

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

    def heads(self, ids: Sequence[str]) -> BulkIssues:
        """The named issues with their newest histories and the count of all (Cloud, at most 100)."""
        body = {"issueIdsOrKeys": list(ids), "fields": ["id"], "expand": ["changelog"]}
        return decode(self._post("issue/bulkfetch", body), BulkIssues)

    def history(self, id_: str, start: int) -> HistoryPage:
        """A page of the histories of one issue (Cloud, at most 100), counted."""
        return decode(self._get(f"issue/{id_}/changelog", {"startAt": start, "maxResults": 100}), HistoryPage)

    def close(self) -> None:
        """End the session."""
        self._jira._session.close()

    def _get(self, path: str, parameters: Mapping[str, object], version: str | None = None) -> bytes:
        base = self._jira.JIRA_BASE_URL.replace("{rest_api_version}", version or "{rest_api_version}")
        with _translated(path):
            self._jira._get_json(path, params=dict(parameters), base=base)
        return self._last().content

    def _post(self, path: str, body: Mapping[str, object]) -> bytes:
        with _translated(path):
            self._jira._get_json(path, params=dict(body), use_post=True)
        return self._last().content

    def _last(self) -> requests.Response:
        if self.transport.last is None:
            raise BrokenAnswer("there is no answer yet", "")
        return self.transport.last


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """The library's own errors as ours, without the body of the answer, which its text repeats."""
    try:
        yield
    except jira.JIRAError as error:
        raise ServerFailed(f"{path}: Jira answered with status {error.status_code}", "") from None
    except requests.exceptions.JSONDecodeError:
        raise BrokenAnswer(f"{path}: the answer is no JSON", "") from None
