"""Encoded queries as a ServiceNow instance reads them, compiled to predicates over rows of text.

``^`` joins conditions with AND, ``^OR`` binds to the condition right before it, ``^NQ`` starts another query whose rows
are added; ``ORDERBY`` and ``ORDERBYDESC`` stand among the conditions. A condition on a field that the table does not
have is dropped without a word, as the platform does by default: a query can so match far more than it says.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Row = Mapping[str, str]
Predicate = Callable[[Row], bool]

_FIELD_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.")
_OPERATORS = (
    "NOT IN",
    "NOT LIKE",
    "NSAMEAS",
    "SAMEAS",
    "IN",
    "LIKE",
    "STARTSWITH",
    "ENDSWITH",
    "ISEMPTY",
    "ISNOTEMPTY",
    "EMPTYSTRING",
    "ANYTHING",
    "BETWEEN",
    "!=",
    ">=",
    "<=",
    "=",
    ">",
    "<",
)
_SCRIPT = "javascript:"


class QueryError(ValueError):
    """A part of the query that can't be read. A real instance drops it; to refuse it finds the mistake sooner."""


class Condition(NamedTuple):
    """One comparison of a field with a literal."""

    field: str
    operator: str
    value: str


class Order(NamedTuple):
    """One field to sort by."""

    field: str
    is_descending: bool


Alternatives = list[Condition]
"""Conditions of which one must hold."""


@dataclass(slots=True)
class Query:
    """A row matches when all alternatives of one of the ``branches`` hold; ``dropped`` holds what was ignored."""

    branches: list[list[Alternatives]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    dropped: list[Condition] = field(default_factory=list)

    def required(self) -> list[Condition]:
        """Conditions that every matching row meets; an index can narrow the search by them."""
        if len(self.branches) != 1:
            return []
        return [alternatives[0] for alternatives in self.branches[0] if len(alternatives) == 1]

    def predicate(self, without: Container[Condition] = ()) -> Predicate | None:
        """The query as a function of a row, None when every row matches. Single conditions in ``without`` are known."""
        branches = [_all_of(branch, without) for branch in self.branches]
        if not branches or None in branches:
            return None
        tests = [test for test in branches if test is not None]
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def parse(
    text: str, columns: Container[str], variables: Mapping[str, str], literal: Callable[[str], str] = str
) -> Query:
    """Read an encoded query against a table's ``columns``.

    ``variables`` gives the value of each script that may stand for a literal (``gs.getUserID()``); ``literal`` what the
    instance makes of plain text. Raises QueryError on an unknown operator or script.
    """
    query = Query()
    branch: list[Alternatives] = []
    written: list[list[Alternatives]] = [branch]
    for token in text.split("^"):
        if token in ("", "EQ"):
            continue
        if token.startswith("ORDERBY"):
            order = _order(token)
            if order.field in columns:
                query.orders.append(order)
            continue
        is_new, token = token.startswith("NQ"), token.removeprefix("NQ")
        is_alternative, token = token.startswith("OR"), token.removeprefix("OR")
        condition = _condition(token, variables, literal)
        if is_new:
            branch = []
            written.append(branch)
        if is_alternative and branch:
            branch[-1].append(condition)
        else:
            branch.append([condition])
    for branch in written:
        query.branches.append(_known(branch, columns, query.dropped))
    return query


def _known(branch: list[Alternatives], columns: Container[str], dropped: list[Condition]) -> list[Alternatives]:
    """The conditions on fields that exist; the others go to ``dropped``."""
    kept = [[condition for condition in alternatives if condition.field in columns] for alternatives in branch]
    dropped.extend(c for alternatives in branch for c in alternatives if c.field not in columns)
    return [alternatives for alternatives in kept if alternatives]


def _order(token: str) -> Order:
    is_descending = token.startswith("ORDERBYDESC")
    return Order(token.removeprefix("ORDERBYDESC" if is_descending else "ORDERBY"), is_descending)


def _condition(token: str, variables: Mapping[str, str], literal: Callable[[str], str]) -> Condition:
    end = next((n for n, character in enumerate(token) if character not in _FIELD_CHARACTERS), len(token))
    name, rest = token[:end], token[end:]
    operator = next((operator for operator in _OPERATORS if rest.startswith(operator)), None)
    if not name or operator is None:
        raise QueryError(f"no field and operator in {token!r}")
    value = rest[len(operator) :]
    if value.startswith(_SCRIPT):
        script = value.removeprefix(_SCRIPT)
        if script not in variables:
            raise QueryError(f"script {script!r} is not known here")
        return Condition(name, operator, variables[script])
    if operator in ("SAMEAS", "NSAMEAS"):
        _prove_field(value, token)
        return Condition(name, operator, value)
    if operator == "BETWEEN":
        least, at, most = value.partition("@")
        if not at:
            raise QueryError(f"no two values in {token!r}")
        return Condition(name, operator, f"{literal(least)}@{literal(most)}")
    return Condition(name, operator, literal(value))


def _prove_field(name: str, token: str) -> None:
    if not name or set(name) - _FIELD_CHARACTERS:
        raise QueryError(f"no second field in {token!r}")


def _all_of(branch: list[Alternatives], without: Container[Condition]) -> Predicate | None:
    """One function for a branch, None when nothing is left to test."""
    tests = [
        _any_of(alternatives) for alternatives in branch if not (len(alternatives) == 1 and alternatives[0] in without)
    ]
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda row: first(row) and second(row)
    return lambda row: all(test(row) for test in tests)


def _any_of(alternatives: Alternatives) -> Predicate:
    tests = [compare(condition) for condition in alternatives]
    return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def compare(condition: Condition) -> Predicate:
    """One condition as a function of a row. An empty field is NULL: it is neither smaller nor greater than anything."""
    name, _, value = condition
    listed = frozenset(value.split(","))
    least, _, most = value.partition("@")
    tests: dict[str, Predicate] = {
        "=": lambda row: row.get(name, "") == value,
        "!=": lambda row: row.get(name, "") != value,
        "<": lambda row: "" < row.get(name, "") < value,
        "<=": lambda row: "" < row.get(name, "") <= value,
        ">": lambda row: row.get(name, "") > value,
        ">=": lambda row: row.get(name, "") >= value and row.get(name, "") != "",
        "IN": lambda row: row.get(name, "") in listed,
        "NOT IN": lambda row: row.get(name, "") not in listed,
        "LIKE": lambda row: value in row.get(name, ""),
        "NOT LIKE": lambda row: value not in row.get(name, ""),
        "STARTSWITH": lambda row: row.get(name, "").startswith(value),
        "ENDSWITH": lambda row: row.get(name, "").endswith(value),
        "BETWEEN": lambda row: row.get(name, "") != "" and least <= row.get(name, "") <= most,
        "SAMEAS": lambda row: row.get(name, "") == row.get(value, ""),
        "NSAMEAS": lambda row: row.get(name, "") != row.get(value, ""),
        "ANYTHING": lambda row: True,
        "EMPTYSTRING": lambda row: row.get(name, "") == "",
        "ISEMPTY": lambda row: row.get(name, "") == "",
        "ISNOTEMPTY": lambda row: row.get(name, "") != "",
    }
    return tests[condition.operator]
