"""Encoded queries mean what the platform makes of them: what binds to what, what is dropped, and which values are NULL.

Each query runs with the indexes of a table and once more row by row: both must find the same.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.servicenow.simulator.encoded_query import QueryError, parse
from connectors.servicenow.simulator.tables import Table

SCRIPTS = {"gs.getUserID()": "5"}


def row(n: int) -> dict[str, str]:
    """Incident number ``n``, updated ``n`` minutes after midnight."""
    return {
        "sys_id": f"{n:032x}",
        "number": f"INC{n:07}",
        "priority": str(1 + n % 4),
        "caller_id": "",
        "short_description": f"Ticket {n}",
        "sys_updated_on": f"2026-10-31 00:{n:02}:00",
    }


TABLE = Table(row(n) for n in range(10))


def numbers(text: str) -> list[int]:
    """The incidents that a query finds, by what is left of their number."""
    return [int(found["number"][3:]) for found in TABLE.select(parse(text, TABLE.columns, SCRIPTS))]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("number=INC0000003", [3]),
        ("priority!=1^number<INC0000004", [1, 2, 3]),
        ("sys_updated_on>2026-10-31 00:03:00^sys_updated_on<=2026-10-31 00:05:00", [4, 5]),
        ("sys_updated_on>=2026-10-31 00:08:00", [8, 9]),
        ("sys_updated_on=2026-10-31 00:07:00^sys_id>" + f"{6:032x}", [7]),
        ("numberININC0000001,INC0000009", [1, 9]),
        ("priorityNOT IN1,2,3", [3, 7]),
        ("short_descriptionLIKEcket 4", [4]),
        ("short_descriptionNOT LIKEicket", []),
        ("numberENDSWITH8", [8]),
        ("numberSTARTSWITHINC", list(range(10))),
        ("caller_idISNOTEMPTY", []),
        ("caller_idISEMPTY^number>INC0000008", [9]),
        ("caller_id<z", []),
        ("sys_updated_onBETWEEN2026-10-31 00:03:00@2026-10-31 00:05:00", [3, 4, 5]),
        ("caller_idEMPTYSTRING^numberANYTHING^number<INC0000002", [0, 1]),
        ("numberSAMEASnumber^number<INC0000002", [0, 1]),
        ("numberSAMEASshort_description", []),
        ("numberNSAMEASshort_description^number>INC0000008", [9]),
        ("", list(range(10))),
        ("^number=INC0000003^EQ", [3]),
    ],
)
def test_operators(query: str, expected: list[int]) -> None:
    assert numbers(f"{query}^ORDERBYnumber") == expected


def test_several_orders_and_a_descending_one() -> None:
    assert numbers("ORDERBYpriority^ORDERBYDESCnumber") == [8, 4, 0, 9, 5, 1, 6, 2, 7, 3]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("number<INC0000004^priority=1^ORpriority=2", [0, 1]),
        ("priority=1^ORpriority=2^number<INC0000004", [0, 1]),
        ("priority=1^ORpriority=2^ORpriority=3^number>=INC0000006^ORnumber=INC0000000", [0, 6, 8, 9]),
        ("priority=1^number<INC0000004^NQnumber=INC0000009", [0, 9]),
        ("priority=1^number<INC0000004^NQnumber=INC0000009^ORnumber=INC0000007", [0, 7, 9]),
    ],
)
def test_an_alternative_binds_to_the_condition_before_it(query: str, expected: list[int]) -> None:
    assert numbers(f"{query}^ORDERBYnumber") == expected


def test_conditions_on_unknown_fields_are_dropped_and_listed() -> None:
    query = parse("number=INC0000003^ORno_such_field=1^nor_this>2^ORDERBYnor_that", TABLE.columns, SCRIPTS)
    assert [row["number"] for row in TABLE.select(query)] == ["INC0000003"]
    assert [condition.field for condition in query.dropped] == ["no_such_field", "nor_this"]
    assert query.orders == []


def test_a_script_stands_for_its_value() -> None:
    assert numbers("short_descriptionLIKEjavascript:gs.getUserID()") == [5]


@pytest.mark.parametrize(
    "query",
    ["number~1", "=5", "sys_updated_on>javascript:gs.daysAgo(1)", "numberBETWEEN1", "numberSAMEAS", "numberSAMEASa-b"],
)
def test_what_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse(query, TABLE.columns, SCRIPTS)


CONDITIONS = st.one_of(
    st.builds("priority{}{}".format, st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "IN"]), st.integers(0, 5)),
    st.builds(
        "sys_updated_on{}2026-10-31 00:{:02}:00".format,
        st.sampled_from(["<", "<=", ">", ">=", "="]),
        st.integers(0, 11),
    ),
    st.builds("sys_id{}{:032x}".format, st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, 11)),
    st.sampled_from(["caller_idISEMPTY", "caller_id>", "caller_id<=x", "caller_id=", "priorityIN1,3,3"]),
)
ORDERS = st.sampled_from(["ORDERBYsys_id", "ORDERBYsys_updated_on^ORDERBYsys_id", "ORDERBYDESCsys_id"])


@given(st.lists(st.tuples(st.sampled_from(["^", "^OR", "^NQ"]), CONDITIONS), max_size=4), ORDERS)
def test_the_indexes_find_what_a_scan_finds(parts: list[tuple[str, str]], order: str) -> None:
    text = "".join(joint + condition for joint, condition in parts).lstrip("^").removeprefix("OR").removeprefix("NQ")
    query = parse(f"{text}^{order}", TABLE.columns, SCRIPTS)
    test = query.predicate()
    scanned = [row["sys_id"] for row in TABLE.rows.values() if test is None or test(row)]
    found = [row["sys_id"] for row in TABLE.select(query)]
    assert sorted(found) == scanned
    assert found == sorted(found, reverse="DESC" in order)
