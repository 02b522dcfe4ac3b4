"""What is read of an instance: the streams in their order, their scope, and what an administrator grants for each.

Not read, though they tell of the same records: ``sys_journal_field`` (comments and work notes: free text about people,
in most instances the largest table but the audit, and no figure needs it), ``sys_history_set`` and ``sys_history_line``
(caches that are cleaned, not meant for reports), ``ar_*`` (only asked for records that vanished).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connectors import Stream
from connectors.servicenow import tables

AUDITED = (
    "incident",
    "problem",
    "problem_task",
    "change_request",
    "change_task",
    "sc_request",
    "sc_req_item",
    "sc_task",
    "rm_release",
    "rm_task",
    "sn_customerservice_case",
    "sn_complaint_case",
    "sn_si_incident",
    "sysapproval_approver",
)
"""The streams whose records have their field history read. One that is not read has no records, so it costs nothing.

The audit files a record under its own class: a complaint that is read as a case only has no history here."""

_AUDITED_FIELDS = (
    "state incident_state problem_state phase_state request_state stage approval priority impact urgency risk type"
    " assignment_group assigned_to start_date end_date work_start work_end planned_start_date planned_end_date"
    " hold_reason on_hold close_code resolution_code resolved_at closed_at reopen_count major_incident_state"
    " major_case_state known_error cause_notes workaround risk_impact_analysis unauthorized cab_date_time"
    " review_status review_date review_comments business_service cmdb_ci problem_id rfc caused_by parent_incident"
    " DELETED"
)
AUDIT_FIELDS = tuple(_AUDITED_FIELDS.split())
"""Fields whose history is read by default. ``sys_audit`` is the largest table of most instances, and work notes and
counters are most of it; its rows are only reached through an index on the document, so each extra field costs rows of
every ticket. ``DELETED`` is what ServiceNow writes when the record itself is deleted."""

STREAMS: tuple[Stream, ...] = (
    *tables.WORDS_AND_PEOPLE,
    *tables.INVENTORY,
    *tables.AGREEMENTS,
    *tables.WORK,
    *tables.BESIDE_WORK,
    *tables.FEEDBACK_AND_KNOWLEDGE,
    tables.DELETIONS,
    Stream("sys_audit", tables.HISTORY, follows=AUDITED, is_counted=False),
)
"""In the order of reading: a stream comes after those it follows."""

_FOUNDATION = "Service Portfolio Management Foundation (com.snc.service_portfolio)"
_RELEASES = "Release Management (com.snc.release_management_v2)"

OPTIONAL: Mapping[str, str] = MappingProxyType(
    {
        "service_commitment": _FOUNDATION,
        "service_offering_commitment": _FOUNDATION,
        "conflict": "Change Management - Collision Detector (com.snc.change.collision)",
        "rm_release": _RELEASES,
        "rm_task": _RELEASES,
        "sn_customerservice_case": "Customer Service Management (com.sn_customerservice)",
        "sn_complaint_case": "the complaint case type of Customer Service Management",
        "sn_si_incident": "Security Incident Response (com.snc.security_incident)",
        "cmdb_outage_ci_mtom": "outages with several affected items, of newer releases",
        "task_outage": "Task-Outage Relationship (com.snc.task_outage)",
    }
)
"""Streams that are read only when the settings name them under ``also``, and the plugin that brings the table.

The others are in every instance with the ITSM applications. Which plugins are active differs between instances, and a
table that is missing would end the run as incomplete. Security incidents are restricted data besides.
"""

STAMP: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "task_sla": (
            "stage",
            "active",
            "has_breached",
            "start_time",
            "end_time",
            "original_breach_time",
            "planned_end_time",
            "pause_time",
            "pause_duration",
            "sla",
        )
    }
)
"""The fields that tell one version of a record from another, for streams whose update time moves with the clock.

Jobs write elapsed and remaining time of running clocks again and again, and perhaps the update time with them. These
fields move only when something happens: attached, paused, resumed, breached, stopped, repaired. The breach time
(`planned_end_time`) is moved by pauses, and the length of a pause is written when it ends, not while it lasts."""

_READ = tuple(stream.name for stream in STREAMS)
_DELETED_TABLES = tuple(name for name in _READ if name not in ("sys_choice", "sys_audit", "sys_audit_delete"))

SCOPE: Mapping[str, str] = MappingProxyType(
    {
        # Every table of the instance keeps its words here. Those of `task` are inherited by the tickets.
        "sys_choice": f"nameINtask,{','.join(_READ)}",
        # A deletion is filed under the record's own class: the items' and assets' classes are hundreds.
        "sys_audit_delete": f"tablenameIN{','.join(_DELETED_TABLES)}"
        "^ORtablenameSTARTSWITHcmdb_ci^ORtablenameSTARTSWITHalm_",
    }
)
"""What of a table is read at all, where it is not the whole table (encoded query)."""

_OWN_ACL = "no shipped read-only role: a read ACL on {} for the account's own role"
_CHANGES = "itil (or sn_change_read)"
_ITEMS = "itil (or sn_cmdb_user)"
_PROBLEMS = "itil (or sn_problem_read)"
_REQUESTS = "itil (or sn_request_read)"
_SURVEYS = "survey_reader"

ROLE: Mapping[str, str] = MappingProxyType(
    {
        "incident": "itil (or sn_incident_read)",
        "problem": _PROBLEMS,
        "problem_task": _PROBLEMS,
        "change_request": _CHANGES,
        "change_task": _CHANGES,
        "conflict": _CHANGES,
        "sc_request": _REQUESTS,
        "sc_req_item": _REQUESTS,
        "sc_task": _REQUESTS,
        "rm_release": "sn_release_read (or release_v2_user)",
        "rm_task": "sn_release_read (or release_v2_user)",
        "sn_customerservice_case": "sn_customerservice_agent, or a read ACL for the account's own role",
        "sn_complaint_case": "sn_complaint.viewer, or a read ACL for the account's own role",
        "sn_si_incident": "sn_si.read",
        "cmdb_ci": _ITEMS,
        "cmdb_ci_service": _ITEMS,
        "cmdb_rel_ci": _ITEMS,
        "service_offering": "service_viewer",
        "service_commitment": "portfolio_viewer",
        "service_offering_commitment": "portfolio_viewer",
        "alm_asset": "itil (or asset)",
        "asmt_metric_type": _SURVEYS,
        "asmt_metric": _SURVEYS,
        "asmt_assessment_instance": _SURVEYS,
        "asmt_metric_result": _SURVEYS,
        "kb_knowledge": "itil, and 'can read' of the knowledge bases by their user criteria",
        "sys_audit": _OWN_ACL.format("sys_audit"),
        "sys_audit_delete": _OWN_ACL.format("sys_audit_delete"),
        "sys_choice": "personalize_choices",
    }
)
"""The role that grants reading a table; ``itil`` for the others."""


def role(table: str) -> str:
    """What to ask the administrator of the instance for, when a table is refused."""
    return ROLE.get(table, "itil")


def roles() -> list[tuple[str, str]]:
    """Table and role of every stream, in the order of reading: what an administrator grants, for reading only."""
    return [(stream.name, role(stream.name)) for stream in STREAMS]
