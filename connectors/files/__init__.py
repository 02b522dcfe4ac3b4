"""Registers kept outside the ticket tools: one folder with one CSV file each, read as they stand.

Nothing is written into the folder. Every row keeps the exact text that it has in its file.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from connectors import Connector
from connectors.files.instance import Files
from connectors.files.settings import Settings
from connectors.files.streams import STREAMS

__all__ = ["ROLES", "STREAMS", "Settings", "connect"]

ROLES = "The right to list the folder and to read its files. No right to write. Replace a file by renaming a whole one."


def connect(source: str, settings: Settings, secrets: Mapping[str, SecretStr]) -> Connector:
    """The connector of one folder; reads nothing yet. There are no secrets."""
    return Files(source, settings)
