"""Walking through all issues of a query without losing one.

Cloud hands out a token for the next page and no total. Data Center counts, but its pages are cut by offset, so that an
issue which leaves the set shifts the rest; there we ask for windows of time so small that each is one page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Literal

import msgspec

from connectors.http import BadRequest, BrokenAnswer, Inconsistent
from connectors.jira.answers import IssueHead, SearchPage, moment
from connectors.jira.client import Client
from connectors.ordered import ordered

Lend = Callable[[], AbstractContextManager[Client]]

_HEAD = msgspec.json.Decoder(IssueHead)
_ANY_ZONE = timedelta(hours=26)
"""More than two zones can differ by (-12 to +14), so that no literal is read as later than it was meant."""
_PIECES = 4
"""Stretches of time for each worker."""
_MOST_ROUNDS = 3


class LostPlace(Inconsistent):
    """A walk by tokens can't go on from where it is; it can from what it has reached."""


@dataclass(frozen=True, slots=True)
class Issues:
    """One page: what reading needs of each issue, beside its exact bytes."""

    heads: list[IssueHead]
    records: list[bytes]

    @property
    def reached(self) -> datetime | None:
        """When the last issue was updated (UTC)."""
        fields = self.heads[-1].fields if self.heads else None
        return moment(fields.updated) if fields else None

    def kept(self, places: Sequence[int]) -> Issues:
        """Those at some places."""
        return Issues([self.heads[n] for n in places], [self.records[n] for n in places])


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
        LostPlace: a token came twice (the walk would never end), or none although more is announced.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._seen: set[str] = set()

    def follow(self, token: str | None, *, is_last: bool | None = None) -> str | None:
        """The token for the next page, or None after the last."""
        if token is None:
            if is_last is False:
                raise LostPlace(f"{self._subject}: more pages are announced and no token is given", "run again")
            return None
        if token in self._seen:
            raise LostPlace(f"{self._subject}: the same page token came twice", "run again")
        self._seen.add(token)
        return token


def by_token(client: Client, jql: str, fields: Sequence[str], limit: int) -> Iterator[Issues]:
    """All issues of a query on Cloud. A short or empty page says nothing: only the missing token ends the walk.

    Raises:
        LostPlace: a token is not taken any more (they live for seven days), came twice, or is missing.
    """
    tokens, token = Tokens("search"), None
    while True:
        try:
            page = client.search(jql, fields, limit, token)
        except BadRequest as error:
            if token is None:
                raise
            raise LostPlace(error.message, "run again") from error
        yield issues(page.issues)
        token = tokens.follow(page.nextPageToken, is_last=page.isLast)
        if token is None:
            return


@dataclass(frozen=True, slots=True)
class Windows:
    """All issues of a query on Data Center, in windows of one page each on a time field.

    An issue that is updated meanwhile moves into the last window, which has no end: it begins before the walk did, in
    any zone, and is read after all the others have been. Those are read by several workers.
    """

    lend: Lend
    condition: str
    clock: Literal["created", "updated"]
    fields: Sequence[str]
    limit: int
    now: datetime
    workers: int = 1

    def __iter__(self) -> Iterator[Issues]:
        with self.lend() as client:
            page = self._page(client, None, None)
        if (page.total or 0) <= len(page.issues):
            yield issues(page.issues)
            return
        begin, last = self._begin(page), _floor(self.now - _ANY_ZONE)
        pieces = self.workers * _PIECES if self.workers > 1 else 1
        cuts = [_floor(begin + (last - begin) * n / pieces) for n in range(1, pieces + 1)] if begin < last else []
        edges = [None, *dict.fromkeys(cuts)]
        stretches = [partial(self._stretch, lower, upper) for lower, upper in pairwise(edges)]
        yield from ordered(stretches, self.workers)
        yield from self._stretch(edges[-1], None)

    def _stretch(self, lower: datetime | None, upper: datetime | None) -> Iterator[Issues]:
        """The windows of a stretch of time, upwards."""
        windows = [(lower, upper)]
        with self.lend() as client:
            while windows:
                lower, upper = windows.pop()
                page = self._page(client, lower, upper)
                if (page.total or 0) <= len(page.issues):
                    yield issues(page.issues)
                    continue
                begin, end = lower or self._begin(page), upper or self.now + _ANY_ZONE
                middle = _floor(begin + (end - begin) / 2)
                if begin < middle < end:
                    windows += [(middle, upper), (lower, middle)]
                else:
                    yield from self._minute(client, lower, upper)

    def _query(self, lower: datetime | None, upper: datetime | None) -> str:
        parts = [self.condition]
        if lower:
            parts.append(f'{self.clock} >= "{literal(lower)}"')
        if upper:
            parts.append(f'{self.clock} < "{literal(upper)}"')
        return f"{' AND '.join(parts)} ORDER BY {self.clock} ASC"

    def _page(self, client: Client, lower: datetime | None, upper: datetime | None, start: int = 0) -> SearchPage:
        asked = list(dict.fromkeys([*self.fields, self.clock]))
        return client.find(self._query(lower, upper), asked, self.limit, start)

    def _begin(self, page: SearchPage) -> datetime:
        """Safely before the first issue, in any zone."""
        if not page.issues:
            raise BrokenAnswer(f"the search counts {page.total} issues and shows none", "")
        fields = _HEAD.decode(page.issues[0]).fields
        first = moment(getattr(fields, self.clock)) if fields else None
        if first is None:
            raise BrokenAnswer(f"the first issue has no time in {self.clock}", "")
        return _floor(first - _ANY_ZONE)

    def _minute(self, client: Client, lower: datetime | None, upper: datetime | None) -> Iterator[Issues]:
        """The pages of one minute (an import makes thousands). Proved complete by a total that stays the same.

        Raises:
            Inconsistent: the set changed meanwhile, again and again.
        """
        for _ in range(_MOST_ROUNDS):
            seen: set[str] = set()
            page = self._page(client, lower, upper)
            total = page.total or 0
            while True:
                found = issues(page.issues)
                fresh = {head.id for head in found.heads} - seen
                if page.total != total or (not fresh and len(seen) < total):
                    break
                yield found
                seen |= fresh
                if len(seen) == total:
                    return
                page = self._page(client, lower, upper, len(seen))
        raise Inconsistent(f"search: the issues of {lower} changed while they were read", "run again")


def _floor(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0) if time.microsecond or time.second else time
