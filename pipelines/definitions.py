"""What Dagster loads. The sources come from the configuration; without one this module says where it looked."""

from __future__ import annotations

import dagster as dg

from pipelines import configuration
from pipelines.assets import canonical_assets, metric_assets, publish_asset, report_asset, source_assets
from pipelines.configuration import Configuration
from pipelines.resources import MakeNight, nightly_run
from pipelines.schedules import monthly_schedule, nightly_schedule

NIGHTLY_JOB = "nightly_sync"
REPORT_JOB = "monthly_report"
FIRST_MONTH = "2015-01-01"


def build(
    loaded: Configuration, *, make_night: MakeNight | None = None, source: str = "", full: bool = False
) -> dg.Definitions:
    """The assets, checks, jobs and schedules of a configuration."""
    partitions = dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, timezone=loaded.organization.time_zone)
    report = report_asset(loaded, partitions)
    line = [
        *(source_assets(loaded, name) for name in loaded.sources),
        canonical_assets(loaded),
        metric_assets(),
        publish_asset(),
    ]
    nightly = dg.define_asset_job(
        NIGHTLY_JOB,
        selection=dg.AssetSelection.assets(*line),
        description="raw -> canonical -> metrics -> publish",
    )
    monthly = dg.define_asset_job(
        REPORT_JOB, selection=dg.AssetSelection.assets(report), description="The service report of a month"
    )
    return dg.Definitions(
        assets=[*line, report],
        jobs=[nightly, monthly],
        schedules=[nightly_schedule(nightly, loaded.organization.time_zone), monthly_schedule(monthly)],
        resources={"nightly_run": nightly_run(make_night, source=source, full=full)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions of the configuration in force."""
    return build(configuration.load())
