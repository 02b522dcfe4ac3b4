"""Links between the sample's tickets, with when they were made and taken away again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.jira.rendering.tickets import Entity, Ticket
from connectors.jira.rendering.words import CAUSES, DUPLICATES, RELATES, LinkType

_REFERENCES: Mapping[Entity, tuple[tuple[str, Entity, LinkType, bool], ...]] = {
    "incident": (
        ("problem", "problem", CAUSES, False),
        ("caused_by_change", "change", CAUSES, False),
        ("change", "change", RELATES, True),
        ("parent_incident", "incident", DUPLICATES, True),
    ),
    "problem": (("change", "change", RELATES, True),),
    "change": (),
}
"""By entity: the field that refers, the entity referred to, the link's type, and whether the link starts here."""


@dataclass(slots=True)
class Link:
    """A link from ``source`` to ``destination``. ``by`` and ``removed_by`` are keys of persons."""

    id: str
    type: LinkType
    source: Ticket
    destination: Ticket
    at: datetime
    by: int
    removed_at: datetime | None = None
    removed_by: int = 0

    def is_there(self, moment: datetime) -> bool:
        """Whether it was there, with both of its ends."""
        is_kept = self.at <= moment and (self.removed_at is None or self.removed_at > moment)
        return is_kept and all(end.record.at(moment) is not None for end in (self.source, self.destination))


def links(tickets: Sequence[Ticket]) -> list[Link]:
    """All links there ever were, numbered in the order in which they were made."""
    by_record: dict[tuple[str, int], Ticket] = {(ticket.entity, ticket.record.key): ticket for ticket in tickets}
    found = [link for ticket in tickets for link in _links_of(ticket, by_record)]
    found.sort(key=lambda link: (link.at, link.source.number, link.destination.number))
    for number, link in enumerate(found, 30_001):
        link.id = str(number)
    return found


def _links_of(ticket: Ticket, by_record: Mapping[tuple[str, int], Ticket]) -> Iterator[Link]:
    for field, entity, kind, is_outward in _REFERENCES[ticket.entity]:
        last: Link | None = None
        changes = [(ticket.record.created_at, ticket.record.created_by, ticket.record.values.get(field))]
        changes += [
            (event.at, event.by, event.changes[field]) for event in ticket.record.events if field in event.changes
        ]
        for at, by, key in changes:
            other = by_record.get((entity, key)) if isinstance(key, int) else None
            if last is not None:
                last.removed_at, last.removed_by, last = at, by, None
            if other is not None:
                ends = (ticket, other) if is_outward else (other, ticket)
                last = Link("", kind, *ends, at, by)
                yield last
