"""What Jira answers, as types, and the proof that an answer is what the called endpoint promises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
import requests

from connectors.http import BrokenAnswer, NotAuthenticated

T = TypeVar("T")

_LISTS = frozenset({"field", "status", "issuetype", "project"})


class IssueFields(msgspec.Struct, gc=False):
    """The fields of an issue that reading needs. Times are as sent: ISO 8601 with the account's offset."""

    created: str | None = None
    updated: str | None = None
    project: Item | None = None
    archiveddate: str | int | None = None


class Item(msgspec.Struct, gc=False):
    """Anything with an id."""

    id: str
    key: str | None = None


class IssueHead(msgspec.Struct, gc=False):
    """What reading needs of an issue."""

    id: str
    key: str = ""
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


class HistoryPage(msgspec.Struct):
    """A page of the histories of one issue, oldest first."""

    values: list[msgspec.Raw]
    total: int


class Estimate(msgspec.Struct):
    """About how many issues match."""

    count: int


class ProjectHead(msgspec.Struct):
    """What reading needs of a project. Only Cloud tells when it was put away."""

    id: str
    key: str
    archived: bool = False
    deleted: bool = False
    archivedDate: str | None = None  # noqa: N815 - Jira's names
    deletedDate: str | None = None  # noqa: N815
    retentionTillDate: str | None = None  # noqa: N815


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
    "search/approximate-count": Estimate,
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
    refuse_anonymous(response)
    path = re.sub(r"^.*/rest/api/[^/]+/", "", urlsplit(response.url).path)
    expected: Any = list[msgspec.Raw] if path in _LISTS else _ENVELOPES.get(path, dict[str, msgspec.Raw])
    answer = decode(response.content, expected)
    if path == "search" and isinstance(answer, SearchPage) and answer.total and not answer.issues:
        asked = parse_qs(urlsplit(response.url).query)
        if asked.get("maxResults") != ["0"] and int(asked.get("startAt", ["0"])[0]) < answer.total:
            raise BrokenAnswer(f"the search counts {answer.total} issues and shows none", "run again")


def refuse_anonymous(response: requests.Response) -> None:
    """Where anybody may read something, refused credentials are no error to Jira.

    Raises:
        NotAuthenticated: it says in a header that it refused them.
    """
    if re.search("AUTHENTICATED_FAILED|AUTHENTICATION_DENIED", response.headers.get("X-Seraph-LoginReason", "")):
        raise NotAuthenticated(
            "Jira refused the log-in and answered as to an anonymous visitor",
            "check the user and the token; after many failures Jira Data Center asks for a CAPTCHA in the browser",
        )


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
