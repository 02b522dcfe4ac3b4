"""What the search of the simulated site shows, and what an issue's id does: they differ where real sites differ."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import requests

from connectors.jira.simulator import Deployment, Simulator
from connectors.jira.simulator.faults import Fault
from tests.pipelines.faults.jira_fixtures import NOW, START, issue, site


class Visitor:
    """A reader of one project."""

    def __init__(self, simulator: Simulator) -> None:
        self.is_cloud = simulator.deployment == "cloud"
        self.base = f"{simulator.url}/rest/api/{3 if self.is_cloud else 2}"
        self.session = requests.Session()
        if self.is_cloud:
            self.session.auth = (simulator.username, simulator.token)
        else:
            self.session.headers["Authorization"] = f"Bearer {simulator.token}"

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(f"{self.base}/{path}", params=params, timeout=5)

    def post(self, path: str, **body: Any) -> requests.Response:
        return self.session.post(f"{self.base}/{path}", json=body, timeout=5)

    def searched(self, jql: str = "project = OPS") -> list[str]:
        path = "search/jql" if self.is_cloud else "search"
        return sorted(one["id"] for one in self.get(path, jql=jql, fields="id", maxResults=100).json()["issues"])

    def status(self, id_: str) -> int:
        return self.get(f"issue/{id_}").status_code


@pytest.fixture(params=["cloud", "datacenter"])
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    deployment: Deployment = request.param
    everything = site(*(issue(n, START) for n in range(3)), issue(9, START, "FIN"))
    with Simulator(everything, now=NOW, deployment=deployment) as made:
        yield made


@pytest.fixture
def visitor(simulator: Simulator) -> Iterator[Visitor]:
    made = Visitor(simulator)
    with made.session:
        yield made


def test_the_search_lags_behind_and_an_id_does_not(simulator: Simulator, visitor: Visitor) -> None:
    simulator.lag(timedelta(minutes=5))
    simulator.put(issue(7, NOW))
    simulator.remove("20000")
    assert visitor.searched() == ["20000", "20001", "20002"]
    assert (visitor.status("20007"), visitor.status("20000")) == (200, 404)
    simulator.advance(NOW + timedelta(minutes=4))
    assert visitor.searched() == ["20000", "20001", "20002"]
    simulator.advance(NOW + timedelta(minutes=5))
    assert visitor.searched() == ["20001", "20002", "20007"]


def test_the_archive_is_found_by_id_alone(simulator: Simulator, visitor: Visitor) -> None:
    simulator.archive("20001")
    assert visitor.searched() == ["20000", "20002"]
    found = visitor.get("issue/20001", fields="archiveddate,project").json()
    assert found["fields"]["archiveddate"].startswith("2026-11-01")


def test_a_moved_issue_keeps_its_id(simulator: Simulator, visitor: Visitor) -> None:
    simulator.move("20001", "FIN", 77)
    assert visitor.searched() == ["20000", "20002"]
    assert visitor.searched("project = FIN") == ["20001", "20009"]
    assert visitor.get("issue/20001").json()["key"] == "FIN-77"


def test_a_project_that_is_put_away_takes_its_issues_along(simulator: Simulator, visitor: Visitor) -> None:
    simulator.put_away("FIN")
    assert visitor.searched() == ["20000", "20001", "20002"]
    assert visitor.get("search/jql" if visitor.is_cloud else "search", jql="project = FIN").status_code == 400
    assert visitor.status("20009") == (404 if visitor.is_cloud else 200)
    if visitor.is_cloud:
        live = visitor.get("project/search").json()["values"]
        away = visitor.get("project/search", status=["archived", "deleted"]).json()["values"]
    else:
        live = visitor.get("project").json()
        away = [one for one in visitor.get("project", includeArchived="true").json() if one.get("archived")]
    assert [one["key"] for one in live] == ["OPS", "HR"]
    assert [one["key"] for one in away] == ["FIN"]
    simulator.bring_back("FIN")
    simulator.put_away("FIN", is_trashed=True)
    assert visitor.status("20009") == 404
    simulator.bring_back("FIN")
    assert visitor.searched("project = FIN") == ["20009"]


def test_a_project_may_be_denied_and_issues_hidden(simulator: Simulator, visitor: Visitor) -> None:
    simulator.deny("FIN")
    simulator.hide("20000", "20001")
    assert (visitor.status("20009"), visitor.searched()) == (404, ["20002"])
    assert visitor.get("project/FIN").status_code == 404
    simulator.allow("FIN")
    simulator.show("20000", "20001")
    assert (visitor.status("20009"), visitor.get("project/FIN").json()["key"]) == (200, "FIN")


def test_four_readers_at_a_time_get_whole_answers(simulator: Simulator) -> None:
    simulator.put(*(issue(n, START) for n in range(100, 180)))
    visitors = [Visitor(simulator) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: visitors[n % 4].searched(), range(40)))
    assert {len(one) for one in answers} == {83}
    for visitor in visitors:
        visitor.session.close()


@pytest.fixture
def cloud() -> Iterator[Visitor]:
    with Simulator(site(*(issue(n, START) for n in range(5))), now=NOW, page_cap=2) as made:
        visitor = Visitor(made)
        visitor.simulator = made  # type: ignore[attr-defined]
        with visitor.session:
            yield visitor


def test_short_and_empty_pages_go_on_where_they_were(cloud: Any) -> None:
    cloud.simulator.fail(Fault.EMPTY_PAGE)
    cloud.simulator.fail(Fault.SHORT_PAGE)
    seen, sizes, token = [], [], {}
    while True:
        page = cloud.get("search/jql", jql="project = OPS", **token).json()
        sizes.append(len(page["issues"]))
        seen += [one["id"] for one in page["issues"]]
        if page["isLast"]:
            break
        token = {"nextPageToken": page["nextPageToken"]}
    assert sizes == [0, 1, 2, 2]
    assert len(set(seen)) == 5


def test_other_faults_are_those_that_their_names_say(cloud: Any) -> None:
    simulator = cloud.simulator
    simulator.fail(Fault.NULL_TOKEN)
    assert cloud.get("search/jql", jql="id = 20001").json()["nextPageToken"] is None
    simulator.fail(Fault.NO_ISSUES)
    assert "issues" not in cloud.get("search/jql", jql="id = 20001").json()
    simulator.fail(Fault.EXPIRED_TOKEN)
    token = cloud.get("search/jql", jql="project = OPS").json()["nextPageToken"]
    simulator.fail(Fault.EXPIRED_TOKEN)
    assert cloud.get("search/jql", jql="project = OPS", nextPageToken=token).status_code == 400
    simulator.fail(Fault.FIELD_FAILED, times=2)
    asked = {"jql": "id = 20001", "fields": "summary"}
    assert cloud.get("search/jql", failFast="true", **asked).status_code == 500
    assert cloud.get("search/jql", **asked).json()["issues"][0]["fields"] == {}
    simulator.fail(Fault.LOST_HISTORY)
    found = cloud.post("changelog/bulkfetch", issueIdsOrKeys=["20001"], maxResults=100).json()
    assert sum(len(log["changeHistories"]) for log in found["issueChangeLogs"]) == 1, "of a page of two"
    simulator.fail(Fault.ESTIMATE)
    assert cloud.post("search/approximate-count", jql="project = OPS").json() == {"count": 110}
    simulator.fail(Fault.GONE)
    assert cloud.get("field").status_code == 410
    simulator.fail(Fault.REDIRECT)
    assert cloud.session.get(f"{cloud.base}/field", allow_redirects=False, timeout=5).status_code == 302
