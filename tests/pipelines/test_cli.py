"""The command line as people and scripts use it: exit codes, one clear line for an error, JSON, and no secret anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import sample
from connectors.servicenow.rendering import rows
from connectors.servicenow.simulator import Simulator
from connectors.servicenow.streams import OPTIONAL, STREAMS

ORGANIZATION = sample.generate(7, 0.05)
NOW = ORGANIZATION.as_of
PROGRAM = Path(sys.executable).parent / "sms-evidence"
PASSWORD = "demo-only"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(rows(ORGANIZATION, NOW), now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Path:
    path = tmp_path_factory.mktemp("site")
    (path / "sms-evidence.toml").write_text(
        '[organization]\nname = "X"\ntime_zone = "Europe/Amsterdam"\n[sources.snow]\nconnector = "servicenow"\n'
        f'url = "{simulator.url}"\n'
    )
    return path


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    base = {k: v for k, v in os.environ.items() if not k.startswith(("SMS_EVIDENCE", "DAGSTER"))}
    base |= {"SMS_EVIDENCE_SNOW_USERNAME": "evidence", "SMS_EVIDENCE_SNOW_PASSWORD": PASSWORD, **environ}
    return subprocess.run(
        [str(PROGRAM), *arguments], cwd=folder, env=base, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def synced(folder: Path) -> Path:
    done = run(folder, "sync", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["is_complete"]
    assert len(result["streams"]) == len(STREAMS) - len(OPTIONAL)
    assert len(result["manifest_heads"]["snow"]) == 64
    return folder


def test_help_has_examples_and_needs_no_configuration(tmp_path: Path) -> None:
    for command in ("", "sync", "check", "metrics", "report", "trace", "demo", "dev", "docs"):
        done = run(tmp_path, *command.split(), "--help")
        assert done.returncode == 0
        assert not command or f"sms-evidence {command}" in done.stdout
    assert run(tmp_path, "--version").stdout.startswith("sms-evidence")


def test_without_a_configuration_the_error_is_one_line_and_names_the_next_step(tmp_path: Path) -> None:
    done = run(tmp_path, "sync")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--config" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_traceback_comes_only_with_debug(tmp_path: Path) -> None:
    (tmp_path / "sms-evidence.toml").write_text("[organization]\nnme = 1\n")
    assert "Traceback" not in run(tmp_path, "metrics").stderr
    assert "Traceback" in run(tmp_path, "metrics", "--debug").stderr


def test_usage_errors_exit_with_two(folder: Path) -> None:
    assert run(folder, "report", "--period", "October").returncode == 2
    assert run(folder, "nonsense").returncode == 2
    unknown = run(folder, "sync", "--source", "elsewhere")
    assert unknown.returncode == 2
    assert "there are: snow" in unknown.stderr


def test_nothing_published_yet_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "sms-evidence.toml").write_text(
        '[organization]\nname = "X"\ntime_zone = "UTC"\n[sources.s]\nconnector = "servicenow"\nurl = "https://example.com"\n'
    )
    done = run(tmp_path, "metrics")
    assert done.returncode == 1
    assert "sms-evidence sync" in done.stderr


def test_metrics_report_and_trace_read_what_was_published(synced: Path) -> None:
    figures = json.loads(run(synced, "metrics", "--period", "2026-10", "--json").stdout)
    assert {f["metric"] for f in figures} >= {"SLM-01", "CHG-01", "INC-01", "DQ-01"}
    assert "SLA attainment" in run(synced, "metrics").stdout
    report = json.loads(run(synced, "report", "--period", "2026-10", "--out", "out", "--json").stdout)
    assert report == {"report": "out/service-report-2026-10.html"}
    assert (synced / "out" / "service-report-2026-10.html").exists()
    trace = json.loads(run(synced, "trace", "chg0030001", "--json").stdout)
    assert trace["number"] == "CHG0030001"
    assert [step["name"] for step in trace["steps"]] == [
        "raised",
        "assessed",
        "approved",
        "implemented",
        "reviewed",
        "linked",
    ]
    shown = run(synced, "trace", "CHG0030001")
    assert shown.returncode == 0
    assert "every step that the change needs has evidence" in shown.stdout


def test_unknown_numbers_and_months_are_told(synced: Path) -> None:
    unknown = run(synced, "trace", "CHG9999999")
    assert unknown.returncode == 1
    assert "no change CHG9999999" in unknown.stderr
    month = run(synced, "report", "--period", "2001-01")
    assert month.returncode == 2
    assert "there are no figures for 2001-01" in month.stderr


def test_check_counts_each_stream_and_names_a_missing_role(folder: Path, simulator: Simulator) -> None:
    done = run(folder, "check")
    assert done.returncode == 0, done.stdout
    assert "incident" in done.stdout
    simulator.forbid("problem")
    try:
        refused = run(folder, "check", "--json")
        assert refused.returncode == 3
        bad = [f for f in json.loads(refused.stdout) if not f["is_ok"]]
        assert [f["subject"] for f in bad] == ["problem"]
        assert "sn_problem_read" in bad[0]["message"]
    finally:
        simulator.allow("problem")


def test_an_incomplete_source_exits_with_three_and_is_named(folder: Path, synced: Path, simulator: Simulator) -> None:
    simulator.forbid("problem")
    try:
        done = run(folder, "sync")
        assert done.returncode == 3
        assert "problem" in done.stderr
        assert "incomplete" in done.stderr
    finally:
        simulator.allow("problem")
    assert run(folder, "sync").returncode == 0


def test_a_second_sync_says_so_and_exits_at_once(synced: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from warehouse.evidence import Evidence\n"
        "with Evidence(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(synced / "var" / "evidence.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        second = run(synced, "sync")
        assert second.returncode == 1
        assert "another sync is running" in second.stderr
        assert run(synced, "metrics").returncode == 0, "readers are not in the way"
        holder.communicate("\n")


def test_no_secret_is_printed_or_stored(folder: Path, synced: Path) -> None:
    wrong = run(folder, "sync", "--debug", SMS_EVIDENCE_SNOW_PASSWORD="s3cret-and-wrong")
    assert wrong.returncode == 3
    assert "s3cret-and-wrong" not in wrong.stdout + wrong.stderr
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"s3cret-and-wrong" not in content, file
            assert PASSWORD.encode() not in content, file
    assert run(folder, "sync").returncode == 0


def test_ctrl_c_loses_nothing(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "sms-evidence.toml").write_text(
        '[organization]\nname = "X"\ntime_zone = "UTC"\n[sources.snow]\nconnector = "servicenow"\n'
        f'url = "{simulator.url}"\nper_minute = 120\n'
    )
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("SMS_EVIDENCE", "DAGSTER"))}
    environ |= {"SMS_EVIDENCE_SNOW_USERNAME": "evidence", "SMS_EVIDENCE_SNOW_PASSWORD": PASSWORD}
    with subprocess.Popen(
        [str(PROGRAM), "sync"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        assert process.stderr is not None
        for line in process.stderr:
            if "sys_user_group" in line or time.monotonic() > deadline:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 1
    assert "Traceback" not in rest
    assert not (tmp_path / "var" / "warehouse.duckdb").exists()
    configuration = tmp_path / "sms-evidence.toml"
    configuration.write_text(configuration.read_text().replace("per_minute = 120\n", ""))
    assert run(tmp_path, "sync").returncode == 0


def test_the_demo_runs_whole_twice_and_leaves_other_folders_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "sms-evidence.toml").write_text("[organization]\n")
    refused = run(tmp_path, "demo", "--out", "mine")
    assert refused.returncode == 2
    assert "--out" in refused.stderr
    first = run(tmp_path, "demo", "--out", "demo")
    assert first.returncode == 0, first.stderr
    assert "every step that the change needs has evidence" in first.stdout
    assert "sms-evidence trace CHG0030001" in first.stdout
    report = tmp_path / "demo" / "reports" / "service-report-2026-10.html"
    second = run(tmp_path, "demo", "--out", "demo")
    assert second.returncode == 0, second.stderr
    assert "Halvermeer" in report.read_text()
    assert len(list((tmp_path / "demo" / "var" / "published").iterdir())) == 2, "begun anew"


def test_a_full_read_of_one_source_stores_nothing_twice(synced: Path) -> None:
    done = run(synced, "sync", "--source", "snow", "--full", "--json")
    assert done.returncode == 0, done.stderr
    streams = {s["stream"]: s for s in json.loads(done.stdout)["streams"]}
    assert streams["incident"]["mode"] == "full"
    assert streams["incident"]["unchanged"] > 0
    assert sum(s["added"] + s["changed"] + s["deleted"] for s in streams.values()) == 0
