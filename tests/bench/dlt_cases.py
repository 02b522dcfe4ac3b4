"""The cases that run dlt, in an environment of its own (requirements-bench.lock): its REST source, and its Arrow route."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}  # before dlt reads them

import dlt
import duckdb
import msgspec
import pyarrow as pa
import requests
from dlt.sources.rest_api import rest_api_source
from measure import PAGE, QUERY, Task, require, run


class _Page(msgspec.Struct):
    result: list[msgspec.Raw]


class _Row(msgspec.Struct):
    sys_id: str
    sys_updated_on: str


def rest(task: Task) -> Mapping[str, object]:
    """(d) The declarative REST source, with the defaults of dlt and of its DuckDB destination."""
    source = rest_api_source(
        {
            "client": {
                "base_url": f"{task.url}/api/now/table/",
                "paginator": {
                    "type": "offset",
                    "limit": PAGE,
                    "limit_param": "sysparm_limit",
                    "offset_param": "sysparm_offset",
                    "total_path": None,
                },
            },
            "resources": [
                {
                    "name": "incident",
                    "endpoint": {"path": "incident", "data_selector": "result", "params": {"sysparm_query": QUERY}},
                }
            ],
        }
    )
    return _load(task, source)


def arrow(task: Task) -> Mapping[str, object]:
    """(e) A resource of our own that yields Arrow tables (key, time, text, hash), loaded as Parquet."""

    @dlt.resource(name="incident")
    def incidents() -> Iterator[pa.Table]:
        session = requests.Session()
        for offset in range(0, task.rows, PAGE):
            parameters: dict[str, str | int] = {"sysparm_query": QUERY, "sysparm_limit": PAGE, "sysparm_offset": offset}
            answer = session.get(f"{task.url}/api/now/table/incident", params=parameters, timeout=60)
            records = [bytes(record) for record in msgspec.json.decode(answer.content, type=_Page).result]
            rows = [msgspec.json.decode(record, type=_Row) for record in records]
            yield pa.table(
                {
                    "sys_id": [row.sys_id for row in rows],
                    "sys_updated_on": [row.sys_updated_on for row in rows],
                    "record": [record.decode() for record in records],
                    "record_sha256": [hashlib.sha256(record).hexdigest() for record in records],
                }
            )

    return _load(task, incidents(), loader_file_format="parquet")


def _load(task: Task, data: object, **options: str) -> Mapping[str, object]:
    """Run a pipeline into a DuckDB file, and count what arrived. Its working files do not count as stored."""
    place = task.folder / "dlt.duckdb"
    pipeline = dlt.pipeline(
        f"bench_{task.rows}",
        pipelines_dir=str(task.folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(place)),
        dataset_name="raw",
    )
    pipeline.run(data, **options).raise_on_failed_jobs()
    with duckdb.connect(str(place), read_only=True) as con:
        stored = con.execute("select count(*) from raw.incident").fetchone()
    require(stored == (task.rows,), f"{stored} of {task.rows} rows are stored")
    return {"stored": place.stat().st_size / 1e6}


if __name__ == "__main__":
    run({"dlt-rest": rest, "dlt-arrow": arrow})
