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
_COMPARED = 20
"""Issues of a batch, those with the most histories, whose count is held against what the issue itself says."""


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
        seen: set[str] = set()
        for page in ordered(tasks, self._connection.settings.concurrency):
            reading.pages += 1
            fresh = set(page.keys) - seen
            reading.source_count += len(fresh)
            seen |= fresh
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
    lost its place is begun anew, once. In the end, the issues themselves say how many histories they have.

    Raises:
        Inconsistent: histories came that were not asked for, fewer than the issue counts, or the pages do not end.
    """
    seen: set[str] = set()
    for is_last_try in (False, True):
        try:
            for page in _bulk(client, ids, limit):
                seen.update(page.keys)
                yield page
            break
        except LostPlace:
            if is_last_try:
                raise
    counts = Counter(key.partition("/")[0] for key in seen)
    yield from _lacking(client, {id_: count for id_, count in counts.most_common(_COMPARED)}, seen)


def _bulk(client: Client, ids: Sequence[str], limit: int) -> Iterator[Page]:
    wanted, tokens = set(ids), Tokens("changelog")
    token: str | None = None
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
        yield history_page((log.issueId, raw) for log in page.issueChangeLogs for raw in log.changeHistories)
        token = tokens.follow(page.nextPageToken)
        if token is None:
            return


def _lacking(client: Client, counts: Mapping[str, int], seen: set[str]) -> Iterator[Page]:
    """The histories of issues that count more of them than came, from the issue's own endpoint."""
    if not counts:
        return
    for head in issues(client.heads(list(counts)).issues).heads:
        if head.changelog is not None and (head.changelog.total or 0) > counts.get(head.id, 0):
            yield from _one(client, head.id, seen)


def _one(client: Client, id_: str, seen: set[str]) -> Iterator[Page]:
    start, total = 0, 1
    keys = {key for key in seen if key.startswith(f"{id_}/")}
    while start < total:
        page = client.history(id_, start)
        found = history_page((id_, raw) for raw in page.values)
        start, total = start + len(page.values), page.total
        keys.update(found.keys)
        if not page.values:
            break
        yield found
    if len(keys) < total:
        raise Inconsistent(f"changelog: {len(keys)} of {total} histories of issue {id_} came", "run again")


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
