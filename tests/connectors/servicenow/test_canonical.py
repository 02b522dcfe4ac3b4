"""ServiceNow rows in, canonical rows out. Protects: an instance's own labels decide what its numbers mean; decisions are
dated by the history, never by a row's update; nothing unmapped is dropped or guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.connectors.conftest import Stage

HOSTILE = ("'; drop table canonical.incident; --", '<script>alert(1)</script>"', "=cmd|' /C calc'!A0", "\u202egnp.exe")


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of October 2026, UTC."""
    return datetime(2026, 10, number, hour, minute, tzinfo=UTC)


@pytest.fixture
def snow(make_stage: Callable[[str, str], Stage]) -> Stage:
    return make_stage("servicenow", "snow")


def choose(snow: Stage, table: str, element: str, **labels: str) -> None:
    """The choice list of a field: value (with an underscore before) -> label, in English."""
    for value, label in labels.items():
        word = {"name": table, "element": element, "value": value.lstrip("_"), "label": label, "language": "en"}
        snow.add("sys_choice", f"{table}.{element}.{value}", **word)


def record(snow: Stage, table: str, key: str, **values: object) -> None:
    snow.add(table, key, **{"sys_id": key, "sys_created_on": day(1), "sys_updated_on": day(20), **values})


def audit(snow: Stage, table: str, key: str, field: str, old: str | None, new: str | None, at: datetime) -> None:
    id_ = f"{key}.{field}.{at:%d%H%M}"
    row = {"tablename": table, "documentkey": key, "fieldname": field, "oldvalue": old, "newvalue": new}
    snow.add("sys_audit", id_, sys_id=id_, user="ann", sys_created_on=at, **row)


# --- what the words mean ---------------------------------------------------------------------------------------------


def test_the_instances_own_label_decides(snow: Stage) -> None:
    choose(snow, "incident", "state", _1="New", _8="Awaiting Vendor", _7="Closed")
    record(snow, "incident", "a", state="8")
    assert snow.rows("incident")["a"]["state"] == "on_hold"
    assert snow.rows("incident")["a"]["original_state"] == "Awaiting Vendor"


def test_the_stock_value_decides_only_without_a_choice_list(snow: Stage) -> None:
    choose(snow, "problem", "state", _1="Open")
    record(snow, "incident", "a", state="8")
    record(snow, "problem", "p", state="107")
    assert snow.rows("incident")["a"]["state"] == "cancelled"
    assert snow.rows("incident")["a"]["original_state"] == "8"
    assert snow.rows("problem")["p"]["state"] == "unknown", "this instance has a list, and 107 is not on it"


def test_a_word_nobody_mapped_is_unknown_and_kept(snow: Stage) -> None:
    choose(snow, "incident", "state", _12="Parked by the moon")
    choose(snow, "change_request", "type", _model="Model")
    choose(snow, "change_request", "close_code", _half="Half done")
    choose(snow, "change_request", "risk", _9="Cosmic")
    record(snow, "incident", "a", state="12")
    record(snow, "incident", "b", state=None)
    record(snow, "change_request", "c", type="model", close_code="half", risk="9", state="77", approval="odd")
    record(snow, "change_request", "d")
    row = snow.rows("incident")
    assert (row["a"]["state"], row["a"]["original_state"]) == ("unknown", "Parked by the moon")
    assert (row["b"]["state"], row["b"]["original_state"]) == ("unknown", None)
    change = snow.rows("change")
    assert [change["c"][name] for name in ("type", "outcome", "risk", "state", "approval")] == ["unknown"] * 5
    originals = ("original_type", "original_outcome", "original_risk", "original_state", "original_approval")
    assert [change["c"][name] for name in originals] == ["Model", "Half done", "Cosmic", "77", "odd"]
    assert [change["d"][name] for name in ("outcome", "risk", "approval", "priority")] == [None] * 4


