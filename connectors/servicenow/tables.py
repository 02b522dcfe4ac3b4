"""The tables of an instance that hold records of service management, and the fields that are read of each.

Column names are ServiceNow's own field names. Every request names its fields: a table has hundreds, some of them
personal or slow to compute. A field that the account may not read, or that the instance does not have, is simply
missing from the rows (the Table API ignores unknown names), which the stage reads as null. So a comment "unverified"
marks names that are common knowledge and not in the vendor's documentation: a wrong one costs nothing, and
``sms-evidence check`` lists it among the fields not shown.
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

_SERVICE: Mapping[Kind, str] = MappingProxyType(
    # ServiceNow's own name for the criticality of a service lacks an "s".
    {"text": "busines_criticality service_classification service_status service_owner_delegate sla"}
)

# Names of the Case API's answer, which is that of the table. Comments and work notes are left out.
_CASE: Mapping[Kind, str] = MappingProxyType(
    {
        "text": "account consumer contact partner category subcategory resolution_code resolved_by cause problem"
        " change caused_by asset product entitlement major_case_state active_escalation",
        "utc": "resolved_at first_response_time",
        "seconds": "business_duration",
        "boolean": "needs_attention",
    }
)


def columns(*parts: Mapping[Kind, str]) -> Mapping[str, Column]:
    """Field names by kind, as columns. A later part adds to the earlier ones."""
    return MappingProxyType(
        {name: Column(name, kind) for part in parts for kind, names in part.items() for name in names.split()}
    )


def _stream(name: str, *parts: Mapping[Kind, str], volatile: str = "") -> Stream:
    return Stream(name, columns(_BOOKKEEPING, *parts), volatile=tuple(volatile.split()))


WORDS_AND_PEOPLE: tuple[Stream, ...] = (
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
)

INVENTORY: tuple[Stream, ...] = (
    _stream("cmdb_ci", _CONFIGURATION_ITEM),
    # Offerings extend services, so the rows of `service_offering` are among these, without their own fields.
    _stream("cmdb_ci_service", _CONFIGURATION_ITEM, _SERVICE),
    # `parent` (unverified) is the service that is offered.
    _stream("service_offering", _CONFIGURATION_ITEM, _SERVICE, {"text": "parent contract"}),
    # `percentage_avail` (unverified) is what is committed to, 0 to 100.
    _stream(
        "service_commitment",
        {"text": "name type description schedule timezone contract sla sys_domain", "double": "percentage_avail"},
    ),
    # Which offering, or which item, is held to which commitment.
    _stream("service_offering_commitment", {"text": "service_offering service_commitment cmdb_ci", "integer": "order"}),
    _stream("cmdb_rel_ci", {"text": "parent child type connection_strength"}),
    # Unverified but for the tag, the number and the states. What an asset cost is not read.
    _stream(
        "alm_asset",
        {
            "text": "display_name sys_class_name sys_domain asset_tag serial_number model model_category ci"
            " install_status substatus assigned_to owned_by managed_by support_group company location vendor parent",
            "utc": "install_date assigned retired",
            "date": "purchase_date warranty_expiration",
            "double": "quantity",
        },
    ),
)

AGREEMENTS: tuple[Stream, ...] = (
    # Schedules of maintenance and of blackouts extend the schedule, and are among its rows.
    _stream("cmn_schedule", {"text": "name type time_zone parent description sys_class_name sys_domain"}),
    # Start and end are `20260105T080000`, or with a Z: without one they are in the zone of the schedule, so they stay
    # text. `repeat_until` is written as 20261231. All but the first line unverified.
    _stream(
        "cmn_schedule_span",
        {
            "text": "schedule name type start_date_time end_date_time repeat_type"
            " show_as days_of_week monthly_type yearly_type month repeat_until",
            "integer": "repeat_count",
            "boolean": "all_day",
        },
    ),
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
)

WORK: tuple[Stream, ...] = (
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
        "problem_task",
        _TASK,
        {"text": "problem problem_task_type close_code cause_code", "utc": "started_at reopened_at"},
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
    # All unverified.
    _stream("conflict", {"text": "change configuration_item type conflicting_change schedule", "utc": "last_checked"}),
    # Own fields of the three unverified. `price` may come with a currency. What was entered in a form (the variables)
    # stands in other tables and is not read: it can be anything, and most of it is personal.
    _stream("sc_request", _TASK, {"text": "request_state requested_for stage price"}),
    _stream("sc_req_item", _TASK, {"text": "request cat_item stage requested_for", "integer": "quantity"}),
    _stream("sc_task", _TASK, {"text": "request request_item"}),
    # Own fields unverified: releases extend planned tasks, whose planned dates are `start_date` and `end_date`; the
    # forms of Release Management label them planned start and end.
    _stream(
        "rm_release",
        _TASK,
        {"text": "product release_type", "utc": "start_date end_date planned_start_date planned_end_date"},
    ),
    _stream("rm_task", _TASK, {"utc": "start_date end_date planned_start_date planned_end_date"}),
    # A complaint extends a case, and is among its rows, without its own fields.
    _stream("sn_customerservice_case", _TASK, _CASE),
    _stream("sn_complaint_case", _TASK, _CASE),
    # Own fields unverified.
    _stream("sn_si_incident", _TASK, {"text": "category subcategory severity close_code"}),
)

BESIDE_WORK: tuple[Stream, ...] = (
    _stream("task_ci", {"text": "task ci_item", "utc": "applied_date", "boolean": "applied"}),
    # Services and offerings that a task has an impact on. Its fields are unverified.
    _stream("task_cmdb_ci_service", {"text": "task cmdb_ci_service"}),
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
    _stream("sysapproval_group", _TASK),
    _stream("sysapproval_approver", {"text": "sysapproval document_id source_table approver state group"}),
    _stream(
        "cmdb_ci_outage",
        {
            "text": "cmdb_ci type short_description message details task_number",
            "utc": "begin end",
            "seconds": "duration",
        },
    ),
    _stream("cmdb_outage_ci_mtom", {"text": "outage ci_item"}),
    _stream("task_outage", {"text": "task outage"}),
)

FEEDBACK_AND_KNOWLEDGE: tuple[Stream, ...] = (
    # The questionnaires: surveys, and assessments of changes' risks and of suppliers. `evaluation_method` tells which.
    _stream("asmt_metric_type", {"text": "name evaluation_method description table", "boolean": "active"}),
    # The questions. Their fields, but for the name, are unverified.
    _stream("asmt_metric", {"text": "name question metric_type category datatype", "boolean": "active"}),
    _stream(
        "asmt_assessment_instance",
        {
            "text": "number metric_type state user trigger_table trigger_id task_id sys_domain",
            "utc": "taken_on",
            "date": "due_date expiration_date",
        },
    ),
    # One answer. The results by category are computed from these by the platform, and not read.
    _stream(
        "asmt_metric_result",
        {
            "text": "instance instance_question metric user string_value",
            "double": "actual_value normalized_value scaled_value",
        },
    ),
    # Known-error articles are a class of their own (`kb_template_known_error_article`), found by `sys_class_name`;
    # `source` is the problem. The text of articles is not read: workaround and cause of a known error stand in its
    # problem too. Names unverified.
    _stream(
        "kb_knowledge",
        {
            "text": "number short_description sys_class_name sys_domain workflow_state kb_knowledge_base kb_category"
            " article_type source author version",
            "date": "published valid_to",
            "boolean": "active",
        },
    ),
    _stream("metric_definition", {"text": "name table field type description", "boolean": "active"}),
    # What the platform measures of a record by a definition: how long it stood in a state, with a group.
    _stream(
        "metric_instance",
        {
            "text": "definition id table field value",
            "utc": "start end",
            "seconds": "duration business_duration",
            "boolean": "calculation_complete",
        },
    ),
)

DELETIONS = _stream("sys_audit_delete", {"text": "tablename documentkey display_value"})
"""Who deleted what, and when: `sys_created_by`, `sys_created_on`. The deleted record itself (`payload`) is not read.
`display_value` is unverified."""

HISTORY: Mapping[str, Column] = columns(
    {
        "text": "sys_id tablename fieldname documentkey oldvalue newvalue user reason",
        "integer": "record_checkpoint",
        "utc": "sys_created_on",
    }
)
"""The columns of ``sys_audit``, a table without ``sys_updated_on``."""
