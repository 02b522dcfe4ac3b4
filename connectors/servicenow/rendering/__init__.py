"""The sample organisation as the tables of a ServiceNow instance, as they stood at any moment.

Every value is text, "" when there is none. Keys give the sys_ids, so two renderings can be compared row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from connectors.sample import Event, Home, Organization, Record, Value, Values
from connectors.servicenow.rendering import feedback as feedback
from connectors.servicenow.rendering import inventory as inventory
from connectors.servicenow.rendering import tickets as tickets
from connectors.servicenow.rendering.values import sys_id, text, utc
from connectors.servicenow.rendering.words import choices

Row = dict[str, str]
Render = Callable[[Values], Row]

_HOME: Home = "servicenow"
_SYSTEM = "system"
_DELETION = ("DELETED", "DELETED")
_TABLES: Mapping[str, tuple[str, Render]] = {
    "sys_user": ("person", inventory.person),
    "sys_user_group": ("team", inventory.team),
    "cmdb_ci_service": ("service", inventory.service),
    "cmdb_rel_ci": ("ci_relationship", inventory.relation),
    "incident": ("incident", tickets.incident),
    "problem": ("problem", tickets.problem),
    "change_request": ("change", tickets.change),
    "contract_sla": ("sla_definition", inventory.agreement),
    "cmdb_ci_outage": ("outage", inventory.outage),
    "sysapproval_approver": ("approval", tickets.approval),
    "asmt_assessment_instance": ("satisfaction", feedback.questionnaire),
}
"""Tables that hold one row for each record of one entity. The others are put together below."""

EMPTY = (
    "service_offering",
    "cmn_schedule",
    "cmn_schedule_span",
    "alm_asset",
    "problem_task",
    "sc_request",
    "sc_req_item",
    "sc_task",
    "task_cmdb_ci_service",
    "sysapproval_group",
    "metric_definition",
    "metric_instance",
)
"""Tables that every instance has, and the organisation does not use. Those of optional plugins are missing."""

_AUDITED = ("incident", "problem", "change_request", "sysapproval_approver")
_NOT_AUDITED = frozenset({"active", "business_duration", "calendar_duration", "reassignment_count"})
"""Fields that the platform computes and does not audit."""


def rows(organization: Organization, moment: datetime) -> dict[str, list[Row]]:
    """All tables of the organisation's ServiceNow instance by name, as they stood at ``moment``."""
    users = {person.key: text(person.values["user_name"]) for person in organization.of("person")}
    work = [task for change in organization.of("change", _HOME) for task in tickets.change_tasks(change)]
    tables = {
        table: _table(organization.of(entity, _HOME), render, moment, users)
        for table, (entity, render) in _TABLES.items()
    }
    tables["change_task"] = _table(work, tickets.change_task, moment, users)
    tables["cmdb_ci"] = [
        *_table(organization.of("configuration_item", _HOME), inventory.item, moment, users),
        *_table(organization.of("service", _HOME), inventory.service_item, moment, users),
    ]
    tables["task_sla"] = _clocks(organization, moment, users)
    named = [
        record
        for table in ("incident", "problem", "change_request")
        for record in _affected(table, organization.of(_TABLES[table][0], _HOME), moment)
    ]
    tables["task_ci"] = _table(named, inventory.affected, moment, users)
    tables["sys_choice"] = choices()
    tables["core_company"] = [_entered(organization, "company", 1, inventory.company(organization.name))]
    tables |= _feedback(organization, moment, users)
    tables |= _audits(organization, work, named, moment, users)
    return tables | {table: [] for table in EMPTY}


def _feedback(organization: Organization, moment: datetime, users: Mapping[int, str]) -> dict[str, list[Row]]:
    """The survey with its questions and answers, and the known-error articles."""
    given = list(feedback.answers(organization.of("satisfaction", _HOME)))
    written = list(feedback.articles(organization.of("problem", _HOME)))
    return {
        "asmt_metric_type": [_entered(organization, "survey", 1, feedback.SURVEY)],
        "asmt_metric": [
            _entered(organization, "survey_question", key, feedback.question(key)) for key in feedback.QUESTIONS
        ],
        "asmt_metric_result": _table(given, feedback.answer, moment, users),
        "kb_knowledge": _table(written, feedback.article, moment, users),
    }


def _audits(
    organization: Organization, work: list[Record], named: list[Record], moment: datetime, users: Mapping[int, str]
) -> dict[str, list[Row]]:
    """What was changed, and what was deleted. The log of deletions has one row for each, and so has the audit, also
    for a record of a table that is not audited."""
    audited = [
        *(row for table in _AUDITED for row in _audit(table, organization, moment, users)),
        *_audit_rows("change_task", work, tickets.change_task, moment, users),
    ]
    others: list[tuple[str, list[Record]]] = [
        *((table, organization.of(entity, _HOME)) for table, (entity, _) in _TABLES.items() if table not in _AUDITED),
        *((inventory.class_of(item.values), [item]) for item in organization.of("configuration_item", _HOME)),
        ("task_sla", organization.of("sla_instance", _HOME)),
        ("task_ci", named),
    ]
    audited += [
        _audited(table, record, len(record.events) + 1, "DELETED", _DELETION, at, _SYSTEM)
        for table, records in others
        for record in records
        if (at := record.deleted_at) is not None and at <= moment
    ]
    return {
        "sys_audit": audited,
        "sys_audit_delete": [_logged(row) for row in audited if row["fieldname"] == "DELETED"],
    }