@pytest.mark.parametrize(
    ("label", "state"),
    [
        ("New", "new"),
        ("Active", "in_progress"),
        ("In Progress", "in_progress"),
        ("On Hold", "on_hold"),
        ("Awaiting User Info", "on_hold"),
        ("Awaiting Problem", "on_hold"),
        ("Awaiting Vendor", "on_hold"),
        ("Awaiting Evidence", "on_hold"),
        ("Resolved", "resolved"),
        ("Closed", "closed"),
        ("Canceled", "cancelled"),
        ("Cancelled", "cancelled"),
        (" resolved ", "resolved"),
    ],
)
def test_words_of_newer_and_older_instances(snow: Stage, label: str, state: str) -> None:
    choose(snow, "incident", "state", _42=label)
    record(snow, "incident", "a", state="42")
    assert snow.rows("incident")["a"]["state"] == state


def test_english_is_matched_and_a_retired_word_still_means_something(snow: Stage) -> None:
    choose(snow, "incident", "state", _1="New")
    for language, label in (("de", "Aktiv"), ("en", "Active")):
        word = {"name": "incident", "element": "state", "value": "2", "label": label, "language": language}
        snow.add("sys_choice", f"2.{language}", **word, inactive=True)
    record(snow, "incident", "a", state="2")
    assert snow.rows("incident")["a"]["state"] == "in_progress"
    assert snow.rows("incident")["a"]["original_state"] == "Active"


def test_a_configured_meaning_of_a_value_or_a_label_wins(snow: Stage) -> None:
    choose(snow, "incident", "state", _1="New", _9="Parked", _10="Canceled")
    snow.mean("incident.state", **{"Parked": "on_hold", "10": "closed"})
    for key, state in (("a", "9"), ("b", "10"), ("c", "1")):
        record(snow, "incident", key, state=state)
    assert [row["state"] for _, row in sorted(snow.rows("incident").items())] == ["on_hold", "closed", "new"]


def test_a_configured_meaning_of_a_value_needs_no_choice_list(snow: Stage) -> None:
    snow.mean("incident.state", **{"8": "on_hold"})
    record(snow, "incident", "a", state="8")
    assert snow.rows("incident")["a"]["state"] == "on_hold"


def test_a_table_has_the_list_of_the_table_it_extends_unless_its_own(snow: Stage) -> None:
    choose(snow, "task", "priority", _1="1 - Critical", _2="2 - High")
    choose(snow, "change_request", "priority", _2="5 - Planning")
    record(snow, "incident", "a", priority="2")
    record(snow, "change_request", "c", priority="2")
    assert snow.rows("incident")["a"]["priority"] == "2"
    assert snow.rows("change")["c"]["priority"] == "5"


def test_an_older_instance_has_incident_state_alone(snow: Stage) -> None:
    choose(snow, "incident", "incident_state", _4="Awaiting User Info", _6="Resolved")
    record(snow, "incident", "a", incident_state="4")
    audit(snow, "incident", "a", "incident_state", "6", "4", day(2))
    assert snow.rows("incident")["a"]["state"] == "on_hold"
    [moved] = snow.rows("status_change").values()
    assert (moved["field"], moved["from_value"], moved["to_value"]) == ("state", "resolved", "on_hold")


# --- incidents and problems ------------------------------------------------------------------------------------------


def test_an_incident_in_full(snow: Stage) -> None:
    record(snow, "cmdb_ci_service", "svc", name="Payroll")
    record(snow, "sys_user_group", "grp", name="Desk")
    record(
        snow, "incident", "a", number="INC1", short_description="No pay", business_service="svc", assignment_group="grp",
        priority="1", state="7", opened_at=day(2), resolved_at=day(3), closed_at=day(8), reopen_count=2,
        major_incident_state="accepted", caller_id="u1", assigned_to="u2", resolved_by="u3", cmdb_ci="ci",
        parent_incident="b", problem_id="p", rfc="c", caused_by="d", category="software", close_code="Solved",
    )  # fmt: skip
    row = snow.rows("incident")["a"]
    assert (row["number"], row["title"], row["service"], row["team"]) == ("INC1", "No pay", "Payroll", "Desk")
    assert (row["state"], row["priority"], row["reopened_count"], row["is_major"]) == ("closed", "1", 2, True)
    assert (row["opened_at"], row["resolved_at"], row["closed_at"]) == (day(2), day(3), day(8))
    assert (row["problem_id"], row["change_id"]) == ("snow:problem:p", "snow:change:c")
    assert (row["caused_by_change_id"], row["parent_incident_id"]) == ("snow:change:d", "snow:incident:b")
    assert (row["requester_id"], row["resolver_id"]) == ("snow:person:u1", "snow:person:u3")
    assert (row["service_id"], row["configuration_item_id"]) == ("snow:service:svc", "snow:configuration_item:ci")
    assert row["source_url"] == "https://x/nav_to.do?uri=incident.do?sys_id=a"
    assert row["evidence_id"] == "incident/a@1"


