"""Records of the sample as Jira issues, told by a tiny story: fields, histories, links, SLA cycles, approvals, answers.

Data Center gets the older forms: people by name and key, text instead of documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from connectors.jira.rendering import site, tickets
from connectors.jira.rendering.fields import field_id
from connectors.jira.rendering.values import Deployment, duration
from connectors.jira.simulator.site import Issue
from connectors.sample import AS_OF, Event, Organization, Record, Value, generate

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
T0 = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)
"""Two days before summer time begins in Amsterdam."""


def made(entity: str, key: int, at: datetime = T0, *events: Event, by: int = 1, **values: Value) -> Record:
    return Record(entity, key, "jira", at, by, values, list(events))


def blanks(names: str) -> dict[str, Value]:
    return dict.fromkeys(("service", "configuration_item", "assignee", *names.split()))


def incident(key: int, at: datetime = T0, *events: Event, **values: Value) -> Record:
    names = "resolved_at closed_at resolver resolution_code problem change caused_by_change parent_incident"
    blank = blanks(names)
    known: dict[str, Value] = {
        "title": f"Incident {key}",
        "description": "First line\n\nThird line",
        "team": 1,
        "requester": 2,
        "category": "software",
        "priority": "3",
        "state": "new",
        "opened_at": at,
        "reopened_count": 0,
        "is_major": False,
        "channel": "phone",
    }
    return made("incident", key, at, *events, by=2, **{**blank, **known, **values})


def problem(key: int, at: datetime = T0, *events: Event, **values: Value) -> Record:
    blank = blanks("resolved_at closed_at root_cause workaround fix resolution_code change")
    known: dict[str, Value] = {
        "title": f"Problem {key}",
        "description": "",
        "team": 1,
        "priority": "2",
        "state": "new",
        "opened_at": at,
        "due_at": datetime(2026, 6, 1, 22, 30, tzinfo=UTC),
        "is_known_error": False,
    }
    return made("problem", key, at, *events, **{**blank, **known, **values})


def organization(**records: Sequence[Record]) -> Organization:
    people = [
        made("person", 1, name="Ann Agent", email="ann@example.com", is_active=True, user_name="aagent"),
        made("person", 2, name="Rik Requester", email="rik@example.com", is_active=False, user_name="rrequester"),
    ]
    clocks = {"Time to first response": "response", "Time to resolution": "resolution"}
    standing: dict[str, list[Record]] = {
        "person": people,
        "team": [made("team", 1, name="Desk", manager=1), made("team", 2, name="Network", manager=1)],
        "service": [made("service", 7, name="Billing")],
        "configuration_item": [made("configuration_item", 5, name="bil-app-01")],
        "sla_definition": [
            made("sla_definition", n, name=name, type="sla", target=target, priority="3", target_seconds=7200)
            for n, (name, target) in enumerate(clocks.items(), 1)
        ],
    }
    given = {entity: list(own) for entity, own in records.items()}
    return Organization("Tiny", "Europe/Amsterdam", 1, AS_OF, {**standing, **given})


def rendered(everything: Organization, moment: datetime = AS_OF, deployment: Deployment = "cloud") -> dict[str, Issue]:
    return {issue.key: issue for issue in site(everything, moment, deployment).issues}


def items(issue: Issue) -> list[tuple[str, str | None, str | None]]:
    return [
        (item["field"], item["fromString"], item["toString"])
        for history in issue.histories
        for item in history.document["items"]
    ]


# ------------------------------------------------------------ a tiny story


def test_a_ticket_as_it_stood_before_and_after_an_event() -> None:
    taken = Event(T0 + HOUR, 1, {"state": "in_progress", "assignee": 1, "team": 2})
    story = organization(incident=[incident(1, T0, taken, service=7, configuration_item=5)])
    before, after = rendered(story, T0)["OPS-1"], rendered(story)["OPS-1"]
    assert (before.fields["status"]["name"], after.fields["status"]["name"]) == ("Open", "Work in progress")
    assert before.fields["assignee"] is None
    assert before.histories == []
    assert before.updated == T0
    assert after.updated == T0 + HOUR
    assert after.fields["components"][0]["name"] == "Network"
    assert after.fields[field_id("Affected services")][0]["name"] == "Billing"
    assert after.fields[field_id("Affected hardware")][0]["objectId"] == "5"
    assert rendered(story, deployment="datacenter")["OPS-1"].fields[field_id("Affected hardware")] == [
        "bil-app-01 (ITSM-5)"
    ]
    assert after.fields[field_id("Root cause")] is None
    assert items(after) == [
        ("status", "Open", "Work in progress"),
        ("assignee", None, "Ann Agent"),
        ("Component", "Desk", None),
        ("Component", None, "Network"),
    ]
    assert rendered(story, T0 - HOUR) == {}


def test_times_are_written_in_the_zone_of_the_account_with_its_offset_of_that_day() -> None:
    summer = Event(T0 + 3 * DAY, 1, {"state": "in_progress"})
    found = rendered(organization(incident=[incident(1, T0, summer)]))["OPS-1"].fields
    assert (found["created"], found["updated"]) == ("2026-03-27T10:00:00.000+0100", "2026-03-30T11:00:00.000+0200")
    assert rendered(organization(problem=[problem(1)]))["OPS-1"].fields["duedate"] == "2026-06-02"


def test_issues_are_numbered_in_the_order_in_which_they_were_made_and_keep_their_number() -> None:
    gone = incident(1, T0)
    gone.deleted_at = T0 + 2 * DAY
    story = organization(incident=[gone, incident(2, T0 + 2 * HOUR)], problem=[problem(1, T0 + HOUR)])
    assert [(ticket.id, ticket.key, ticket.entity) for ticket in tickets(story)] == [
        ("20001", "OPS-1", "incident"),
        ("20002", "OPS-2", "problem"),
        ("20003", "OPS-3", "incident"),
    ]
    assert list(rendered(story, T0 + DAY)) == ["OPS-1", "OPS-2", "OPS-3"]
    assert list(rendered(story)) == ["OPS-2", "OPS-3"]


def test_rich_text_is_a_document_on_cloud_and_text_on_data_center() -> None:
    story = organization(incident=[incident(1)])
    assert rendered(story)["OPS-1"].fields["description"] == {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "First line"}]},
            {"type": "paragraph"},
            {"type": "paragraph", "content": [{"type": "text", "text": "Third line"}]},
        ],
    }
    assert rendered(story, deployment="datacenter")["OPS-1"].fields["description"] == "First line\n\nThird line"


def test_people_have_an_account_on_cloud_a_name_and_a_key_on_data_center() -> None:
    closed = Event(T0 + DAY, 0, {"state": "closed", "closed_at": T0 + DAY, "resolution_code": "User error"})
    story = organization(incident=[incident(1, T0, closed)])
    cloud, center = rendered(story)["OPS-1"], rendered(story, deployment="datacenter")["OPS-1"]
    assert cloud.fields["reporter"].items() >= {"displayName": "Rik Requester", "active": False}.items()
    assert "name" not in cloud.fields["reporter"]
    assert center.fields["reporter"].items() >= {"name": "rrequester", "key": "JIRAUSER10102"}.items()
    assert "accountId" not in center.fields["reporter"]
    author = cloud.histories[0].document["author"]
    assert (author["displayName"], author["accountType"]) == ("Automation for Jira", "app")
    assert "fieldId" not in center.histories[0].document["items"][0]


def test_a_link_shows_at_both_ends_and_in_both_histories_until_it_is_taken_away() -> None:
    linked, taken = Event(T0 + HOUR, 1, {"problem": 1}), Event(T0 + DAY, 2, {"problem": None})
    story = organization(incident=[incident(1, T0, linked, taken)], problem=[problem(1, T0 - HOUR)])
    found = rendered(story, T0 + HOUR)
    at_incident, at_problem = found["OPS-2"].fields["issuelinks"][0], found["OPS-1"].fields["issuelinks"][0]
    assert at_incident["id"] == at_problem["id"]
    assert (at_incident["type"]["inward"], at_incident["inwardIssue"]["key"]) == ("is caused by", "OPS-1")
    assert (at_problem["type"]["outward"], at_problem["outwardIssue"]["key"]) == ("causes", "OPS-2")
    later = rendered(story)
    assert later["OPS-1"].fields["issuelinks"] == []
    assert later["OPS-1"].updated == T0 + DAY
    assert items(later["OPS-1"]) == [
        ("Link", None, "This issue causes OPS-2"),
        ("Link", "This issue causes OPS-2", None),
    ]
    assert items(later["OPS-2"])[0] == ("Link", None, "This issue is caused by OPS-1")


def test_a_link_goes_with_either_of_its_ends() -> None:
    linked = Event(T0 + HOUR, 1, {"problem": 1, "parent_incident": 2})
    gone = incident(2, T0 - HOUR)
    gone.deleted_at = T0 + DAY
    story = organization(incident=[incident(1, T0, linked), gone], problem=[problem(1, T0 - 2 * HOUR)])

    def others(moment: datetime) -> list[str]:
        shown = rendered(story, moment)["OPS-3"].fields["issuelinks"]
        return [(link.get("inwardIssue") or link["outwardIssue"])["key"] for link in shown]

    assert sorted(others(T0 + HOUR)) == ["OPS-1", "OPS-2"]
    assert others(T0 + DAY) == ["OPS-1"]


def test_a_resolution_keeps_the_time_at_which_it_was_set_and_goes_when_the_ticket_is_reopened() -> None:
    cleared: dict[str, Value] = {"state": "in_progress", "resolved_at": None, "resolution_code": None}
    told = [
        Event(T0 + n * DAY, 1, {"resolution_code": "Duplicate", **changes})
        for n, changes in enumerate(
            (
                {"state": "resolved", "resolved_at": T0 + DAY},
                cleared,
                {"state": "resolved", "resolved_at": T0 + 3 * DAY},
                {"state": "closed", "closed_at": T0 + 4 * DAY},
            ),
            1,
        )
    ]
    story = organization(incident=[incident(1, T0, *told)])
    shown = [rendered(story, T0 + n * DAY)["OPS-1"] for n in range(5)]
    assert [issue.resolved and (issue.resolved - T0).days for issue in shown] == [None, 1, None, 3, 3]
    assert [(issue.fields["resolution"] or {}).get("name") for issue in shown] == [
        None,
        "Duplicate",
        None,
        "Duplicate",
        "Duplicate",
    ]
    entered = [issue.fields["statuscategorychangedate"][8:10] for issue in shown]
    assert entered == ["27", "28", "29", "30", "30"], "closing stays within the category"


def sla_record(key: int, definition: int, at: datetime, *events: Event) -> Record:
    values: dict[str, Value] = {"definition": definition, "incident": 1, "started_at": at, "pauses": []}
    return made("sla_instance", key, at, *events, **values, stopped_at=None, cancelled_at=None)


def test_sla_cycles_stop_start_anew_wait_and_vanish() -> None:
    second = T0 + DAY
    waiting: list[tuple[datetime, datetime | None]] = [(second + HOUR, None)]
    instances = [
        sla_record(1, 2, T0, Event(T0 + 3 * HOUR, 0, {"stopped_at": T0 + 3 * HOUR})),
        sla_record(2, 2, second, Event(second + HOUR, 0, {"pauses": waiting})),
        sla_record(3, 1, T0, Event(T0 + HOUR, 0, {"cancelled_at": T0 + HOUR})),
    ]
    story = organization(incident=[incident(1)], sla_instance=instances)
    resolution, response = field_id("Time to resolution"), field_id("Time to first response")
    running = rendered(story, T0 + HOUR / 2)["OPS-1"].fields
    assert running[response]["ongoingCycle"]["remainingTime"] == {"millis": 5_400_000, "friendly": "1h 30m"}
    late = rendered(story, T0 + 2.5 * HOUR)["OPS-1"].fields[resolution]["ongoingCycle"]
    assert (late["breached"], late["paused"], late["remainingTime"]["friendly"]) == (True, False, "-30m")
    assert late["breachTime"]["epochMillis"] == round((T0 + 2 * HOUR).timestamp() * 1000)

    shown = rendered(story, second + 5 * HOUR)["OPS-1"].fields
    (done,) = shown[resolution]["completedCycles"]
    assert (done["breached"], done["elapsedTime"]["millis"], done["goalDuration"]["friendly"]) == (
        True,
        10_800_000,
        "2h",
    )
    assert done["stopTime"]["jira"] == "2026-03-27T13:00:00.000+0100"
    waits = shown[resolution]["ongoingCycle"]
    assert (waits["breached"], waits["paused"], waits["elapsedTime"]["millis"]) == (False, True, 3_600_000)
    assert "breachTime" not in waits
    assert shown[response]["completedCycles"] == []
    assert "ongoingCycle" not in shown[response]
    assert rendered(story, second + 5 * HOUR)["OPS-1"].updated == T0, "a clock does not touch the issue"


def test_approvals_are_one_step_for_each_approver() -> None:
    everything = generate(scale=0.05)
    change = everything.of("change", "jira")[0]
    decided = Event(change.created_at + HOUR, 1, {"state": "rejected"})
    asked = [made("approval", 1, change.created_at, decided, change=change.key, approver=1, state="requested")]
    asked.append(made("approval", 2, change.created_at, change=change.key, approver=2, state="requested"))
    everything.records["approval"] = asked
    found = next(i for i in site(everything, AS_OF).issues if i.fields["summary"] == change.values["title"])
    first, second = found.fields[field_id("Approvals")]
    assert (first["finalDecision"], first["approvers"][0]["approverDecision"]) == ("declined", "declined")
    assert first["completedDate"]["epochMillis"] == round(decided.at.timestamp() * 1000)
    assert second["finalDecision"] == "pending"
    assert "completedDate" not in second


def test_the_last_answer_of_a_customer_counts() -> None:
    answers = [
        made("satisfaction", n, T0 + n * DAY, incident=1, person=2, score=score, comment="", answered_at=T0 + n * DAY)
        for n, score in ((1, 2), (2, 4))
    ]
    story = organization(incident=[incident(1)], satisfaction=answers)
    assert rendered(story, T0)["OPS-1"].fields[field_id("Satisfaction")] is None
    assert rendered(story, T0 + DAY)["OPS-1"].fields[field_id("Satisfaction")] == {"rating": 2}
    last = rendered(story)["OPS-1"].fields
    assert last[field_id("Satisfaction")] == {"rating": 4}
    assert last[field_id("Satisfaction date")] == "2026-03-29T11:00:00.000+0200"


def test_complaints_have_a_label_and_alarms_no_request() -> None:
    story = organization(
        incident=[
            incident(1, category="complaint"),
            incident(2, T0 + HOUR, channel="monitoring"),
            incident(3, T0 + DAY),
        ]
    )
    found = rendered(story)
    assert [found[key].fields["labels"] for key in ("OPS-1", "OPS-3")] == [["complaint"], []]
    request = field_id("Request Type")
    assert found["OPS-2"].fields[request] is None
    assert found["OPS-3"].fields[request]["requestType"]["name"] == "Report a system problem"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0m"), (59, "0m"), (-59, "0m"), (90061, "1d 1h 1m"), (-3600, "-1h"), (7200, "2h")]
)
def test_durations_are_milliseconds_and_words(seconds: int, words: str) -> None:
    assert duration(seconds) == {"millis": seconds * 1000, "friendly": words}


# ---------------------------------------------------------- beside the issues


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_items_are_objects_with_their_relations(deployment: Deployment) -> None:
    sighting = Event(T0 + DAY, 0, {"discovered_at": T0 + DAY})
    known: dict[str, Value] = {"name": "bil-app-01", "class": "application", "status": "in_use", "owner": 1, "team": 1}
    application = made("configuration_item", 5, T0, sighting, discovered_at=T0, serial_number=None, **known)
    server = made("configuration_item", 6, name="bil-srv-01", status="in_stock", **{"class": "server"})
    ends: dict[str, Value] = {"parent_entity": "configuration_item", "parent": 5, "child": 6}
    relation = made("ci_relationship", 1, T0 + 2 * DAY, type="Runs on::Runs", child_entity="configuration_item", **ends)
    story = organization(configuration_item=[application, server], ci_relationship=[relation])
    early, late = (site(story, T0 + n * DAY, deployment).register["object"][0] for n in (1, 2))
    assert (early["updated"], late["updated"]) == ("2026-03-28T09:00:00.000Z", "2026-03-29T09:00:00.000Z")
    names = {one["id"]: one["name"] for one in site(story, AS_OF, deployment).register["attribute"]}
    shown = {
        names[one["objectTypeAttributeId"]]: one["objectAttributeValues"][0]["displayValue"]
        for one in late["attributes"]
    }
    assert shown["Runs on"] == "bil-srv-01"
    assert (shown["Status"], shown["Owner"], shown["Support group"]) == ("In Service", "Ann Agent", "Desk")
    assert "Serial number" not in shown, "an attribute without a value is not there"
    assert (late["label"], late["objectType"]["name"], late["objectKey"]) == ("bil-app-01", "Application", "ITSM-5")
    assert isinstance(late["id"], str if deployment == "cloud" else int)


def test_the_portal_offers_the_request_types_that_issues_came_by() -> None:
    whole = site(organization(incident=[incident(1)]), AS_OF)
    types = {one["id"]: one for one in whole.portal["requesttype"]}
    used = whole.issues[0].fields[field_id("Request Type")]["requestType"]
    assert types[used["id"]] == used
    assert [one["projectKey"] for one in whole.portal["servicedesk"]] == [one["key"] for one in whole.projects]
    assert whole.portal["organization"]
