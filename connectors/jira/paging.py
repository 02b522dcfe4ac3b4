"""Walking through all issues of a query without losing one.

Cloud hands out a token for the next page and no total. Data Center counts, but its pages are cut by offset, so that an
issue which leaves the set shifts the rest; there we ask for windows of time so small that each is one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from connectors.http import BrokenAnswer, Inconsistent
from connectors.jira.answers import IssueHead, SearchPage, moment
from connectors.jira.client import Client

_HEAD = msgspec.json.Decoder(IssueHead)
_ANY_ZONE = timedelta(hours=26)
"""More than two zones can differ by (-12 to +14), so that no literal is read as later than it was meant."""


@dataclass(frozen=True, slots=True)
class Issues:
    """One page: what reading needs of each issue, beside its exact bytes."""

    heads: list[IssueHead]
    records: list[bytes]


def issues(raws: Sequence[msgspec.Raw]) -> Issues:
    """The issues of an answer.

    Raises:
        BrokenAnswer: one has no id.
    """
    try:
        return Issues([_HEAD.decode(raw) for raw in raws], [bytes(raw) for raw in raws])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenAnswer(f"an issue is not understood: {error}", "") from error


def literal(time: datetime) -> str:
    """A time as JQL takes it: to the minute, without a zone. Rounded down."""
    return time.strftime("%Y-%m-%d %H:%M")


class Tokens:
    """The tokens of one walk.

    Raises:
        Inconsistent: a token came twice (the walk would never end), or none although more is announced.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._seen: set[str] = set()

    def follow(self, token: str | None, *, is_last: bool | None = None) -> str | None:
        """The token for the next page, or None after the last."""
        if token is None:
            if is_last is False:
                raise Inconsistent(f"{self._subject}: more pages are announced and no token is given", "run again")
            return None
        if token in self._seen:
            raise Inconsistent(f"{self._subject}: the same page token came twice", "run again")
        self._seen.add(token)
        return token


def by_token(client: Client, jql: str, fields: Sequence[str], limit: int) -> Iterator[Issues]:
    """All issues of a query on Cloud. A short or empty page says nothing: only the missing token ends the walk."""
    tokens, token = Tokens("search"), None
    while True:
        page = client.search(jql, fields, limit, token)
        yield issues(page.issues)
        token = tokens.follow(page.nextPageToken, is_last=page.isLast)
        if token is None:
            return


@dataclass(slots=True)
class Windows:
    """All issues of a query on Data Center, in windows of one page each on a time field.

    The windows run upwards and the last has no end, so that an issue which is updated meanwhile moves into a window
    that is still to come.
    """

    client: Client
    condition: str
    clock: Literal["created", "updated"]
    fields: Sequence[str]
    limit: int
    now: datetime

    @property
    def _asked(self) -> list[str]:
        """The fields, and the time that the windows are cut by."""
        return list(dict.fromkeys([*self.fields, self.clock]))

    def __iter__(self) -> Iterator[Issues]:
        windows: list[tuple[datetime | None, datetime | None]] = [(None, None)]
        while windows:
            lower, upper = windows.pop()
            page = self._page(lower, upper)
            if (page.total or 0) <= len(page.issues):
                yield issues(page.issues)
                continue
            begin, end = lower or self._begin(page), upper or self.now + _ANY_ZONE
            middle = _floor(begin + (end - begin) / 2)
            if begin < middle:
                windows += [(middle, upper), (lower, middle)]
            else:
                yield from self._by_offset(lower, upper, page)

    def _query(self, lower: datetime | None, upper: datetime | None) -> str:
        parts = [self.condition]
        if lower:
            parts.append(f'{self.clock} >= "{literal(lower)}"')
        if upper:
            parts.append(f'{self.clock} < "{literal(upper)}"')
        return f"{' AND '.join(parts)} ORDER BY {self.clock} ASC"

    def _page(self, lower: datetime | None, upper: datetime | None, start: int = 0) -> SearchPage:
        return self.client.find(self._query(lower, upper), self._asked, self.limit, start)

    def _begin(self, page: SearchPage) -> datetime:
        """Safely before the first issue, in any zone."""
        if not page.issues:
            raise BrokenAnswer(f"the search counts {page.total} issues and shows none", "")
        fields = _HEAD.decode(page.issues[0]).fields
        first = moment(getattr(fields, self.clock)) if fields else None
        if first is None:
            raise BrokenAnswer(f"the first issue has no time in {self.clock}", "")
        return _floor(first - _ANY_ZONE)

    def _by_offset(self, lower: datetime | None, upper: datetime | None, page: SearchPage) -> Iterator[Issues]:
        """The pages of one minute (an import makes thousands). Proved complete by a total that stays the same.

        Raises:
            Inconsistent: the set changed meanwhile.
        """
        seen: set[str] = set()
        total, served = page.total, page
        while True:
            found = issues(served.issues)
            fresh = {head.id for head in found.heads} - seen
            if served.total != total or not fresh:
                raise Inconsistent(f"search: the issues of {lower} changed while they were read", "run again")
            yield found
            seen |= fresh
            if len(seen) == total:
                return
            served = self._page(lower, upper, len(seen))


def _floor(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0) if time.microsecond or time.second else time
