"""Asset checks in SQL, derived from what each table promises.

A check's query returns the offending rows, at most a few; no row means that it holds. Broken data blocks what comes
after; a source that was not read whole, unmapped words and a missed target only warn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import duckdb

SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one asset: ``sql`` returns offenders, each as one text column."""

    spec: dg.AssetCheckSpec
    sql: str
    warns: bool


def raw_checks(source: str, stream: str, key: dg.AssetKey) -> list[Check]:
    """The stream was read whole, and both sides count the same."""
    return [
        _check(
            key,
            "complete",
            f"""
            select status || ': ' || coalesce(error, 'no reason given')
            from evidence.audit.sync_run
            where sync_id = $sync_id and source = '{source}' and stream = '{stream}'
                and status not in ('complete', 'skipped')
            """,
            "The source was read whole in this run.",
            warns=True,
        ),
        _check(
            key,
            "counts_agree",
            f"""
            select 'source counts ' || source_count || ', stored ' || warehouse_count || ', hidden ' || hidden
            from evidence.audit.sync_run
            where sync_id = $sync_id and source = '{source}' and stream = '{stream}' and status = 'complete'
                and (source_count < warehouse_count + hidden or source_count > warehouse_count + hidden + quarantined)
            """,
            "The source's own count equals what is stored and what is hidden from the account.",
            warns=False,
        ),
    ]


def canonical_checks(entity: str, key: dg.AssetKey) -> list[Check]:
    """Grain, evidence behind each row, and words without a mapping."""
    checks = [
        _check(
            key,
            "one_row_per_id",
            f"select {entity}_id from canonical.{entity} group by {entity}_id having count(*) > 1",
            "Each record has one row.",
            warns=False,
        ),
        _check(
            key,
            "evidence_exists",
            f"""
            select c.{entity}_id
            from canonical.{entity} c
            left join audit.evidence e on e.evidence_id = c.evidence_id
            where e.evidence_id is null
            """,
            "Each row has a stored version behind it.",
            warns=False,
        ),
    ]
    if entity in {"incident", "problem", "change", "approval", "sla_instance"}:
        checks.append(
            _check(
                key,
                "words_are_mapped",
                f"""
                select original_state || ' (' || count(*) || ')'
                from canonical.{entity}
                where state = 'unknown'
                group by original_state
                """,
                "Every state of the tool has a canonical meaning.",
                warns=True,
            )
        )
    return checks


def metric_checks(metric: str, key: dg.AssetKey) -> list[Check]:
    """Each counted record exists; the target of the last full month is met."""
    return [
        _check(
            key,
            "records_exist",
            f"""
            select p.record_id
            from metrics.population p
            left join audit.evidence e on e.evidence_id = p.evidence_id
            where p.metric = '{metric}' and p.evidence_id is not null and e.evidence_id is null
            """,
            "Each unit counted has a stored version behind it.",
            warns=False,
        ),
        _check(
            key,
            "target_met",
            f"""
            select v.measure || ' ' || round(v.value, 1) || ' against ' || v.target
            from metrics.value v
            join (select max(period_start) as period_start from metrics.period where is_complete) as latest
                on latest.period_start = v.period_start
            where v.metric = '{metric}' and v.dimension = 'all' and v.status = 'missed'
            """,
            "The last full month meets its target; a miss is the service's, not the data's.",
            warns=True,
        ),
    ]


def run_checks(
    checks: Sequence[Check], con: duckdb.DuckDBPyConnection, parameters: Mapping[str, str]
) -> Iterator[dg.AssetCheckResult]:
    """Run each check on the connection that the run writes with."""
    for check in checks:
        used = {name: value for name, value in parameters.items() if f"${name}" in check.sql}
        rows = con.execute(f"select * from ({check.sql}) as offenders limit {SAMPLE + 1}", used).fetchall()
        samples = [str(row[0]) for row in rows[:SAMPLE]]
        yield dg.AssetCheckResult(
            asset_key=check.spec.asset_key,
            check_name=check.spec.name,
            passed=not rows,
            severity=dg.AssetCheckSeverity.WARN if check.warns else dg.AssetCheckSeverity.ERROR,
            metadata={"offenders": samples} if samples else {},
        )


def _check(key: dg.AssetKey, name: str, sql: str, description: str, *, warns: bool) -> Check:
    spec = dg.AssetCheckSpec(name, asset=key, description=description, blocking=not warns)
    return Check(spec, sql, warns)
