"""The part of Jira's query language that readers of a site need; everything else is refused as invalid.

A time is a minute on the clock of the account's own time zone (no zone can be written), or epoch milliseconds. In the
hour that comes twice in autumn a literal means the later one, in the hour that is skipped in spring it moves forward:
the readings of Java's calendar, and for ``>=`` those that lose issues.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from operator import ge, gt, le, lt
from typing import NamedTuple

from connectors.jira.simulator.site import Issue

Test = Callable[[Issue], bool]

_TOKEN = re.compile(
    r"""\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<symbol>!=|>=|<=|[=<>(),])"""
    r"""|(?P<word>-?[\w-]+))"""
)
_MOST_ORDERS = 7
_MINUTE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: (\d{1,2}):(\d{2}))?")
_EPOCH = re.compile(r"-?\d+")
_TIMES = {"created": "created", "updated": "updated", "resolved": "resolved", "resolutiondate": "resolved"}
_NAMES = {
    "project": "project",
    "id": "issue",
    "issue": "issue",
    "key": "issue",
    "issuekey": "issue",
    "issuetype": "issuetype",
    "type": "issuetype",
    "status": "status",
    "statuscategory": "statusCategory",
}
_ORDERS = {"created", "updated", "resolved", "id", "key", "issuekey"}
_COMPARISONS: Mapping[str, Callable[[datetime, datetime], bool]] = {">=": ge, ">": gt, "<=": le, "<": lt}
CATEGORIES = {
    "to do": "new",
    "in progress": "indeterminate",
    "done": "done",
    "2": "new",
    "4": "indeterminate",
    "3": "done",
}


class JqlError(Exception):
    """A query that the site refuses, with the message that it gives."""


class _Token(NamedTuple):
    text: str
    is_quoted: bool
    place: int


@dataclass(frozen=True, slots=True)
class Names:
    """What a query may name: for each field the values (lower case: ids, keys, names) and the ids they stand for.

    Without ``is_strict`` an unknown value matches nothing; otherwise it makes the query invalid.
    """

    zone: tzinfo
    values: Mapping[str, Mapping[str, Sequence[str]]]
    is_strict: bool = True

    def ids(self, field: str, value: str, written: str) -> Sequence[str]:
        """The ids that a value stands for. Raises JqlError for an unknown one."""
        found = self.values.get(field, {}).get(value.casefold())
        if found is None and self.is_strict:
            if field == "issue":
                raise JqlError(f"An issue with key '{value}' does not exist for field '{written}'.")
            raise JqlError(f"The value '{value}' does not exist for the field '{written}'.")
        return found or ()


@dataclass(frozen=True, slots=True)
class Clause:
    """One restriction. ``values`` is empty for ``is empty``."""

    field: str
    operator: str
    values: tuple[str, ...]

    def test(self, names: Names) -> Test:
        """The restriction as a function of an issue. Raises JqlError for values that do not exist or are no times."""
        name = self.field.casefold()
        if name in _TIMES:
            return self._time_test(_TIMES[name], names.zone)
        wanted = {id_ for value in self.values for id_ in names.ids(_NAMES[name], value, self.field)}
        is_negated = self.operator in ("!=", "not in")
        pick = _PICKS[_NAMES[name]]
        return lambda issue: (pick(issue) in wanted) != is_negated

    def _time_test(self, attribute: str, zone: tzinfo) -> Test:
        if self.operator in ("is", "is not"):
            is_empty = self.operator == "is"
            return lambda issue: (getattr(issue, attribute) is None) == is_empty
        limits = [_instant(self.field, value, zone) for value in self.values]
        if self.operator in ("in", "="):
            return lambda issue: getattr(issue, attribute) in limits
        if self.operator in ("not in", "!="):
            return lambda issue: getattr(issue, attribute) not in (None, *limits)
        compare, limit = _COMPARISONS[self.operator], limits[0]
        return lambda issue: getattr(issue, attribute) is not None and compare(getattr(issue, attribute), limit)


@dataclass(frozen=True, slots=True)
class Group:
    """Several conditions together: ``and``, ``or``, or ``not`` with one part."""

    kind: str
    parts: tuple[Clause | Group, ...]

    def test(self, names: Names) -> Test:
        """All parts as one function of an issue."""
        tests = [part.test(names) for part in self.parts]
        if self.kind == "not":
            return lambda issue: not tests[0](issue)
        if self.kind == "and":
            return lambda issue: all(test(issue) for test in tests)
        return lambda issue: any(test(issue) for test in tests)


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. ``orders`` are fields, each with whether it falls."""

    condition: Clause | Group | None
    orders: tuple[tuple[str, bool], ...]

    @property
    def is_bounded(self) -> bool:
        """Whether it restricts anything; Cloud refuses a query that does not."""
        return self.condition is not None

    def select(self, issues: Sequence[Issue], names: Names) -> list[Issue]:
        """The issues that match, in order. Raises JqlError for values that do not exist."""
        if self.condition is None:
            return sorted(issues, key=self.rank)
        test = self.condition.test(names)
        return sorted((issue for issue in issues if test(issue)), key=self.rank)

    def rank(self, issue: Issue) -> tuple[tuple[str, int] | int, ...]:
        """Where an issue stands in the order; no two issues stand in one place. Without an order: newest first."""
        orders = self.orders or (("created", True),)
        return (*(_place(issue, name, falls) for name, falls in orders), -int(issue.id))


def parse(text: str) -> Query:
    """Read a query. Raises JqlError for anything that is not in the subset."""
    reader = _Reader(list(_tokens(text)))
    condition = None if reader.is_next("order") or reader.is_end() else reader.condition()
    orders = reader.orders()
    if not reader.is_end():
        raise reader.error("Expecting either 'OR' or 'AND'")
    return Query(condition, orders)