@pytest.mark.parametrize("state", ["proposed", "rejected", "canceled", None])
def test_proposed_or_rejected_is_no_major_incident(snow: Stage, state: str | None) -> None:
    record(snow, "incident", "a", major_incident_state=state)
    assert snow.rows("incident")["a"]["is_major"] is False


def test_the_service_is_named_or_is_the_item_itself(snow: Stage) -> None:
    for key in ("mail", "pay"):
        record(snow, "cmdb_ci_service", key, name=key.title())
    record(snow, "cmdb_ci", "server", name="srv-1")
    record(snow, "incident", "named", business_service="pay", cmdb_ci="mail")
    record(snow, "incident", "item", cmdb_ci="mail")
    record(snow, "incident", "server", cmdb_ci="server")
    record(snow, "incident", "gone", business_service="never-seen", cmdb_ci="mail")
    found = {key: row["service"] for key, row in snow.rows("incident").items()}
    assert found == {"named": "Pay", "item": "Mail", "server": None, "gone": "Mail"}


@pytest.mark.parametrize("blank", [" \n\t ", "\u00a0", "<p>&nbsp;</p>", "<p><br></p>\n", None])
def test_a_blank_cause_is_no_cause(snow: Stage, blank: str | None) -> None:
    record(snow, "problem", "p", state="107", cause_notes=blank, workaround=" Restart.\n", fix_notes="<p>x &lt; 5</p>")
    row = snow.rows("problem")["p"]
    assert (row["root_cause"], row["workaround"], row["fix"]) == (None, "Restart.", "<p>x &lt; 5</p>")


def test_a_picture_is_a_cause(snow: Stage) -> None:
    record(snow, "problem", "p", cause_notes='<p><img src="x"></p>')
    assert snow.rows("problem")["p"]["root_cause"] is not None


def test_a_problem_closed_as_cancelled_is_cancelled(snow: Stage) -> None:
    record(snow, "problem", "p", state="107", resolution_code="canceled", known_error=True, rfc="c")
    row = snow.rows("problem")["p"]
    assert (row["state"], row["resolution_code"], row["is_known_error"]) == ("cancelled", "cancelled", True)
    assert row["change_id"] == "snow:change:c"


# --- changes and approvals -------------------------------------------------------------------------------------------


def test_actual_times_are_fields_else_the_stay_in_implement_else_the_closing(snow: Stage) -> None:
    record(snow, "change_request", "fields", state="3", work_start=day(5, 1), work_end=day(5, 2), closed_at=day(9))
    audit(snow, "change_request", "fields", "state", "-2", "-1", day(5, 3))
    record(snow, "change_request", "history", state="3", closed_at=day(9))
    audit(snow, "change_request", "history", "state", "-2", "-1", day(6, 1))
    audit(snow, "change_request", "history", "state", "-1", "0", day(6, 2))
    record(snow, "change_request", "closed", state="3", work_start=day(7, 1), closed_at=day(9))
    record(snow, "change_request", "running", state="-1")
    audit(snow, "change_request", "running", "state", "-2", "-1", day(6, 1))
    audit(snow, "change_request", "running", "state", "-1", "-2", day(6, 2))
    audit(snow, "change_request", "running", "state", "-2", "-1", day(6, 3))
    record(snow, "change_request", "never", state="4", closed_at=day(9))
    found = {key: (row["actual_start_at"], row["actual_end_at"]) for key, row in snow.rows("change").items()}
    assert found == {
        "fields": (day(5, 1), day(5, 2)),
        "history": (day(6, 1), day(6, 2)),
        "closed": (day(7, 1), day(9)),
        "running": (day(6, 1), None),
        "never": (None, None),
    }


