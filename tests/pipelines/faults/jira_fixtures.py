"""A Jira site, a configuration that reads it, and what a night leaves in the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from connectors.jira.rendering.fields import fields
from connectors.jira.simulator import Deployment, Simulator
from connectors.jira.simulator.site import Document, History, Issue, Site, written
from pipelines.configuration import load
from pipelines.night import Night, StreamResult
from warehouse.evidence import Evidence

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
START = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)
SECRETS = {
    "cloud": {"SMS_EVIDENCE_JIRA_USERNAME": "evidence@example.com", "SMS_EVIDENCE_JIRA_TOKEN": "demo-only"},
    "datacenter": {"SMS_EVIDENCE_JIRA_TOKEN": "demo-only"},
}
PROJECTS = {
    key: {"id": id_, "key": key, "name": key.title(), "projectTypeKey": "software"}
    for key, id_ in (("OPS", "10001"), ("FIN", "10002"), ("HR", "10003"))
}
STATUS = {"id": "1", "name": "Open", "statusCategory": {"id": 2, "key": "new"}}


def history(id_: int, at: datetime, field_name: str = "priority") -> History:
    """One change of one field."""
    items = [{"field": field_name, "fieldId": field_name, "fieldtype": "jira", "to": "3", "toString": "Medium"}]
    return History({"id": str(id_), "author": {"accountId": "u1"}, "created": written(at), "items": items})


def issue(number: int, at: datetime, project: str = "OPS", summary: str = "as it was", changes: int = 3) -> Issue:
    """An issue that was made and last updated at a time, with some changes in the minutes before."""
    histories = [history(number * 1000 + n, at - timedelta(minutes=changes - n)) for n in range(changes)]
    values: Document = {
        "created": written(at),
        "updated": written(at),
        "summary": summary,
        "project": PROJECTS[project],
        "issuetype": {"id": "20", "name": "[System] Incident"},
        "status": STATUS,
    }
    return Issue(str(20000 + number), f"{project}-{number}", values, histories)


def site(*issues: Issue, zone: str = "Europe/Amsterdam") -> Site:
    """A site without a service desk."""
    system = [one for one in fields() if not one["custom"]]
    kinds = [{"id": "20", "name": "[System] Incident"}]
    projects = [dict(project) for project in PROJECTS.values()]
    return Site("https://j.example", zone, projects, system, [STATUS], kinds, [], list(issues))


@dataclass
class Place:
    """A site and the machine that reads its projects OPS and FIN every night."""

    simulator: Simulator
    path: Path
    now: datetime = NOW
    results: dict[str, StreamResult] = field(default_factory=dict)

    def night(self, *, full: bool = False) -> StreamResult:
        """One night, a day after the last; how the stream of issues ended, the others are in ``results``."""
        with Night(
            load(self.path), environ=SECRETS[self.simulator.deployment], clock=lambda: self.now, full=full
        ) as night:
            self.results = {result.stream: result for result in night.read_source("jira")}
        self.simulator.advance(self.now + timedelta(days=1))
        self.now += timedelta(days=1)
        return self.results["issue"]

    def stored(self, stream: str = "issue") -> dict[str, bytes]:
        """The living records by key."""
        with Evidence(self.path.parent / "var" / "evidence.duckdb") as evidence:
            rows = evidence.con.execute(
                f"select source_key, arg_max(record, (sync_id, ordinal)) from evidence.raw.jira__{stream}"
                " group by 1 having not arg_max(is_deleted, (sync_id, ordinal))"
            ).fetchall()
        return {key: record.encode() for key, record in rows}

    def buried(self) -> Mapping[str, tuple[str, str]]:
        """The issues that are gone: kind and reason."""
        with Evidence(self.path.parent / "var" / "evidence.duckdb") as evidence:
            rows = evidence.con.execute(
                "select source_key, arg_max(deleted_kind, (sync_id, ordinal)), arg_max(deleted_reason,"
                " (sync_id, ordinal)) from evidence.raw.jira__issue"
                " group by 1 having arg_max(is_deleted, (sync_id, ordinal))"
            ).fetchall()
        return {key: (kind, reason) for key, kind, reason in rows}

    def shown(self, *projects: str) -> dict[str, str]:
        """What the account is shown of the projects: summaries by id, by the simulator's own word."""
        _, by_id = self.simulator.views()
        away = {one["id"] for one in by_id.projects if one.get("archived") or one.get("deleted")}
        wanted = {PROJECTS[key]["id"] for key in projects or ("OPS", "FIN")} - away
        return {
            one.id: one.fields["summary"]
            for one in by_id.issues
            if one.fields["project"]["id"] in wanted and "archiveddate" not in one.fields
        }

    def is_exact(self) -> bool:
        """Whether what is stored as living is what the account is shown: nothing missing, stale or left over."""
        stored = {key: msgspec.json.decode(record)["fields"]["summary"] for key, record in self.stored().items()}
        return stored == self.shown()

    def histories(self) -> set[str]:
        """The keys of all changes of the issues shown."""
        _, by_id = self.simulator.views()
        shown = self.shown()
        return {f"{one.id}/{h.document['id']}" for one in by_id.issues if one.id in shown for h in one.histories}


def make_place(folder: Path, deployment: Deployment, *issues: Issue, more: str = "", zone: str = "UTC") -> Place:
    """A site that is being served; ``more`` are lines of the source's table."""
    simulator = Simulator(site(*issues, zone=zone), now=NOW, deployment=deployment).start()
    path = folder / "sms-evidence.toml"
    path.write_text(
        '[organization]\nname = "X"\ntime_zone = "Europe/Amsterdam"\n[sources.jira]\nconnector = "jira"\n'
        f'url = "{simulator.url}"\ndeployment = "{deployment}"\nprojects = ["OPS", "FIN"]\npage_size = 10\n'
        f'changelog_page_size = 40\nskip = ["field", "status", "issuetype", "request_type", "organization"]\n{more}'
        "[sources.jira.patience]\nattempts = 3\nlongest_wait_seconds = 1.0\n"
    )
    return Place(simulator, path)


def seventy(folder: Path, deployment: Deployment) -> Place:
    """Sixty issues of OPS, seven hours apart, and ten of FIN."""
    return make_place(
        folder,
        deployment,
        *(issue(n, START + timedelta(hours=7 * n)) for n in range(60)),
        *(issue(100 + n, START + timedelta(hours=60 * n), "FIN") for n in range(10)),
    )


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """No random pauses."""
    monkeypatch.setattr(Random, "uniform", lambda _, least, most: least)


@pytest.fixture(params=["cloud", "datacenter"])
def place(request: pytest.FixtureRequest, tmp_path: Path, calm: None) -> Iterator[Place]:
    """Seventy issues, on Cloud and on Data Center."""
    made = seventy(tmp_path, request.param)
    yield made
    made.simulator.stop()


@pytest.fixture
def cloud(tmp_path: Path, calm: None) -> Iterator[Place]:
    """Seventy issues, for what only Cloud has."""
    made = seventy(tmp_path, "cloud")
    yield made
    made.simulator.stop()


@pytest.fixture
def datacenter(tmp_path: Path, calm: None) -> Iterator[Place]:
    """Seventy issues, for what only Data Center has."""
    made = seventy(tmp_path, "datacenter")
    yield made
    made.simulator.stop()
