"""The metrics: one file each, a header and the query of its population; one generic step makes the figures."""

from warehouse.metrics.definition import Definition, DefinitionError, Measure, definitions
from warehouse.metrics.engine import TargetError, build, check_targets, helpers, shared_sql

__all__ = [
    "Definition",
    "DefinitionError",
    "Measure",
    "TargetError",
    "build",
    "check_targets",
    "definitions",
    "helpers",
    "shared_sql",
]
