"""Runs, comparisons and trends as one self-contained page each: no script, no outside resource, inline SVG; light, dark and printable.

Every chart has its numbers in a table beside it. All text that came from scenarios and subjects is escaped.
"""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from rootward.evals import comparison, segmentation, summary, trend
from rootward.evals.reports import charts, wording

KINDS_MAX = 12  # rows and columns of the confusion matrix; the rest is gathered
OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True)
class Confusion:
    """True kinds as rows, answered ones as columns; those with most mistakes first."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    left_out: int


def render(found: summary.Summary) -> str:
    """The page of one run."""
    failing = 1 - found.primary.rate.point if found.primary.rate.count else None
    return _page(
        "run.html.j2",
        title=wording.title(found.run),
        found=found,
        headlines=wording.headlines(found),
        confusion=confusion(found.confusion),
        fields=_by_field(found.segments),
        baseline=None if failing is None else 1 - failing,
        reliability=charts.reliability(found.calibration) if found.calibration else None,
        discovery=charts.discovery(found.saturation.discovery)
        if found.saturation and found.saturation.discovery.curve
        else None,
        passes=charts.passes(found.passes) if found.passes else None,
        reach=charts.reach([each.change for each in found.stability.variants]) if found.stability else 0.0,
    )


def render_comparison(found: comparison.Comparison) -> str:
    """The page of two runs side by side."""
    return _page(
        "comparison.html.j2",
        title=f"{found.before.label or 'before'} → {found.after.label or 'after'}",
        found=found,
        headlines=wording.compared(found),
        reach=charts.reach([each.change for each in (*found.measures, *found.segments) if each.before]),
    )


def render_trend(found: trend.Trend) -> str:
    """The page of scores over versions."""
    plots = {
        (line.suite, line.subject): [
            charts.versions(line, measure.name, measure.title)
            for measure in sorted(line.measures, key=lambda each: each.name != line.primary)
        ]
        for line in found.lines
    }
    return _page(
        "trend.html.j2", title="Scores over versions", found=found, plots=plots, headlines=wording.trended(found)
    )


def confusion(counts: Mapping[tuple[str, str], int]) -> Confusion | None:
    """The matrix of the kinds that are taken for others; None without a mistake."""
    wrong: collections.Counter[str] = collections.Counter()
    for (true, said), count in counts.items():
        wrong[true] += count * (true != said)
    shown = [kind for kind, missed in sorted(wrong.items(), key=lambda each: (-each[1], each[0])) if missed][:KINDS_MAX]
    if not shown:
        return None
    answered: collections.Counter[str] = collections.Counter()
    for (true, said), count in counts.items():
        answered[said] += count * (true in shown)
    named = [kind for kind, _ in sorted(answered.items(), key=lambda each: (-each[1], each[0])) if answered[kind]]
    kept = {*named[:KINDS_MAX], *(kind for kind in shown if kind in named)}
    # Kinds that were recognised stand in the order of the rows, so that they lie on the diagonal.
    columns = [
        *(kind for kind in shown if kind in kept),
        *(kind for kind in named if kind in kept and kind not in shown),
    ]
    rest = len(kept) < len(named)
    rows = []
    for true in shown:
        cells = [counts.get((true, kind), 0) for kind in columns]
        if rest:
            cells.append(sum(n for (t, kind), n in counts.items() if t == true and kind not in kept))
        rows.append((true, tuple(cells)))
    missed_kinds = sum(missed > 0 for missed in wrong.values())
    return Confusion((*columns, OTHER) if rest else tuple(columns), tuple(rows), missed_kinds - len(shown))


def _by_field(segments: Sequence[segmentation.Segment]) -> dict[str, list[segmentation.Segment]]:
    """Fields with something hot first, then those with most values: they tell most."""
    grouped: dict[str, list[segmentation.Segment]] = {}
    for segment in segments:
        grouped.setdefault(segment.field, []).append(segment)
    return dict(sorted(grouped.items(), key=lambda each: (not each[1][0].hot, -len(each[1]), each[0])))


def _page(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rootward.evals.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(charts=charts, wording=wording)
    return environment.get_template(template).render(**values)
