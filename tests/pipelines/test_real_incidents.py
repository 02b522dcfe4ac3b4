"""A real ServiceNow instance's incidents: 59,354 audit events of 9,202 incidents (UCI Machine Learning Repository 498).

The events are served by the simulator as incident rows and `sys_audit` rows, read by the real nightly run over HTTP,
and every figure that an independent query gave for the data set must come out of the canonical model and the metrics.
"""

from __future__ import annotations

import csv
import hashlib
import lzma
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from connectors.servicenow import STREAMS
from connectors.servicenow.simulator import Simulator
from connectors.servicenow.streams import OPTIONAL
from pipelines.configuration import load
from pipelines.night import Night
from warehouse.published import open_published

DATA = os.environ.get("SMS_EVIDENCE_REAL_DATA")
pytestmark = pytest.mark.skipif(
    not DATA, reason="SMS_EVIDENCE_REAL_DATA names no folder: the real incident log is not part of a clone"
)

SECRETS = {"SMS_EVIDENCE_REAL_USERNAME": "evidence", "SMS_EVIDENCE_REAL_PASSWORD": "demo-only"}
START = datetime(2016, 1, 1, tzinfo=UTC)
END = datetime(2017, 3, 1, 3, 30, tzinfo=UTC)
STATES = {
    "New": "1",
    "Active": "2",
    "Awaiting Problem": "3",
    "Awaiting User Info": "4",
    "Awaiting Evidence": "5",
    "Resolved": "6",
    "Closed": "7",
    "Awaiting Vendor": "8",
}
"""This instance's own choice list: its value 8 is what a stock instance calls Canceled."""

RESOLVED = {
    "2016-02": 36, "2016-03": 6878, "2016-04": 1178, "2016-05": 134, "2016-06": 88, "2016-07": 33, "2016-08": 21,
    "2016-09": 14, "2016-10": 15, "2016-11": 8, "2016-12": 8, "2017-01": 4, "2017-02": 2,
}  # fmt: skip
CLOSED = {
    "2016-02": 1, "2016-03": 5848, "2016-04": 2849, "2016-05": 303, "2016-06": 66, "2016-07": 59, "2016-08": 19,
    "2016-09": 17, "2016-10": 14, "2016-11": 9, "2016-12": 10, "2017-01": 4, "2017-02": 3,
}  # fmt: skip

Event = dict[str, str]


class Log:
    """The event log, as the tables of an instance at any moment."""

    def __init__(self, path: Path) -> None:
        self.events: dict[str, list[Event]] = defaultdict(list)
        with lzma.open(path, "rt", encoding="utf-8") as file:
            for event in csv.DictReader(file):
                self.events[event["number"]].append(event)
        for events in self.events.values():
            events.sort(key=lambda e: int(e["sys_mod_count"]))  # stable: the order of the file among equals
        self.moments = {
            number: [
                *(when(e["sys_updated_at"]) for e in events),
                *(when(events[-1][name]) for name in ("resolved_at", "closed_at") if events[-1][name] != "?"),
            ]
            for number, events in self.events.items()
        }

    def incidents(self, moment: datetime, since: datetime = START) -> list[dict[str, str]]:
        """Incident rows as they stood, of those that changed after ``since``: the last event so far; what the log knows
        of later is blanked."""
        rows = []
        for number, events in self.events.items():
            if not any(since < at <= moment for at in self.moments[number]):
                continue
            so_far = [e for e in events if when(e["sys_updated_at"]) <= moment]
            if so_far:
                rows.append(incident_row(number, so_far, moment))
        return rows

    def audits(self, moment: datetime, since: datetime = START) -> list[dict[str, str]]:
        """One audit row for each change of the state between two events, of those after ``since``."""
        rows = []
        for number, events in self.events.items():
            for place, (before, after) in enumerate(zip(events, events[1:], strict=False)):
                at = when(after["sys_updated_at"])
                if before["incident_state"] != after["incident_state"] and since < at <= moment:
                    rows.append(
                        {
                            "sys_id": identity(f"{number}/{place}"),
                            "tablename": "incident",
                            "documentkey": identity(number),
                            "fieldname": "state",
                            "oldvalue": STATES[before["incident_state"]],
                            "newvalue": STATES[after["incident_state"]],
                            "user": after["sys_updated_by"],
                            "reason": "",
                            "record_checkpoint": after["sys_mod_count"],
                            "sys_created_on": text(at),
                        }
                    )
        return rows


