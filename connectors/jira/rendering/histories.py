"""Histories of the sample's issues: what changed together, by whom, with ids that count over the whole site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from connectors.jira.rendering.links import Link
from connectors.jira.rendering.tickets import Seen, Ticket, seen
from connectors.jira.rendering.values import Pen
from connectors.jira.simulator.site import Document, History
from connectors.sample import Value, Values

_Moments = dict[tuple[datetime, int, int], list[Document]]
"""Items by time, number of the issue, and who changed them."""


def histories(pen: Pen, tickets: Sequence[Ticket], links: Sequence[Link]) -> Mapping[int, list[History]]:
    """All histories by the number of their issue, oldest first, up to the end of the sample."""
    moments: _Moments = {}
    for ticket in tickets:
        for at, by, items in _changes(pen, ticket):
            moments.setdefault((at, ticket.number, by), []).extend(items)
    for link in links:
        _tell(pen, link, moments)
    found: dict[int, list[History]] = {}
    for id_, (at, number, by) in enumerate(sorted(moments), 100_001):
        document: Document = {
            "id": str(id_),
            "author": pen.person(by),
            "created": pen.time(at),
            "items": moments[at, number, by],
        }
        found.setdefault(number, []).append(History(document))
    return found


def versions(ticket: Ticket) -> Iterator[tuple[datetime, int, Values]]:
    """The ticket's values after its creation and after each event, with when and by whom."""
    record = ticket.record
    values: dict[str, Value] = {**record.values, "creator": record.created_by}
    yield record.created_at, record.created_by, values
    for event in record.events:
        values = {**values, **event.changes}
        yield event.at, event.by, values


def _changes(pen: Pen, ticket: Ticket) -> Iterator[tuple[datetime, int, list[Document]]]:
    before: dict[str, Seen] | None = None
    for at, by, values in versions(ticket):
        after = seen(pen, ticket, values)
        if before is not None:
            pairs = [(before[field], entry) for field, entry in after.items() if entry != before[field]]
            if pairs:
                yield at, by, [item for old, new in pairs for item in _items(pen, old, new)]
        before = after


def _items(pen: Pen, old: Seen, new: Seen) -> Iterable[Document]:
    """The item of a field that changed; a component that is replaced is taken away first, in an item of its own."""
    if old.field == "Component" and old.id and new.id:
        empty = Seen(old.field, old.field_id, None, None)
        return [_item(pen, old, empty), _item(pen, empty, new)]
    return [_item(pen, old, new)]


def _item(pen: Pen, old: Seen, new: Seen) -> Document:
    kind = "custom" if new.field_id.startswith("customfield_") else "jira"
    # Data Center does not tell the field's id
    named = {"fieldId": new.field_id} if pen.deployment == "cloud" else {}
    values = {"from": old.id, "fromString": old.words, "to": new.id, "toString": new.words}
    return {"field": new.field, "fieldtype": kind, **named, **values}


def _tell(pen: Pen, link: Link, moments: _Moments) -> None:
    """A link shows in the histories of both ends, in the words of each."""
    sides = ((link.source, link.destination, link.type.outward), (link.destination, link.source, link.type.inward))
    for here, there, words in sides:
        gone = Seen("Link", "issuelinks", None, None)
        there_now = Seen("Link", "issuelinks", there.key, f"This issue {words} {there.key}")
        moments.setdefault((link.at, here.number, link.by), []).append(_item(pen, gone, there_now))
        if link.removed_at is not None:
            taken = moments.setdefault((link.removed_at, here.number, link.removed_by), [])
            taken.append(_item(pen, there_now, gone))
