"""Walking through a list that is cut into pages by offset, without losing a record of it while it changes.

Every page begins at (or before) the last record already seen. A record deleted meanwhile moves the rest forward: then
the page begins with one that is not known yet, and the walk steps back until it meets a known one. So whatever was in
the list during the whole walk is seen, as long as the order of two records never changes. The source's count is the
second proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from connectors.http import Inconsistent

_MOST_STEPS_BACK = 100
_MOST_ROUNDS = 3
_MOST_BARREN = 3


class Entry(NamedTuple):
    """A record with its key; ``stamp`` is the source's own mark of the version, or empty."""

    key: str
    record: bytes
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """A page as it came.

    ``start`` is the place of its first record in the list. ``total`` is what the source says of the whole list, if
    anything; ``is_last`` likewise, None where it is not to be believed.
    """

    start: int
    entries: list[Entry]
    total: int | None = None
    is_last: bool | None = None


Ask = Callable[[int], Served]
"""The page that begins at a place, or as little before it as the source's paging allows."""


def walk(subject: str, ask: Ask, count: Callable[[], int | None] = lambda: None) -> Iterator[list[Entry]]:
    """The records of the list, each once, page by page. ``count`` asks the source how many there are, after the walk.

    A page that is announced as the last is; otherwise only a page that brings nothing behind the last known record
    ends the walk. Where fewer came than are counted, the list is walked again for what was added in its midst.

    Raises:
        Inconsistent: fewer records came than the source counts, more are announced and none come, the same page comes
            wherever it is to begin, or the list changes faster than it can be read.
    """
    seen: set[str] = set()
    start, back, steps_back, rounds = 0, 1, 0, 1
    reached, barren = 0, 0
    while True:
        page = ask(start)
        keys = [entry.key for entry in page.entries]
        if page.start and (not keys or keys[0] not in seen):
            steps_back += 1
            if steps_back > _MOST_STEPS_BACK:
                raise Inconsistent(f"{subject}: the list changes faster than it can be read", "run again later")
            start, back = max(0, page.start - back), back * 2
            continue
        end = page.start + len(keys) - 1
        fresh = {entry.key: entry for entry in page.entries if entry.key not in seen}
        seen.update(fresh)
        if fresh:
            yield list(fresh.values())
        # places that were not read before, and only known records in them
        barren = barren + 1 if end > reached and not fresh else 0
        if barren > _MOST_BARREN:
            raise Inconsistent(f"{subject}: the same page came again and again", "run again")
        reached = max(reached, end)
        if not page.is_last and (end > start or fresh):
            start, back = end, 1
            continue
        if page.is_last is False:
            raise Inconsistent(f"{subject}: more is announced and nothing comes", "run again")
        counted = count()
        wanted = page.total if counted is None else counted
        if wanted is None or len(seen) >= wanted:
            return
        if rounds == _MOST_ROUNDS:
            raise Inconsistent(f"{subject}: {len(seen)} of {wanted} came", "run again")
        start, back, rounds = 0, 1, rounds + 1
