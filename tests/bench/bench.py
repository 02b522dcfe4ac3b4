"""The benchmark: one run, side by side on loopback, of a download, a plain store, this project, and dlt.

Every case runs in a process of its own after a warm-up, against a server in a process of its own (server.py). All read
the same bytes: ServiceNow rows of 90 fields and about 4 kB. Speed is said as a ratio within this run, of the best of
several rounds, as other work on the machine only ever makes a round slower. Exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
WARM_ROWS = 2_000
LATENCY = 0.2
"""Seconds added to each answer, as from an instance on another continent."""
LARGEST_MIB = 1_024


@dataclass(frozen=True, slots=True)
class Case:
    """What to run: a title for the table, a case of cases.py or dlt_cases.py, and in which Python."""

    title: str
    name: str
    connections: int = 1
    is_dlt: bool = False
    is_slow: bool = False


DOWNLOAD = Case("(a) download only", "download")
STORE = Case("(b) download, text in one zstd column", "store")
NIGHT = Case("(c) this project: the nightly run", "night")
DLT_REST = Case("(d) dlt rest_api, defaults", "dlt-rest", is_dlt=True, is_slow=True)
DLT_ARROW = Case("(e) dlt, Arrow tables as Parquet", "dlt-arrow", is_dlt=True)
NIGHTS = Case("(c) full load, then 1 % changed", "nights")
SHARED_DOWNLOAD = Case("(a) with 4 connections", "download", connections=4)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one case took: seconds, MiB at the peak, MB stored, and what is particular to it."""

    rows: int
    wall: float
    cpu: float
    rss: float
    stored: float
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Records per second."""
        return self.rows / self.wall


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise, and whether it is kept."""

    promise: str
    figures: str
    is_kept: bool


class Bench:
    """Runs cases and says how it goes on."""

    def __init__(self, console: Console, folder: Path, dlt_python: Path | None, warm_url: str) -> None:
        self._console, self._folder, self._dlt_python, self._warm_url = console, folder, dlt_python, warm_url

    def run(self, case: Case, url: str, rows: int) -> Figures:
        """One case in a process of its own.

        Raises:
            SystemExit: the case failed, or has not stored every row.
        """
        self._console.print(f"  {case.title}, {rows:,} rows ...", end=" ", highlight=False)
        folder = self._folder / "case"
        python = self._dlt_python if case.is_dlt else sys.executable
        script = HERE / ("dlt_cases.py" if case.is_dlt else "cases.py")
        told = {"--url": url, "--rows": rows, "--warm-url": self._warm_url, "--warm-rows": WARM_ROWS}
        options = [str(part) for pair in told.items() for part in pair]
        options += ["--connections", str(case.connections), "--folder", str(folder)]
        done = subprocess.run(
            [str(python), str(script), case.name, *options], capture_output=True, text=True, check=False
        )
        shutil.rmtree(folder, ignore_errors=True)
        if done.returncode:
            raise SystemExit(f"\n{case.title} failed:\n{done.stderr[-4_000:]}")
        told_back = json.loads(done.stdout.splitlines()[-1])
        usual = [told_back.pop(name) for name in ("wall", "cpu", "rss", "stored")]
        figures = Figures(rows, *usual, more=told_back)
        self._console.print(f"{figures.wall:,.1f} s", highlight=False)
        return figures


