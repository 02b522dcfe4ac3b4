"""Metric SQL keeps to the subset that carries over to another engine: parsed, checked, and written for Spark.

Transpiling alone proves little: sqlglot passes what it does not know through unchanged (`asof`, `* exclude`, an unknown
function, a map literal). So the functions are a closed list, and the forms that don't carry over are refused by name.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from warehouse.metrics.definition import FOLDER

METRICS = sorted(FOLDER.glob("*.sql"))
SHARED = [FOLDER.parent / "intervals.sql"]
FILES = [*METRICS, *SHARED]

FUNCTIONS = {
    "AND", "ARRAY", "AVG", "CASE", "CAST", "COALESCE", "CONCAT_WS", "COUNT", "GREATEST", "IF", "LAG", "LEAD", "LEAST",
    "MAP", "MAX", "MIN", "NULLIF", "OR", "ROW_NUMBER", "SUM", "TIME_TO_UNIX",
}  # fmt: skip
"""`TIME_TO_UNIX` is `epoch`; `IF` is a branch of `case`, `AND` and `OR` are the operators."""

TYPES = {"VARCHAR", "DOUBLE", "INT", "BIGINT", "DATE", "TIMESTAMPTZ", "BOOLEAN", "TEXT"}


def faults(sql: str) -> list[str]:
    """What does not carry over, in words."""
    found = []
    for tree in sqlglot.parse(sql, read="duckdb"):
        if tree is None:
            continue
        for node in tree.walk():
            found += [fault for fault in _faults_of(node) if fault not in found]
        tree.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
    return found


def _faults_of(node: exp.Expression) -> list[str]:
    match node:
        case exp.Anonymous():
            return [f"function {node.name}"]
        case exp.Func() if node.sql_name() not in FUNCTIONS:
            return [f"function {node.sql_name().lower()}"]
        case exp.Qualify():
            return ["qualify"]
        case exp.Star() if not isinstance(node.parent, exp.Count):
            return ["*"]
        case exp.Join() if node.method or node.kind not in ("", "LEFT", "CROSS", "INNER") or node.args.get("using"):
            return [f"join {node.method or node.kind or 'using'}".lower()]
        case exp.Group() if node.args.get("all"):
            return ["group by all"]
        case exp.DataType() if node.this.name not in TYPES:
            return [f"type {node.this.name.lower()}"]
        case exp.Interval() | exp.Lateral() | exp.Unnest():
            return [node.key]
    return []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_keeps_to_the_portable_subset(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", METRICS, ids=lambda path: path.stem)
def test_a_metric_is_one_select(path: Path) -> None:
    trees = [tree for tree in sqlglot.parse(path.read_text(encoding="utf-8"), read="duckdb") if tree is not None]
    assert [type(tree) for tree in trees] == [exp.Select]
    written = sqlglot.parse_one(trees[0].sql(dialect="spark"), read="spark")
    assert written.named_selects == trees[0].named_selects


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("select a.x from a asof join b on a.t >= b.t", "join asof"),
        ("select x, row_number() over (order by x) as n from a qualify n = 1", "qualify"),
        ("select * exclude (x) from a", "*"),
        ("select x, count(*) from a group by all", "group by all"),
        ("select x from a semi join b on a.x = b.x", "join semi"),
        ("select map {'k': x} from a", "function to_map"),
        ("select t + to_days(3) from a", "function to_days"),
        ("select list_aggregate(x, 'sum') from a", "function list_aggregate"),
        ("select cast(x as decimal(18, 3)) from a", "type decimal"),
        ("select t + interval 1 day from a", "interval"),
        ("select x from a join b using (x)", "join using"),
    ],
)
def test_what_does_not_carry_over_is_seen(sql: str, fault: str) -> None:
    assert fault in faults(sql)