def test_a_late_approval_is_dated_by_the_history_not_by_the_row(snow: Stage) -> None:
    record(snow, "change_request", "c", state="0", approval="approved", work_start=day(5), sys_updated_on=day(4))
    audit(snow, "change_request", "c", "approval", "not requested", "requested", day(3))
    audit(snow, "change_request", "c", "approval", "requested", "approved", day(6))
    record(snow, "sysapproval_approver", "x", sysapproval="c", approver="u", state="approved", sys_updated_on=day(2))
    audit(snow, "sysapproval_approver", "x", "state", "requested", "approved", day(6, 1))
    assert snow.rows("change")["c"]["approved_at"] == day(6)
    approval = snow.rows("approval")["x"]
    assert (approval["record_id"], approval["entity"]) == ("snow:change:c", "change")
    assert (approval["state"], approval["requested_at"], approval["decided_at"]) == ("approved", day(1), day(6, 1))


def test_without_a_history_of_the_change_the_last_decision_counts_when_it_is_approved(snow: Stage) -> None:
    for key, approval in (("c", "approved"), ("d", "requested")):
        record(snow, "change_request", key, approval=approval)
        for number in (1, 2):
            record(snow, "sysapproval_approver", f"{key}{number}", sysapproval=key, state="approved")
            audit(snow, "sysapproval_approver", f"{key}{number}", "state", "requested", "approved", day(3 + number))
    assert {key: row["approved_at"] for key, row in snow.rows("change").items()} == {"c": day(5), "d": None}


def test_a_decision_without_history_has_no_time(snow: Stage) -> None:
    record(snow, "change_request", "c", approval="approved")
    record(snow, "sysapproval_approver", "x", sysapproval="c", state="approved")
    record(snow, "sysapproval_approver", "y", document_id="gone", source_table="change_request", state="not_required")
    found = snow.rows("approval")
    assert found["x"]["decided_at"] is None and snow.rows("change")["c"]["approved_at"] is None
    assert (found["y"]["record_id"], found["y"]["state"]) == ("snow:change:gone", "not_required")


def test_a_standard_change_is_preapproved_by_its_model_alone(snow: Stage) -> None:
    record(snow, "change_request", "model", type="standard", std_change_producer_version="v")
    record(snow, "change_request", "none", type="standard")
    found = {key: row["is_preapproved"] for key, row in snow.rows("change").items()}
    assert found == {"model": True, "none": False}


def test_a_review_is_dated_by_its_history(snow: Stage) -> None:
    record(snow, "change_request", "c", review_comments="Went well.", review_date=day(9).date())
    audit(snow, "change_request", "c", "review_comments", None, "Went well.", day(8, 10))
    record(snow, "change_request", "d", review_comments="Went well.", review_date=day(9).date())
    found = snow.rows("change")
    assert found["c"]["reviewed_at"] == day(8, 10)
    assert found["d"]["reviewed_at"] == datetime(2026, 10, 9, 23, 59, 59, tzinfo=UTC), "the end of that day"


# --- history ---------------------------------------------------------------------------------------------------------


def test_state_and_incident_state_audited_together_count_once(snow: Stage) -> None:
    choose(snow, "incident", "state", _1="New", _8="Awaiting Vendor")
    record(snow, "incident", "both", state="8")
    for field in ("state", "incident_state"):
        audit(snow, "incident", "both", field, "1", "8", day(2))
    record(snow, "incident", "old", state="8")
    audit(snow, "incident", "old", "incident_state", "1", "8", day(2))
    found = sorted((row["record_id"], row["to_value"]) for row in snow.rows("status_change").values())
    assert found == [("snow:incident:both", "on_hold"), ("snow:incident:old", "on_hold")]


