"""What a field looks like in an answer: a plain value, a reference with its link, or the label that people see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from connectors.servicenow.simulator.tables import Table

Shown = str | dict[str, str]
Mode = Literal["false", "true", "all"]

_TASKS = ("incident", "problem", "change_request", "change_task")
_TARGETS = {
    "sys_user": "opened_by closed_by resolved_by reopened_by caller_id assigned_to requested_by approver owned_by "
    "managed_by manager fix_by confirmed_by",
    "sys_user_group": "assignment_group support_group group",
    "cmdb_ci": "cmdb_ci ci_item child",
    "cmdb_ci_service": "business_service",
    "core_company": "company vendor manufacturer",
    "incident": "parent_incident",
    "problem": "problem_id duplicate_of",
    "change_request": "rfc caused_by change_request",
    "contract_sla": "sla",
    "task": "task sysapproval parent task_number",
    "std_change_producer_version": "std_change_producer_version",
}
_REFERENCES = {name: target for target, names in _TARGETS.items() for name in names.split()}
_PARENTS = {"cmdb_rel_ci": "cmdb_ci", "sys_user_group": "sys_user_group", "core_company": "core_company"}
"""What ``parent`` refers to, where it is no task."""

_FLAGS = frozenset({"vendor", "manufacturer"})
"""Fields that are references elsewhere but true or false in ``core_company``."""


_TIME = re.compile(r"(?!1970)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
"""Points in time; those of 1970 are lengths of time."""
_FORM = "%Y-%m-%d %H:%M:%S"


def to_utc(value: str, zone: str) -> str:
    """A time by the clock of a zone, in UTC; any other text as it is."""
    if not _TIME.fullmatch(value):
        return value
    return datetime.strptime(value, _FORM).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).strftime(_FORM)


def to_zone(value: str, zone: str) -> str:
    """A time in UTC, by the clock of a zone; any other text as it is."""
    if not _TIME.fullmatch(value):
        return value
    return datetime.strptime(value, _FORM).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).strftime(_FORM)


@dataclass(frozen=True, slots=True)
class Display:
    """How the fields of one answer are shown; ``zone`` is the account's time zone, by which labels of times are."""

    url: str
    table: str
    tables: Mapping[str, Table]
    mode: Mode
    has_links: bool
    zone: str = "GMT"

    @property
    def is_plain(self) -> bool:
        """Whether every field is shown as it is stored."""
        return self.mode == "false" and not self.has_links

    def show(self, name: str, value: str) -> Shown:
        """One field in the form that was asked for."""
        target = self._target(name)
        link = {"link": f"{self.url}/api/now/table/{target}/{value}"} if target and self.has_links and value else {}
        if self.mode == "false":
            return {**link, "value": value} if link else value
        label = self._label(name, value, target)
        if self.mode == "all":
            return {"display_value": label, "value": value, **link}
        return {"display_value": label, **link} if link else label

    def _target(self, name: str) -> str | None:
        if self.table == "core_company" and name in _FLAGS:
            return None
        if name == "parent" and self.table in _PARENTS:
            return _PARENTS[self.table]
        return _REFERENCES.get(name)

    def _label(self, name: str, value: str, target: str | None) -> str:
        if target is None:
            return self._choice(name, value)
        for table in _TASKS if target == "task" else (target,):
            row = self.tables[table].rows.get(value) if table in self.tables else None
            if row is not None:
                return row.get("number") or row.get("name") or value
        return value

    def _choice(self, name: str, value: str) -> str:
        """The label of ``sys_choice``: of the table itself, else of the table that it extends."""
        choices = self.tables["sys_choice"].rows.values() if "sys_choice" in self.tables else ()
        parent = "task" if self.table in _TASKS else "cmdb_ci" if self.table == "cmdb_ci_service" else ""
        found = {
            row["name"]: row["label"]
            for row in choices
            if row["name"] in (self.table, parent) and row["element"] == name and row["value"] == value
        }
        return found.get(self.table) or found.get(parent) or to_zone(value, self.zone)
