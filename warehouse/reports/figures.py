"""What the service report says, read from the published warehouse: figures, their history, and the records behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb

TREND_MONTHS = 13
RECORDS_SHOWN = 25

AREAS = {
    "A1": "Performance against targets",
    "A2": "Significant events",
    "A3": "Workload",
    "A4": "Nonconformities and their causes",
    "A5": "Trends",
    "A6": "Satisfaction and complaints",
}
"""The six areas of a service report (ISO/IEC 20000-1:2011, 6.2; the 2018 edition asks for them in 9.4 and clause 8)."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One record behind a figure. ``verdict`` is what the figure made of it."""

    record_id: str
    number: str
    title: str | None
    verdict: str
    amount: float | None
    source: str | None
    service: str | None
    record_sha256: str | None
    source_url: str | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """The same figure for one service or source."""

    name: str
    value: float | None
    numerator: float | None
    denominator: float | None
    n: int
    status: str


@dataclass(slots=True)
class Figure:
    """One measure of one metric in the month, with thirteen months of history."""

    metric: str
    measure: str
    title: str
    definition: str
    clauses: str
    areas: tuple[str, ...]
    unit: str
    direction: str
    aggregate: str
    target: float | None
    value: float | None
    numerator: float | None
    denominator: float | None
    n: int
    status: str
    reason: str | None
    definition_sha256: str
    history: list[float | None] = field(default_factory=list)
    services: list[Share] = field(default_factory=list)
    sources: list[Share] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    unit_count: int = 0

    @property
    def anchor(self) -> str:
        """The id of the figure's records on the page."""
        return f"records-{self.metric}-{self.measure}"

    @property
    def name(self) -> str:
        """The title, with the measure when there are several."""
        return self.title if self.measure == "value" else f"{self.title}: {self.measure.replace('_', ' ')}"

    @property
    def previous(self) -> float | None:
        """The month before."""
        return self.history[-2] if len(self.history) > 1 else None

    @property
    def is_counted(self) -> bool:
        """A count has no n/N of its own."""
        return self.aggregate in ("count", "sum")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in the month: a major incident, a failed or emergency change."""

    kind: str
    number: str
    title: str | None
    service: str | None
    at: datetime | None
    until: datetime | None
    detail: str
    source_url: str | None


def settings(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """`metrics.setting` as a mapping."""
    return dict(con.execute("select name, value from metrics.setting").fetchall())


def months(con: duckdb.DuckDBPyConnection, period: date) -> list[date]:
    """Up to thirteen months that end with the period."""
    rows = con.execute(
        "select period_start from metrics.period where period_start <= ? order by period_start desc limit ?",
        [period, TREND_MONTHS],
    ).fetchall()
    return sorted(row[0] for row in rows)


def figures(con: duckdb.DuckDBPyConnection, period: date) -> list[Figure]:
    """Every figure of the month, in the order of the standard's clauses."""
    cursor = con.execute(
        """
        select
            d.metric, d.measure, d.title, d.definition, d.clauses, d.area, d.unit, d.direction, d.aggregate,
            v.target, v.value, v.numerator, v.denominator, v.n, v.status, v.reason, v.definition_sha256
        from metrics.definition d
        join metrics.value v on v.metric = d.metric and v.measure = d.measure
        where v.period_start = ? and v.dimension = 'all'
        order by d.clauses, d.metric, d.position
        """,
        [period],
    )
    names = [column[0] for column in cursor.description or []]
    found = []
    for row in cursor.fetchall():
        facts = dict(zip(names, row, strict=True))
        facts["areas"] = tuple(facts.pop("area").split("|"))
        found.append(Figure(**facts | {"clauses": facts["clauses"].replace("|", ", ")}))
    months_shown = months(con, period)
    for figure in found:
        figure.history = _history(con, figure, months_shown)
        figure.services = _shares(con, figure, period, "service")
        figure.sources = _shares(con, figure, period, "source")
        figure.unit_count, figure.units = _units(con, figure, period)
    return found


def _history(con: duckdb.DuckDBPyConnection, figure: Figure, months_shown: Sequence[date]) -> list[float | None]:
    known = dict(
        con.execute(
            "select period_start, value from metrics.value where metric = ? and measure = ? and dimension = 'all'",
            [figure.metric, figure.measure],
        ).fetchall()
    )
    return [known.get(month) for month in months_shown]


