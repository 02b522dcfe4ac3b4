"""The engine: a metric is one file, its header is checked, and one generic step makes every figure out of populations."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from warehouse import metrics
from warehouse.metrics.engine import COLUMNS

AS_OF = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
HEADER = """\
-- One row per incident opened in the period.
-- id: XMP-01
-- title: Hours open
-- definition: An example.
-- clauses: 8.6.1|9.1
-- area: A1|A3
-- direction: down
-- attribution: opened in the period
-- exclusions: none
-- pitfalls: none
-- counts: incident
-- measure: percent | ratio | % | 40
-- measure: share | ratio | ratio |
-- measure: sums | ratio_of_sums | ratio | 1
-- measure: number | count | count |
-- measure: total | sum | hours |
-- measure: average | mean | hours |
-- measure: middle | median | hours |
-- measure: high | p90 | hours |
"""
QUERY = """\
with measure as (
    select unnest(['percent', 'share', 'sums', 'number', 'total', 'average', 'middle', 'high']) as measure
)
select
    m.measure, p.period_start, i.incident_id as record_id, i.evidence_id, i.source, i.service,
    map(['priority'], [i.priority]) as dimensions, i.state <> 'cancelled' as is_in, i.is_major as is_met,
    cast(i.priority as double) as amount, 1.0 as numerator_amount, cast(i.priority as integer) as denominator_amount,
    case when i.state = 'cancelled' then 'cancelled' end as excluded_because
from canonical.incident i
join metrics.period p on i.opened_at >= p.start_at and i.opened_at < p.end_at
cross join measure m
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "XMP-01.sql").write_text(HEADER + QUERY)
    return tmp_path


def build(warehouse: Any, folder: Path | None = None, **values: Any) -> Any:
    given = {"as_of": AS_OF, "time_zone": "Europe/Amsterdam", "folder": folder}
    metrics.build(warehouse.con, **{**given, **values})
    return warehouse.con


def incident(warehouse: Any, key: str, **values: object) -> None:
    given = {"state": "new", "opened_at": "2026-09-10 08:00:00+00", "is_major": False, "priority": "2"}
    warehouse.add("incident", key, **{**given, **values})


def figures(con: Any, month: str, dimension: str = "all", name: str = "") -> dict[str, Any]:
    rows = con.execute(
        "select measure, value from metrics.value where period_start = ? and dimension = ? and dimension_value = ?",
        [date.fromisoformat(f"{month}-01"), dimension, name],
    )
    return dict(rows.fetchall())


def test_a_file_in_a_folder_is_a_metric_and_its_header_the_definition(warehouse: Any, folder: Path) -> None:
    (definition,) = metrics.definitions(folder)
    assert (definition.id, definition.clauses, definition.areas) == ("XMP-01", ("8.6.1", "9.1"), ("A1", "A3"))
    assert definition.measures[0] == metrics.Measure("percent", "ratio", "%", 40.0)
    assert definition.measures[1].target is None
    incident(warehouse, "1")
    con = build(warehouse, folder)
    text = HEADER + QUERY
    row = con.execute(
        "select clauses, area, sql, definition_sha256 from metrics.definition where position = 0"
    ).fetchone()
    assert row == ("8.6.1|9.1", "A1|A3", text, hashlib.sha256(text.encode()).hexdigest())
    used = con.execute("select distinct metric, definition_sha256 from metrics.value").fetchall()
    assert used == [("XMP-01", row[3])]


def test_every_aggregate(warehouse: Any, folder: Path) -> None:
    for key, (priority, is_major) in enumerate([("1", True), ("2", False), ("3", False), ("4", True)]):
        incident(warehouse, str(key), priority=priority, is_major=is_major)
    incident(warehouse, "out", state="cancelled", priority="5", is_major=True)
    assert figures(build(warehouse, folder), "2026-09") == {
        "percent": 50.0,
        "share": 0.5,
        "sums": 0.4,
        "number": 2.0,
        "total": 10.0,
        "average": 2.5,
        "middle": 2.5,
        "high": pytest.approx(3.7),
    }


def test_a_month_without_units_is_zero_for_counts_and_no_data_for_the_rest(warehouse: Any, folder: Path) -> None:
    incident(warehouse, "1", opened_at="2026-08-10 08:00:00+00")
    con = build(warehouse, folder)
    found = figures(con, "2026-09")
    assert (found.pop("number"), found.pop("total")) == (0.0, 0.0)
    assert set(found.values()) == {None}
    reasons = "select distinct reason, status from metrics.value where period_start = '2026-09-01' and value is null"
    assert con.execute(reasons).fetchall() == [("no unit in the period", "no_data")]


