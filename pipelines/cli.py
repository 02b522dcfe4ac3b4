"""The command line. Dagster is imported only where a run needs it.

Exit codes: 0 complete, 1 failed, 2 usage or configuration, 3 finished but a source is incomplete.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from pipelines.configuration import Configuration, ConfigurationError, load

COMPLETE, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3


class Problem(click.ClickException):
    """An error as one line; ``code`` is the exit code."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.code = exit_code

    def show(self, file: Any = None) -> None:
        """`error: ...` on standard error."""
        Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {escape(self.message)}", highlight=False)


class Month(click.ParamType[date]):
    """A month as YYYY-MM."""

    name = "YYYY-MM"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The first day of the month."""
        if isinstance(value, date):
            return value
        try:
            return datetime.strptime(str(value), "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
        except ValueError:
            self.fail(f"{value!r} is not a month; write it as 2026-10", param, ctx)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--config and --debug, which every command has."""
    command = click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")(command)
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Configuration; else SMS_EVIDENCE_CONFIG, else sms-evidence.toml in this folder.",
    )(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="sms-evidence")
def cli() -> None:
    """Carry ITSM records from ServiceNow and Jira into an evidence warehouse for ISO/IEC 20000-1.

    \b
    Try it:            sms-evidence demo
    Connect for real:  sms-evidence check, then sms-evidence sync
    Read:              sms-evidence metrics | report | trace
    """


