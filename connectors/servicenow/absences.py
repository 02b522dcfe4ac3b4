"""What became of a record that the instance shows no more, in the instance's own words.

Asked in this order, as each answer outweighs those behind it: is it still there, in another class or outside the
configured filter; is it archived; was it deleted, by the audit or the log of deletions, and not brought back since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from connectors import Absence, Reading, Stream
from connectors.http import BadRequest, Forbidden, Inconsistent, NotFound
from connectors.servicenow.client import Client
from connectors.servicenow.paging import Walk

Fields = Mapping[str, str]

_PAGE = 1_000
_AUDIT = ("sys_id", "documentkey", "fieldname", "user", "record_checkpoint", "sys_created_on")
_LOG = ("sys_id", "documentkey", "sys_created_by", "sys_created_on")
_CLASS = ("sys_id", "sys_class_name")
_ARCHIVED = ("sys_id", "sys_archived")


class Absences:
    """The questions of one run; tables that do not exist, or may not be read, are asked once."""

    def __init__(self) -> None:
        self._closed: dict[str, str] = {}

    def explain(
        self, client: Client, cost: Reading, stream: Stream, keys: Sequence[str], base: str
    ) -> dict[str, Absence]:
        """An absence for each of up to a hundred keys; ``base`` is what bounds the stream, "" for the whole table.

        Raises:
            SourceError: for anything but a table that is not there or not readable.
        """
        inquiry = _Inquiry(client, cost, self._closed, dict.fromkeys(keys))
        inquiry.ask_classes(stream)
        if base:
            inquiry.ask_table(stream.name)
        inquiry.ask_archive(stream.name)
        inquiry.ask_deletions()
        return inquiry.conclude()


class _Inquiry:
    def __init__(self, client: Client, cost: Reading, closed: dict[str, str], found: dict[str, Absence | None]) -> None:
        self._client, self._cost, self._closed, self._found = client, cost, closed, found
        self._refused: list[str] = []

    def ask_classes(self, stream: Stream) -> None:
        """A record that changed its class has left one table and stands in another of the same hierarchy."""
        root = root_of(stream)
        if root is None or root == stream.name:
            return
        for row in self._rows(root, _CLASS, "sys_id"):
            name = row.get("sys_class_name", "")
            if name and name != stream.name:
                self._found[row["sys_id"]] = Absence("reclassified", f"now a {name}, by {root}.sys_class_name")

    def ask_table(self, table: str) -> None:
        """What the configured filter no longer lets through is still there without it."""
        for row in self._rows(table, ("sys_id",), "sys_id"):
            self._found[row["sys_id"]] = Absence("moved", f"still in {table}, and outside the filter of this source")

    def ask_archive(self, table: str) -> None:
        """Archiving moves a row to a table of its own."""
        for row in self._rows(f"ar_{table}", _ARCHIVED, "sys_id"):
            when = f"{row['sys_archived']} UTC" if row.get("sys_archived") else "an unknown time"
            self._found[row["sys_id"]] = Absence("archived", f"moved to ar_{table} at {when}")

    def ask_deletions(self) -> None:
        """The last word counts: a deletion, or the recovery of what was deleted.

        Every deletion leaves a row in ``sys_audit``, also of a table that is not audited (KB0634666), but not that of
        the table cleaner; ``sys_audit_delete`` has those of most tables.
        """
        words: dict[str, list[tuple[str, int, Absence | None]]] = {}
        for row in self._rows("sys_audit", _AUDIT, "documentkey", "fieldnameINDELETED,RECOVERED"):
            is_deletion = row.get("fieldname") == "DELETED"
            place = int(row["record_checkpoint"]) if row.get("record_checkpoint", "").isdecimal() else 0
            absence = _deleted(row.get("user", ""), row, "sys_audit") if is_deletion else None
            words.setdefault(row["documentkey"], []).append((row.get("sys_created_on", ""), place, absence))
        for row in self._rows("sys_audit_delete", _LOG, "documentkey"):
            absence = _deleted(row.get("sys_created_by", ""), row, "sys_audit_delete")
            words.setdefault(row["documentkey"], []).append((row.get("sys_created_on", ""), -1, absence))
        for key, said in words.items():
            self._found[key] = max(said, key=lambda word: word[:2])[2]

    def conclude(self) -> dict[str, Absence]:
        """What was found, and what remains when nothing was."""
        asked = "; could not be asked: " + ", ".join(self._refused) if self._refused else ""
        unseen = Absence("not_visible", f"no longer shown, and nothing tells of a deletion{asked}")
        return {key: absence or unseen for key, absence in self._found.items()}

    def _rows(self, table: str, fields: Sequence[str], key: str, condition: str = "") -> Iterator[Fields]:
        """The rows of a table that speak of the records not yet explained."""
        open_ = [name for name, absence in self._found.items() if absence is None]
        if not open_:
            return
        if table not in self._closed:
            try:
                yield from self._read(table, fields, key, open_, condition)
                return
            except Forbidden:
                self._closed[table] = f"{table} (not readable)"
            except (BadRequest, NotFound):
                self._closed[table] = ""
            except Inconsistent:
                self._closed[table] = f"{table} (ignores the query)"
        if self._closed[table]:
            self._refused.append(self._closed[table])

    def _read(
        self, table: str, fields: Sequence[str], key: str, wanted: Sequence[str], condition: str
    ) -> Iterator[Fields]:
        walk = Walk(self._client, table, fields, "sys_created_on", _PAGE, self._cost)
        query = "^".join(part for part in (f"{key}IN{','.join(wanted)}", condition) if part)
        for answer in walk.ids(query):
            for record in answer.records if not answer.is_thin else ():
                row = _texts(record)
                if row.get(key) not in wanted:
                    raise Inconsistent(f"{table}: asked for named records, others came", "")
                yield row


def root_of(stream: Stream) -> str | None:
    """The base table of the hierarchy that a stream belongs to; None for a table that stands alone."""
    if "sys_class_name" not in stream.columns:
        return None
    if "sys_class_path" in stream.columns:
        return "cmdb_ci"
    return "task" if "opened_at" in stream.columns else None


def _deleted(user: str, row: Fields, table: str) -> Absence:
    by = f" by {user}" if user else ""
    return Absence("deleted", f"deleted{by} at {row.get('sys_created_on') or 'an unknown time'} UTC, by {table}")


def _texts(record: bytes) -> dict[str, str]:
    document = msgspec.json.decode(record, type=dict[str, object])
    return {name: value for name, value in document.items() if isinstance(value, str)}
