"""A population is complete or said not to be: quotas, rights taken away, and what the operator is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.servicenow.simulator import Simulator
from connectors.servicenow.simulator.faults import Fault
from connectors.servicenow.streams import OPTIONAL, STREAMS
from pipelines.configuration import load
from pipelines.night import Night, StreamResult
from pipelines.reading import findings
from warehouse.evidence import Evidence

NOW = datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
SECRETS = {"SMS_EVIDENCE_SNOW_USERNAME": "evidence", "SMS_EVIDENCE_SNOW_PASSWORD": "demo-only"}
ROWS = 400


def incident(number: int) -> dict[str, str]:
    moment = f"{NOW - timedelta(days=60) + timedelta(minutes=number):%Y-%m-%d %H:%M:%S}"
    return {
        "sys_id": f"{number * 7919 + 1:032x}",
        "number": f"INC{number:07}",
        "short_description": f"text {number}",
        "sys_class_name": "incident",
        "sys_created_on": moment,
        "sys_updated_on": moment,
        "opened_at": moment,
        "sys_mod_count": "0",
    }


@dataclass
class Site:
    """An instance that has incidents only, and the source that reads them ten a page."""

    simulator: Simulator
    path: Path

    def night(self, *, publishes: bool = False, full: bool = False) -> StreamResult:
        with Night(load(self.path), environ=SECRETS, clock=lambda: NOW, full=full) as night:
            if publishes:
                night.run()
            else:
                list(night.read_source("snow"))
        (result,) = (result for result in night.results if result.stream == "incident")
        return result

    def living(self) -> set[str]:
        with Evidence(load(self.path).store.evidence) as evidence:
            return {
                key
                for (key,) in evidence.con.execute(
                    "select source_key from evidence.raw.servicenow__incident group by source_key"
                    " having not arg_max(is_deleted, (sync_id, ordinal))"
                ).fetchall()
            }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    skipped = [stream.name for stream in STREAMS if stream.name != "incident" and stream.name not in OPTIONAL]
    with Simulator({"incident": [incident(n) for n in range(ROWS)]}, now=NOW) as simulator:
        path = tmp_path / "sms-evidence.toml"
        path.write_text(
            '[organization]\nname = "X"\ntime_zone = "Europe/Amsterdam"\n[sources.snow]\nconnector = "servicenow"\n'
            f'url = "{simulator.url}"\npage_size = 10\nskip = {skipped!r}\n'
            "[sources.snow.patience]\nattempts = 2\nlongest_wait_seconds = 1\n"
        )
        yield Site(simulator, path)


@pytest.mark.fault(
    "process",
    "P2",
    "A quota ends every run before a first load is through",
    "Each run ends incomplete and says how long the source asks to wait; the next carries on where it was, until one is"
    " complete with every record.",
)
def test_a_first_load_larger_than_the_quota_comes_to_an_end(site: Site) -> None:
    seen: list[int] = []
    for _ in range(12):
        site.simulator.heal()
        site.simulator.fail(Fault.RATE_LIMITED, times=10_000, after=30, retry_after="3600")
        result = site.night()
        seen.append(len(site.living()))
        if result.status == "complete":
            break
        assert result.status == "incomplete"
        assert re.search(r"wait 3[56]\d\d s", str(result.error)), "less by what has passed since it was told"
    assert len(seen) > 1, "the quota was meant to end a run"
    assert seen == sorted(seen)
    assert result.status == "complete"
    assert site.living() == {incident(n)["sys_id"] for n in range(ROWS)}
    assert (result.source_count, result.warehouse_count) == (ROWS, ROWS)


@pytest.mark.fault(
    "process",
    "P3",
    "A right is taken away: most records are no longer shown, and nothing tells of deletions",
    "No tombstone; the run ends incomplete and names the numbers. With the right back the next run is complete.",
)
def test_rights_taken_away_are_no_deletions(site: Site) -> None:
    assert site.night().status == "complete"
    for n in range(300):
        site.simulator.hide("incident", incident(n)["sys_id"])
    result = site.night()
    assert (result.status, result.deleted) == ("incomplete", 0)
    assert "300 of 400 stored records are no longer shown, and nothing tells of deletions" in str(result.error)
    assert len(site.living()) == ROWS
    for n in range(300):
        site.simulator.show("incident", incident(n)["sys_id"])
    assert site.night().status == "complete"


def test_check_says_what_the_last_run_missed_since_when_and_why(site: Site) -> None:
    assert site.night(publishes=True).status == "complete"
    assert [finding.message for _, finding in findings(load(site.path), SECRETS) if not finding.is_ok] == []
    site.simulator.forbid("incident")
    assert site.night(publishes=True).status == "incomplete"
    site.simulator.allow("incident")
    (missing,) = [finding for _, finding in findings(load(site.path), SECRETS) if not finding.is_ok]
    assert missing.subject == "stored incident"
    assert missing.message.startswith("missing since 2026-11-01 03:30, figures as of 2026-11-01 03:30: snow:")
    assert "role itil" in missing.message
