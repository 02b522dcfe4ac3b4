"""The whole sample organisation as the tables of a stock instance.

Every field that the connector asks for exists, references lead to rows, stored words have labels, and the history of a
field leads to its present value. Tables of optional plugins are missing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from connectors.sample import AS_OF, generate
from connectors.servicenow.rendering import EMPTY, Row, rows
from connectors.servicenow.streams import OPTIONAL, STREAMS


@pytest.fixture(scope="module")
def tables() -> dict[str, list[Row]]:
    return rows(generate(), AS_OF)


def test_the_tables_are_those_of_a_stock_instance(tables: dict[str, list[Row]]) -> None:
    assert set(tables) == {stream.name for stream in STREAMS} - set(OPTIONAL)
    assert {name for name, found in tables.items() if not found} == set(EMPTY)


def test_every_field_that_the_connector_asks_for_exists(tables: dict[str, list[Row]]) -> None:
    for stream in STREAMS:
        if stream.name in OPTIONAL:
            continue
        asked = {column.path for column in stream.columns.values()}
        for row in tables[stream.name]:
            assert not asked - set(row), stream.name


def test_every_row_is_text_under_a_key_of_its_own(tables: dict[str, list[Row]]) -> None:
    for table, found in tables.items():
        assert len({row["sys_id"] for row in found}) == len(found), table
        for row in found:
            assert re.fullmatch("[0-9a-f]{32}", row["sys_id"])
            assert all(type(value) is str for value in row.values())
    assert all(set(row) == set(found[0]) for found in tables.values() for row in found)


REFERENCES = {
    "incident": "caller_id:sys_user assigned_to:sys_user assignment_group:sys_user_group problem_id:problem "
    "rfc:change_request caused_by:change_request parent_incident:incident cmdb_ci:cmdb_ci "
    "business_service:cmdb_ci_service company:core_company opened_by:sys_user resolved_by:sys_user",
    "problem": "rfc:change_request cmdb_ci:cmdb_ci business_service:cmdb_ci_service assigned_to:sys_user",
    "change_request": "requested_by:sys_user assigned_to:sys_user cmdb_ci:cmdb_ci business_service:cmdb_ci",
    "change_task": "change_request:change_request assigned_to:sys_user",
    "sysapproval_approver": "sysapproval:change_request approver:sys_user",
    "task_sla": "task:incident sla:contract_sla",
    "task_ci": "ci_item:cmdb_ci",
    "cmdb_rel_ci": "parent:cmdb_ci child:cmdb_ci",
    "cmdb_ci_service": "owned_by:sys_user support_group:sys_user_group sys_id:cmdb_ci",
    "cmdb_ci_outage": "cmdb_ci:cmdb_ci task_number:incident",
    "sys_user_group": "manager:sys_user",
    "asmt_assessment_instance": "metric_type:asmt_metric_type user:sys_user trigger_id:incident",
    "asmt_metric": "metric_type:asmt_metric_type",
    "asmt_metric_result": "instance:asmt_assessment_instance metric:asmt_metric user:sys_user",
    "kb_knowledge": "source:problem author:sys_user",
}


@pytest.mark.parametrize("table", REFERENCES)
def test_references_lead_to_rows(tables: dict[str, list[Row]], table: str) -> None:
    for pair in REFERENCES[table].split():
        name, target = pair.split(":")
        known = {row["sys_id"] for row in tables[target]}
        values = {row[name] for row in tables[table]} - {""}
        assert values, pair
        assert not values - known, pair


def test_every_stored_word_has_a_label(tables: dict[str, list[Row]]) -> None:
    labels = {(row["name"], row["element"], row["value"]) for row in tables["sys_choice"]}
    lists = {(row["name"], row["element"]) for row in tables["sys_choice"]}
    for name, element in lists:
        inheriting = [t for t in ("incident", "problem", "change_request", "change_task") if (t, element) not in lists]
        for table in inheriting if name == "task" else (name,):
            for row in tables[table]:
                assert not row[element] or (name, element, row[element]) in labels


def test_nothing_is_dated_after_the_moment() -> None:
    moment = datetime(2026, 3, 15, 12, tzinfo=UTC)
    for table, found in rows(generate(), moment).items():
        for row in found:
            assert row["sys_created_on"] <= row.get("sys_updated_on", "9999"), table
            assert row.get("sys_updated_on", row["sys_created_on"]) <= "2026-03-15 12:00:00", table


def test_history_and_rows_agree(tables: dict[str, list[Row]]) -> None:
    """Undoing the audit of a field from the present back gives an unbroken chain."""
    current = {row["sys_id"]: row["state"] for table in ("incident", "change_request") for row in tables[table]}
    newest_first = sorted(
        (row for row in tables["sys_audit"] if row["fieldname"] == "state"),
        key=lambda row: row["sys_created_on"],
        reverse=True,
    )
    for row in newest_first:
        if row["documentkey"] in current:
            assert current[row["documentkey"]] == row["newvalue"]
            current[row["documentkey"]] = row["oldvalue"]
    assert set(current.values()) == {"1", "-5"}
