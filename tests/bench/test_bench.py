"""The benchmark measures the real thing: its server answers what the real connector asks, and every row arrives.

The records are read once more here, page by page without the connector, and compared byte for byte with the evidence.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import duckdb
import msgspec
import pytest
import requests

from connectors.servicenow.streams import STREAMS
from pipelines.configuration import load
from pipelines.night import Night, StreamResult

ROWS = 3_000
SERVER = Path(__file__).parent / "server.py"
SECRETS = {"SMS_EVIDENCE_SNOW_USERNAME": "evidence", "SMS_EVIDENCE_SNOW_PASSWORD": "bench"}
ORDER = "ORDERBYsys_id"


class Row(msgspec.Struct):
    sys_id: str
    sys_updated_on: str
    sys_created_on: str
    sys_mod_count: str


class Result(msgspec.Struct):
    result: list[msgspec.Raw]


@pytest.fixture
def url() -> Iterator[str]:
    command = [sys.executable, str(SERVER), "--rows", str(ROWS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


def ask(url: str, query: str, limit: int = ROWS, offset: int = 0) -> tuple[list[bytes], int]:
    """The records of a page, as bytes, and the server's count."""
    parameters: dict[str, str | int] = {
        "sysparm_query": query,
        "sysparm_limit": limit,
        "sysparm_offset": offset,
    }
    answer = requests.get(f"{url}/api/now/table/incident", params=parameters, timeout=30)
    answer.raise_for_status()
    records = msgspec.json.decode(answer.content, type=Result).result
    return [bytes(record) for record in records], int(answer.headers["X-Total-Count"])


def rows(records: Sequence[bytes]) -> list[Row]:
    return [msgspec.json.decode(record, type=Row) for record in records]


def night(folder: Path, url: str) -> StreamResult:
    """One run of the real connector over the server's only table."""
    others = ", ".join(f'"{stream.name}"' for stream in STREAMS if stream.name != "incident")
    path = folder / "sms-evidence.toml"
    path.write_text(
        '[organization]\nname = "X"\ntime_zone = "UTC"\n[sources.snow]\nconnector = "servicenow"\n'
        f'url = "{url}"\npage_size = 250\nskip = [{others}]\n'
    )
    with Night(load(path), environ=SECRETS) as run:
        return next(result for result in run.read_source("snow") if result.stream == "incident")


def stored(folder: Path) -> dict[str, bytes]:
    """The latest version of each record in the evidence."""
    with duckdb.connect(str(folder / "var" / "evidence.duckdb"), read_only=True) as con:
        found = con.execute(
            "select source_key, arg_max(record, (sync_id, ordinal)) from raw.servicenow__incident group by source_key"
        ).fetchall()
    return {key: record.encode() for key, record in found}


def test_the_real_run_stores_exactly_the_rows_that_are_served(url: str, tmp_path: Path) -> None:
    served, total = ask(url, ORDER)
    assert total == len(served) == ROWS
    assert all(len(msgspec.json.decode(record)) == 90 for record in served[:10])
    assert 3_500 < sum(map(len, served)) / ROWS < 4_500
    result = night(tmp_path, url)
    assert (result.status, result.error) == ("complete", None)
    assert (result.fetched, result.added, result.source_count) == (ROWS, ROWS, ROWS)
    assert stored(tmp_path) == {row.sys_id: record for row, record in zip(rows(served), served, strict=True)}


def test_after_one_per_cent_was_changed_these_rows_get_a_second_version(url: str, tmp_path: Path) -> None:
    night(tmp_path, url)
    before = stored(tmp_path)
    told = requests.post(f"{url}/bench", params={"change": 1}, timeout=30).json()
    assert told["changed"] == ROWS // 100
    result = night(tmp_path, url)
    assert (result.status, result.mode, result.added, result.changed) == ("complete", "incremental", 0, told["changed"])
    served, _ = ask(url, ORDER)
    after = stored(tmp_path)
    assert after == {row.sys_id: record for row, record in zip(rows(served), served, strict=True)}
    assert sum(after[key] != before[key] for key in before) == told["changed"]


def test_a_page_has_the_rows_that_its_query_names_in_the_order_that_it_names(url: str) -> None:
    """Against a plain filter over all rows, as the server answers from its indexes."""
    requests.post(f"{url}/bench", params={"change": 5}, timeout=30).raise_for_status()
    everything = rows(ask(url, ORDER)[0])
    key, other = everything[700].sys_id, everything[2_100].sys_id
    moment = everything[40].sys_updated_on
    by_time = "ORDERBYsys_updated_on^ORDERBYsys_id"
    queries: dict[str, Callable[[Row], bool]] = {
        f"sys_id>{key}^sys_id<={other}^{ORDER}": lambda row: key < row.sys_id <= other,
        f"sys_idIN{key},{other}^{ORDER}": lambda row: row.sys_id in (key, other),
        f"sys_updated_on>{moment}^{by_time}": lambda row: row.sys_updated_on > moment,
        f"sys_updated_on={moment}^sys_id>{key}^{by_time}": lambda row: (
            row.sys_updated_on == moment and row.sys_id > key
        ),
        f"sys_created_on<={moment}^ORsys_created_onISEMPTY^sys_id>{key}^{ORDER}": lambda row: (
            row.sys_created_on <= moment and row.sys_id > key
        ),
        f"sys_mod_count>=1^sys_id<{other}^{by_time}": lambda row: row.sys_mod_count == "1" and row.sys_id < other,
        f"sys_updated_on>2999-01-01 00:00:00^{by_time}": lambda _: False,
        f"sys_updated_onISEMPTY^{ORDER}": lambda _: False,
    }
    for query, holds in queries.items():
        expected = [row for row in everything if holds(row)]
        if by_time in query:
            expected.sort(key=lambda row: (row.sys_updated_on, row.sys_id))
        found, total = ask(url, query, limit=100, offset=1)
        assert (rows(found), total) == (expected[1:101], len(expected)), query


def test_a_query_that_is_not_understood_is_refused(url: str) -> None:
    for query in ("active=true", "sys_idLIKEabc", "sys_created_on>yesterday", "sys_id=1^ORsys_id=2", "ORDERBYnumber"):
        answer = requests.get(f"{url}/api/now/table/incident", params={"sysparm_query": query}, timeout=30)
        assert answer.status_code == 400, query
