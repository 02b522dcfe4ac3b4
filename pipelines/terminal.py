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
    """One plain line per stream: for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, source: str, stream: str) -> None:
        """Nothing: the line comes at the end."""

    def advance(self, records: int) -> None:
        """Nothing."""

    def end(self, result: StreamResult) -> None:
        """The stream's line."""
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
        self._bar.update(self._task, description=escape(f"{source} {stream}"))

    def advance(self, records: int) -> None:
        """Count on."""
        self._records += records
        self._bar.update(self._task, records=self._records)

    def end(self, result: StreamResult) -> None:
        """The stream's line, above the bar."""
        self._bar.console.print(stream_line(result), highlight=False)
        self._bar.advance(self._task)

    def stop(self) -> None:
        """Take the bar away."""
        self._bar.stop()


def stream_line(result: StreamResult) -> str:
    """One stream's result in one line."""
    head = f"{MARKS[result.status]} {escape(result.source)} {escape(result.stream):<22}"
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
    title = Text.assemble((trace.number, "bold"), "  ", _plain(trace.title))
    facts = Table.grid(padding=(0, 3))
    facts.add_row(
        *(
            f"[dim]{name}[/] {escape(str(value))}"
            for name, value in (
                ("source", trace.source),
                ("type", trace.type),
                ("risk", trace.risk or "not given"),
                ("state", trace.state),
                ("outcome", trace.outcome or "not recorded"),
            )
        )
    )
    lines: list[RenderableType] = [
        facts,
        Text.assemble(("service ", "dim"), _plain(trace.service or "none"), ("   team ", "dim"), _plain(trace.team)),
        Text.assemble(("evidence ", "dim"), trace.proof.record_sha256 or "unknown"),
        Text.assemble(("url      ", "dim"), _plain(trace.source_url)),
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


def _steps(steps: Iterable[Step], zone: ZoneInfo) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("", "step", "when", "who", "what, or what is missing", "evidence"):
        table.add_column(name, overflow="fold", no_wrap=name in ("", "step", "when", "evidence"))
    for step in steps:
        what = _shorten(step.detail)
        if step.missing:
            what = f"[red]{escape(step.missing)}[/]" + (f"\n[dim]{escape(what)}[/]" if what else "")
        else:
            what = escape(what)
        hashes = list(dict.fromkeys(p.record_sha256[:10] for p in step.proofs if p.record_sha256))
        shown = "\n".join(hashes[:2]) + (f"\n+{len(hashes) - 2} more" if len(hashes) > 2 else "")
        table.add_row(MARKS[step.status], step.name, _local(step.at, zone), _plain(step.actor), what, shown)
    return table


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


def indented(renderable: RenderableType) -> Padding:
    """Two columns in."""
    return Padding(renderable, (0, 0, 0, 2))


def _plain(value: str | None) -> str:
    return escape(" ".join((value or "").split()))


def _shorten(value: str | None, length: int = 160) -> str:
    plain = " ".join((value or "").split())
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return "" if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
