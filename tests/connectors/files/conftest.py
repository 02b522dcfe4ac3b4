"""A folder of registers that a test writes, and the source that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import Connector, Gap, Page, Reading, Stream
from connectors.files import STREAMS, Settings, connect, instance
from connectors.files.streams import REGISTERS

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)


class Registers:
    """A folder in which every register has its header and no rows until a test writes some."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for register in REGISTERS.values():
            self.write(register.name, ",".join(field.name for field in register.fields) + "\n")

    def write(self, name: str, content: str | bytes) -> Path:
        """Put a whole file in place; a text is written in UTF-8 with its line ends as they are."""
        file = self.folder / f"{name}.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def connector(self, words: Mapping[str, Mapping[str, str]] | None = None, **settings: object) -> Connector:
        """The source, with more settings where named."""
        own = Settings.model_validate({"connector": "files", "folder": str(self.folder), **settings})
        return connect("registers", own.knowing(words or {}), {})

    def read(self, name: str, words: Mapping[str, Mapping[str, str]] | None = None, **settings: object) -> Read:
        """Read one register from log-in to log-out."""
        connector = self.connector(words, **settings)
        connector.open()
        found = Read(stream_of(name), Reading("full"))
        for page in connector.read(found.stream, found.ledger, ()):
            found.take(page)
        found.listed = [key for sweep in connector.census(found.stream, found.ledger) for key in sweep.keys]
        connector.close()
        return found


class Read:
    """What came of a register."""

    def __init__(self, stream: Stream, ledger: Reading) -> None:
        self.stream, self.ledger = stream, ledger
        self.records: dict[str, bytes] = {}
        self.contents: dict[str, bytes] = {}
        self.stamps: dict[str, str] = {}
        self.listed: list[str] = []

    def take(self, page: Page) -> None:
        self.records.update(zip(page.keys, page.records, strict=True))
        self.contents.update(zip(page.keys, page.contents, strict=True))
        self.stamps.update(zip(page.keys, page.stamps or [], strict=True))

    @property
    def gaps(self) -> list[Gap]:
        return self.ledger.gaps

    @property
    def reasons(self) -> list[str]:
        return [gap.reason for gap in self.gaps]


def stream_of(name: str) -> Stream:
    return next(stream for stream in STREAMS if stream.name == name)


@pytest.fixture
def registers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registers:
    monkeypatch.setattr(instance, "_clock", lambda: NOW)
    return Registers(tmp_path / "registers")
