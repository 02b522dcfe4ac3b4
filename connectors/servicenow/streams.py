"""The tables that are read, their fields, and what is particular about each.

Column names are ServiceNow's own field names. Every request names its fields: a table has hundreds, some of them
personal or slow to compute. A field that the account may not read, or that the instance does not have, is simply
missing from the rows (the Table API ignores unknown names), which the stage reads as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connectors import Column, Kind, Stream

_BOOKKEEPING: Mapping[Kind, str] = MappingProxyType(
    {
        "text": "sys_id sys_created_by sys_updated_by",
        "utc": "sys_created_on sys_updated_on",
        "integer": "sys_mod_count",
    }
)

_TASK: Mapping[Kind, str] = MappingProxyType(
    {
        "text": "number sys_class_name sys_domain short_description description state approval opened_by closed_by"
        " close_notes assignment_group assigned_to priority impact urgency business_service service_offering cmdb_ci"
        " company location contract parent contact_type correlation_id",
        "utc": "opened_at closed_at due_date expected_start work_start work_end approval_set",
        "integer": "escalation reassignment_count",
        "boolean": "active",
    }
)

_CONFIGURATION_ITEM: Mapping[Kind, str] = MappingProxyType(
    {
        "text": "name sys_class_name sys_class_path sys_domain short_description asset_tag serial_number"
        " install_status operational_status environment business_criticality support_group assignment_group owned_by"
        " managed_by assigned_to company location vendor model_id manufacturer discovery_source attributes"
        " life_cycle_stage life_cycle_stage_status correlation_id",
        "utc": "first_discovered last_discovered",
        "boolean": "unverified",
    }
)


def _columns(*parts: Mapping[Kind, str]) -> Mapping[str, Column]:
    """Field names by kind, as columns. A later part adds to the earlier ones."""
    return MappingProxyType(
        {name: Column(name, kind) for part in parts for kind, names in part.items() for name in names.split()}
    )


def _stream(name: str, *parts: Mapping[Kind, str], volatile: str = "") -> Stream:
    return Stream(name, _columns(_BOOKKEEPING, *parts), volatile=tuple(volatile.split()))


AUDITED = ("incident", "problem", "change_request", "change_task", "sysapproval_approver")
"""The streams whose records have their field history read."""

_AUDITED_FIELDS = (
    "state incident_state problem_state phase_state approval priority impact urgency risk type assignment_group"
    " assigned_to start_date end_date work_start work_end planned_start_date planned_end_date hold_reason on_hold"
    " close_code resolution_code resolved_at closed_at reopen_count major_incident_state known_error cause_notes"
    " workaround risk_impact_analysis unauthorized cab_date_time review_status review_date review_comments"
    " business_service cmdb_ci problem_id rfc caused_by parent_incident DELETED"
)
AUDIT_FIELDS = tuple(_AUDITED_FIELDS.split())
"""Fields whose history is read by default. ``sys_audit`` is the largest table of most instances, and work notes and
counters are most of it; its rows are only reached through an index on the document, so each extra field costs rows of
every ticket. ``DELETED`` is what ServiceNow writes when the record itself is deleted."""

STREAMS: tuple[Stream, ...] = (
    _stream(
        "sys_choice",
        {"text": "name element value label language dependent_value", "integer": "sequence", "boolean": "inactive"},
    ),
    _stream("sys_user", {"text": "user_name name email sys_domain", "boolean": "active"}),
    _stream("sys_user_group", {"text": "name manager parent type description sys_domain", "boolean": "active"}),
    _stream(
        "core_company",
        {"text": "name parent sys_domain", "boolean": "vendor customer manufacturer"},
    ),
    _stream("cmdb_ci", _CONFIGURATION_ITEM),
    _stream(
        "cmdb_ci_service",
        _CONFIGURATION_ITEM,
        # ServiceNow's own name for the criticality of a service lacks an "s".
        {"text": "busines_criticality service_classification service_status service_owner_delegate sla"},
    ),
    _stream("cmdb_rel_ci", {"text": "parent child type connection_strength"}),
    _stream(
        "incident",
        _TASK,
        {
            "text": "caller_id category subcategory incident_state severity hold_reason resolved_by reopened_by"
            " close_code problem_id rfc caused_by parent_incident major_incident_state origin_id",
            "utc": "resolved_at reopened_time",
            "integer": "reopen_count child_incidents",
            "seconds": "business_duration calendar_duration",
        },
    ),
    _stream(
        "problem",
        _TASK,
        {
            "text": "problem_state resolution_code cause_notes fix_notes workaround category subcategory"
            " first_reported_by_task duplicate_of confirmed_by fix_by resolved_by reopened_by rfc review_outcome",
            "utc": "confirmed_at fix_at resolved_at reopened_at workaround_communicated_at fix_communicated_at",
            "integer": "related_incidents reopen_count",
            "boolean": "known_error major_problem workaround_applied",
        },
    ),
    _stream(
        "change_request",
        _TASK,
        {
            "text": "type category chg_model phase phase_state close_code risk requested_by reason justification"
            " implementation_plan backout_plan test_plan risk_impact_analysis cab_recommendation on_hold_reason"
            " conflict_status review_status review_comments std_change_producer_version scope",
            "utc": "start_date end_date requested_by_date cab_date_time conflict_last_run",
            "date": "cab_date review_date",
            "boolean": "cab_required on_hold outside_maintenance_schedule unauthorized production_system",
        },
    ),
    _stream(
        "change_task",
        _TASK,
        {
            "text": "change_request change_task_type close_code on_hold_reason",
            "utc": "planned_start_date planned_end_date",
            "boolean": "on_hold",
        },
    ),
    _stream("task_ci", {"text": "task ci_item", "utc": "applied_date", "boolean": "applied"}),
    _stream(
        "contract_sla",
        {
            "text": "name type target collection duration_type schedule schedule_source timezone timezone_source"
            " vendor service_commitment start_condition pause_condition stop_condition reset_condition sys_domain"
            " sys_class_name",
            "seconds": "duration",
            "boolean": "active",
        },
    ),
    _stream(
        "task_sla",
        {
            "text": "task sla stage schedule timezone",
            "utc": "start_time end_time planned_end_time original_breach_time pause_time",
            "seconds": "duration business_duration pause_duration business_pause_duration time_left business_time_left",
            "double": "percentage business_percentage",
            "boolean": "active has_breached",
        },
        # Jobs refresh these of every running clock, each minute to every five days; a start, pause, breach or stop
        # also moves one of the other fields.
        volatile="percentage business_percentage time_left business_time_left duration business_duration"
        " sys_updated_on sys_updated_by sys_mod_count",
    ),
    _stream("sysapproval_approver", {"text": "sysapproval document_id source_table approver state group"}),
    _stream(
        "cmdb_ci_outage",
        {
            "text": "cmdb_ci type short_description message details task_number",
            "utc": "begin end",
            "seconds": "duration",
        },
    ),
    Stream(
        "sys_audit",
        _columns(
            {
                "text": "sys_id tablename fieldname documentkey oldvalue newvalue user reason",
                "integer": "record_checkpoint",
                "utc": "sys_created_on",
            }
        ),
        follows=AUDITED,
        is_counted=False,
    ),
)
"""In the order of reading: a stream comes after those it follows."""

SCOPE: Mapping[str, str] = MappingProxyType(
    {
        # Every table of the instance keeps its words here. Those of `task` are inherited by the tickets.
        "sys_choice": "nameINtask,incident,problem,change_request,change_task,task_sla,contract_sla,"
        "sysapproval_approver,cmdb_ci,cmdb_ci_service,cmdb_ci_outage,cmdb_rel_ci",
    }
)
"""What of a table is read at all, where it is not the whole table (encoded query)."""

ROLE: Mapping[str, str] = MappingProxyType(
    {
        "incident": "itil (or sn_incident_read)",
        "problem": "itil (or sn_problem_read)",
        "change_request": "itil (or sn_change_read)",
        "change_task": "itil (or sn_change_read)",
        "cmdb_ci": "itil (or sn_cmdb_user)",
        "cmdb_ci_service": "itil (or sn_cmdb_user)",
        "cmdb_rel_ci": "itil (or sn_cmdb_user)",
        "sys_audit": "no shipped read-only role: a read ACL on sys_audit for the account's own role",
        "sys_choice": "personalize_choices",
    }
)
"""The role that grants reading a table; ``itil`` for the others."""


def role(table: str) -> str:
    """What to ask the administrator of the instance for, when a table is refused."""
    return ROLE.get(table, "itil")
