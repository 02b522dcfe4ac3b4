"""The complete history of named issues, always from the first change: histories are few and never change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from connectors import Absence, Page, Reading, Stream, Sweep
from connectors.http import BadRequest, Inconsistent
from connectors.jira.client import Client
from connectors.jira.connection import Connection
from connectors.jira.paging import LostPlace, Tokens, issues
from connectors.jira.records import batches, history_page
from connectors.ordered import ordered

_AT_ONCE = {"cloud": 1000, "datacenter": 100}
_COMPARED = 10
"""Issues of a large batch with the most histories, and as many with the fewest, that are compared first."""
_INLINE_AT_ONCE = 100
"""Issues that can be asked in one request; a batch of no more is compared whole."""


class HistoryReader:
    """Reads the stream ``changelog`` over one connection: that of the issues with a new version."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """All histories of the given issues. ``source_count`` counts what came, each history once."""
        yield from self._read(reading, (key for _, key in parents))

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """Nothing: Jira can't list the histories of a site."""
        return iter(())

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The whole histories of the issues that the keys name."""
        yield from self._read(reading, dict.fromkeys(key.partition("/")[0] for key in keys))

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """A history goes with its issue only."""
        return dict.fromkeys(keys, Absence("not_visible", "gone with its issue"))

    def _read(self, reading: Reading, ids: Iterable[str]) -> Iterator[Page]:
        reading.source_count = 0
        tasks = (partial(self.of, batch) for batch in batches(ids, _AT_ONCE[self._connection.settings.deployment]))
        for page in ordered(tasks, self._connection.settings.concurrency):
            reading.pages += 1
            reading.source_count += len(page.keys)
            yield page

    def of(self, ids: Sequence[str]) -> Iterator[Page]:
        """The histories of at most 1000 issues (Data Center: 100), page by page."""
        with self._connection.lend() as client:
            if self._connection.is_cloud:
                yield from bulk(client, ids, self._connection.settings.changelog_page_size)
            else:
                yield from inline(client, ids)


def bulk(client: Client, ids: Sequence[str], limit: int) -> Iterator[Page]:
    """From Cloud's bulk endpoint (at most 1000 issues): inside an issue Cloud shows the newest 40 at most.

    The endpoint orders by time over all issues, so that the histories of one are spread over the pages. A walk that
    lost its place is begun anew, once. It says neither a total nor which page is the last, so in the end the issues
    (of a large batch, some of them) are asked how many histories they have, and give themselves what did not come.

    Raises:
        Inconsistent: histories came that were not asked for, fewer than the issue counts, or the pages do not end.
    """
    seen: set[str] = set()
    for is_last_try in (False, True):
        try:
            for page in _bulk(client, ids, limit):
                yield _fresh(page, seen)
            break
        except LostPlace:
            if is_last_try:
                raise
    counts = Counter(key.partition("/")[0] for key in seen)
    ranked = sorted(ids, key=lambda id_: counts[id_])
    is_small = len(ranked) <= _INLINE_AT_ONCE
    if _lacking(client, ranked if is_small else ranked[:_COMPARED] + ranked[-_COMPARED:], counts):
        for batch in batches(ids, _INLINE_AT_ONCE):
            for id_ in _lacking(client, batch, counts):
                yield from _one(client, id_, seen)


def _fresh(page: Page, seen: set[str]) -> Page:
    """The histories that did not come before; they are noted."""
    places = [n for n, key in enumerate(page.keys) if key not in seen]
    seen.update(page.keys)
    records = [page.records[n] for n in places]
    return Page([page.keys[n] for n in places], records, records, [page.updated[n] for n in places])


def _bulk(client: Client, ids: Sequence[str], limit: int) -> Iterator[Page]:
    wanted, tokens = set(ids), Tokens("changelog")
    token: str | None = None
    fullest, is_repeated = limit, False
    while True:
        try:
            page = client.histories(ids, limit, token)
        except BadRequest as error:
            if token is None:
                raise
            raise LostPlace(error.message, "run again") from error
        for log in page.issueChangeLogs:
            if log.issueId not in wanted:
                raise Inconsistent(f"changelog: that of issue {log.issueId} came unasked", "")
        found = history_page((log.issueId, raw) for log in page.issueChangeLogs for raw in log.changeHistories)
        yield found
        if page.nextPageToken is None and len(found.keys) >= max(fullest, 1) and not is_repeated:
            is_repeated = True  # a last page that is full: was a token forgotten?
            continue
        is_repeated, fullest = False, len(found.keys) if token is None else max(fullest, len(found.keys))
        token = tokens.follow(page.nextPageToken)
        if token is None:
            return


def _lacking(client: Client, ids: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    """Which of the issues (at most 100) count more histories than came."""
    heads = issues(client.heads(ids).issues).heads if ids else []
    return [head.id for head in heads if head.changelog and (head.changelog.total or 0) > counts.get(head.id, 0)]


def _one(client: Client, id_: str, seen: set[str]) -> Iterator[Page]:
    start, total = 0, 1
    while start < total:
        page = client.history(id_, start)
        if not page.values:
            raise Inconsistent(f"changelog: {start} of {total} histories of issue {id_} came", "run again")
        start, total = start + len(page.values), page.total
        yield _fresh(history_page((id_, raw) for raw in page.values), seen)


def inline(client: Client, ids: Sequence[str]) -> Iterator[Page]:
    """From the issues themselves, the only place where Data Center has them (all of them, it says).

    Raises:
        Inconsistent: a history is cut, or issues that the search counts do not come.
    """
    jql = f"id in ({','.join(ids)})"
    seen: set[str] = set()
    while True:
        # validateQuery: an id that is gone would make the whole query an error
        answer = client.find(jql, ["id"], len(ids), len(seen), expand="changelog", validateQuery="false")
        heads = [head for head in issues(answer.issues).heads if head.id not in seen]
        for head in heads:
            if head.changelog is None or (head.changelog.total or 0) > len(head.changelog.histories):
                raise Inconsistent(f"changelog: that of issue {head.id} is cut", "")
        yield history_page((head.id, raw) for head in heads if head.changelog for raw in head.changelog.histories)
        seen.update(head.id for head in heads)
        if len(seen) >= (answer.total or 0):
            return
        if not heads:
            raise Inconsistent(f"changelog: {len(seen)} of {answer.total} issues came", "run again")
