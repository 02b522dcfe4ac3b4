"""What of a register's rows can be carried, and what is wrong with the others.

A row with a fault is named by its line and column and left out; the rows around it go on. Its earlier good version
stays the latest one, because the row is still there.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec

from connectors import Gap, Stream, content
from connectors.errors import BrokenAnswer, clean
from connectors.files.folder import File
from connectors.files.settings import Words
from connectors.files.streams import Field, Register
from connectors.files.table import Row, records

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_RESERVED = re.compile(r"line \d+")
_STAMP = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One good row: its record as JSON, the part of it that makes a version, and the stamp of that part."""

    key: str
    record: bytes
    content: bytes
    stamp: str


@dataclass(frozen=True, slots=True)
class Contents:
    """A register as its file has it. ``entries`` and ``gaps`` together are all its rows, each with a key of its own.

    ``unknown`` are columns that the register does not have: kept in the record, read by nobody.
    """

    file: File
    entries: Mapping[str, Entry]
    gaps: Sequence[Gap]
    unknown: Sequence[str]
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Rows with data in the file."""
        return len(self.entries) + len(self.gaps)


def parse(file: File, register: Register, stream: Stream, delimiter: str, encoding: str, words: Words) -> Contents:
    """Take a file apart.

    Raises:
        BrokenAnswer: its header can't be used, or its encoding is another.
    """
    rows = records(_decoded(file, encoding), delimiter)
    header = _header(next(rows, None), register, delimiter)
    allowed = {name.partition(".")[2]: known for name, known in words.items() if name.startswith(f"{register.name}.")}
    entries: dict[str, Entry] = {}
    fields: dict[str, Mapping[str, str]] = {}
    gaps: list[Gap] = []
    lines: dict[str, int] = {}
    for row in rows:
        cells = dict(zip(header, (cell.strip() for cell in row.cells), strict=False))
        key = cells.get("id", "")
        column, fault = _id_fault(key, lines)
        if fault:
            key = f"line {row.line}"
        lines.setdefault(key, row.line)
        if not fault or row.fault:
            column, fault = _fault(row, cells, register, allowed)
        if fault:
            place = f"{register.file} line {row.line}" + (f", column {column}" if column else "")
            gaps.append(Gap("quarantined", key, f"{place}: {fault}"))
            continue
        entries[key], fields[key] = _entry(key, row, cells, stream), cells
    known = {field.name for field in register.fields}
    return Contents(file, entries, gaps, [name for name in header if name not in known], fields)


def normal(word: str) -> str:
    """A word without the differences that nobody means."""
    return " ".join(word.split()).lower()


def _entry(key: str, row: Row, cells: Mapping[str, str], stream: Stream) -> Entry:
    record = msgspec.json.encode({"line": row.line, "text": row.text, "fields": cells})
    own = content(record, stream.volatile)
    return Entry(key, record, own, hashlib.sha256(own).hexdigest()[:_STAMP])


def _decoded(file: File, encoding: str) -> str:
    """The text of a file. A byte that does not belong into it becomes a lone surrogate, which marks its row."""
    if not file.content.strip():
        raise BrokenAnswer(f"{file.path.name} is empty", "its first line must name the columns")
    if encoding == "utf-8-sig" and file.content[:2] in _UTF16:
        raise BrokenAnswer(
            f"{file.path.name} is written in UTF-16", 'save it as "CSV UTF-8", or set encoding = "utf-16"'
        )
    try:
        return file.content.decode(encoding, "surrogateescape")
    except UnicodeError as error:
        raise BrokenAnswer(f"{file.path.name} is not written in {encoding}: {clean(str(error))}", "") from None


# -------------------------------------------------------------- header


def _header(row: Row | None, register: Register, delimiter: str) -> list[str]:
    """The names of the columns: those of the register in its own spelling, the others as they stand."""
    if row is None:
        raise BrokenAnswer(f"{register.file} is empty", "its first line must name the columns")
    if row.fault:
        raise BrokenAnswer(f"{register.file} line {row.line}, the names of the columns: {row.fault}", "")
    if _undecoded(row.text):
        raise BrokenAnswer(
            f"{register.file} line {row.line}, the names of the columns: {_ENCODING}", "set encoding of this source"
        )
    known = {field.name for field in register.fields}
    names: list[str] = []
    for place, cell in enumerate(row.cells, start=1):
        name = re.sub(r"[\s_-]+", "_", cell.strip().lower())
        names.append(name if name in known else cell.strip() or f"column {place}")
    _check_separated(names, row, register, delimiter)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BrokenAnswer(f"{register.file} has the column {clean(twice)!r} twice", "give one of them another name")
    missing = [name for name in register.required if name not in names]
    if missing:
        others = [name for name in names if name not in known]
        near = difflib.get_close_matches(missing[0], others, n=1, cutoff=0.6)
        raise BrokenAnswer(
            f"{register.file} has no column {', '.join(map(repr, missing))}; it has {clean(', '.join(names))}",
            f"did you mean {clean(near[0])!r}? Rename it to {missing[0]!r}" if near else "add it to the first line",
        )
    return names


def _check_separated(names: Sequence[str], row: Row, register: Register, delimiter: str) -> None:
    """A header in one piece was written with another delimiter."""
    if len(names) > 1:
        return
    other = max((d for d in ",;\t" if d != delimiter), key=row.text.count)
    if other in row.text:
        raise BrokenAnswer(
            f"{register.file} separates its columns by {_NAME[other]}, and {_NAME[delimiter]} is configured",
            f"set delimiter = {_WRITTEN[other]} for this source",
        )


_NAME = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_WRITTEN = {",": '","', ";": '";"', "\t": '"\\t"'}
_ENCODING = "a letter is not in the encoding of this source"


# ---------------------------------------------------------------- rows


def _id_fault(key: str, lines: Mapping[str, int]) -> tuple[str, str]:
    """Why a row can't be known by its id."""
    if not key:
        return "id", "is empty: give the row an id that no other row has"
    if _undecoded(key):
        return "id", f"{_ENCODING}: save the file as UTF-8, or set encoding"
    if key in lines:
        return "id", f"{_shown(key)} stands on line {lines[key]} already: give one of the rows another id"
    if _RESERVED.fullmatch(key):
        return "id", f"{_shown(key)} is what a row without an id is called: give it another"
    return "", ""


