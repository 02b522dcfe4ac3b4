"""The sweep: every sys_id that the instance shows now, with the stamp of its version.

It alone finds what windows over the time of update can't: deletions, records that left the table, changes that did not
move the time, rows that never had one. So it runs every night, and either is complete or raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise

import msgspec

from connectors import Reading, Stream, Sweep
from connectors.servicenow.client import Answer, Client
from connectors.servicenow.paging import Walk
from connectors.servicenow.readers import Readers, Task
from connectors.servicenow.streams import STAMP

PAGE = 10_000
"""Rows of a page: two or three short fields each."""
RANGES = 16
_USUAL = ("sys_updated_on", "sys_mod_count")
_IDS = 1 << 128


def stamp_fields(stream: Stream) -> tuple[str, ...]:
    """The fields that make the stamp: of streams with volatile paths those that a real change moves."""
    return STAMP.get(stream.name, _USUAL)


def stamps(stream: Stream, answer: Answer) -> list[str]:
    """The stamp of each record of a page, from the record itself; "" where the record could not be had."""
    if answer.is_thin:
        return [""] * len(answer.rows)
    fields = stamp_fields(stream)
    if fields == _USUAL:
        return [f"{row.sys_updated_on} {row.sys_mod_count}" for row in answer.rows]
    decoder = _decoder(fields)
    return [" ".join(msgspec.structs.astuple(decoder.decode(record))) for record in answer.records]


@cache
def _decoder(fields: tuple[str, ...]) -> msgspec.json.Decoder[msgspec.Struct]:
    return msgspec.json.Decoder(msgspec.defstruct("Stamp", [(name, str, "") for name in fields]))


def census(
    stream: Stream, walk: Callable[[Client, Reading], Walk], base: str, readers: Readers, reading: Reading
) -> Iterator[Sweep]:
    """All keys that match, in order. What does not fit on one page is read in ranges of the sys_id by several readers.

    Raises:
        SourceError: it could not be completed.
    """
    pages = walk(readers.first, reading).ids(base)
    first = next(pages)
    yield _sweep(stream, first)
    left = (first.total or 0) - first.limit
    if first.is_last or readers.most <= 1 or left <= PAGE:
        for answer in pages:
            yield _sweep(stream, answer)
        return

    def ranged(after: str | None, until: str | None) -> Task[Sweep]:
        def task(client: Client, cost: Reading) -> Iterator[Sweep]:
            for answer in walk(client, cost).ids(base, after, until):
                yield _sweep(stream, answer)

        return task

    cuts = _cuts(first.rows[-1].sys_id if first.rows else None)
    yield from readers.run([ranged(*pair) for pair in pairwise(cuts)], reading)


def _cuts(after: str | None) -> Sequence[str | None]:
    """Borders between what lies behind a sys_id and the end of all, in equal parts; None where there is no bound."""
    start = int(after, 16) if after else 0
    step = (_IDS - start) // RANGES
    return [after, *(f"{start + n * step:032x}" for n in range(1, RANGES)), None]


def _sweep(stream: Stream, answer: Answer) -> Sweep:
    return Sweep([row.sys_id for row in answer.rows], stamps(stream, answer))
