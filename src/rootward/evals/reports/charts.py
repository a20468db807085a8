"""Geometry of the charts: numbers in, SVG coordinates out. Templates draw them; every chart stands beside a table with its numbers."""

import dataclasses
import math
from collections.abc import Sequence

from rootward.evals import calibration, saturation, statistics, trend

STRIP_WIDTH, STRIP_HEIGHT = 200, 18
WIDTH, HEIGHT = 560, 280
LEFT, RIGHT, TOP, BOTTOM = 46, 24, 28, 40
TICKS = 5
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Strip:
    """One row of a forest plot: a bar from `low` to `high` with a dot at `point`, and a guide (baseline, or zero)."""

    low: float
    point: float
    high: float
    guide: float | None
    margin: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and its text."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A dot with its vertical bar, and what it says when pointed at."""

    x: float
    y: float
    low: float
    high: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A polyline and how it is drawn: `solid`, `dashed` or `guide`."""

    points: str
    style: str = "solid"


@dataclasses.dataclass(frozen=True, slots=True)
class Plot:
    """A chart with axes; `description` is what a reader who cannot see it hears."""

    title: str
    description: str
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    ribbons: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()


def strip(rate: statistics.Rate, *, guide: float | None = None) -> Strip | None:
    """A rate on the scale from 0 to 1."""
    if not rate.count:
        return None
    x = _scale(0.0, 1.0, 4.0, STRIP_WIDTH - 4.0)
    return Strip(x(rate.low), x(rate.point), x(rate.high), None if guide is None else x(guide))


def difference_strip(found: statistics.Paired, reach: float, *, margin: float | None = None) -> Strip | None:
    """A difference on a scale from −`reach` to `reach`, cut where it goes beyond."""
    if not found.count or not reach:
        return None
    x = _scale(-reach, reach, 4.0, STRIP_WIDTH - 4.0)

    def cut(value: float) -> float:
        return x(min(max(value, -reach), reach))

    return Strip(
        cut(found.low), cut(found.difference), cut(found.high), x(0.0), (cut(-margin), cut(margin)) if margin else None
    )


def reach(differences: Sequence[statistics.Paired]) -> float:
    """A scale that holds most of the differences: their largest bound, rounded up to a tenth, at least a tenth."""
    largest = max((max(abs(each.low), abs(each.high)) for each in differences if each.count), default=0.1)
    return min(1.0, max(0.1, math.ceil(largest * 10) / 10))


def reliability(found: calibration.Calibration) -> Plot:
    """Stated confidence against how often it held."""
    x, y = _axes(0.0, 1.0, 0.0, 1.0)
    marks = [
        Mark(
            x(each.confidence),
            y(each.right.point),
            y(each.right.low),
            y(each.right.high),
            f"stated {each.confidence:.0%}, right {each.right.point:.0%} [{each.right.low:.0%}–{each.right.high:.0%}] ({each.right.counts})",
        )
        for each in found.bins
    ]
    return Plot(
        title="Reliability of stated confidence",
        description=f"{len(marks)} bins of stated confidence; " + "; ".join(mark.text for mark in marks),
        x_label="stated confidence",
        y_label="right",
        x_ticks=_percent_ticks(x),
        y_ticks=_percent_ticks(y),
        lines=(Line(f"{x(0):.1f},{y(0):.1f} {x(1):.1f},{y(1):.1f}", "guide"),),
        marks=tuple(marks),
    )


def discovery(found: saturation.Discovery) -> Plot:
    """Modes of failure against failing scenarios, and how it would go on."""
    last, top = max(found.curve[-1][0], 1.0), max(found.curve[-1][1], found.richness, 1.0)
    x, y = _axes(0.0, last, 0.0, top * 1.05)
    seen = [(a, b) for a, b in found.curve if a <= found.failures]
    ahead = [(a, b) for a, b in found.curve if a >= found.failures]
    return Plot(
        title="Modes of failure found",
        description=f"{found.modes} modes after {found.failures} failing scenarios, expected to be {found.curve[-1][1]:.0f} after twice as many",
        x_label="failing scenarios",
        y_label="modes of failure",
        x_ticks=_ticks(0.0, last, x),
        y_ticks=_ticks(0.0, top, y),
        lines=(
            Line(_points(seen, x, y)),
            Line(_points(ahead, x, y), "dashed"),
            Line(f"{x(0):.1f},{y(found.richness):.1f} {x(last):.1f},{y(found.richness):.1f}", "guide"),
        ),
        marks=(
            Mark(
                x(found.failures),
                y(found.modes),
                y(found.modes),
                y(found.modes),
                f"now: {found.modes} modes in {found.failures} failures",
            ),
        ),
    )


def passes(curve: Sequence[statistics.PassPoint]) -> Plot:
    """All of k runs right, and any of k."""
    x, y = _axes(1.0, float(max(curve[-1].k, 2)), 0.0, 1.0)
    marks = [
        Mark(x(each.k), y(each.every.point), y(each.every.low), y(each.every.high), f"all of {each.k}: {each.every}")
        for each in curve
    ]
    return Plot(
        title="Right in all of k runs (solid), in any of k (dashed)",
        description="; ".join(f"all of {each.k} {each.every.point:.0%}, any {each.any.point:.0%}" for each in curve),
        x_label="runs k",
        y_label="scenarios",
        x_ticks=tuple(Tick(x(each.k), str(each.k)) for each in curve),
        y_ticks=_percent_ticks(y),
        lines=(
            Line(_points([(each.k, each.every.point) for each in curve], x, y)),
            Line(_points([(each.k, each.any.point) for each in curve], x, y), "dashed"),
        ),
        marks=tuple(marks),
    )


def versions(line: trend.Line, measure: str, title: str) -> Plot:
    """One measure over versions, with its band."""
    found = [(place, point, point.rates[measure]) for place, point in enumerate(line.points) if measure in point.rates]
    found = [each for each in found if each[2].count]
    x, y = _axes(-0.25, max(len(line.points) - 0.75, 0.25), 0.0, 1.0)
    every = max(1, -(-len(line.points) * max(len(p.label) for p in line.points) // 60))
    upper = [(place, rate.high) for place, _, rate in found]
    lower = [(place, rate.low) for place, _, rate in reversed(found)]
    return Plot(
        title=title,
        description="; ".join(f"{point.label}: {rate}" for place, point, rate in found),
        x_label="version",
        y_label="",
        x_ticks=tuple(Tick(x(i), p.label) for i, p in enumerate(line.points) if i % every == 0),
        y_ticks=_percent_ticks(y),
        lines=(Line(_points([(place, rate.point) for place, _, rate in found], x, y)),),
        ribbons=(_points([*upper, *lower], x, y),) if found else (),
        marks=tuple(
            Mark(x(place), y(rate.point), y(rate.low), y(rate.high), f"{point.label}: {rate}")
            for place, point, rate in found
        ),
    )


def by_threshold(
    title: str, rates: Sequence[tuple[float, statistics.Rate]], chosen: float, *, promise: float | None = None
) -> Plot:
    """A rate over the threshold of speaking, with its band; the chosen one marked, and what was promised as a line."""
    found = [(at, rate) for at, rate in rates if rate.count]
    reached = max([*(rate.high for _, rate in found), 1.5 * (promise or 0.0), 0.05])
    top = min(1.0, math.ceil(reached * 20 - 1e-9) / 20) if reached <= 0.5 else 1.0
    x, y = _axes(0.0, 1.0, 0.0, top)
    upper = [(at, rate.high) for at, rate in found]
    lower = [(at, rate.low) for at, rate in reversed(found)]
    lines = [Line(_points([(at, rate.point) for at, rate in found], x, y))]
    if promise is not None:
        lines.append(Line(_points([(0.0, promise), (1.0, promise)], x, y), "guide"))
    steps = [top * place / TICKS for place in range(TICKS + 1)]
    return Plot(
        title=title,
        description="; ".join(f"from {at:.0%}: {rate}" for at, rate in found),
        x_label="speaks when the place is at least so sure",
        y_label="",
        x_ticks=_percent_ticks(x),
        y_ticks=tuple(Tick(y(step), f"{step:.0%}" if top > 0.2 else f"{step:.1%}") for step in steps),
        lines=tuple(lines),
        ribbons=(_points([*upper, *lower], x, y),) if found else (),
        marks=tuple(
            Mark(x(at), y(rate.point), y(rate.low), y(rate.high), f"from {at:.0%}: {rate}")
            for at, rate in found
            if at == chosen
        ),
    )


class _scale:  # noqa: N801 - used as a function
    """Maps numbers between `low` and `high` to coordinates between `start` and `end`."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._start = low, start
        self._slope = (end - start) / ((high - low) or 1.0)

    def __call__(self, value: float) -> float:
        return round(self._start + (value - self._low) * self._slope, 1)


def _axes(x_low: float, x_high: float, y_low: float, y_high: float) -> tuple[_scale, _scale]:
    return _scale(x_low, x_high, LEFT, WIDTH - RIGHT), _scale(y_low, y_high, HEIGHT - BOTTOM, TOP)


def _points(pairs: Sequence[tuple[float, float]], x: _scale, y: _scale) -> str:
    return " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in pairs)


def _percent_ticks(scale: _scale) -> tuple[Tick, ...]:
    return tuple(Tick(scale(share), f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0))


def _ticks(low: float, high: float, scale: _scale) -> tuple[Tick, ...]:
    """Round numbers, about five, whole ones for counts."""
    rough = max((high - low) / TICKS, 1e-9)
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = max(1.0, next(each * magnitude for each in STEPS if each * magnitude >= rough - 1e-12))
    step = math.ceil(step)
    return tuple(Tick(scale(low + i * step), f"{low + i * step:g}") for i in range(int((high - low) / step) + 1))
