"""Wiring the connectors to the warehouse: what each installed kind brings, in the warehouse's own terms."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import connectors
from connectors import Connector
from pipelines.configuration import Configuration, secrets
from warehouse.stage import Columns, Vendor


def connect(configuration: Configuration, source: str, environ: Mapping[str, str] = os.environ) -> Connector:
    """The connector of a configured source."""
    settings = configuration.sources[source]
    package = connectors.installed()[getattr(settings, "connector")]  # noqa: B009 - every Settings has it
    connector: Connector = package.connect(source, settings, secrets(source, environ))
    return connector


def vendors() -> list[Vendor]:
    """What every installed connector brings to the warehouse."""
    return [
        Vendor(
            kind,
            {stream.name: columns_of(stream.columns) for stream in package.STREAMS},
            _sql(package, "stage"),
            _sql(package, "canonical"),
        )
        for kind, package in connectors.installed().items()
    ]


def shipped_values(package: ModuleType) -> dict[str, dict[str, str]]:
    """The connector's own meaning of vendor words: field -> vendor word -> canonical word."""
    words: dict[str, dict[str, str]] = {}
    file = _folder(package) / "values.csv"
    if file.exists():
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                words.setdefault(row["field"], {})[row["vendor"]] = row["canonical"]
    return words


def _folder(package: ModuleType) -> Path:
    return Path(package.__path__[0])


def _sql(package: ModuleType, folder: str) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((_folder(package) / folder).glob("*.sql"))}


def columns_of(columns: Mapping[str, connectors.Column]) -> Columns:
    return {name: (column.path, column.kind) for name, column in columns.items()}
