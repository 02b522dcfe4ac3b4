"""People, groups, services, items, agreements, clocks and outages of the sample as rows of ServiceNow's tables.

Each function turns the neutral fields, as they stood at one moment, into the vendor's fields.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connectors.sample import Record, Values, clock
from connectors.servicenow.rendering.values import EPOCH, duration, elapsed, reference, sys_id, text, utc
from connectors.servicenow.rendering.words import INSTALL_STATUS, ITEM_CLASS, OPERATIONAL_STATUS, SLA_TYPE

Row = dict[str, str]

_ITEM_BLANKS = (
    "sys_class_path asset_tag business_criticality managed_by assigned_to location vendor model_id manufacturer "
    "attributes life_cycle_stage life_cycle_stage_status correlation_id assignment_group"
)
_SERVICE_BLANKS = "service_status service_owner_delegate sla"
_AGREEMENT_BLANKS = (
    "duration_type schedule timezone timezone_source vendor service_commitment pause_condition reset_condition"
)


def person(values: Values) -> Row:
    """A row of ``sys_user``."""
    first, _, last = text(values["name"]).partition(" ")
    return {
        "user_name": text(values["user_name"]),
        "name": text(values["name"]),
        "first_name": first,
        "last_name": last,
        "email": text(values["email"]),
        "active": text(bool(values["is_active"])),
        "time_zone": "",
        "sys_domain": "global",
    }


def team(values: Values) -> Row:
    """A row of ``sys_user_group``."""
    return {
        "name": text(values["name"]),
        "manager": reference("person", values["manager"]),
        "parent": "",
        "type": "",
        "description": "",
        "active": "true",
        "sys_domain": "global",
    }


def company(name: str) -> Row:
    """The row of ``core_company`` for the organisation itself."""
    return {
        "name": name,
        "parent": "",
        "vendor": "false",
        "customer": "false",
        "manufacturer": "false",
        "primary": "true",
        "sys_domain": "global",
    }


def class_of(values: Values) -> str:
    """The table of a configuration item's own class."""
    return ITEM_CLASS.get(text(values["class"]), "cmdb_ci")


def item(values: Values) -> Row:
    """A row of ``cmdb_ci`` for a configuration item."""
    status = text(values["status"])
    return {
        **dict.fromkeys(_ITEM_BLANKS.split(), ""),
        "name": text(values["name"]),
        "sys_class_name": class_of(values),
        "sys_domain": "global",
        "short_description": text(values["description"]),
        "serial_number": text(values["serial_number"]),
        "install_status": INSTALL_STATUS[status],
        "operational_status": OPERATIONAL_STATUS.get(status, "2"),
        "environment": text(values["environment"]),
        "support_group": reference("team", values["team"]),
        "owned_by": reference("person", values["owner"]),
        "company": sys_id("company", 1),
        "discovery_source": "ServiceNow" if values["discovered_at"] else "",
        "first_discovered": text(values.get("first_discovered_at")),
        "last_discovered": text(values["discovered_at"]),
        "unverified": "false",
    }


def service(values: Values) -> Row:
    """A row of ``cmdb_ci_service``; ``busines_criticality`` is ServiceNow's own spelling."""
    state = text(values["state"])
    return {
        **dict.fromkeys((_ITEM_BLANKS + " " + _SERVICE_BLANKS).split(), ""),
        "name": text(values["name"]),
        "sys_class_name": "cmdb_ci_service",
        "sys_domain": "global",
        "short_description": text(values["description"]),
        "serial_number": "",
        "install_status": "7" if state == "retired" else "1",
        "operational_status": OPERATIONAL_STATUS[state],
        "environment": "production",
        "support_group": reference("team", values["team"]),
        "owned_by": reference("person", values["owner"]),
        "company": sys_id("company", 1),
        "discovery_source": "",
        "first_discovered": "",
        "last_discovered": "",
        "unverified": "false",
        "busines_criticality": text(values["criticality"]),
        "service_classification": "Business Service",
    }


