"""Every SQL file parses in DuckDB as it stands, and says its grain first."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path.relative_to(ROOT)
    for package in ("connectors", "pipelines", "warehouse")
    for path in (ROOT / package).rglob("*.sql")
)


def test_there_are_files() -> None:
    assert len(FILES) > 60


@pytest.mark.parametrize("path", FILES, ids=str)
def test_duckdb_parses_it(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    with duckdb.connect() as con:
        assert len(con.extract_statements(text)) >= 1


@pytest.mark.parametrize("path", FILES, ids=str)
def test_it_says_what_it_is_and_has_no_holes(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    assert text.startswith("-- "), "the first line is a comment"
    one_query = path.parent.name in ("canonical", "metrics", "stage", "trace")
    assert not one_query or text.startswith("-- One row per "), "the first comment states the grain"
    assert not re.search(r"\{\w*\}|\{\{|\{%|%\(", text), "no template holes: parameters are $name"
    assert "\t" not in text
