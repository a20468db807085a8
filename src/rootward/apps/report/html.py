"""A finding as one self-contained HTML page: no script, no outside resource, charts as inline SVG; light and dark; printable."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rootward import _clock
from rootward.apps.report import pages, text
from rootward.investigator import finding as findings
from rootward.investigator.causal import fault_kinds
from rootward.signals import quantity

CHART_WIDTH = 640
CHART_HEIGHT = 120


@dataclasses.dataclass(frozen=True, slots=True)
class Drawing:
    """A chart in SVG user units: `lines` are polyline point lists (a gap starts a new one)."""

    title: str
    evidence: str
    lines: tuple[str, ...]
    onset_x: float | None
    low: str
    high: str
    start: str
    end: str


def render(finding: findings.Finding, *, truth: Mapping[str, Any] | None = None) -> str:
    """The page; `truth` (of a simulated or recorded scenario) is shown beside the finding when given.

    Everything that came from production is escaped.
    """
    environment = pages.environment()
    environment.filters["moment"] = text.time_of_day
    environment.filters["fault_sentence"] = fault_kinds.sentence
    environment.filters["iso"] = _clock.to_iso
    return environment.get_template("finding.html.j2").render(
        finding=finding,
        status_words=text.STATUS_WORDS[str(finding.status)].capitalize(),
        drawings=[draw(chart) for chart in finding.charts],
        truth=truth,
        opinions=text.OPINIONS,
        place_sentence=text.place_sentence,
        width=CHART_WIDTH,
        height=CHART_HEIGHT,
    )


def draw(chart: findings.Chart) -> Drawing:
    """Scale one chart into the drawing box."""
    present = [value for value in chart.values if value is not None]
    low, high = (min(present), max(present)) if present else (0.0, 0.0)
    start_s, end_s = (chart.times_s[0], chart.times_s[-1]) if chart.times_s else (0.0, 0.0)

    def x(time_s: float) -> float:
        return (time_s - start_s) / ((end_s - start_s) or 1.0) * CHART_WIDTH

    def y(value: float) -> float:
        return CHART_HEIGHT - 4 - (value - low) / ((high - low) or 1.0) * (CHART_HEIGHT - 8)

    onset = chart.onset_s
    return Drawing(
        title=chart.title,
        evidence=chart.evidence,
        lines=_polylines(
            [None if v is None else (x(t), y(v)) for t, v in zip(chart.times_s, chart.values, strict=True)]
        ),
        onset_x=x(onset) if onset is not None and start_s <= onset <= end_s else None,
        low=quantity.quantity(low, chart.unit),
        high=quantity.quantity(high, chart.unit),
        start=text.time_of_day(start_s),
        end=text.time_of_day(end_s),
    )


def _polylines(points: Sequence[tuple[float, float] | None]) -> tuple[str, ...]:
    lines: list[str] = []
    current: list[str] = []
    for point in [*points, None]:
        if point is not None:
            current.append(f"{point[0]:.1f},{point[1]:.1f}")
        elif current:
            lines.append(" ".join(current))
            current = []
    return tuple(lines)
