"""Why a record is gone: who deleted it and when, archived, another class, outside the filter, or merely not shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from connectors import Absence, Reading, Stream
from connectors.http import SourceError
from connectors.servicenow.absences import root_of
from connectors.servicenow.simulator import Simulator
from connectors.servicenow.simulator.faults import Fault
from tests.connectors.servicenow.instances import BY_NAME, NOW, Rewriting, key, keys, opened, row

INCIDENT, SERVICE, COMPANY = BY_NAME["incident"], BY_NAME["cmdb_ci_service"], BY_NAME["core_company"]
OLD = NOW - timedelta(days=3)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """An instance with an incident, and an audit and a log of deletions that are empty."""
    tables = {"incident": [row(1, OLD)], "sys_audit": [audited(90, key(1), "state")], "sys_audit_delete": [logged(91)]}
    with Simulator(tables, now=NOW) as running:
        yield running


def audited(
    number: int, document: str, name: str, at: int = 0, user: str = "jo", table: str = "incident"
) -> dict[str, str]:
    values = {"tablename": table, "fieldname": name, "documentkey": document, "user": user}
    return row(number, OLD + timedelta(hours=at), record_checkpoint=str(number), **values)


def logged(number: int, document: str = "", at: int = 0) -> dict[str, str]:
    when = OLD + timedelta(hours=at)
    return row(number, when, tablename="incident", documentkey=document, sys_created_by="sam")


def explain(
    simulator: Simulator, wanted: Sequence[str], stream: Stream = INCIDENT, **settings: object
) -> dict[str, Absence]:
    with opened(simulator, **settings) as connector:
        reading = Reading("incremental")
        before = len(simulator.log)
        found = dict(connector.explain(stream, wanted, reading))
        assert reading.requests == len(simulator.log) - before
    assert set(found) == set(wanted)
    return found


def one(simulator: Simulator, stream: Stream = INCIDENT, number: int = 7, **settings: object) -> Absence:
    return explain(simulator, [key(number)], stream, **settings)[key(number)]


@pytest.mark.fault(
    "servicenow",
    "F24",
    "A hard delete that sys_audit tells of (DELETED)",
    "Buried as `deleted`, with who and when.",
)
def test_a_deletion_in_the_audit(simulator: Simulator) -> None:
    simulator.put("sys_audit", [audited(10, key(7), "DELETED")])
    assert one(simulator) == Absence("deleted", "deleted by jo at 2026-10-29 02:30:00 UTC, by sys_audit")


@pytest.mark.fault(
    "servicenow",
    "F24",
    "A hard delete that only sys_audit_delete tells of",
    "Buried as `deleted`, with who and when.",
)
def test_a_deletion_in_the_log_of_deletions(simulator: Simulator) -> None:
    simulator.put("sys_audit_delete", [logged(10, key(7), 2)])
    assert one(simulator) == Absence("deleted", "deleted by sam at 2026-10-29 04:30:00 UTC, by sys_audit_delete")


@pytest.mark.fault(
    "servicenow",
    "F24",
    "A delete that nothing tells of (table cleaner), or a right taken away",
    "Buried as `not_visible`: the record may still be there, and that is said.",
)
def test_what_nothing_tells_of_is_not_visible(simulator: Simulator) -> None:
    assert one(simulator) == Absence("not_visible", "no longer shown, and nothing tells of a deletion")


def test_a_deletion_is_filed_under_the_records_own_class(simulator: Simulator) -> None:
    """A server that was read as a configuration item is deleted as a server."""
    simulator.put("sys_audit", [audited(10, key(7), "DELETED", table="cmdb_ci_linux_server")])
    assert one(simulator, BY_NAME["cmdb_ci"]).kind == "deleted"


def test_the_last_word_counts(simulator: Simulator) -> None:
    """Deleted and recovered, and then gone again without a word; deleted, recovered and deleted."""
    words = [audited(10, key(7), "DELETED", 1), audited(11, key(7), "RECOVERED", 2)]
    simulator.put("sys_audit", [*words, audited(12, key(8), "DELETED", 1), audited(13, key(8), "RECOVERED", 2)])
    simulator.put("sys_audit", [audited(14, key(8), "DELETED", 3, "kim")])
    simulator.put("sys_audit_delete", [logged(15, key(7), 1)])
    found = explain(simulator, [key(7), key(8)])
    assert found[key(7)].kind == "not_visible"
    assert found[key(8)].reason == "deleted by kim at 2026-10-29 05:30:00 UTC, by sys_audit"


def test_words_of_one_second_are_ordered_by_their_checkpoint(simulator: Simulator) -> None:
    simulator.put("sys_audit", [audited(10, key(7), "RECOVERED"), audited(11, key(7), "DELETED")])
    simulator.put("sys_audit", [audited(13, key(8), "RECOVERED"), audited(12, key(8), "DELETED")])
    found = explain(simulator, [key(7), key(8)])
    assert (found[key(7)].kind, found[key(8)].kind) == ("deleted", "not_visible")


@pytest.mark.fault(
    "servicenow",
    "F24",
    "A record is archived: it moves to ar_<table>, and no deletion is written or one that is none",
    "Buried as `archived`.",
)
def test_an_archived_record_is_not_deleted(simulator: Simulator) -> None:
    simulator.put("ar_incident", [row(7, OLD, sys_archived="2026-10-30 01:00:00"), row(8, OLD)])
    simulator.put("sys_audit", [audited(10, key(7), "DELETED")])
    found = explain(simulator, [key(7), key(8)])
    assert found[key(7)] == Absence("archived", "moved to ar_incident at 2026-10-30 01:00:00 UTC")
    assert found[key(8)] == Absence("archived", "moved to ar_incident at an unknown time")


@pytest.mark.fault(
    "servicenow",
    "F31",
    "A configuration item changes its class: it leaves one table and stands in another",
    "Buried there as `reclassified`, with the new class; in the base table it is a new version.",
)
def test_a_record_in_another_class_is_reclassified(simulator: Simulator) -> None:
    simulator.put("cmdb_ci_service", [row(1, OLD, sys_class_name="cmdb_ci_service")])
    simulator.put("cmdb_ci", [row(n, OLD, sys_class_name="cmdb_ci_service") for n in (1, 7)])
    base = BY_NAME["cmdb_ci"]
    with opened(simulator) as connector:
        list(connector.read(base, Reading("full"), []))
    simulator.put("cmdb_ci", [row(7, NOW - timedelta(hours=1), OLD, sys_class_name="cmdb_ci_appl", sys_mod_count="1")])
    with opened(simulator) as connector:
        reading = Reading("incremental", "2026-11-01 01:00:00")
        assert keys(connector.read(base, reading, [])) == [key(7)]
        assert keys(connector.census(SERVICE, Reading("full"))) == [key(1)]
    assert one(simulator, SERVICE) == Absence("reclassified", "now a cmdb_ci_appl, by cmdb_ci.sys_class_name")


def test_a_task_that_became_another_kind_of_task(simulator: Simulator) -> None:
    simulator.put("task", [row(7, OLD, sys_class_name="sc_task"), row(8, OLD, sys_class_name="incident")])
    found = explain(simulator, [key(7), key(8)])
    assert found[key(7)] == Absence("reclassified", "now a sc_task, by task.sys_class_name")
    assert found[key(8)].kind == "not_visible"


def test_what_the_filter_lets_through_no_more_is_still_there(simulator: Simulator) -> None:
    simulator.put("incident", [row(7, OLD, active="false"), row(1, OLD, active="true")])
    absence = one(simulator, query={"incident": "active=true"})
    assert absence == Absence("moved", "still in incident, and outside the filter of this source")


@pytest.mark.parametrize("table", ["sys_audit", "sys_audit_delete", "ar_incident", "task"])
def test_what_could_not_be_asked_is_said_and_fails_nothing(simulator: Simulator, table: str) -> None:
    simulator.put(table, [])
    simulator.forbid(table)
    found = explain(simulator, [key(n) for n in range(7, 150)], concurrency=1)
    assert {absence.kind for absence in found.values()} == {"not_visible"}
    assert all(absence.reason.endswith(f"could not be asked: {table} (not readable)") for absence in found.values())
    assert sum(request.path.endswith(f"/{table}") for request in simulator.log) == 1, "asked once in a run"


def test_one_of_the_two_logs_is_enough(simulator: Simulator) -> None:
    simulator.put("sys_audit_delete", [logged(10, key(7))])
    simulator.forbid("sys_audit")
    assert one(simulator).kind == "deleted"


def test_tables_that_are_not_there_are_not_missed(simulator: Simulator) -> None:
    simulator.absent("sys_audit_delete")
    assert one(simulator) == Absence("not_visible", "no longer shown, and nothing tells of a deletion")


def test_an_audit_that_ignores_the_query_tells_nothing() -> None:
    """Any deletion would be taken for that of any record."""
    tables = {"sys_audit": [audited(10, key(99), "DELETED")], "incident": [row(1, OLD)]}
    with Rewriting(tables, now=NOW) as simulator:
        simulator.rewrite = lambda query: "^".join(part for part in query.split("^") if "documentkey" not in part)
        absence = one(simulator)
    assert absence.kind == "not_visible"
    assert "sys_audit (ignores the query)" in absence.reason


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.CANCELLED, Fault.UNAUTHENTICATED])
def test_any_other_trouble_ends_the_stream(simulator: Simulator, fault: Fault) -> None:
    """No record is buried as not visible because a question failed."""
    simulator.fail(fault, table="sys_audit", times=10_000)
    with pytest.raises(SourceError):
        one(simulator)


def test_many_records_are_asked_for_in_batches(simulator: Simulator) -> None:
    gone = [key(n) for n in range(1000, 1350)]
    simulator.put("sys_audit", [audited(5000 + n, each, "DELETED") for n, each in enumerate(gone[:300])])
    found = explain(simulator, gone, concurrency=4)
    assert [found[each].kind for each in gone] == ["deleted"] * 300 + ["not_visible"] * 50


def test_the_base_table_of_each_kind_of_stream() -> None:
    roots = {name: root_of(stream) for name, stream in BY_NAME.items()}
    assert (roots["incident"], roots["change_task"], roots["service_offering"]) == ("task", "task", "cmdb_ci")
    assert (roots["cmdb_ci"], roots["core_company"], roots["contract_sla"]) == ("cmdb_ci", None, None)
    assert (roots["task_sla"], roots["cmdb_rel_ci"], roots["cmdb_ci_outage"]) == (None, None, None)


def test_a_stream_that_stands_alone_is_asked_for_in_three_tables(simulator: Simulator) -> None:
    one(simulator, COMPANY)
    asked = [request.path.rpartition("/")[2] for request in simulator.log]
    assert asked == ["sys_user", "ar_core_company", "sys_audit", "sys_audit_delete"]
