"""Reading a metric's file: the header in its comments, checked, and the query below."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent

AGGREGATES = ("ratio", "ratio_of_sums", "count", "sum", "mean", "median", "p90")
AREAS = ("A1", "A2", "A3", "A4", "A5", "A6", "INT", "DQ")
DIRECTIONS = ("up", "down", "neutral")

_KEYS = ("id", "title", "definition", "clauses", "area", "direction", "attribution", "exclusions", "pitfalls")
_OPTIONAL = ("counts",)
_LINE = re.compile(r"-- (?P<key>[a-z]+): (?P<value>.*\S)\s*")
_ID = re.compile(r"[A-Z][A-Z0-9]*-\d+")
_MEASURE_NAME = re.compile(r"[a-z][a-z0-9_]*")


class DefinitionError(Exception):
    """A metric's file is wrong; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a metric: its name, how units become it, its unit, and the shipped target if there is one."""

    name: str
    aggregate: str
    unit: str
    target: float | None


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric. ``sql`` is the whole file; ``sha256`` its hash, which every figure carries.

    ``counts`` names the canonical entity whose records it counts: a source that has such records, but none in the
    population, has a count of 0; a source that has none has no figure.
    """

    id: str
    title: str
    definition: str
    clauses: tuple[str, ...]
    areas: tuple[str, ...]
    direction: str
    attribution: str
    exclusions: str
    pitfalls: str
    measures: tuple[Measure, ...]
    sql: str
    sha256: str
    counts: str | None = None


@dataclass(slots=True)
class _Header:
    """The header as written: per key the line number and the value."""

    file: str
    values: dict[str, tuple[int, str]] = field(default_factory=dict)
    measures: list[tuple[int, Measure]] = field(default_factory=list)

    def error(self, line: int, message: str) -> DefinitionError:
        return DefinitionError(f"{self.file}:{line}: {message}")

    def one(self, key: str, known: tuple[str, ...]) -> str:
        """The value of a key that takes one word of a list."""
        line, value = self.values[key]
        if value not in known:
            raise self.error(line, f"{key}: {value!r} is none of {', '.join(known)}")
        return value

    def listed(self, key: str, known: tuple[str, ...] | frozenset[str]) -> tuple[str, ...]:
        """The values of a key, separated by ``|``, all of them known words."""
        line, value = self.values[key]
        parts = tuple(part.strip() for part in value.split("|"))
        unknown = [part for part in parts if part not in known]
        if unknown and key == "clauses":
            raise self.error(line, f"clause {unknown[0]} is not in clauses.csv")
        if unknown:
            raise self.error(line, f"{key}: {unknown[0]!r} is none of {', '.join(sorted(known))}")
        return parts


def definitions(folder: Path | None = None) -> list[Definition]:
    """Every metric of a folder, by id.

    Raises:
        DefinitionError: a header is incomplete or wrong.
    """
    return [_read(path) for path in sorted((folder or FOLDER).glob("*.sql"))]


def _read(path: Path) -> Definition:
    text = path.read_text(encoding="utf-8")
    header = _header(path, text)
    missing = [key for key in _KEYS if key not in header.values]
    if missing:
        raise header.error(1, f"the header lacks {', '.join(missing)}")
    if not header.measures:
        raise header.error(1, "the header has no measure")
    line, name = header.values["id"]
    if name != path.stem:
        raise header.error(line, f"the id is {name}; file name and id must be the same")
    if not _ID.fullmatch(name):
        raise header.error(line, f"the id {name!r} is not of the form ABC-01")
    plain = {key: header.values[key][1] for key in ("title", "definition", "attribution", "exclusions", "pitfalls")}
    return Definition(
        id=name,
        clauses=header.listed("clauses", _clauses()),
        areas=header.listed("area", AREAS),
        direction=header.one("direction", DIRECTIONS),
        measures=tuple(measure for _, measure in header.measures),
        sql=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        counts=header.one("counts", _entities()) if "counts" in header.values else None,
        **plain,
    )


def _header(path: Path, text: str) -> _Header:
    header = _Header(path.name)
    lines = text.splitlines()
    if not lines or not lines[0].startswith("-- One row per "):
        raise header.error(1, "the first line says the grain: `-- One row per ...`")
    for number, line in enumerate(lines[1:], start=2):
        if not line.startswith("--"):
            break
        found = _LINE.fullmatch(line)
        if found is None:
            raise header.error(number, "a header line reads `-- key: value`")
        key, value = found["key"], found["value"]
        if key == "measure":
            _add_measure(header, number, value)
        elif key not in _KEYS + _OPTIONAL:
            raise header.error(number, f"unknown header key {key!r}; there are {', '.join(_KEYS + _OPTIONAL)}, measure")
        elif key in header.values:
            raise header.error(number, f"{key} stands twice")
        else:
            header.values[key] = (number, value)
    return header


def _add_measure(header: _Header, number: int, value: str) -> None:
    parts = [part.strip() for part in value.split("|")]
    if len(parts) != 4:
        raise header.error(number, "a measure reads `name | aggregate | unit | target or nothing`")
    name, aggregate, unit, target = parts
    if not _MEASURE_NAME.fullmatch(name) or aggregate not in AGGREGATES or not unit:
        raise header.error(number, f"{value!r}: the aggregate is one of {', '.join(AGGREGATES)}")
    if name in [measure.name for _, measure in header.measures]:
        raise header.error(number, f"the measure {name} stands twice")
    header.measures.append((number, Measure(name, aggregate, unit, _target(header, number, target))))


def _target(header: _Header, number: int, target: str) -> float | None:
    if not target:
        return None
    try:
        value = float(target)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise header.error(number, f"the target {target!r} is no number")
    return value


@cache
def _clauses() -> frozenset[str]:
    with (FOLDER.parent / "clauses.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["clause"] for row in csv.DictReader(file) if row["edition"] == "ISO/IEC 20000-1:2018")


@cache
def _entities() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in (FOLDER.parent / "canonical").glob("*.sql")))