def incident_row(number: str, events: list[Event], moment: datetime) -> dict[str, str]:
    last = events[-1]

    def known(name: str) -> str:
        return "" if last[name] == "?" else last[name]

    def past(name: str) -> str:
        return text(when(last[name])) if known(name) and when(last[name]) <= moment else ""

    def reference(name: str) -> str:
        return identity(last[name]) if known(name) else ""

    return {
        "sys_id": identity(number),
        "number": number,
        "sys_class_name": "incident",
        "short_description": f"{known('category')} {known('subcategory')}".strip(),
        "state": STATES[last["incident_state"]],
        "incident_state": STATES[last["incident_state"]],
        "priority": last["priority"][:1],
        "category": known("category"),
        "opened_at": text(when(last["opened_at"])),
        "resolved_at": past("resolved_at"),
        "closed_at": past("closed_at"),
        "close_code": known("closed_code") if past("resolved_at") or past("closed_at") else "",
        "reopen_count": last["reopen_count"],
        "reassignment_count": last["reassignment_count"],
        "assignment_group": reference("assignment_group"),
        "assigned_to": reference("assigned_to"),
        "caller_id": reference("caller_id"),
        "problem_id": reference("problem_id"),
        "rfc": reference("rfc"),
        "caused_by": reference("caused_by"),
        "active": "false" if last["incident_state"] == "Closed" else "true",
        "sys_created_on": text(min(when(e["sys_updated_at"]) for e in events)),
        "sys_updated_on": text(max(when(e["sys_updated_at"]) for e in events)),
        "sys_mod_count": last["sys_mod_count"],
    }


USUAL = [stream.name for stream in STREAMS if stream.name not in OPTIONAL]
FILLED = ("sys_choice", "incident", "sys_audit")
"""What the log of a real instance fills; the other tables are left out by the configuration."""


