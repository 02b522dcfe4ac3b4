"""A ServiceNow instance, a configuration that reads it, and what a night leaves in the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from connectors.servicenow import STREAMS, instance
from connectors.servicenow.simulator import Simulator
from connectors.servicenow.streams import AUDIT_FIELDS
from pipelines.configuration import load
from pipelines.night import Night, StreamResult
from tests.connectors.servicenow.instances import key
from warehouse.evidence import Evidence

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
DAY = timedelta(days=1)
LAG = timedelta(seconds=60)
ROWS = 70
ALWAYS = 100_000
READ = ("cmdb_ci", "cmdb_ci_service", "incident", "sys_audit")
BY_NAME = {stream.name: stream for stream in STREAMS}
SECRETS = {
    f"SMS_EVIDENCE_SNOW_{name}": value
    for name, value in {
        "USERNAME": "evidence",
        "PASSWORD": "demo-only",
        "CLIENT_ID": "evidence-client",
        "CLIENT_SECRET": "demo-only",
    }.items()
}


def stamp(moment: datetime) -> str:
    """A time as the instance writes it."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def row(number: int, updated: datetime, **values: str) -> dict[str, str]:
    """An incident that was opened and last updated at a time."""
    at = stamp(updated)
    return {
        "sys_id": key(number),
        "sys_class_name": "incident",
        "number": f"INC{number:07}",
        "short_description": f"as it was {number}",
        "state": "2",
        "opened_at": at,
        "sys_created_on": at,
        "sys_created_by": "ann",
        "sys_updated_on": at,
        "sys_updated_by": "ann",
        "sys_mod_count": "0",
        **values,
    }


def item(number: int, kind: str = "cmdb_ci_service") -> dict[str, str]:
    """A configuration item; numbers from 1000 on keep them apart from the incidents."""
    made = row(number, NOW - timedelta(days=90), name=f"Item {number}")
    return made | {"sys_class_name": kind, "install_status": "1", "operational_status": "1"}


def incidents(count: int = ROWS, step: timedelta = timedelta(hours=5)) -> list[dict[str, str]]:
    """One update each, evenly spread over the days before."""
    return [row(n, NOW - timedelta(days=40) + n * step) for n in range(count)]


def audited(number: int, count: int) -> dict[str, str]:
    """A change of an incident's state, as ``sys_audit`` keeps it."""
    return {
        "sys_id": key(50_000 + number * 10 + count),
        "tablename": "incident",
        "fieldname": "state",
        "documentkey": key(number),
        "oldvalue": "1",
        "newvalue": "2",
        "user": "ann",
        "reason": "",
        "record_checkpoint": str(count),
        "sys_created_on": stamp(NOW - timedelta(days=40)),
        "sys_created_by": "ann",
    }


@dataclass
class Place:
    """An instance and the machine that reads it every night."""

    simulator: Simulator
    path: Path
    now: datetime = NOW
    results: dict[str, StreamResult] = field(default_factory=dict)

    def night(self, *, full: bool = False) -> StreamResult:
        """One night; how the stream of incidents ended, the others are in ``results``. Then it is the next day."""
        with Night(load(self.path), environ=SECRETS, clock=lambda: self.now, full=full) as night:
            self.results = {result.stream: result for result in night.read_source("snow")}
        self.now += DAY
        self.simulator.advance(self.now)
        return self.results["incident"]

    def ask(self, *queries: str, key: str = "") -> list[list[tuple[Any, ...]]]:
        """The rows of queries of the evidence, opened once; ``$key`` may stand for a sys_id."""
        with Evidence(self.path.parent / "var" / "evidence.duckdb") as evidence:
            return [evidence.con.execute(query, {"key": key} if key else None).fetchall() for query in queries]

    def stored(self, *streams: str) -> dict[str, dict[str, dict[str, str]]]:
        """The living records of streams (of incidents, when none is named) by key, in their latest version."""
        names = streams or ("incident",)
        found = self.ask(
            *(
                f"select source_key, arg_max(record, (sync_id, ordinal)) from evidence.raw.servicenow__{name}"
                " group by 1 having not arg_max(is_deleted, (sync_id, ordinal))"
                for name in names
            )
        )
        return {
            name: {key: msgspec.json.decode(record) for key, record in rows}
            for name, rows in zip(names, found, strict=True)
        }

    def living(self, stream: str = "incident") -> dict[str, dict[str, str]]:
        """The living records of one stream."""
        return self.stored(stream)[stream]

    def buried(self, stream: str = "incident") -> Mapping[str, tuple[str, str]]:
        """The records that are gone: kind and reason."""
        (rows,) = self.ask(
            "select source_key, arg_max(deleted_kind, (sync_id, ordinal)), arg_max(deleted_reason, (sync_id, ordinal))"
            f" from evidence.raw.servicenow__{stream} group by 1 having arg_max(is_deleted, (sync_id, ordinal))"
        )
        return {name: (kind, reason) for name, kind, reason in rows}

    def versions(self, sys_id: str, stream: str = "incident") -> list[dict[str, str] | None]:
        """Every version of one record, oldest first; None for a tombstone."""
        (rows,) = self.ask(
            f"select record from evidence.raw.servicenow__{stream} where source_key = $key order by sync_id, ordinal",
            key=sys_id,
        )
        return [None if record is None else msgspec.json.decode(record) for (record,) in rows]

    def shown(self, stream: str = "incident", without: tuple[str, ...] = ()) -> dict[str, dict[str, str]]:
        """What the account is shown of a table, by the simulator's own word: the fields that the stream names."""
        fields = [name for name in BY_NAME[stream].columns if name not in without]
        return {
            sys_id: {name: found[name] for name in fields if name in found}
            for sys_id, found in self.simulator.visible(stream).items()
        }

    def mended(self) -> list[str]:
        """Questions about incidents by key: what the windows missed and only the sweep found, as it does for changes."""
        asked = [request.params["sysparm_query"] for request in self.simulator.log if request.table == "incident"]
        return [query for query in asked if "sys_idIN" in query]

    def histories(self) -> set[str]:
        """The keys of the audit rows of all incidents shown; a deletion that was taken back is no change of theirs."""
        shown, fields = self.simulator.visible("incident"), set(AUDIT_FIELDS) - {"DELETED"}
        rows = self.simulator.rows("sys_audit").items()
        return {sys_id for sys_id, found in rows if found["documentkey"] in shown and found["fieldname"] in fields}


