"""Each fault of the simulated Jira site is the one that its name says, comes when it is due, and then is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors.jira.rendering import site
from connectors.jira.simulator import Simulator
from connectors.jira.simulator.faults import Fault
from connectors.sample import AS_OF, generate


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A small site; ten issues make a page."""
    with Simulator(site(generate(scale=0.02), AS_OF), now=AS_OF, page_cap=10) as made:
        yield made


class Visitor:
    """A reader with a session of its own."""

    def __init__(self, simulator: Simulator) -> None:
        self.base = f"{simulator.url}/rest/api/3"
        self.session = requests.Session()
        self.session.auth = (simulator.username, simulator.token)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(f"{self.base}/{path}", params=params, timeout=5)

    def post(self, path: str, **body: Any) -> requests.Response:
        return self.session.post(f"{self.base}/{path}", json=body, timeout=5)


@pytest.fixture
def visitor(simulator: Simulator) -> Iterator[Visitor]:
    made = Visitor(simulator)
    with made.session:
        yield made


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.RATE_LIMITED, 429),
        (Fault.UNAVAILABLE, 503),
        (Fault.SERVER_ERROR, 500),
        (Fault.BAD_GATEWAY, 502),
        (Fault.GATEWAY_TIMEOUT, 504),
        (Fault.FORBIDDEN, 403),
        (Fault.UNAUTHENTICATED, 401),
    ],
)
def test_a_fault_spoils_so_many_answers(simulator: Simulator, visitor: Visitor, fault: Fault, status: int) -> None:
    simulator.fail(fault, times=2, after=1, path="myself")
    codes = [visitor.get(path).status_code for path in ("myself", "field", "myself", "myself", "myself")]
    assert codes == [200, 200, status, status, 200]


def test_a_rate_limit_says_how_long_and_why(simulator: Simulator, visitor: Visitor) -> None:
    simulator.fail(Fault.RATE_LIMITED, retry_after="7")
    headers = visitor.get("field").headers
    assert (headers["Retry-After"], headers["RateLimit-Reason"]) == ("7", "jira-burst-based")
    assert headers["X-RateLimit-Remaining"] == "0"


@pytest.mark.parametrize("fault", [Fault.CUT_BODY, Fault.CUT_CHUNKS, Fault.DISCONNECTED])
def test_a_connection_breaks_off(simulator: Simulator, visitor: Visitor, fault: Fault) -> None:
    simulator.fail(fault)
    with pytest.raises(requests.RequestException):
        visitor.get("field")
    assert visitor.get("field").status_code == 200


@pytest.mark.parametrize(
    ("fault", "begins"),
    [(Fault.EMPTY, b""), (Fault.HTML, b"<!DOCTYPE html>"), (Fault.ERROR_ONLY, b'{"errorMessages":')],
)
def test_a_success_may_be_none(simulator: Simulator, visitor: Visitor, fault: Fault, begins: bytes) -> None:
    simulator.fail(fault)
    answer = visitor.get("field")
    assert answer.status_code == 200
    assert answer.content[: len(begins) or 1] == begins


def test_tokens_go_wrong(simulator: Simulator, visitor: Visitor) -> None:
    first = visitor.get("search/jql", jql="project = OPS").json()
    simulator.fail(Fault.REPEATED_TOKEN)
    again = visitor.get("search/jql", jql="project = OPS", nextPageToken=first["nextPageToken"]).json()
    assert again["nextPageToken"] == first["nextPageToken"]
    simulator.fail(Fault.NO_TOKEN)
    assert visitor.get("search/jql", jql="project = OPS").json().keys() == {"issues", "isLast"}
    simulator.fail(Fault.NO_IS_LAST)
    assert visitor.get("search/jql", jql="id = 20001").json().keys() == {"issues"}


def test_one_issue_may_fail_in_bulk(simulator: Simulator, visitor: Visitor) -> None:
    simulator.fail(Fault.ISSUE_ERRORS)
    found = visitor.post("issue/bulkfetch", issueIdsOrKeys=["20001", "20002"]).json()
    assert [one["id"] for one in found["issues"]] == ["20002"]
    assert found["issueErrors"] == [{"id": "20001", "errorMessage": "Issue could not be retrieved"}]


def test_good_credentials_may_be_refused_for_a_while(simulator: Simulator, visitor: Visitor) -> None:
    simulator.fail(Fault.ANONYMOUS)
    found = visitor.get("search/jql", jql="project = OPS")
    assert (found.json()["issues"], found.headers["X-Seraph-LoginReason"]) == ([], "AUTHENTICATED_FAILED")
    assert len(visitor.get("search/jql", jql="project = OPS").json()["issues"]) == 10


def test_a_slow_body_drips_and_is_healed(simulator: Simulator, visitor: Visitor) -> None:
    simulator.fail(Fault.SLOW, piece=10, pause=1)
    with pytest.raises(requests.RequestException):
        visitor.session.get(f"{visitor.base}/myself", timeout=0.3).json()
    simulator.fail(Fault.EMPTY, times=99)
    simulator.heal()
    assert visitor.get("myself").json()
