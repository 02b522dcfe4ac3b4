"""Opening the published warehouse: read-only, sealed off, and never in the way of a sync."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


class NotPublishedError(Exception):
    """There is no published warehouse yet."""


@contextmanager
def open_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the file that is published now; a later publish does not change what it sees.

    Raises:
        NotPublishedError: nothing was published at ``path``.
    """
    if not path.exists():
        raise NotPublishedError(f"no warehouse is published at {path}: run `sms-evidence sync` first")
    con = duckdb.connect(str(path.resolve()), read_only=True)
    try:
        con.execute("set timezone = 'UTC'")
        con.execute("set enable_external_access = false")
        con.execute("set lock_configuration = true")
        yield con
    finally:
        con.close()
