"""Request types and customer organisations. Protects: pages by what came and by ``isLastPage``, never by the limit that
was asked for; a site without a service desk has none, and says so with an empty, complete stream.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from pydantic import SecretStr

from connectors import Connector, Reading
from connectors.http import Forbidden
from connectors.jira import STREAMS, Settings, connect
from connectors.jira.rendering import site
from connectors.jira.rendering.values import Deployment
from connectors.jira.simulator import Request, Simulator
from connectors.jira.simulator.site import Document, Site
from connectors.sample import AS_OF, generate

STREAM = {stream.name: stream for stream in STREAMS}
SECRETS = {"username": SecretStr("evidence@example.com"), "token": SecretStr("demo-only")}


def holder(count: int, kind: str = "service_desk") -> Site:
    projects = [
        {"id": "10001", "key": "OPS", "projectTypeKey": kind},
        {"id": "10002", "key": "HR", "projectTypeKey": "service_desk"},
    ]
    types: list[Document] = [{"id": str(n), "name": f"Ask {n}", "serviceDeskId": "1"} for n in range(1, count + 1)]
    types.append({"id": "1", "name": "Ask HR", "serviceDeskId": "2"})
    organizations = [{"id": str(n), "name": f"Customer {n}"} for n in range(1, count + 1)]
    desks = [{"id": "1", "projectId": "10001"}, {"id": "2", "projectId": "10002"}]
    portal = {"servicedesk": desks, "requesttype": types, "organization": organizations}
    return Site("https://j.example", "UTC", projects, portal=portal)


def opened(simulator: Simulator) -> Connector:
    given = {"connector": "jira", "url": simulator.url, "deployment": simulator.deployment, "projects": ["OPS"]}
    secrets = SECRETS if simulator.deployment == "cloud" else {"token": SecretStr("demo-only")}
    made = connect("jira-itsm", Settings.model_validate(given), secrets)
    made.open()
    return made


@pytest.fixture
def served() -> Iterator[tuple[Simulator, Site]]:
    """130 request types and organisations, on pages of at most 50."""
    made = holder(130)
    with Simulator(made, now=AS_OF) as simulator:
        yield simulator, made


def keys(made: Connector, name: str, reading: Reading | None = None) -> list[str]:
    return [key for page in made.read(STREAM[name], reading or Reading("full"), []) for key in page.keys]


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_the_sample_is_read_as_it_was_sent(deployment: Deployment) -> None:
    whole = site(generate(scale=0.02), AS_OF, deployment)
    with Simulator(whole, now=AS_OF, deployment=deployment) as simulator:
        made = opened(simulator)
        for name, sent in (("request_type", "requesttype"), ("organization", "organization")):
            reading = Reading("full")
            pages = list(made.read(STREAM[name], reading, []))
            assert [record for page in pages for record in page.records] == [
                msgspec.json.encode(one) for one in whole.portal[sent]
            ]
            assert [key for sweep in made.census(STREAM[name], reading) for key in sweep.keys] == keys(made, name)
            assert reading.source_count == len(whole.portal[sent]) > 0
        made.close()


@pytest.mark.parametrize("cap", [10_000, 7])
def test_pages_go_by_what_came(served: tuple[Simulator, Site], cap: int) -> None:
    simulator, _ = served
    simulator.page_cap = cap
    made = opened(simulator)
    assert keys(made, "request_type") == [f"1/{n}" for n in range(1, 131)], "and none of a project that is not read"
    assert keys(made, "organization") == [str(n) for n in range(1, 131)]
    made.close()


@pytest.mark.fault("jira", "J47", "Service Management: an organisation is removed between two pages", "None is lost.")
def test_a_removal_between_two_pages_loses_nothing(served: tuple[Simulator, Site]) -> None:
    simulator, whole = served

    def shrink(request: Request) -> None:
        if request.path.endswith("/organization") and request.params.get("start") != "0":
            del whole.portal["organization"][0]

    made = opened(simulator)
    simulator.before = shrink
    found = keys(made, "organization")
    assert {one["id"] for one in whole.portal["organization"]} <= set(found)
    assert len(found) == len(set(found))
    made.close()


def test_a_project_that_is_no_service_desk_has_none_of_it() -> None:
    plain = holder(3, "software")
    plain.portal = {}
    with Simulator(plain, now=AS_OF) as simulator:
        made = opened(simulator)
        for name in ("request_type", "organization"):
            reading = Reading("full")
            assert keys(made, name, reading) == []
            (swept,) = made.census(STREAM[name], reading)
            assert swept.keys == []
            assert (reading.source_count, reading.watermark_to is None) == (0, False)
        assert not [one for one in simulator.log if "servicedeskapi" in one.path]
        made.close()


@pytest.mark.fault(
    "jira", "J48", "Service Management: the account is no agent of the desk", "The stream fails, and says so."
)
def test_a_desk_that_is_not_shown_fails_loudly(served: tuple[Simulator, Site]) -> None:
    simulator, whole = served
    del whole.portal["servicedesk"][0]
    made = opened(simulator)
    with pytest.raises(Forbidden, match="service desk of project 10001") as caught:
        keys(made, "request_type")
    assert "Service Desk Team" in caught.value.next_step
    made.close()


def test_what_is_gone_is_not_called_deleted(served: tuple[Simulator, Site]) -> None:
    made = opened(served[0])
    assert next(iter(made.fetch(STREAM["organization"], ["999"], Reading("full")))).keys == []
    assert made.explain(STREAM["organization"], ["999"], Reading("full"))["999"].kind == "not_visible"
    made.close()
