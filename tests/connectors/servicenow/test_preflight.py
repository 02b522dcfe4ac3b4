"""What is proved of a table before it is believed, and the one line that names the cause when it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from connectors import Finding, Reading
from connectors.http import Forbidden, Inconsistent, ServerFailed
from connectors.loopback import Answer
from connectors.servicenow import Settings
from connectors.servicenow.instance import ServiceNow
from connectors.servicenow.preflight import filter_fields
from connectors.servicenow.simulator import Request, Simulator
from connectors.servicenow.simulator.faults import Fault, forbidden, unauthenticated
from tests.connectors.servicenow.instances import (
    BY_NAME,
    COMPANY,
    NOW,
    SECRETS,
    Refusing,
    Rewriting,
    companies,
    key,
    keys,
    opened,
    row,
)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({"core_company": companies(30)}, now=NOW) as running:
        yield running


@pytest.fixture
def rewriting() -> Iterator[Rewriting]:
    with Rewriting({"core_company": companies(30)}, now=NOW) as running:
        yield running


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    with Refusing({"core_company": companies(30)}, now=NOW) as running:
        yield running


def read(simulator: Simulator, **settings: object) -> list[str]:
    with opened(simulator, **settings) as connector:
        return keys(connector.read(COMPANY, Reading("full"), []))


def findings(
    simulator: Simulator, clock: datetime = NOW, secrets: dict[str, SecretStr] = SECRETS, **values: object
) -> dict[str, Finding]:
    given = {"connector": "servicenow", "url": simulator.url, "patience": {"attempts": 1}} | values
    connector = ServiceNow("snow", Settings.model_validate(given), secrets, lambda: clock)
    found = list(connector.check())
    assert all("\n" not in finding.message and "demo-only" not in finding.message for finding in found)
    return {finding.subject: finding for finding in found}


def company(simulator: Simulator, **values: object) -> str:
    """What check says of the one table, which it must find wanting."""
    finding = findings(simulator, **values)["core_company"]  # type: ignore[arg-type]
    assert not finding.is_ok
    return finding.message


def test_it_costs_five_requests_a_table_and_nothing_the_second_time(simulator: Simulator) -> None:
    simulator.put("incident", [])
    with opened(simulator) as connector:
        before = len(simulator.log)
        connector._prove(COMPANY, Reading("full"))
        assert len(simulator.log) - before == 5
        connector._prove(COMPANY, Reading("full"))
        connector._prove(BY_NAME["incident"], Reading("full"))
        assert len(simulator.log) - before == 6, "one for a table that is empty"
    assert all(int(request.params["sysparm_limit"]) <= 10 for request in simulator.log)


# ------------------------------------------------------------------ fields


def test_fields_that_no_row_has_are_remembered_and_told(simulator: Simulator) -> None:
    simulator.withhold("core_company", "name")
    reading = Reading("full")
    with opened(simulator) as connector:
        assert len(keys(connector.read(COMPANY, reading, []))) == 30
        assert "name" in connector._preflight.proofs["core_company"].not_shown
    found = findings(simulator)["core_company"]
    assert found.is_ok
    assert "fields not shown: customer, manufacturer, name" in found.message


@pytest.mark.fault(
    "servicenow",
    "F23",
    "From one night on, a field that comparing needs is missing from the rows (field ACL)",
    "The stream ends incomplete and names the field; nothing is taken for changed.",
)
@pytest.mark.parametrize("name", ["sys_updated_on", "sys_mod_count"])
def test_a_field_that_paging_or_comparing_needs_is_named(simulator: Simulator, name: str) -> None:
    assert len(read(simulator)) == 30
    simulator.withhold("core_company", name)
    with pytest.raises(Forbidden, match=f"core_company: {name} is not shown to this account.*role itil"):
        read(simulator)
    assert f"allow reading core_company.{name}" in company(simulator)


def test_a_stream_with_a_stamp_of_its_own_needs_no_count_of_changes(simulator: Simulator) -> None:
    simulator.put("task_sla", [row(1, NOW - timedelta(days=1), stage="paused")])
    simulator.withhold("task_sla", "sys_mod_count")
    with opened(simulator) as connector:
        assert keys(connector.read(BY_NAME["task_sla"], Reading("full"), [])) == [key(1)]


def test_the_fields_of_a_filter_are_found() -> None:
    text = "active=true^ORnameISEMPTY^nameINtask,incident^assignment_group.nameSTARTSWITHsla=x^123TEXTQUERY321=y"
    assert filter_fields(text) == ["active", "name", "assignment_group.name"]
    assert filter_fields("") == []


@pytest.mark.fault(
    "servicenow",
    "F22",
    "An unknown field in the configured filter: the instance drops the condition, or matches nothing",
    "The stream ends incomplete and names the field.",
)
@pytest.mark.parametrize("returns_no_rows", [False, True])
def test_a_filter_that_the_instance_does_not_understand_is_refused(
    simulator: Simulator, *, returns_no_rows: bool
) -> None:
    simulator.invalid_query_returns_no_rows = returns_no_rows
    with pytest.raises(Inconsistent, match="the filter asks for vendr"):
        read(simulator, query={"core_company": "vendr=true"})
    simulator.put("core_company", [row(99, NOW - timedelta(days=2), vendor="true")])
    assert read(simulator, query={"core_company": "vendor=true"}) == [key(99)]
    assert read(simulator, query={"core_company": "vendor=nothing"}) == []


# -------------------------------------------------------------- conditions


@pytest.mark.fault(
    "servicenow",
    "F22",
    "A condition on the time or on the sys_id is ignored: all rows come, page by page the same",
    "Noticed by asking for what can't be; the stream ends incomplete.",
)
@pytest.mark.parametrize("name", ["sys_updated_on", "sys_id"])
def test_conditions_that_are_ignored_are_noticed(rewriting: Rewriting, name: str) -> None:
    rewriting.rewrite = lambda query: "^".join(
        part for part in query.split("^") if "javascript" in part or not part.startswith(name)
    )
    with pytest.raises(Inconsistent, match="the instance ignores our query"):
        read(rewriting)
    assert "the instance ignores our query" in company(rewriting)


@pytest.mark.fault(
    "servicenow",
    "F21",
    "403 for ranges and for an order, not for plain queries (query_range ACL)",
    "The stream ends incomplete; the ACL and what to grant are named.",
)
@pytest.mark.parametrize("what", [">", "ORDERBY"])
def test_ranges_that_are_refused_are_told_from_a_missing_role(refusing: Refusing, what: str) -> None:
    refusing.refuse = lambda path, query: forbidden() if what in query and "company" in path else None
    with pytest.raises(Forbidden, match=r"may be read, but not by ranges.*query_range"):
        read(refusing)
    assert "query_range" in company(refusing)
    refusing.refuse = lambda path, query: forbidden() if "company" in path else None
    said = company(refusing)
    assert "Insufficient rights" in said
    assert "query_range" not in said


@pytest.mark.fault(
    "servicenow",
    "F21",
    "Ranges match no row although rows are there (query_range ACL)",
    "The stream ends incomplete with both counts; nothing is taken for deleted.",
)
def test_ranges_that_find_nothing_are_noticed(rewriting: Rewriting) -> None:
    rewriting.rewrite = lambda query: f"name=none^{query}" if ">" in query else query
    with pytest.raises(Forbidden, match=r"30 records, but 0 of them when asked for by sys_updated_on.*query_range"):
        read(rewriting)
    assert "query_range" in company(rewriting)


def test_rows_without_a_time_are_found_by_the_sweep_and_counted(simulator: Simulator) -> None:
    """Imports with the automatic fields switched off leave such rows; no window over a time can find them."""
    timeless = {"sys_updated_on": "", "sys_created_on": ""}
    simulator.put("core_company", [row(n, NOW) | timeless for n in (40, 41)])
    reading = Reading("full")
    with opened(simulator) as connector:
        assert key(40) not in keys(connector.read(COMPANY, reading, []))
        assert {key(40), key(41)} <= set(keys(connector.census(COMPANY, reading)))
        pages = list(connector.fetch(COMPANY, [key(40), key(41)], reading))
    assert (reading.source_count, pages[0].updated) == (32, [None, None])
    found = findings(simulator)["core_company"]
    assert found.is_ok
    assert "2 records without a time of update" in found.message


def test_rows_that_come_and_go_meanwhile_prove_nothing(simulator: Simulator) -> None:
    """An insert, an update and a deletion ahead of every request, of the very rows that are looked at."""
    turn = iter(range(1000, 2000))

    def write(request: Request) -> None:
        if request.path.endswith("core_company"):
            n = next(turn)
            simulator.put("core_company", [row(n, NOW), row(n % 30, NOW + timedelta(seconds=n))])
            if n % 2:
                simulator.remove("core_company", key(n))

    simulator.before = write
    assert read(simulator)


def test_a_row_that_breaks_its_page_stops_no_proof(simulator: Simulator) -> None:
    first = min(key(n) for n in range(30))
    simulator.poison("core_company", first, "name")
    reading = Reading("full")
    with opened(simulator) as connector:
        assert len(keys(connector.read(COMPANY, reading, []))) == 29
    assert [gap.key for gap in reading.gaps] == [first]


# -------------------------------------------------------------------- time


@pytest.mark.fault(
    "servicenow",
    "F26",
    "The instance reads the times of a query in the account's own zone",
    "Noticed by asking for a row by its own time; the stream ends incomplete and names the zone.",
)
def test_times_read_in_another_zone_are_noticed(rewriting: Rewriting) -> None:
    def shift(match: re.Match[str]) -> str:
        return f"{datetime.fromisoformat(match[0]) - timedelta(hours=2):%Y-%m-%d %H:%M:%S}"

    rewriting.rewrite = lambda query: re.sub(r"20[0-9]{2}-[-0-9]{5} [:0-9]{8}", shift, query)
    with opened(rewriting) as connector:
        me = connector.client.page("sys_user", "user_name=evidence^ORDERBYsys_id", ["sys_id"], 1).rows[0].sys_id
    user = {"sys_id": me, "user_name": "evidence", "time_zone": "Europe/Zurich"}
    rewriting.put("sys_user", [row(0, NOW) | user])
    with pytest.raises(Inconsistent, match=r"another zone.*Europe/Zurich.*set the time zone of the account to GMT"):
        read(rewriting)
    assert "Europe/Zurich" in company(rewriting)


@pytest.mark.fault(
    "servicenow",
    "F28",
    "The instance's clock and this machine's differ",
    "Windows go by the instance's clock; check tells of more than five minutes.",
)
def test_clocks_that_differ_are_told(simulator: Simulator) -> None:
    assert "clock" not in findings(simulator, NOW + timedelta(minutes=4))
    told = findings(simulator, NOW - timedelta(minutes=6))["clock"]
    assert told.is_ok
    assert "2026-11-01 02:30:00 UTC and this machine's 2026-11-01 02:24:00" in told.message


# ------------------------------------------------------------------- check


def log_in(simulator: Simulator, **values: object) -> str:
    finding = findings(simulator, **values)["log-in"]  # type: ignore[arg-type]
    assert not finding.is_ok
    return finding.message


def test_check_tells_a_wrong_password(simulator: Simulator) -> None:
    assert "401" in log_in(simulator, secrets=SECRETS | {"password": SecretStr("no")})


@pytest.mark.fault(
    "servicenow",
    "F33",
    "401 with X-MFA_TOKEN: the account must give a second factor",
    "One line says so, and what to change at the account.",
)
def test_check_tells_that_a_second_factor_is_asked_for(refusing: Refusing) -> None:
    refused = unauthenticated()
    asked = Answer(refused.status, {**refused.headers, "X-MFA_TOKEN": "asdf"}, refused.body)
    refusing.refuse = lambda path, query: asked
    assert "second factor" in log_in(refusing)


@pytest.mark.fault(
    "servicenow",
    "F19",
    "200 with a page of HTML: the instance hibernates",
    "Said in one line; no page is halved over it.",
)
def test_check_tells_that_an_instance_hibernates(simulator: Simulator) -> None:
    simulator.fail(Fault.HIBERNATING, times=99)
    assert "is hibernating: wake it up" in log_in(simulator)
    assert len(simulator.log) == 1


@pytest.mark.fault(
    "servicenow",
    "F19",
    "302 to the log-in page",
    "Not followed; the run says in one line where it leads.",
)
def test_check_tells_a_redirect_to_the_log_in(simulator: Simulator) -> None:
    simulator.fail(Fault.LOGIN_PAGE, times=99)
    assert "a log-in page?" in log_in(simulator)


@pytest.mark.parametrize(("title", "says"), [("Hibernating Instance", "hibernating"), ("Maintenance", "text/html")])
def test_a_page_of_html_halves_no_pages(refusing: Refusing, title: str, says: str) -> None:
    html = Answer(200, {"Content-Type": "text/html"}, f"<html><h1>{title}</h1></html>".encode())
    refusing.refuse = lambda path, query: html if len(refusing.log) >= 6 else None
    with pytest.raises(ServerFailed, match=says):
        read(refusing)
    assert refusing.refused == 1, "asking for less does not help"


def test_check_tells_what_to_do_about_a_table(simulator: Simulator) -> None:
    simulator.forbid("incident")
    simulator.put("problem", [])
    simulator.put("conflict", [row(1, NOW)])
    found = findings(simulator, also=["rm_release"])
    assert "role itil (or sn_incident_read)" in found["incident"].message
    assert found["problem"].is_ok
    assert "name change_request under skip" in found["change_request"].message
    assert "take rm_release out of also" in found["rm_release"].message
    assert found["conflict"].message == "exists here and is not read; name it under also to read it"
    assert found["conflict"].count == 1
    assert "rm_task" not in found, "no line for what is neither here nor asked for"
    assert "conflict" not in findings(simulator, skip=["conflict"])


@pytest.mark.parametrize("name", ["sys_audit", "sys_audit_delete"])
def test_check_tells_that_the_audit_is_not_readable(simulator: Simulator, name: str) -> None:
    simulator.put(name, [])
    simulator.forbid(name)
    found = findings(simulator)[name]
    assert not found.is_ok
    assert f"a read ACL on {name}" in found.message


def test_check_uses_the_instances_clock_for_windows(simulator: Simulator) -> None:
    assert findings(simulator, datetime(2001, 1, 1, tzinfo=UTC))["core_company"].count == 30
