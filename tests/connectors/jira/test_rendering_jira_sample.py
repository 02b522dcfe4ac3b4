"""The whole sample as a Jira site: histories lead to exactly what issues show, SLA cycles say what the clocks say.

The connector reads all of it back over HTTP from Cloud and from Data Center, and a night later what changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from connectors import Connector, Reading
from connectors.jira import STREAMS, Settings, connect
from connectors.jira.discovery import discover, parse
from connectors.jira.rendering import site, tickets
from connectors.jira.rendering.fields import field_id
from connectors.jira.rendering.values import Deployment
from connectors.jira.simulator import Simulator
from connectors.jira.simulator.site import Document, Issue, Site
from connectors.sample import AS_OF, Organization, clock, generate

DAY = timedelta(days=1)
ISSUE = next(stream for stream in STREAMS if stream.name == "issue")


@pytest.fixture(scope="module")
def everything() -> Organization:
    return generate(scale=0.3)


@pytest.fixture(scope="module")
def whole(everything: Organization) -> Site:
    return site(everything, AS_OF)


def entity(issue: Issue) -> str:
    return {"10010": "incident", "10011": "problem", "10012": "change"}[issue.fields["issuetype"]["id"]]


def test_every_record_of_this_home_is_an_issue(everything: Organization, whole: Site) -> None:
    for name in ("incident", "problem", "change"):
        alive = [record for record in everything.of(name, "jira") if record.at(AS_OF) is not None]
        assert sum(entity(issue) == name for issue in whole.issues) == len(alive) > 10


def test_the_site_s_own_fields_are_recognised_without_a_choice(whole: Site) -> None:
    found = discover(parse(msgspec.json.encode(field) for field in whole.fields), {})
    assert not found.ambiguous
    for column, name in {
        "sla_1": "Time to resolution",
        "sla_2": "Time to first response",
        "approvals": "Approvals",
        "satisfaction": "Satisfaction",
        "satisfaction_at": "Satisfaction date",
        "request_type": "Request Type",
        "configuration_items": "Affected hardware",
        "services": "Affected services",
        "change_type": "Change type",
        "change_risk": "Change risk",
        "change_reason": "Change reason",
        "change_outcome": "Change outcome",
        "impact": "Impact",
        "urgency": "Urgency",
        "planned_start": "Planned start",
        "planned_end": "Planned end",
        "actual_start": "Actual start",
        "actual_end": "Actual end",
        "implementation_plan": "Implementation plan",
        "backout_plan": "Backout plan",
        "test_plan": "Test plan",
        "root_cause": "Root cause",
        "workaround": "Workaround",
        "review": "Post implementation review",
        "assessment": "Risk assessment",
        "major_incident": "Major incident",
    }.items():
        assert found.found[column].name == name


def test_every_issue_has_every_field_of_the_metadata_that_it_needs(whole: Site) -> None:
    known = {field["id"] for field in whole.fields}
    for issue in whole.issues:
        assert set(issue.fields) <= known
        assert {id_ for id_ in known if id_.startswith("customfield_")} <= set(issue.fields)


def _last(issue: Issue, field: str) -> tuple[str | None, str | None] | None:
    """What the histories say that a field has become: id and words."""
    found = [item for history in issue.histories for item in history.document["items"] if item["field"] == field]
    for one, following in pairwise(found):
        assert (one["to"], one["toString"]) == (following["from"], following["fromString"]), issue.key
    return (found[-1]["to"], found[-1]["toString"]) if found else None


def test_histories_lead_to_what_the_issue_shows(whole: Site) -> None:
    for issue in whole.issues:
        for field in ("status", "priority", "resolution", "assignee"):
            value = issue.fields[field]
            shown = (
                value and (value.get("id") or value["accountId"]),
                value and (value.get("name") or value["displayName"]),
            )
            assert _last(issue, field) in (None, shown), (issue.key, field)
        planned = _last(issue, "Planned start")
        assert planned is None or planned[0] == issue.fields[field_id("Planned start")]
        if issue.fields["resolutiondate"]:
            assert _last(issue, "resolution"), issue.key


def test_updated_is_the_last_history_and_histories_are_in_order(whole: Site) -> None:
    ids: list[tuple[datetime, int]] = []
    for issue in whole.issues:
        times = [history.at for history in issue.histories]
        assert times == sorted(times)
        assert issue.updated == max(times, default=issue.created)
        ids += [(history.at, int(history.document["id"])) for history in issue.histories]
    ids.sort()
    assert [id_ for _, id_ in ids] == sorted({id_ for _, id_ in ids})


def test_a_night_later_only_what_happened_is_different(everything: Organization, whole: Site) -> None:
    before = {issue.id: issue for issue in site(everything, AS_OF - 7 * DAY).issues}
    unchanged = 0
    for issue in whole.issues:
        earlier = before.get(issue.id)
        if earlier is None:
            assert issue.created > AS_OF - 7 * DAY
            continue
        assert issue.key == earlier.key
        assert [one.document for one in issue.histories[: len(earlier.histories)]] == [
            one.document for one in earlier.histories
        ]
        unchanged += issue.fields == earlier.fields
        if issue.updated == earlier.updated:
            assert _without_clocks(issue.fields) == _without_clocks(earlier.fields), issue.key
    assert unchanged > len(whole.issues) / 2


def _without_clocks(fields: Document) -> Document:
    """The fields that move with ``updated`` only: not Service Management's own, nor the glimpses of linked issues."""
    desk = ("Time to resolution", "Time to first response", "Satisfaction", "Satisfaction date", "Approvals")
    left_out = {"issuelinks", *map(field_id, desk)}
    return {name: value for name, value in fields.items() if name not in left_out}