def test_what_was_never_read_has_no_figure_not_even_zero(warehouse: Any, folder: Path) -> None:
    warehouse.add("change", "1", type="normal", state="new", opened_at="2026-09-01 08:00:00+00")
    con = build(warehouse, folder)
    rows = con.execute("select distinct value, status, reason from metrics.value where period_start = '2026-09-01'")
    assert rows.fetchall() == [(None, "no_data", "no record of this kind was ever read")]


def test_every_source_and_service_has_a_row_in_every_month(warehouse: Any, folder: Path) -> None:
    incident(warehouse, "1", service="Payments")
    incident(warehouse, "2")
    warehouse.run("issue", source="desk")
    warehouse.add("service", "s", source="desk", name="Archive")
    warehouse.add("service", "t", name="Idle")
    con = build(warehouse, folder)
    rows = con.execute(
        "select dimension, dimension_value, count(*), max(case when measure = 'number' then n end) from metrics.value"
        " where period_start = '2026-09-01' group by all order by all"
    )
    assert rows.fetchall() == [
        ("all", "", 8, 2),
        ("service", "Archive", 8, 0),
        ("service", "Idle", 8, 0),
        ("service", "Payments", 8, 1),
        ("source", "desk", 8, 0),
        ("source", "snow", 8, 2),
    ]
    assert figures(con, "2026-09", "service", "Idle")["number"] == 0.0
    assert figures(con, "2026-09", "service", "Archive")["number"] is None


def test_the_columns_are_those_of_the_contract(warehouse: Any, folder: Path) -> None:
    incident(warehouse, "1")
    con = build(warehouse, folder)
    columns = [row[:2] for row in con.execute("describe metrics.population").fetchall()]
    assert columns == [("metric", "VARCHAR"), *((name, kind.upper()) for name, kind in COLUMNS.items())]
    described = [row[0] for row in con.execute("describe metrics.value").fetchall()]
    assert described == [
        "metric",
        "measure",
        "period_start",
        "grain",
        "dimension",
        "dimension_value",
        "numerator",
        "denominator",
        "n",
        "value",
        "unit",
        "target",
        "status",
        "reason",
        "as_of",
        "definition_sha256",
    ]
    uncommented = "select column_name from duckdb_columns() where table_name in ('value', 'period') and comment is null"
    assert con.execute(uncommented).fetchall() == []


def test_months_follow_the_clock_of_the_report_and_the_last_ends_as_of(warehouse: Any, folder: Path) -> None:
    incident(warehouse, "1", opened_at="2026-02-28 23:30:00+00")
    con = build(warehouse, folder)
    periods = con.execute("select * from metrics.period order by period_start").fetchall()
    assert len(periods) == 9
    utc = [(row[2].astimezone(UTC), row[3].astimezone(UTC), row[4]) for row in periods]
    assert utc[0] == (datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC), True)
    assert utc[7] == (datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC), True)
    assert utc[8] == (datetime(2026, 10, 31, 23, tzinfo=UTC), AS_OF, False)
    assert all(before[1] == after[0] for before, after in zip(utc, utc[1:], strict=False))
    reason = "select distinct reason from metrics.value where period_start = '2026-11-01' and measure = 'number'"
    assert con.execute(reason).fetchall() == [("the month is not over: provisional",)]


def test_targets_and_small_numbers(warehouse: Any, folder: Path) -> None:
    incident(warehouse, "1", is_major=True)
    incident(warehouse, "2", opened_at="2026-10-10 08:00:00+00")
    con = build(warehouse, folder, targets={"XMP-01.number": 0.0}, settings={"small_n": "2"})
    rows = con.execute(
        "select period_start, measure, status, target, reason from metrics.value where dimension = 'all'"
        " and measure in ('percent', 'number', 'share') and period_start < '2026-11-01' order by period_start, measure"
    )
    assert rows.fetchall() == [
        (date(2026, 9, 1), "number", "missed", 0.0, None),
        (date(2026, 9, 1), "percent", "missed", 40.0, "n = 1: too few for a percentage alone"),
        (date(2026, 9, 1), "share", "no_target", None, None),
        (date(2026, 10, 1), "number", "met", 0.0, None),
        (date(2026, 10, 1), "percent", "met", 40.0, "n = 1: too few for a percentage alone"),
        (date(2026, 10, 1), "share", "no_target", None, None),
    ]
    assert con.execute("select value from metrics.setting where name = 'observation_days'").fetchone() == ("30",)


