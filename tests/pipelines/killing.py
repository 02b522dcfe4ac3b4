"""Two tools, the processes that read them and are killed, and what must be true of the evidence whatever happened."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event
from typing import Any, Self

from connectors import installed, sample
from connectors.jira.stand_in import stand_in as jira
from connectors.servicenow.stand_in import stand_in as servicenow
from pipelines.configuration import Configuration, load, prefix
from pipelines.night import Night
from warehouse.evidence import Evidence

ORGANIZATION = sample.generate(7, 0.02)
NOW = ORGANIZATION.as_of
READ = {"snow": {"sys_user", "incident", "problem", "sys_audit"}, "jira": {"project", "issue", "changelog"}}
"""Enough for every kind of reading: windows, sweeps and histories, in both tools."""
HISTORIES = {"servicenow__sys_audit", "jira__changelog"}
BATCH = 20

State = dict[str, dict[str, str]]
"""The hash of the content of every living record: stream -> key -> hash."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a process dies: see `victim.arm`."""

    target: str
    nth: int = 1
    after: bool = False
    containing: str = ""


@dataclass
class Tools:
    """Both tools. ``kill_at`` names what request ends the process that sends it: tool, end of the path, and which one."""

    sources: dict[str, Any]
    processes: Processes
    kill_at: tuple[str, str, int] | None = None
    _seen: int = 0
    _gone: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, source in self.sources.items():
            source.simulator.before = lambda request, name=name: self._watch(name, request.path)

    def arm(self, source: str, path: str, nth: int) -> None:
        """End the process at its nth request to a path that ends so."""
        self.kill_at, self._seen = (source, path, nth), 0

    def advance(self, moment: datetime) -> None:
        """Let time pass in both."""
        for source in self.sources.values():
            source.advance(moment)

    def disturb(self, random: Random) -> None:
        """Change, change in silence and delete a record of each stream where that can be done; bring an earlier one
        back."""
        for name, source in self.sources.items():
            for stream, keys in source.truth().items():
                if stream not in READ[name]:
                    continue
                edited, silent, removed = random.sample(sorted(keys), 3)
                source.edit(stream, edited)
                with suppress(LookupError):
                    source.edit_silently(stream, silent)
                gone = self._gone.setdefault((name, stream), [])
                if len(gone) == 2:
                    source.restore(stream, gone.pop(0))
                source.remove(stream, removed)
                gone.append(removed)

    def configure(self, folder: Path) -> Path:
        """A configuration in a folder that reads both."""
        parts = ['[organization]\nname = "X"\ntime_zone = "Europe/Amsterdam"\n']
        for name, source in self.sources.items():
            streams = {stream.name for stream in installed()[source.settings["connector"]].STREAMS}
            settings = {**source.settings, "read_assets": False, "skip": sorted(streams - READ[name])}
            if name == "snow":
                del settings["read_assets"]
            parts += [f"[sources.{name}]\n", *(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "sms-evidence.toml"
        path.write_text("".join(parts))
        return path

    @property
    def environ(self) -> dict[str, str]:
        """The log-ins."""
        return {
            f"{prefix(name)}_{secret.upper()}": value
            for name, source in self.sources.items()
            for secret, value in source.secrets.items()
        }

    def state(self, folder: Path) -> State:
        """What a process that nobody kills reads into an empty store: the truth for all others."""
        configuration = load(self.configure(folder))
        with Night(configuration, environ=self.environ, clock=lambda: NOW) as night:
            for source in night.sources:
                assert {result.status for result in night.read_source(source)} <= {"complete", "skipped"}
            return living(night.evidence)

    def _watch(self, source: str, path: str) -> None:
        if self.kill_at is None or self.kill_at[0] != source or not path.endswith(self.kill_at[1]):
            return
        self._seen += 1
        if self._seen == self.kill_at[2]:
            self.kill_at = None
            self.processes.kill()


@dataclass
class Processes:
    """Runs `sms-evidence` in real processes, one at a time."""

    output: Path
    _started: Event = field(default_factory=Event)
    _pid: int = 0

    def __enter__(self) -> Self:
        self._mother = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("victim.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "DAGSTER_DISABLE_TELEMETRY": "yes"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._mother.communicate()

    def start(self, arguments: list[str], environ: Mapping[str, str], moment: Moment | None = None) -> None:
        """Start a process; `wait` for it before the next."""
        order = {
            "arguments": arguments,
            "environ": dict(environ),
            "moment": asdict(moment) if moment else None,
            "batch": BATCH,
            "output": str(self.output),
        }
        self._started.clear()
        _, lines = self._pipes()
        lines.write(json.dumps(order) + "\n")
        lines.flush()
        self._pid = int(self._pipes()[0].readline())
        self._started.set()

    def wait(self) -> int:
        """How the process ended: its exit code, below 0 for a signal."""
        return int(self._pipes()[0].readline())

    def kill(self) -> None:
        """End the process, from whatever thread."""
        self._started.wait(30)
        os.kill(self._pid, signal.SIGKILL)

    def run(self, arguments: list[str], environ: Mapping[str, str], moment: Moment | None = None) -> int:
        """Start a process and wait for it."""
        self.start(arguments, environ, moment)
        return self.wait()

    def said(self) -> str:
        """What the last process wrote."""
        return self.output.read_text(errors="replace")

    def _pipes(self) -> tuple[Any, Any]:
        return self._mother.stdout, self._mother.stdin


@contextmanager
def tools(folder: Path) -> Iterator[Tools]:
    """Both tools as they were a day ago, and what runs the processes."""
    folder.mkdir(parents=True, exist_ok=True)
    before = NOW - timedelta(days=1)
    with (
        servicenow(ORGANIZATION, before) as snow,
        jira(ORGANIZATION, before) as site,
        Processes(folder / "output.txt") as processes,
    ):
        yield Tools({"snow": snow, "jira": site}, processes)


def living(evidence: Evidence) -> State:
    """The latest version of every record that is not deleted."""
    found: State = {}
    for table in evidence.tables():
        found[table] = dict(
            evidence.con.execute(
                f'select source_key, arg_max(content_sha256, (sync_id, ordinal)) from evidence.raw."{table}"'
                " group by source_key having not arg_max(is_deleted, (sync_id, ordinal)) order by 1"
            ).fetchall()
        )
    return found


def faults_of(configuration: Configuration, truth: State) -> list[str]:
    """All that is wrong with a store that should hold the truth; nothing, when nothing was lost and nothing is double."""
    with Evidence(configuration.store.evidence) as evidence:
        found = list(_differences(living(evidence), truth))
        for table in evidence.tables():
            found += [f"{table}: {what}" for what in _doubles(evidence, table)]
        for source in configuration.sources:
            found += [f"{source}: {what}" for what in _chain(evidence, source)]
    folder = configuration.store.warehouse.parent
    left = [path.name for path in folder.rglob("*") if ".building" in path.name or path.name.endswith(".duckdb.new")]
    return found + [f"{name} is left over" for name in left]


def _differences(stored: State, truth: State) -> Iterator[str]:
    for table in truth.keys() | stored.keys():
        ours, theirs = stored.get(table, {}), truth.get(table, {})
        if lost := theirs.keys() - ours.keys():
            yield f"{table}: {len(lost)} of {len(theirs)} records are missing"
        # histories of records that were deleted stay; a first read finds none of them
        if table not in HISTORIES and (extra := ours.keys() - theirs.keys()):
            yield f"{table}: {len(extra)} records that the source does not have"
        if other := [key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]]:
            yield f"{table}: {len(other)} records in another version than the source's"


def _doubles(evidence: Evidence, table: str) -> Iterator[str]:
    rows = evidence.con.execute(
        f"""
        select
            count(*) - count(distinct evidence_id) as ids,
            count(*) filter (where is_same) as versions,
            count(*) filter (where is_orphan) as orphans
        from (
            select
                evidence_id,
                (content_sha256, is_deleted) is not distinct from lag((content_sha256, is_deleted))
                    over (partition by source, source_key order by sync_id, ordinal) as is_same,
                not exists (select 1 from evidence.audit.sync_run r where r.sync_id = v.sync_id and
                    r.source = v.source and r.stream = '{table.split("__", 1)[1]}') as is_orphan
            from evidence.raw."{table}" v
        )
        """
    ).fetchall()
    for what, count in zip(
        ("ids are used twice", "versions are stored twice", "versions of no run"), rows[0], strict=True
    ):
        if count:
            yield f"{count} {what}"
    for record, digest in evidence.con.execute(
        f'select record, record_sha256 from evidence.raw."{table}" where not is_deleted'
    ).fetchall():
        if hashlib.sha256(record.encode()).hexdigest() != digest:
            yield "a record is not the bytes that its hash is of"


def _chain(evidence: Evidence, source: str) -> Iterator[str]:
    """The manifests of a source: each recomputed from rows, all in one chain from the first to the head."""
    cursor = evidence.con.execute("select * from evidence.audit.sync_run where source = ?", [source])
    names = [column[0] for column in cursor.description or []]
    runs = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    open_ = [run for run in runs if run["status"] == "running" or run["manifest_sha256"] is None]
    if open_:
        yield f"{len(open_)} runs are not closed with a manifest"
    followers = {run["previous_sha256"]: run for run in runs if run["manifest_sha256"]}
    if len(followers) + len(open_) != len(runs):
        yield "the chain of manifests forks"
    previous, length, tables = None, 0, set(evidence.tables())
    while (run := followers.get(previous)) is not None and length < len(runs):
        if _manifest(evidence, run, tables) != run["manifest_sha256"]:
            yield f"the manifest of {run['stream']} in {run['sync_id']} is not that of its rows"
        previous, length = run["manifest_sha256"], length + 1
    if length + len(open_) != len(runs):
        yield f"the chain holds {length} of {len(runs)} runs"
    if evidence.head(source) != previous:
        yield "the head is not the end of the chain"
    last = max(run["sync_id"] for run in runs)
    for run in runs:
        if run["sync_id"] == last and run["status"] not in ("complete", "skipped"):
            yield f"{run['stream']} ended as {run['status']}: {run['error']}"


def _manifest(evidence: Evidence, run: Mapping[str, Any], tables: Collection[str]) -> str:
    digest = hashlib.sha256()
    kind = {"snow": "servicenow", "jira": "jira"}[run["source"]]
    if f"{kind}__{run['stream']}" in tables:
        for line in evidence.con.execute(
            "select evidence_id || ' ' || coalesce(record_sha256, '-') || chr(10)"
            f' from evidence.raw."{kind}__{run["stream"]}" where sync_id = ? order by ordinal',
            [run["sync_id"]],
        ).fetchall():
            digest.update(line[0].encode())
    stated = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in run.items() if k != "manifest_sha256"}
    stated["versions_sha256"] = digest.hexdigest()
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()
