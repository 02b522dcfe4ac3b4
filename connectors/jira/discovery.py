"""Which custom field fills which column, told by the source's own field metadata.

Every site has its own field ids, and names are neither unique nor fixed: a real site has seven fields named "Severity".
So a field is known by its type (``schema.custom``) first and by its name second; two that fit equally well are refused,
never guessed, until the configuration's ``fields`` table names one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from connectors import Column
from connectors.jira.streams import CUSTOM, ISSUE, SLA_SLOTS, SYSTEM_FIELDS

_SERVICE_DESK = "com.atlassian.servicedesk:"
_SLA = _SERVICE_DESK + "sd-sla-field"

# What a value of each type looks like: the path below the field at which its text lies.
_INNER = {"option": ".value", "option-with-child": ".value", "team": ".name", "group": ".name", "priority": ".name"}


@dataclass(frozen=True, slots=True)
class Rule:
    """How a column's field is recognised: by its own type, else by one of its names, the first that is there.

    A name alone is not enough: the value must be of one of ``types`` to be readable as the column.
    """

    custom: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


_CHOICE = ("option", "option-with-child", "string", "priority")
_PROSE = ("string", "option", "option-with-child")
_TIME = ("datetime",)

RULES: Mapping[str, Rule] = {
    "approvals": Rule(("com.atlassian.servicedesk.approvals-plugin:sd-approvals",)),
    "satisfaction": Rule((_SERVICE_DESK + "sd-request-feedback",)),
    "satisfaction_at": Rule((_SERVICE_DESK + "sd-request-feedback-date",)),
    "request_type": Rule((_SERVICE_DESK + "vp-origin",)),
    "configuration_items": Rule(
        ("com.atlassian.jira.plugins.cmdb:cmdb-object-cftype",),
        ("Configuration items", "Affected configuration items", "Affected assets", "Affected hardware", "Assets"),
    ),
    "services": Rule(
        ("com.atlassian.jira.plugins.service-entity:service-entity-field-cftype",),
        ("Affected services",),
    ),
    "team": Rule(
        ("com.atlassian.jira.plugin.system.customfieldtypes:atlassian-team",),
        ("Team", "Assignment group", "Support group"),
        ("option", "group", "string"),
    ),
    "change_type": Rule((), ("Change type",), _CHOICE),
    "change_risk": Rule((), ("Change risk",), _CHOICE),
    "change_reason": Rule((), ("Change reason",), _CHOICE),
    "change_outcome": Rule((), ("Change outcome", "Change completion"), _CHOICE),
    "impact": Rule((), ("Impact",), _CHOICE),
    "urgency": Rule((), ("Urgency",), _CHOICE),
    "severity": Rule((), ("Severity",), _CHOICE),
    # the second names are those of the template before 2022
    "planned_start": Rule((), ("Planned start", "Change start date"), _TIME),
    "planned_end": Rule((), ("Planned end", "Change completion date"), _TIME),
    "actual_start": Rule((), ("Actual start",), _TIME),
    "actual_end": Rule((), ("Actual end",), _TIME),
    "implementation_plan": Rule((), ("Implementation plan",), _PROSE),
    "backout_plan": Rule((), ("Backout plan",), _PROSE),
    "test_plan": Rule((), ("Test plan",), _PROSE),
    "root_cause": Rule((), ("Root cause",), _PROSE),
    "workaround": Rule((), ("Workaround",), _PROSE),
    "review": Rule((), ("Post implementation review", "Post-implementation review"), _PROSE),
    "assessment": Rule((), ("Risk assessment", "Impact assessment"), _PROSE),
    "major_incident": Rule(
        ("com.atlassian.jira.modules.servicemanagement.major-incident-entity:major-incident-entity-field-cftype",),
        ("Major incident",),
        (*_CHOICE, "array"),
    ),
    "known_error": Rule((), ("Known error",), _CHOICE),
    "fix": Rule((), ("Fix", "Permanent fix"), _PROSE),
    "reviewed_at": Rule((), ("Reviewed at", "Review date"), _TIME),
    "unauthorized": Rule((), ("Unauthorized change",), _CHOICE),
}
"""The names are those of the ITSM templates that Jira Service Management ships."""


@dataclass(frozen=True, slots=True)
class Field:
    """One custom field of the site. ``project`` is the id of the only project that has it, when there is one."""

    id: str
    name: str
    type: str = ""
    custom: str = ""
    project: str | None = None

    @property
    def number(self) -> int:
        """The number of the id: the order in which the fields were made."""
        digits = re.sub(r"\D", "", self.id)
        return int(digits) if digits else 0


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A column that several fields fit equally well, or that names a field which the site does not have."""

    column: str
    candidates: tuple[Field, ...]
    message: str


