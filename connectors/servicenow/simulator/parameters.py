"""The parameters of a Table or Aggregate API request. An instance ignores what it does not know; here it is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, cast

from connectors.loopback import Answer
from connectors.servicenow.simulator.display import Mode
from connectors.servicenow.simulator.faults import problem

_KNOWN = frozenset(
    {
        "sysparm_query",
        "sysparm_limit",
        "sysparm_offset",
        "sysparm_fields",
        "sysparm_display_value",
        "sysparm_exclude_reference_link",
        "sysparm_no_count",
        "sysparm_suppress_pagination_header",
        "sysparm_view",
        "sysparm_count",
    }
)


class RefusedError(Exception):
    """A request that is answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Parameters:
    """A request's parameters, with the platform's defaults for those that are not sent."""

    query: str
    limit: int
    offset: int
    fields: tuple[str, ...]
    mode: Mode
    has_links: bool
    has_total: bool
    has_pagination: bool
    is_count: bool

    @classmethod
    def read(cls, pairs: Sequence[tuple[str, str]], page_cap: int) -> Self:
        """Read the pairs of a query string. Raises RefusedError (400) on anything unknown, doubled or malformed."""
        given = dict(pairs)
        unknown = sorted(set(given) - _KNOWN)
        if unknown or len(given) != len(pairs):
            raise _invalid(", ".join(unknown) or "a parameter is given twice")
        mode = given.get("sysparm_display_value", "false").lower()
        if mode not in ("false", "true", "all"):
            raise _invalid("sysparm_display_value")
        return cls(
            query=given.get("sysparm_query", ""),
            limit=min(_whole(given, "sysparm_limit", page_cap, 1), page_cap),
            offset=_whole(given, "sysparm_offset", 0, 0),
            fields=tuple(name for name in given.get("sysparm_fields", "").split(",") if name),
            mode=cast(Mode, mode),
            has_links=not _flag(given, "sysparm_exclude_reference_link"),
            has_total=not _flag(given, "sysparm_no_count"),
            has_pagination=not _flag(given, "sysparm_suppress_pagination_header"),
            is_count=_flag(given, "sysparm_count"),
        )


def _whole(given: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or int(text) < least:
        raise _invalid(name)
    return int(text)


def _flag(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "false").lower()
    if text not in ("true", "false"):
        raise _invalid(name)
    return text == "true"


def _invalid(detail: str) -> RefusedError:
    return RefusedError(problem(400, "Invalid parameter", detail))
