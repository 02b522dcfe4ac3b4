"""Where Dagster keeps its state: a folder beside the warehouse, with the project's dagster.yaml linked in."""

from __future__ import annotations

import os
from pathlib import Path

from pipelines.configuration import Configuration

SETTINGS = Path(__file__).parent.parent / "dagster.yaml"


def home(configuration: Configuration) -> Path:
    """Make the folder, link the settings, and point Dagster and its children at it; returns the folder."""
    folder = configuration.store.warehouse.parent / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "dagster.yaml"
    if not link.exists() or link.resolve() != SETTINGS.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(SETTINGS)
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    os.environ["SMS_EVIDENCE_CONFIG"] = str(configuration.path)
    return folder
