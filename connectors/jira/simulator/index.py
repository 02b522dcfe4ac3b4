"""The issues of a simulated site as one account sees them, found by query, by id and by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from connectors.jira.simulator.arguments import refused
from connectors.jira.simulator.jql import CATEGORIES, JqlError, Names, Query, parse
from connectors.jira.simulator.site import Document, Issue, Site

_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a walk stands: what it asks for, and the place of the last thing that was shown."""

    subject: object
    place: Any
    expires_at: datetime


class Cursors:
    """Page tokens. They say nothing to the reader, hold for one query, and for seven days."""

    def __init__(self) -> None:
        self._known: dict[str, Cursor] = {}
        self._count = 0

    def keep(self, subject: object, place: Any, now: datetime) -> str:
        """A token for the page after ``place``."""
        self._count += 1
        token = sha256(f"{self._count}/{subject}".encode()).hexdigest()
        self._known[token] = Cursor(subject, place, now + _LIFE)
        return token

    def place(self, token: str, subject: object, now: datetime) -> Any:
        """Where the page begins. Raises RefusedError (400) for a token that is unknown, expired or of another query."""
        cursor = self._known.get(token)
        if cursor is None or cursor.expires_at <= now:
            raise refused("The nextPageToken is invalid or has expired.")
        if cursor.subject != subject:
            raise refused("The nextPageToken does not belong to this request.")
        return cursor.place

    def expire(self) -> None:
        """Make every token so far worthless."""
        self._known.clear()


class Index:
    """The issues and the projects that the account is shown, in whatever state. Made anew whenever one changes."""

    def __init__(self, site: Site, issues: Iterable[Issue], projects: Sequence[Document]) -> None:
        self.site = site
        self.projects = projects
        self.issues = sorted(issues, key=lambda issue: int(issue.id))
        self.zone = ZoneInfo(site.time_zone)

    def query(self, jql: str) -> Query:
        """Read a query. Raises RefusedError (400) with Jira's message for an invalid one."""
        try:
            return parse(jql)
        except JqlError as error:
            raise refused(str(error)) from error

    def select(self, query: Query, *, is_strict: bool = True) -> list[Issue]:
        """The issues of a query in its order. Raises RefusedError (400) for values that do not exist."""
        try:
            return query.select(self.issues, Names(self.zone, self._values, is_strict))
        except JqlError as error:
            raise refused(str(error)) from error

    def named(self, names: Iterable[str]) -> list[Issue]:
        """Issues by id or key, in order of their ids; those that are gone or hidden are simply absent."""
        found = {issue.id: issue for name in names if (issue := self._by_name.get(name.upper())) is not None}
        return sorted(found.values(), key=lambda issue: int(issue.id))

    @cached_property
    def _by_name(self) -> Mapping[str, Issue]:
        return {name: issue for issue in self.issues for name in (issue.id, issue.key.upper())}

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        return {
            "project": _named(p for p in self.projects if not p.get("archived") and not p.get("deleted")),
            "issue": {name.casefold(): (issue.id,) for name, issue in self._by_name.items()},
            "issuetype": _named(self.site.issuetypes),
            "status": _named(self.site.statuses),
            "statusCategory": {name: (key,) for name, key in CATEGORIES.items()},
        }

    @cached_property
    def _hidden_fields(self) -> frozenset[str]:
        return frozenset(field["id"] for field in self.site.fields if not field["navigable"])

    def head(self, issue: Issue, version: str) -> Document:
        """An issue without its fields."""
        return {
            "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
            "id": issue.id,
            "self": f"{self.site.url}/rest/api/{version}/issue/{issue.id}",
            "key": issue.key,
        }

    def chosen(self, issue: Issue, wanted: Sequence[str]) -> Document:
        """The fields asked for that exist: names, ``*all``, ``*navigable``, or ``-name`` to leave one out."""
        left_out = {name[1:] for name in wanted if name.startswith("-")}
        if left_out and len(left_out) == len(wanted):
            wanted = ["*navigable", *wanted]
        names = set(wanted)
        if "*navigable" in names:
            names |= set(issue.fields) - self._hidden_fields
        is_all = "*all" in names
        return {
            name: value for name, value in issue.fields.items() if (is_all or name in names) and name not in left_out
        }


def _named(documents: Iterable[Document]) -> Mapping[str, Sequence[str]]:
    """Ids by id, key and name in lower case; one name may stand for several."""
    found: dict[str, list[str]] = {}
    for document in documents:
        for name in dict.fromkeys(str(document[key]).casefold() for key in ("id", "key", "name") if key in document):
            found.setdefault(name, []).append(str(document["id"]))
    return found
