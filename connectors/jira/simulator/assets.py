"""Assets as Cloud and Data Center serve it, as far as readers use it, with the faults that real workspaces had.

Keys sort as text here (``ITSM-10`` before ``ITSM-2``), so that a new object may come in the midst of a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from connectors.jira.simulator.arguments import Arguments, refused
from connectors.jira.simulator.call import Call
from connectors.jira.simulator.faults import answer, problem
from connectors.jira.simulator.site import Document
from connectors.loopback import Answer

_IDS = r"\(\s*\d+(?:\s*,\s*\d+)*\s*\)"
_CONDITION = re.compile(rf"(objectSchemaId|objectId)\s+in\s+({_IDS})", re.IGNORECASE)
_ORDER = re.compile(r"\s+order\s+by\s+(Key|Name)(?:\s+(asc|desc))?\s*$", re.IGNORECASE)
_CAPPED = 1000


class Trap(Enum):
    """What workspaces were seen to do. A site's ``traps`` are those that are on."""

    IS_LAST_TOO_EARLY = auto()
    """``isLast`` is true for pages of 1000 objects and more, whatever remains."""
    IS_LAST_AS_TEXT = auto()
    TOTAL_CAPPED = auto()
    """``total`` says 1000 where there are more."""
    TOTAL_OFF = auto()
    """``total`` is that of the page."""
    NO_COUNT = auto()
    """There is no endpoint that counts."""
    OFFSET_IGNORED = auto()
    """Every page is the first."""