def _fault(row: Row, cells: Mapping[str, str], register: Register, words: Words) -> tuple[str, str]:
    """The first thing wrong with a row: column and what to do; two empty texts for a good one."""
    if row.fault:
        return "", row.fault
    if name := next((name for name, cell in cells.items() if _undecoded(cell)), None):
        return clean(name), f"{_ENCODING}: save the file as UTF-8, or set encoding"
    for own in register.fields:
        if fault := _cell_fault(own, cells.get(own.name, ""), words.get(own.name)):
            return own.name, fault
    if register.one_of and not any(cells.get(name) for name in register.one_of):
        return register.one_of[0], f"is empty, and one of {', '.join(register.one_of)} must be filled"
    return "", ""


def _cell_fault(own: Field, cell: str, words: Mapping[str, str] | None) -> str:
    if not cell:
        return "is empty" if own.is_required else ""
    if own.kind == "date":
        return _date_fault(cell)
    if own.kind == "integer" and not re.fullmatch(r"[0-9]{1,9}", cell):
        return f"{_shown(cell)} is no whole number; write it like 12"
    if own.kind == "double" and not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", cell):
        return f"{_shown(cell)} is no number; write it like 1234.5"
    if own.kind == "word" and words is not None and normal(cell) not in {normal(word) for word in words}:
        near = difflib.get_close_matches(normal(cell), [normal(word) for word in words], n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(dict.fromkeys(words.values()))};"
        return f"{_shown(cell)} is no known {own.name}: {hint} give a word of your own its meaning under values"
    return ""


def _date_fault(cell: str) -> str:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        with suppress(ValueError):
            date.fromisoformat(cell)
            return ""
        return f"{_shown(cell)} is no day of the calendar"
    return f"{_shown(cell)} is no date; write {_meant(cell) or 'it like 2026-12-31'}"


def _meant(cell: str) -> str:
    """The date in the form that is read, where only one can be meant."""
    # 03/04/2026 is March here and April there: nothing is proposed
    for form in ("%d.%m.%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        with suppress(ValueError):
            return datetime.strptime(cell, form).date().isoformat()  # noqa: DTZ007 - a calendar date has no zone
    return ""


def _undecoded(text: str) -> bool:
    return any("\udc80" <= c <= "\udcff" for c in text)


def _shown(cell: str) -> str:
    """A cell as it may stand in a message."""
    text = clean(cell)
    return repr(text if len(text) <= 40 else text[:39] + "…")


def batches(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    """So many at a time."""
    return (entries[start : start + size] for start in range(0, len(entries), size))
