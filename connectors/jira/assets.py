"""Assets: the schemas, object types, attributes and objects of a configuration register.

Objects are searched schema by schema in the order of their keys. ``isLast`` is never looked at (it was true for large
pages whatever remained, and came as text), ``total`` only where there is no count of its own (it is capped).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from connectors import Absence
from connectors.http import BrokenAnswer, Forbidden, NotFound
from connectors.jira.answers import decode
from connectors.jira.session import Session
from connectors.jira.settings import Deployment
from connectors.jira.walk import Ask, Entry, Served, walk

_LEAST_PER_PAGE = 20
"""Pages of Data Center have numbers: with fewer objects a page can't be made to begin where it should."""

_SCHEMAS_AT_ONCE = 100


class _Page(msgspec.Struct):
    """A page of Cloud's."""

    values: list[msgspec.Raw]
    total: int | None = None


class _Entries(msgspec.Struct):
    """A page of Data Center's."""

    objectEntries: list[msgspec.Raw]  # noqa: N815 - Jira's name
    totalFilterCount: int | None = None  # noqa: N815


class _Schemas(msgspec.Struct):
    objectschemas: list[msgspec.Raw]


class _Count(msgspec.Struct):
    totalCount: int  # noqa: N815


class _Head(msgspec.Struct):
    id: str | int
    objectSchemaKey: str | None = None  # noqa: N815
    updated: str | None = None


