"""The nightly run: read every source into the evidence, rebuild the warehouse, publish it.

Plain Python, without Dagster: the assets call these methods one by one, tests call them directly.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import connectors
from connectors import Absence, Connector, Identity, Page, Reading, Stream
from connectors.http import Inconsistent, SourceError
from pipelines.configuration import Configuration
from pipelines.wiring import columns_of, connect, shipped_values, vendors
from warehouse import metrics
from warehouse.building import Building
from warehouse.evidence import Evidence
from warehouse.stage import Source
from warehouse.versions import Ledger, Writer


@dataclass(frozen=True, slots=True)
class StreamResult:
    """How one stream of one source ended."""

    source: str
    stream: str
    status: str
    mode: str
    fetched: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    duplicate: int = 0
    deleted: int = 0
    hidden: int = 0
    quarantined: int = 0
    source_count: int | None = None
    warehouse_count: int | None = None
    requests: int = 0
    error: str | None = None


class Progress(Protocol):
    """Is told how a run goes on; the command line draws it."""

    def begin(self, source: str, stream: str) -> None: ...
    def advance(self, records: int) -> None: ...
    def end(self, result: StreamResult) -> None: ...
    def say(self, message: str) -> None: ...


class Silent:
    """No progress shown."""

    def begin(self, source: str, stream: str) -> None:
        """Nothing."""

    def advance(self, records: int) -> None:
        """Nothing."""

    def end(self, result: StreamResult) -> None:
        """Nothing."""

    def say(self, message: str) -> None:
        """Nothing."""


Clock = Callable[[], datetime]

_MANY = 20
"""Fewer records than these may vanish at once without a word from the source; from here on, not more than half."""

_SWEEPS = 3
"""Rows come and go while a source is swept; when the counts disagree, it is swept again, so often in all."""


def wall_clock() -> datetime:
    """The only place where the product looks at this machine's clock: the times in `audit`."""
    return datetime.now(UTC)