def service_item(values: Values) -> Row:
    """A service as the parent table ``cmdb_ci`` shows it: without the columns of its own class."""
    own = {"busines_criticality", "service_classification", *_SERVICE_BLANKS.split()}
    return {name: value for name, value in service(values).items() if name not in own}


def relation(values: Values) -> Row:
    """A row of ``cmdb_rel_ci``; the type is given in words."""
    return {
        "parent": reference(text(values["parent_entity"]), values["parent"]),
        "child": reference(text(values["child_entity"]), values["child"]),
        "type": text(values["type"]),
        "connection_strength": "always",
    }


def affected(values: Values) -> Row:
    """A row of ``task_ci``: a configuration item that a ticket names."""
    return {
        "task": reference(text(values["entity"]), values["ticket"]),
        "ci_item": reference("configuration_item", values["key"]),
        "applied": "true",
        "applied_date": text(values["named_at"]),
    }


def outage(values: Values) -> Row:
    """A row of ``cmdb_ci_outage``: on the item when one is named, else on the service."""
    kind = text(values["type"])
    ticket = reference("incident", values["incident"])
    return {
        "cmdb_ci": reference("configuration_item", values["configuration_item"])
        or reference("service", values["service"]),
        "type": kind,
        "short_description": {"planned": "Planned outage", "degradation": "Degradation"}.get(kind, "Outage"),
        "message": "",
        "details": "",
        "task_number": ticket,
        "begin": text(values["begin_at"]),
        "end": text(values["end_at"]),
        "duration": elapsed(values["begin_at"], values["end_at"]),
        "sys_domain": "global",
    }


def agreement(values: Values) -> Row:
    """A row of ``contract_sla``."""
    seconds, priority = values["target_seconds"], text(values["priority"])
    stop = "stateIN6,7" if values["target"] == "resolution" else "stateNOT IN1"
    return {
        **dict.fromkeys(_AGREEMENT_BLANKS.split(), ""),
        "name": text(values["name"]),
        "sys_class_name": "contract_sla",
        "type": SLA_TYPE[text(values["type"])],
        "target": text(values["target"]),
        "collection": text(values["entity"]),
        "duration": duration(seconds) if isinstance(seconds, int) else "",
        "schedule_source": "no_schedule",
        "start_condition": f"active=true^priority={priority}^EQ" if priority else "",
        "stop_condition": f"{stop}^EQ",
        "active": "true",
        "sys_domain": "global",
    }


def running(record: Record, definition: Record, moment: datetime) -> Row:
    """A row of ``task_sla`` as its clock reads at ``moment``.

    A pause moves the breach time, and enters the paused duration, when it has ended and not while it lasts.
    """
    values, read = record.at(moment) or record.values, clock(record, definition, moment)
    target = definition.values["target_seconds"]
    if not isinstance(target, int):
        raise TypeError(f"sla_definition {definition.key} has no target")
    pauses = values["pauses"]
    paused_at = pauses[-1][0] if isinstance(pauses, list) and read.state == "paused" else None
    counted = clock(record, definition, paused_at) if paused_at is not None else read
    spent, left = duration(read.elapsed_seconds), duration(target - read.elapsed_seconds)
    percentage = f"{100 * read.elapsed_seconds / target:.2f}"
    return {
        "task": reference("incident", values["incident"]),
        "sla": reference("sla_definition", definition.key),
        "stage": read.state,
        "active": text(read.state in ("in_progress", "paused")),
        "has_breached": text(read.is_breached),
        "start_time": utc(read.started_at),
        "end_time": text(read.stopped_at),
        "planned_end_time": utc(counted.breach_at),
        "original_breach_time": utc(read.started_at + timedelta(seconds=target)),
        "pause_time": text(paused_at),
        "pause_duration": duration(counted.paused_seconds),
        "business_pause_duration": duration(counted.paused_seconds),
        "duration": spent,
        "business_duration": spent,
        "percentage": percentage,
        "business_percentage": percentage,
        "time_left": left if read.stopped_at is None else EPOCH,
        "business_time_left": left if read.stopped_at is None else EPOCH,
        "schedule": "",
        "timezone": "",
        "sys_domain": "global",
    }
