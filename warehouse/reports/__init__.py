"""The monthly service report: one self-contained HTML page in six areas, from the published warehouse alone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import jinja2

from warehouse.reports import charts
from warehouse.reports.completeness import StreamState, gaps, gone, streams
from warehouse.reports.figures import (
    AREAS,
    RECORDS_SHOWN,
    Figure,
    causes,
    events,
    figures,
    months,
    settings,
    sources,
)


class NoPeriodError(Exception):
    """The warehouse has no such month; the message names the months that it has."""


def write_service_report(con: duckdb.DuckDBPyConnection, period: date, out: Path) -> Path:
    """Write ``service-report-YYYY-MM.html`` into ``out`` (made when missing); returns its path.

    The page is a pure function of the warehouse: the same file gives the same bytes.

    Raises:
        NoPeriodError: no figure was computed for the month.
    """
    page = render(con, period.replace(day=1))
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"service-report-{period:%Y-%m}.html"
    draft = path.with_suffix(".html.new")
    draft.write_text(page, encoding="utf-8")
    os.replace(draft, path)  # noqa: PTH105 - atomic
    return path


def render(con: duckdb.DuckDBPyConnection, period: date) -> str:
    """The page as text."""
    found = figures(con, period)
    if not found:
        known = months(con, date.max)
        span = f"{known[0]:%Y-%m} to {known[-1]:%Y-%m}" if known else "none: no record with a date was read"
        raise NoPeriodError(f"there are no figures for {period:%Y-%m}; the warehouse has {span}")
    facts = settings(con)
    zone = ZoneInfo(facts["time_zone"])
    states = streams(con)
    shown = months(con, period)
    environment = _environment(zone)
    return environment.get_template("service_report.html").render(
        period=period,
        facts=facts,
        as_of=datetime.fromisoformat(facts["as_of"]).astimezone(UTC),
        is_complete=_is_complete(con, period),
        areas=AREAS,
        by_area={area: [f for f in found if area in f.areas] for area in AREAS},
        internal=[f for f in found if not set(f.areas) & set(AREAS)],
        headline=_headline(found),
        trends=[f for f in found if _has_trend(f)],
        flow=_flow(found),
        found=found,
        events=events(con, period),
        causes=[(f, listed) for f in found if "A4" in f.areas and (listed := causes(con, f, period))],
        months=shown,
        month_names=[f"{month:%b}" for month in shown],
        sources=sources(con),
        streams=states,
        evidence=_evidence(states),
        gaps=gaps(con),
        gone=gone(con, period),
        records_shown=RECORDS_SHOWN,
    )


def _environment(zone: ZoneInfo) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": lambda value, unit="": _number(value, unit),
        "local": lambda moment: "" if moment is None else f"{moment.astimezone(zone):%d %b %Y %H:%M}",
        "hours": _hours,
        "safe_url": _safe_url,
        "shorten": _shorten,
    }
    environment.globals |= {
        "sparkline": charts.sparkline,
        "line_chart": charts.line_chart,
        "flow_chart": charts.flow_chart,
        "bar": charts.bar,
    }
    return environment


def _number(value: float | None, unit: str = "") -> str:
    """A figure as people write it; ``–`` for none."""
    if value is None:
        return "–"
    if unit in ("count", ""):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    if unit == "%":
        return f"{value:.1f} %"
    if unit == "ratio":
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return f"{value:,.1f} {unit}"


def _hours(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return "open"
    return f"{(end - start).total_seconds() / 3600:.1f} h"


def _shorten(text: str | None, length: int = 90) -> str:
    plain = " ".join((text or "").split())
    return plain if len(plain) <= length else plain[: length - 1].rstrip() + "…"


def _safe_url(url: str | None) -> str | None:
    """Only web addresses become links; anything else stays text."""
    return url if url and url.lower().startswith(("https://", "http://")) else None


def _is_complete(con: duckdb.DuckDBPyConnection, period: date) -> bool:
    row = con.execute("select is_complete from metrics.period where period_start = ?", [period]).fetchone()
    return bool(row and row[0])


def _headline(found: Sequence[Figure]) -> list[Figure]:
    """The figures with a target, at most six, for the top of the page."""
    with_target = [f for f in found if f.target is not None]
    return [f for area in ("A1", "A4") for f in with_target if area in f.areas][:6]


def _has_trend(figure: Figure) -> bool:
    return figure.measure in ("value", "median", "percent", "opened") and "DQ" not in figure.areas


def _flow(found: Sequence[Figure]) -> Mapping[str, Figure]:
    """The measures of INC-01 by name, when the metric is there."""
    return {f.measure: f for f in found if f.metric == "INC-01"}


def _evidence(states: Sequence[StreamState]) -> dict[str, object]:
    """The completeness of the evidence in one line's worth of numbers."""
    read = [s for s in states if s.status != "skipped"]
    counted = [s for s in read if s.source_count is not None]
    return {
        "complete": [s for s in read if s.status == "complete"],
        "incomplete": [s for s in read if s.is_missing],
        "skipped": [s for s in states if s.status == "skipped"],
        "source_count": sum(s.source_count or 0 for s in counted if s.status == "complete"),
        "hidden": sum(s.hidden for s in read),
        "quarantined": sum(s.quarantined for s in read),
        "stored": sum(s.warehouse_count or 0 for s in counted if s.status == "complete"),
    }