class Night:
    """One run over all sources (or one), from opening the evidence to the published warehouse.

    Raises:
        EvidenceBusy: another run holds the evidence file.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        only: str | None = None,
        full: bool = False,
        clock: Clock = wall_clock,
        environ: Mapping[str, str] = os.environ,
        progress: Progress | None = None,
    ) -> None:
        self.configuration = configuration
        self.only = only
        self.full = full
        self.clock = clock
        self.progress = progress or Silent()
        self.results: list[StreamResult] = []
        self.published: Path | None = None
        self.heads: dict[str, str | None] = {}
        self._environ = environ
        self._server_times: list[datetime] = []
        self._building: Building | None = None

    def __enter__(self) -> Self:
        self.evidence = Evidence(self.configuration.store.evidence)
        self.stale = self.evidence.close_stale(self.clock())
        for sync_id in self.stale:
            self.progress.say(f"run {sync_id} was ended from outside: closed as failed, nothing is lost")
        self.sync_id = self.evidence.new_sync(self.clock())
        self.evidence.remember(self.sync_id, self._texts())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._building is not None:
            self._building.abandon()
        self.heads = {name: self.evidence.head(name) for name in self.configuration.sources}
        self.evidence.close()

    # ------------------------------------------------------------- sources

    @property
    def sources(self) -> list[str]:
        """The sources that this run reads."""
        return [name for name in self.configuration.sources if self.only in (None, name)]

    def connector(self, source: str) -> Connector:
        """The connector of a source; opens no connection."""
        return connect(self.configuration, source, self._environ)

    def read_source(self, source: str) -> Iterator[StreamResult]:
        """Read every stream of a source; a stream that fails does not take the others down."""
        connector = self.connector(source)
        for name, reason in connector.skipped().items():
            self.evidence.skip(self.sync_id, source, name, reason, self.clock())
            yield self._note(StreamResult(source, name, "skipped", "full", error=reason))
        try:
            identity = connector.open()
        except SourceError as error:
            for stream in connector.streams():
                yield self._note(self._unread(connector, stream, str(error)))
            return
        self._server_times.append(identity.server_time)
        for stream in connector.streams():
            yield self._note(self._read_stream(connector, stream, identity))
        try:
            connector.close()
        except SourceError as error:
            yield self._note(StreamResult(source, "(log-out)", "incomplete", "full", error=str(error)))

    def _read_stream(self, connector: Connector, stream: Stream, identity: Identity) -> StreamResult:
        watermark = None if self.full else self.evidence.last_run(connector.source, stream.name).watermark
        reading = Reading("incremental" if watermark else "full", watermark)
        self.progress.begin(connector.source, stream.name)
        writer = self._writer(connector, stream, reading, identity.account)
        status, error = "complete", None
        try:
            parents = self.evidence.changed_since(connector.source, connector.kind, stream.follows, watermark)
            self._take(writer, connector.read(stream, reading, parents))
            if stream.is_counted:
                self._reconcile(writer, connector, stream, reading)
        except SourceError as problem:
            status, error = "incomplete", str(problem)
            reading.watermark_to = None if stream.follows else reading.reached
        except BaseException as problem:
            reading.watermark_to = None
            writer.finish("failed", _ledger(reading), self.clock(), is_counted=False, error=type(problem).__name__)
            raise
        if stream.follows and status == "complete":
            reading.watermark_to = self.sync_id
        writer.finish(status, _ledger(reading), self.clock(), is_counted=stream.is_counted, error=error)
        return self._result(writer, stream, reading, connector.source, status, error)

    def _reconcile(self, writer: Writer, connector: Connector, stream: Stream, reading: Reading) -> None:
        """Compare the source's own list of keys and versions with what is stored: fetch what is missing or was changed
        in silence, bury what is gone, and see that the counts of both sides agree.

        Raises:
            Inconsistent: they differ all the same, or too much is gone at once to be believed.
        """
        for _ in range(_SWEEPS):
            if self._is_reconciled(writer, connector, stream, reading):
                return
        lost = _quarantined(reading) | writer.unstorable
        raise Inconsistent(
            f"{connector.source} {stream.name}: the source counts {reading.source_count}, "
            f"{writer.live()} are stored, {reading.hidden} hidden and {len(lost)} could not be carried",
            "run again; if it stays, run with --full",
        )

    def _is_reconciled(self, writer: Writer, connector: Connector, stream: Stream, reading: Reading) -> bool:
        """One sweep and what follows from it; False when the counts disagree, as they do when rows go meanwhile."""
        writer.begin_census()
        for sweep in connector.census(stream, reading):
            writer.list_census(sweep.keys, sweep.stamps)
        absent = writer.absent()
        lost = _quarantined(reading) | writer.unstorable
        wanted = [key for key in writer.wanted() if key not in lost] + absent
        if wanted:
            found = self._fetch(writer, connector, stream, wanted, reading)
            writer.list_census(sorted(found))  # a search index may lack what a key still finds
            self._bury(writer, connector, stream, reading, [key for key in absent if key not in found])
        if reading.source_count is None:
            return True
        reading.hidden = max(0, reading.source_count - writer.listed())
        lost = _quarantined(reading) | writer.unstorable
        carried = writer.live() + reading.hidden + len(lost) - writer.among_living(lost)
        return reading.source_count == carried

    def _bury(
        self, writer: Writer, connector: Connector, stream: Stream, reading: Reading, gone: Sequence[str]
    ) -> None:
        """A tombstone for each record that is gone, with what the source says became of it.

        Raises:
            Inconsistent: most of the stream is no longer shown, and nothing tells of deletions.
        """
        if not gone:
            return
        told = connector.explain(stream, gone, reading)
        absences = {key: told.get(key) or Absence("not_visible", "no longer among the source's keys") for key in gone}
        unseen = sum(absence.kind == "not_visible" for absence in absences.values())
        if unseen >= _MANY and unseen * 2 > writer.live():
            raise Inconsistent(
                f"{connector.source} {stream.name}: {unseen} of {writer.live()} stored records are no longer shown, "
                "and nothing tells of deletions",
                "was a right of the account taken away? Nothing is marked as deleted until this is settled",
            )
        writer.bury({key: (absence.kind, absence.reason) for key, absence in absences.items()})

    def _take(self, writer: Writer, pages: Iterator[Page]) -> None:
        for page in pages:
            writer.add(page.keys, page.records, page.contents, page.updated, page.stamps)
            self.progress.advance(len(page.keys))

    def _fetch(
        self, writer: Writer, connector: Connector, stream: Stream, keys: Sequence[str], reading: Reading
    ) -> set[str]:
        """Take the named records; returns the keys that the source still shows."""
        found: set[str] = set()
        for page in connector.fetch(stream, keys, reading):
            writer.add(page.keys, page.records, page.contents, page.updated, page.stamps)
            found.update(page.keys)
        return found

    def _writer(self, connector: Connector, stream: Stream, reading: Reading, account: str) -> Writer:
        return Writer(
            self.evidence,
            sync_id=self.sync_id,
            source=connector.source,
            connector=connector.kind,
            stream=stream.name,
            mode=reading.mode,
            watermark=reading.watermark_from,
            account=account,
            now=self.clock(),
        )

    def _unread(self, connector: Connector, stream: Stream, error: str) -> StreamResult:
        reading = Reading("full")
        writer = self._writer(connector, stream, reading, "")
        writer.finish("incomplete", _ledger(reading), self.clock(), is_counted=stream.is_counted, error=error)
        return self._result(writer, stream, reading, connector.source, "incomplete", error)

    def _result(
        self, writer: Writer, stream: Stream, reading: Reading, source: str, status: str, error: str | None
    ) -> StreamResult:
        counts = {k: v for k, v in asdict(writer.counts).items() if k != "dropped"}
        stored = writer.live() if stream.is_counted else writer.counts.fetched - writer.counts.duplicate
        return StreamResult(
            source,
            stream.name,
            status,
            reading.mode,
            **counts,
            hidden=reading.hidden,
            source_count=reading.source_count,
            warehouse_count=stored,
            requests=reading.requests,
            error=error,
        )

    def _note(self, result: StreamResult) -> StreamResult:
        self.results.append(result)
        self.progress.end(result)
        return result

    # ----------------------------------------------------------- warehouse

    @property
    def as_of(self) -> datetime:
        """The moment that the figures speak of: the latest clock of the sources read; where none answered, the last
        complete read, as nothing is known of later."""
        if self._server_times:
            return max(self._server_times)
        return self.evidence.complete_at() or self.clock()

    def build_canonical(self) -> dict[str, int]:
        """Rebuild the canonical model into a new file; returns rows per entity."""
        self.progress.begin("", "canonical model")
        self._building = Building(self.evidence, self.configuration.store.warehouse, self.sync_id)
        return self._building.canonical(vendors(), self._sources(), self.as_of)

    def build_metrics(self) -> dict[str, int]:
        """Compute the metrics in the new file; returns figures per metric."""
        if self._building is None:
            raise RuntimeError("the canonical model comes before the metrics")
        self.progress.begin("", "metrics")
        organization = self.configuration.organization
        return self._building.metrics(
            self.as_of,
            organization.time_zone,
            {
                "organization": organization.name,
                "sync_id": self.sync_id,
                "small_n": str(self.configuration.small_n),
                "observation_days": str(self.configuration.observation_days),
            },
            self.configuration.targets,
        )

    def publish(self) -> Path:
        """Put the new file in place."""
        if self._building is None:
            raise RuntimeError("there is nothing to publish")
        self.published = self._building.publish()
        self._building = None
        return self.published

    def run(self) -> Path:
        """Everything, in order."""
        for source in self.sources:
            for _ in self.read_source(source):
                pass
        self.build_canonical()
        self.build_metrics()
        return self.publish()

    def _sources(self) -> list[Source]:
        found = []
        for name in self.configuration.sources:
            connector = self.connector(name)
            package = connectors.installed()[connector.kind]
            words = shipped_values(package)
            for field_name, overrides in self.configuration.values.get(name, {}).items():
                words.setdefault(field_name, {}).update(overrides)
            stored = partial(self.evidence.latest_records, connector.source, connector.kind)
            columns = {stream.name: columns_of(connector.columns(stream, stored)) for stream in package.STREAMS}
            found.append(Source(name, connector.kind, connector.url.rstrip("/"), columns, words))
        return found

    def _texts(self) -> dict[str, str]:
        """Everything that shapes the figures of this run, as text."""
        texts = {"configuration": self.configuration.text}
        for vendor in vendors():
            texts |= {f"{vendor.kind}/stage/{name}.sql": sql for name, sql in vendor.views.items()}
            texts |= {f"{vendor.kind}/canonical/{name}.sql": sql for name, sql in vendor.canonical.items()}
        for kind, package in connectors.installed().items():
            texts[f"{kind}/values"] = json.dumps(shipped_values(package), sort_keys=True)
        texts |= {f"metrics/{d.id}.sql": d.sql for d in metrics.definitions()}
        texts |= {f"warehouse/{path.name}": path.read_text(encoding="utf-8") for path in metrics.shared_sql()}
        return texts


def _quarantined(reading: Reading) -> set[str]:
    return {gap.key for gap in reading.gaps if gap.kind == "quarantined"}


def _ledger(reading: Reading) -> Ledger:
    gaps = {(gap.key, gap.kind): (gap.key, gap.kind, gap.reason) for gap in reading.gaps}
    return Ledger(
        reading.watermark_to,
        reading.pages,
        reading.requests,
        reading.retries,
        reading.hidden,
        reading.source_count,
        list(gaps.values()),
    )
