"""A CSV file taken apart into records, each with the exact text that stands in the file.

The csv module reads strictly, record by record. A quotation mark that is opened and never closed would swallow all
that follows, and the rows in it would look deleted: so a record of several lines that can't be right is given up at its
first line, and reading goes on at the second.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_LINES = 200
"""Physical lines that one record may have."""

_SEPARATOR = re.compile(r"sep=(.)\s*")


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the number of its first line, its text without the line end, and its cells.

    ``fault`` says why it is none; the cells are then what can be made out of its first line.
    """

    line: int
    text: str
    cells: list[str]
    fault: str = ""


def records(text: str, delimiter: str, width: int | None = None) -> Iterator[Row]:
    """The records of a file; those without any text in a cell are left out.

    ``width`` is the number of cells that the header has: other records are faulty. Without it, the first record is
    taken for the header, and decides.
    """
    lines = list(io.StringIO(text, newline=""))
    place = 1 if lines and _SEPARATOR.fullmatch(lines[0]) else 0  # "sep=;" is for a spreadsheet
    while place < len(lines):
        row, used = _record(lines, place, delimiter, width)
        place += used
        if not row.fault and not any(cell.strip() for cell in row.cells):
            continue
        if width is None:
            width = len(row.cells)
        yield row


def _record(lines: Sequence[str], place: int, delimiter: str, width: int | None) -> tuple[Row, int]:
    """The record that begins at a line, and how many lines it takes."""
    most = min(len(lines), place + MOST_LINES)
    reader = csv.reader((lines[n] for n in range(place, most)), delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
        fault = _miscounted(cells, width)
    except (csv.Error, StopIteration) as error:
        cells, fault = [], _reason(str(error))
    used = max(1, reader.line_num)
    if not fault:
        return Row(place + 1, "".join(lines[place : place + used]).rstrip("\r\n"), cells), used
    line = lines[place].rstrip("\r\n")
    return Row(place + 1, line, _made_out(lines[place], delimiter), fault), 1


def _miscounted(cells: Sequence[str], width: int | None) -> str:
    if width is None or not cells or len(cells) == width or not any(cell.strip() for cell in cells):
        return ""
    return f"has {len(cells)} cells and the header {width}: put a cell that contains the delimiter between quotes"


def _reason(error: str) -> str:
    if "end of data" in error:
        return "a quotation mark is opened and not closed: write a quotation mark within a cell twice"
    if "expected after" in error:
        return "text follows a closing quotation mark: write a quotation mark within a cell twice"
    return error or "no record"


def _made_out(line: str, delimiter: str) -> list[str]:
    """What the cells of a faulty line seem to be, to know whose line it is."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
