"""The Dagster line: assets, checks, schedules, the instance's settings, and runs that a killed process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from rich.console import Console

from connectors import sample
from connectors.servicenow.rendering import rows
from connectors.servicenow.simulator import Simulator
from pipelines import definitions
from pipelines.configuration import Configuration, load
from pipelines.instance import SETTINGS, home
from pipelines.runs import RunFailedError, run_sync
from warehouse.building import entities
from warehouse.evidence import Evidence, EvidenceBusy
from warehouse.metrics import definitions as metric_definitions
from warehouse.stage import Vendor

ORGANIZATION = sample.generate(7, 0.05)
NOW = ORGANIZATION.as_of
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(rows(ORGANIZATION, NOW), now=NOW) as running:
        yield running


@pytest.fixture
def configuration(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    monkeypatch.setenv("SMS_EVIDENCE_SNOW_USERNAME", "evidence")
    monkeypatch.setenv("SMS_EVIDENCE_SNOW_PASSWORD", "demo-only")
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
    monkeypatch.setenv("SMS_EVIDENCE_CONFIG", "")
    path = tmp_path / "sms-evidence.toml"
    path.write_text(
        '[organization]\nname = "X"\ntime_zone = "Europe/Amsterdam"\n[sources.snow]\nconnector = "servicenow"\n'
        f'url = "{simulator.url}"\n'
    )
    return load(path)


def test_every_stream_entity_and_metric_is_an_asset_with_owner_group_kind_and_clause(
    configuration: Configuration,
) -> None:
    defs = definitions.build(configuration)
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    names = {"/".join(key.path) for key in specs}
    assert {f"canonical/{entity}" for entity in entities()} <= names
    assert {f"metrics/{d.id.replace('-', '_')}" for d in metric_definitions()} <= names
    assert {
        "raw/snow/servicenow__incident",
        "raw/snow/servicenow__sys_audit",
        "warehouse",
        "reports/service_report",
    } <= names
    for spec in specs.values():
        assert spec.owners
        assert spec.group_name
        assert spec.kinds
        assert spec.tags["iso20000/clause"]
        assert spec.description
        assert not spec.description.startswith("*"), "the catalogue shows the first line as it is"


def test_dependencies_come_from_the_sql(configuration: Configuration) -> None:
    defs = definitions.build(configuration)
    upstream = {spec.key: {dep.asset_key for dep in spec.deps} for spec in defs.resolve_all_asset_specs()}
    change = upstream[dg.AssetKey(["canonical", "change"])]
    for stream in ("change_request", "sys_audit", "sysapproval_approver", "sys_choice"):
        assert dg.AssetKey(["raw", "snow", f"servicenow__{stream}"]) in change, "also through the helper views"
    assert dg.AssetKey(["raw", "snow", "servicenow__cmdb_rel_ci"]) not in change
    assert dg.AssetKey(["canonical", "change"]) in upstream[dg.AssetKey(["metrics", "CHG_05"])]
    assert dg.AssetKey(["metrics", "SLM_01"]) in upstream[dg.AssetKey(["warehouse"])]


def test_schedules_run_by_default_in_the_local_zone(configuration: Configuration) -> None:
    repository = definitions.build(configuration).get_repository_def()
    schedules = {schedule.name: schedule for schedule in repository.schedule_defs}
    assert set(schedules) == {"nightly", "monthly_report"}
    for schedule in schedules.values():
        assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
        assert schedule.execution_timezone == "Europe/Amsterdam"
    assert schedules["nightly"].cron_schedule == "30 3 * * *", "two to three is skipped or doubled when clocks change"


def test_a_run_shows_in_the_instance_with_counts_schemas_and_checks(configuration: Configuration) -> None:
    outcome = run_sync(configuration, console=QUIET, clock=lambda: NOW)
    assert outcome.exit_code == 0
    assert os.environ["DAGSTER_HOME"] == str(configuration.store.warehouse.parent / "dagster")
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(outcome.run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.SUCCESS
        event = instance.get_latest_materialization_event(dg.AssetKey(["canonical", "incident"]))
        assert event is not None
        materialization = event.asset_materialization
        assert materialization is not None
        assert int(str(materialization.metadata["dagster/row_count"].value)) > 0
        assert "dagster/column_schema" in materialization.metadata
        checks = {
            f"{'/'.join(e.asset_key.path)}:{e.check_name}": e.passed
            for record in instance.get_records_for_run(outcome.run_id).records
            if (log := record.event_log_entry.dagster_event)
            and log.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION
            for e in [log.asset_check_evaluation_data]
        }
    assert checks["raw/snow/servicenow__incident:counts_agree"]
    assert checks["canonical/change:one_row_per_id"]
    assert checks["canonical/change:evidence_exists"]
    assert not [
        name
        for name, passed in checks.items()
        if not passed and not name.endswith((":target_met", ":words_are_mapped"))
    ]


def test_the_monthly_report_is_an_asset_with_a_partition_a_month(configuration: Configuration) -> None:
    run_sync(configuration, console=QUIET, clock=lambda: NOW)
    defs = definitions.build(configuration)
    job = defs.resolve_job_def(definitions.REPORT_JOB)
    with dg.DagsterInstance.get() as instance:
        assert job.execute_in_process(partition_key="2026-10-01", instance=instance).success
    assert (configuration.store.warehouse.parent / "reports" / "service-report-2026-10.html").stat().st_size > 10_000


def test_a_broken_step_publishes_nothing_and_says_why(
    configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines import night

    broken = night.vendors()
    broken = [Vendor(v.kind, v.columns, v.views, {**v.canonical, "team": "select nonsense"}) for v in broken]
    monkeypatch.setattr(night, "vendors", lambda: broken)
    with pytest.raises(RunFailedError, match="nonsense"):
        run_sync(configuration, console=QUIET, clock=lambda: NOW)
    assert not configuration.store.warehouse.exists()


def test_a_second_run_is_refused_before_dagster_starts(configuration: Configuration) -> None:
    with Evidence(configuration.store.evidence), pytest.raises(EvidenceBusy):
        run_sync(configuration, console=QUIET)


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from rich.console import Console
from pipelines.configuration import load
from pipelines.night import Night
from pipelines.runs import run_sync
def die(self):
    os.kill(os.getpid(), signal.SIGKILL)
Night.build_canonical = die
run_sync(load(Path(sys.argv[1])), console=Console(), clock=lambda: datetime.fromisoformat(sys.argv[2]))
"""


def test_a_killed_run_is_closed_in_audit_and_in_dagster_by_the_next(configuration: Configuration) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(configuration.path), NOW.isoformat()], check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    outcome = run_sync(configuration, console=QUIET, clock=lambda: NOW)
    assert outcome.exit_code == 0
    with dg.DagsterInstance.get() as instance:
        statuses = sorted(run.status.value for run in instance.get_runs())
    assert statuses == ["FAILURE", "SUCCESS"]


def test_the_instance_settings_are_accepted_and_real(configuration: Configuration) -> None:
    settings = yaml.safe_load(SETTINGS.read_text())
    assert settings["telemetry"] == {"enabled": False}
    folder = home(configuration)
    assert (folder / "dagster.yaml").resolve() == SETTINGS.resolve()
    with dg.DagsterInstance.get() as instance:
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert not instance.telemetry_enabled
        assert instance.get_settings("retention")["schedule"]["purge_after_days"] == 90
        assert str(instance.root_directory) == str(folder)
