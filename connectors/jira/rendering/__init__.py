"""The sample organisation as a Jira site with Service Management, as it stood at any moment.

Ids follow from the whole story and not from the moment, so that two renderings can be compared issue by issue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.jira.rendering import desk as desk
from connectors.jira.rendering.fields import field_id, fields
from connectors.jira.rendering.histories import histories, versions
from connectors.jira.rendering.links import Link, links
from connectors.jira.rendering.register import register
from connectors.jira.rendering.tickets import ENTITIES, Ticket, project, status_name
from connectors.jira.rendering.tickets import fields as ticket_fields
from connectors.jira.rendering.values import SITE_URL, Deployment, Pen
from connectors.jira.rendering.words import ISSUE_TYPES, STATUSES
from connectors.jira.simulator.site import Document, History, Issue, Site
from connectors.sample import Home, Organization, Record, Values

_HOME: Home = "jira"
_NAMED = ("person", "team", "service", "configuration_item")


def site(organization: Organization, moment: datetime, deployment: Deployment = "cloud") -> Site:
    """All that the site shows, in the words of its deployment; the account is in the organisation's time zone."""
    names = {(entity, record.key): record.values for entity in _NAMED for record in organization.of(entity)}
    pen = Pen(deployment, ZoneInfo(organization.time_zone), names)
    roster: Document = {"expand": "description,lead,issueTypes,url,projectKeys,permissions,insight", **project(pen)}
    if deployment == "cloud":
        roster |= {"style": "classic", "isPrivate": False, "properties": {}}
    users = (pen.person(person.key) for person in organization.of("person", _HOME))
    return Site(
        url=SITE_URL,
        time_zone=organization.time_zone,
        projects=[roster],
        fields=fields(),
        statuses=[pen.status(name) for name in STATUSES],
        issuetypes=[pen.issue_type(entity) for entity in ISSUE_TYPES],
        users=[user for user in users if user is not None],
        issues=_Issues(pen, organization, moment).render(),
        portal=desk.portal(),
        register=register(organization, moment, pen),
    )


def tickets(organization: Organization) -> list[Ticket]:
    """The records that are issues, numbered in the order in which they were made; a number is never given again."""
    found = [(record.created_at, entity, record) for entity in ENTITIES for record in organization.of(entity, _HOME)]
    found.sort(key=lambda entry: (entry[0], entry[1], entry[2].key))
    return [Ticket(entity, record, number) for number, (_, entity, record) in enumerate(found, 1)]


@dataclass(slots=True)
class _Issues:
    """The issues of one moment."""

    pen: Pen
    organization: Organization
    moment: datetime

    def render(self) -> list[Issue]:
        """The issues that existed at the moment, oldest first."""
        everything = tickets(self.organization)
        all_links = links(everything)
        all_histories = histories(self.pen, everything, all_links)
        linked: dict[int, list[Link]] = {}
        for link in all_links:
            if link.is_there(self.moment):
                linked.setdefault(link.source.number, []).append(link)
                linked.setdefault(link.destination.number, []).append(link)
        parts = _Parts.of(self.organization)
        stood = {ticket.number: values for ticket in everything if (values := self._values(ticket)) is not None}
        return [
            self._issue(ticket, stood, parts, linked.get(ticket.number, ()), all_histories.get(ticket.number, ()))
            for ticket in everything
            if ticket.number in stood
        ]

    def _values(self, ticket: Ticket) -> Values | None:
        if ticket.record.at(self.moment) is None:
            return None
        *_, (_, _, values) = (version for version in versions(ticket) if version[0] <= self.moment)
        return values

    def _issue(
        self,
        ticket: Ticket,
        stood: Mapping[int, Values],
        parts: _Parts,
        own_links: Iterable[Link],
        own_histories: Sequence[History],
    ) -> Issue:
        pen, record, values = self.pen, ticket.record, stood[ticket.number]
        shown = [history for history in own_histories if history.at <= self.moment]
        updated = max((history.at for history in shown), default=record.created_at)
        entered = desk.entered(ticket, self.moment)
        found: Document = ticket_fields(pen, ticket, values)
        found |= {
            "statuscategorychangedate": pen.time(desk.entered(ticket, self.moment, category=True)),
            "created": pen.time(record.created_at),
            "updated": pen.time(updated),
            "issuelinks": [self._link(ticket, link, stood) for link in own_links],
            field_id("Request Type"): desk.request(pen, ticket, values, entered),
        }
        if ticket.entity == "incident":
            for name in desk.SLAS:
                found[field_id(name)] = desk.sla(pen, ticket, name, parts.clocks(ticket, name), self.moment)
            found |= desk.satisfaction(pen, parts.answers.get(record.key, ()), self.moment)
        elif ticket.entity == "change":
            asked = parts.approvals.get(record.key, ())
            found[field_id("Approvals")] = desk.approvals(pen, ticket, asked, self.moment)
        return Issue(ticket.id, ticket.key, found, shown)

    def _link(self, ticket: Ticket, link: Link, stood: Mapping[int, Values]) -> Document:
        """A link as one of its ends shows it, with a glimpse of the other end as that is now."""
        pen, is_source = self.pen, link.source.number == ticket.number
        other = link.destination if is_source else link.source
        values = stood[other.number]
        type_: Document = {**link.type._asdict(), "self": pen.link(f"issueLinkType/{link.type.id}")}
        glimpse: Document = {
            "id": other.id,
            "key": other.key,
            "self": pen.link(f"issue/{other.id}"),
            "fields": {
                "summary": values["title"],
                "status": pen.status(status_name(other.entity, values)),
                "priority": pen.priority(values["priority"]),
                "issuetype": pen.issue_type(other.entity),
            },
        }
        shown: Document = {"id": link.id, "self": pen.link(f"issueLink/{link.id}"), "type": type_}
        return {**shown, "outwardIssue" if is_source else "inwardIssue": glimpse}


@dataclass(frozen=True, slots=True)
class _Parts:
    """Records that become part of an issue: approvals by change, answers by incident, clocks by incident and name."""

    approvals: Mapping[int, list[Record]]
    answers: Mapping[int, list[Record]]
    instances: Mapping[tuple[int, str], list[tuple[Record, Record]]]

    @classmethod
    def of(cls, organization: Organization) -> _Parts:
        """Those of this home, in the order in which they were made."""
        definitions = {record.key: record for record in organization.of("sla_definition", _HOME)}
        instances: dict[tuple[int, str], list[tuple[Record, Record]]] = {}
        for record in organization.of("sla_instance", _HOME):
            definition = definitions[int(str(record.values["definition"]))]
            owner = (int(str(record.values["incident"])), str(definition.values["name"]))
            instances.setdefault(owner, []).append((record, definition))
        return cls(
            _by(organization.of("approval", _HOME), "change"),
            _by(organization.of("satisfaction", _HOME), "incident"),
            instances,
        )

    def clocks(self, ticket: Ticket, name: str) -> Sequence[tuple[Record, Record]]:
        """The clocks of one SLA on a ticket."""
        return self.instances.get((ticket.record.key, name), ())


def _by(records: Iterable[Record], owner: str) -> Mapping[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for record in records:
        found.setdefault(int(str(record.values[owner])), []).append(record)
    return found
