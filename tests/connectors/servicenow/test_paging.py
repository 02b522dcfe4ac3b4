"""No row is lost: hidden rows and hidden pages, thousands of rows in one second, a missing count, a record that breaks
its page, writes between two requests, an instance that lowers the limit or ignores a condition.

Every test reads over real HTTP from the simulator, which applies the limit before it hides rows, as ServiceNow does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from pydantic import SecretStr
from requests.auth import HTTPBasicAuth

from connectors import Page, Reading, Stream, sample
from connectors.http import Forbidden, Inconsistent, Patience
from connectors.servicenow import STREAMS, Settings
from connectors.servicenow.client import Client
from connectors.servicenow.instance import ServiceNow
from connectors.servicenow.paging import Walk
from connectors.servicenow.rendering import rows
from connectors.servicenow.simulator import Request, Simulator
from connectors.servicenow.simulator.faults import Fault
from connectors.servicenow.streams import AUDIT_FIELDS, AUDITED
from tests.connectors.servicenow.instances import key

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
SECRETS = {"username": SecretStr("evidence"), "password": SecretStr("demo-only")}
BY_NAME = {stream.name: stream for stream in STREAMS}
COMPANY = BY_NAME["core_company"]


def company(number: int, updated: datetime, created: datetime | None = None, **values: str) -> dict[str, str]:
    return {
        **dict.fromkeys(COMPANY.columns, ""),
        "sys_id": key(number),
        "name": f"Company {number}",
        "sys_created_on": f"{created or updated:%Y-%m-%d %H:%M:%S}",
        "sys_updated_on": f"{updated:%Y-%m-%d %H:%M:%S}",
        "sys_mod_count": "0",
        **values,
    }


def companies(count: int, step: timedelta = timedelta(minutes=7)) -> list[dict[str, str]]:
    return [company(n, NOW - timedelta(days=30) + n * step) for n in range(count)]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({"core_company": companies(230)}, now=NOW) as running:
        yield running


def opened(simulator: Simulator, **settings: object) -> ServiceNow:
    values = {"connector": "servicenow", "url": simulator.url, "page_size": 20} | settings
    connector = ServiceNow("snow", Settings.model_validate(values), SECRETS)
    connector.open()
    return connector


def keys(pages: Iterable[Page]) -> list[str]:
    return [key for page in pages for key in page.keys]


def read(connector: ServiceNow, reading: Reading, stream: Stream = COMPANY) -> list[str]:
    return keys(connector.read(stream, reading, []))


def test_every_stream_of_the_sample_arrives_whole() -> None:
    tables = rows(sample.generate(scale=0.1), NOW)
    with Simulator(tables, now=NOW) as simulator:
        connector = opened(simulator, page_size=50)
        found: dict[str, list[str]] = {}
        for stream in connector.streams():
            reading = Reading("full")
            parents = [(name, key) for name in stream.follows for key in found.get(name, [])]
            pages = list(connector.read(stream, reading, parents))
            found[stream.name] = keys(pages)
            assert len(found[stream.name]) == reading.source_count
            assert reading.hidden == 0
            assert reading.gaps == []
            assert reading.requests >= reading.pages > 0
            if stream.is_counted:
                assert reading.watermark_to == "2026-11-01 02:29:00"
                swept = [key for sweep in connector.census(stream, Reading("full")) for key in sweep.keys]
                assert swept == sorted(found[stream.name])
        connector.close()
    for name in found:
        table = tables[name]
        wanted = {row["sys_id"] for row in table}
        if name == "sys_audit":
            read_fields = set(AUDIT_FIELDS)
            living = {key for name in AUDITED for key in found.get(name, [])}
            rows_read = (row for row in table if row["fieldname"] in read_fields and row["documentkey"] in living)
            wanted = {row["sys_id"] for row in rows_read}
        assert wanted <= set(found[name]), name
        assert len(found[name]) == len(set(found[name]))


def test_the_record_is_the_bytes_that_were_sent(simulator: Simulator) -> None:
    connector = opened(simulator)
    page = next(iter(connector.fetch(COMPANY, [key(7)], Reading("full"))))
    sent = connector.client.transport.last
    assert sent is not None
    assert sent.content == b'{"result":[' + page.records[0] + b"]}"
    assert type(page.records[0]) is bytes
    assert page.contents[0] is page.records[0]
    assert page.updated == [NOW - timedelta(days=30) + 7 * timedelta(minutes=7)]


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param(range(0, 230, 5), id="every fifth"),
        pytest.param(range(40, 110), id="three pages in a row"),
        pytest.param(range(70), id="the first pages"),
        pytest.param(range(160, 230), id="the last pages"),
        pytest.param(range(230), id="all"),
    ],
)
def test_rows_behind_hidden_ones_are_read(simulator: Simulator, hidden: range) -> None:
    for number in hidden:
        simulator.hide("core_company", key(number))
    reading = Reading("full")
    connector = opened(simulator)
    expected = [key(n) for n in range(230) if n not in hidden]
    found = read(connector, reading)
    assert found == expected
    assert reading.source_count == len(found) + len(hidden)
    assert reading.source_count == 230
    swept = [key for sweep in connector.census(COMPANY, Reading("full")) for key in sweep.keys]
    assert swept == sorted(expected)


def test_more_than_three_pages_in_one_second(simulator: Simulator) -> None:
    second = NOW - timedelta(days=1)
    simulator.put("core_company", [company(n, second) for n in range(50, 130)])
    for number in range(60, 110):
        simulator.hide("core_company", key(number))
    reading = Reading("full")
    found = read(opened(simulator), reading)
    assert sorted(found) == sorted(key(n) for n in range(230) if not 60 <= n < 110)
    assert reading.source_count == len(found) + 50


def test_a_page_costs_one_request(simulator: Simulator) -> None:
    """The last second of a page is asked for again with the next, not apart."""
    reading = Reading("full")
    connector = opened(simulator, concurrency=1)
    assert read(connector, reading) == [key(n) for n in range(230)]
    assert reading.pages == 13, "twenty rows on the first, nineteen new ones on each other"


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("shared", [1, 2, 3, 4, 5, 11])
def test_any_number_of_rows_in_each_second(simulator: Simulator, limit: int, shared: int) -> None:
    simulator.load({"core_company": [company(n, NOW - timedelta(hours=60 - n // shared)) for n in range(40)]})
    for number in range(0, 40, 6):
        simulator.hide("core_company", key(number))
    reading = Reading("full")
    found = read(opened(simulator, page_size=limit), reading)
    assert len(found) == len(set(found))
    assert set(found) == {key(n) for n in range(40) if n % 6}
    assert reading.source_count == 40


def test_a_walk_counts_hidden_rows_and_no_row_twice(simulator: Simulator) -> None:
    for number in range(0, 230, 9):
        simulator.hide("core_company", key(number))
    made = walk(opened(simulator).client, 20)
    shown = sum(len(answer.rows) for answer in made.window("", NOW - timedelta(days=90), NOW))
    assert (shown, made.seen, made.hidden) == (204, 204, 26)


def test_a_page_lowered_by_the_instance_is_not_the_last(simulator: Simulator) -> None:
    simulator.page_cap = 30
    connector = opened(simulator, page_size=1000)
    reading = Reading("full")
    assert len(read(connector, reading)) == 230
    assert reading.hidden == 0
    assert len([key for sweep in connector.census(COMPANY, Reading("full")) for key in sweep.keys]) == 230


def test_without_its_own_count_a_page_is_counted_apart(simulator: Simulator) -> None:
    connector = opened(simulator)
    simulator.fail(Fault.NO_TOTAL, times=10_000)
    reading = Reading("full")
    assert len(read(connector, reading)) == 230
    assert reading.source_count == 230
    assert any(request.path.startswith("/api/now/stats/") for request in simulator.log)


def test_a_record_that_breaks_its_page_is_named_and_the_rest_is_read(simulator: Simulator) -> None:
    simulator.poison("core_company", key(33), "name")
    reading = Reading("full")
    connector = opened(simulator, patience={"attempts": 1})
    assert read(connector, reading) == [key(n) for n in range(230) if n != 33]
    assert [(gap.kind, gap.key) for gap in reading.gaps] == [("quarantined", key(33))]
    pages = list(connector.fetch(COMPANY, [key(32), key(33), key(34)], reading))
    assert keys(pages) == [key(32), key(34)]
    assert len(reading.gaps) == 1


def test_writes_between_two_requests_lose_nothing(simulator: Simulator) -> None:
    """Each request is preceded by an update and an insert: they leave the window and wait for the next run."""
    connector = opened(simulator)
    turn = iter(range(229, 0, -3))

    def write(request: Request) -> None:
        number = next(turn, None)
        if request.path.endswith("core_company") and number is not None:
            simulator.put("core_company", [company(number, NOW, NOW - timedelta(days=30)), company(1000 + number, NOW)])

    simulator.before = write
    reading = Reading("full")
    first = read(connector, reading)
    simulator.before = None
    simulator.advance(NOW + timedelta(days=1))
    second = read(opened(simulator), Reading("incremental", reading.watermark_to))
    assert len(first) == len(set(first))
    assert set(first) | set(second) == set(simulator_keys(simulator))


def simulator_keys(simulator: Simulator) -> list[str]:
    connector = opened(simulator)
    return [key for sweep in connector.census(COMPANY, Reading("full")) for key in sweep.keys]


def test_an_incremental_window_begins_before_the_watermark(simulator: Simulator) -> None:
    connector = opened(simulator)
    updated = NOW - timedelta(days=30) + 200 * timedelta(minutes=7)
    reading = Reading("incremental", f"{updated:%Y-%m-%d %H:%M:%S}")
    assert read(connector, reading) == [key(n) for n in range(199, 230)]
    reading = Reading("incremental", f"{NOW:%Y-%m-%d %H:%M:%S}")
    assert read(connector, reading) == []
    assert reading.source_count == 230
    assert reading.watermark_to == "2026-11-01 02:29:00"


def test_rows_newer_than_the_bound_wait(simulator: Simulator) -> None:
    simulator.put(
        "core_company", [company(500, NOW - timedelta(seconds=30)), company(501, NOW - timedelta(seconds=60))]
    )
    reading = Reading("full")
    found = read(opened(simulator), reading)
    assert key(501) in found
    assert key(500) not in found
    assert reading.source_count == 231


def test_a_table_without_a_clock_is_refused() -> None:
    with Simulator({"core_company": [{"sys_id": key(1), "name": "no times here"}]}, now=NOW) as bare:
        connector = opened(bare)
        with pytest.raises(Forbidden, match="sys_updated_on is not shown"):
            read(connector, Reading("full"))


def test_a_table_whose_clock_is_withheld_is_refused(simulator: Simulator) -> None:
    simulator.withhold("core_company", "sys_updated_on")
    with pytest.raises(Forbidden, match=r"core_company.*sys_updated_on is not shown.*role itil"):
        read(opened(simulator), Reading("full"))


class Careless(BaseHTTPRequestHandler):
    """Counts nothing later than 2999, and apart from that serves the same two rows whatever is asked."""

    def do_GET(self) -> None:
        rows = [company(n, NOW - timedelta(days=400 - n)) for n in range(2)]
        is_canary = "2999" in self.path
        body = json.dumps({"result": [] if is_canary else rows}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Total-Count", "0" if is_canary else "5")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def careless() -> Iterator[Client]:
    server = HTTPServer(("127.0.0.1", 0), Careless)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    client = Client(f"http://127.0.0.1:{server.server_port}", HTTPBasicAuth("evidence", "demo-only"), Patience())
    yield client
    client.close()
    server.shutdown()
    server.server_close()
    thread.join()


def walk(client: Client, limit: int) -> Walk:
    return Walk(client, "core_company", ["sys_id", "sys_updated_on"], "sys_updated_on", limit, Reading("full"))


def test_rows_outside_the_window_are_refused(careless: Client) -> None:
    with pytest.raises(Inconsistent, match="does not keep to the query"):
        list(walk(careless, 2).window("", NOW - timedelta(days=1), NOW))


def test_a_cursor_that_does_not_advance_is_refused(careless: Client) -> None:
    with pytest.raises(Inconsistent, match="does not keep to the query"):
        list(walk(careless, 2).ids(""))


def test_a_filter_of_the_configuration_bounds_everything(simulator: Simulator) -> None:
    simulator.put("core_company", [company(n, NOW - timedelta(days=2), vendor="true") for n in range(30)])
    connector = opened(simulator, query={"core_company": "vendor=true^ORnameISEMPTY"})
    reading = Reading("full")
    assert sorted(read(connector, reading)) == sorted(key(n) for n in range(30))
    assert reading.source_count == 30
    assert keys(connector.fetch(COMPANY, [key(1), key(100)], Reading("full"))) == [key(1)]


def test_the_history_is_read_by_the_keys_of_its_records(simulator: Simulator) -> None:
    documents = [key(n) for n in range(250)]
    simulator.put("sys_audit", [audit(n, documents[n % 250], "state") for n in range(1000)])
    simulator.put("sys_audit", [audit(2000, documents[0], "work_notes"), audit(2001, key(9999), "state")])
    stream = BY_NAME["sys_audit"]
    connector = opened(simulator, page_size=100)
    reading = Reading("full")
    found = keys(connector.read(stream, reading, [("incident", document) for document in documents]))
    assert sorted(found) == sorted(key(10_000 + n) for n in range(1000))
    assert reading.source_count == 1000
    before = len(simulator.log)
    nothing = Reading("incremental", "some-sync")
    assert keys(connector.read(stream, nothing, [])) == []
    assert (len(simulator.log), nothing.source_count, nothing.watermark_to) == (before, 0, None)


def audit(number: int, document: str, name: str) -> dict[str, str]:
    return {
        "sys_id": key(10_000 + number),
        "tablename": "incident",
        "fieldname": name,
        "documentkey": document,
        "oldvalue": "1",
        "newvalue": "2",
        "sys_created_on": "2026-10-01 00:00:00",
    }


def test_a_broken_row_of_the_history_is_named(simulator: Simulator) -> None:
    simulator.put("sys_audit", [audit(n, key(1), "state") for n in range(9)])
    simulator.poison("sys_audit", key(10_004), "newvalue")
    reading = Reading("full")
    connector = opened(simulator, patience={"attempts": 1})
    found = keys(connector.read(BY_NAME["sys_audit"], reading, [("incident", key(1))]))
    assert sorted(found) == sorted(key(10_000 + n) for n in range(9) if n != 4)
    assert [gap.key for gap in reading.gaps] == [key(10_004)]


def test_a_record_without_a_right_time_is_refused(simulator: Simulator) -> None:
    """Only where paging needs it: as the last of its table such a record is carried, without a time."""
    odd = {"sys_updated_on": "2026-10-99 00:00:00"}
    simulator.put("core_company", [company(1, NOW) | odd])
    pages = list(opened(simulator).read(COMPANY, Reading("full"), []))
    assert (pages[-1].keys[-1], pages[-1].updated[-1]) == (key(1), None)
    simulator.put("core_company", [company(2, NOW) | odd])
    with pytest.raises(Inconsistent, match="2026-10-99"):
        read(opened(simulator, page_size=1), Reading("full"))


def test_a_history_of_other_records_is_refused(simulator: Simulator) -> None:
    """The column is missing, so the condition is dropped, and other rows come."""
    row = audit(1, key(1), "state")
    del row["documentkey"]
    simulator.put("sys_audit", [row])
    with pytest.raises(Inconsistent, match="asked for the history"):
        keys(opened(simulator).read(BY_NAME["sys_audit"], Reading("full"), [("incident", key(2))]))


def test_a_running_clock_is_compared_without_what_ticks(simulator: Simulator) -> None:
    stream = BY_NAME["task_sla"]
    contents = []
    for tick in range(2):
        stamp = NOW - timedelta(days=2 - tick)
        running = company(
            1, stamp, NOW - timedelta(days=9), stage="in_progress", percentage=str(tick), has_breached="false"
        )
        ended = company(
            2, stamp, NOW - timedelta(days=9), stage="completed", percentage=str(tick), has_breached="false"
        )
        simulator.load({"task_sla": [running, ended]})
        pages = list(opened(simulator).read(stream, Reading("full"), []))
        contents.append({page.keys[n]: page.contents[n] for page in pages for n in range(len(page.keys))})
    assert contents[0][key(1)] == contents[1][key(1)]
    assert contents[0][key(2)] != contents[1][key(2)]
