"""The table of a folder of registers in the configuration file."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator

from connectors.files.streams import REGISTERS

Words = Mapping[str, Mapping[str, str]]
"""Column (``suppliers.status``) -> word in the file -> canonical word."""


class Settings(BaseModel):
    """One folder with one CSV file per register, named after it. There are no secrets.

    ``folder`` is relative to the configuration file. ``encoding`` is what the files are written in; the default reads
    UTF-8 with or without a byte order mark.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    connector: Literal["files"]
    folder: Path
    skip: list[str] = []
    delimiter: Literal[",", ";", "\t"] = ","
    encoding: str = "utf-8-sig"
    _words: Words = PrivateAttr(default={})

    @property
    def url(self) -> str:
        """The folder as a file:// address."""
        return self.folder.absolute().as_uri()

    @property
    def words(self) -> Words:
        """The meanings of words that the configuration gives under ``values``."""
        return self._words

    def relative_to(self, folder: Path) -> Self:
        """The settings with a relative ``folder`` below the one of the configuration."""
        return self.model_copy(update={"folder": folder / self.folder})

    def knowing(self, values: Words) -> Self:
        """The settings with the meanings of words that the configuration gives, so that such a word is no fault."""
        own = self.model_copy()
        own._words = values
        return own

    @field_validator("folder")
    @classmethod
    def _is_named(cls, folder: Path) -> Path:
        if str(folder).startswith("~"):
            raise ValueError("is used as it stands: write ~ out")
        return folder

    @field_validator("skip")
    @classmethod
    def _are_registers(cls, skip: list[str]) -> list[str]:
        for name in skip:
            if name not in REGISTERS:
                raise ValueError(f"{name!r} is no stream; there are {', '.join(REGISTERS)}")
        return skip

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            b"aa".decode(name, "replace")
        except (LookupError, ValueError) as error:
            raise ValueError(f"{name!r} is no encoding of text; write utf-8-sig, cp1252 or utf-16") from error
        # UTF-8 may always begin with a byte order mark: a register saved anew by another program still reads
        return "utf-8-sig" if codecs.lookup(name).name == "utf-8" else name
