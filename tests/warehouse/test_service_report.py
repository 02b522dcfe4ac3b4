"""The service report: six areas, evidence on top, figures that lead to records, hostile text harmless, no silent zero."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from warehouse.reports import AREAS, NoPeriodError, charts, render, write_service_report

OCTOBER = date(2026, 10, 1)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class Page(HTMLParser):
    """Ids, links and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found.get("href")))


def fill(warehouse: Any, title: str = "Mail is down", url: str = "https://example.com/1") -> None:
    for number, (opened, resolved) in enumerate(
        [("2026-09-03", "2026-09-04"), ("2026-10-05", "2026-10-06"), ("2026-10-30", None)]
    ):
        incident = warehouse.add(
            "incident",
            str(number),
            number=f"INC{number}",
            title=title,
            service="Mail",
            state="closed" if resolved else "in_progress",
            opened_at=f"{opened} 10:00:00+00",
            resolved_at=f"{resolved} 10:00:00+00" if resolved else None,
            is_major=number == 1,
            source_url=url,
        )
        warehouse.add(
            "sla_instance",
            str(number),
            record_id=incident,
            entity="incident",
            name="Resolution",
            type="sla",
            state="completed" if resolved else "in_progress",
            started_at=f"{opened} 10:00:00+00",
            stopped_at=f"{resolved} 10:00:00+00" if resolved else None,
            breach_at=f"{opened} 18:00:00+00",
            is_breached=number > 0,
        )
    warehouse.run("incident", source_count=3, warehouse_count=3, manifest_sha256="ab" * 32)


def test_the_page_has_its_six_areas_and_every_link_inside_leads_somewhere(warehouse: Any) -> None:
    fill(warehouse)
    page = Page(render(warehouse.build(), OCTOBER))
    assert [f"area-{area}" for area in AREAS] == [i for i in page.ids if i.startswith("area-")]
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside
    assert inside <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_a_figure_stands_with_its_share_target_and_records(warehouse: Any) -> None:
    fill(warehouse)
    text = render(warehouse.build(), OCTOBER)
    assert "0 / 2" in text, "SLM-01: two decided in October, both breached"
    assert "too few for a percentage alone" in text
    row = text[text.index('id="records-SLM-01-value"') :]
    assert "INC1" in row[:3000]
    assert re.search(r'title="[0-9a-f]{64}"', row)


def test_the_balance_is_printed(warehouse: Any) -> None:
    fill(warehouse)
    text = render(warehouse.build(), OCTOBER)
    assert "0 open at start + 2 opened + 0 reopened − 1 resolved" in text.replace("\n", " ")
    assert "✓ balances" in text


def test_hostile_text_is_text(warehouse: Any) -> None:
    fill(warehouse, title=HOSTILE, url="javascript:alert(1)")
    warehouse.run(HOSTILE, status="incomplete", error=HOSTILE)
    text = render(warehouse.build(organization=HOSTILE), OCTOBER)
    page = Page(text)
    assert not {"script", "img", "iframe"} & set(page.tags)
    assert not [link for link in page.links if not link.startswith("#")]
    assert "&lt;script&gt;" in text


def test_the_page_needs_nothing_from_outside(warehouse: Any) -> None:
    fill(warehouse)
    text = render(warehouse.build(), OCTOBER)
    assert "default-src 'none'" in text
    assert not {"link", "script", "img", "object", "embed"} & set(Page(text).tags)
    assert not re.findall(r"url\(|@import", text)


def test_an_incomplete_stream_is_on_top_with_its_reason(warehouse: Any) -> None:
    fill(warehouse)
    warehouse.run("problem", status="incomplete", error="the account may not read problem: give it a role")
    text = render(warehouse.build(), OCTOBER)
    top = text[: text.index('id="area-A1"')]
    assert "1 of 2 streams could not be read whole" in top
    assert "give it a role" in top
    assert "never complete" in top


def test_an_area_without_data_says_why(warehouse: Any) -> None:
    fill(warehouse)
    text = render(warehouse.build(), OCTOBER)
    assert "not part of the canonical model yet" in text[text.index('id="area-A6"') :]
    assert "no record of this kind was ever read" in text


def test_an_unfinished_month_is_called_provisional_and_a_strange_one_refused(warehouse: Any, tmp_path: Path) -> None:
    fill(warehouse)
    con = warehouse.build()
    assert "every figure is provisional" in render(con, date(2026, 11, 1))
    with pytest.raises(NoPeriodError, match="2026-09 to 2026-11"):
        render(con, date(2020, 1, 1))


def test_the_same_warehouse_gives_the_same_bytes(warehouse: Any, tmp_path: Path) -> None:
    fill(warehouse)
    con = warehouse.build()
    first = write_service_report(con, OCTOBER, tmp_path / "a")
    second = write_service_report(con, OCTOBER, tmp_path / "b")
    assert first.name == "service-report-2026-10.html"
    assert first.read_bytes() == second.read_bytes()
    assert [p.name for p in first.parent.iterdir()] == [first.name]


def test_charts_show_gaps_and_nothing_for_nothing() -> None:
    assert charts.sparkline([None, None], title="x") == ""
    drawn = charts.line_chart(["a", "b", "c", "d"], [1.0, None, 3.0, 4.0], title='<"x">', unit="count", target=2.0)
    assert drawn.count("<polyline") == 1, "the gap is not bridged"
    assert "&lt;&quot;x&quot;&gt;" in drawn
    assert "no data" in drawn, "the description says so"
    assert charts.bar(None, target=None, title="x") == ""
