"""The simulated Jira site behaves like the real ones where these lose issues, and is stricter where they forgive.

Asked over real sockets, by plain requests and by the library in the one way that is safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import jira
import pytest
import requests

from connectors.jira.rendering.fields import fields
from connectors.jira.simulator import ACCOUNT, Request, Simulator
from connectors.jira.simulator.site import History, Issue, Site

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
STATUS = {
    "self": "https://example.atlassian.net/rest/api/3/status/10",
    "name": "Open",
    "id": "10",
    "statusCategory": {"id": 2, "key": "new", "name": "To Do", "colorName": "blue-gray"},
}
PROJECT = {"id": "10001", "key": "OPS", "name": "Operations", "projectTypeKey": "service_desk", "simplified": False}
TYPE = {"id": "20", "name": "[System] Incident", "subtask": False, "hierarchyLevel": 0}


def time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"


def history(id_: int, moment: datetime, field: str = "priority") -> History:
    item = {"field": field, "fieldtype": "jira", "fieldId": field, "from": None, "fromString": None}
    items = [{**item, "to": "3", "toString": "Medium"}]
    author = {"accountId": "u1", "displayName": "U"}
    return History({"id": str(id_), "author": author, "created": time(moment), "items": items})


def issue(number: int, at: datetime | None = None, histories: tuple[History, ...] = (), **more: object) -> Issue:
    created = time(at or START + timedelta(minutes=number))
    values = {"created": created, "updated": created, "resolutiondate": None, "summary": f"Issue {number}"}
    known = {"status": STATUS, "project": PROJECT, "issuetype": TYPE, "comment": {"comments": []}}
    return Issue(str(20000 + number), f"OPS-{number}", values | known | more, histories)


def site(*issues: Issue, zone: str = "Europe/Amsterdam") -> Site:
    return Site("https://example.atlassian.net", zone, [PROJECT], fields(), [STATUS], [TYPE], [], list(issues))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """250 issues, one a minute."""
    with Simulator(site(*(issue(n) for n in range(1, 251))), now=NOW) as made:
        yield made


@pytest.fixture
def datacenter() -> Iterator[Simulator]:
    """The same on Data Center, with a result window of 200."""
    everything = site(*(issue(n) for n in range(1, 251)))
    with Simulator(everything, now=NOW, deployment="datacenter", result_window=200) as made:
        yield made


class Visitor:
    """A reader with a session of its own."""

    def __init__(self, simulator: Simulator, token: str | None = "demo-only") -> None:  # noqa: S107
        self.base = f"{simulator.url}/rest/api/{'3' if simulator.deployment == 'cloud' else '2'}"
        self.session = requests.Session()
        if simulator.deployment == "cloud" and token is not None:
            self.session.auth = ("evidence@example.com", token)
        elif token is not None:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(f"{self.base}/{path}", params=params, timeout=5)

    def post(self, path: str, **body: Any) -> requests.Response:
        return self.session.post(f"{self.base}/{path}", json=body, timeout=5)


@pytest.fixture
def visitor(simulator: Simulator) -> Iterator[Visitor]:
    made = Visitor(simulator)
    with made.session:
        yield made


@pytest.fixture
def guest(datacenter: Simulator) -> Iterator[Visitor]:
    made = Visitor(datacenter)
    with made.session:
        yield made


def walk(visitor: Visitor, jql: str, **params: Any) -> list[list[dict[str, Any]]]:
    """All pages of a search by token."""
    pages, token = [], {}
    while True:
        answer = visitor.get("search/jql", jql=jql, **params, **token)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        pages.append(document["issues"])
        assert document["isLast"] is ("nextPageToken" not in document)
        assert "total" not in document
        if document["isLast"]:
            return pages
        token = {"nextPageToken": document["nextPageToken"]}


def messages(answer: requests.Response, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return "; ".join(answer.json()["errorMessages"])


# ------------------------------------------------------------ search (Cloud)


def test_a_walk_by_token_ends_with_the_page_that_has_none(visitor: Visitor) -> None:
    pages = walk(visitor, "project = OPS order by created asc", fields="summary", maxResults=100)
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [one["id"] for page in pages for one in page] == [str(20000 + n) for n in range(1, 251)]
    assert pages[0][0]["fields"] == {"summary": "Issue 1"}
    assert pages[0][0]["key"] == "OPS-1"


def test_the_id_alone_is_the_default_fifty_the_default_page(visitor: Visitor) -> None:
    page = visitor.get("search/jql", jql="project = OPS").json()["issues"]
    assert len(page) == 50
    assert page[0] == {"id": "20250"}


def test_a_page_is_capped_without_a_word_unless_ids_alone_are_asked_for(visitor: Visitor) -> None:
    assert len(visitor.get("search/jql", jql="project = OPS", fields="id,key", maxResults=5000).json()["issues"]) == 250
    short = visitor.get("search/jql", jql="project = OPS", fields="*all", maxResults=5000).json()
    assert len(short["issues"]) == 100
    assert short["isLast"] is False


def test_post_asks_the_same_as_get(visitor: Visitor) -> None:
    body = {"jql": "project = OPS order by id", "fields": ["summary"], "maxResults": 3}
    posted = visitor.post("search/jql", **body).json()
    got = visitor.get("search/jql", jql="project = OPS order by id", fields="summary", maxResults=3).json()
    assert posted["issues"] == got["issues"]
    second = visitor.post("search/jql", **body, nextPageToken=posted["nextPageToken"]).json()
    assert [one["id"] for one in second["issues"]] == ["20004", "20005", "20006"]


def test_an_unbounded_query_is_refused(visitor: Visitor) -> None:
    for jql in ("", "order by key desc"):
        assert "Unbounded JQL" in messages(visitor.get("search/jql", jql=jql))
        assert "Unbounded JQL" in messages(visitor.post("search/approximate-count", jql=jql))


@pytest.mark.parametrize(
    "params",
    [
        {"validateQuery": "strict"},
        {"startAt": 0},
        {"failFast": "True"},
        {"maxResults": "ten"},
        {"maxResults": 0},
        {"expand": "renderedFields"},
        {"nextPageToken": "abc"},
        {"jql": ["a", "b"]},
    ],
)
def test_what_a_real_site_would_pass_over_is_refused(visitor: Visitor, params: dict[str, Any]) -> None:
    assert messages(visitor.get("search/jql", **{"jql": "project = OPS", **params}))


@pytest.mark.parametrize(
    "more",
    [{"expand": None}, {"failFast": True}, {"startAt": 0}, {"fields": "summary"}, {"fields": [1]}, {"maxResults": "5"}],
)
def test_a_body_is_closed_and_holds_no_null(visitor: Visitor, more: dict[str, Any]) -> None:
    assert messages(visitor.post("search/jql", jql="project = OPS", **more))


def test_a_token_holds_for_its_query_and_for_a_week(simulator: Simulator, visitor: Visitor) -> None:
    token = visitor.get("search/jql", jql="project = OPS", maxResults=5).json()["nextPageToken"]
    assert "belong" in messages(visitor.get("search/jql", jql="project = OPS order by id", nextPageToken=token))
    assert "belong" in messages(visitor.get("search/jql", jql="project = OPS", fields="summary", nextPageToken=token))
    simulator.advance(NOW + timedelta(days=6, hours=23))
    assert visitor.get("search/jql", jql="project = OPS", nextPageToken=token).status_code == 200
    simulator.advance(NOW + timedelta(days=7))
    assert "expired" in messages(visitor.get("search/jql", jql="project = OPS", nextPageToken=token))
    token = visitor.get("search/jql", jql="project = OPS", maxResults=5).json()["nextPageToken"]
    simulator.expire_tokens()
    assert "expired" in messages(visitor.get("search/jql", jql="project = OPS", nextPageToken=token))


def test_issues_that_change_between_two_pages_shift_nothing(simulator: Simulator, visitor: Visitor) -> None:
    def change(_: Request) -> None:
        asked = len(simulator.log)
        simulator.remove(str(20000 + asked))
        simulator.put(issue(asked + 20, at=NOW - timedelta(minutes=asked)))

    simulator.before = change
    pages = walk(visitor, "project = OPS order by updated asc", fields="summary", maxResults=50)
    seen = {one["id"] for page in pages for one in page}
    assert seen >= {str(20000 + n) for n in range(10, 251)}


def test_times_are_minutes_of_the_account_s_own_zone(visitor: Visitor) -> None:
    # 09:00 UTC is 10:00 in Amsterdam
    def count(condition: str) -> int:
        return sum(map(len, walk(visitor, condition, maxResults=5000)))

    assert count('created >= "2026-01-05 14:00"') == 11
    assert count('created >= "2026-01-05 13:00"') == 71
    assert count(f"created >= {round(START.timestamp() * 1000) + 240 * 60_000}") == 11
    assert "is invalid" in messages(visitor.get("search/jql", jql='updated >= "2026-01-05 10:00:30"'))


def test_the_count_is_that_of_the_query(visitor: Visitor) -> None:
    assert visitor.post("search/approximate-count", jql="id in (20001, 20002)").json() == {"count": 2}
    assert messages(visitor.post("search/approximate-count", jql="project = OPS", maxResults=1))


def test_fields_are_named_or_left_out(visitor: Visitor) -> None:
    def shown(fields: str) -> set[str]:
        page = visitor.get("search/jql", jql="id = 20001", fields=fields).json()
        return set(page["issues"][0].get("fields", ()))

    assert shown("summary,nonsense") == {"summary"}
    assert "comment" in shown("*all")
    assert "comment" not in shown("*navigable")
    assert {"status", "summary"} & shown("-summary") == {"status"}
    assert shown("key") == set()


def test_names_and_schema_come_when_they_are_asked_for(visitor: Visitor) -> None:
    page = visitor.get("search/jql", jql="id = 20001", fields="summary", expand="names,schema").json()
    assert page["names"]["summary"] == "Summary"
    assert page["schema"]["customfield_10030"]["custom"] == "com.atlassian.servicedesk:sd-sla-field"


def test_the_old_search_is_gone(simulator: Simulator) -> None:
    for version in "23":
        answer = requests.get(f"{simulator.url}/rest/api/{version}/search", params={"jql": "id = 1"}, timeout=5)
        assert "The requested API has been removed. Please migrate to the /rest/api/3/search/jql" in messages(
            answer, 410
        )


# ------------------------------------------------------------------- log-in


def test_wrong_credentials_are_served_as_anonymous(simulator: Simulator) -> None:
    stranger = Visitor(simulator, token="wrong")
    with stranger.session:
        found = stranger.get("search/jql", jql="project = OPS")
        assert (found.status_code, found.json()) == (200, {"issues": [], "isLast": True})
        assert found.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
        assert not any(field["custom"] for field in stranger.get("field").json())
        assert stranger.get("serverInfo").json()["deploymentType"] == "Cloud"
        for path in ("myself", "project/search", "status", "issuetype"):
            assert stranger.get(path).status_code == 401
        assert stranger.post("issue/bulkfetch", issueIdsOrKeys=["20001"]).status_code == 401


def test_who_shows_nothing_is_anonymous_without_a_reason(simulator: Simulator) -> None:
    nobody = Visitor(simulator, token=None)
    with nobody.session:
        found = nobody.get("search/jql", jql="project = OPS")
        assert found.json()["issues"] == []
        assert "X-Seraph-LoginReason" not in found.headers
        assert nobody.get("myself").status_code == 401


def test_the_account_and_the_clock(visitor: Visitor) -> None:
    answer = visitor.get("myself")
    assert answer.json().items() >= {"accountId": ACCOUNT, "timeZone": "Europe/Amsterdam"}.items()
    assert parsedate_to_datetime(answer.headers["Date"]) == NOW
    assert visitor.get("serverInfo").json()["serverTime"] == "2026-11-01T03:30:00.000+0100"


# --------------------------------------------------------- bulk and histories


def test_bulk_issues_come_by_id_and_what_is_gone_is_absent(simulator: Simulator, visitor: Visitor) -> None:
    simulator.hide("20002")
    simulator.remove("20003")
    asked = ["OPS-4", "20001", "20002", "20003", "99999", "ops-1"]
    found = visitor.post("issue/bulkfetch", issueIdsOrKeys=asked, fields=["summary"]).json()
    assert [one["id"] for one in found["issues"]] == ["20001", "20004"]
    assert found["issueErrors"] == []
    simulator.show("20002")
    assert len(visitor.post("issue/bulkfetch", issueIdsOrKeys=asked).json()["issues"]) == 3
    assert "100" in messages(visitor.post("issue/bulkfetch", issueIdsOrKeys=[str(n) for n in range(101)]))
    assert messages(visitor.post("issue/bulkfetch", issueIdsOrKeys=[]))


def test_inside_an_issue_are_the_newest_forty_histories(simulator: Simulator, visitor: Visitor) -> None:
    simulator.put(issue(1, histories=tuple(history(n, START + timedelta(hours=n)) for n in range(100))))
    page = visitor.get("search/jql", jql="id = 20001", fields="summary", expand="changelog").json()
    log = page["issues"][0]["changelog"]
    assert [one["id"] for one in log["histories"]] == [str(n) for n in range(99, 59, -1)]
    assert (log["total"], log["maxResults"]) == (100, 40)


def test_bulk_histories_are_interleaved_over_the_issues(simulator: Simulator, visitor: Visitor) -> None:
    for number in (1, 2, 3):
        own = tuple(history(10 * n + number, START + timedelta(hours=n, minutes=number)) for n in range(4))
        simulator.put(issue(number, histories=own))
    pages, token = [], {}
    while True:
        body = {"issueIdsOrKeys": ["20001", "OPS-2", "20003", "404"], "maxResults": 5, **token}
        document = visitor.post("changelog/bulkfetch", **body).json()
        pages.append(
            [(log["issueId"], [one["id"] for one in log["changeHistories"]]) for log in document["issueChangeLogs"]]
        )
        if "nextPageToken" not in document:
            break
        token = {"nextPageToken": document["nextPageToken"]}
    assert pages == [
        [("20001", ["1", "11"]), ("20002", ["2", "12"]), ("20003", ["3"])],
        [("20003", ["13", "23"]), ("20001", ["21", "31"]), ("20002", ["22"])],
        [("20002", ["32"]), ("20003", ["33"])],
    ]


def test_bulk_histories_can_be_of_some_fields(simulator: Simulator, visitor: Visitor) -> None:
    simulator.put(issue(1, histories=(history(1, START), history(2, START + timedelta(hours=1), "status"))))
    found = visitor.post("changelog/bulkfetch", issueIdsOrKeys=["20001"], fieldIds=["status"]).json()
    assert [one["id"] for one in found["issueChangeLogs"][0]["changeHistories"]] == ["2"]
    for more in ({"maxResults": 0}, {"maxResults": 10_001}, {"fieldIds": [str(n) for n in range(11)]}, {"expand": "x"}):
        assert messages(visitor.post("changelog/bulkfetch", issueIdsOrKeys=["20001"], **more))
    assert messages(visitor.post("changelog/bulkfetch", issueIdsOrKeys=[str(n) for n in range(1001)]))


def test_histories_of_one_issue_come_by_offset_oldest_first(simulator: Simulator, visitor: Visitor) -> None:
    simulator.put(issue(1, histories=tuple(history(n, START + timedelta(hours=n)) for n in range(150))))
    first = visitor.get("issue/OPS-1/changelog", maxResults=1000).json()
    assert (len(first["values"]), first["total"], first["isLast"]) == (100, 150, False)
    last = visitor.session.get(first["nextPage"], timeout=5).json()
    assert [one["id"] for one in last["values"]] == [str(n) for n in range(100, 150)]
    assert last["isLast"]
    assert "does not exist" in messages(visitor.get("issue/OPS-999/changelog"), 404)


def test_projects_are_paged_and_archived_ones_left_out() -> None:
    other = {**PROJECT, "id": "10002", "key": "HR"}
    old = {**PROJECT, "id": "10003", "key": "OLD", "archived": True}
    made = site()
    made.projects += [other, old]
    with Simulator(made, now=NOW) as simulator:
        visitor = Visitor(simulator)
        with visitor.session:
            first = visitor.get("project/search", maxResults=1).json()
            assert (first["isLast"], first["total"], first["values"][0]["key"]) == (False, 2, "OPS")
            assert visitor.get("project/search", startAt=1, maxResults=1).json()["isLast"]
            archived = visitor.get("project/search", status="archived").json()
            assert [one["key"] for one in archived["values"]] == ["OLD"]
            assert messages(visitor.get("project/search", query="O"))


# ---------------------------------------------------------------- Data Center


def test_data_center_pages_by_offset_with_a_total(guest: Visitor) -> None:
    page = guest.get("search", jql="order by created asc", startAt=100, maxResults=50, fields="summary").json()
    assert (page["total"], page["startAt"], page["maxResults"]) == (250, 100, 50)
    assert [one["id"] for one in page["issues"]][::49] == ["20101", "20150"]
    posted = guest.post("search", jql="id = 20001", fields=["summary"]).json()
    assert posted["issues"][0]["fields"] == {"summary": "Issue 1"}


def test_data_center_answers_500_behind_its_result_window(guest: Visitor) -> None:
    assert len(guest.get("search", jql="", startAt=150, maxResults=50).json()["issues"]) == 50
    assert messages(guest.get("search", jql="", startAt=151, maxResults=50), 500) == "Search limit exceeded"


def test_data_center_shows_all_histories_inside_the_issue(datacenter: Simulator, guest: Visitor) -> None:
    datacenter.put(issue(1, histories=tuple(history(n, START + timedelta(hours=n)) for n in range(60))))
    page = guest.get("search", jql="id = 20001", fields="id", expand="changelog").json()
    assert [one["id"] for one in page["issues"][0]["changelog"]["histories"]] == [str(n) for n in range(60)]


def test_data_center_passes_over_unknown_issues_only_without_validation(guest: Visitor) -> None:
    assert "does not exist" in messages(guest.get("search", jql="id in (20001, 404)"))
    assert guest.get("search", jql="id in (20001, 404)", validateQuery="false").json()["total"] == 1
    assert "Expecting" in messages(guest.get("search", jql="id in (", validateQuery="false"))


def test_data_center_knows_its_own_account_and_nothing_of_the_cloud(datacenter: Simulator, guest: Visitor) -> None:
    assert guest.get("myself").json().items() >= {"name": "evidence", "key": "JIRAUSER10000"}.items()
    assert guest.get("serverInfo").json()["deploymentType"] == "Server"
    for path in ("project", "field", "status", "issuetype"):
        assert isinstance(guest.get(path).json(), list)
    assert guest.get("search/jql", jql="id = 1").status_code == 404
    stranger = Visitor(datacenter, token="wrong")
    with stranger.session:
        refusal = stranger.get("search", jql="")
    assert (refusal.status_code, refusal.headers["X-Seraph-LoginReason"]) == (401, "AUTHENTICATED_FAILED")


# ----------------------------------------------------------------- the server


def test_a_connection_is_kept_and_the_log_is_complete(simulator: Simulator, visitor: Visitor) -> None:
    visitor.get("search/jql", jql="project = OPS", fields="id")
    visitor.post("search/approximate-count", jql="project = OPS")
    assert simulator.log == [
        ("GET", "/rest/api/3/search/jql", {"jql": "project = OPS", "fields": "id"}),
        ("POST", "/rest/api/3/search/approximate-count", {"jql": "project = OPS"}),
    ]
    pools = visitor.session.adapters["http://"].poolmanager.pools  # type: ignore[attr-defined]
    assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118 - no mapping


def test_other_paths_and_methods_are_refused(simulator: Simulator, visitor: Visitor) -> None:
    assert messages(visitor.get("issue/OPS-1/transitions"), 404)
    assert messages(visitor.session.get(f"{simulator.url}/rest/api/2/myself", timeout=5), 404)
    assert messages(visitor.get("issue/bulkfetch"), 405)
    assert messages(visitor.session.delete(f"{visitor.base}/field", timeout=5), 405)
    assert messages(visitor.session.post(f"{visitor.base}/search/jql", data=b"[]", timeout=5))
    assert messages(visitor.session.post(f"{visitor.base}/search/jql?jql=x", json={}, timeout=5))
    assert messages(visitor.get("search/jql", jql=f"id in ({','.join(['20001'] * 2000)})"), 414)


def test_a_stopped_site_frees_its_port() -> None:
    with Simulator(site(), now=NOW) as simulator:
        port = int(simulator.url.rpartition(":")[2])
        visitor = Visitor(simulator)
        visitor.get("myself")
    with pytest.raises(requests.ConnectionError):
        visitor.get("myself")
    visitor.session.close()
    with Simulator(site(), now=NOW, port=port) as again:
        assert again.url.endswith(f":{port}")


def test_the_library_reads_it_in_the_one_safe_way(simulator: Simulator, datacenter: Simulator) -> None:
    client = jira.JIRA(
        options={"server": simulator.url, "rest_api_version": "3"},
        basic_auth=("evidence@example.com", "demo-only"),
        get_server_info=False,
        max_retries=0,
        timeout=(5, 5),
    )
    client.deploymentType = "Cloud"
    asked = {"jql": "project = OPS order by id", "fields": "summary", "failFast": "true", "maxResults": 100}
    page = client._get_json("search/jql", params=asked)
    assert len(page["issues"]) == 100
    logs = client._get_json("changelog/bulkfetch", params={"issueIdsOrKeys": ["20001"]}, use_post=True)
    assert logs == {"issueChangeLogs": []}
    client.close()

    client = jira.JIRA(
        options={"server": datacenter.url, "rest_api_version": "2"},
        token_auth="demo-only",
        get_server_info=False,
        max_retries=0,
        timeout=(5, 5),
    )
    assert client._get_json("search", params={"jql": "project = OPS", "startAt": 0})["total"] == 250
    with pytest.raises(jira.JIRAError, match="Search limit exceeded"):
        client._get_json("search", params={"jql": "project = OPS", "startAt": 200})
    client.close()
