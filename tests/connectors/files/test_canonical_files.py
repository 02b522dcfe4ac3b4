"""Registers in the canonical model: meanings of words, links between entries, clauses as they can be searched."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import connectors.files
from connectors.files.streams import REGISTERS

if TYPE_CHECKING:
    from tests.connectors.conftest import Stage


@pytest.fixture
def stage(make_stage: Callable[[str, str], Stage]) -> Stage:
    return make_stage("files", "reg")


def test_every_register_becomes_entries_with_its_own_dates(stage: Stage) -> None:
    for register in REGISTERS.values():
        stage.add(register.name, "X-1", id="X-1", status="nonsense")
    rows = stage.rows("register_entry")
    assert set(rows) == {f"{name}/X-1" for name in REGISTERS}
    assert {row["state"] for row in rows.values()} == {"unknown"}
    assert {row["original_state"] for row in rows.values()} == {"nonsense"}
    assert rows["suppliers/X-1"]["source_url"] == "https://x/suppliers.csv"


def test_words_get_their_meaning_whatever_their_capitals(stage: Stage) -> None:
    stage.mean("audits.status", Geplant="planned", DONE="cancelled")
    stage.add("audits", "A-1", id="A-1", status="geplant", clauses="8.5.1, 8.6.1;9.2")
    stage.add("audits", "A-2", id="A-2", status="done")
    stage.add("audits", "A-3", id="A-3", status="DONE")
    stage.add("audits", "A-4", id="A-4", status="In  Progress", clauses=" ,")
    rows = stage.rows("register_entry")
    assert [rows[f"audits/A-{n}"]["state"] for n in (1, 2, 3, 4)] == ["planned", "held", "cancelled", "in_progress"]
    assert rows["audits/A-1"]["clauses"] == "8.5.1 8.6.1 9.2"
    assert rows["audits/A-4"]["clauses"] is None


def test_links_lead_to_entries(stage: Stage) -> None:
    stage.add("audits", "A-1", id="A-1", status="held")
    stage.add("audit_findings", "F-1", id="F-1", audit_id="A-1", status="open", grade="Minor")
    stage.add("nonconformities", "N-1", id="N-1", finding_id="F-1", status="closed", effectiveness="partly")
    stage.add("management_review_actions", "M-1", id="M-1", nonconformity_id="N-1", status="open")
    stage.add("continuity_plans", "P-1", id="P-1", status="approved", test_interval_months=12)
    stage.add(
        "continuity_tests", "T-1", id="T-1", plan_id="P-1", status="held", result="pass", held_on=date(2026, 5, 1)
    )
    rows = stage.rows("register_entry")
    ids = {row["register_entry_id"] for row in rows.values()}
    parents = {key: row["parent_id"] for key, row in rows.items() if row["parent_id"]}
    assert parents == {
        "audit_findings/F-1": "reg:register_entry:audits/A-1",
        "nonconformities/N-1": "reg:register_entry:audit_findings/F-1",
        "continuity_tests/T-1": "reg:register_entry:continuity_plans/P-1",
    }
    assert set(parents.values()) <= ids
    assert rows["management_review_actions/M-1"]["related_id"] == rows["nonconformities/N-1"]["register_entry_id"]
    assert rows["audit_findings/F-1"]["severity"] == "minor"
    assert rows["nonconformities/N-1"]["result"] == "partly_effective"
    test = rows["continuity_tests/T-1"]
    assert (test["kind"], test["result"], test["held_on"]) == ("test", "passed", date(2026, 5, 1))


def test_a_supplier_has_review_contract_and_interval(stage: Stage) -> None:
    stage.add(
        "suppliers", "S-1", id="S-1", name="Acme", status="current", reviewed_on=date(2026, 3, 1),
        contract_until=date(2027, 1, 31), review_interval_months=6, criticality="hoch", amount=12.5, currency="EUR",
    )  # fmt: skip
    row = stage.rows("register_entry")["suppliers/S-1"]
    assert (row["title"], row["state"], row["kind"], row["severity"]) == ("Acme", "active", "external", "hoch")
    assert (row["reviewed_on"], row["valid_until"]) == (date(2026, 3, 1), date(2027, 1, 31))
    assert (row["interval_months"], row["amount"], row["currency"]) == (6, 12.5, "EUR")


def test_a_risk_has_a_score_and_an_improvement_its_stages(stage: Stage) -> None:
    stage.add("risks", "R-1", id="R-1", status="identified", likelihood=3, impact=4, treatment="mitigate")
    stage.add("improvements", "I-1", id="I-1", status="implemented", done_on=date(2026, 2, 1), benefit_achieved="yes")
    rows = stage.rows("register_entry")
    assert [rows["risks/R-1"][name] for name in ("state", "score", "impact", "result")] == ["open", 12, "4", "reduce"]
    assert [rows["improvements/I-1"][n] for n in ("state", "held_on", "result")] == [
        "done",
        date(2026, 2, 1),
        "achieved",
    ]


def test_each_list_of_words_belongs_to_a_column_and_the_other_way_round() -> None:
    with (Path(connectors.files.__path__[0]) / "values.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    columns = {f"{r.name}.{field.name}" for r in REGISTERS.values() for field in r.fields if field.kind == "word"}
    assert {row["field"] for row in rows} == columns
    for name in columns:
        words = {row["vendor"].lower(): row["canonical"] for row in rows if row["field"] == name}
        assert {meaning: words.get(meaning) for meaning in words.values()} == {m: m for m in words.values()}, name
        assert len(words) == sum(row["field"] == name for row in rows), "no word twice"
