"""ServiceNow: tables of one instance through the Table API, with a read-only account.

Nothing is written, and no plugin or application is needed in the instance.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from connectors import Connector
from connectors.servicenow.instance import ServiceNow
from connectors.servicenow.settings import Settings
from connectors.servicenow.streams import STREAMS, roles

__all__ = ["ROLES", "STREAMS", "Settings", "connect", "roles"]

ROLES = (
    "A user with web service access only, time zone GMT, and roles that read without writing: itil (or the read roles"
    " of incident, problem, change and CMDB), survey_reader and service_viewer, plus read ACLs for its role on"
    " sys_audit, sys_audit_delete and sys_choice."
)


def connect(source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> Connector:
    """The connector of one instance; opens no connection."""
    return ServiceNow(source, settings, secrets)
