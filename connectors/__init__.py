"""What every connector is: a source's API in, records out, with a ledger of what was read.

A connector is a folder beside this file. Its package offers three names:

``Settings``  a pydantic model of the source's table in ``sms-evidence.toml``
``connect``   ``connect(source, settings, secrets) -> Connector``
``ROLES``     in a sentence or two: the rights that a read-only account needs
``roles``     optional: ``roles() -> list[tuple[str, str]]``, the right for each stream where they differ

and holds ``canonical/*.sql`` (one select per canonical entity), ``stage/*.sql`` (optional helper views) and
``values.csv`` (shipped meaning of vendor words). Nothing here imports DuckDB or Dagster.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol

import msgspec

Kind = Literal["text", "integer", "double", "boolean", "utc", "instant", "epoch_ms", "seconds", "date", "json", "list"]
"""How a column is read: ``utc`` is ``YYYY-MM-DD HH:MM:SS`` without a zone, ``instant`` ISO 8601 with an offset,
``epoch_ms`` milliseconds since 1970, ``seconds`` a ServiceNow duration (a date counted from 1970-01-01 00:00:00 UTC),
``json`` the sub-document as text, ``list`` a list of sub-documents as texts."""

Mode = Literal["full", "incremental"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a stage view: where it lies in the record (``fields.status.name``) and how it is read."""

    path: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of record that a source serves.

    ``follows`` names streams whose new versions decide what is read here (the history of the tasks just read).
    ``volatile`` lists dotted paths (``*`` for any one key) that move with the clock and make no new version.
    ``is_counted`` says that the source can count the whole stream, so that counts of both sides can be compared.
    """

    name: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    follows: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    is_counted: bool = True


@dataclass(slots=True)
class Page:
    """Records as received. The lists have one entry per record.

    ``records`` are the exact bytes sliced out of the answer; ``contents`` the bytes that decide whether a version is
    new (the same object as ``records`` for a stream without volatile paths); ``updated`` the source's own time of the
    last update in UTC, or None; ``stamps`` what the source's sweep would say of this version (see ``Sweep``), where it
    says anything.
    """

    keys: list[str]
    records: list[bytes]
    contents: list[bytes]
    updated: list[datetime | None]
    stamps: list[str] | None = None


@dataclass(slots=True)
class Sweep:
    """Keys that the source has now, with its own mark of the version that each is in.

    A stamp is any short text that is the same as long as the content is (``2026-10-01 08:00:00 17``: last update and
    count of changes). It finds the record that was changed without its time of update being moved. Volatile paths must
    not enter it, or the record would be fetched every night.
    """

    keys: list[str]
    stamps: list[str] | None = None


AbsenceKind = Literal["deleted", "archived", "trashed", "moved", "reclassified", "not_visible"]


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a record that was there is there no more, and how that is known (who deleted it and when, if it is told).

    ``not_visible`` is what remains when nothing in the source tells of a deletion: the record may still exist.
    """

    kind: AbsenceKind
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A record that exists in the source and could not be carried: ``kind`` is hidden or quarantined."""

    kind: Literal["hidden", "quarantined"]
    key: str
    reason: str


@dataclass(slots=True)
class Reading:
    """The ledger of one stream in one run; the connector fills it while it reads.

    ``source_count`` is the source's own count of the stream at the upper bound of the window (for a stream that is not
    counted: of what was asked for). ``hidden`` counts records that the source counts but does not show this account.
    ``reached`` is a watermark before which nothing is left to read, set as pages are handed over: where the next run
    carries on when this one is ended by a quota. None when everything must be read again.
    """

    mode: Mode
    watermark_from: str | None = None
    watermark_to: str | None = None
    reached: str | None = None
    pages: int = 0
    requests: int = 0
    retries: int = 0
    source_count: int | None = None
    hidden: int = 0
    gaps: list[Gap] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who reads, and the source's clock (UTC) at log-in; windows and ``as of`` use this clock, never ours."""

    account: str
    server_time: datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``sms-evidence check``: what was tried, whether it worked, and what to do when it did not."""

    subject: str
    is_ok: bool
    message: str
    count: int | None = None


Records = Callable[[str], Iterable[bytes]]
"""The latest stored records of a stream of the same source, given the stream's name."""


class Connector(Protocol):
    """One configured source. Methods raise ``connectors.http.SourceError``, and nothing else, for what it does."""

    source: str
    kind: str
    url: str

    def open(self) -> Identity:
        """Log in, prove who we are, read the server's clock. Called once, before anything else."""
        ...

    def streams(self) -> Sequence[Stream]:
        """The streams to read, in an order in which every stream comes after those it follows."""
        ...

    def skipped(self) -> Mapping[str, str]:
        """Streams that the configuration leaves out: name and reason."""
        ...

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """Every record of the stream changed after ``reading.watermark_from`` (all, when None).

        ``parents`` gives (stream, key) of records that got a new version since this stream was last complete; only
        streams with ``follows`` use it. Sets ``watermark_to`` before it ends. Ends normally only when nothing that
        should be seen was missed.
        """
        ...

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """The keys of all records that the source has now (created before the window's upper bound) and shows.

        Ends normally only when it is complete: what it does not name is taken for gone.
        """
        ...

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named records, as far as the source still shows them."""
        ...

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """What became of records that neither the census nor `fetch` shows any more; an entry for each key."""
        ...

    def columns(self, stream: Stream, records: Records) -> Mapping[str, Column]:
        """The stage columns of a stream in this source (custom fields found by the source's own metadata)."""
        ...

    def check(self) -> Iterator[Finding]:
        """Log-in, rights and counts per stream, one finding each; names the missing role."""
        ...

    def close(self) -> None:
        """Prove that the account is still the one that opened, then end the session."""
        ...


@cache
def installed() -> Mapping[str, ModuleType]:
    """The connector packages in this folder, by kind. A new folder is found without editing any file."""
    found = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.ispkg:
            package = importlib.import_module(f"connectors.{module.name}")
            if hasattr(package, "connect"):
                found[module.name] = package
    return found


def content(record: bytes, volatile: Sequence[str]) -> bytes:
    """The record without its volatile paths, in a stable form: the bytes that decide whether a version is new.

    Returns the record itself when it is not a JSON object.
    """
    try:
        document = msgspec.json.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return record
    for path in volatile:
        _remove(document, path.split("."))
    return msgspec.json.encode(document, order="sorted")


def _remove(node: object, path: list[str]) -> None:
    if not isinstance(node, dict):
        return
    head, rest = path[0], path[1:]
    names = list(node) if head == "*" else [head] if head in node else []
    for name in names:
        if rest:
            _remove(node[name], rest)
        else:
            node.pop(name)
