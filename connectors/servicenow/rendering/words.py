"""The words of a stock instance: what our own words are stored as, and the labels that ``sys_choice`` has for them."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.servicenow.rendering.values import sys_id

Row = dict[str, str]

INCIDENT_STATE = {
    "new": "1",
    "in_progress": "2",
    "on_hold": "3",
    "resolved": "6",
    "closed": "7",
    "cancelled": "8",
}
PROBLEM_STATE = {
    "new": "101",
    "assess": "102",
    "root_cause_analysis": "103",
    "fix_in_progress": "104",
    "resolved": "106",
    "closed": "107",
    "cancelled": "107",
}
CHANGE_STATE = {
    "new": "-5",
    "assess": "-4",
    "authorize": "-3",
    "scheduled": "-2",
    "implement": "-1",
    "review": "0",
    "closed": "3",
    "cancelled": "4",
}
TASK_STATE = {"pending": "-5", "open": "1", "in_progress": "2", "closed": "3", "skipped": "7"}
APPROVAL = {
    "not_requested": "not requested",
    "requested": "requested",
    "approved": "approved",
    "rejected": "rejected",
    "cancelled": "cancelled",
    "not_required": "not_required",
}
RISK = {"very_high": "1", "high": "2", "moderate": "3", "low": "4"}
OUTCOME = {
    "successful": "successful",
    "successful_with_issues": "successful_issues",
    "unsuccessful": "unsuccessful",
    "backed_out": "unsuccessful",
}
RESOLUTION = {
    "fix_applied": "fix_applied",
    "risk_accepted": "risk_accepted",
    "duplicate": "duplicate",
    "cancelled": "canceled",
}
IMPACT_URGENCY = {"1": ("1", "1"), "2": ("1", "2"), "3": ("2", "2"), "4": ("2", "3"), "5": ("3", "3")}
"""Impact and urgency that the stock matrix turns into a priority."""

INSTALL_STATUS = {
    "planned": "4",
    "in_use": "1",
    "on_order": "2",
    "in_maintenance": "3",
    "in_stock": "6",
    "retired": "7",
    "missing": "100",
}
OPERATIONAL_STATUS = {
    "operational": "1",
    "in_use": "1",
    "non_operational": "2",
    "in_maintenance": "3",
    "in_stock": "5",
    "retired": "6",
}
ITEM_CLASS = {
    "application": "cmdb_ci_appl",
    "database": "cmdb_ci_db_instance",
    "server": "cmdb_ci_server",
    "network_device": "cmdb_ci_netgear",
    "workstation": "cmdb_ci_computer",
}
SLA_TYPE = {"sla": "SLA", "ola": "OLA", "underpinning_contract": "Underpinning contract"}

Choice = tuple[str, str]

_APPROVALS: tuple[Choice, ...] = (
    ("not requested", "Not Yet Requested"),
    ("requested", "Requested"),
    ("approved", "Approved"),
    ("rejected", "Rejected"),
    ("cancelled", "Cancelled"),
    ("not_required", "No Longer Required"),
    ("duplicate", "Duplicate"),
)
_INCIDENT_STATES: tuple[Choice, ...] = (
    ("1", "New"),
    ("2", "In Progress"),
    ("3", "On Hold"),
    ("6", "Resolved"),
    ("7", "Closed"),
    ("8", "Canceled"),
)
_PROBLEM_STATES: tuple[Choice, ...] = (
    ("101", "New"),
    ("102", "Assess"),
    ("103", "Root Cause Analysis"),
    ("104", "Fix in Progress"),
    ("106", "Resolved"),
    ("107", "Closed"),
)
_LEVELS: tuple[Choice, ...] = (("1", "1 - High"), ("2", "2 - Medium"), ("3", "3 - Low"))
_CLOSE_CODES = (
    "Duplicate",
    "Known error",
    "Resolved by caller",
    "Resolved by change",
    "Resolved by problem",
    "Solution provided",
    "User error",
    "Workaround provided",
)

CHOICES: Mapping[tuple[str, str], tuple[Choice, ...]] = {
    ("incident", "state"): _INCIDENT_STATES,
    ("incident", "incident_state"): _INCIDENT_STATES,
    ("incident", "close_code"): tuple((code, code) for code in _CLOSE_CODES),
    ("incident", "hold_reason"): (
        ("1", "Awaiting Caller"),
        ("3", "Awaiting Problem"),
        ("4", "Awaiting Vendor"),
        ("5", "Awaiting Change"),
    ),
    ("problem", "state"): _PROBLEM_STATES,
    ("problem", "problem_state"): _PROBLEM_STATES,
    ("problem", "resolution_code"): (
        ("fix_applied", "Fix Applied"),
        ("risk_accepted", "Risk Accepted"),
        ("duplicate", "Duplicate"),
        ("canceled", "Canceled"),
    ),
    ("change_request", "state"): (
        ("-5", "New"),
        ("-4", "Assess"),
        ("-3", "Authorize"),
        ("-2", "Scheduled"),
        ("-1", "Implement"),
        ("0", "Review"),
        ("3", "Closed"),
        ("4", "Canceled"),
    ),
    ("change_request", "type"): (("normal", "Normal"), ("standard", "Standard"), ("emergency", "Emergency")),
    ("change_request", "risk"): (("1", "Very High"), ("2", "High"), ("3", "Moderate"), ("4", "Low")),
    ("change_request", "close_code"): (
        ("successful", "Successful"),
        ("successful_issues", "Successful with issues"),
        ("unsuccessful", "Unsuccessful"),
    ),
    ("change_task", "state"): (
        ("-5", "Pending"),
        ("1", "Open"),
        ("2", "In Progress"),
        ("3", "Closed Complete"),
        ("4", "Closed Incomplete"),
        ("7", "Closed Skipped"),
    ),
    ("problem_task", "state"): (
        ("151", "New"),
        ("152", "Assess"),
        ("154", "Work in Progress"),
        ("157", "Closed"),
    ),
    ("problem_task", "problem_task_type"): (("rca", "Root Cause Analysis"), ("general", "General")),
    ("sc_request", "request_state"): (
        ("requested", "Pending Approval"),
        ("in_process", "Approved"),
        ("closed_complete", "Closed Complete"),
        ("closed_incomplete", "Closed Incomplete"),
        ("closed_cancelled", "Closed Cancelled"),
        ("closed_rejected", "Closed Rejected"),
    ),
    ("task", "state"): (
        ("-5", "Pending"),
        ("1", "Open"),
        ("2", "Work in Progress"),
        ("3", "Closed Complete"),
        ("4", "Closed Incomplete"),
        ("7", "Closed Skipped"),
    ),
    ("task", "priority"): (
        ("1", "1 - Critical"),
        ("2", "2 - High"),
        ("3", "3 - Moderate"),
        ("4", "4 - Low"),
        ("5", "5 - Planning"),
    ),
    ("task", "impact"): _LEVELS,
    ("task", "urgency"): _LEVELS,
    ("task", "approval"): _APPROVALS,
    ("sysapproval_approver", "state"): _APPROVALS,
    ("cmdb_ci", "install_status"): (
        ("0", "Implementing"),
        ("1", "Installed"),
        ("2", "On Order"),
        ("3", "In Maintenance"),
        ("4", "Pending Install"),
        ("5", "Pending Repair"),
        ("6", "In Stock"),
        ("7", "Retired"),
        ("8", "Stolen"),
        ("100", "Absent"),
    ),
    ("cmdb_ci", "operational_status"): (
        ("1", "Operational"),
        ("2", "Non-Operational"),
        ("3", "Repair in Progress"),
        ("4", "DR Standby"),
        ("5", "Ready"),
        ("6", "Retired"),
        ("7", "Pipeline"),
        ("8", "Catalog"),
    ),
    ("task_sla", "stage"): (
        ("in_progress", "In progress"),
        ("paused", "Paused"),
        ("completed", "Completed"),
        ("cancelled", "Cancelled"),
    ),
    ("contract_sla", "type"): tuple((value, value) for value in SLA_TYPE.values()),
    ("contract_sla", "target"): (("response", "Response"), ("resolution", "Resolution"), ("none", "None")),
    ("cmdb_ci_outage", "type"): (
        ("outage", "Outage"),
        ("planned", "Planned Outage"),
        ("degradation", "Degradation"),
    ),
    ("asmt_assessment_instance", "state"): (
        ("ready", "Ready to take"),
        ("wip", "Work in progress"),
        ("complete", "Complete"),
        ("canceled", "Canceled"),
    ),
    ("kb_knowledge", "workflow_state"): (
        ("draft", "Draft"),
        ("review", "Review"),
        ("published", "Published"),
        ("retired", "Retired"),
    ),
}
"""Values and labels by table and element, in the order of the list that a person picks from."""

_SHIPPED_ON = "2024-01-02 00:00:00"


def choices() -> list[Row]:
    """The rows of ``sys_choice``, as shipped and never touched since."""
    return [
        {
            "sys_id": sys_id("sys_choice", f"{table}.{element}.{value}"),
            "name": table,
            "element": element,
            "value": value,
            "label": label,
            "language": "en",
            "inactive": "false",
            "dependent_value": "",
            "sequence": str(place),
            "sys_created_on": _SHIPPED_ON,
            "sys_created_by": "admin",
            "sys_updated_on": _SHIPPED_ON,
            "sys_updated_by": "admin",
            "sys_mod_count": "0",
        }
        for (table, element), listed in CHOICES.items()
        for place, (value, label) in enumerate(listed, 1)
    ]
