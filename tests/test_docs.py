"""The documentation is complete and generated: commands, tables and metrics in it are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors import installed
from pipelines.cli import cli
from pipelines.configuration import load
from pipelines.documentation import pages
from warehouse import metrics
from warehouse.building import entities

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["tables.md", "metrics.md", "commands.md", "accounts.md"])
def test_the_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == pages()[name], "run `make docs`"


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_is_in_the_docs_with_an_example(command: str) -> None:
    assert f"## `sms-evidence {command}`" in pages()["commands.md"]
    assert f"sms-evidence {command}" in (cli.commands[command].help or "")
    assert f"sms-evidence {command}" in README


def test_every_table_and_metric_is_in_the_docs() -> None:
    tables, listed = pages()["tables.md"], pages()["metrics.md"]
    assert [e for e in entities() if f"## `canonical.{e}`" not in tables] == []
    assert [d.id for d in metrics.definitions() if f"## {d.id} " not in listed] == []
    streams = [f"raw.{kind}__{s.name}" for kind, package in installed().items() for s in package.STREAMS]
    assert [s for s in streams if f"`{s}`" not in tables] == []


def test_every_column_is_explained() -> None:
    for entity, ddl in entities().items():
        columns = re.findall(r"^    (\w+) \w", ddl, flags=re.MULTILINE)
        assert columns
        unexplained = [c for c in columns if f"comment on column canonical.{entity}.{c} is" not in ddl]
        assert unexplained == [], entity


def test_links_of_the_readme_lead_somewhere() -> None:
    targets = [t for t in re.findall(r"\]\(([^)]+)\)", README) if not t.startswith(("http", "#"))]
    assert targets
    assert [t for t in targets if not (ROOT / t.split("#")[0]).exists()] == []


def test_the_readme_shows_the_two_commands_and_how_to_extend() -> None:
    for text in ("make demo", "make test", "Add a metric", "Add a connector", "sms-evidence check", "docs/report.png"):
        assert text in README


def test_the_configuration_in_the_readme_is_accepted(tmp_path: Path) -> None:
    block = re.search(r"   ```toml\n(.*?)   ```", README, flags=re.DOTALL)
    assert block is not None
    path = tmp_path / "sms-evidence.toml"
    path.write_text("\n".join(line[3:] for line in block[1].splitlines()), encoding="utf-8")
    loaded = load(path)
    assert set(loaded.sources) == {"snow-prod", "jira-itsm"}
    assert loaded.targets == {"SLM-01": 97}
    assert loaded.values["snow-prod"] == {"incident.state": {"Wartet auf Lieferant": "on_hold"}}