def test_cycles_say_what_the_clocks_say(everything: Organization, whole: Site) -> None:
    numbers = {ticket.record.key: ticket.id for ticket in tickets(everything) if ticket.entity == "incident"}
    definitions = {record.key: record for record in everything.of("sla_definition")}
    expected: dict[tuple[str, str], list[tuple[bool, int, bool]]] = {}
    for record in everything.of("sla_instance", "jira"):
        definition = definitions[int(str(record.values["definition"]))]
        if record.at(AS_OF) is None:
            continue
        reading = clock(record, definition, AS_OF)
        if reading.state != "cancelled":
            owner = (numbers[int(str(record.values["incident"]))], str(definition.values["name"]))
            entry = (reading.is_breached, reading.elapsed_seconds * 1000, reading.stopped_at is not None)
            expected.setdefault(owner, []).append(entry)
    shown: dict[tuple[str, str], list[tuple[bool, int, bool]]] = {}
    for issue in whole.issues:
        for name in ("Time to resolution", "Time to first response"):
            field = issue.fields[field_id(name)]
            for cycle in _cycles(field):
                entry = (cycle["breached"], cycle["elapsedTime"]["millis"], "stopTime" in cycle)
                shown.setdefault((issue.id, name), []).append(entry)
    assert {owner: sorted(cycles) for owner, cycles in shown.items()} == {
        owner: sorted(cycles) for owner, cycles in expected.items()
    }
    assert any(len(cycles) > 1 for cycles in shown.values()), "a reopened incident has a second cycle"
    assert any(not done for cycles in shown.values() for _, _, done in cycles)


def _cycles(field: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    if field is not None:
        yield from field["completedCycles"]
        if "ongoingCycle" in field:
            yield field["ongoingCycle"]


def test_links_are_told_the_same_at_both_ends(whole: Site) -> None:
    ends: dict[str, list[tuple[str, str, str]]] = {}
    for issue in whole.issues:
        for link in issue.fields["issuelinks"]:
            side = "outward" if "outwardIssue" in link else "inward"
            other = link[f"{side}Issue"]["id"]
            pair = (issue.id, other) if side == "outward" else (other, issue.id)
            ends.setdefault(link["id"], []).append((link["type"]["name"], *pair))
    assert ends
    assert all(len(own) == 2 and own[0] == own[1] for own in ends.values())
    assert {own[0][0] for own in ends.values()} == {"Problem/Incident", "Relates", "Duplicate"}


# ----------------------------------------------------------- the conversation


SECRETS: Mapping[Deployment, Mapping[str, SecretStr]] = {
    "cloud": {"username": SecretStr("evidence@example.com"), "token": SecretStr("demo-only")},
    "datacenter": {"token": SecretStr("demo-only")},
}


def connected(simulator: Simulator, deployment: Deployment) -> Connector:
    given = {"connector": "jira", "url": simulator.url, "deployment": deployment, "projects": ["OPS"]}
    return connect("jira-itsm", Settings.model_validate(given), SECRETS[deployment])


def read(connector: Connector, name: str, reading: Reading, parents: Iterable[str] = ()) -> dict[str, Any]:
    stream = next(stream for stream in STREAMS if stream.name == name)
    found = {}
    for page in connector.read(stream, reading, [("issue", key) for key in parents]):
        found |= {key: msgspec.json.decode(record) for key, record in zip(page.keys, page.records, strict=True)}
    return found


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_the_connector_reads_everything_and_a_night_later_what_changed(
    everything: Organization, deployment: Deployment
) -> None:
    first, second = site(everything, AS_OF - DAY, deployment), site(everything, AS_OF, deployment)
    with Simulator(first, now=AS_OF - DAY, deployment=deployment) as simulator:
        connector, reading = connected(simulator, deployment), Reading("full")
        identity = connector.open()
        assert identity.server_time == AS_OF - DAY
        issues = read(connector, "issue", reading)
        assert issues.keys() == {issue.id for issue in first.issues}
        for issue in first.issues:
            shown = issues[issue.id]["fields"]
            assert shown.items() <= issue.fields.items()
            assert shown["summary"] == issue.fields["summary"]
        histories = read(connector, "changelog", Reading("full"), issues)
        assert histories == {
            f"{issue.id}/{one.document['id']}": one.document for issue in first.issues for one in issue.histories
        }
        connector.close()

        simulator.advance(AS_OF, second)
        connector, again = connected(simulator, deployment), Reading("incremental", reading.watermark_to)
        connector.open()
        changed = read(connector, "issue", again)
        since = AS_OF - DAY - timedelta(hours=26)
        assert {issue.id for issue in second.issues if issue.updated >= since} <= changed.keys()
        assert 0 < len(changed) < len(issues) / 2
        swept = {key for sweep in connector.census(ISSUE, again) for key in sweep.keys}
        assert swept == {issue.id for issue in second.issues}
        assert again.source_count == len(second.issues)
        connector.close()
