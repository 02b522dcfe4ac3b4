"""Every fault of the simulator looks on the wire as it does at a real instance: most of them under a good status."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests

from connectors.servicenow.simulator import Simulator
from connectors.servicenow.simulator.faults import Fault

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
BASIC = ("evidence", "demo-only")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    incidents = [{"sys_id": f"{n:032x}", "number": f"INC{n:07}", "short_description": f"Ticket {n}"} for n in range(10)]
    with Simulator({"incident": incidents, "problem": []}, now=NOW) as simulator:
        yield simulator


def get(simulator: Simulator, table: str = "incident", /, **parameters: str | int) -> requests.Response:
    """A page, with ``query=...`` for ``sysparm_query`` and so on."""
    params = {f"sysparm_{name}": str(value) for name, value in parameters.items()}
    return requests.get(f"{simulator.url}/api/now/table/{table}", params=params, auth=BASIC, timeout=5)


def test_a_rate_limit_says_when_it_ends_and_then_ends(simulator: Simulator) -> None:
    simulator.fail(Fault.RATE_LIMITED, times=2, retry_after="1")
    first, second, third = get(simulator), get(simulator), get(simulator)
    assert (first.status_code, second.status_code, third.status_code) == (429, 429, 200)
    assert first.headers["Retry-After"] == "1"
    assert {"X-RateLimit-Limit", "X-RateLimit-Reset", "X-RateLimit-Rule"} <= set(first.headers)
    assert first.json()["error"]["message"] == "Rate limit exceeded"


@pytest.mark.parametrize(
    ("fault", "status", "content"),
    [
        (Fault.BUSY, 429, "text/html"),
        (Fault.SERVER_ERROR, 500, "text/html"),
        (Fault.BAD_GATEWAY, 502, "text/html"),
        (Fault.UNAVAILABLE, 503, "text/html"),
        (Fault.ACCEPTED, 202, "application/json"),
        (Fault.UNAUTHENTICATED, 401, "application/json"),
        (Fault.FORBIDDEN, 403, "application/json"),
        (Fault.HIBERNATING, 200, "text/html"),
    ],
)
def test_faults_that_answer_with_a_status(simulator: Simulator, fault: Fault, status: int, content: str) -> None:
    simulator.fail(fault)
    response = get(simulator)
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith(content)
    assert "Retry-After" not in response.headers
    assert get(simulator).status_code == 200


def test_a_login_page_is_a_redirect(simulator: Simulator) -> None:
    simulator.fail(Fault.LOGIN_PAGE)
    url = f"{simulator.url}/api/now/table/incident"
    response = requests.get(url, auth=BASIC, allow_redirects=False, timeout=5)
    assert (response.status_code, response.headers["Location"][:19]) == (302, "/login_redirect.do?")


def test_a_cancelled_transaction_looks_like_a_result(simulator: Simulator) -> None:
    for fault, records in ((Fault.CANCELLED, 5), (Fault.CANCELLED_EMPTY, 0)):
        simulator.fail(fault)
        response = get(simulator, query="ORDERBYnumber")
        body = response.json()
        assert (response.status_code, response.headers["X-Total-Count"]) == (200, "10")
        assert len(body["result"]) == records
        assert body["error"]["message"] == "Transaction cancelled: maximum execution time exceeded"
        assert body["status"] == "failure"


def test_an_error_can_come_alone_or_as_a_record(simulator: Simulator) -> None:
    simulator.fail(Fault.ERROR_ONLY)
    assert set(get(simulator).json()) == {"error", "status"}
    simulator.fail(Fault.TEXT_RECORD)
    assert isinstance(get(simulator).json()["result"][-1], str)


@pytest.mark.parametrize("fault", [Fault.CUT_JSON, Fault.BROKEN_RECORD])
def test_broken_json_under_a_good_status(simulator: Simulator, fault: Fault) -> None:
    simulator.fail(fault)
    response = get(simulator)
    assert response.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        response.json()


@pytest.mark.parametrize("fault", [Fault.CUT_BODY, Fault.CUT_CHUNKS, Fault.DISCONNECTED])
def test_a_connection_that_breaks_off(simulator: Simulator, fault: Fault) -> None:
    simulator.fail(fault)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        get(simulator)
    assert get(simulator).status_code == 200


def test_a_count_can_be_missing(simulator: Simulator) -> None:
    simulator.fail(Fault.NO_TOTAL)
    assert "X-Total-Count" not in get(simulator).headers


def test_a_slow_body_arrives_in_pieces(simulator: Simulator) -> None:
    simulator.fail(Fault.SLOW, piece=200, pause=0.02)
    started = time.monotonic()
    response = get(simulator)
    assert len(response.json()["result"]) == 10
    assert time.monotonic() - started >= 0.02 * (len(response.content) // 200)


def test_faults_wait_keep_to_their_table_and_can_be_healed(simulator: Simulator) -> None:
    simulator.fail(Fault.SERVER_ERROR, times=99, after=1, table="incident")
    assert get(simulator, "problem").status_code == 200
    assert [get(simulator).status_code for _ in range(2)] == [200, 500]
    assert get(simulator, "problem").status_code == 200
    simulator.heal()
    assert get(simulator).status_code == 200


def test_a_fault_leaves_the_token_alone_unless_it_is_meant(simulator: Simulator) -> None:
    form = {"grant_type": "client_credentials", "client_id": "evidence-client", "client_secret": "demo-only"}
    url = f"{simulator.url}/oauth_token.do"
    simulator.fail(Fault.UNAVAILABLE)
    assert requests.post(url, data=form, timeout=5).status_code == 200
    simulator.fail(Fault.UNAVAILABLE, table="oauth_token.do")
    assert requests.post(url, data=form, timeout=5).status_code == 503


def test_a_poisoned_record_breaks_the_pages_it_is_on(simulator: Simulator) -> None:
    simulator.poison("incident", f"{4:032x}", "short_description")
    for offset, is_broken in ((0, False), (3, True), (6, False)):
        response = get(simulator, query="ORDERBYnumber", limit=3, offset=offset)
        assert response.text.endswith('"status":"failure"}') == is_broken
    thin = get(simulator, query="ORDERBYnumber", limit=3, offset=3, fields="number").json()
    assert [found["number"][-1] for found in thin["result"]] == ["3", "4", "5"]
