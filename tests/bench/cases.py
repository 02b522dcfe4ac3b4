"""The cases that run in this project's own environment: the download, the plain store, and the real nightly run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import requests
from measure import PAGE, QUERY, Lap, Task, require, run

from connectors.servicenow.instance import ServiceNow
from connectors.servicenow.streams import STREAMS
from pipelines.configuration import load
from pipelines.night import Night, StreamResult
from warehouse.evidence import ROW_GROUP, STORAGE_VERSION
from warehouse.versions import Writer

SECRETS = {"SMS_EVIDENCE_SNOW_USERNAME": "evidence", "SMS_EVIDENCE_SNOW_PASSWORD": "bench"}
_SKIPPED = ", ".join(f'"{stream.name}"' for stream in STREAMS if stream.name != "incident")
_TOML = """
[organization]
name = "Benchmark"
time_zone = "UTC"
[sources.snow]
connector = "servicenow"
url = "{url}"
skip = [{skipped}]
"""


class _Page(msgspec.Struct):
    result: list[msgspec.Raw]


def pages(task: Task, session: requests.Session | None = None) -> Iterator[bytes]:
    """The bodies of all pages, one request after the other."""
    session = session or requests.Session()
    for offset in range(0, task.rows, PAGE):
        yield body(session, task, offset)


def body(session: requests.Session, task: Task, offset: int) -> bytes:
    """One page."""
    parameters: dict[str, str | int] = {"sysparm_query": QUERY, "sysparm_limit": PAGE, "sysparm_offset": offset}
    answer = session.get(f"{task.url}/api/now/table/incident", params=parameters, timeout=60)
    answer.raise_for_status()
    return answer.content


def download(task: Task) -> Mapping[str, object]:
    """(a) Every page read, none kept; with several connections, each has a session of its own."""
    offsets = range(0, task.rows, PAGE)

    def part(first: int) -> int:
        session = requests.Session()
        return sum(len(body(session, task, offset)) for offset in offsets[first :: task.connections])

    with ThreadPoolExecutor(task.connections) as pool:
        return {"bytes": sum(pool.map(part, range(task.connections)))}


def store(task: Task) -> Mapping[str, object]:
    """(b) The records' text, sliced out of the pages, in one zstd column; batches and file format as in (c)."""
    con = duckdb.connect()
    place = str(task.folder / "plain.duckdb")
    con.execute(f"attach '{place}' as plain (storage_version '{STORAGE_VERSION}', row_group_size {ROW_GROUP})")
    con.execute("create table plain.incident (record varchar using compression zstd)")
    waiting: list[bytes] = []

    def write(records: list[bytes]) -> None:
        con.register("batch", pa.table({"record": pa.array(records, pa.binary()).cast(pa.string())}))
        con.execute("insert into plain.incident select record from batch")
        con.unregister("batch")

    for page in pages(task):
        waiting += [bytes(record) for record in msgspec.json.decode(page, type=_Page).result]
        if len(waiting) >= ROW_GROUP:
            write(waiting[:ROW_GROUP])
            waiting = waiting[ROW_GROUP:]
    write(waiting)
    stored = con.execute("select count(*) from plain.incident").fetchone()
    con.execute("checkpoint plain")
    con.close()
    require(stored == (task.rows,), f"{stored} of {task.rows} rows are stored")
    return {}


def night(task: Task) -> Mapping[str, object]:
    """(c) The real run of one source into the evidence: connector, hashes, versions, sweep, checks and manifest."""
    result, figures = _night(task)
    require(result.added == task.rows, f"{result.added} of {task.rows} rows are stored")
    return figures


def nights(task: Task) -> Mapping[str, object]:
    """(c) twice: the full load, then the run after one per cent of the rows was changed."""
    full = _night(task)[1]
    told = requests.post(f"{task.url}/bench", params={"change": 1}, timeout=60).json()
    result, after = _night(task)
    require(result.changed == told["changed"], f"{result.changed} of {told['changed']} changes are stored")
    return {"full": full, "after": after, "changed": told["changed"]}


def _night(task: Task) -> tuple[StreamResult, Mapping[str, object]]:
    path = task.folder / "sms-evidence.toml"
    path.write_text(_TOML.format(url=task.url, skipped=_SKIPPED))
    with _Stopwatch() as sweep:
        lap = Lap()
        with Night(load(path), environ=SECRETS) as run_:
            results = {result.stream: result for result in run_.read_source("snow")}
        figures: dict[str, object] = dict(lap.read())
    result = results["incident"]
    require(result.status == "complete", f"the run is {result.status}: {result.error}")
    return result, {**figures, "sweep": sweep.seconds, "result": asdict(result)}


class _Stopwatch:
    """Takes the wall-clock time of the sweep: asking for the keys, keeping them, and comparing them with the store.

    Records that still wait are stored before the comparing begins: that is no part of it.
    """

    _PARTS = (
        (ServiceNow, "census"),
        (Writer, "list_census"),
        (Writer, "listed"),
        (Writer, "wanted"),
        (Writer, "absent"),
    )

    def __init__(self) -> None:
        self.seconds = 0.0
        self._kept: list[tuple[type, str, Callable[..., Any]]] = []

    def __enter__(self) -> _Stopwatch:
        for owner, name in self._PARTS:
            if method := getattr(owner, name, None):
                self._kept.append((owner, name, method))
                setattr(owner, name, self._timed(method))
        return self

    def __exit__(self, *_: object) -> None:
        for owner, name, method in self._kept:
            setattr(owner, name, method)

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*values: Any, **named: Any) -> Any:
            if method.__name__ in ("wanted", "absent"):
                values[0].live()
            began = time.perf_counter()
            try:
                made = method(*values, **named)
            finally:
                self.seconds += time.perf_counter() - began
            return self._each(made) if isinstance(made, Iterator) else made

        return timed

    def _each(self, items: Iterator[Any]) -> Iterator[Any]:
        while True:
            began = time.perf_counter()
            item = next(items, self)
            self.seconds += time.perf_counter() - began
            if item is self:
                return
            yield item


if __name__ == "__main__":
    run({"download": download, "store": store, "night": night, "nights": nights})
