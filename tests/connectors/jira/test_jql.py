"""The simulated site's query language: what it means by a time, and that it refuses what it does not understand.

A literal is a minute of the account's own clock. Readers that took it for UTC lost issues (airbyte#48492 and others).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.jira.simulator.jql import JqlError, Names, parse
from connectors.jira.simulator.site import Issue

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
VALUES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "project": {"10001": ("10001",), "ops": ("10001",), "10002": ("10002",), "hr": ("10002",)},
    "issue": {"1": ("1",), "ops-1": ("1",), "2": ("2",), "ops-2": ("2",), "3": ("3",), "hr-1": ("3",)},
    "status": {"open": ("10", "11"), "closed": ("12",)},
    "issuetype": {"[system] incident": ("20",), "20": ("20",)},
    "statusCategory": {"done": ("done",), "to do": ("new",)},
}
NAMES = Names(AMSTERDAM, VALUES)


def issue(id_: int, key: str, created: str, resolved: str | None = None, **fields: Any) -> Issue:
    project = "10001" if key.startswith("OPS") else "10002"
    category = "done" if resolved else "new"
    known = {
        "created": created,
        "updated": fields.pop("updated", created),
        "resolutiondate": resolved,
        "project": {"id": project},
        "issuetype": {"id": "20"},
        "status": {"id": "12" if resolved else "10", "statusCategory": {"key": category}},
    }
    return Issue(str(id_), key, known | fields)


ISSUES = [
    issue(1, "OPS-1", "2026-01-05T10:00:00.000+0100", "2026-01-06T10:00:00.000+0100"),
    issue(2, "OPS-2", "2026-01-05T10:00:59.999+0100"),
    issue(3, "HR-1", "2026-01-05T10:01:00.000+0100", updated="2026-07-01T08:00:00.000+0200"),
]


def ids(jql: str, names: Names = NAMES) -> list[str]:
    return [found.id for found in parse(jql).select(ISSUES, names)]


@pytest.mark.parametrize(
    ("jql", "expected"),
    [
        ("project = OPS order by id", ["1", "2"]),
        ("PROJECT IN (ops, 'HR') ORDER BY Id DESC", ["3", "2", "1"]),
        ("project not in (10001)", ["3"]),
        ("project != HR AND id != 1", ["2"]),
        ("key in (OPS-2, hr-1) ORDER BY key", ["3", "2"]),
        ("issuekey = OPS-2", ["2"]),
        ("id in (1,3) order by created desc", ["3", "1"]),
        ("statusCategory != Done ORDER BY key ASC", ["3", "2"]),
        ('status in ("open") order by id asc', ["2", "3"]),
        ("type = '[System] Incident' and resolved is not empty", ["1"]),
        ("resolved is EMPTY order by id", ["2", "3"]),
        ("not (project = HR or id = 1)", ["2"]),
        ("id = 1 or id = 2 and project = HR", ["1"]),
        ("(id = 1 or id = 2) and project = HR", []),
        ("id=1 OR id=3 ORDER BY updated DESC, key", ["3", "1"]),
    ],
)
def test_conditions_and_orders(jql: str, expected: list[str]) -> None:
    assert ids(jql) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ('created >= "2026-01-05 10:00"', ["1", "2", "3"]),
        ('created > "2026-01-05 10:00"', ["2", "3"]),
        ('created <= "2026/01/05 10:00"', ["1"]),
        ('created < "2026-01-05 10:01"', ["1", "2"]),
        ('created >= "2026-01-05 10:01"', ["3"]),
        ("created >= 2026-01-06", []),
        ("created < 2026-01-06", ["1", "2", "3"]),
        ("created >= 1767603660000", ["3"]),
        ('updated >= "2026-07-01 08:00"', ["3"]),
        ('updated > "2026-07-01 08:00"', []),
        ('resolved >= "2026-01-06 10:00"', ["1"]),
        ('resolved < "2027-01-01"', ["1"]),
    ],
)
def test_a_time_is_the_start_of_a_minute_on_the_clock_of_the_account(condition: str, expected: list[str]) -> None:
    assert sorted(ids(condition)) == expected


def test_the_same_literal_means_another_instant_in_another_zone() -> None:
    literal = 'created >= "2026-01-05 10:01"'
    assert sorted(ids(literal, Names(ZoneInfo("UTC"), VALUES))) == []
    assert sorted(ids(literal, Names(ZoneInfo("Asia/Tokyo"), VALUES))) == ["1", "2", "3"]


def test_in_the_hour_that_comes_twice_the_later_one_is_meant() -> None:
    summer = issue(1, "OPS-1", "2026-10-25T02:30:00.000+0200")
    winter = issue(2, "OPS-2", "2026-10-25T02:30:00.000+0100")
    found = parse('created >= "2026-10-25 02:30"').select([summer, winter], NAMES)
    assert [one.id for one in found] == ["2"]


def test_in_the_hour_that_is_skipped_a_literal_moves_forward() -> None:
    before = issue(1, "OPS-1", "2026-03-29T01:59:00.000+0100")
    after = issue(2, "OPS-2", "2026-03-29T03:29:00.000+0200")
    later = issue(3, "HR-1", "2026-03-29T03:30:00.000+0200")
    found = parse('created >= "2026-03-29 02:30"').select([before, after, later], NAMES)
    assert [one.id for one in found] == ["3"]


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("assignee = currentUser()", "Field 'assignee' does not exist"),
        ("project = SALES", "The value 'SALES' does not exist for the field 'project'."),
        ("id in (1, 99)", "An issue with key '99' does not exist for field 'id'."),
        ("statusCategory = Doing", "The value 'Doing' does not exist"),
        ('updated >= "2026-01-05 10:00:00"', "Date value '2026-01-05 10:00:00' for field 'updated' is invalid"),
        ('updated >= "2026-01-05T10:00"', "Valid formats include"),
        ('updated >= "2026-02-30"', "is invalid"),
        ("project >= OPS", "The operator '>=' is not supported by the 'project' field."),
        ("project is empty", "The operator 'is' is not supported"),
        ("project", "Expecting operator before the end of the query."),
        ("project =", "Expecting a value before the end"),
        ("project in (OPS", "Expecting ')'"),
        ("project in OPS", "Expecting '('"),
        ("(project = OPS", "Expecting ')'"),
        ("project = OPS project = HR", "Expecting either 'OR' or 'AND' but got 'project'. (line 1, character 14)"),
        ("project = OPS and", "Expecting a field name"),
        ("cf[10001] = 1", "The character '[' is reserved."),
        ('project = "OPS', "The character '\"' is reserved."),
        ("project = OPS order by rank", "cannot be used for ordering"),
        ("project = OPS order by " + ", ".join(["id"] * 8), "maximum number of fields in the ORDER BY clause is 7"),
    ],
)
def test_what_is_not_understood_is_refused(jql: str, message: str) -> None:
    with pytest.raises(JqlError) as refusal:
        ids(jql)
    assert message in str(refusal.value)


def test_without_validation_an_unknown_value_matches_nothing() -> None:
    assert ids("id in (1, 99)", Names(AMSTERDAM, VALUES, is_strict=False)) == ["1"]


@pytest.mark.parametrize(("jql", "is_bounded"), [("", False), ("order by id", False), ("id = 1 order by id", True)])
def test_a_query_is_bounded_when_it_restricts(jql: str, is_bounded: bool) -> None:
    assert parse(jql).is_bounded is is_bounded


def test_without_an_order_the_newest_comes_first_and_no_two_share_a_place() -> None:
    query = parse("")
    assert [one.id for one in query.select(ISSUES, NAMES)] == ["3", "2", "1"]
    for jql in ("order by created", "order by resolved desc", "order by key"):
        assert len({parse(jql).rank(one) for one in ISSUES}) == 3


def test_quotes_and_escapes() -> None:
    assert ids(r'type = "[System\] Incident" and key = "OPS-1"') == ["1"]
    assert ids("key = 'ops-1'") == ["1"]
