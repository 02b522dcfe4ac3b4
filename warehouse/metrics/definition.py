"""Reading a metric's file: the header in its comments, checked, and the query below."""

from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent

AGGREGATES = ("ratio", "ratio_of_sums", "count", "sum", "mean", "median", "p90")
AREAS = ("A1", "A2", "A3", "A4", "A5", "A6", "INT", "DQ")
DIRECTIONS = ("up", "down", "neutral")

_KEYS = ("id", "title", "definition", "clauses", "area", "direction", "attribution", "exclusions", "pitfalls")
_LINE = re.compile(r"-- (?P<key>[a-z]+): (?P<value>.*\S)\s*")
_MEASURE_NAME = re.compile(r"[a-z][a-z0-9_]*")


class DefinitionError(Exception):
    """A metric's header is wrong; the message names file and line."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a metric: its name, how units become it, its unit, and the shipped target if there is one."""

    name: str
    aggregate: str
    unit: str
    target: float | None


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric. ``sql`` is the whole file; ``sha256`` its hash, which every figure carries."""

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


def definitions(folder: Path | None = None) -> list[Definition]:
    """Every metric of a folder, by id.

    Raises:
        DefinitionError: a header is incomplete or wrong.
    """
    return [_read(path) for path in sorted((folder or FOLDER).glob("*.sql"))]


def _read(path: Path) -> Definition:
    text = path.read_text(encoding="utf-8")
    header, measures = _header(path, text)
    missing = [key for key in _KEYS if key not in header]
    if missing:
        raise DefinitionError(f"{path.name}: the header lacks {', '.join(missing)}")
    if header["id"] != path.stem:
        raise DefinitionError(f"{path.name}: the id is {header['id']}; file name and id must be the same")
    if not measures:
        raise DefinitionError(f"{path.name}: the header has no measure")
    clauses, areas = _listed(header["clauses"]), _listed(header["area"])
    unknown = [clause for clause in clauses if clause not in _clauses()]
    if unknown:
        raise DefinitionError(f"{path.name}: clause {unknown[0]} is not in clauses.csv")
    for word, known in [*((area, AREAS) for area in areas), (header["direction"], DIRECTIONS)]:
        if word not in known:
            raise DefinitionError(f"{path.name}: {word!r} is none of {', '.join(known)}")
    return Definition(
        header["id"],
        header["title"],
        header["definition"],
        clauses,
        areas,
        header["direction"],
        header["attribution"],
        header["exclusions"],
        header["pitfalls"],
        tuple(measures),
        text,
        hashlib.sha256(text.encode()).hexdigest(),
    )


def _header(path: Path, text: str) -> tuple[dict[str, str], list[Measure]]:
    header: dict[str, str] = {}
    measures: list[Measure] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            break
        found = _LINE.fullmatch(line)
        if found is None:
            if number > 1:
                raise DefinitionError(f"{path.name}:{number}: a header line reads `-- key: value`")
            continue
        key, value = found["key"], found["value"]
        if key == "measure":
            measures.append(_measure(path, number, value))
        elif key not in _KEYS:
            raise DefinitionError(f"{path.name}:{number}: unknown header key {key!r}; there are {', '.join(_KEYS)}, measure")
        elif key in header:
            raise DefinitionError(f"{path.name}:{number}: {key} stands twice")
        else:
            header[key] = value
    return header, measures


def _measure(path: Path, number: int, value: str) -> Measure:
    parts = [part.strip() for part in value.split("|")]
    if len(parts) != 4:
        raise DefinitionError(f"{path.name}:{number}: a measure reads `name | aggregate | unit | target or nothing`")
    name, aggregate, unit, target = parts
    if not _MEASURE_NAME.fullmatch(name) or aggregate not in AGGREGATES or not unit:
        raise DefinitionError(f"{path.name}:{number}: {value!r}: the aggregate is one of {', '.join(AGGREGATES)}")
    try:
        return Measure(name, aggregate, unit, float(target) if target else None)
    except ValueError as error:
        raise DefinitionError(f"{path.name}:{number}: the target {target!r} is no number") from error


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split("|"))


@cache
def _clauses() -> frozenset[str]:
    with (FOLDER.parent / "clauses.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["clause"] for row in csv.DictReader(file) if row["edition"] == "ISO/IEC 20000-1:2018")
