"""One configured site: which reader reads which stream, and the proof of who reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from pydantic import SecretStr

from connectors import Absence, Column, Finding, Identity, Page, Reading, Records, Stream, Sweep
from connectors.http import NotAuthenticated
from connectors.jira.beside import BESIDE, BesideReader, switched_off
from connectors.jira.checking import check
from connectors.jira.connection import Connection
from connectors.jira.discovery import discover, parse, scoped
from connectors.jira.histories import HistoryReader
from connectors.jira.issues import IssueReader
from connectors.jira.lists import ListReader
from connectors.jira.settings import Settings
from connectors.jira.streams import STREAMS


class Reader(Protocol):
    """Reads a kind of stream; the methods are those of the connector."""

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]], /) -> Iterator[Page]: ...
    def census(self, stream: Stream, reading: Reading, /) -> Iterator[Sweep]: ...
    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading, /) -> Iterator[Page]: ...
    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading, /) -> Mapping[str, Absence]: ...


class Jira:
    """One configured site.

    Whatever is read of a stream ends with the proof that the account is still the one that logged in.
    """

    kind = "jira"

    def __init__(self, source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> None:
        self.source = source
        self.url = settings.url
        self._settings = settings
        self._secrets = secrets
        self._connection: Connection | None = None
        self._readers: Mapping[str, Reader] = {}

    def open(self) -> Identity:
        """Log in, read the site's clock, and find every configured project."""
        connection = self._connection = Connection(self.source, self._settings, self._secrets)
        self._readers = {
            "": ListReader(connection),
            "issue": IssueReader(connection),
            "changelog": HistoryReader(connection),
            **dict.fromkeys(BESIDE, BesideReader(connection)),
        }
        return Identity(connection.account, connection.now)

    def streams(self) -> Sequence[Stream]:
        """All streams but those that the settings skip."""
        return [stream for stream in STREAMS if stream.name not in self.skipped()]

    def skipped(self) -> Mapping[str, str]:
        """What the settings skip."""
        return switched_off(self._settings) | dict.fromkeys(self._settings.skip, "left out by the configuration")

    def read(self, stream: Stream, reading: Reading, parents: Iterable[tuple[str, str]]) -> Iterator[Page]:
        """Issues updated in the window; the whole history of the given issues; the other streams are read whole."""
        with self._proved(reading):
            yield from self._reader(stream).read(stream, reading, parents)

    def census(self, stream: Stream, reading: Reading) -> Iterator[Sweep]:
        """The keys of everything that the source has now; there are no stamps, Jira states no version of an issue."""
        with self._proved(reading):
            yield from self._reader(stream).census(stream, reading)

    def fetch(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Iterator[Page]:
        """The named records. An issue that moved to a project which is not read is no longer shown."""
        with self._proved(reading):
            yield from self._reader(stream).fetch(stream, keys, reading)

    def explain(self, stream: Stream, keys: Sequence[str], reading: Reading) -> Mapping[str, Absence]:
        """What became of records that are not shown any more, as far as Jira tells."""
        with self._proved(reading):
            return self._reader(stream).explain(stream, keys, reading)

    def columns(self, stream: Stream, records: Records) -> Mapping[str, Column]:
        """The stage columns; for issues, with the custom fields that the stored field metadata decides.

        An undecided one stays empty here, and makes the reading of issues fail with what to configure.
        """
        if stream.name != "issue":
            return stream.columns
        projects = scoped(records("project"), self._settings.projects) or None
        return discover(parse(records("field")), self._settings.fields, projects).columns()

    def check(self) -> Iterator[Finding]:
        """Log-in, projects, fields, and every stream: how many there are, and which right is missing."""
        yield from check(self.source, self._settings, self._secrets, self.streams())

    def close(self) -> None:
        """Ask again who we are, and end the session."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.prove()
        finally:
            connection.close()

    def _reader(self, stream: Stream) -> Reader:
        return self._readers.get(stream.name, self._readers[""])

    @contextmanager
    def _proved(self, reading: Reading) -> Iterator[None]:
        """Prove the account at the end, and enter the requests into the ledger, also when something fails."""
        connection = self._connection
        if connection is None:
            raise NotAuthenticated(f"{self.source}: not logged in", "")
        requests, retries = connection.sent
        try:
            yield
            connection.prove()
        except BaseException:
            reading.watermark_to = None
            raise
        finally:
            sent, repeated = connection.sent
            reading.requests += sent - requests
            reading.retries += repeated - retries
