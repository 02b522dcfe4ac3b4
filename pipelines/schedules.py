"""When things run: the nightly sync, and the report of the month that ended."""

from __future__ import annotations

import dagster as dg

NIGHTLY = "30 3 * * *"
"""03:30 local: 02:00 to 03:00 is skipped or doubled on the nights when clocks change."""


def nightly_schedule(job: dg.JobDefinition | dg.UnresolvedAssetJobDefinition, time_zone: str) -> dg.ScheduleDefinition:
    """The nightly sync, on by default."""
    return dg.ScheduleDefinition(
        name="nightly",
        job=job,
        cron_schedule=NIGHTLY,
        execution_timezone=time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Reads every source, rebuilds the warehouse and publishes it.",
    )


def monthly_schedule(
    job: dg.UnresolvedAssetJobDefinition,
) -> dg.ScheduleDefinition | dg.UnresolvedPartitionedAssetScheduleDefinition:
    """The report of the last full month, two hours after the night's sync, on by default."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name="monthly_report",
        day_of_month=1,
        hour_of_day=5,
        minute_of_hour=30,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Writes the service report of the month that ended.",
    )
