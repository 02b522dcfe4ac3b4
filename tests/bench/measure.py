"""One case in a process of its own: warm up once, load, and say what it took, as one line of JSON."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

QUERY = "ORDERBYsys_updated_on^ORDERBYsys_id"
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Task:
    """What to load from where, into which folder; ``connections`` counts requests at the same time."""

    url: str
    rows: int
    folder: Path
    connections: int = 1


Load = Callable[[Task], Mapping[str, object]]
"""Loads all rows, and tells what is particular to it; raises when it has not stored every row."""


class Lap:
    """Wall-clock and CPU seconds (all threads) since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu()

    def read(self) -> dict[str, float]:
        """The seconds so far."""
        return {"wall": time.perf_counter() - self._wall, "cpu": _cpu() - self._cpu}


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run(cases: Mapping[str, Load]) -> None:
    """Run the case that the command line names, and write its figures to the standard output.

    ``rss`` and ``stored`` are MiB and MB: the peak of the whole process, and the size of the folder afterwards.
    """
    arguments = argparse.ArgumentParser()
    arguments.add_argument("case", choices=cases)
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--rows", type=int, required=True)
    arguments.add_argument("--warm-url", required=True)
    arguments.add_argument("--warm-rows", type=int, required=True)
    arguments.add_argument("--connections", type=int, default=1)
    arguments.add_argument("--folder", type=Path, required=True)
    told = arguments.parse_args()
    load = cases[told.case]
    warm, cold = told.folder / "warm", told.folder / "load"
    warm.mkdir(parents=True)
    cold.mkdir()
    load(Task(told.warm_url, told.warm_rows, warm, told.connections))
    lap = Lap()
    more = load(Task(told.url, told.rows, cold, told.connections))
    figures: dict[str, object] = {
        **lap.read(),
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "stored": sum(path.stat().st_size for path in cold.rglob("*") if path.is_file()) / 1e6,
        **more,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def require(is_met: bool, complaint: str) -> None:
    """End the case when it is not.

    Raises:
        SystemExit: what is wrong, for the standard error.
    """
    if not is_met:
        raise SystemExit(complaint)