def identity(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


@cache
def when(value: str) -> datetime:
    return datetime.strptime(value, "%d/%m/%Y %H:%M").replace(tzinfo=UTC)


def text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def choices() -> list[dict[str, str]]:
    return [
        {
            "sys_id": identity(f"choice/{element}/{value}"),
            "name": "incident",
            "element": element,
            "value": value,
            "label": label,
            "language": "en",
            "inactive": "false",
            "sys_mod_count": "0",
            "sys_created_on": "2015-01-01 00:00:00",
            "sys_updated_on": "2015-01-01 00:00:00",
        }
        for element in ("state", "incident_state")
        for label, value in STATES.items()
    ]


@pytest.fixture(scope="module")
def log() -> Log:
    return Log(Path(str(DATA)) / "uci-incidents" / "incident_event_log_opened_before_2016-04.csv.xz")


@pytest.fixture
def instance(log: Log) -> Iterator[Simulator]:
    empty: dict[str, list[dict[str, str]]] = {stream.name: [] for stream in STREAMS}
    with Simulator(empty | {"sys_choice": choices()}, now=END) as simulator:
        yield simulator


def configuration_of(folder: Path, url: str) -> Path:
    path = folder / "sms-evidence.toml"
    path.write_text(
        '[organization]\nname = "Real"\ntime_zone = "UTC"\n[sources.real]\nconnector = "servicenow"\n'
        + f'url = "{url}"\nskip = {[name for name in USUAL if name not in FILLED]!r}\n'
    )
    return path


def nightly(path: Path, now: datetime) -> Night:
    with Night(load(path), environ=SECRETS, clock=lambda: now) as night:
        night.run()
    assert {r.stream: r.error for r in night.results if r.status not in ("complete", "skipped")} == {}
    return night


def check_figures(warehouse: Path) -> None:
    """Every figure of the data set's own description."""
    with open_published(warehouse) as con:

        def one(query: str) -> object:
            return (con.execute(query).fetchone() or (None,))[0]

        def by_month(query: str) -> dict[str, int]:
            return dict(con.execute(query).fetchall())

        month = "strftime({} , '%Y-%m')"
        assert one("select count(*) from canonical.incident") == 9202
        assert con.execute("select distinct state, original_state from canonical.incident").fetchall() == [
            ("closed", "Closed")
        ]
        opened = by_month(f"select {month.format('opened_at')}, count(*) from canonical.incident group by 1")
        assert opened == {"2016-02": 207, "2016-03": 8995}
        assert one("select count(*) from canonical.incident where reopened_count > 0") == 133
        resolved = by_month(
            f"select {month.format('resolved_at')}, count(*) from canonical.incident where resolved_at is not null group by 1"
        )
        assert resolved == RESOLVED
        assert one("select count(*) from canonical.incident where resolved_at is null") == 783
        closed = by_month(f"select {month.format('closed_at')}, count(*) from canonical.incident group by 1")
        assert closed == CLOSED
        median = one(
            "select median(epoch(resolved_at) - epoch(opened_at)) / 3600 from canonical.incident where resolved_at is not null"
        )
        assert median == pytest.approx(70.4333, abs=0.00005)
        assert one("select count(problem_id) from canonical.incident") == 156
        assert one("select count(change_id) from canonical.incident") == 85
        assert one("select count(caused_by_change_id) from canonical.incident") == 2

        def figure(metric: str, measure: str, period: str) -> float:
            row = con.execute(
                "select value from metrics.value where metric = ? and measure = ? and period_start = ? and dimension = 'all'",
                [metric, measure, date.fromisoformat(f"{period}-01")],
            ).fetchone()
            assert row is not None
            return float(row[0])

        assert figure("INC-04", "median", "2016-03") == pytest.approx(44.125)
        assert figure("INC-04", "median", "2016-04") == pytest.approx(337.0667, abs=0.00005)
        assert figure("INC-01", "opened", "2016-02") == 207
        assert figure("INC-01", "opened", "2016-03") == 8995
        assert figure("INC-01", "open_end", "2017-02") == 0
        for (period,) in con.execute("select strftime(period_start, '%Y-%m') from metrics.period").fetchall():
            opened_, resolved_, reopened, start, end = (
                figure("INC-01", m, period) for m in ("opened", "resolved", "reopened", "open_start", "open_end")
            )
            assert start + opened_ + reopened - resolved_ == end, period


def test_the_real_run_gives_the_known_figures_and_a_second_one_adds_nothing(
    log: Log, instance: Simulator, tmp_path: Path
) -> None:
    instance.put("incident", log.incidents(END))
    instance.put("sys_audit", log.audits(END))
    path = configuration_of(tmp_path, instance.url)
    first = nightly(path, END)
    assert {r.stream: r.added for r in first.results}["incident"] == 9202
    check_figures(tmp_path / "var" / "warehouse.duckdb")

    instance.log.clear()
    second = nightly(path, END + timedelta(minutes=5))
    assert sum(r.added + r.changed for r in second.results) == 0
    assert sum(r.fetched for r in second.results) < 50
    check_figures(tmp_path / "var" / "warehouse.duckdb")


def test_a_month_of_nights_ends_in_the_same_figures_with_the_history_kept(
    log: Log, instance: Simulator, tmp_path: Path
) -> None:
    path = configuration_of(tmp_path, instance.url)
    nights = [datetime(2016, 3, day, 3, 30, tzinfo=UTC) for day in range(1, 32)]
    before = START
    for now in [*nights, END]:
        instance.put("incident", log.incidents(now, before))
        instance.put("sys_audit", log.audits(now, before))
        before = now
        instance.advance(now)
        night = nightly(path, now)
    check_figures(tmp_path / "var" / "warehouse.duckdb")

    with open_published(tmp_path / "var" / "warehouse.duckdb") as con:
        versions, records = con.execute(
            "select count(*), count(distinct source_key) from audit.evidence where stream = 'incident'"
        ).fetchone() or (0, 0)
        assert records == 9202
        assert versions > 2 * records, "what changed from night to night is kept"
        runs = con.execute("select count(distinct sync_id) from audit.sync_run where status = 'complete'").fetchone()
        assert runs == (32,)
    assert len(list((tmp_path / "var" / "published").glob("*.duckdb"))) == 3
    assert night.published is not None
