"""The one resource of the Dagster job: the nightly run that all its assets share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from pydantic import PrivateAttr

from pipelines.night import Night

MakeNight = Callable[[str | None, bool], Night]


class NightlyRun(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Opens the evidence for writing when the run starts, and lets it go when the run ends.

    ``source`` limits the run to one source, ``full`` reads everything anew; both can be set in the launchpad.
    """

    source: str = ""
    full: bool = False
    _night: Night | None = PrivateAttr(default=None)

    @property
    def night(self) -> Night:
        """The run in progress."""
        if self._night is None:
            raise RuntimeError("the nightly run is only there while a job runs")
        return self._night

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[NightlyRun]:
        """One run, under the evidence file's lock."""
        with self.make_night(self.source or None, self.full) as night:
            _close_stale_runs(context)
            self._night = night
            yield self

    def make_night(self, source: str | None, full: bool) -> Night:
        """How the run is made; the command line replaces it to show progress."""
        from pipelines import configuration

        return Night(configuration.load(), only=source, full=full)


def nightly_run(make: MakeNight | None, *, source: str = "", full: bool = False) -> NightlyRun:
    """The resource, with another way to make the run."""
    if make is None:
        return NightlyRun(source=source, full=full)
    made = make

    class Made(NightlyRun):
        def make_night(self, source: str | None, full: bool) -> Night:
            return made(source, full)

    return Made(source=source, full=full)


def _close_stale_runs(context: dg.InitResourceContext) -> None:
    """Runs of this job that a killed process left as started: we hold the lock, so they are dead."""
    current = context.run
    if context.instance is None or current is None:
        return
    unfinished = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]
    for run in context.instance.get_runs(dg.RunsFilter(job_name=current.job_name, statuses=unfinished)):
        if run.run_id != current.run_id:
            context.instance.report_run_failed(run, "the process was ended from outside; the next run carries on")
