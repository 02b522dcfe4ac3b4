"""What the command line reads from the published warehouse."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import duckdb
from rich.table import Table

from connectors import Finding
from connectors.http import SourceError
from pipelines.configuration import Configuration
from pipelines.wiring import connect
from warehouse.published import NotPublishedError, open_published
from warehouse.reports.completeness import StreamState, streams

Row = dict[str, object]

_STATUS = {"met": "[green]met[/]", "missed": "[red]missed[/]", "watch": "[yellow]watch[/]"}


def last_full_month(con: duckdb.DuckDBPyConnection) -> date:
    """The newest month that is over."""
    row = con.execute("select max(period_start) from metrics.period where is_complete").fetchone()
    if row is None or not isinstance(row[0], date):
        raise NotPublishedError("the warehouse has no full month yet; name one with --period")
    return row[0]


def time_zone(con: duckdb.DuckDBPyConnection) -> str:
    """The report time zone that the warehouse was built with."""
    row = con.execute("select value from metrics.setting where name = 'time_zone'").fetchone()
    return str(row[0]) if row else "UTC"


def figures_of(con: duckdb.DuckDBPyConnection, period: date | None) -> tuple[date, list[Row]]:
    """The month and its figures over everything, one row per metric and measure."""
    month = period or last_full_month(con)
    cursor = con.execute(
        """
        select
            v.metric, v.measure, d.title, d.clauses, v.period_start, v.numerator, v.denominator, v.n, v.value, v.unit,
            v.target, v.status, v.reason, d.aggregate, d.direction
        from metrics.value v
        join metrics.definition d on d.metric = v.metric and d.measure = v.measure
        where v.dimension = 'all' and v.period_start = ?
        order by v.metric, d.position
        """,
        [month],
    )
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if not rows:
        raise NotPublishedError(f"there are no figures for {month:%Y-%m}")
    return month, rows


def figures_table(month: date, rows: list[Row]) -> Table:
    """The figures as a table for the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=f"{month:%B %Y}", title_justify="left")
    table.add_column("metric", no_wrap=True)
    table.add_column("figure")
    for name in ("value", "n / N", "target"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in rows:
        measure = "" if row["measure"] == "value" else f" · {str(row['measure']).replace('_', ' ')}"
        table.add_row(
            str(row["metric"]),
            f"{row['title']}{measure}",
            _value(row["value"], str(row["unit"])),
            _share(row),
            _value(row["target"], str(row["unit"])) if row["target"] is not None else "",
            _STATUS.get(str(row["status"]), f"[dim]{str(row['status']).replace('_', ' ')}[/]"),
        )
    return table


def _share(row: Row) -> str:
    if row["aggregate"] in ("ratio", "ratio_of_sums"):
        return f"{_value(row['numerator'], 'count')} / {_value(row['denominator'], 'count')}"
    return f"n = {row['n']}" if row["aggregate"] in ("median", "mean", "p90") else ""


def _value(value: object, unit: str) -> str:
    if not isinstance(value, int | float):
        return "no data"
    if unit in ("count", "ratio"):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.4f}"
    return f"{value:,.1f} {unit}"


def findings(configuration: Configuration, environ: Mapping[str, str] = os.environ) -> Iterator[tuple[str, Finding]]:
    """What `check` finds: (source, finding). First each source as it answers now, then what the stored runs miss."""
    for name in configuration.sources:
        try:
            for finding in connect(configuration, name, environ).check():
                yield name, finding
        except SourceError as error:
            yield name, Finding("log-in", is_ok=False, message=str(error))
    if not configuration.store.warehouse.exists():
        return
    with open_published(configuration.store.warehouse) as con:
        zone = ZoneInfo(configuration.organization.time_zone)
        for state in streams(con):
            if state.is_missing and state.source in configuration.sources:
                yield state.source, Finding(f"stored {state.stream}", is_ok=False, message=_missing(state, zone))


def _missing(state: StreamState, zone: ZoneInfo) -> str:
    def local(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    since = f"missing since {local(state.missing_since)}, " if state.missing_since else ""
    last = f"figures as of {local(state.complete_as_of)}" if state.complete_as_of else "never complete"
    return f"{since}{last}: {state.error or state.status}"