@dataclass(slots=True)
class Assets:
    """One workspace (Cloud) or site (Data Center). ``root`` is the address below which its endpoints are.

    ``wanted`` are the keys of the schemas to read, all when there are none.
    """

    session: Session
    root: str
    deployment: Deployment
    workspace: str | None
    wanted: Sequence[str]
    page_size: int
    _is_counted: bool = True
    _shown: list[Entry] | None = field(default=None, init=False)

    def schemas(self) -> Iterator[list[Entry]]:
        """The schemas that are read.

        Raises:
            Forbidden: a schema that the configuration names is not shown to this account, or none is.
        """
        if self.deployment == "cloud":
            pages = walk("asset_schema", self._schema_page)
            entries = [entry for page in pages for entry in page]
        else:
            found = decode(self.session.get(f"{self.root}/objectschema/list"), _Schemas)
            entries = [self._entry(bytes(raw)) for raw in found.objectschemas]
        keys = {_head(entry.record).objectSchemaKey: entry for entry in entries}
        missing = [key for key in self.wanted if key not in keys]
        if missing or not keys:
            raise Forbidden(
                f"Assets: not shown to this account: {', '.join(missing) or 'any schema'}",
                "give the account the role Object Schema Users there, or correct asset_schemas of this source",
            )
        self._shown = [keys[key] for key in self.wanted] or entries
        yield self._shown

    def types(self) -> Iterator[list[Entry]]:
        """The object types of the schemas."""
        for schema in self._schema_ids():
            yield self._list(f"objectschema/{schema}/objecttypes/flat")

    def attributes(self) -> Iterator[list[Entry]]:
        """The attributes of the object types; one that a type inherits comes once."""
        seen: set[str] = set()
        for schema in self._schema_ids():
            found = self._list(f"objectschema/{schema}/attributes")
            yield [entry for entry in {entry.key: entry for entry in found}.values() if entry.key not in seen]
            seen.update(entry.key for entry in found)

    def objects(self, *, is_whole: bool) -> Iterator[list[Entry]]:
        """All objects of the schemas, with or without the values of their attributes."""
        for schema in self._schema_ids():
            condition = f"objectSchemaId in ({schema})"
            ask = self._asking(f"{condition} ORDER BY Key ASC", self.page_size, is_whole=is_whole)
            yield from walk(f"asset_object of schema {schema}", ask, partial(self._count, condition))

    def named(self, keys: Sequence[str], *, is_anywhere: bool = False) -> list[Entry]:
        """The objects with these keys that are shown; ``is_anywhere``: also those in schemas that are not read."""
        ids = ", ".join(key.rpartition(":")[2] for key in keys)
        condition = f"objectId in ({ids})"
        if not is_anywhere:
            condition = f"objectSchemaId in ({', '.join(self._schema_ids())}) AND {condition}"
        limit = max(len(keys), _LEAST_PER_PAGE)
        ask = self._asking(f"{condition} ORDER BY Key ASC", limit, is_whole=True)
        return [entry for page in walk("asset_object", ask) for entry in page]

    def explain(self, keys: Sequence[str]) -> dict[str, Absence]:
        """What became of objects: Assets answers the same for those that are deleted and those that are hidden."""
        elsewhere = {entry.key for entry in self.named(keys, is_anywhere=True)}
        moved = Absence("moved", "it is in a schema that is not read")
        gone = Absence("not_visible", "Assets shows no object with this id: it is deleted, or hidden from this account")
        return {key: moved if key in elsewhere else gone for key in keys}

    # ---------------------------------------------------------------- parts

    def _schema_ids(self) -> list[str]:
        if self._shown is None:
            list(self.schemas())
        return [str(_head(entry.record).id) for entry in self._shown or ()]

    def _schema_page(self, start: int) -> Served:
        asked = {"startAt": start, "maxResults": _SCHEMAS_AT_ONCE}
        page = decode(self.session.get(f"{self.root}/objectschema/list", asked), _Page)
        return Served(start, [self._entry(bytes(raw)) for raw in page.values], page.total)

    def _list(self, path: str) -> list[Entry]:
        return [self._entry(bytes(raw)) for raw in decode(self.session.get(f"{self.root}/{path}"), list[msgspec.Raw])]

    def _asking(self, query: str, limit: int, *, is_whole: bool) -> Ask:
        shown = "true" if is_whole else "false"

        def by_offset(start: int) -> Served:
            asked: dict[str, str | int] = {"startAt": start, "maxResults": limit, "includeAttributes": shown}
            page = decode(self.session.post(f"{self.root}/object/aql", {"qlQuery": query}, asked), _Page)
            return Served(start, [self._entry(bytes(raw)) for raw in page.values], page.total)

        return by_offset if self.deployment == "cloud" else self._by_number(query, limit, shown)

    def _by_number(self, query: str, limit: int, shown: str) -> Ask:
        """Pages of Data Center: the size is chosen so that one of them begins at the place, or shortly before."""
        most = max(limit, _LEAST_PER_PAGE)

        def ask(start: int) -> Served:
            nonlocal most
            size = min(range(most, most // 2, -1), key=lambda size: start % size)
            asked: dict[str, str | int] = {"page": start // size + 1, "resultPerPage": size, "qlQuery": query}
            asked |= {"includeAttributes": shown, "includeTypeAttributes": "false", "includeExtendedInfo": "false"}
            page = decode(self.session.get(f"{self.root}/aql/objects", asked), _Entries)
            count = len(page.objectEntries)
            if not start and 1 < count < min(most, page.totalFilterCount or 0):
                most = count  # the site gives fewer than it was asked for
            entries = [self._entry(bytes(raw)) for raw in page.objectEntries]
            return Served(start - start % size, entries, page.totalFilterCount)

        return ask

    def _count(self, condition: str) -> int | None:
        """How many objects there are; None where the site has no such count (an older one, and Data Center)."""
        if self.deployment == "cloud" and self._is_counted:
            try:
                body = self.session.post(f"{self.root}/object/aql/totalcount", {"qlQuery": condition})
                return decode(body, _Count).totalCount
            except NotFound:
                self._is_counted = False
        return None

    def _entry(self, record: bytes) -> Entry:
        head = _head(record)
        key = f"{self.workspace}:{head.id}" if self.workspace else str(head.id)
        return Entry(key, record, head.updated or "")


def _head(record: bytes) -> _Head:
    try:
        return msgspec.json.decode(record, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenAnswer(f"a record of Assets is not understood: {error}", "") from error


def stable(record: bytes) -> bytes:
    """An object without what is not its own and changes on its own: pictures (their addresses carry a short-lived
    ticket), counts of its type, and when the objects that it refers to were updated."""
    document: Any = msgspec.json.decode(record)
    if not isinstance(document, dict):
        return record
    kept = {name: value for name, value in document.items() if name not in _PASSING}
    kept["objectType"] = _only(document.get("objectType"), ("id", "name", "objectSchemaId"))
    attributes = document.get("attributes")
    if isinstance(attributes, list):
        kept["attributes"] = sorted((_attribute(one) for one in attributes), key=str)
    return msgspec.json.encode(kept, order="sorted")


_PASSING = frozenset({"avatar", "hasAvatar", "_links", "extendedInfo", "objectTypeAttributes"})
_PARTS: dict[str, tuple[str, ...]] = {
    "referencedObject": ("id", "label", "objectKey"),
    "user": ("accountId", "key", "name", "displayName", "emailAddress"),
    "group": ("name",),
    "status": ("id", "name"),
}


def _attribute(attribute: Any) -> Any:
    if not isinstance(attribute, dict) or not isinstance(attribute.get("objectAttributeValues"), list):
        return attribute
    values = [
        {name: _only(one, _PARTS[name]) if name in _PARTS else one for name, one in value.items()}
        if isinstance(value, dict)
        else value
        for value in attribute["objectAttributeValues"]
    ]
    return {"objectTypeAttributeId": attribute.get("objectTypeAttributeId"), "objectAttributeValues": values}


def _only(document: Any, names: Sequence[str]) -> Any:
    return {name: document[name] for name in names if name in document} if isinstance(document, dict) else document
