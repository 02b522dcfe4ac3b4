"""Small SVG charts: deterministic, real text, readable without colour, and with a title and a description inside.

Colours come from the page's CSS variables, so that one chart serves light, dark and print.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from markupsafe import Markup

Point = float | None
Axis = Callable[[float], float]


def sparkline(
    values: Sequence[Point], *, title: str, target: float | None = None, width: int = 132, height: int = 30
) -> Markup:
    """A line without axes; gaps where there is no value, a dashed line at the target, a dot on the last value."""
    known = [v for v in values if v is not None]
    if not known:
        return Markup("")
    low, high = _range([*known, *([target] if target is not None else [])])
    x, y = _scale(len(values), width, 4), _vertical(low, high, height, 4)
    parts = [_dashed(4, width - 4, y(target))] if target is not None else []
    parts += [f'<polyline class="line" points="{_points(run, x, y)}"/>' for run in _runs(values) if len(run) > 1]
    parts += [
        f'<circle class="dot" cx="{x(run[0][0]):.1f}" cy="{y(run[0][1]):.1f}" r="1.5"/>'
        for run in _runs(values)
        if len(run) == 1
    ]
    last = max(i for i, v in enumerate(values) if v is not None)
    parts.append(f'<circle class="end" cx="{x(last):.1f}" cy="{y(values[last] or 0.0):.1f}" r="2.6"/>')
    return _svg(width, height, title, _spoken(values), "".join(parts), "spark")


def line_chart(
    labels: Sequence[str],
    values: Sequence[Point],
    *,
    title: str,
    unit: str,
    target: float | None = None,
    width: int = 340,
    height: int = 150,
) -> Markup:
    """One series over months, with three grid lines, the target, and the last value written at its point."""
    known = [v for v in values if v is not None]
    if not known:
        return Markup("")
    low, high = _range([*known, *([target] if target is not None else [])], unit)
    left, right, top, bottom = 38, 44, 12, 24
    inner = _scale(len(values), width - left - right, 0)

    def x(i: float) -> float:
        return left + inner(i)

    y = _vertical(low, high, height - bottom, top)
    parts = [_grid(value, left, width - right, y(value)) for value in (low, (low + high) / 2, high)]
    if target is not None:
        parts.append(_dashed(left, width - right, y(target)))
        parts.append(f'<text class="target" x="{width - right + 4}" y="{y(target) + 3:.1f}">{_short(target)}</text>')
    for run in _runs(values):
        if len(run) > 1:
            parts.append(f'<polyline class="line" points="{_points(run, x, y)}"/>')
        parts += [f'<circle class="dot" cx="{x(i):.1f}" cy="{y(v):.1f}" r="1.8"/>' for i, v in run]
    last = max(i for i, v in enumerate(values) if v is not None)
    value = values[last] or 0.0
    near = target is not None and abs(y(value) - y(target)) < 10
    shift = (-9 if y(value) <= y(target or 0) else 9) if near else 3
    parts.append(f'<circle class="end" cx="{x(last):.1f}" cy="{y(value):.1f}" r="3"/>')
    parts.append(f'<text class="value" x="{x(last) + 6:.1f}" y="{y(value) + shift:.1f}">{_short(value)}</text>')
    parts += _months(labels, x, height - 7)
    return _svg(width, height, title, _spoken(values, labels), "".join(parts), "chart")


def flow_chart(
    labels: Sequence[str],
    opened: Sequence[Point],
    resolved: Sequence[Point],
    open_end: Sequence[Point],
    *,
    title: str,
    width: int = 700,
    height: int = 210,
) -> Markup:
    """Opened and resolved side by side as bars per month, and what stayed open as a line."""
    known = [v for series in (opened, resolved, open_end) for v in series if v is not None]
    if not known:
        return Markup("")
    high = _nice(max(known))
    left, right, top, bottom = 44, 16, 12, 26
    step = (width - left - right) / max(1, len(labels))
    bar = min(16.0, step * 0.32)
    y = _vertical(0, high, height - bottom, top)

    def x(i: float) -> float:
        return left + step * (i + 0.5)

    parts = [_grid(value, left, width - right, y(value)) for value in (0.0, high / 2, high)]
    for series, name, offset in ((opened, "bar-a", -bar), (resolved, "bar-b", 0.0)):
        parts += [
            f'<rect class="{name}" x="{x(i) + offset:.1f}" y="{y(v):.1f}" width="{bar - 1:.1f}"'
            f' height="{y(0) - y(v):.1f}" rx="1.5"/>'
            for i, v in enumerate(series)
            if v is not None
        ]
    parts += [f'<polyline class="line" points="{_points(run, x, y)}"/>' for run in _runs(open_end) if len(run) > 1]
    parts += [
        f'<circle class="dot" cx="{x(i):.1f}" cy="{y(v):.1f}" r="2"/>' for i, v in enumerate(open_end) if v is not None
    ]
    parts += _months(labels, x, height - 8)
    spoken = "; ".join(
        f"{label}: opened {_short(a)}, resolved {_short(b)}, open at end {_short(c)}"
        for label, a, b, c in zip(labels, opened, resolved, open_end, strict=True)
        if a is not None and b is not None and c is not None
    )
    return _svg(width, height, title, spoken, "".join(parts), "chart")


def bar(share: float | None, *, target: float | None, title: str, width: int = 140, height: int = 10) -> Markup:
    """A horizontal bar from 0 to 100, with a tick at the target."""
    if share is None:
        return Markup("")
    filled = max(0.0, min(100.0, share)) / 100 * width
    tick = "" if target is None else _tick(target / 100 * width, height)
    body = (
        f'<rect class="track" width="{width}" height="{height}" rx="3"/>'
        f'<rect class="fill" width="{filled:.1f}" height="{height}" rx="3"/>{tick}'
    )
    return _svg(width, height, title, f"{share:.1f} of 100", body, "bar")


def _svg(width: int, height: int, title: str, spoken: str, body: str, kind: str) -> Markup:
    return Markup(  # noqa: S704 - every text inside is escaped here
        f'<svg class="{kind}" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title><desc>{escape(spoken)}</desc>{body}</svg>'
    )


def _runs(values: Sequence[Point]) -> list[list[tuple[int, float]]]:
    """Stretches of values without a gap, each as (place, value)."""
    runs: list[list[tuple[int, float]]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((i, value))
    return [run for run in runs if run]


def _points(run: Sequence[tuple[int, float]], x: Axis, y: Axis) -> str:
    return " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in run)


class _Line:
    """A linear scale."""

    def __init__(self, start: float, per_unit: float, origin: float = 0.0) -> None:
        self._start, self._per_unit, self._origin = start, per_unit, origin

    def __call__(self, value: float) -> float:
        return self._start + (value - self._origin) * self._per_unit


def _scale(count: int, width: float, pad: float) -> _Line:
    return _Line(pad, (width - 2 * pad) / max(1, count - 1))


def _vertical(low: float, high: float, height: float, pad: float) -> _Line:
    return _Line(height - (pad if pad < 12 else 0), -(height - pad - (pad if pad < 12 else 0)) / (high - low), low)


def _range(values: Sequence[float], unit: str = "") -> tuple[float, float]:
    low, high = min(values), max(values)
    if unit == "%":
        low, high = max(0.0, 5 * int(low // 5) - 5), min(100.0, 5 * int(high // 5) + 5)
    elif unit:
        low, high = 0.0, _nice(high)
    return (low, high) if high > low else (low - 1, high + 1)


def _nice(value: float) -> float:
    """The next round number above."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size * 10 <= value:
        size *= 10
    while size > value:
        size /= 10
    return next(size * step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if size * step >= value)


def _grid(value: float, left: float, right: float, y: float) -> str:
    return (
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{left - 5}" y="{y + 3:.1f}" text-anchor="end">{_short(value)}</text>'
    )


def _dashed(left: float, right: float, y: float) -> str:
    return f'<line class="goal" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _tick(x: float, height: int) -> str:
    return f'<line class="goal" x1="{x:.1f}" x2="{x:.1f}" y1="-1" y2="{height + 1}"/>'


def _months(labels: Sequence[str], x: Axis, y: float) -> list[str]:
    every = 1 if len(labels) <= 7 else 3
    last = len(labels) - 1
    return [
        f'<text class="axis" x="{x(i):.1f}" y="{y}" text-anchor="middle">{escape(label)}</text>'
        for i, label in enumerate(labels)
        if (last - i) % every == 0
    ]


def _short(value: float | None) -> str:
    if value is None:
        return "no data"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}"


def _spoken(values: Sequence[Point], labels: Sequence[str] | None = None) -> str:
    names = labels or [str(i + 1) for i in range(len(values))]
    return "; ".join(f"{name}: {_short(value)}" for name, value in zip(names, values, strict=True))
