"""A folder of registers of the sample organisation, which tests and the demo change as people would."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.files import instance
from connectors.files.rendering import Row, rows, text
from connectors.files.streams import REGISTERS
from connectors.sample import Organization


class StandIn:
    """The folder, while it is entered. ``settings`` is the table of a source that reads it; there are no secrets.

    Files read within this process meanwhile have the stand-in's clock.
    """

    def __init__(self, organization: Organization, moment: datetime, folder: Path | None = None) -> None:
        self.settings: dict[str, object] = {}
        self.secrets: dict[str, str] = {}
        self._organization = organization
        self._moment = moment
        self._given = folder
        self._folder = Path()
        self._edits: dict[tuple[str, str], int] = {}
        self._removed: set[tuple[str, str]] = set()
        self._is_broken = False
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        place = self._given or Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._folder = place / "registers"
        self.settings = {"connector": "files", "folder": str(self._folder)}
        usual = instance._clock
        self._stack.callback(setattr, instance, "_clock", usual)
        setattr(instance, "_clock", lambda: self._moment)  # noqa: B010 - a function is replaced
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def advance(self, moment: datetime) -> None:
        """Let time pass: the registers are as at ``moment``, with the changes made by hand still in them."""
        self._moment = moment
        self._write()

    def truth(self) -> dict[str, set[str]]:
        """The ids of every register as they are now."""
        return {name: {row["id"] for row in listed} for name, listed in self._rows().items()}

    def edit(self, stream: str, key: str) -> None:
        """Change a row.

        Raises:
            LookupError: there is no such row.
        """
        self._require(stream, key)
        self._edits[stream, key] = self._edits.get((stream, key), 0) + 1
        self._write()

    def edit_silently(self, stream: str, key: str) -> None:
        """The same: a row has no time of update that could stay behind."""
        self.edit(stream, key)

    def remove(self, stream: str, key: str) -> None:
        """Take a row out of its file.

        Raises:
            LookupError: there is no such row.
        """
        self._require(stream, key)
        self._removed.add((stream, key))
        self._write()

    def restore(self, stream: str, key: str) -> None:
        """Put a removed row back."""
        self._removed.discard((stream, key))
        self._write()

    def break_off(self) -> None:
        """Take the folder away, as when a share is not mounted."""
        if not self._is_broken:
            self._folder.rename(self._away)
        self._is_broken = True

    def heal(self) -> None:
        """Bring the folder back."""
        if self._is_broken:
            self._away.rename(self._folder)
        self._is_broken = False

    @property
    def _away(self) -> Path:
        return self._folder.with_name("registers.away")

    def _require(self, stream: str, key: str) -> None:
        if key not in self.truth()[stream]:
            raise LookupError(f"{stream} has no {key}")

    def _rows(self) -> dict[str, list[Row]]:
        found = rows(self._organization, self._moment)
        return {
            name: [self._edited(name, row) for row in listed if (name, row["id"]) not in self._removed]
            for name, listed in found.items()
        }

    def _edited(self, stream: str, row: Row) -> Row:
        times = self._edits.get((stream, row["id"]), 0)
        title = "name" if stream == "suppliers" else "title"
        return row | {title: f"{row[title]} (corrected {times} times)"} if times else row

    def _write(self) -> None:
        """Write every register; each file is put in place whole, with the moment as its time."""
        place = self._away if self._is_broken else self._folder
        place.mkdir(parents=True, exist_ok=True)
        for name, listed in self._rows().items():
            file = place / REGISTERS[name].file
            new = file.with_suffix(".new")
            new.write_text(text(name, listed), encoding="utf-8")
            os.utime(new, (self._moment.timestamp(),) * 2)
            new.replace(file)


def stand_in(organization: Organization, moment: datetime, folder: Path | None = None) -> StandIn:
    """Registers of the organisation as at ``moment``: a folder ``registers`` in ``folder``, else in a temporary one."""
    return StandIn(organization, moment, folder)
