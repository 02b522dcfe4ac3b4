"""A window cut into parts that can be read at the same time.

Where to cut is asked of the instance: the time of the row that lies so many rows beyond the last cut. A part is bounded
by times alone, so rows that come or go between the question and the reading move no border.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connectors.http import BrokenAnswer, DeadlineExceeded
from connectors.servicenow.paging import Walk

ALONE = 4
"""Pages that are left to one reader: to share them would cost as many requests as it saves."""
LARGEST = 8
"""Pages of one part, as far as a reader may be ahead of what is stored."""


def is_worth(walk: Walk, workers: int) -> bool:
    """Whether what is left of a window, of which one page was read, should be shared."""
    return workers > 1 and _left(walk) > ALONE * walk.limit


def parts(walk: Walk, base: str, low: datetime, high: datetime, workers: int) -> Iterator[tuple[datetime, datetime]]:
    """The window in consecutive parts ``(low, high]`` of up to LARGEST pages each, every second whole in one of them.

    When a cut can't be found (ten hidden rows in a row, an answer that breaks), the rest is one part.
    """
    pages = max(1, min(LARGEST, _left(walk) // (walk.limit * workers)))
    while (border := _border(walk, base, low, high, pages * walk.limit)) is not None and border < high:
        yield low, border
        low = border
    yield low, high


def _border(walk: Walk, base: str, low: datetime, high: datetime, rows: int) -> datetime | None:
    try:
        return walk.beyond(base, low, high, rows)
    except (BrokenAnswer, DeadlineExceeded) as error:
        if error.is_final:
            raise
        return None


def _left(walk: Walk) -> int:
    return (walk.first_total or 0) - walk.limit
