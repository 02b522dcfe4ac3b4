"""The nightly line as Dagster assets: raw -> canonical -> metrics -> publish, and the monthly report.

Asset keys are the SQL names. One step reads one source, because a source is read in order and DuckDB has one writer;
each stream, entity and metric is an asset of its own in the graph.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import dagster as dg
import duckdb

from pipelines.checks import Check, canonical_checks, metric_checks, raw_checks, run_checks
from pipelines.configuration import Configuration
from pipelines.night import StreamResult
from pipelines.resources import NightlyRun
from pipelines.wiring import connect, vendors
from warehouse import building, metrics
from warehouse.published import open_published
from warehouse.reports import write_service_report
from warehouse.stage import Vendor

OWNERS = ["team:service-management"]
RAW, CANONICAL, METRICS, PUBLISH, REPORT = "1_raw", "2_canonical", "3_metrics", "4_publish", "5_report"


def raw_key(source: str, connector: str, stream: str) -> dg.AssetKey:
    """`raw/<source>/<connector>__<stream>`."""
    return dg.AssetKey(["raw", source, f"{connector}__{stream}"])


def metric_key(metric: str) -> dg.AssetKey:
    """`metrics/SLM_01`: Dagster knows no hyphens in names."""
    return dg.AssetKey(["metrics", metric.replace("-", "_")])


PUBLISHED = dg.AssetKey(["warehouse"])


def source_assets(configuration: Configuration, source: str) -> dg.AssetsDefinition:
    """The streams of one source, read in one step."""
    connector = connect(configuration, source, {})
    keys = {s.name: raw_key(source, connector.kind, s.name) for s in connector.streams()}
    checks = [check for name, key in keys.items() for check in raw_checks(source, name, key)]

    @dg.multi_asset(
        name=f"read_{source.replace('-', '_')}",
        description=f"Read {source}: every record changed since the last complete run, as received.",
        specs=[
            dg.AssetSpec(
                key,
                group_name=f"{RAW}_{source.replace('-', '_')}",
                kinds={connector.kind, "duckdb"},
                owners=OWNERS,
                description=f"Versions of {stream} records from {source}, append-only.",
                tags={"iso20000/clause": "7.5.3"},
            )
            for stream, key in keys.items()
        ],
        check_specs=[check.spec for check in checks],
    )
    def read(nightly_run: NightlyRun) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        night = nightly_run.night
        if source not in night.sources:
            results = {
                name: StreamResult(source, name, "not read", "full", error="this run reads another source")
                for name in keys
            }
        else:
            results = {result.stream: result for result in night.read_source(source) if result.stream in keys}
        for name, key in keys.items():
            yield dg.MaterializeResult(asset_key=key, metadata=_stream_metadata(results[name]))
        if source in night.sources:
            yield from run_checks(checks, night.evidence.con, {"sync_id": night.sync_id})

    return read


def canonical_assets(configuration: Configuration) -> dg.AssetsDefinition:
    """The canonical model, rebuilt in one step into a new file."""
    entities = list(building.entities())
    checks = [check for entity in entities for check in canonical_checks(entity, dg.AssetKey(["canonical", entity]))]
    inputs = _inputs(configuration, vendors())

    @dg.multi_asset(
        name="build_canonical",
        description="Rebuild the canonical model from the latest complete versions.",
        specs=[
            dg.AssetSpec(
                ["canonical", entity],
                deps=inputs[entity],
                group_name=CANONICAL,
                kinds={"sql", "duckdb"},
                owners=OWNERS,
                description=ddl.splitlines()[0].removeprefix("-- "),
                tags={"iso20000/clause": "7.5.3"},
            )
            for entity, ddl in building.entities().items()
        ],
        check_specs=[check.spec for check in checks],
    )
    def build(nightly_run: NightlyRun) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        night = nightly_run.night
        rows = night.build_canonical()
        for entity, count in rows.items():
            metadata: dict[str, Any] = {
                "dagster/row_count": count,
                "dagster/column_schema": _schema(night.evidence.con, entity),
            }
            yield dg.MaterializeResult(asset_key=["canonical", entity], metadata=metadata)
        yield from run_checks(checks, night.evidence.con, {})

    return build


def metric_assets() -> dg.AssetsDefinition:
    """Every metric, computed in one step."""
    definitions = metrics.definitions()
    checks = [check for d in definitions for check in metric_checks(d.id, metric_key(d.id))]

    @dg.multi_asset(
        name="compute_metrics",
        description="Compute every metric from its population, for every month.",
        specs=[
            dg.AssetSpec(
                metric_key(d.id),
                deps=[dg.AssetKey(["canonical", entity]) for entity in _entities_in(d.sql)],
                group_name=METRICS,
                kinds={"sql", "duckdb"},
                owners=OWNERS,
                description=f"{d.id} {d.title}\n\n{d.definition}",
                tags={"iso20000/clause": "_".join(d.clauses), "iso20000/area": "_".join(d.areas)},
            )
            for d in definitions
        ],
        check_specs=[check.spec for check in checks],
    )
    def compute(nightly_run: NightlyRun) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        night = nightly_run.night
        rows = night.build_metrics()
        for d in definitions:
            latest = _latest_figure(night.evidence.con, d.id)
            yield dg.MaterializeResult(
                asset_key=metric_key(d.id), metadata={"dagster/row_count": rows.get(d.id, 0), **latest}
            )
        yield from run_checks(checks, night.evidence.con, {})

    return compute


def publish_asset() -> dg.AssetsDefinition:
    """The published file."""

    @dg.asset(
        key=PUBLISHED,
        deps=[metric_key(d.id) for d in metrics.definitions()],
        group_name=PUBLISH,
        kinds={"duckdb"},
        owners=OWNERS,
        description="The published warehouse: analysts, reports and traces open it read-only.",
        tags={"iso20000/clause": "7.5.3"},
    )
    def publish(nightly_run: NightlyRun) -> dg.MaterializeResult[Any]:
        night = nightly_run.night
        path = night.publish()
        return dg.MaterializeResult(
            metadata={"path": dg.MetadataValue.path(str(path)), "bytes": path.stat().st_size, "sync": night.sync_id}
        )

    return publish


def report_asset(configuration: Configuration, partitions: dg.MonthlyPartitionsDefinition) -> dg.AssetsDefinition:
    """The monthly service report, one partition a month."""

    @dg.asset(
        key=["reports", "service_report"],
        deps=[PUBLISHED],
        partitions_def=partitions,
        group_name=REPORT,
        kinds={"html"},
        owners=OWNERS,
        description="The service report of a month, in six areas.",
        tags={"iso20000/clause": "9.4"},
    )
    def service_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        out = configuration.store.warehouse.parent / "reports"
        with open_published(configuration.store.warehouse) as con:
            path = write_service_report(con, date.fromisoformat(context.partition_key), out)
        return dg.MaterializeResult(metadata={"path": dg.MetadataValue.path(str(path)), "bytes": path.stat().st_size})

    return service_report


def _stream_metadata(result: StreamResult) -> dict[str, Any]:
    if result.status == "not read":
        return {"status": result.status, "error": result.error}
    metadata: dict[str, Any] = {
        "dagster/row_count": result.warehouse_count or 0,
        "status": result.status,
        "mode": result.mode,
        "fetched": result.fetched,
        "added": result.added,
        "changed": result.changed,
        "unchanged": result.unchanged,
        "deleted": result.deleted,
        "hidden": result.hidden,
        "quarantined": result.quarantined,
        "requests": result.requests,
    }
    if result.source_count is not None:
        metadata["source_count"] = result.source_count
    if result.error:
        metadata["error"] = result.error
    return metadata


def _inputs(configuration: Configuration, kinds: Sequence[Vendor]) -> Mapping[str, list[dg.AssetKey]]:
    """The raw assets that each entity is read from, taken from the SQL itself."""
    inputs: dict[str, list[dg.AssetKey]] = {entity: [] for entity in building.entities()}
    for source in configuration.sources:
        connector = connect(configuration, source, {})
        vendor = next(v for v in kinds if v.kind == connector.kind)
        read = {stream.name for stream in connector.streams()}
        for entity, sql in vendor.canonical.items():
            streams = _streams_in(sql, vendor) & read
            inputs[entity] += [raw_key(source, vendor.kind, stream) for stream in sorted(streams)]
    return inputs


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@cache
def _tables_in(sql: str, schema: str) -> frozenset[str]:
    names = _parser().get_table_names(sql, qualified=True)
    plain = {name.split(" ")[0].replace('"', "") for name in names}  # DuckDB 2.0 keeps the alias
    return frozenset(name.removeprefix(f"{schema}.") for name in plain if name.startswith(f"{schema}."))


def _streams_in(sql: str, vendor: Vendor) -> set[str]:
    streams: set[str] = set()
    for name in _tables_in(sql, "stage"):
        if name.startswith(f"{vendor.kind}__"):
            streams.add(name.removeprefix(f"{vendor.kind}__"))
        elif (view := name.removeprefix(f"{vendor.kind}_")) in vendor.views:
            streams |= _streams_in(vendor.views[view], vendor)
    return streams


def _entities_in(sql: str) -> list[str]:
    """The canonical entities that a metric reads, also through the shared views."""
    shared, waiting, entities = metrics.helpers(), [sql], set[str]()
    while waiting:
        query = waiting.pop()
        entities |= _tables_in(query, "canonical")
        waiting += [shared.pop(name) for name in sorted(_tables_in(query, "metrics") & shared.keys())]
    return sorted(entities & set(building.entities()))


def _schema(con: duckdb.DuckDBPyConnection, entity: str) -> dg.TableSchema:
    rows = con.execute(
        "select column_name, lower(data_type), comment, is_nullable from duckdb_columns()"
        " where database_name = 'warehouse' and schema_name = 'canonical' and table_name = ? order by column_index",
        [entity],
    ).fetchall()
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type_, comment, constraints=dg.TableColumnConstraints(nullable=nullable))
            for name, type_, comment, nullable in rows
        ]
    )


def _latest_figure(con: duckdb.DuckDBPyConnection, metric: str) -> dict[str, Any]:
    rows = con.execute(
        "select v.measure, v.value from metrics.value v join metrics.period p on p.period_start = v.period_start"
        " where v.metric = ? and v.dimension = 'all' and p.is_complete and v.value is not null"
        " order by v.period_start desc, v.measure limit 8",
        [metric],
    ).fetchall()
    latest: dict[str, Any] = {}
    for measure, value in rows:
        latest.setdefault(measure, float(value))
    return latest


__all__ = [
    "Check",
    "canonical_assets",
    "metric_assets",
    "publish_asset",
    "report_asset",
    "source_assets",
]
