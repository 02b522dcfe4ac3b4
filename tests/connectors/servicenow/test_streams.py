"""The list of tables: what each stream needs to be found again, and what an instance's tables share.

A wrong name here is no error of any request (the Table API ignores it), so the parts are held against each other: the
stamp against the volatile fields, the words against the SQL that asks for labels, the scope against an instance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from pydantic import SecretStr

import connectors.servicenow
from connectors import Reading
from connectors.servicenow.instance import ServiceNow
from connectors.servicenow.rendering.values import sys_id
from connectors.servicenow.settings import Settings
from connectors.servicenow.simulator import Simulator
from connectors.servicenow.streams import AUDIT_FIELDS, AUDITED, OPTIONAL, ROLE, SCOPE, STAMP, STREAMS, role, roles

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
SECRETS = {"username": SecretStr("evidence"), "password": SecretStr("demo-only")}
BY_NAME = {stream.name: stream for stream in STREAMS}
SAMPLES = {"integer": "3", "double": "2.5", "boolean": "true", "utc": "2026-10-01 08:00:00", "date": "2026-10-01"}
TASKS = (
    "incident problem problem_task change_request change_task sc_request sc_req_item sc_task rm_release rm_task"
    " sn_customerservice_case sn_complaint_case sn_si_incident sysapproval_group"
)


def row(stream: str, number: int) -> dict[str, str]:
    """A row with every field that is asked for."""
    columns = BY_NAME[stream].columns.items()
    return {name: SAMPLES.get(column.kind, "x") for name, column in columns} | {"sys_id": sys_id(stream, number)}


# ------------------------------------------------------------------ the parts fit


def test_names_are_unique_and_history_comes_last() -> None:
    assert len(BY_NAME) == len(STREAMS)
    for place, stream in enumerate(STREAMS):
        assert set(stream.follows) <= {earlier.name for earlier in STREAMS[:place]}, stream.name


def test_what_is_named_beside_the_streams_is_a_stream() -> None:
    for names in (OPTIONAL, STAMP, SCOPE, ROLE, AUDITED):
        assert not set(names) - set(BY_NAME)


def test_every_counted_stream_can_be_swept() -> None:
    for stream in STREAMS:
        assert {"sys_id", "sys_created_on"} <= set(stream.columns), stream.name
        if stream.is_counted:
            assert {"sys_updated_on", "sys_mod_count"} <= set(stream.columns), stream.name


def test_a_stamp_has_nothing_that_moves_with_the_clock() -> None:
    assert set(STAMP) == {stream.name for stream in STREAMS if stream.volatile}
    for name, fields in STAMP.items():
        assert set(fields) <= set(BY_NAME[name].columns)
        assert not set(fields) & set(BY_NAME[name].volatile)


@pytest.mark.parametrize("name", TASKS.split())
def test_every_kind_of_task_has_what_tasks_share(name: str) -> None:
    shared = {"number", "state", "approval", "assigned_to", "assignment_group", "opened_at", "closed_at", "cmdb_ci"}
    assert shared <= set(BY_NAME[name].columns)


def test_the_history_of_every_kind_of_task_is_read() -> None:
    assert set(TASKS.split()) - {"sysapproval_group"} | {"sysapproval_approver"} == set(AUDITED)
    for name in AUDITED:
        assert set(AUDIT_FIELDS) & set(BY_NAME[name].columns), name


def test_every_table_has_a_role() -> None:
    assert [table for table, _ in roles()] == list(BY_NAME)
    assert all(text == role(table) and text for table, text in roles())
    assert role("sn_si_incident") == "sn_si.read"
    assert role("task_ci") == "itil"


# ------------------------------------------------------------------ the words of the instance


def test_the_words_of_every_table_are_read() -> None:
    (named,) = re.findall(r"^nameIN([a-z_,]+)$", SCOPE["sys_choice"])
    assert set(named.split(",")) == {"task", *BY_NAME}


def test_every_list_of_words_that_the_sql_asks_for_is_read() -> None:
    folder = Path(str(connectors.servicenow.__file__)).parent / "stage"
    sql = (folder / "meaning.sql").read_text(encoding="utf-8")
    lists = re.findall(r"^ +\('(\w+)', '\w+', '[\w.]+', '(\w+)', '(\w+)', \d\)", sql, re.MULTILINE)
    assert len(lists) > 30
    for table, list_table, element in lists:
        assert {table, list_table} <= {"task", *BY_NAME}
        assert list_table == "task" or element in BY_NAME[list_table].columns


# ------------------------------------------------------------------ against an instance


def test_deletions_are_found_under_the_class_of_the_record() -> None:
    """The log has the deletion of a server under the server's class, never under cmdb_ci."""
    wanted = ("incident", "task_sla", "cmdb_ci", "cmdb_ci_linux_server", "alm_hardware", "sysapproval_approver")
    others = ("sys_user_has_role", "sys_email", "x_acme_note", "sys_choice")
    log = [row("sys_audit_delete", n) | {"tablename": name} for n, name in enumerate((*wanted, *others))]
    with Simulator({"sys_audit_delete": log}, now=NOW) as simulator:
        answer = requests.get(
            f"{simulator.url}/api/now/table/sys_audit_delete",
            params={"sysparm_query": SCOPE["sys_audit_delete"], "sysparm_limit": "100"},
            auth=("evidence", "demo-only"),
            timeout=5,
        )
    assert {found["tablename"] for found in answer.json()["result"]} == set(wanted)


@pytest.fixture
def instance() -> Iterator[Simulator]:
    """An instance that has every table, with two rows in each."""
    tables = {name: [row(name, n) for n in range(2)] for name in BY_NAME}
    for name in ("sys_choice", "sys_audit_delete"):
        column = "name" if name == "sys_choice" else "tablename"
        tables[name] = [one | {column: "incident"} for one in tables[name]]
    with Simulator(tables, now=NOW) as simulator:
        yield simulator


def opened(simulator: Simulator, **settings: object) -> ServiceNow:
    values = {"connector": "servicenow", "url": simulator.url} | settings
    connector = ServiceNow("snow", Settings.model_validate(values), SECRETS)
    connector.open()
    return connector


def test_optional_tables_are_left_alone_unless_named(instance: Simulator) -> None:
    for name in OPTIONAL:
        instance.absent(name)
    connector = opened(instance)
    names = {stream.name for stream in connector.streams()}
    connector.close()
    assert names == set(BY_NAME) - set(OPTIONAL)


def test_every_table_that_is_named_is_read(instance: Simulator) -> None:
    connector = opened(instance, also=list(OPTIONAL))
    assert [stream.name for stream in connector.streams()] == list(BY_NAME)
    for stream in connector.streams():
        if stream.follows or stream.name == "sys_user":
            continue
        reading = Reading("full")
        found = [key for page in connector.read(stream, reading, []) for key in page.keys]
        assert sorted(found) == sorted(sys_id(stream.name, n) for n in range(2)), stream.name
        assert reading.source_count == 2
    asked = [request for request in instance.log if "sysparm_query" in request.params]
    connector.close()
    assert len(asked) > len(OPTIONAL)
