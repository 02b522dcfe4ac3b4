"""Jira: issues of the configured projects with their history, from Cloud or Data Center, with a read-only account.

SLAs, approvals, satisfaction and configuration items of Jira Service Management are fields of the issue. Nothing is
written, no app in the site is needed.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from connectors import Connector
from connectors.jira.instance import Jira
from connectors.jira.settings import Settings
from connectors.jira.streams import STREAMS

__all__ = ["ROLES", "STREAMS", "Settings", "connect"]

ROLES = (
    "A user with Browse projects in every configured project, and a Jira Service Management agent licence (role Service"
    " Desk Team) where SLAs are read: customers are shown none. The role Object Schema Users in Assets, where that is"
    " read. No right to edit."
)


def connect(source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> Connector:
    """The connector of one site; opens no connection."""
    return Jira(source, settings, secrets)
