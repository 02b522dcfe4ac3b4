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
        # readers of a file in one process share it: what the first has locked holds for the others
        if con.execute("select current_setting('lock_configuration')").fetchone() == (False,):
            con.execute("set global timezone = 'UTC'")
            con.execute("set enable_external_access = false")
            con.execute("set lock_configuration = true")
        yield con
    finally:
        con.close()
