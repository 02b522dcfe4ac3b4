"""What people see in the terminal: progress, tables, the change trace. Colour and bars only on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pipelines.night import StreamResult
from warehouse.trace import ChangeTrace, Step

MARKS = {
    "complete": "[green]✓[/]",
    "skipped": "[dim]–[/]",
    "incomplete": "[yellow]![/]",
    "failed": "[red]✗[/]",
    "done": "[green]✓[/]",
    "late": "[yellow]![/]",
    "missing": "[red]✗[/]",
    "not_required": "[dim]–[/]",
    "open": "[dim]…[/]",
}


class Lines:
    """One plain line per stream that has something to tell, one for the others of a source: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._quiet: list[StreamResult] = []

    def begin(self, source: str, stream: str) -> None:
        """The source before is through: tell of its quiet streams."""
        if self._quiet and source != self._quiet[0].source:
            self._console.print(quiet_line(self._quiet), highlight=False, soft_wrap=True)
            self._quiet = []

    def advance(self, records: int) -> None:
        """Nothing."""

    def end(self, result: StreamResult) -> None:
        """The stream's line, now or with the quiet ones."""
        if is_quiet(result):
            self._quiet.append(result)
        else:
            self._console.print(stream_line(result), highlight=False, soft_wrap=True)

    def say(self, message: str) -> None:
        """A remark."""
        self._console.print(escape(message), highlight=False, soft_wrap=True)


class Bars(Lines):
    """A moving line for the stream in progress, and the finished ones above it."""

    def __init__(self, console: Console, streams: int) -> None:
        super().__init__(console)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("streams · {task.fields[records]:,} records"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=streams, records=0)
        self._records = 0
        self._bar.start()

    def begin(self, source: str, stream: str) -> None:
        """Name the stream."""
        super().begin(source, stream)
        self._bar.update(self._task, description=escape(f"{source} {stream}".strip()))

    def advance(self, records: int) -> None:
        """Count on."""
        self._records += records
        self._bar.update(self._task, records=self._records)

    def end(self, result: StreamResult) -> None:
        """The stream's line, above the bar."""
        super().end(result)
        self._bar.advance(self._task)

    def stop(self) -> None:
        """Take the bar away."""
        self._bar.stop()


def is_quiet(result: StreamResult) -> bool:
    """Whether a stream was read whole and nothing came of it."""
    return result.status == "complete" and not (
        result.fetched or result.deleted or result.hidden or result.quarantined or result.error
    )


def quiet_line(results: Sequence[StreamResult]) -> str:
    """The streams of a source without a change, in one line."""
    stored = sum(result.warehouse_count or 0 for result in results)
    subject = "1 stream" if len(results) == 1 else f"{len(results)} streams"
    return f"{MARKS['complete']} {escape(results[0].source)} {f'{subject} without a change':<26} {stored:,} stored"


def stream_line(result: StreamResult) -> str:
    """One stream's result in one line."""
    head = f"{MARKS[result.status]} {escape(result.source)} {escape(result.stream):<26}"
    if result.status == "skipped":
        return f"{head} [dim]skipped: {escape(result.error or '')}[/]"
    counts = ", ".join(
        f"{getattr(result, name):,} {name}"
        for name in ("added", "changed", "unchanged", "deleted", "hidden", "quarantined")
        if getattr(result, name)
    )
    of = "" if result.source_count is None else f" · {result.warehouse_count or 0:,} of {result.source_count:,} stored"
    line = f"{head} {result.fetched:>7,} fetched{f' ({counts})' if counts else ''}{of}"
    return f"{line} [yellow]{result.status}: {escape(result.error)}[/]" if result.error else line