def _logged(row: Row) -> Row:
    """A row of ``sys_audit_delete`` for one of ``sys_audit`` that tells of a deletion."""
    return {
        "sys_id": sys_id(f"sys_audit_delete.{row['tablename']}", row["documentkey"]),
        "tablename": row["tablename"],
        "documentkey": row["documentkey"],
        "display_value": "",
        "sys_created_on": row["sys_created_on"],
        "sys_created_by": row["sys_created_by"],
        "sys_updated_on": row["sys_created_on"],
        "sys_updated_by": row["sys_created_by"],
        "sys_mod_count": "0",
    }


def _table(records: Iterable[Record], render: Render, moment: datetime, users: Mapping[int, str]) -> list[Row]:
    return [
        {**render(values), **_bookkeeping(record, moment, users)}
        for record in records
        if (values := _stood(record, moment)) is not None
    ]


def _stood(record: Record, moment: datetime) -> Values | None:
    """The last of the record's versions up to ``moment``, None when it did not exist then."""
    if record.at(moment) is None:
        return None
    *_, (_, values) = _versions(record, moment)
    return values


def _versions(record: Record, moment: datetime) -> Iterator[tuple[Event | None, dict[str, Value]]]:
    """The record after its creation and after each event up to ``moment``, with who opened, closed and reopened it."""
    values: dict[str, Value] = {**record.values, "key": record.key, "creator": record.created_by, "reassignments": 0}
    if values.get("discovered_at"):
        values["first_discovered_at"] = values["discovered_at"]
    yield None, values
    handed_over = 0
    for event in record.history(moment):
        values = {**values, **event.changes}
        if event.changes.get("closed_at"):
            values["closer"] = event.by
        if event.changes.get("reopened_count"):
            values |= {"reopened_at": event.at, "reopener": event.by}
        if "team" in event.changes:
            handed_over += 1
            values["reassignments"] = handed_over
        yield event, values


def _bookkeeping(record: Record, moment: datetime, users: Mapping[int, str]) -> Row:
    """The fields that the platform keeps on every row."""
    events = list(record.history(moment))
    return {
        "sys_id": sys_id(record.entity, record.key),
        "sys_created_on": utc(record.created_at),
        "sys_created_by": _user(users, record.created_by),
        "sys_updated_on": utc(record.updated_at(moment)),
        "sys_updated_by": _user(users, events[-1].by if events else record.created_by),
        "sys_mod_count": str(len(events)),
    }


def _user(users: Mapping[int, str], key: int) -> str:
    return users.get(key, _SYSTEM)


def _clocks(organization: Organization, moment: datetime, users: Mapping[int, str]) -> list[Row]:
    definitions = {definition.key: definition for definition in organization.of("sla_definition", _HOME)}
    return [
        {
            **inventory.running(record, definitions[int(text(record.values["definition"]))], moment),
            **_bookkeeping(record, moment, users),
        }
        for record in organization.of("sla_instance", _HOME)
        if record.at(moment) is not None
    ]


def _affected(table: str, records: Iterable[Record], moment: datetime) -> Iterator[Record]:
    """The configuration item that a ticket names, from when it first named it until the ticket is deleted."""
    for record in records:
        if record.created_at > moment:
            continue
        *_, (_, values) = _versions(record, moment)
        item = values["configuration_item"]
        if not isinstance(item, int) or not item:
            continue
        naming = [event for event in record.history(moment) if event.changes.get("configuration_item") == item]
        at, by = (naming[0].at, naming[0].by) if naming else (record.created_at, record.created_by)
        told: dict[str, Value] = {"entity": record.entity, "ticket": record.key, "named_at": at}
        yield Record(f"task_ci.{table}.{record.key}", item, record.home, at, by, told, deleted_at=record.deleted_at)


def _audit(table: str, organization: Organization, moment: datetime, users: Mapping[int, str]) -> Iterator[Row]:
    entity, render = _TABLES[table]
    return _audit_rows(table, organization.of(entity, _HOME), render, moment, users)


def _audit_rows(
    table: str, records: Iterable[Record], render: Render, moment: datetime, users: Mapping[int, str]
) -> Iterator[Row]:
    """``sys_audit``: one row for each field that an event changed, and one for a deletion. Inserts are not audited."""
    for record in records:
        before: Row = {}
        for checkpoint, (event, values) in enumerate(_versions(record, moment)):
            after = render(values)
            if event is not None:
                for name, value in after.items():
                    if value != before[name] and name not in _NOT_AUDITED:
                        user = _user(users, event.by)
                        yield _audited(table, record, checkpoint, name, (before[name], value), event.at, user)
            before = after
        if record.deleted_at is not None and record.deleted_at <= moment:
            yield _audited(table, record, len(record.events) + 1, "DELETED", _DELETION, record.deleted_at, _SYSTEM)


def _audited(
    table: str, record: Record, checkpoint: int, name: str, values: tuple[str, str], at: datetime, user: str
) -> Row:
    """One row of ``sys_audit``, a table that has no ``sys_updated_on``."""
    return {
        "sys_id": sys_id(f"sys_audit.{table}.{record.key}.{name}", checkpoint),
        "tablename": table,
        "fieldname": name,
        "documentkey": sys_id(record.entity, record.key),
        "oldvalue": values[0],
        "newvalue": values[1],
        "user": user,
        "reason": "",
        "record_checkpoint": str(checkpoint),
        "sys_created_on": utc(at),
        "sys_created_by": user,
    }


def _entered(organization: Organization, entity: str, key: int, row: Row) -> Row:
    """A row that the administrator entered before everything else."""
    founded = utc(min(record.created_at for record in organization.of("person")))
    return {
        **row,
        "sys_id": sys_id(entity, key),
        "sys_created_on": founded,
        "sys_created_by": "admin",
        "sys_updated_on": founded,
        "sys_updated_by": "admin",
        "sys_mod_count": "0",
    }
