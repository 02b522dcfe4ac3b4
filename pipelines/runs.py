"""A nightly run from the command line: the Dagster job, in this process, in the same instance that the UI shows."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from pipelines.configuration import Configuration
from pipelines.instance import home
from pipelines.night import Clock, Night, Progress, StreamResult, wall_clock
from pipelines.terminal import Bars, Lines, summary
from pipelines.wiring import connect
from warehouse.evidence import Evidence, EvidenceBusy


class RunFailedError(Exception):
    """The run did not end; the message is the cause."""


@dataclass(slots=True)
class Outcome:
    """How a run ended."""

    sync_id: str
    streams: list[StreamResult]
    published: Path | None
    heads: dict[str, str | None] = field(default_factory=dict)
    run_id: str = ""

    @property
    def incomplete(self) -> list[StreamResult]:
        """Streams that were not read whole."""
        return [s for s in self.streams if s.status not in ("complete", "skipped")]

    @property
    def exit_code(self) -> int:
        """0 complete, 3 incomplete."""
        return 3 if self.incomplete else 0

    def as_dict(self) -> dict[str, object]:
        """For scripts."""
        return {
            "sync_id": self.sync_id,
            "is_complete": not self.incomplete,
            "published": str(self.published) if self.published else None,
            "dagster_run_id": self.run_id,
            "manifest_heads": self.heads,
            "streams": [asdict(s) for s in self.streams],
        }


def run_sync(
    configuration: Configuration,
    *,
    console: Console,
    source: str | None = None,
    full: bool = False,
    quiet: bool = False,
    clock: Clock = wall_clock,
) -> Outcome:
    """Run the nightly job and tell how it went.

    Raises:
        EvidenceBusy: another run is going on.
        RunFailedError: something on our side broke; nothing was published.
    """
    Evidence(configuration.store.evidence).close()  # says at once when another run has it
    home(configuration)
    import dagster as dg

    from pipelines import definitions

    progress = _progress(configuration, _own(console), source, quiet)
    nights: list[Night] = []

    def make(only: str | None, everything: bool) -> Night:
        nights.append(Night(configuration, only=only, full=everything, clock=clock, progress=progress))
        return nights[-1]

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    defs = definitions.build(configuration, make_night=make, source=source or "", full=full)
    job = defs.resolve_job_def(definitions.NIGHTLY_JOB)
    try:
        with dg.DagsterInstance.get() as instance:
            result = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
    finally:
        if isinstance(progress, Bars):
            progress.stop()
    if not result.success or not nights:
        raise _cause(result)
    night = nights[-1]
    outcome = Outcome(night.sync_id, night.results, night.published, night.heads, result.run_id)
    if not quiet:
        _tell(outcome, console)
    return outcome


def _own(console: Console) -> Console:
    """A terminal of our own: while a step runs, Dagster sends standard output and error into its log files."""
    if not console.is_terminal:
        return console
    file = os.fdopen(os.dup(console.file.fileno()), "w", encoding="utf-8")
    return Console(file=file, force_terminal=True, width=console.width)


def _progress(configuration: Configuration, console: Console, source: str | None, quiet: bool) -> Progress | None:
    if quiet and not console.is_terminal:
        return None
    if not console.is_terminal:
        return Lines(console)
    names = [name for name in configuration.sources if source in (None, name)]
    total = 0
    for name in names:
        with suppress(Exception):
            connector = connect(configuration, name)
            total += len(connector.streams()) + len(connector.skipped())
    return Bars(console, total)


def _tell(outcome: Outcome, console: Console) -> None:
    console.print(summary(outcome.streams, outcome.heads))
    if outcome.published:
        console.print(f"published {outcome.published}", highlight=False, soft_wrap=True)
    if outcome.incomplete:
        console.print(
            f"[yellow]{len(outcome.incomplete)} streams are incomplete: their figures stand as of the last complete "
            "run; the next run reads on from there[/]",
            soft_wrap=True,
        )


def _cause(result: object) -> Exception:
    """The first error of a run, in its own words."""
    for event in getattr(result, "all_events", []):
        error = getattr(getattr(event, "event_specific_data", None), "error", None)
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            kind = error.cls_name or "error"
            message = error.message.strip().removeprefix(f"{error.cls_name}: ").splitlines()[0]
            for known in (EvidenceBusy,):
                if kind == known.__name__:
                    return known(message.split(": ", 1)[-1] if message.startswith(known.__module__) else message)
            return RunFailedError(f"{message.removeprefix('warehouse.').removeprefix('duckdb.')}")
    return RunFailedError("the run failed without saying why; look at it in the Dagster UI (`sms-evidence dev`)")
