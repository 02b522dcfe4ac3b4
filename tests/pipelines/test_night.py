"""The nightly run against a real server on loopback: completeness, failures that stay local."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from connectors import sample
from connectors.servicenow.rendering import rows
from connectors.servicenow.simulator import Simulator
from connectors.servicenow.streams import OPTIONAL, STREAMS
from pipelines.configuration import load
from pipelines.night import Night, StreamResult
from warehouse.evidence import Evidence, EvidenceBusy
from warehouse.published import open_published

SECRETS = {"SMS_EVIDENCE_SNOW_USERNAME": "evidence", "SMS_EVIDENCE_SNOW_PASSWORD": "demo-only"}
ORGANIZATION = sample.generate(7, 0.05)
NOW = ORGANIZATION.as_of


@dataclass
class Site:
    """An instance and the configuration that reads it."""

    simulator: Simulator
    path: Path

    def night(self, now: datetime = NOW, *, full: bool = False) -> dict[str, StreamResult]:
        """One run; results by stream."""
        with Night(load(self.path), environ=SECRETS, clock=lambda: now, full=full) as night:
            night.run()
        return {result.stream: result for result in night.results}

    @property
    def warehouse(self) -> Path:
        return self.path.parent / "var" / "warehouse.duckdb"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Simulator(rows(ORGANIZATION, NOW), now=NOW) as simulator:
        yield Site(simulator, configure(tmp_path, simulator.url))


def configure(folder: Path, url: str, more: str = "") -> Path:
    path = folder / "sms-evidence.toml"
    path.write_text(
        '[organization]\nname = "X"\ntime_zone = "Europe/Amsterdam"\n[sources.snow]\nconnector = "servicenow"\n'
        f'url = "{url}"\n{more}'
    )
    return path


def test_a_run_is_complete_and_a_second_one_adds_nothing(site: Site) -> None:
    first = site.night()
    assert {r.status for r in first.values()} == {"complete"}
    assert all(r.source_count == r.warehouse_count for r in first.values())
    second = site.night(NOW + timedelta(minutes=1))
    assert sum(r.added + r.changed + r.deleted for r in second.values()) == 0
    assert {r.mode for r in second.values()} == {"incremental"}
    third = site.night(NOW + timedelta(minutes=2), full=True)
    assert sum(r.added + r.changed + r.deleted for r in third.values()) == 0
    assert third["incident"].unchanged == first["incident"].added


def test_what_happens_in_the_source_arrives_and_history_stays(site: Site) -> None:
    site.night()
    later = NOW + timedelta(days=1)
    table = rows(ORGANIZATION, NOW)["incident"]
    changed = table[0] | {
        "short_description": "changed",
        "sys_updated_on": f"{later - timedelta(hours=2):%Y-%m-%d %H:%M:%S}",
    }
    new = table[1] | {
        "sys_id": "f" * 32,
        "number": "INC9999999",
        "sys_created_on": f"{later - timedelta(hours=3):%Y-%m-%d %H:%M:%S}",
        "sys_updated_on": f"{later - timedelta(hours=3):%Y-%m-%d %H:%M:%S}",
    }
    site.simulator.put("incident", [changed, new])
    site.simulator.remove("incident", table[2]["sys_id"])
    site.simulator.advance(later)
    result = site.night(later)["incident"]
    assert (result.status, result.added, result.changed, result.deleted) == ("complete", 1, 1, 1)
    with open_published(site.warehouse) as con:
        numbers = {n for (n,) in con.execute("select number from canonical.incident").fetchall()}
        assert "INC9999999" in numbers
        assert table[2]["number"] not in numbers
        versions = con.execute(
            "select source_key, count(*), bool_or(is_deleted) from audit.evidence where stream = 'incident'"
            " group by source_key having count(*) > 1 order by 3"
        ).fetchall()
        assert versions == [(table[0]["sys_id"], 2, False), (table[2]["sys_id"], 2, True)]


def test_a_forbidden_table_makes_the_run_incomplete_and_takes_nothing_else_down(site: Site) -> None:
    site.night()
    site.simulator.forbid("problem")
    later = NOW + timedelta(days=1)
    site.simulator.advance(later)
    results = site.night(later)
    assert results["problem"].status == "incomplete"
    assert "sn_problem_read" in str(results["problem"].error), "the role that is missing is named"
    assert {r.status for s, r in results.items() if s != "problem"} == {"complete"}
    with open_published(site.warehouse) as con:
        kept = con.execute("select count(*) from canonical.problem").fetchone()
        assert kept is not None
        assert kept[0] > 0, "the last complete state stays"
    site.simulator.allow("problem")
    assert site.night(later + timedelta(minutes=5))["problem"].status == "complete"


def test_a_table_that_the_configuration_leaves_out_is_skipped(site: Site) -> None:
    site.path = configure(site.path.parent, site.simulator.url, 'skip = ["cmdb_ci_outage"]\n')
    site.simulator.absent("cmdb_ci_outage")
    results = site.night()
    assert results["cmdb_ci_outage"].status == "skipped"
    assert {r.status for s, r in results.items() if s != "cmdb_ci_outage"} == {"complete"}
    with open_published(site.warehouse) as con:
        row = con.execute(
            "select status, error is not null from audit.sync_run where stream = 'cmdb_ci_outage'"
        ).fetchone()
        assert row == ("skipped", True)


def test_when_no_source_answers_the_figures_stay_as_of_the_last_complete_read(site: Site) -> None:
    site.night()
    with open_published(site.warehouse) as con:
        before = con.execute(
            "select * exclude (as_of) from metrics.value where metric <> 'DQ-01' order by all"
        ).fetchall()
    site.simulator.stop()
    path = site.path.read_text() + "[sources.snow.patience]\nattempts = 1\n"
    site.path.write_text(path)
    results = site.night(NOW + timedelta(days=40))
    assert {r.status for r in results.values()} == {"incomplete"}
    with open_published(site.warehouse) as con:
        after = con.execute(
            "select * exclude (as_of) from metrics.value where metric <> 'DQ-01' order by all"
        ).fetchall()
        assert con.execute("select distinct as_of from metrics.value").fetchall() == [(NOW,)]
    assert after == before


def test_a_wrong_password_reads_nothing_and_says_so_for_every_stream(site: Site) -> None:
    with Night(
        load(site.path), environ=SECRETS | {"SMS_EVIDENCE_SNOW_PASSWORD": "wrong-secret"}, clock=lambda: NOW
    ) as night:
        results = list(night.read_source("snow"))
    assert {r.status for r in results} == {"incomplete"}
    assert len(results) == len(STREAMS) - len(OPTIONAL)
    assert all("log-in" in str(r.error) for r in results)
    assert not any("wrong-secret" in str(r.error) for r in results)
    assert b"wrong-secret" not in (site.path.parent / "var" / "evidence.duckdb").read_bytes()


def test_hidden_rows_are_counted_and_named_as_hidden(site: Site) -> None:
    hidden = [row["sys_id"] for row in rows(ORGANIZATION, NOW)["incident"][:3]]
    for sys_id in hidden:
        site.simulator.hide("incident", sys_id)
    result = site.night()["incident"]
    assert result.hidden == 3
    assert result.source_count == (result.warehouse_count or 0) + 3
    with open_published(site.warehouse) as con:
        value = con.execute(
            "select value from metrics.value where metric = 'DQ-01' and dimension = 'all' and value is not null"
        ).fetchall()
        assert all(v[0] <= 1 for v in value)


def test_a_second_run_at_the_same_time_is_refused_at_once(site: Site) -> None:
    with Evidence(site.path.parent / "var" / "evidence.duckdb"):
        started = time.monotonic()
        with pytest.raises(EvidenceBusy, match="another sync is running"):
            site.night()
        assert time.monotonic() - started < 5


def test_every_record_stored_is_the_bytes_that_were_sent(site: Site) -> None:
    site.night()
    sys_id = rows(ORGANIZATION, NOW)["change_request"][0]["sys_id"]
    with open_published(site.warehouse) as con:
        (digest,) = con.execute(
            "select record_sha256 from audit.evidence where stream = 'change_request' and source_key = ?", [sys_id]
        ).fetchone() or ("",)
    asked = [r.params.get("sysparm_fields", "") for r in site.simulator.log if r.path.endswith("/table/change_request")]
    fields = max(asked, key=len)
    answer = requests.get(
        f"{site.simulator.url}/api/now/table/change_request",
        params={
            "sysparm_query": f"sys_id={sys_id}",
            "sysparm_fields": fields,
            "sysparm_exclude_reference_link": "true",
            "sysparm_display_value": "false",
        },
        auth=("evidence", "demo-only"),
        timeout=10,
    )
    body = answer.content
    record = body[body.index(b"[") + 1 : body.rindex(b"]")]
    assert hashlib.sha256(record).hexdigest() == digest
