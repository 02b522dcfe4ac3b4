"""Several sessions on one instance, and one ledger of what they read.

Each task runs on a client of its own and writes to a ledger of its own; what it hands over comes in the order of the
tasks, and its costs are added to the reading when it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from connectors import Reading
from connectors.http import SourceError
from connectors.ordered import ordered
from connectors.servicenow.client import Client
from connectors.servicenow.paging import quarantine

T = TypeVar("T")

Task = Callable[[Client, Reading], Iterator[T]]
"""Reads something with a client, and keeps the ledger of it."""


@dataclass(frozen=True, slots=True)
class _Piece(Generic[T]):
    """What a task hands over, and what it cost since the piece before; None at its end."""

    item: T | None
    cost: Reading


class Readers:
    """The clients of one instance: one to begin with, more for work that can be shared, up to ``most`` at a time."""

    def __init__(self, make: Callable[[], Client], most: int) -> None:
        self.first = make()
        self.most = most
        self._make = make
        self._all = [self.first]
        self._idle: list[Client] = []

    def run(self, tasks: Iterable[Task[T]], reading: Reading, most: int | None = None) -> Iterator[T]:
        """The items of every task, in the order of the tasks; ``most`` bounds the clients further.

        Raises:
            SourceError: a task failed; what the others have read beyond it is dropped.
        """
        workers = self.most if most is None else min(most, self.most)
        for piece in ordered((partial(self._pieces, task, reading, workers) for task in tasks), workers):
            _add(reading, piece.cost)
            if piece.item is not None:
                yield piece.item

    def close(self) -> None:
        """End all sessions."""
        for client in self._all:
            client.close()

    def _pieces(self, task: Task[T], reading: Reading, workers: int) -> Iterator[_Piece[T]]:
        cost = Reading(reading.mode)
        with self._client(workers) as client:
            try:
                for item in task(client, cost):
                    yield _Piece(item, _taken(cost))
            except SourceError:
                yield _Piece(None, _taken(cost))
                raise
        yield _Piece(None, _taken(cost))

    @contextmanager
    def _client(self, workers: int) -> Iterator[Client]:
        """A client that nobody else uses meanwhile; the caller's thread keeps the first for itself."""
        if workers <= 1:
            yield self.first
            return
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._make()
            self._all.append(client)
        try:
            yield client
        finally:
            self._idle.append(client)


def _taken(cost: Reading) -> Reading:
    """What was noted so far; the ledger begins anew."""
    taken = replace(cost, gaps=list(cost.gaps))
    cost.pages = cost.requests = cost.retries = cost.hidden = 0
    cost.source_count = None
    cost.gaps.clear()
    return taken


def _add(reading: Reading, cost: Reading) -> None:
    reading.pages += cost.pages
    reading.requests += cost.requests
    reading.retries += cost.retries
    reading.hidden += cost.hidden
    if cost.source_count is not None:
        reading.source_count = (reading.source_count or 0) + cost.source_count
    for gap in cost.gaps:
        quarantine(reading, gap.key, gap.reason)