@cli.command()
@_options
@click.option("--source", help="Read this source only.")
@click.option("--full", is_flag=True, help="Read everything anew instead of what changed; nothing is stored twice.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def sync(config: Path | None, debug: bool, source: str | None, full: bool, as_json: bool) -> None:
    """The nightly run: fetch, rebuild the canonical model, compute the metrics, publish.

    \b
    Examples:
      sms-evidence sync
      sms-evidence sync --source snow-prod --full
      sms-evidence sync --json > run.json
    """
    from pipelines.runs import run_sync

    configuration = load(config)
    _known(configuration, source)
    outcome = run_sync(configuration, source=source, full=full, console=Console(stderr=True), quiet=as_json)
    if as_json:
        click.echo(json.dumps(outcome.as_dict(), indent=2))
    sys.exit(outcome.exit_code)


@cli.command()
@_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(config: Path | None, debug: bool, as_json: bool) -> None:
    """Look at the configuration, log-in, rights and counts of every source, and at what the last runs missed.

    \b
    Examples:
      sms-evidence check
      sms-evidence check --config /etc/sms-evidence.toml --json
    """
    from pipelines.reading import findings

    console = Console()
    listed: list[dict[str, object]] = []
    for name, finding in findings(load(config)):
        listed.append({"source": name, **asdict(finding)})
        if not as_json:
            console.print(_finding_line(name, finding), highlight=False, soft_wrap=True)
    if as_json:
        click.echo(json.dumps(listed, indent=2))
    sys.exit(COMPLETE if all(finding["is_ok"] for finding in listed) else INCOMPLETE)


@cli.command("metrics")
@_options
@click.option("--period", type=Month(), help="The month; the last full one by default.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def metrics_command(config: Path | None, debug: bool, period: date | None, as_json: bool) -> None:
    """The figures of a month, from the published warehouse.

    \b
    Examples:
      sms-evidence metrics --period 2026-10
      sms-evidence metrics --period 2026-10 --json
    """
    from pipelines.reading import figures_of, figures_table
    from warehouse.published import open_published

    configuration = load(config)
    with open_published(configuration.store.warehouse) as con:
        month, rows = figures_of(con, period)
    if as_json:
        click.echo(json.dumps(rows, indent=2, default=str))
        return
    _console().print(figures_table(month, rows))


@cli.command()
@_options
@click.option("--period", type=Month(), help="The month; the last full one by default.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Folder; this one by default."
)
@click.option("--json", "as_json", is_flag=True, help="Print the path as JSON.")
def report(config: Path | None, debug: bool, period: date | None, out: Path, as_json: bool) -> None:
    """Write the monthly service report as one HTML file.

    \b
    Examples:
      sms-evidence report --period 2026-10 --out reports
    """
    from pipelines.reading import last_full_month
    from warehouse.published import open_published
    from warehouse.reports import write_service_report

    configuration = load(config)
    with open_published(configuration.store.warehouse) as con:
        path = write_service_report(con, period or last_full_month(con), out)
    click.echo(json.dumps({"report": str(path)}) if as_json else f"wrote {path}")


@cli.command()
@_options
@click.argument("number")
@click.option("--source", help="The source, when two have a change of this number.")
@click.option("--json", "as_json", is_flag=True, help="Print the trace as JSON.")
def trace(config: Path | None, debug: bool, number: str, source: str | None, as_json: bool) -> None:
    """One change from request to review: each step, its evidence, or what is missing.

    \b
    Examples:
      sms-evidence trace CHG0030001
      sms-evidence trace OPS-12 --source jira-itsm --json
    """
    from pipelines.reading import time_zone
    from pipelines.terminal import trace_view
    from warehouse.published import open_published
    from warehouse.trace import trace_change

    configuration = load(config)
    _known(configuration, source)
    with open_published(configuration.store.warehouse) as con:
        found, zone = trace_change(con, number, source), time_zone(con)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        _console().print(trace_view(found, zone), highlight=False)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("var/demo"), show_default=True)
@click.option("--seed", default=2020, show_default=True, help="Another seed tells another organisation.")
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
def demo(out: Path, seed: int, debug: bool) -> None:
    """A fictional organisation, end to end: two simulated tools, two nightly runs, a report and a trace.

    \b
    Examples:
      sms-evidence demo
      sms-evidence demo --out /tmp/demo --seed 7
    """
    from pipelines.demo import run_demo

    sys.exit(run_demo(out, seed, _console()))


@cli.command()
@_options
@click.option("--port", default=3000, show_default=True, help="Port of the Dagster UI on 127.0.0.1.")
def dev(config: Path | None, debug: bool, port: int) -> None:
    """Open the Dagster UI and its daemon (schedules, retries) until Ctrl-C.

    \b
    Examples:
      sms-evidence dev
      sms-evidence dev --config var/demo/sms-evidence.toml --port 3333
    """
    from pipelines.server import serve

    sys.exit(serve(load(config), port, Console()))


@cli.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("docs"), show_default=True)
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
def docs(out: Path, debug: bool) -> None:
    """Write the generated pages: tables, metrics by clause, commands.

    \b
    Examples:
      sms-evidence docs --out docs
    """
    from pipelines.documentation import write_pages

    for path in write_pages(out):
        click.echo(f"wrote {path}")


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script: known errors become one line, others too unless --debug is given."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        cli.main(args=given, prog_name="sms-evidence", standalone_mode=False)
    except click.exceptions.Abort:
        Problem("stopped; what was committed stays, the next run carries on").show()
        sys.exit(FAILED)
    except click.UsageError as error:
        error.show()
        sys.exit(USAGE)
    except Problem as error:
        error.show()
        sys.exit(error.code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        Problem("stopped; what was committed stays, the next run carries on").show()
        sys.exit(FAILED)
    except Exception as error:
        if "--debug" in given:
            raise
        problem = _explain(error)
        problem.show()
        sys.exit(problem.code)


def _explain(error: Exception) -> Problem:
    """One line for an error; the kinds that we know speak for themselves."""
    from warehouse.published import NotPublishedError
    from warehouse.reports import NoPeriodError
    from warehouse.trace import AmbiguousNumberError, UnknownNumberError

    if isinstance(error, ConfigurationError | AmbiguousNumberError | NoPeriodError):
        return Problem(str(error), USAGE)
    known = (NotPublishedError, UnknownNumberError)
    if isinstance(error, known) or type(error).__module__.startswith(("connectors", "warehouse", "pipelines")):
        return Problem(str(error))
    return Problem(
        f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'} (--debug shows where)"
    )


def _console() -> Console:
    """Standard output; where it is no terminal, as wide as a page."""
    console = Console()
    return console if console.is_terminal else Console(width=110)


def _known(configuration: Configuration, source: str | None) -> None:
    if source is not None and source not in configuration.sources:
        raise Problem(f"no source {source!r} is configured; there are: {', '.join(configuration.sources)}", USAGE)


def _finding_line(source: str, finding: Any) -> str:
    mark = "[green]✓[/]" if finding.is_ok else "[red]✗[/]"
    count = "" if finding.count is None else f" {finding.count:,} records"
    return f"{mark} {escape(source)} {escape(finding.subject)}:{count} {escape(finding.message)}"