def test_the_history_names_fields_people_and_teams(snow: Stage) -> None:
    snow.add("sys_user", "u1", sys_id="u1", user_name="ann", name="Ann", active=True)
    record(snow, "sys_user_group", "g1", name="Desk")
    choose(snow, "task", "approval", _approved="Approved")
    record(snow, "change_request", "c")
    for field, old, new in (
        ("assignment_group", None, "g1"),
        ("assigned_to", "u1", "gone"),
        ("start_date", None, "2026-10-09 10:00:00"),
        ("approval", "strange", "approved"),
        ("risk_impact_analysis", None, "low"),
    ):
        audit(snow, "change_request", "c", field, old, new, day(2))
    found = {row["field"]: row for row in snow.rows("status_change").values()}
    assert set(found) == {"team", "assignee", "planned_start", "approval", "risk_impact_analysis"}
    assert found["team"]["original_to"] == "Desk"
    assert (found["assignee"]["original_from"], found["assignee"]["original_to"]) == ("Ann", "gone")
    assert (found["approval"]["from_value"], found["approval"]["to_value"]) == ("unknown", "approved")
    assert (found["team"]["from_value"], found["team"]["to_value"]) == (None, None)
    assert found["team"]["changed_by"] == "snow:person:u1"


def test_the_history_of_a_record_that_is_gone_is_left_out(snow: Stage) -> None:
    audit(snow, "incident", "gone", "state", "1", "2", day(2))
    assert snow.rows("status_change") == {}


# --- service levels --------------------------------------------------------------------------------------------------


def test_a_clock_is_breached_by_flag_by_stop_or_by_running_past_its_time(snow: Stage) -> None:
    record(snow, "incident", "i")
    snow.add("contract_sla", "s", sys_id="s", name="P1 resolution", type="SLA", target="resolution", duration=14400)
    clocks = {
        "met": ("completed", False, day(2), day(2)),
        "flagged": ("completed", True, day(2), day(2)),
        "late": ("completed", False, day(3), day(2)),
        "overdue": ("in_progress", False, None, day(30)),
        "running": ("in_progress", False, None, datetime(2026, 11, 2, tzinfo=UTC)),
        "paused": ("paused", False, None, day(30)),
        "dropped": ("cancelled", False, day(2), day(3)),
        "odd": ("resting", False, None, day(30)),
    }
    for key, (stage, has_breached, end, planned) in clocks.items():
        times = {"start_time": day(1), "end_time": end, "planned_end_time": planned}
        record(snow, "task_sla", key, task="i", sla="s", stage=stage, has_breached=has_breached, **times)
    found = snow.rows("sla_instance")
    assert {key for key, row in found.items() if row["is_breached"]} == {"flagged", "late", "overdue"}
    assert (found["paused"]["state"], found["dropped"]["state"], found["odd"]["state"]) == (
        "paused",
        "cancelled",
        "unknown",
    )
    row = found["met"]
    assert (row["record_id"], row["entity"], row["sla_definition_id"]) == (
        "snow:incident:i",
        "incident",
        "snow:sla_definition:s",
    )
    assert (row["type"], row["target"], row["target_seconds"]) == ("sla", "resolution", 14400)


def test_a_clock_on_a_task_that_is_not_read_is_kept(snow: Stage) -> None:
    record(snow, "task_sla", "t", task="request", sla="gone", stage="completed")
    row = snow.rows("sla_instance")["t"]
    assert (row["record_id"], row["entity"], row["type"]) == ("snow:task:request", "task", "unknown")


@pytest.mark.parametrize(
    ("word", "type_"),
    [("SLA", "sla"), ("OLA", "ola"), ("Underpinning contract", "underpinning_contract"), ("X", "unknown")],
)
def test_kinds_of_agreement(snow: Stage, word: str, type_: str) -> None:
    snow.add("contract_sla", "s", sys_id="s", name="n", type=word, collection="change_request")
    row = snow.rows("sla_definition")["s"]
    assert (row["type"], row["original_type"], row["entity"]) == (type_, word, "change")


# --- configuration and links -----------------------------------------------------------------------------------------


