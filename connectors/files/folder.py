"""Reading a file of the folder: whole, once, and only when it stayed the same meanwhile."""

from __future__ import annotations

import difflib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.errors import BrokenAnswer, Forbidden, Inconsistent, NotFound, SourceError, Unreachable, clean

LIMIT = 64 * 1024 * 1024
"""Bytes that a register may have: it is held in memory while its stream is read."""

_STEP = 1024 * 1024

Mark = tuple[int, int, int, int]
"""Device, inode, size and time of the last change (ns): the same as long as nobody touched the file."""


@dataclass(frozen=True, slots=True)
class File:
    """The content of a file and how it was known to be unchanged. ``changed_at`` is in UTC."""

    path: Path
    content: bytes
    mark: Mark

    @property
    def changed_at(self) -> datetime:
        """When the file was last written, to the second."""
        return datetime.fromtimestamp(self.mark[3] // 1_000_000_000, UTC)

    @property
    def sha256(self) -> str:
        """Of the whole file."""
        return hashlib.sha256(self.content).hexdigest()

    def describe(self) -> str:
        """Which state of the file was read."""
        return f"file of {self.changed_at:%Y-%m-%d %H:%M:%S} UTC, sha256 {self.sha256[:12]}"


def enter(folder: Path) -> tuple[int, int]:
    """Device and inode of the folder.

    Raises:
        NotFound: there is none, or it is no folder.
        Forbidden: its files can't be listed.
    """
    with _explained(folder):
        found = folder.stat()
        if not stat.S_ISDIR(found.st_mode):
            raise NotFound(f"{folder} is no folder", "name the folder with the registers as `folder` of this source")
        with os.scandir(folder) as entries:
            next(entries, None)
    return found.st_dev, found.st_ino


def read(path: Path) -> File:
    """The content of a file.

    Raises:
        NotFound: it is not there.
        Forbidden: this account may not read it, or it is a link (which could lead out of the folder).
        BrokenAnswer: it is larger than a register may be, or no plain file.
        Inconsistent: it was changed while it was read.
    """
    with _explained(path):
        # not blocking: opening a named pipe would wait for someone to write into it
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode):
                raise BrokenAnswer(f"{path.name} is no plain file", "put the register itself there")
            parts, size = [], 0
            while size <= LIMIT and (part := file.read(_STEP)):
                parts.append(part)
                size += len(part)
            if size > LIMIT:
                raise BrokenAnswer(
                    f"{path.name} is larger than the {LIMIT // 1024 / 1024:g} MiB that a register may have",
                    "move old rows into a folder of their own, as another source",
                )
        if size != before.st_size or mark(path) != _mark(before):
            raise Inconsistent(f"{path.name} was changed while it was read", "run again when nobody writes to it")
    return File(path, b"".join(parts), _mark(before))


def mark(path: Path) -> Mark | None:
    """The file's mark as it is now; None when it is gone."""
    with suppress(FileNotFoundError):
        return _mark(path.lstat())
    return None


def _mark(found: os.stat_result) -> Mark:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What the operating system says, as an error of the source."""
    try:
        yield
    except OSError as error:
        raise _error(path, error) from None


def _error(path: Path, error: OSError) -> SourceError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if path.suffix == ".csv" and path.parent.is_dir():
            return NotFound(
                f"there is no {path.name} in {path.parent}{_similar(path)}", "add it, or name it under skip"
            )
        return NotFound(f"there is no folder {path}", "correct `folder` of this source, or make it reachable")
    if isinstance(error, PermissionError):
        return Forbidden(f"{path} may not be read by this account", "give it the right to read, not to write")
    if error.errno == errno.ELOOP:
        return Forbidden(f"{path.name} is a link", "put the file itself there: a link could lead out of the folder")
    return Unreachable(f"{path} can't be read: {clean(error.strerror or type(error).__name__)}", "run again later")


def _similar(path: Path) -> str:
    """A file that may be meant, also when only its capitals differ."""
    with suppress(OSError):
        names = {file.name.lower(): file.name for file in sorted(path.parent.iterdir())}
        near = difflib.get_close_matches(path.name.lower(), names, n=1, cutoff=0.8)
        if near:
            return f" (there is {clean(names[near[0]])!r})"
    return ""