@dataclass(slots=True)
class Discovery:
    """The field behind each column, and the columns that could not be decided."""

    found: dict[str, Field] = field(default_factory=dict)
    ambiguous: list[Ambiguity] = field(default_factory=list)

    def columns(self) -> Mapping[str, Column]:
        """The columns of ``issue``, those of custom fields filled in as far as they are decided."""
        columns = dict(ISSUE.columns)
        for name, found in self.found.items():
            columns[name] = Column(f"fields.{found.id}{_inner(name, found)}", CUSTOM[name])
        return columns

    def fields(self) -> list[str]:
        """What to ask the search for."""
        ids = {found.id: found.number for found in self.found.values()}
        return [*SYSTEM_FIELDS, *sorted(ids, key=lambda id_: (ids[id_], id_))]

    @property
    def is_service_desk(self) -> bool:
        """Whether the site has fields that move without the issue being updated: clocks, approvals, ratings."""
        return not {"sla_1", "approvals", "satisfaction"}.isdisjoint(self.found)

    def fingerprint(self) -> str:
        """Eight characters that change when other fields are asked for."""
        return sha256(",".join(self.fields()).encode()).hexdigest()[:8]

    def explain(self) -> str:
        """The undecided columns, with the lines to paste into the configuration; empty when there are none."""
        return "; ".join(one.message for one in self.ambiguous)


class _Schema(msgspec.Struct):
    type: str = ""
    custom: str = ""


class _Project(msgspec.Struct):
    id: str | int | None = None


class _Scope(msgspec.Struct):
    project: _Project | None = None


class _Field(msgspec.Struct):
    id: str
    name: str = ""
    custom: bool = False
    schema: _Schema | None = None
    scope: _Scope | None = None


_DECODER = msgspec.json.Decoder(_Field)


def parse(records: Iterable[bytes]) -> list[Field]:
    """The custom fields among the records of the stream ``field``; records that can't be read are left out."""
    found = []
    for record in records:
        try:
            one = _DECODER.decode(record)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if one.custom:
            schema = one.schema or _Schema()
            owner = one.scope.project.id if one.scope and one.scope.project else None
            found.append(Field(one.id, one.name, schema.type, schema.custom, None if owner is None else str(owner)))
    return sorted(found, key=lambda one: (one.number, one.id))


def discover(fields: Sequence[Field], overrides: Mapping[str, str], projects: Iterable[str] | None = None) -> Discovery:
    """Decide the field of every column.

    ``overrides`` maps columns to field ids (an empty id: no field). ``projects`` are the ids of the projects that are
    read: a field that belongs to another project alone is no candidate. None takes all fields.
    """
    wanted = None if projects is None else set(projects)
    candidates = [one for one in fields if wanted is None or one.project is None or one.project in wanted]
    result = Discovery()
    _find_slas(candidates, {c: i for c, i in overrides.items() if c.startswith("sla_")}, fields, result)
    for column, rule in RULES.items():
        if column in overrides:
            _take(column, overrides[column], fields, result)
            continue
        fitting = _fitting(rule, candidates)
        if len(fitting) == 1:
            result.found[column] = fitting[0]
        elif fitting:
            result.ambiguous.append(_ambiguity(column, fitting))
    return result


def _fitting(rule: Rule, fields: Sequence[Field]) -> list[Field]:
    by_type = [one for one in fields if one.custom in rule.custom]
    if len(by_type) == 1:
        return by_type
    # several of the right type: the name decides; none: the name and a readable value
    among = by_type or [one for one in fields if one.type in rule.types]
    for name in rule.names:
        named = [one for one in among if one.name.casefold() == name.casefold()]
        if named:
            return named
    return by_type


def _find_slas(
    candidates: Sequence[Field], overrides: Mapping[str, str], fields: Sequence[Field], result: Discovery
) -> None:
    """Every SLA field gets a slot, the oldest first; a choice in the configuration replaces them all."""
    if overrides:
        for column, id_ in overrides.items():
            _take(column, id_, fields, result)
        return
    slas = [one for one in candidates if one.custom == _SLA or one.type == "sd-servicelevelagreement"]
    if len(slas) > SLA_SLOTS:
        message = (
            f"there are {len(slas)} SLA fields, of which {SLA_SLOTS} can be read: choose them in the source's"
            f" [fields] table, for example {_line('sla_1', slas[0])}"
        )
        result.ambiguous.append(Ambiguity("sla_1", tuple(slas), message))
        return
    result.found.update({f"sla_{n}": one for n, one in enumerate(slas, start=1)})


def _take(column: str, id_: str, fields: Sequence[Field], result: Discovery) -> None:
    if not id_:
        return
    named = next((one for one in fields if one.id == id_), None)
    if named is None:
        message = f"fields.{column} names {id_}, which the site does not have or does not show to this account"
        result.ambiguous.append(Ambiguity(column, (), message))
        return
    result.found[column] = named


def _ambiguity(column: str, fitting: Sequence[Field]) -> Ambiguity:
    listed = ", ".join(f'{one.id} "{one.name}"' for one in fitting)
    message = (
        f"{column} could be any of {listed}: choose one in the source's [fields] table, for example"
        f' {_line(column, fitting[0])}, or {column} = "" for none'
    )
    return Ambiguity(column, tuple(fitting), message)


def _line(column: str, field_: Field) -> str:
    return f'{column} = "{field_.id}"'


def _inner(column: str, found: Field) -> str:
    """The path below the field. A column read as JSON takes the whole value."""
    return "" if CUSTOM[column] == "json" else _INNER.get(found.type, "")


def scoped(records: Iterable[bytes], keys: Iterable[str]) -> set[str]:
    """The ids of the projects with these keys, among the records of the stream ``project``."""
    wanted = set(keys)
    found = set()
    for record in records:
        try:
            project: Any = msgspec.json.decode(record)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if isinstance(project, dict) and project.get("key") in wanted:
            found.add(str(project.get("id")))
    return found