def test_a_target_for_no_figure_is_refused_with_the_nearest_name(warehouse: Any) -> None:
    with pytest.raises(
        metrics.TargetError, match=r"no figure 'SLM-4\.count' to set a target for; is it SLM-04\.count\?"
    ):
        build(warehouse, targets={"SLM-4.count": 1.0})


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("-- title:", "-- titel:", r"XMP-01\.sql:3: unknown header key 'titel'"),
        ("-- title: Hours open\n", "", r"XMP-01\.sql:1: the header lacks title"),
        ("id: XMP-01", "id: XMP-02", r"XMP-01\.sql:2: the id is XMP-02"),
        ("8.6.1|9.1", "8.6.1|8.99", r"XMP-01\.sql:5: clause 8\.99 is not in clauses\.csv"),
        ("area: A1|A3", "area: A7", r"XMP-01\.sql:6: area: 'A7' is none of"),
        ("direction: down", "direction: up|down", r"XMP-01\.sql:7: direction: 'up\|down' is none of up, down, neutral"),
        ("counts: incident", "counts: ticket", r"XMP-01\.sql:11: counts: 'ticket' is none of"),
        ("percent | ratio | % | 40", "percent | part | % | 40", r"XMP-01\.sql:12: .* the aggregate is one of"),
        ("percent | ratio | % | 40", "percent | ratio | % | many", r"XMP-01\.sql:12: the target 'many' is no number"),
        ("percent | ratio | % | 40", "percent | ratio", r"XMP-01\.sql:12: a measure reads"),
        ("share | ratio | ratio", "percent | ratio | ratio", r"XMP-01\.sql:13: the measure percent stands twice"),
        ("-- pitfalls: none", "-- pitfalls: none\n-- pitfalls: some", r"XMP-01\.sql:11: pitfalls stands twice"),
        ("-- pitfalls: none", "-- nothing", r"XMP-01\.sql:10: a header line reads"),
        (
            "-- One row per incident opened in the period.",
            "-- Incidents.",
            r"XMP-01\.sql:1: the first line says the grain",
        ),
    ],
)
def test_a_wrong_header_is_refused_by_file_and_line(folder: Path, before: str, after: str, message: str) -> None:
    text = (folder / "XMP-01.sql").read_text()
    assert before in text
    (folder / "XMP-01.sql").write_text(text.replace(before, after, 1))
    with pytest.raises(metrics.DefinitionError, match=message):
        metrics.definitions(folder)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("i.is_major as is_met", "i.is_minor as is_met", r"XMP-01\.sql: the query does not run: .*is_minor"),
        (
            " as excluded_because",
            " as reason",
            r"XMP-01\.sql: the query returns measure, .*; it has to return measure, ",
        ),
    ],
)
def test_a_wrong_query_is_refused_by_file(warehouse: Any, folder: Path, before: str, after: str, message: str) -> None:
    (folder / "XMP-01.sql").write_text((HEADER + QUERY).replace(before, after))
    with pytest.raises(metrics.DefinitionError, match=message):
        build(warehouse, folder)


def test_a_semicolon_at_the_end_is_no_fault(warehouse: Any, folder: Path) -> None:
    (folder / "XMP-01.sql").write_text(HEADER + QUERY.rstrip() + ";\n")
    incident(warehouse, "1")
    assert figures(build(warehouse, folder), "2026-09")["number"] == 0.0


def test_a_metric_runs_by_hand_and_its_view_reads_no_other(warehouse: Any) -> None:
    incident(warehouse, "1")
    con = build(warehouse)
    for definition in metrics.definitions():
        by_hand = con.execute(f"select count(*) from ({definition.sql}) as units").fetchone()
        seen = con.execute("select count(*) from metrics.population where metric = ?", [definition.id]).fetchone()
        assert by_hand == seen, definition.id
    plan = con.execute("explain select count(*) from metrics.population where metric = 'CFG-03'").fetchall()[0][1]
    assert "configuration_item" in plan
    assert "canonical.change" not in plan


def test_every_figure_is_made_of_its_population(warehouse: Any) -> None:
    incident(warehouse, "1", state="closed", resolved_at="2026-09-12 08:00:00+00")
    incident(warehouse, "2", opened_at="2026-10-01 08:00:00+00")
    con = build(warehouse)
    off = con.execute(
        """
        select v.metric, v.measure, v.period_start
        from metrics.value v
        left join (
            select metric, measure, period_start, count(case when is_in then 1 end) as n
            from metrics.population
            group by metric, measure, period_start
        ) as p on p.metric = v.metric and p.measure = v.measure and p.period_start = v.period_start
        where v.dimension = 'all' and v.n <> coalesce(p.n, 0)
        """
    ).fetchall()
    assert off == []


def test_every_metric_has_its_own_test() -> None:
    folder = Path(__file__).parent / "metrics"
    missing = [
        d.id for d in metrics.definitions() if not (folder / f"test_{d.id.lower().replace('-', '_')}.py").exists()
    ]
    assert missing == []
