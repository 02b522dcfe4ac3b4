"""Clients that others wrote read the simulator, so that it is no mirror of our own connector.

ServiceNow's own PySNC, which speaks https only, and pysnow: all rows by pages, a query, an order and a count, and the
same rows as the simulator holds. What they lose on a real instance, they lose here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pysnc
import pysnow
import pytest
import requests

from connectors.loopback import Server
from connectors.servicenow.simulator import Simulator
from tests.connectors.network.authority import Authority, serving

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
BASIC = ("evidence", "demo-only")
ROWS = [
    {
        "sys_id": f"{n * 7919 + 1:032x}",
        "number": f"INC{n:07}",
        "state": str(1 + n % 3),
        "short_description": f"Ticket {n}",
        "caller_id": f"{n:032x}",
        "sys_updated_on": f"2026-10-31 {n // 60:02}:{n % 60:02}:00",
    }
    for n in range(230)
]
BY_KEY = {row["sys_id"]: row for row in ROWS}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({"incident": ROWS, "problem": []}, now=NOW) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def theirs(simulator: Simulator, authority: Authority) -> Iterator[pysnc.ServiceNowClient]:
    """PySNC, logged in over https."""
    server = Server(simulator.answer, tls=serving(authority.issue("instance")))
    server.start()
    client = pysnc.ServiceNowClient(server.url, BASIC, verify=str(authority.file))
    client.session.trust_env = False  # or a CA bundle of the machine that runs the tests would be taken instead
    yield client
    client.session.close()
    server.stop()


def listed(record: pysnc.GlideRecord) -> list[dict[str, str]]:
    """What a record set yields, with the values of its fields."""
    return [{name: found.get_value(name) for name in ROWS[0]} for found in record]


def test_pysnc_reads_every_row_by_pages(theirs: pysnc.ServiceNowClient, simulator: Simulator) -> None:
    incidents = theirs.GlideRecord("incident", batch_size=50)
    incidents.query()
    assert len(incidents) == len(ROWS), "by X-Total-Count"
    assert {row["sys_id"]: row for row in listed(incidents)} == BY_KEY
    offsets = [request.params["sysparm_offset"] for request in simulator.log]
    assert offsets == ["0", "50", "100", "150", "200"]


def test_pysnc_asks_and_sorts(theirs: pysnc.ServiceNowClient) -> None:
    incidents = theirs.GlideRecord("incident", batch_size=7)
    incidents.add_query("state", "2").add_or_condition("state", "3")
    incidents.add_query("number", "<", "INC0000040")
    incidents.add_not_null_query("caller_id")
    incidents.order_by_desc("number")
    incidents.query()
    expected = [row for row in reversed(ROWS[:40]) if row["state"] in "23"]
    assert listed(incidents) == expected
    assert incidents.get_row_count() == len(expected)


def test_pysnc_gets_one_record(theirs: pysnc.ServiceNowClient) -> None:
    incidents = theirs.GlideRecord("incident")
    assert incidents.get(ROWS[3]["sys_id"])
    assert incidents.number == "INC0000003"
    named = theirs.GlideRecord("incident")
    assert named.get("number", "INC0000004")
    assert named.get_value("sys_id") == ROWS[4]["sys_id"]
    assert not theirs.GlideRecord("incident").get("f" * 32)


def test_pysnc_sends_long_queries_as_a_batch(theirs: pysnc.ServiceNowClient, simulator: Simulator) -> None:
    incidents = theirs.GlideRecord("incident", batch_size=500)
    keys = [*BY_KEY, *(f"{n:032x}" for n in range(1, 100))]
    incidents.add_query("sys_id", "IN", ",".join(keys))
    incidents.query()
    assert {row["sys_id"] for row in listed(incidents)} == set(BY_KEY)
    assert [(request.method, request.path) for request in simulator.log] == [("POST", "/api/now/v1/batch")]


def test_pysnc_is_refused_in_its_own_words(theirs: pysnc.ServiceNowClient, simulator: Simulator) -> None:
    with pytest.raises(pysnc.exceptions.RequestException, match="Invalid table"):
        theirs.GlideRecord("no_such_table").query()
    simulator.forbid("incident")
    with pytest.raises(pysnc.exceptions.RoleException):
        theirs.GlideRecord("incident").query()
    problems = theirs.GlideRecord("problem")
    problems.initialize()
    problems.number = "PRB0000001"
    with pytest.raises(pysnc.exceptions.RoleException):
        problems.insert()
    assert simulator.rows("problem") == {}


def test_pysnc_stops_at_a_page_that_is_hidden(theirs: pysnc.ServiceNowClient, simulator: Simulator) -> None:
    """An empty page ends its reading, as the instance's habit to hide rows after the limit has it."""
    for row in ROWS[100:150]:
        simulator.hide("incident", row["sys_id"])
    incidents = theirs.GlideRecord("incident", batch_size=50)
    incidents.query()
    assert [row["sys_id"] for row in listed(incidents)] == [row["sys_id"] for row in ROWS[:100]]
    assert incidents.get_row_count() == len(ROWS)


@pytest.fixture
def snow(simulator: Simulator) -> Iterator[pysnow.Client]:
    """pysnow, logged in."""
    session = requests.Session()
    session.auth = BASIC
    client = pysnow.Client(host=urlsplit(simulator.url).netloc, use_ssl=False, session=session)
    yield client
    client.close()


def resource(client: pysnow.Client, path: str = "/table/incident") -> pysnow.Resource:
    made = client.resource(api_path=path)
    made.parameters.exclude_reference_link = True
    return made


@pytest.mark.parametrize("stream", [False, True])
def test_pysnow_reads_every_row_by_pages(snow: pysnow.Client, stream: bool) -> None:
    found: list[dict[str, str]] = []
    for offset in range(0, 300, 60):
        page = resource(snow).get(query="ORDERBYsys_id", limit=60, offset=offset, stream=stream)
        found += page.all()
    assert len(found) == len(ROWS)
    assert {row["sys_id"]: row for row in found} == BY_KEY


def test_pysnow_asks_sorts_and_counts(snow: pysnow.Client) -> None:
    query = pysnow.QueryBuilder().field("state").equals(["2", "3"]).AND().field("sys_updated_on")
    query = query.less_than(datetime(2026, 10, 31, 0, 40, tzinfo=UTC)).AND().field("number").order_descending()
    expected = [row for row in reversed(ROWS[:40]) if row["state"] in "23"]
    assert list(resource(snow).get(query=query, fields=list(ROWS[0])).all()) == expected
    statistics = snow.resource(api_path="/stats/incident")
    statistics.parameters.add_custom({"sysparm_count": True})
    assert statistics.get(query="state=2", limit=1).one()["stats"] == {"count": "77"}


def test_pysnow_logs_in_with_a_token(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    client = pysnow.OAuthClient(
        client_id="evidence-client",
        client_secret="demo-only",
        host=urlsplit(simulator.url).netloc,
        use_ssl=False,
        token_updater=lambda token: None,
    )
    client.set_token(client.generate_token(*BASIC))
    assert len(resource(client).get(query="ORDERBYnumber").all()) == len(ROWS)
