"""One configured folder of registers: what each stream reads, and the proof that nothing was missed."""

from __future__ import annotations

import csv
import pwd
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from connectors import Absence, Column, Finding, Identity, Page, Reading, Records, Stream, Sweep
from connectors.errors import Inconsistent, NotAuthenticated, SourceError, clean
from connectors.files import folder
from connectors.files.rows import Contents, batches, parse
from connectors.files.settings import Settings, Words
from connectors.files.streams import REGISTERS, STREAMS, Register

_PAGE = 1000


def _clock() -> datetime:
    """This machine's clock, which a folder on it has too."""
    return datetime.now(UTC)


class Files:
    """One configured folder. Each file is read once between `open` and `close`: all calls speak of one state."""

    kind = "files"

    def __init__(self, source: str, settings: Settings) -> None:
        self.source = source
        self.url = settings.url
        self._settings = settings
        self._words = _merged(settings.words)
        self._folder: tuple[int, int] | None = None
        self._contents: dict[str, Contents] = {}

    def open(self) -> Identity:
        """Find the folder; its owner is the account."""
        self._contents = {}
        self._folder = folder.enter(self._settings.folder)
        return Identity(_owner(self._settings.folder), _clock())

    def streams(self) -> Sequence[Stream]:
        """All registers but those that the settings skip."""
        return [stream for stream in STREAMS if stream.name not in self._settings.skip]

    def skipped(self) -> Mapping[str, str]:
        """What the settings skip."""
        return dict.fromkeys(self._settings.skip, "left out by the configuration")

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """The whole file, as a row has no time of its own. The watermark names the state of the file."""
        found = self._read(stream)
        yield from self._pages(found, reading)
        reading.gaps += found.gaps
        reading.source_count = found.count
        reading.watermark_to = f"{found.file.changed_at.isoformat()} {found.file.sha256}"

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """The keys of all rows. One with a fault is there too, so that its last good version stays."""
        found = self._read(stream)
        keys = [*found.entries, *(gap.key for gap in found.gaps)]
        yield Sweep(keys, [*(entry.stamp for entry in found.entries.values()), *("" for _ in found.gaps)])

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named rows, as far as they are there without a fault."""
        wanted = set(keys)
        yield from self._pages(self._read(stream), reading, wanted)

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """A row that is not in the file was taken out of it."""
        file = self._read(stream).file
        return dict.fromkeys(keys, Absence("deleted", f"no longer in {file.path.name} ({file.describe()})"))

    def columns(self, stream: Stream, records: Records) -> Mapping[str, Column]:
        """The columns of the register, whether or not its file has them all."""
        return stream.columns

    def check(self) -> Iterator[Finding]:
        """The folder and every file: how many rows, the first one with a fault, and what nobody reads."""
        try:
            identity = self.open()
        except SourceError as error:
            yield Finding("folder", is_ok=False, message=str(error))
            return
        yield Finding("folder", is_ok=True, message=f"{self._settings.folder}, owned by {identity.account}")
        for stream in self.streams():
            try:
                yield self._finding(stream)
            except SourceError as error:
                yield Finding(stream.name, is_ok=False, message=str(error))
        for stream in self.streams():
            yield from self._broken_links(REGISTERS[stream.name])
        self._contents, self._folder = {}, None

    def close(self) -> None:
        """Prove that folder and files are still those that were read."""
        opened, contents = self._folder, self._contents
        self._folder, self._contents = None, {}
        if opened is None:
            return
        changed = [name for name, found in contents.items() if folder.mark(found.file.path) != found.file.mark]
        if folder.enter(self._settings.folder) != opened:
            raise Inconsistent(f"{self._settings.folder} was replaced by another folder during the run", "run again")
        if changed:
            raise Inconsistent(
                f"{', '.join(f'{name}.csv' for name in changed)} changed after it was read: the registers may not fit"
                " each other",
                "run again when nobody writes to them",
            )

    # --------------------------------------------------------------- parts

    def _read(self, stream: Stream) -> Contents:
        if self._folder is None:
            raise NotAuthenticated(f"{self.source}: not opened", "")
        if stream.name not in self._contents:
            register, own = REGISTERS[stream.name], self._settings
            file = folder.read(own.folder / register.file)
            self._contents[stream.name] = parse(file, register, stream, own.delimiter, own.encoding, self._words)
        return self._contents[stream.name]

    def _pages(self, found: Contents, reading: Reading, wanted: set[str] | None = None) -> Iterator[Page]:
        entries = [entry for key, entry in found.entries.items() if wanted is None or key in wanted]
        for batch in batches(entries, _PAGE):
            reading.pages += 1
            yield Page(
                [entry.key for entry in batch],
                [entry.record for entry in batch],
                [entry.content for entry in batch],
                [None] * len(batch),
                [entry.stamp for entry in batch],
            )

    def _finding(self, stream: Stream) -> Finding:
        found = self._read(stream)
        said = [f"{found.count} rows"]
        if found.gaps:
            said.append(f"{len(found.gaps)} of them can't be carried, the first: {found.gaps[0].reason}")
        if found.unknown:
            said.append(f"kept, but read by nobody: {clean(', '.join(found.unknown))}")
        return Finding(stream.name, not found.gaps, "; ".join(said), found.count)

    def _broken_links(self, register: Register) -> Iterator[Finding]:
        """Rows that name an entry of another register that is not there."""
        rows = self._contents.get(register.name)
        for field in register.fields:
            there = self._contents.get(field.links)
            if rows is None or there is None:
                continue
            named = [(key, cells[field.name]) for key, cells in rows.fields.items() if cells.get(field.name)]
            known = {*there.entries, *(gap.key for gap in there.gaps)}
            lost = [(key, target) for key, target in named if target not in known]
            if lost:
                key, target = (clean(text) for text in lost[0])
                yield Finding(
                    f"{register.name}.{field.name}",
                    is_ok=False,
                    message=f"{len(lost)} rows name what is not in {field.links}.csv, the first: {key} names {target}",
                    count=len(lost),
                )


def _merged(own: Words) -> Words:
    """The shipped words with those of the configuration."""
    words = {name: dict(known) for name, known in _shipped().items()}
    for name, known in own.items():
        words.setdefault(name, {}).update(known)
    return words


@cache
def _shipped() -> Words:
    words: dict[str, dict[str, str]] = {}
    with (Path(__file__).parent / "values.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            words.setdefault(row["field"], {})[row["vendor"]] = row["canonical"]
    return words


def _owner(path: Path) -> str:
    """The name of the folder's owner."""
    try:
        number = path.stat().st_uid
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
    except OSError:
        return "files"
