"""The demo: a fictional organisation in two simulated tools, two nights, one report, one trace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console

from connectors import sample
from connectors.jira import rendering as jira_rendering
from connectors.jira.simulator import Simulator as JiraSimulator
from connectors.servicenow import rendering as servicenow_rendering
from connectors.servicenow.simulator import Simulator as ServiceNowSimulator
from pipelines.configuration import ConfigurationError, load
from pipelines.reading import figures_of, figures_table, last_full_month, time_zone
from pipelines.runs import run_sync
from pipelines.terminal import trace_view
from warehouse.published import open_published
from warehouse.reports import write_service_report
from warehouse.trace import trace_change

EXAMPLE = "CHG0030001"

SECRETS = {
    "SMS_EVIDENCE_SNOW_PROD_USERNAME": "evidence",
    "SMS_EVIDENCE_SNOW_PROD_PASSWORD": "demo-only",
    "SMS_EVIDENCE_JIRA_ITSM_USERNAME": "evidence@example.com",
    "SMS_EVIDENCE_JIRA_ITSM_TOKEN": "demo-only",
}
"""Log-ins of the simulators, which listen on loopback only."""

MARK = "# Written by `sms-evidence demo`"
"""How a folder of the demo is known, before anything in it is replaced."""

_CONFIGURATION = """\
# Written by `sms-evidence demo`: two simulated tools on this machine. `sms-evidence dev` starts them again.
[organization]
name = "{name}"
time_zone = "{time_zone}"

[store]
evidence = "var/evidence.duckdb"
warehouse = "var/warehouse.duckdb"

[sources.snow-prod]
connector = "servicenow"
url = "{servicenow}"
auth = "basic"

[sources.jira-itsm]
connector = "jira"
url = "{jira}"
deployment = "cloud"
projects = ["OPS"]
read_assets = true
assets_url = "{jira}/jsm/assets"
"""


class Tools:
    """Both simulators, showing the organisation as it stood at a moment."""

    def __init__(
        self, organization: sample.Organization, moment: datetime, servicenow_port: int = 0, jira_port: int = 0
    ) -> None:
        self._organization = organization
        self.moment = moment
        self.servicenow = ServiceNowSimulator(
            servicenow_rendering.rows(organization, moment), now=moment, port=servicenow_port
        )
        self.jira = JiraSimulator(jira_rendering.site(organization, moment), now=moment, port=jira_port)

    def advance(self, moment: datetime) -> None:
        """Let time pass: what happened until ``moment`` is there, what was deleted is gone."""
        self.moment = moment
        self.servicenow.advance(moment)
        self.servicenow.load(servicenow_rendering.rows(self._organization, moment))
        self.jira.advance(moment, jira_rendering.site(self._organization, moment))

    def clock(self) -> datetime:
        """The simulated present."""
        return self.moment


@contextmanager
def tools(
    organization: sample.Organization, moment: datetime, servicenow_port: int = 0, jira_port: int = 0
) -> Iterator[Tools]:
    """The simulators, running."""
    both = Tools(organization, moment, servicenow_port, jira_port)
    with both.servicenow, both.jira:
        yield both


def write_configuration(path: Path, organization: sample.Organization, both: Tools) -> Path:
    """The demo's `sms-evidence.toml`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        _CONFIGURATION.format(
            name=organization.name,
            time_zone=organization.time_zone,
            servicenow=both.servicenow.url,
            jira=both.jira.url,
        ),
        encoding="utf-8",
    )
    return path


def run_demo(out: Path, seed: int, console: Console) -> int:
    """Everything from HTTP to HTML in ``out``; returns the exit code."""
    _clear(out)
    organization = sample.generate(seed)
    tickets = sum(len(organization.of(entity)) for entity in ("incident", "problem", "change"))
    os.environ.update(SECRETS)
    console.print(
        f"[bold]{organization.name}[/] is fictional: {tickets:,} tickets over eighteen months in two simulated tools "
        "on this machine.",
        highlight=False,
    )
    nights = [organization.as_of - timedelta(days=1), organization.as_of]
    with tools(organization, nights[0]) as both:
        path = write_configuration(out / "sms-evidence.toml", organization, both)
        configuration = load(path)
        for night in nights:
            both.advance(night)
            console.print(f"\n[bold]Night of {night:%d %B %Y}[/]", highlight=False)
            outcome = run_sync(configuration, console=console, clock=both.clock)
    with open_published(configuration.store.warehouse) as con:
        month = last_full_month(con)
        report = write_service_report(con, month, out / "reports")
        _, figures = figures_of(con, month)
        console.print("\n", figures_table(month, figures), "\n")
        console.print(trace_view(trace_change(con, EXAMPLE), time_zone(con)), highlight=False)
    _next_steps(console, path, report, month.strftime("%Y-%m"), configuration.store.warehouse)
    return outcome.exit_code


def _clear(out: Path) -> None:
    """Begin anew where an earlier demo was; leave anything else alone.

    Raises:
        ConfigurationError: the folder holds a configuration that is not the demo's.
    """
    path = out / "sms-evidence.toml"
    if not path.exists():
        return
    if not path.read_text(encoding="utf-8").startswith(MARK):
        raise ConfigurationError(f"{path} is not the demo's: name another folder with --out")
    for name in ("var", "reports"):
        shutil.rmtree(out / name, ignore_errors=True)


def _next_steps(console: Console, config: Path, report: Path, month: str, warehouse: Path) -> None:
    program = ".venv/bin/sms-evidence"
    console.print(
        f"\n[bold]Report[/]     {report}\n[bold]Warehouse[/]  {warehouse}\n\n[bold]Try next[/]\n"
        f"  export SMS_EVIDENCE_CONFIG={config}\n"
        f"  {program} trace {EXAMPLE} --json\n"
        f"  {program} metrics --period {month}\n"
        f"  {program} report --period {month} --out .\n"
        "  make dev          [dim]# the Dagster UI with these two nights in it[/]",
        highlight=False,
        soft_wrap=True,
    )
