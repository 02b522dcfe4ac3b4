"""Links of Jira issues. Protects: both ends list a link and it counts once, read in the direction of its type."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.connectors.conftest import Stage

INCIDENT, PROBLEM, CHANGE = "[System] Incident", "[System] Problem", "[System] Change"
CAUSES = {"name": "Problem/Incident", "inward": "is caused by", "outward": "causes"}
RELATES = {"name": "Relates", "inward": "relates to", "outward": "relates to"}
DUPLICATE = {"name": "Duplicate", "inward": "is duplicated by", "outward": "duplicates"}
RESOLVES = {"name": "Resolve", "inward": "is resolved by", "outward": "resolves"}


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of October 2026, UTC."""
    return datetime(2026, 10, number, hour, minute, tzinfo=UTC)


@pytest.fixture
def jira(make_stage: Callable[[str, str], Stage]) -> Stage:
    return make_stage("jira", "ops")


def issue(jira: Stage, id_: str, issuetype: str = INCIDENT, status: str = "Open", **values: object) -> None:
    row = {
        "id": id_,
        "key": f"OPS-{id_}",
        "issuetype": issuetype,
        "status": status,
        "created": day(1),
        "updated": day(20),
    }
    jira.add("issue", id_, **{**row, **values})


def history(jira: Stage, issue_id: str, at: datetime, *items: dict[str, object], author: str | None = "ann") -> None:
    id_ = f"{issue_id}{at:%d%H%M}"
    texts = [json.dumps(item) for item in items]
    jira.add(
        "changelog", f"{issue_id}/{id_}", id=id_, created=at, author_account=author, author_display="Ann", items=texts
    )


def link(number: int, kind: dict[str, str], side: str, other: str, issuetype: str | None = None) -> str:
    there: dict[str, object] = {"id": other, "key": f"OPS-{other}"}
    if issuetype:
        there["fields"] = {"issuetype": {"name": issuetype}}
    return json.dumps({"id": str(number), "type": kind, f"{side}Issue": there})


def linked(jira: Stage) -> set[tuple[object, ...]]:
    return {(row["from_id"], row["type"], row["to_id"]) for row in jira.rows("record_link").values()}


def test_a_link_listed_at_both_ends_is_one_and_reads_in_its_direction(jira: Stage) -> None:
    issue(jira, "1", links=[link(11, CAUSES, "inward", "2", PROBLEM), link(12, CAUSES, "inward", "3", CHANGE)])
    issue(jira, "2", PROBLEM, links=[link(11, CAUSES, "outward", "1", INCIDENT)])
    issue(jira, "3", CHANGE, links=[link(12, CAUSES, "outward", "1", INCIDENT)])
    assert linked(jira) == {
        ("ops:incident:1", "has_problem", "ops:problem:2"),
        ("ops:incident:1", "caused_by", "ops:change:3"),
    }
    row = jira.rows("incident")["1"]
    assert (row["problem_id"], row["caused_by_change_id"], row["change_id"]) == ("ops:problem:2", "ops:change:3", None)
    assert jira.rows("record_link")["12"]["original_type"] == "is caused by"
    assert jira.rows("record_link")["12"]["evidence_id"] == "issue/1@1", "of the end that the link reads from"


def test_an_incident_that_causes_a_change_was_not_caused_by_it(jira: Stage) -> None:
    issue(jira, "1", links=[link(11, CAUSES, "outward", "3", CHANGE)])
    issue(jira, "3", CHANGE)
    assert linked(jira) == {("ops:change:3", "caused_by", "ops:incident:1")}
    row = jira.rows("incident")["1"]
    assert (row["caused_by_change_id"], row["change_id"]) == (None, "ops:change:3")


def test_a_problem_drawn_the_wrong_way_round_is_still_the_incidents_problem(jira: Stage) -> None:
    issue(jira, "1", links=[link(11, CAUSES, "outward", "2", PROBLEM)])
    issue(jira, "2", PROBLEM)
    assert linked(jira) == {("ops:incident:1", "has_problem", "ops:problem:2")}


