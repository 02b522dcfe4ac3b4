"""Records as Jira sent them: their ids, and pages of them for the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from connectors import Page, Stream, content
from connectors.http import BrokenAnswer
from connectors.jira.answers import HistoryHead, IssueHead, Item, moment


def issue_page(stream: Stream, heads: Sequence[IssueHead], records: list[bytes]) -> Page:
    """Issues; a running SLA clock alone makes no new version."""
    return Page(
        [head.id for head in heads],
        records,
        [content(record, stream.volatile) for record in records],
        [moment(head.fields.updated) if head.fields else None for head in heads],
    )


def history_page(histories: Iterable[tuple[str, msgspec.Raw]]) -> Page:
    """Histories with the ids of their issues, which the records do not name."""
    keys: list[str] = []
    records: list[bytes] = []
    times: list[datetime | None] = []
    for issue_id, raw in histories:
        try:
            head = msgspec.json.decode(raw, type=HistoryHead)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BrokenAnswer(f"a history of issue {issue_id} is not understood: {error}", "") from error
        keys.append(f"{issue_id}/{head.id}")
        records.append(bytes(raw))
        times.append(moment(head.created))
    return Page(keys, records, records, times)


def list_page(records: list[bytes]) -> Page:
    """Records that carry no time."""
    return Page([item(record).id for record in records], records, records, [None] * len(records))


def item(record: bytes) -> Item:
    """The id and the key of a record.

    Raises:
        BrokenAnswer: it has no id.
    """
    try:
        return msgspec.json.decode(record, type=Item)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenAnswer(f"a record is not understood: {error}", "") from error


def field_values(record: bytes, names: Iterable[str]) -> list[bytes]:
    """The values of some fields of an issue that are there and not null, as sent."""
    fields = msgspec.json.decode(record, type=_Fields).fields
    return [bytes(fields[name]) for name in names if bytes(fields.get(name, msgspec.Raw(b"null"))) != b"null"]


def batches(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """The keys, so many at a time."""
    iterator = iter(keys)
    while batch := list(islice(iterator, size)):
        yield batch


class _Fields(msgspec.Struct):
    fields: dict[str, msgspec.Raw]