def test_items_services_and_relations(snow: Stage) -> None:
    choose(snow, "cmdb_ci", "operational_status", _1="Operational", _2="On fire")
    record(snow, "cmdb_ci", "ci", name="srv", install_status="7", sys_class_name="cmdb_ci_server", support_group="g")
    record(snow, "cmdb_ci_service", "s", name="Mail", operational_status="1", busines_criticality="1 - most critical")
    record(snow, "cmdb_ci_service", "t", name="Fax", operational_status="2")
    snow.add("cmdb_rel_ci", "r", sys_id="r", parent="s", child="ci", type="Depends on")
    item = snow.rows("configuration_item")["ci"]
    assert (item["status"], item["original_status"], item["team_id"]) == ("retired", "7", "snow:team:g")
    services = snow.rows("service")
    assert {key: row["state"] for key, row in services.items()} == {"s": "operational", "t": "unknown"}
    assert services["t"]["original_state"] == "On fire" and services["s"]["criticality"] == "1 - most critical"
    relation = snow.rows("ci_relationship")["r"]
    assert (relation["parent_id"], relation["child_id"]) == ("snow:configuration_item:s", "snow:configuration_item:ci")


def test_links_read_from_the_record_that_refers_and_affected_items_count_once(snow: Stage) -> None:
    record(snow, "incident", "i", problem_id="p", rfc="c", caused_by="d", parent_incident="j", cmdb_ci="ci")
    record(snow, "problem", "p", rfc="c", duplicate_of="q", cmdb_ci="ci")
    record(snow, "change_request", "c", cmdb_ci="ci")
    for item in ("ci", "other"):
        record(snow, "task_ci", f"tc-{item}", task="c", ci_item=item, sys_created_on=day(4))
    audit(snow, "incident", "i", "caused_by", None, "d", day(7))
    audit(snow, "incident", "i", "problem_id", "q", "p", day(6))
    found = snow.rows("record_link")
    assert {(row["from_id"], row["type"], row["to_id"]) for row in found.values()} == {
        ("snow:incident:i", "has_problem", "snow:problem:p"),
        ("snow:incident:i", "resolved_by", "snow:change:c"),
        ("snow:incident:i", "caused_by", "snow:change:d"),
        ("snow:incident:i", "child_of", "snow:incident:j"),
        ("snow:incident:i", "affects", "snow:configuration_item:ci"),
        ("snow:problem:p", "resolved_by", "snow:change:c"),
        ("snow:problem:p", "duplicate_of", "snow:problem:q"),
        ("snow:problem:p", "affects", "snow:configuration_item:ci"),
        ("snow:change:c", "affects", "snow:configuration_item:ci"),
        ("snow:change:c", "affects", "snow:configuration_item:other"),
    }
    assert len(found) == 10
    made = {
        (row["type"], row["to_id"]): row["created_at"] for row in found.values() if row["from_id"] == "snow:incident:i"
    }
    assert made["caused_by", "snow:change:d"] == day(7) and made["has_problem", "snow:problem:p"] == day(6)
    assert made["resolved_by", "snow:change:c"] is None, "there from the start: the history tells no time"
    assert found["c/affects/ci"]["evidence_id"] == "task_ci/tc-ci@1"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_carried_as_it_is(snow: Stage, text: str) -> None:
    snow.add("sys_user", "u", sys_id="u", user_name=text, name=text)
    record(snow, "cmdb_ci_service", "s", name=text)
    record(snow, "incident", "i", short_description=text, state=text, priority=text, business_service="s")
    audit(snow, "incident", "i", "state", text, "1", day(2))
    snow.add("sys_choice", "x", name=text, element=text, value=text, label=text)
    row = snow.rows("incident")["i"]
    assert (row["title"], row["original_state"], row["service"]) == (text, text, text)
    assert (row["state"], row["priority"]) == ("unknown", "unknown")
    assert [moved["original_from"] for moved in snow.rows("status_change").values()] == [text]
    assert snow.rows("person")["u"]["name"] == text


def test_an_empty_source_gives_no_rows(snow: Stage) -> None:
    assert set(snow.every().values()) == {0}