def summary(results: Sequence[StreamResult], heads: dict[str, str | None]) -> Table:
    """The run by source, with the head hash of each chain."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in ("source", "streams", "fetched", "added", "changed", "unchanged", "head of the manifest chain"):
        table.add_column(name, justify="right" if name in _NUMERIC else "left", overflow="fold")
    for source in dict.fromkeys(result.source for result in results):
        own = [r for r in results if r.source == source]
        complete = sum(r.status in ("complete", "skipped") for r in own)
        table.add_row(
            escape(source),
            f"{complete}/{len(own)}",
            *(f"{sum(getattr(r, name) for r in own):,}" for name in ("fetched", "added", "changed", "unchanged")),
            (heads.get(source) or "")[:32] + "…",
        )
    return table


_NUMERIC = {"streams", "fetched", "added", "changed", "unchanged"}


def trace_view(trace: ChangeTrace, time_zone: str) -> RenderableType:
    """The change trace, one page."""
    zone = ZoneInfo(time_zone)
    title = Text.assemble((trace.number, "bold"), "  ", _line(trace.title))
    lines: list[RenderableType] = [
        _facts(
            source=trace.source,
            type=trace.type,
            risk=trace.risk or "not given",
            state=trace.state,
            outcome=trace.outcome or "not recorded",
        ),
        _facts(service=trace.service or "none", team=trace.team or "none"),
        Text.assemble(("evidence ", "dim"), trace.proof.record_sha256 or "unknown"),
        Text.assemble(("url      ", "dim"), _line(trace.source_url)),
        Text(""),
        _steps(trace.steps, zone),
    ]
    if trace.links:
        lines += [Text(""), _links(trace)]
    verdict = (
        "[green]✓ every step that the change needs has evidence[/]"
        if not trace.missing
        else f"[red]✗ {len(trace.missing)} of 6 steps lack evidence: {', '.join(trace.missing)}[/]"
    )
    return Panel(Group(*lines, Text(""), Text.from_markup(verdict)), title=title, title_align="left", padding=(1, 2))


def _facts(**facts: str) -> Text:
    line = Text()
    for name, value in facts.items():
        line.append(f"{name} ", "dim")
        line.append(f"{' '.join(value.replace('_', ' ').split())}   ")
    return line


def _steps(steps: Iterable[Step], zone: ZoneInfo) -> RenderableType:
    """Each step as a line of facts, and below it what it says or what is missing."""
    lines: list[RenderableType] = []
    for step in steps:
        hashes = list(dict.fromkeys(p.record_sha256[:10] for p in step.proofs if p.record_sha256))
        more = f" +{len(hashes) - 2}" if len(hashes) > 2 else ""
        head = Text.from_markup(f"{MARKS[step.status]} [bold]{step.name:<12}[/]{_local(step.at, zone):<18}")
        head.append(_line(step.actor))
        head.append(f"  evidence {' '.join(hashes[:2])}{more}", "dim")
        lines.append(head)
        if step.missing:
            lines.append(Padding(Text(step.missing, "red"), (0, 0, 0, 4)))
        if step.detail:
            lines.append(Padding(Text(_shorten(step.detail), "dim" if step.missing else ""), (0, 0, 0, 4)))
    return Group(*lines)


def _links(trace: ChangeTrace) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("linked", "record", "title", "state", "evidence"):
        table.add_column(name, overflow="fold", no_wrap=name in ("linked", "evidence"))
    for link in trace.links:
        table.add_row(
            f"{link.entity.replace('_', ' ')}, {link.relation.replace('_', ' ')}",
            _plain(link.number or link.record_id),
            _plain(_shorten(link.title, 60)),
            _plain(link.state if link.is_known else "not in the warehouse"),
            (link.proof.record_sha256 or "")[:10],
        )
    return table


def _line(value: str | None) -> str:
    """One line, for a Text."""
    return " ".join((value or "").split())


def _plain(value: str | None) -> str:
    """One line, for a table cell: what looks like markup is shown as it is."""
    return escape(_line(value))


def _shorten(value: str | None, length: int = 160) -> str:
    plain = _line(value)
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
