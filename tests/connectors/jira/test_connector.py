"""The connector against a site that behaves like the real ones: all streams, both deployments, every fault.

The rule under every fault is the same: what was read is complete, or the read ends with an error. Nothing in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from pydantic import SecretStr

from connectors import Connector, Page, Reading
from connectors.http import (
    BrokenAnswer,
    Forbidden,
    Gone,
    Inconsistent,
    NotAuthenticated,
    RateLimited,
    ServerFailed,
    SourceError,
)
from connectors.jira import STREAMS, Settings, connect
from connectors.jira.rendering import site
from connectors.jira.rendering.fields import fields
from connectors.jira.rendering.values import Deployment
from connectors.jira.simulator import ACCOUNT, Request, Simulator
from connectors.jira.simulator.faults import Fault
from connectors.jira.simulator.site import Issue, Site
from connectors.sample import AS_OF, generate

STREAM = {stream.name: stream for stream in STREAMS}
SECRETS: Mapping[Deployment, Mapping[str, SecretStr]] = {
    "cloud": {"username": SecretStr("evidence@example.com"), "token": SecretStr("demo-only")},
    "datacenter": {"token": SecretStr("demo-only")},
}
DEPLOYMENTS: list[Deployment] = ["cloud", "datacenter"]
PROJECT = {"id": "10001", "key": "OPS", "name": "Operations"}
ELSEWHERE = {"id": "10002", "key": "HR", "name": "People"}


@pytest.fixture(scope="module")
def sites() -> Mapping[Deployment, Site]:
    organization = generate(scale=0.05)
    return {deployment: site(organization, AS_OF, deployment) for deployment in DEPLOYMENTS}


def connector(simulator: Simulator, **settings: object) -> Connector:
    given = {
        "connector": "jira",
        "url": simulator.url,
        "deployment": simulator.deployment,
        "projects": ["OPS"],
        "page_size": 20,
        "changelog_page_size": 50,
        "patience": {"attempts": 3, "longest_wait_seconds": 2.0},
    }
    return connect("jira-itsm", Settings.model_validate(given | settings), SECRETS[simulator.deployment])


def opened(simulator: Simulator, **settings: object) -> Connector:
    made = connector(simulator, **settings)
    made.open()
    return made


def read(made: Connector, name: str, reading: Reading | None = None, parents: list[str] | None = None) -> list[Page]:
    asked = [("issue", key) for key in parents or []]
    return list(made.read(STREAM[name], reading or Reading("full"), asked))


def keys(pages: list[Page]) -> list[str]:
    return [key for page in pages for key in page.keys]


def plain(number: int, at: datetime, project: Mapping[str, str] = PROJECT) -> Issue:
    """An issue of a site without a service desk; ``at`` is when it was made and last updated."""
    time = f"{at:%Y-%m-%dT%H:%M:%S}.000+0000"
    category = {"id": 2, "key": "new"}
    known = {"created": time, "updated": time, "project": project, "issuetype": {"id": "20"}}
    return Issue(str(number), f"{project['key']}-{number}", known | {"status": {"id": "1", "statusCategory": category}})


def plainly(*issues: Issue) -> Site:
    status = {"id": "1", "name": "Open", "statusCategory": {"id": 2, "key": "new"}}
    system = [one for one in fields() if not one["custom"]]
    projects = [dict(PROJECT), dict(ELSEWHERE)]
    return Site("https://j.example", "Europe/Amsterdam", projects, system, [status], [{"id": "20"}], [], list(issues))


# -------------------------------------------------------------- the whole site


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_every_stream_is_read_whole(sites: Mapping[Deployment, Site], deployment: Deployment) -> None:
    whole = sites[deployment]
    expected = {
        "field": {one["id"] for one in whole.fields},
        "project": {one["id"] for one in whole.projects if one["key"] == "OPS"},
        "status": {one["id"] for one in whole.statuses},
        "issuetype": {one["id"] for one in whole.issuetypes},
        "issue": {one.id for one in whole.issues},
        "changelog": {f"{one.id}/{history.document['id']}" for one in whole.issues for history in one.histories},
    }
    with Simulator(whole, now=AS_OF, deployment=deployment) as simulator:
        made = connector(simulator)
        identity = made.open()
        assert identity.server_time == AS_OF
        assert identity.account == (ACCOUNT if deployment == "cloud" else "evidence")
        for stream in made.streams():
            if stream.name not in expected:
                continue  # those beside the platform's API have tests of their own
            reading = Reading("full")
            pages = read(made, stream.name, reading, sorted(expected["issue"]))
            assert set(keys(pages)) == expected[stream.name], stream.name
            assert reading.pages > 0
            assert reading.requests > 0
            assert all(len(page.records) == len(page.contents) == len(page.updated) for page in pages)
            if stream.is_counted:
                assert reading.watermark_to
                assert {key for part in made.census(stream, reading) for key in part.keys} == expected[stream.name]
            assert reading.source_count == len(expected[stream.name]), stream.name
        made.close()


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_times_and_bytes_are_those_of_the_site(sites: Mapping[Deployment, Site], deployment: Deployment) -> None:
    updated = {issue.id: issue.updated for issue in sites[deployment].issues}
    with Simulator(sites[deployment], now=AS_OF, deployment=deployment) as simulator:
        made = opened(simulator)
        for page in read(made, "issue"):
            assert [updated[key] for key in page.keys] == page.updated
            assert all(
                msgspec.json.decode(record)["id"] == key for key, record in zip(page.keys, page.records, strict=True)
            )
        made.close()


def test_check_finds_nothing_missing(sites: Mapping[Deployment, Site]) -> None:
    with Simulator(sites["cloud"], now=AS_OF) as simulator:
        findings = list(connector(simulator).check())
    assert all(one.is_ok for one in findings), findings
    assert "SLAs" in [one.subject for one in findings]


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_a_night_later_nothing_has_another_content(sites: Mapping[Deployment, Site], deployment: Deployment) -> None:
    """The clocks of the site ran on; that alone makes no new version of an issue."""
    organization, first = generate(scale=0.05), Reading("full")
    with Simulator(sites[deployment], now=AS_OF, deployment=deployment) as simulator:
        made = opened(simulator)
        before = dict(
            pair for page in read(made, "issue", first) for pair in zip(page.keys, page.contents, strict=True)
        )
        made.close()
        later = AS_OF + timedelta(minutes=5)
        simulator.advance(later, site(organization, later, deployment))
        made = opened(simulator)
        pages = read(made, "issue", Reading("incremental", first.watermark_to))
        made.close()
    assert pages
    for key, content in (pair for page in pages for pair in zip(page.keys, page.contents, strict=True)):
        # the breach of a paused clock does move with the moment
        assert content == before[key] or b'"paused":true' in content, key


# -------------------------------------------------------------------- faults

HEALED = [
    Fault.RATE_LIMITED,
    Fault.UNAVAILABLE,
    Fault.SERVER_ERROR,
    Fault.BAD_GATEWAY,
    Fault.GATEWAY_TIMEOUT,
    Fault.DISCONNECTED,
    Fault.CUT_BODY,
    Fault.CUT_CHUNKS,
    Fault.CUT_JSON,
    Fault.EMPTY,
    Fault.HTML,
    Fault.ERROR_ONLY,
    Fault.NO_IS_LAST,
    Fault.NULL_TOKEN,
    Fault.SHORT_PAGE,
    Fault.EMPTY_PAGE,
    Fault.NO_ISSUES,
    Fault.FIELD_FAILED,
    Fault.REPEATED_TOKEN,
    Fault.NO_TOKEN,
    Fault.EXPIRED_TOKEN,
    Fault.LOST_HISTORY,
]
UNNOTICED = {
    Fault.NO_IS_LAST,
    Fault.NULL_TOKEN,
    Fault.SHORT_PAGE,
    Fault.REPEATED_TOKEN,
    Fault.NO_TOKEN,
    Fault.EXPIRED_TOKEN,
    Fault.LOST_HISTORY,
}
"""Answers that the transport has no reason to ask for again."""
REFUSED: Mapping[Fault, type[SourceError]] = {
    Fault.ANONYMOUS: NotAuthenticated,
    Fault.UNAUTHENTICATED: NotAuthenticated,
    Fault.FORBIDDEN: Forbidden,
    Fault.REPEATED_TOKEN: Inconsistent,
    Fault.NO_TOKEN: Inconsistent,
    Fault.EXPIRED_TOKEN: Inconsistent,
    Fault.GONE: Gone,
    Fault.REDIRECT: BrokenAnswer,
    Fault.FIELD_FAILED: ServerFailed,
    Fault.NO_ISSUES: BrokenAnswer,
}
PAGES: list[tuple[Deployment, str, str]] = [
    ("cloud", "issue", "search/jql"),
    ("cloud", "changelog", "changelog/bulkfetch"),
    ("datacenter", "issue", "2/search"),
]


def test_every_fault_is_tried() -> None:
    apart = {Fault.ISSUE_ERRORS, Fault.ESTIMATE, Fault.SLOW}
    assert {*HEALED, *REFUSED} | apart == set(Fault)


@pytest.mark.parametrize("fault", HEALED, ids=lambda fault: fault.name)
@pytest.mark.parametrize(("deployment", "stream", "path"), PAGES, ids=lambda value: str(value))
def test_a_passing_fault_costs_a_retry_and_no_record(
    sites: Mapping[Deployment, Site], fault: Fault, deployment: Deployment, stream: str, path: str
) -> None:
    whole = sites[deployment]
    with Simulator(whole, now=AS_OF, deployment=deployment) as simulator:
        made, reading, ids = opened(simulator), Reading("full"), [issue.id for issue in whole.issues]
        expected = sorted(set(keys(read(made, stream, None, ids))))
        plan = simulator.fail(fault, after=1, path=path, retry_after="0.01")
        assert sorted(set(keys(read(made, stream, reading, ids)))) == expected
        assert plan.times == 0, "the fault was served"
        assert reading.retries <= (fault not in UNNOTICED), "more than one retry"
        made.close()


@pytest.mark.parametrize("fault", REFUSED, ids=lambda fault: fault.name)
def test_what_cannot_be_trusted_ends_the_read(sites: Mapping[Deployment, Site], fault: Fault) -> None:
    with Simulator(sites["cloud"], now=AS_OF) as simulator:
        made, reading = opened(simulator), Reading("full")
        simulator.fail(fault, times=99, after=1, path="search/jql")
        with pytest.raises(REFUSED[fault]) as caught:
            read(made, "issue", reading)
        assert reading.watermark_to is None
        assert "demo-only" not in str(caught.value)


def test_being_told_to_wait_for_an_hour_ends_the_read(sites: Mapping[Deployment, Site]) -> None:
    with Simulator(sites["cloud"], now=AS_OF) as simulator:
        made = opened(simulator)
        simulator.fail(Fault.RATE_LIMITED, path="search/jql", retry_after="3600")
        with pytest.raises(RateLimited, match="3600"):
            read(made, "issue")


def test_a_log_in_that_ends_meanwhile_is_noticed_at_the_latest_at_the_end(sites: Mapping[Deployment, Site]) -> None:
    with Simulator(sites["cloud"], now=AS_OF) as simulator:
        made = opened(simulator)
        simulator.token = "another"
        with pytest.raises(Inconsistent, match="ended as nobody"):
            made.close()


def test_tokens_that_expire_cost_a_walk_from_where_it_was(sites: Mapping[Deployment, Site]) -> None:
    """Once in a read; more often it ends, and what was reached is where the next one begins."""
    with Simulator(sites["cloud"], now=AS_OF) as simulator:
        made, reading = opened(simulator), Reading("full")
        pages = iter([lambda: None, lambda: None, simulator.expire_tokens])
        simulator.before = lambda request: next(pages, lambda: None)() if request.path.endswith("jql") else None
        assert len(set(keys(read(made, "issue", reading)))) == len(sites["cloud"].issues)
        asked = [request.params["jql"] for request in simulator.log if request.path.endswith("jql")]
        assert "updated >=" in asked[-1], "the second walk does not begin at the beginning"
        simulator.before = lambda request: simulator.expire_tokens()
        reading = Reading("full")
        with pytest.raises(Inconsistent, match="expired"):
            read(made, "issue", reading)
        assert reading.watermark_to is None
        simulator.before = None
        assert reading.reached is not None
        rest = keys(read(made, "issue", Reading("incremental", reading.reached)))
        assert {issue.id for issue in sites["cloud"].issues if issue.fields["updated"] >= reading.reached[:10]} <= set(
            rest
        )


def test_trouble_with_one_issue_is_not_its_absence(sites: Mapping[Deployment, Site]) -> None:
    with Simulator(sites["cloud"], now=AS_OF) as simulator:
        made, ids = opened(simulator), [issue.id for issue in sites["cloud"].issues[:3]]
        simulator.fail(Fault.ISSUE_ERRORS, times=99, path="issue/bulkfetch")
        with pytest.raises(ServerFailed):
            list(made.fetch(STREAM["issue"], ids, Reading("full")))
        with pytest.raises(ServerFailed):
            made.explain(STREAM["issue"], ids, Reading("full"))
        simulator.heal()
        simulator.fail(Fault.ISSUE_ERRORS, path="issue/bulkfetch")
        assert sorted(keys(list(made.fetch(STREAM["issue"], ids, Reading("full"))))) == ids


# ------------------------------------------------------- issues that come and go


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_named_issues_are_those_alive_visible_and_in_the_project(deployment: Deployment) -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    everything = plainly(*(plain(20000 + n, start) for n in range(150)))
    with Simulator(everything, now=AS_OF, deployment=deployment) as simulator:
        made = opened(simulator)
        simulator.remove("20001")
        simulator.hide("20002")
        simulator.put(plain(20003, start, ELSEWHERE))
        asked = [issue.id for issue in everything.issues]
        found = keys(list(made.fetch(STREAM["issue"], asked, Reading("full"))))
        assert sorted(found) == sorted(set(asked) - {"20001", "20002", "20003"})
        made.close()


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_an_issue_that_leaves_while_pages_are_turned_takes_no_other_along(deployment: Deployment) -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    everything = plainly(*(plain(20000 + n, start + timedelta(hours=5 * n)) for n in range(200)))
    gone = [str(20000 + n) for n in range(60)]
    with Simulator(everything, now=AS_OF, deployment=deployment, page_cap=15) as simulator:
        made, left = opened(simulator), iter(gone)
        simulator.before = _before_search(lambda: _remove(simulator, left))
        reading = Reading("full")
        found = set(keys(read(made, "issue", reading)))
        simulator.before = None
        assert {issue.id for issue in everything.issues} - set(gone) <= found
        made.close()


def _before_search(act: Callable[[], None]) -> Callable[[Request], None]:
    return lambda request: act() if "search" in request.path else None


def _remove(simulator: Simulator, ids: Iterator[str]) -> None:
    if (gone := next(ids, None)) is not None:
        simulator.remove(gone)


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "Pacific/Kiritimati", "Etc/GMT+12", "Australia/Lord_Howe"])
def test_no_update_is_missed_in_any_zone_nor_when_the_clocks_change(deployment: Deployment, zone: str) -> None:
    """An issue a quarter of an hour around the change of 25 October 2026; each moment is the last run's once."""
    start = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
    everything = plainly(*(plain(20000 + n, start + timedelta(minutes=15 * n)) for n in range(60)))
    everything.time_zone = zone
    with Simulator(everything, now=start, deployment=deployment, page_cap=7) as simulator:
        for hour in range(0, 15, 2):
            simulator.advance(start + timedelta(hours=hour))
            made, reading = opened(simulator), Reading("full")
            assert set(keys(read(made, "issue", reading))) == {issue.id for issue in everything.issues}
            due = {issue.id for issue in everything.issues if issue.updated >= simulator.now}
            assert due <= set(keys(read(made, "issue", Reading("incremental", reading.watermark_to))))
            made.close()


def test_projects_beyond_ours_are_left_alone() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    everything = plainly(plain(20001, start), plain(20002, start, ELSEWHERE))
    with Simulator(everything, now=AS_OF) as simulator:
        made = opened(simulator)
        assert keys(read(made, "issue")) == ["20001"]
        assert keys(read(made, "project")) == ["10001"]
        made.close()
