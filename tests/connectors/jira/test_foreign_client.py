"""Another client reads the simulated site and finds the same issues: the site is no mirror of our own reader.

The client is the jira library with its own paging, which we do not use: on a site that behaves it is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import jira
import pytest

from connectors.jira.simulator import Simulator
from tests.pipelines.faults.jira_fixtures import NOW, START, issue, site

COUNT = 230


@pytest.fixture
def cloud() -> Iterator[Simulator]:
    with Simulator(site(*(issue(n, START + timedelta(minutes=n)) for n in range(COUNT))), now=NOW) as made:
        yield made


@pytest.fixture
def datacenter() -> Iterator[Simulator]:
    everything = site(*(issue(n, START + timedelta(minutes=n)) for n in range(COUNT)))
    with Simulator(everything, now=NOW, deployment="datacenter") as made:
        yield made


def test_the_library_pages_through_cloud(cloud: Simulator) -> None:
    client = jira.JIRA(
        options={"server": cloud.url, "rest_api_version": "3"}, basic_auth=(cloud.username, cloud.token), max_retries=0
    )
    found = client.enhanced_search_issues("project = OPS ORDER BY created ASC", maxResults=False, fields="summary")
    assert [one.id for one in found] == [str(20000 + n) for n in range(COUNT)]
    assert {one.fields.summary for one in found} == {"as it was"}
    whole = client.enhanced_search_issues(
        "project = OPS AND created >= '2026-10-01 13:00'", maxResults=False, expand="changelog"
    )
    assert {len(one.changelog.histories) for one in whole} == {3}
    assert client.myself()["accountId"] == cloud.account
    client.close()


def test_the_library_pages_through_data_center(datacenter: Simulator) -> None:
    client = jira.JIRA(options={"server": datacenter.url}, token_auth=datacenter.token, max_retries=0)
    found = client.search_issues("project = OPS ORDER BY created ASC", maxResults=False, fields="summary")
    assert [one.id for one in found] == [str(20000 + n) for n in range(COUNT)]
    assert client.issue("OPS-7").id == "20007"
    assert [project.key for project in client.projects()] == ["OPS", "FIN", "HR"]
    client.close()
