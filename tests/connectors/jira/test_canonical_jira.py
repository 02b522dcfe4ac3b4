"""Jira issues in, canonical rows out. Protects: statuses known by id, rich text, and times that only the history keeps."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.connectors.conftest import Stage

INCIDENT, PROBLEM, CHANGE = "[System] Incident", "[System] Problem", "[System] Change"
HOSTILE = (
    "'; drop table canonical.incident; --",
    '{"type":"doc"',
    '<script>alert("1")</script>',
    "=1+1",
    "\u202egnp.exe",
)


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


def moved(jira: Stage, issue_id: str, *steps: tuple[datetime, str, str]) -> None:
    """Status changes by words alone, as the history of a deleted status has them."""
    for at, before, after in steps:
        history(jira, issue_id, at, {"field": "status", "fromString": before, "toString": after})


def doc(*blocks: object) -> str:
    return json.dumps({"type": "doc", "version": 1, "content": blocks})


def paragraph(*words: str) -> dict[str, object]:
    return {"type": "paragraph", "content": [{"type": "text", "text": word} for word in words]}


# --- which issue is what, and in which state -------------------------------------------------------------------------


def test_the_issue_type_decides_by_id_by_name_and_by_its_name_before_translation(jira: Stage) -> None:
    jira.mean("issue.entity", **{"10077": "incident"})
    jira.add("issuetype", "5", id="5", name="Änderung", untranslated_name="Change")
    issue(jira, "1")
    issue(jira, "2", "Problem")
    issue(jira, "3", "Störung", issuetype_id="10077")
    issue(jira, "4", "Änderung", issuetype_id="5")
    issue(jira, "5", "Task")
    assert set(jira.rows("incident")) == {"1", "3"}
    assert set(jira.rows("problem")) == {"2"}
    assert set(jira.rows("change")) == {"4"}


@pytest.mark.parametrize(
    ("issuetype", "status", "state"),
    [
        (INCIDENT, "Open", "new"),
        (INCIDENT, "Work in progress", "in_progress"),
        (INCIDENT, "Pending", "on_hold"),
        (INCIDENT, "Resolved", "resolved"),
        (INCIDENT, "Closed", "closed"),
        (INCIDENT, "Canceled", "cancelled"),
        (INCIDENT, "Planning", "unknown"),
        (PROBLEM, "Under investigation", "assess"),
        (PROBLEM, "Root cause analysis", "root_cause_analysis"),
        (PROBLEM, "Fix in progress", "fix_in_progress"),
        (CHANGE, "Planning", "new"),
        (CHANGE, "Assessment", "assess"),
        (CHANGE, "Peer review / change manager approval", "authorize"),
        (CHANGE, "Awaiting approval", "authorize"),
        (CHANGE, "Awaiting implementation", "scheduled"),
        (CHANGE, "Implementing", "implement"),
        (CHANGE, "Review", "review"),
        (CHANGE, "Completed", "closed"),
        (CHANGE, "Failed", "closed"),
        (CHANGE, "Declined", "cancelled"),
        (CHANGE, "On the moon", "unknown"),
    ],
)
def test_statuses_have_a_meaning_for_each_entity(jira: Stage, issuetype: str, status: str, state: str) -> None:
    issue(jira, "1", issuetype, status)
    entity = {INCIDENT: "incident", PROBLEM: "problem", CHANGE: "change"}[issuetype]
    row = jira.rows(entity)["1"]
    assert (row["state"], row["original_state"]) == (state, status)


def test_a_status_is_known_by_its_id_then_its_name_then_its_name_before_translation(jira: Stage) -> None:
    jira.mean("incident.state", **{"31": "on_hold"})
    jira.add("status", "31", id="31", name="Geparkt")
    jira.add("status", "32", id="32", name="Gelöst", untranslated_name="Resolved")
    jira.add("status", "33", id="33", name="WORK IN PROGRESS")
    for id_, status_id, name in (("1", "31", "Geparkt"), ("2", "32", "Gelöst"), ("3", "33", "WORK IN PROGRESS")):
        issue(jira, id_, status=name, status_id=status_id)
    assert [row["state"] for _, row in sorted(jira.rows("incident").items())] == ["on_hold", "resolved", "in_progress"]


def test_an_incident_in_full(jira: Stage) -> None:
    issue(
        jira, "1", status="Resolved", summary="No pay", priority="Highest", resolution="Done", resolved=day(3),
        reporter_account="u1", assignee_account="u2", major_incident="Yes",
        services=json.dumps([{"id": "b:1", "name": "Payroll"}]),
        components=[json.dumps({"id": "7", "name": "Desk"})],
        configuration_items=json.dumps([{"workspaceId": "w", "id": "w:9", "objectId": "9"}]),
    )  # fmt: skip
    row = jira.rows("incident")["1"]
    assert (row["number"], row["title"], row["service"], row["team"]) == ("OPS-1", "No pay", "Payroll", "Desk")
    assert (row["service_id"], row["team_id"]) == ("ops:service:b:1", "ops:team:7")
    assert (row["priority"], row["original_priority"], row["resolution_code"]) == ("1", "Highest", "Done")
    assert (row["opened_at"], row["resolved_at"], row["closed_at"]) == (day(1), day(3), None)
    assert (row["is_major"], row["reopened_count"]) == (True, 0)
    assert (row["requester_id"], row["assignee_id"]) == ("ops:person:u1", "ops:person:u2")
    assert row["configuration_item_id"] == "ops:configuration_item:w:9"
    assert (row["source_url"], row["evidence_id"]) == ("https://x/browse/OPS-1", "issue/1@1")
    assert jira.rows("service")["b:1"]["name"] == "Payroll"
    assert jira.rows("team")["7"]["name"] == "Desk"
    assert jira.rows("configuration_item")["w:9"]["name"] is None, "the name is in Assets"


@pytest.mark.parametrize(
    ("value", "is_major"),
    [
        ("Yes", True),
        ("No", False),
        (None, False),
        ("Perhaps", False),
        ('[{"value":"Yes"}]', True),
        ("[]", False),
        ("[", False),
    ],
)
def test_a_flag_is_a_choice_or_a_list_with_at_most_one(jira: Stage, value: str | None, is_major: bool) -> None:
    issue(jira, "1", major_incident=value)
    issue(jira, "2", PROBLEM, known_error=value)
    issue(jira, "3", CHANGE, unauthorized=value)
    assert jira.rows("incident")["1"]["is_major"] is is_major
    assert jira.rows("problem")["2"]["is_known_error"] is is_major
    assert jira.rows("change")["3"]["is_unauthorized"] is is_major


# --- times from the history ------------------------------------------------------------------------------------------


def test_closing_reopening_and_resolver_come_from_the_history(jira: Stage) -> None:
    issue(jira, "1", status="Closed", resolved=day(6))
    moved(
        jira, "1", (day(2), "Open", "Work in progress"), (day(3), "Work in progress", "Resolved"),
        (day(4), "Resolved", "Work in progress"), (day(7), "Resolved", "Closed"),
    )  # fmt: skip
    history(
        jira, "1", day(6), {"field": "status", "fromString": "Work in progress", "toString": "Resolved"}, author="bob"
    )
    row = jira.rows("incident")["1"]
    assert (row["reopened_count"], row["closed_at"], row["resolved_at"]) == (1, day(7), day(6))
    assert row["resolver_id"] == "ops:person:bob", "who resolved it last, not who closed it"


def test_closed_without_history_is_dated_by_the_resolution_and_cancelled_is_not_resolved(jira: Stage) -> None:
    issue(jira, "1", status="Closed", resolved=day(6))
    issue(jira, "2", status="Canceled", resolved=day(6))
    issue(jira, "3", status="Vanished", resolved=day(6), status_category="done")
    issue(jira, "4", status="Resolved", resolved=day(6))
    found = {key: (row["resolved_at"], row["closed_at"]) for key, row in jira.rows("incident").items()}
    assert found == {"1": (day(6), day(6)), "2": (None, day(6)), "3": (day(6), day(6)), "4": (day(6), None)}


def test_a_history_knows_statuses_by_id_and_keeps_the_words_of_deleted_ones(jira: Stage) -> None:
    jira.add("status", "3", id="3", name="Work in progress")
    issue(jira, "1")
    for at, (old_id, old, new_id, new) in (
        (day(2), ("1", "Open", "3", "Doing")),
        (day(3), ("3", "Doing", "99", "Limbo")),
        (day(4), ("99", "Limbo", "98", "Resolved")),
        (day(5), (None, None, None, "Closed")),
    ):
        history(jira, "1", at, {"field": "status", "from": old_id, "fromString": old, "to": new_id, "toString": new})
    history(
        jira,
        "1",
        day(6),
        {"field": "status", "from": "3", "fromString": "Work in progress", "to": None, "toString": None},
    )
    found = sorted(jira.rows("status_change").values(), key=lambda row: str(row["changed_at"]))
    assert [(row["from_value"], row["to_value"]) for row in found] == [
        ("new", "in_progress"),
        ("in_progress", "unknown"),
        ("unknown", "resolved"),
        (None, "closed"),
        ("in_progress", None),
    ]
    assert [row["original_to"] for row in found] == ["Doing", "Limbo", "Resolved", "Closed", None]


def test_history_items_are_numbered_and_named_in_our_words(jira: Stage) -> None:
    issue(jira, "1", CHANGE)
    history(
        jira, "1", day(2),
        {"field": "priority", "from": "1", "fromString": "Highest", "to": "9", "toString": "Cosmic"},
        {"field": "Component", "fieldId": "components", "from": None, "fromString": "", "to": "7", "toString": "Desk"},
        {"field": "Planned start", "fieldId": "customfield_1", "to": "2026-10-09T10:00:00.000+0200", "toString": "9/Oct"},
        {"field": "assignee", "to": "u2", "toString": "Bob"},
        {"field": "Cost centre", "toString": "12"},
    )  # fmt: skip
    history(jira, "1", day(3), {"field": "Cost centre", "toString": "13"}, author=None)
    found = jira.rows("status_change")
    assert {key: row["field"] for key, row in found.items() if row["changed_at"] == day(2)} == {
        "1/1020000/1": "priority",
        "1/1020000/2": "team",
        "1/1020000/3": "planned_start",
        "1/1020000/4": "assignee",
        "1/1020000/5": "Cost centre",
    }
    assert (found["1/1020000/1"]["from_value"], found["1/1020000/1"]["to_value"]) == ("1", "unknown")
    assert (found["1/1020000/2"]["original_from"], found["1/1020000/2"]["original_to"]) == (None, "Desk")
    assert found["1/1020000/1"]["changed_by"] == "ops:person:ann"
    assert found["1/1030000/1"]["changed_by"] == "Ann", "an account without an id has its name"


@pytest.mark.parametrize("written", ["1792750000", "1792750000000"])
def test_a_history_may_be_dated_by_a_number(jira: Stage, written: str) -> None:
    issue(jira, "1")
    items = [json.dumps({"field": "priority", "toString": "High"})]
    jira.add("changelog", "1/5", id="5", created=None, created_epoch=written, author_account="ann", items=items)
    jira.add("changelog", "1/6", id="6", created=None, created_epoch="soon", author_account="ann", items=items)
    jira.add("changelog", "404/7", id="7", created=day(2), author_account="ann", items=items)
    [row] = jira.rows("status_change").values()
    assert row["changed_at"] == datetime.fromtimestamp(1792750000, UTC)


# --- changes ---------------------------------------------------------------------------------------------------------


def test_a_change_in_full(jira: Stage) -> None:
    issue(
        jira, "1", CHANGE, "Closed", change_type="Emergency", change_risk="Critical", change_outcome="Rolled back",
        planned_start=day(4), planned_end=day(5), actual_start=day(4, 1), actual_end=day(4, 2), resolved=day(8),
        reviewed_at=day(7), reporter_account="u1", assignee_account="u2", change_reason="Repair",
        review=doc(paragraph("Went well.")), assessment="Low.", implementation_plan=doc(), backout_plan=" \n",
    )  # fmt: skip
    row = jira.rows("change")["1"]
    assert (row["type"], row["risk"], row["outcome"]) == ("emergency", "very_high", "backed_out")
    assert (row["original_type"], row["original_risk"], row["original_outcome"]) == (
        "Emergency",
        "Critical",
        "Rolled back",
    )
    assert (row["planned_start_at"], row["actual_start_at"], row["actual_end_at"]) == (day(4), day(4, 1), day(4, 2))
    assert (row["closed_at"], row["reviewed_at"]) == (day(8), day(7))
    assert (row["review"], row["assessment"], row["justification"]) == ("Went well.", "Low.", "Repair")
    assert (row["implementation_plan"], row["backout_plan"], row["test_plan"]) == (None, None, None)
    assert (row["requested_by"], row["assigned_to"]) == ("ops:person:u1", "ops:person:u2")
    assert (row["approval"], row["approved_at"]) == (None, None)


def test_words_of_a_change_that_nobody_mapped(jira: Stage) -> None:
    issue(jira, "1", CHANGE, change_type="Odd", change_risk="Odd", change_outcome="Odd", priority="Odd")
    issue(jira, "2", CHANGE)
    odd, none = jira.rows("change")["1"], jira.rows("change")["2"]
    assert [odd[name] for name in ("type", "risk", "outcome", "priority")] == ["unknown"] * 4
    assert [odd[f"original_{name}"] for name in ("type", "risk", "outcome")] == ["Odd"] * 3
    assert [none[name] for name in ("type", "risk", "outcome", "priority")] == ["unknown", None, None, None]


def test_the_stock_workflow_tells_the_outcome_by_the_last_status(jira: Stage) -> None:
    issue(jira, "1", CHANGE, "Failed")
    issue(jira, "2", CHANGE, "Completed", change_outcome="Unsuccessful")
    issue(jira, "3", CHANGE, "Closed")
    found = {key: (row["outcome"], row["original_outcome"]) for key, row in jira.rows("change").items()}
    assert found == {"1": ("unsuccessful", "Failed"), "2": ("unsuccessful", "Unsuccessful"), "3": (None, None)}


def test_actual_times_are_fields_else_the_stay_in_implement_else_the_closing(jira: Stage) -> None:
    issue(jira, "1", CHANGE, "Closed")
    moved(
        jira,
        "1",
        (day(5), "Scheduled", "Implementing"),
        (day(6), "Implementing", "Review"),
        (day(7), "Review", "Closed"),
    )
    issue(jira, "2", CHANGE, "Implementing")
    moved(jira, "2", (day(5), "Scheduled", "Implementing"), (day(6), "Implementing", "Scheduled"))
    issue(jira, "3", CHANGE, "Closed", actual_start=day(5), resolved=day(9))
    issue(jira, "4", CHANGE, "Canceled", resolved=day(9))
    found = {key: (row["actual_start_at"], row["actual_end_at"]) for key, row in jira.rows("change").items()}
    assert found == {"1": (day(5), day(6)), "2": (day(5), None), "3": (day(5), day(9)), "4": (None, None)}


def test_the_review_is_dated_by_the_history_of_its_text(jira: Stage) -> None:
    issue(jira, "1", CHANGE, "Closed", review="Fine.")
    history(jira, "1", day(8), {"field": "Post implementation review", "toString": "Fine."})
    history(jira, "1", day(9), {"field": "Post implementation review", "fromString": "Fine.", "toString": None})
    assert jira.rows("change")["1"]["reviewed_at"] == day(8)


# --- problems, texts, people -----------------------------------------------------------------------------------------


def test_rich_text_becomes_plain_text(jira: Stage) -> None:
    text = doc(
        paragraph("bo", "ld"),
        {
            "type": "bulletList",
            "content": [{"type": "listItem", "content": [paragraph(word)]} for word in ("one", "two")],
        },
        {
            "type": "paragraph",
            "content": [{"type": "mention", "attrs": {"id": "u", "text": "@Ann"}}, {"type": "hardBreak"}],
        },
        {"type": "paragraph"},
        paragraph('{"type": "doc"} \\ "quoted" \U0001f525'),
    )
    issue(jira, "1", PROBLEM, root_cause=text, workaround="h2. *wiki* text", fix=doc(paragraph(" ", "\u00a0")))
    row = jira.rows("problem")["1"]
    assert row["root_cause"] == 'bold\none\ntwo\n@Ann\n\n{"type": "doc"} \\ "quoted" \U0001f525'
    assert (row["workaround"], row["fix"]) == ("h2. *wiki* text", None)


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '{"type": "doc"', "null", "12"])
def test_text_that_only_looks_like_a_document_stays(jira: Stage, text: str) -> None:
    issue(jira, "1", PROBLEM, root_cause=text)
    assert jira.rows("problem")["1"]["root_cause"] == text


@pytest.mark.parametrize(
    ("status", "resolution", "code"),
    [
        ("Closed", "Done", "fix_applied"),
        ("Closed", "Won't Do", "risk_accepted"),
        ("Canceled", "Won't Do", "cancelled"),
        ("Closed", "Duplicate", "duplicate"),
        ("Closed", "Eaten", "unknown"),
        ("Open", None, None),
    ],
)
def test_how_a_problem_ended(jira: Stage, status: str, resolution: str | None, code: str | None) -> None:
    issue(jira, "1", PROBLEM, status, resolution=resolution, due=date(2026, 10, 9))
    row = jira.rows("problem")["1"]
    assert (row["resolution_code"], row["original_resolution_code"]) == (code, resolution)
    assert row["due_at"] == day(10), "a due date ends with its day"


def test_people_are_one_row_each_with_what_was_seen_last(jira: Stage) -> None:
    issue(jira, "1", reporter_account="u1", reporter_display="Old", reporter_email="o@x", observed_at=day(2))
    issue(jira, "2", assignee_account="u1", assignee_display="New", assignee_active=False, observed_at=day(3))
    issue(jira, "3", "Task", creator_name="dc-user", creator_key="JIRAUSER7", creator_display="Del")
    history(jira, "1", day(2), {"field": "priority"}, author="u9")
    found = jira.rows("person")
    assert set(found) == {"u1", "JIRAUSER7", "u9"}
    row = found["u1"]
    assert (row["name"], row["email"], row["is_active"], row["evidence_id"]) == ("New", "o@x", False, "issue/2@1")


def test_a_team_field_comes_before_the_component(jira: Stage) -> None:
    issue(jira, "1", team="Night crew", components=[json.dumps({"id": "7", "name": "Desk"})])
    row = jira.rows("incident")["1"]
    assert (row["team"], row["team_id"]) == ("Night crew", "ops:team:Night crew")
    assert {key: row["name"] for key, row in jira.rows("team").items()} == {"Night crew": "Night crew"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_carried_as_it_is(jira: Stage, text: str) -> None:
    issue(
        jira, "1", status=text, summary=text, priority=text, major_incident=text, team=text, reporter_account=text,
        services=json.dumps([{"id": text, "name": text}]),
        configuration_items=json.dumps([text]), labels=[json.dumps(text)],
    )  # fmt: skip
    issue(jira, "2", CHANGE, change_type=text, review=text)
    history(jira, "1", day(2), {"field": text, "fromString": text, "toString": text})
    row, change = jira.rows("incident")["1"], jira.rows("change")["2"]
    assert (row["title"], row["original_state"], row["service"], row["category"]) == (text, text, text, text)
    assert (change["original_type"], change["review"]) == (text, text)
    issue(jira, "3", PROBLEM, resolution=text, root_cause=text, known_error=text)
    assert jira.rows("problem")["3"]["root_cause"] == text
    assert all(jira.rows(entity) for entity in ("person", "team", "service", "configuration_item", "status_change"))


def test_real_answers_become_rows(jira: Stage) -> None:
    found = os.environ.get("SMS_EVIDENCE_REAL_DATA")
    if not found:
        pytest.skip("SMS_EVIDENCE_REAL_DATA does not name the folder with real answers")
    folder = Path(found, "jira-payloads")
    issues: dict[str, bytes] = {}
    histories: dict[str, bytes] = {}
    for name in ("raw_jira_api_issues", "raw_jira_api_issues_for_due_date", "raw_jira_api_issue_relationships"):
        for line in (folder / f"{name}.jsonl").read_bytes().splitlines():
            record = json.loads(line)
            issues[record["id"]] = line
            jira.mean("issue.entity", **{record["fields"]["issuetype"]["name"]: "incident"})
            for one in record.get("changelog", {}).get("histories", []):
                histories[f"{record['id']}/{one['id']}"] = json.dumps(one).encode()
    one_issue = next(iter(issues))
    for line in (folder / "raw_jira_api_issue_changelogs.jsonl").read_bytes().splitlines():
        histories[f"{one_issue}/{json.loads(line)['id']}"] = line
    statuses = (folder / "raw_jira_api_status.jsonl").read_bytes().splitlines()
    jira.load("issue", issues)
    jira.load("changelog", histories)
    jira.load("status", {json.loads(line)["id"]: line for line in statuses})
    incidents, changes = jira.rows("incident"), jira.rows("status_change")
    assert {key: row["original_state"] for key, row in incidents.items()} == {
        id_: json.loads(line)["fields"]["status"]["name"] for id_, line in issues.items()
    }
    items = [item for line in histories.values() for item in json.loads(line)["items"]]
    assert len(changes) == len(items)
    words = sorted(str(item["toString"] or item["to"]) for item in items if item["field"] == "status")
    assert words == sorted(str(row["original_to"]) for row in changes.values() if row["field"] == "state")
    known = {"new", "in_progress", "on_hold", "resolved", "closed", "cancelled", "unknown"}
    assert {row["to_value"] for row in changes.values() if row["field"] == "state"} <= known
    assert jira.rows("record_link") and jira.rows("person")


def test_an_empty_source_gives_no_rows(jira: Stage) -> None:
    assert set(jira.every().values()) == {0}