def _tokens(text: str) -> Iterator[_Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            sign = text[place:].lstrip()[:1]
            raise JqlError(
                f"Error in the JQL Query: The character '{sign}' is reserved. (line 1, character {place + 1})"
            )
        quoted = found["double"] if found["double"] is not None else found["single"]
        plain = found["symbol"] or found["word"] or ""
        yield _Token(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted), quoted is not None, place)
        place = found.end()


class _Reader:
    """Reads tokens from the left."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def is_end(self) -> bool:
        return self._at >= len(self._tokens)

    def is_next(self, *words: str) -> bool:
        """Whether the next tokens are these words or signs, in any case."""
        ahead = self._tokens[self._at : self._at + len(words)]
        return [("" if token.is_quoted else token.text.casefold()) for token in ahead] == list(words)

    def take(self, *words: str) -> bool:
        """Step over these words or signs, if they are next."""
        if not self.is_next(*words):
            return False
        self._at += len(words)
        return True

    def error(self, expected: str) -> JqlError:
        """What is wrong at this place."""
        if self.is_end():
            return JqlError(f"Error in the JQL Query: {expected} before the end of the query.")
        token = self._tokens[self._at]
        got = f"but got '{token.text}'. (line 1, character {token.place + 1})"
        return JqlError(f"Error in the JQL Query: {expected} {got}")

    def condition(self) -> Clause | Group:
        return self._joined("or", lambda: self._joined("and", self._operand))

    def _joined(self, word: str, part: Callable[[], Clause | Group]) -> Clause | Group:
        parts = [part()]
        while self.take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Group(word, tuple(parts))

    def _operand(self) -> Clause | Group:
        if self.take("not"):
            return Group("not", (self._operand(),))
        if self.take("("):
            inner = self.condition()
            if not self.take(")"):
                raise self.error("Expecting ')'")
            return inner
        return self._clause()

    def _clause(self) -> Clause:
        field = self._value("Expecting a field name")
        name = field.casefold()
        if name not in _TIMES and name not in _NAMES:
            raise JqlError(f"Field '{field}' does not exist or you do not have permission to view it.")
        operator = self._operator(field)
        if operator in ("is", "is not"):
            if not (self.take("empty") or self.take("null")):
                raise self.error("Expecting EMPTY")
            return Clause(field, operator, ())
        if operator not in ("in", "not in"):
            return Clause(field, operator, (self._value("Expecting a value"),))
        return Clause(field, operator, tuple(self._list()))

    def _operator(self, field: str) -> str:
        is_time, known = field.casefold() in _TIMES, ("=", "!=", ">=", ">", "<=", "<")
        for words in (("not", "in"), ("is", "not"), ("in",), ("is",), *((sign,) for sign in known)):
            if self.take(*words):
                operator = " ".join(words)
                if (operator in _COMPARISONS or words[0] == "is") and not is_time:
                    raise JqlError(f"The operator '{operator}' is not supported by the '{field}' field.")
                return operator
        raise self.error("Expecting operator")

    def _list(self) -> Iterator[str]:
        if not self.take("("):
            raise self.error("Expecting '('")
        yield self._value("Expecting a value")
        while self.take(","):
            yield self._value("Expecting a value")
        if not self.take(")"):
            raise self.error("Expecting ')'")

    def _value(self, expected: str) -> str:
        if self.is_end() or (not self._tokens[self._at].is_quoted and self._tokens[self._at].text in "(),!=>=<="):
            raise self.error(expected)
        self._at += 1
        return self._tokens[self._at - 1].text

    def orders(self) -> tuple[tuple[str, bool], ...]:
        if not self.take("order", "by"):
            return ()
        found = [self._order()]
        while self.take(","):
            found.append(self._order())
        if len(found) > _MOST_ORDERS:
            raise JqlError(f"The maximum number of fields in the ORDER BY clause is {_MOST_ORDERS}.")
        return tuple(found)

    def _order(self) -> tuple[str, bool]:
        name = self._value("Expecting a field name")
        if name.casefold() not in _ORDERS:
            raise JqlError(f"Field '{name}' does not exist or this field cannot be used for ordering.")
        return name.casefold(), self.take("desc") or (self.take("asc"), False)[1]


def _instant(field: str, text: str, zone: tzinfo) -> datetime:
    """The instant that a literal means: the start of a minute."""
    if _EPOCH.fullmatch(text):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))
    found = _MINUTE.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        local = datetime(*(int(part or 0) for part in found.groups()), tzinfo=zone)  # type: ignore[misc,arg-type]
    except ValueError:
        raise JqlError(
            f"Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm',"
            " 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd' and 'yyyy-MM-dd'."
        ) from None
    return max(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def _place(issue: Issue, name: str, falls: bool) -> tuple[str, int] | int:
    """What an issue is ordered by. An issue without the time comes last, as the highest; keys go by project first."""
    if name in ("key", "issuekey"):
        number = -issue.number if falls else issue.number
        return ("".join(chr(0x10FFFF - ord(sign)) for sign in issue.project) if falls else issue.project, number)
    if name == "id":
        number = int(issue.id)
    else:
        moment = getattr(issue, name)
        number = 2**62 if moment is None else round(moment.timestamp() * 1_000_000)
    return -number if falls else number


def _category(issue: Issue) -> str:
    return str(issue.fields["status"]["statusCategory"]["key"])


_PICKS: Mapping[str, Callable[[Issue], str]] = {
    "project": lambda issue: str(issue.fields["project"]["id"]),
    "issue": lambda issue: issue.id,
    "issuetype": lambda issue: str(issue.fields["issuetype"]["id"]),
    "status": lambda issue: str(issue.fields["status"]["id"]),
    "statusCategory": _category,
}