@dataclass(slots=True)
class Assets:
    """One request's view of a register: lists named workspace, schema, type, attribute and object."""

    register: Mapping[str, Sequence[Document]]
    traps: set[Trap]
    is_cloud: bool
    page_cap: int

    def answer(self, call: Call) -> Answer:
        """Answer a request. Raises RefusedError for one that is refused."""
        match self._route(call.path):
            case ["objectschema", "list"] if call.method == "GET":
                return self._schemas(call)
            case ["objectschema", id_, "objecttypes", "flat"] if call.method == "GET":
                return self._below(call, id_, self.register.get("type", []))
            case ["objectschema", id_, "attributes"] if call.method == "GET":
                return self._below(call, id_, self.register.get("attribute", []))
            case ["object", "aql"] if call.method == "POST" and self.is_cloud:
                return self._by_offset(call)
            case ["object", "aql", "totalcount"] if call.method == "POST" and self._counts:
                return answer({"totalCount": len(self._found(_arguments(call, "qlQuery").text("qlQuery") or ""))})
            case ["aql", "objects"] if call.method == "GET" and not self.is_cloud:
                return self._by_number(call)
        return problem(404, "null for uri: " + call.path)

    @property
    def _counts(self) -> bool:
        return self.is_cloud and Trap.NO_COUNT not in self.traps

    def _route(self, path: str) -> list[str]:
        if not self.is_cloud:
            return path.removeprefix("/rest/assets/1.0/").split("/")
        _, _, _, _, workspace, version, *rest = path.split("/")
        known = [one["workspaceId"] for one in self.register.get("workspace", [])]
        return rest if workspace in known and version == "v1" else []

    def _schemas(self, call: Call) -> Answer:
        found = self.register.get("schema", [])
        if not self.is_cloud:
            call.arguments()
            return answer({"objectschemas": found})
        arguments = call.arguments("startAt", "maxResults", "includeCounts")
        start, limit = arguments.whole("startAt", 0, 0), arguments.whole("maxResults", 25, 1)
        page = found[start : start + min(limit, self.page_cap)]
        counts = {"startAt": start, "maxResults": limit, "total": len(found)}
        return answer({**counts, "values": page, "isLast": start + len(page) >= len(found)})

    def _below(self, call: Call, schema: str, found: Sequence[Document]) -> Answer:
        call.arguments()
        if not any(str(one["id"]) == schema for one in self.register.get("schema", [])):
            return problem(404, "NotFoundInsightException: No object schema exists with the id")
        types = {one["id"] for one in self.register.get("type", []) if str(one["objectSchemaId"]) == schema}
        return answer([one for one in found if one.get("objectType", one)["id"] in types])

    def _by_offset(self, call: Call) -> Answer:
        arguments = _arguments(call, "qlQuery", "startAt", "maxResults", "includeAttributes")
        start, limit = arguments.whole("startAt", 0, 0), arguments.whole("maxResults", 25, 1)
        is_whole = arguments.flag("includeAttributes", default=True)
        found = self._found(arguments.text("qlQuery") or "")
        first = 0 if Trap.OFFSET_IGNORED in self.traps else start
        page = [self._shown(one, is_whole) for one in found[first : first + min(limit, self.page_cap)]]
        is_last: bool | str = start + len(page) >= len(found)
        if Trap.IS_LAST_TOO_EARLY in self.traps and limit >= _CAPPED:
            is_last = True
        if Trap.IS_LAST_AS_TEXT in self.traps:
            is_last = "true" if is_last else "false"
        total = len(found)
        if Trap.TOTAL_CAPPED in self.traps:
            total = min(total, _CAPPED)
        if Trap.TOTAL_OFF in self.traps:
            total = len(page)
        counts = {"startAt": start, "maxResults": limit, "total": total}
        return answer({**counts, "values": page, "objectTypeAttributes": [], "last": is_last, "isLast": is_last})

    def _by_number(self, call: Call) -> Answer:
        names = (
            "qlQuery",
            "page",
            "resultPerPage",
            "includeAttributes",
            "includeTypeAttributes",
            "includeExtendedInfo",
        )
        arguments = _arguments(call, *names)
        number, asked = arguments.whole("page", 1, 1), arguments.whole("resultPerPage", 25, 1)
        is_whole = arguments.flag("includeAttributes", default=True)
        if arguments.flag("includeTypeAttributes") or arguments.flag("includeExtendedInfo"):
            raise refused("type attributes and extended information are not supported here")
        found = self._found(arguments.text("qlQuery") or "")
        size = min(asked, self.page_cap)
        start = 0 if Trap.OFFSET_IGNORED in self.traps else (number - 1) * size
        page = [self._shown(one, is_whole) for one in found[start : start + size]]
        counts = {"totalFilterCount": len(found), "startIndex": start, "toIndex": start + len(page)}
        pages = {"pageObjectSize": len(page), "pageNumber": number, "pageSize": -(-len(found) // size)}
        return answer({"objectEntries": page, "objectTypeAttributes": [], **counts, **pages, "orderWay": "asc"})

    def _shown(self, one: Document, is_whole: bool) -> Document:
        return one if is_whole else {name: value for name, value in one.items() if name != "attributes"}

    def _found(self, query: str) -> list[Document]:
        """The objects of a query: ids of schemas and of objects, in the order of keys, or of names when none is given.

        Everything else is refused.
        """
        order = _ORDER.search(query)
        conditions = re.split(r"\s+and\s+", query[: order.start()] if order else query, flags=re.IGNORECASE)
        found = list(self.register.get("object", []))
        for condition in conditions:
            matched = _CONDITION.fullmatch(condition.strip())
            if matched is None:
                raise refused(f"AQL: {condition!r} is not supported here")
            wanted = set(re.findall(r"\d+", matched[2]))
            is_schema = matched[1].lower() == "objectschemaid"
            found = [one for one in found if str(_schema_of(one) if is_schema else one["id"]) in wanted]
        by_key = order is not None and order[1].lower() == "key"
        is_reverse = order is not None and (order[2] or "").lower() == "desc"
        return sorted(found, key=lambda one: _rank(one, by_key), reverse=is_reverse)


def _arguments(call: Call, *names: str) -> Arguments:
    """The parameters of a query, also where a query comes with a body."""
    return Arguments(call.given, names, is_body=False)


def _schema_of(one: Mapping[str, Any]) -> object:
    return one["objectType"]["objectSchemaId"]


def _rank(one: Mapping[str, Any], by_key: bool) -> tuple[str, str]:
    return (str(one["objectKey" if by_key else "label"]), str(one["id"]))
