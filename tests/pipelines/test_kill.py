"""Killed with SIGKILL at any moment, a run leaves nothing that the next one does not put right.

Real processes read real servers and are killed where it hurts. After each: what was published stays readable, the next
run is not held up and ends complete, and the evidence is that of a process which nobody killed: every record, no
version twice, every manifest in one chain.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import dagster as dg
import msgspec
import pytest
import requests

from connectors import content
from connectors.servicenow.simulator.faults import Fault
from connectors.servicenow.streams import STREAMS
from pipelines import definitions
from pipelines.configuration import load
from pipelines.instance import home
from pipelines.night import Night
from tests.pipelines.killing import NOW, Moment, State, Tools, faults_of, tools
from warehouse.published import NotPublishedError, open_published

KILLED = -signal.SIGKILL
PRUNING = Moment("warehouse.building:Building._prune")
"""Just after the link was swapped."""


@dataclass
class World:
    """Both tools, the evidence and the warehouse of the night before in ``base``, and what a whole read brings now."""

    tools: Tools
    base: Path
    truth: State


@dataclass
class Store:
    """One store that a run is killed over."""

    world: World
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "sms-evidence.toml"

    def kill(self, moment: Moment | None, *, cli: bool = False) -> None:
        """A run that dies at a moment (None: at the request that the tools were told)."""
        arguments = ["sync", "--config", str(self.config)] if cli else ["night", str(self.config)]
        processes = self.world.tools.processes
        assert processes.run(arguments, self.world.tools.environ, moment) == KILLED, processes.said()

    def recover(self, *, is_whole: bool = True) -> None:
        """The next run: not held up, complete, the truth. Not whole: without the warehouse, which the kill left alone."""
        with Night(load(self.config), environ=self.world.tools.environ) as night:
            if is_whole:
                night.run()
            else:
                for source in night.sources:
                    assert {result.status for result in night.read_source(source)} == {"complete", "skipped"}
        self.is_true()

    def is_true(self) -> None:
        """Nothing is lost, nothing double, nothing left over."""
        assert faults_of(load(self.config), self.world.truth) == []

    @property
    def warehouse(self) -> Path:
        return load(self.config).store.warehouse

    def figures(self) -> list[tuple[object, ...]]:
        """All published figures."""
        with open_published(self.warehouse) as con:
            return con.execute("select * from metrics.value order by all").fetchall()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("kill")
    with tools(folder) as both:
        before = NOW - timedelta(days=1)
        with Night(load(both.configure(folder / "base")), environ=both.environ, clock=lambda: before) as night:
            night.run()
        both.disturb(Random(1))
        both.advance(NOW)
        yield World(both, folder / "base", both.state(folder / "truth"))


@pytest.fixture
def store(world: World, tmp_path: Path) -> Store:
    """The store of the night before, to be killed over."""
    folder = tmp_path / "store"
    shutil.copytree(world.base, folder, symlinks=True)
    return Store(world, folder)


@pytest.fixture
def empty(world: World, tmp_path: Path) -> Store:
    """A store that nothing was read into yet."""
    world.tools.configure(tmp_path / "empty")
    return Store(world, tmp_path / "empty")


def test_the_truth_is_what_the_tools_answer(world: World) -> None:
    """What all stores are compared with is not only our own word."""
    url = world.tools.sources["snow"].simulator.url
    stream = next(stream for stream in STREAMS if stream.name == "incident")
    answer = requests.get(
        f"{url}/api/now/table/incident",
        params={
            "sysparm_fields": ",".join(stream.columns),
            "sysparm_exclude_reference_link": "true",
            "sysparm_display_value": "false",
        },
        auth=("evidence", "demo-only"),
        timeout=30,
    )
    records = [bytes(raw) for raw in msgspec.json.decode(answer.content, type=dict[str, list[msgspec.Raw]])["result"]]
    contents = [content(record, stream.volatile) if stream.volatile else record for record in records]
    keys = [json.loads(record)["sys_id"] for record in records]
    hashes = [hashlib.sha256(body).hexdigest() for body in contents]
    assert world.truth["servicenow__incident"] == dict(zip(keys, hashes, strict=True))
    assert set(world.truth["jira__issue"]) == world.tools.sources["jira"].truth()["issue"]


# Reading --------------------------------------------------------------------------------------------------------------


@pytest.mark.fault(
    "process",
    "K1",
    "Killed while a source is read: before the first request, during log-in, page, sweep, fetch, histories or log-out",
    "What was committed stays, the watermark has not moved, the next run reads the window again; nothing twice.",
)
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(Moment("connectors.http:Transport.send"), id="before the first request"),
        pytest.param(Moment("warehouse.evidence:Evidence._manifest"), id="noting a skipped stream"),
        pytest.param(Moment("warehouse.versions:Writer.list_census", 1, True, "incident"), id="during the sweep"),
        pytest.param(Moment("pipelines.night:Night._fetch"), id="before what the sweep found is fetched"),
        pytest.param(Moment("warehouse.versions:Writer.bury", 1, True, "incident"), id="after the tombstones"),
        pytest.param(Moment("warehouse.evidence:Evidence.seal", 1, False, "snow incident "), id="before the manifest"),
        pytest.param(
            Moment("warehouse.evidence:Evidence.seal", 1, True, "snow incident "), id="after it, not committed"
        ),
        pytest.param(Moment("warehouse.versions:Writer.finish", 1, True, "incident"), id="before the next stream"),
        pytest.param(Moment("connectors.servicenow.instance:ServiceNow.close"), id="before the log-out"),
    ],
)
def test_killed_while_reading(store: Store, moment: Moment) -> None:
    figures = store.figures()
    store.kill(moment)
    assert store.figures() == figures
    store.recover(is_whole=False)
    assert store.figures() == figures


@pytest.mark.parametrize(
    ("source", "path", "nth"),
    [("snow", "/table/sys_user", 1), ("snow", "/table/sys_audit", 1), ("jira", "/bulkfetch", 1)],
    ids=["during the log-in", "during the histories of ServiceNow", "during the histories of Jira"],
)
def test_killed_while_a_request_is_under_way(store: Store, source: str, path: str, nth: int) -> None:
    store.world.tools.arm(source, path, nth)
    store.kill(None)
    store.recover(is_whole=False)


@pytest.mark.fault(
    "process",
    "K2",
    "Killed in a first, full read: within a batch's transaction, or between two batches",
    "Committed batches stay under the run's id, the rest is not there; the run is closed as failed, with its manifest.",
)
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(Moment("warehouse.versions:Writer._flush", 5, False, "sys_audit"), id="between two batches"),
        pytest.param(Moment("warehouse.versions:Writer._remember", 5, False, "sys_audit"), id="within one"),
    ],
)
def test_killed_between_batches(empty: Store, moment: Moment) -> None:
    empty.kill(moment)
    with pytest.raises(NotPublishedError):
        empty.figures()
    empty.recover(is_whole=False)


@pytest.mark.fault(
    "process",
    "K3",
    "Killed, and the next run is killed while it closes the first as failed",
    "The one after closes both; every run has its manifest, and the chain is whole.",
)
def test_killed_while_a_killed_run_is_closed(empty: Store) -> None:
    between = Moment("warehouse.versions:Writer._flush", 5, False, "sys_audit")
    empty.kill(between)
    empty.kill(Moment("warehouse.evidence:Evidence._manifest"))
    empty.kill(between)
    empty.recover(is_whole=False)


# Building and publishing ----------------------------------------------------------------------------------------------


@pytest.mark.fault(
    "process",
    "K4",
    "Killed while the warehouse is built, or between its file and the link to it",
    "What was published stays, open readers as well; the next run builds anew, and removes what was left half-done.",
)
@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(
            [
                Moment("warehouse.building:Building._copy_audit"),
                Moment("warehouse.metrics:build", 1, True),
                Moment("pathlib:Path.replace", 1, False, ".duckdb.new"),
            ],
            id="canonical model, the next in the metrics, the next before the link is swapped",
        ),
        pytest.param([PRUNING], id="after it"),
    ],
)
def test_killed_while_building(store: Store, moments: list[Moment]) -> None:
    figures = store.figures()
    with open_published(store.warehouse) as reader:
        for moment in moments:
            store.kill(moment)
            seen = store.figures()
            assert (seen != figures) == (moment is PRUNING), "nothing half-done is ever seen"
        store.recover(is_whole=moment is not PRUNING)
        assert reader.execute("select * from metrics.value order by all").fetchall() == figures
    assert store.figures() != figures
    assert len(list((store.folder / "var" / "published").iterdir())) <= 3


# With Dagster ---------------------------------------------------------------------------------------------------------


def runs(store: Store) -> list[str]:
    home(load(store.config))
    with dg.DagsterInstance.get() as instance:
        return sorted(run.status.value for run in instance.get_runs())


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """What `home` sets is taken back afterwards."""
    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "SMS_EVIDENCE_CONFIG"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    for name, value in world.tools.environ.items():
        monkeypatch.setenv(name, value)


@pytest.mark.fault(
    "process",
    "K5",
    "`sms-evidence sync` is killed in the middle of a page",
    "Neither the next sync nor the scheduled run is held up; Dagster shows the dead run as failed.",
)
@pytest.mark.usefixtures("environment")
def test_a_killed_sync_and_the_next_sync(store: Store) -> None:
    simulator = store.world.tools.sources["snow"].simulator
    simulator.fail(Fault.SLOW, times=1000, table="incident", piece=300, pause=0.001)
    store.kill(Moment("urllib3.response:HTTPResponse.read1", 3, True, "/table/incident"), cli=True)
    simulator.heal()
    processes = store.world.tools.processes
    code = processes.run(["sync", "--config", str(store.config)], store.world.tools.environ)
    assert code == 0, processes.said()
    assert "was ended from outside: closed as failed, nothing is lost" in processes.said()
    store.is_true()
    assert runs(store) == ["FAILURE", "SUCCESS"]


@pytest.mark.usefixtures("environment")
def test_a_killed_run_and_the_scheduled_one(store: Store) -> None:
    store.kill(Moment("warehouse.versions:Writer.finish", containing="'incident'"))
    home(load(store.config))
    loaded = definitions.build(load(store.config))
    schedule = loaded.resolve_schedule_def("nightly")
    with dg.DagsterInstance.get() as instance:
        due = datetime(2026, 11, 2, 2, 30, tzinfo=UTC)
        tick = schedule.evaluate_tick(dg.build_schedule_context(instance, scheduled_execution_time=due))
        (request,) = tick.run_requests or []
        job = loaded.resolve_job_def(definitions.NIGHTLY_JOB)
        result = job.execute_in_process(instance=instance, run_config=request.run_config, tags=dict(request.tags))
        assert result.success
    store.is_true()
    assert runs(store) == ["SUCCESS"]
