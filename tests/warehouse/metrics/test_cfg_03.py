"""CFG-03: an item without relations is an orphan, unless its source delivers no relations at all."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def items(ledger: Any) -> Any:
    """A ticket from September, so that both months exist."""
    ledger.add("incident", "i", state="new", opened_at="2026-09-01 08:00:00+00")
    return ledger


def item(ledger: Any, key: str, created: str | None = "2026-01-01", source: str = "snow", **values: object) -> str:
    created_at = created and f"{created} 08:00:00+00"
    return str(ledger.add("configuration_item", key, source=source, created_at=created_at, **values))


def relate(ledger: Any, key: str, parent: str, child: str, created: str | None = "2026-01-02") -> None:
    created_at = created and f"{created} 08:00:00+00"
    ledger.add("ci_relationship", key, parent_id=parent, child_id=child, created_at=created_at)


def test_only_a_relation_to_another_item_that_exists_before_the_end_counts(items: Any) -> None:
    web, db = item(items, "web"), item(items, "db")
    relate(items, "1", web, db)
    itself = item(items, "itself")
    relate(items, "2", itself, itself)
    relate(items, "3", item(items, "dangling"), "snow:configuration_item:gone")
    relate(items, "4", item(items, "later"), web, "2026-10-05")
    relate(items, "5", item(items, "undated", None), web, None)
    item(items, "alone")
    item(items, "unborn", "2026-10-10")
    orphans = {key for key, (_, met, _) in items.units("CFG-03", "2026-09").items() if met}
    assert orphans == {"itself", "dangling", "later", "alone"}
    assert items.share("CFG-03", "2026-09") == (4, 7)
    assert items.share("CFG-03", "2026-10") == (4, 8)
    assert items.row("CFG-03", "2026-10")["status"] == "missed"


def test_retired_items_are_out_and_shown(items: Any) -> None:
    relate(items, "1", item(items, "web", status="in_use"), item(items, "db"))
    item(items, "old", status="retired")
    assert items.units("CFG-03", "2026-09")["old"][::2] == (False, "retired")
    assert items.value("CFG-03", "2026-09") == 0.0


def test_a_source_that_delivers_no_relations_has_no_orphans_and_no_figure(items: Any) -> None:
    relate(items, "1", item(items, "web"), item(items, "db"))
    item(items, "asset", source="desk")
    items.warehouse.run("object", source="desk")
    assert items.units("CFG-03", "2026-09")["asset"] == (False, False, "the source delivers no relations")
    assert items.value("CFG-03", "2026-09") == 0.0
    row = items.row("CFG-03", "2026-09", source="desk")
    assert (row["value"], row["status"], row["reason"]) == (None, "no_data", "no unit in the period, 1 left out")