@contextmanager
def serving(rows: int) -> Iterator[str]:
    """A server of so many rows in a process of its own; gives its address. It ends when its input is closed."""
    command = [sys.executable, str(HERE / "server.py"), "--rows", str(rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or not (url := process.stdout.readline().strip()):
            raise SystemExit("the server did not start")
        yield url


def rounds(bench: Bench, cases: list[Case], url: str, rows: int, count: int) -> dict[Case, Figures]:
    """The best round of each case; the rounds are interleaved, so that a slow minute strikes all of them."""
    best: dict[Case, Figures] = {}
    for round_ in range(count):
        for case in cases:
            if round_ and case.is_slow:
                continue
            figures = bench.run(case, url, rows)
            if case not in best or figures.wall < best[case].wall:
                best[case] = figures
    return best


def table(figures: dict[Case, Figures]) -> Table:
    """The cases side by side."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    made.add_column("case", no_wrap=True)
    for name in ("rows", "wall s", "records/s", "CPU s", "µs CPU/record", "peak MiB", "stored MB", "wall / (b)"):
        made.add_column(name, justify="right", no_wrap=True)
    for case, took in figures.items():
        made.add_row(
            case.title,
            f"{took.rows:,}",
            f"{took.wall:,.1f}",
            f"{took.rate:,.0f}",
            f"{took.cpu:,.1f}",
            f"{took.cpu / took.rows * 1e6:,.0f}",
            f"{took.rss:,.0f}",
            f"{took.stored:,.0f}" if took.stored else "",
            f"{took.wall / figures[STORE].wall:,.2f}",
        )
    return made


def judge_load(best: dict[Case, Figures]) -> Iterator[Bar]:
    """The bars of the full load, each against another case of the same run."""
    night, plain, download = best[NIGHT], best[STORE], best[DOWNLOAD]
    speed = download.more["bytes"] / download.wall / 1e6
    yield Bar("the server is no bottleneck: at least 100 MB/s", f"{speed:,.0f} MB/s", speed >= 100)
    times = night.wall / plain.wall
    yield Bar("(c) takes at most 2 times (b)", f"{times:.2f} times", times <= 2)
    for case, least in ((DLT_REST, 40), (DLT_ARROW, 4)):
        if case in best:
            times = night.rate / best[case].rate
            promise = f"(c) carries at least {least} times the records per second of {case.title[:3]}"
            yield Bar(promise, f"{times:.1f} times", times >= least)


def judge_latency(download: Figures, night: Figures) -> Bar:
    """A far-away server: four requests at a time, whatever else is done with the answers."""
    times = night.wall / download.wall
    return Bar(
        f"with {LATENCY * 1000:.0f} ms added to each answer, (c) takes at most 1.5 times (a) on 4 connections",
        f"{night.wall:.1f} s and {download.wall:.1f} s: {times:.2f} times ({night.more['result']['requests']} requests"
        f" and {download.rows // 1000})",
        times <= 1.5,
    )


def judge_nights(small: Figures, large: Figures) -> Iterator[Bar]:
    """Memory is bounded by the batch, and a nightly run costs what has changed."""
    full, after = large.more["full"], large.more["after"]
    yield Bar(
        f"peak memory of (c) at {large.rows:,} rows is below {LARGEST_MIB:,} MiB",
        f"{large.rss:,.0f} MiB ({small.rss:,.0f} MiB at {small.rows:,} rows)",
        large.rss < LARGEST_MIB,
    )
    apart = after["wall"] - after["sweep"]
    yield Bar(
        f"after 1 % of {large.rows:,} rows changed, (c) takes at most 5 % of the full load, apart from the sweep",
        f"full {full['wall']:.1f} s; after {after['wall']:.1f} s = {after['wall'] / full['wall']:.1%} with the sweep of all"
        f" ids ({after['sweep']:.1f} s), {apart:.1f} s = {apart / full['wall']:.1%} without",
        apart <= 0.05 * full["wall"],
    )


def measure(told: argparse.Namespace, console: Console, folder: Path) -> list[Bar]:
    """All cases, the table, and the bars."""
    cases = [DOWNLOAD, STORE, NIGHT, *([DLT_ARROW, DLT_REST] if told.dlt_python else [])]
    with serving(WARM_ROWS) as warm_url:
        bench = Bench(console, folder, told.dlt_python, warm_url)
        with serving(told.rows) as url:
            best = rounds(bench, cases, url, told.rows, told.rounds)
            requests.post(f"{url}/bench", params={"latency": LATENCY}, timeout=60).raise_for_status()
            console.print(f"  {LATENCY * 1000:.0f} ms added to each answer:", highlight=False)
            far = rounds(bench, [SHARED_DOWNLOAD, NIGHT], url, told.rows, 1)
        with serving(told.large) as url:
            large = bench.run(NIGHTS, url, told.large)
    console.print()
    console.print(table(best))
    console.print()
    return [
        *judge_load(best),
        judge_latency(far[SHARED_DOWNLOAD], far[NIGHT]),
        *judge_nights(best[NIGHT], large),
    ]


def main(show: Callable[[], Console] = Console) -> int:
    """Run what the command line says; returns 1 when a bar is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=100_000, help="rows of the cases side by side")
    arguments.add_argument("--large", type=int, default=1_000_000, help="rows of the run whose memory is looked at")
    arguments.add_argument("--rounds", type=int, default=3, help="rounds of which the best counts (dlt rest_api: one)")
    arguments.add_argument("--quick", action="store_true", help="few rows, to see that all runs; no bar is judged")
    arguments.add_argument("--dlt-python", type=Path, help="the Python that has dlt; without it dlt is left out")
    told = arguments.parse_args()
    if told.quick:
        told.rows, told.large, told.rounds = 3_000, 12_000, 1
    console = show()
    if not console.is_terminal:
        console = Console(width=140)
    folder = Path(tempfile.mkdtemp(prefix="sms-evidence-bench-"))
    try:
        bars = measure(told, console, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for bar in bars:
        word = "[green]pass[/]" if bar.is_kept else "[red]miss[/]"
        console.print(f"{word if not told.quick else 'seen'}  {bar.promise}: {bar.figures}", highlight=False)
    if told.quick:
        console.print("Too few rows to judge: run without --quick.")
    return 0 if told.quick or all(bar.is_kept for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
