"""Kills runs at random moments, over and over, and looks whether anything is lost or double: `make torture`.

Two tools change meanwhile. Every run is a process of its own, killed by SIGKILL after a random time, at a random
request, or at a random call of what writes. After one to three kills a run is left alone; then the evidence must be
that of a process which nobody killed, and the published warehouse must be readable at any time.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Timer

import click

from pipelines.configuration import load
from tests.pipelines.killing import NOW, Moment, Tools, faults_of, tools
from warehouse.published import NotPublishedError, open_published

_CALLS = {
    "connectors.http:Transport.send": 45,
    "connectors.http:Transport._read": 45,
    "warehouse.versions:Writer._flush": 12,
    "warehouse.versions:Writer._store": 12,
    "warehouse.versions:Writer.list_census": 6,
    "warehouse.versions:Writer.bury": 4,
    "warehouse.versions:Writer.finish": 8,
    "warehouse.evidence:Evidence.seal": 60,
    "warehouse.evidence:Evidence._manifest": 60,
    "warehouse.evidence:Evidence.open_run": 60,
    "warehouse.evidence:Evidence.close": 1,
    "warehouse.stage:build": 1,
    "warehouse.building:Building._copy_audit": 1,
    "warehouse.metrics:build": 1,
    "warehouse.building:Building.publish": 1,
    "warehouse.building:Building._close": 1,
    "warehouse.building:Building._prune": 1,
}
"""What a run calls, and about how often."""

_REQUESTS = [("snow", "/table/incident"), ("snow", "/table/sys_audit"), ("snow", "/table/sys_user"), ("jira", "")]
_LONGEST = {True: 8.0, False: 2.5}
"""Seconds within which a run is killed by the clock, with Dagster and without."""


class Torture:
    """One store and the runs that are killed over it."""

    def __init__(self, both: Tools, folder: Path, random: Random) -> None:
        self.tools, self.folder, self.random = both, folder, random
        self.config = both.configure(folder / "store")
        self.moment = NOW
        self.deaths: Counter[str] = Counter()
        self.survived = 0
        self.faults: list[str] = []

    def kill(self) -> None:
        """One run that dies, unless it has ended before its time came."""
        is_cli = self.random.random() < 0.25
        how: Callable[[bool], tuple[str, int]] = self.random.choice([self._by_clock, self._by_request, self._by_call])
        what, code = how(is_cli)
        self.tools.kill_at = None
        if code < 0:
            self.deaths[what + (" (with Dagster)" if is_cli else "")] += 1
        else:
            self.survived += 1
        self._look()

    def recover(self) -> None:
        """A run that is left alone, then everything is compared."""
        is_cli = self.random.random() < 0.25
        code = self.tools.processes.run(self._arguments(is_cli), self.tools.environ)
        if code != 0:
            self.faults.append(f"the next run ended with {code}: {self.tools.processes.said()[-500:]}")
        with tempfile.TemporaryDirectory(dir=self.folder) as fresh:
            self.faults += faults_of(load(self.config), self.tools.state(Path(fresh)))
        self._look()

    def live(self) -> None:
        """Something happens in the tools."""
        self.moment += timedelta(minutes=self.random.randint(1, 90))
        self.tools.advance(self.moment)
        self.tools.disturb(self.random)

    def _by_clock(self, is_cli: bool) -> tuple[str, int]:
        self.tools.processes.start(self._arguments(is_cli), self.tools.environ)
        timer = Timer(self.random.uniform(0.0, _LONGEST[is_cli]), self.tools.processes.kill)
        timer.start()
        code = self.tools.processes.wait()
        timer.cancel()
        timer.join()
        return "by the clock", code

    def _by_request(self, is_cli: bool) -> tuple[str, int]:
        source, path = self.random.choice(_REQUESTS)
        self.tools.arm(source, path, self.random.randint(1, 4))
        code = self.tools.processes.run(self._arguments(is_cli), self.tools.environ)
        return f"at a request to {source} {path}".rstrip(), code

    def _by_call(self, is_cli: bool) -> tuple[str, int]:
        target, most = self.random.choice(list(_CALLS.items()))
        moment = Moment(target, self.random.randint(1, most), self.random.random() < 0.5)
        code = self.tools.processes.run(self._arguments(is_cli), self.tools.environ, moment)
        return f"{'after' if moment.after else 'before'} {target.partition(':')[2]}", code

    def _arguments(self, is_cli: bool) -> list[str]:
        return ["sync", "--config", str(self.config)] if is_cli else ["night", str(self.config)]

    def _look(self) -> None:
        """What is published can be read, whatever has just died."""
        try:
            with open_published(load(self.config).store.warehouse) as con:
                if con.execute("select count(*) > 0 from metrics.value").fetchone() != (True,):
                    self.faults.append("a warehouse without figures is published")
        except NotPublishedError:
            if (self.config.parent / "var" / "warehouse.duckdb").is_symlink():
                self.faults.append("the published link leads nowhere")


@click.command()
@click.option("--kills", default=100, show_default=True, help="How many runs are to be killed.")
@click.option("--seed", default=1, show_default=True, help="Of the moments and of what happens in the tools.")
@click.option("--minutes", default=30.0, show_default=True, help="Stop after so many, however many were killed.")
def main(kills: int, seed: int, minutes: float) -> None:
    """Kill runs at random moments; exit 1 when anything is lost or double."""
    random, end = Random(seed), time.monotonic() + minutes * 60
    with tempfile.TemporaryDirectory(prefix="torture-") as name, tools(Path(name)) as both:
        torture, checks = Torture(both, Path(name), random), 0
        while (dead := torture.deaths.total()) < kills and time.monotonic() < end and not torture.faults:
            for _ in range(min(random.randint(1, 3), kills - dead)):
                torture.kill()
            torture.recover()
            checks += 1
            click.echo(f"{torture.deaths.total():4} killed, {torture.survived} ended before, {checks} times compared")
            torture.live()
        for what, count in sorted(torture.deaths.items()):
            click.echo(f"{count:6} {what}")
        for fault in torture.faults:
            click.echo(f"FAULT  {fault}")
        if checks == 0 or torture.faults:
            click.echo(f"failed with seed {seed}")
            sys.exit(1)
        stopped = "" if torture.deaths.total() >= kills else f", stopped after {minutes:g} minutes"
        click.echo(f"nothing lost, nothing double: {torture.deaths.total()} kills, {checks} comparisons{stopped}")


if __name__ == "__main__":
    main()