def test_what_resolves_comes_before_what_relates(jira: Stage) -> None:
    issue(jira, "1", links=[link(5, RELATES, "outward", "3"), link(6, RESOLVES, "inward", "4")])
    issue(jira, "2", PROBLEM, links=[link(7, RELATES, "inward", "3"), link(8, CAUSES, "inward", "4")])
    issue(jira, "3", CHANGE)
    issue(jira, "4", CHANGE)
    assert linked(jira) == {
        ("ops:incident:1", "relates_to", "ops:change:3"),
        ("ops:incident:1", "resolved_by", "ops:change:4"),
        ("ops:change:3", "relates_to", "ops:problem:2"),
        ("ops:problem:2", "caused_by", "ops:change:4"),
    }
    assert jira.rows("incident")["1"]["change_id"] == "ops:change:4"
    assert jira.rows("problem")["2"]["change_id"] == "ops:change:3", "a change that caused the problem does not fix it"


def test_duplicates_and_children_have_a_parent(jira: Stage) -> None:
    issue(jira, "1", links=[link(5, DUPLICATE, "outward", "2")])
    issue(jira, "2", links=[link(5, DUPLICATE, "inward", "1")])
    issue(jira, "3", parent_id="2")
    issue(jira, "4", parent_id="9")
    issue(jira, "9", "Epic")
    assert linked(jira) == {
        ("ops:incident:1", "duplicate_of", "ops:incident:2"),
        ("ops:incident:3", "child_of", "ops:incident:2"),
    }
    parents = {key: row["parent_incident_id"] for key, row in jira.rows("incident").items()}
    assert parents == {"1": "ops:incident:2", "2": None, "3": "ops:incident:2", "4": None}


def test_a_link_to_an_issue_that_is_not_read_and_a_type_nobody_mapped_are_kept(jira: Stage) -> None:
    odd = {"name": "Odd", "inward": "is eaten by", "outward": "eats"}
    issue(jira, "1", links=[link(5, odd, "outward", "70", CHANGE), link(6, odd, "inward", "71")])
    found = jira.rows("record_link")
    assert linked(jira) == {
        ("ops:incident:1", "relates_to", "ops:change:70"),
        ("ops:issue:71", "relates_to", "ops:incident:1"),
    }
    assert found["5"]["original_type"] == "eats"


def test_a_link_is_dated_by_the_history_of_either_end(jira: Stage) -> None:
    issue(jira, "1", links=[link(5, CAUSES, "inward", "2")])
    issue(jira, "2", PROBLEM)
    history(jira, "2", day(4), {"field": "Link", "to": "OPS-1", "toString": "This issue causes OPS-1"})
    assert jira.rows("record_link")["5"]["created_at"] == day(4)


def test_affected_objects_are_linked_once(jira: Stage) -> None:
    cloud = [
        {"workspaceId": "w", "id": "w:9", "objectId": "9"},
        {"workspaceId": "w", "objectId": "8"},
        {"objectId": "7"},
    ]
    issue(jira, "1", CHANGE, configuration_items=json.dumps([*cloud, cloud[0]]))
    issue(jira, "2", configuration_items=json.dumps(["Web server (7) (CMDB-12)", "Loose cable"]))
    assert linked(jira) == {
        ("ops:change:1", "affects", "ops:configuration_item:w:9"),
        ("ops:change:1", "affects", "ops:configuration_item:w:8"),
        ("ops:change:1", "affects", "ops:configuration_item:7"),
        ("ops:incident:2", "affects", "ops:configuration_item:CMDB-12"),
        ("ops:incident:2", "affects", "ops:configuration_item:Loose cable"),
    }
    names = {key: row["name"] for key, row in jira.rows("configuration_item").items()}
    assert names == {"w:9": None, "w:8": None, "7": None, "CMDB-12": "Web server (7)", "Loose cable": "Loose cable"}