def _shares(con: duckdb.DuckDBPyConnection, figure: Figure, period: date, dimension: str) -> list[Share]:
    rows = con.execute(
        "select dimension_value, value, numerator, denominator, n, status from metrics.value where metric = ?"
        " and measure = ? and period_start = ? and dimension = ? and (value is not null or n > 0)"
        " order by dimension_value",
        [figure.metric, figure.measure, period, dimension],
    ).fetchall()
    return [Share(*row) for row in rows]


def _units(con: duckdb.DuckDBPyConnection, figure: Figure, period: date) -> tuple[int, list[Unit]]:
    """The records behind a figure: those that decide first (misses of a rate, members of a count), then the rest."""
    wanted = "is_met" if figure.is_counted or figure.direction == "down" else "not is_met"
    rows = con.execute(
        f"""
        select
            p.record_id, coalesce(r.number, p.record_id), r.title,
            case when not p.is_in then 'left out' when p.is_met then 'counts' else 'does not count' end,
            p.amount, p.source, p.service, e.record_sha256, r.source_url,
            coalesce(p.excluded_because, p.dimensions['missing']), count(*) over ()
        from metrics.population p
        left join analyst.record r on r.record_id = p.record_id
        left join audit.evidence e on e.evidence_id = p.evidence_id
        where p.metric = ? and p.measure = ? and p.period_start = ?
        order by p.is_in desc, ({wanted}) desc, p.amount desc nulls last, coalesce(r.number, p.record_id)
        limit {RECORDS_SHOWN}
        """,
        [figure.metric, figure.measure, period],
    ).fetchall()
    return (rows[0][10] if rows else 0), [Unit(*row[:10]) for row in rows]


def causes(con: duckdb.DuckDBPyConnection, figure: Figure, period: date) -> list[tuple[str, int]]:
    """What the counted records of a figure lack or did wrong, most frequent first; a record can have several causes."""
    return con.execute(
        """
        select cause, count(*) as records
        from (
            select unnest(string_split(dimensions['missing'], ', ')) as cause
            from metrics.population
            where metric = ? and measure = ? and period_start = ? and is_in and dimensions['missing'] is not null
        ) as named
        group by cause
        order by records desc, cause
        """,
        [figure.metric, figure.measure, period],
    ).fetchall()


def sources(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int, str | None]]:
    """(source, connector, stored versions, head hash of its manifest chain)."""
    return con.execute(
        """
        with heads as (
            select r.source, max(r.manifest_sha256) as head
            from audit.sync_run r
            left join audit.sync_run n on n.source = r.source and n.previous_sha256 = r.manifest_sha256
            where n.sync_id is null and r.manifest_sha256 is not null
            group by r.source
        )
        select e.source, min(e.connector), count(*), max(h.head)
        from audit.evidence e
        left join heads h on h.source = e.source
        group by e.source
        order by e.source
        """
    ).fetchall()


def events(con: duckdb.DuckDBPyConnection, period: date) -> list[Event]:
    """Major incidents opened, emergency changes started, and changes that failed or caused incidents in the month."""
    rows = con.execute(
        """
        with month as (
            select start_at, end_at from metrics.period where period_start = $period
        ),
        caused as (
            select i.caused_by_change_id as change_id, count(*) as incidents, string_agg(i.number, ', ') as numbers
            from canonical.incident i
            where i.caused_by_change_id is not null
            group by i.caused_by_change_id
        )
        select
            'Major incident' as kind, i.number, i.title, i.service, i.opened_at, i.resolved_at,
            'priority ' || coalesce(i.priority, 'not given') || ', ' || i.state as detail, i.source_url
        from canonical.incident i, month m
        where i.is_major and i.opened_at >= m.start_at and i.opened_at < m.end_at
        union all
        select
            'Emergency change', c.number, c.title, c.service, c.actual_start_at, c.actual_end_at,
            coalesce(c.outcome, 'no outcome recorded'), c.source_url
        from canonical.change c, month m
        where c.type = 'emergency' and c.actual_start_at >= m.start_at and c.actual_start_at < m.end_at
        union all
        select
            'Failed change', c.number, c.title, c.service, c.actual_start_at, c.actual_end_at,
            coalesce(c.outcome, 'no outcome recorded')
            || coalesce(', caused ' || k.numbers, ''), c.source_url
        from canonical.change c
        left join caused k on k.change_id = c.change_id, month m
        where c.actual_end_at >= m.start_at and c.actual_end_at < m.end_at and c.type <> 'emergency'
            and (c.outcome in ('unsuccessful', 'backed_out') or k.change_id is not null)
        order by kind desc, 5, 2
        """,
        {"period": period},
    ).fetchall()
    return [Event(*row) for row in rows]