def assert_equal_state(place: Place, *streams: str, without: tuple[str, ...] = ()) -> None:
    """Both sides hold the same: nothing is missing, nothing is stale, nothing is left over; histories are whole."""
    names = streams or ("incident", "cmdb_ci", "cmdb_ci_service")
    found = place.stored(*names, "sys_audit")
    for stream in names:
        stored, shown = found[stream], place.shown(stream, without)
        assert sorted(set(shown) - set(stored)) == [], f"missing in {stream}"
        assert sorted(set(stored) - set(shown)) == [], f"left over in {stream}"
        stale = {name: (stored[name], shown[name]) for name in shown if not shown[name].items() <= stored[name].items()}
        assert stale == {}, f"stale in {stream}"
    assert place.histories() <= set(found["sys_audit"])


def whole(place: Place) -> StreamResult:
    """A night that is complete, with equal counts and equal state."""
    result = place.night()
    unread = {r.stream: r.error for r in place.results.values() if r.status != "complete"}
    assert unread == {}
    counted = [r for r in place.results.values() if r.stream != "sys_audit"]
    assert [(r.source_count or 0) - r.hidden - r.quarantined for r in counted] == [r.warehouse_count for r in counted]
    assert_equal_state(place)
    return result


def cut_short(place: Place, *says: str, stream: str = "incident") -> StreamResult:
    """A night that is incomplete and says why, in one line and without a secret; nothing is buried by it."""
    buried = place.buried(stream) if (place.path.parent / "var").exists() else {}
    place.night()
    result = place.results[stream]
    error = str(result.error)
    assert (result.status, result.deleted) == ("incomplete", 0), result
    for words in says:
        assert words in error, error
    assert "\n" not in error
    assert "demo-only" not in error
    assert place.buried(stream) == buried
    return result


def configure(folder: Path, url: str, more: str = "", patience: str = "", page_size: int = 10) -> Path:
    """The configuration; ``more`` are lines of the source's table, ``patience`` of how it waits."""
    path = folder / "sms-evidence.toml"
    path.write_text(
        '[organization]\nname = "X"\ntime_zone = "Europe/Amsterdam"\n[sources.snow]\nconnector = "servicenow"\n'
        f'url = "{url}"\npage_size = {page_size}\n{more}'
        f"[sources.snow.patience]\nattempts = 3\nlongest_wait_seconds = 2.0\n{patience}"
    )
    return path


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """No random pauses; and no more than is looked at: to keep all definitions and to note forty streams as skipped takes longer
    than to read these four."""
    monkeypatch.setattr(Random, "uniform", lambda _, least, most: least)
    monkeypatch.setattr(Night, "_texts", lambda night: {"configuration": night.configuration.text})
    monkeypatch.setattr(instance, "STREAMS", tuple(BY_NAME[name] for name in READ))


@pytest.fixture
def place(tmp_path: Path, calm: None) -> Iterator[Place]:
    """Seventy incidents on seven pages, two of them with a history; services, which are items as well, and servers."""
    tables = {
        "incident": incidents(),
        "sys_audit": [audited(n, count) for n in (3, 44) for count in range(1, 4)],
        "cmdb_ci": [item(1000 + n, "cmdb_ci_server") for n in range(4)],
    }
    with Simulator(tables, now=NOW) as simulator:
        simulator.extend("cmdb_ci_service", "cmdb_ci")
        simulator.put("cmdb_ci_service", [item(2000 + n) for n in range(5)])
        yield Place(simulator, configure(tmp_path, simulator.url))
