"""Runs, comparisons and trends as Markdown, for a pull request or a page of documentation."""

import re
from collections.abc import Sequence

from rootward.evals import comparison, summary, trend
from rootward.evals.reports import wording


def render(found: summary.Summary) -> str:
    """One run."""
    parts = [f"## {_text(wording.title(found.run))}", _text(wording.size(found)), _list(wording.headlines(found))]
    if wording.few(found):
        parts.append(wording.few(found))
    parts.append(
        _table(
            ("score", "rate [95%]", "runs", "better"),
            [
                (score.measure.title, wording.band(score.rate), score.rate.counts, score.measure.better)
                for score in found.scores
                if score.rate.count
            ],
        )
    )
    if found.amounts:
        rows = [(a.title, wording.amount(a.median, a.unit), wording.amount(a.high, a.unit)) for a in found.amounts]
        parts.append(_table(("per scenario", "median", "95th percentile"), rows))
    if found.segments:
        rows_of_segments = [
            (s.name + (" (hot)" if s.hot else ""), wording.band(s.right), s.right.counts, wording.percent(s.impact, 1))
            for s in found.segments[: wording.ROWS_MAX]
        ]
        parts += ["### Where it fails", _table(("segment", "right", "runs", "impact"), rows_of_segments)]
    if found.modes:
        modes = [(m.label, str(m.scenarios), m.example) for m in found.modes[: wording.ROWS_MAX]]
        parts += ["### How it fails", _table(("mode", "scenarios", "for example"), modes)]
    if found.stability and found.stability.variants:
        variants = [
            (
                v.perturbation,
                wording.label(v),
                wording.change(v.change),
                wording.band(v.flips),
                wording.band(v.evidence),
            )
            for v in found.stability.variants
        ]
        head = ("perturbation", "label", "change in points", "answers flipped", "same evidence")
        parts += ["### Stability", _table(head, variants)]
    if found.passes:
        curve = [(str(p.k), wording.band(p.every), wording.band(p.any)) for p in found.passes]
        parts += ["### Repeats", _table(("k", "all of k right", "any of k right"), curve)]
    if found.saturation:
        parts += ["### The suite", _list(found.saturation.reasons)]
    return "\n\n".join(parts) + "\n"


def render_comparison(found: comparison.Comparison) -> str:
    """Two runs side by side."""
    before, after = found.before.label or "before", found.after.label or "after"
    parts = [f"## {_text(found.after.suite)}: {_text(before)} → {_text(after)}", _list(wording.compared(found))]
    for title, rows in (("Scores", found.measures), ("Segments", found.segments[: wording.ROWS_MAX])):
        if rows:
            parts += [f"### {title}", _contrasts(rows)]
    for words, names in (("got better", found.fixed), ("got worse", found.broken)):
        if names:
            listed = ", ".join(f"`{_text(name)}`" for name in names[: wording.ROWS_MAX])
            rest = f" and {len(names) - wording.ROWS_MAX} more" if len(names) > wording.ROWS_MAX else ""
            parts.append(f"{len(names)} {words}: {listed}{rest}")
    return "\n\n".join(parts) + "\n"


def render_trend(found: trend.Trend) -> str:
    """Scores over versions."""
    parts = ["## Scores over versions", _list(wording.trended(found))]
    for line in found.lines:
        named = [measure for measure in line.measures if measure.name == line.primary or measure.gate]
        rows = [
            (
                point.label + (" (suite changed)" if point.other_suite else ""),
                point.run.started[:10],
                *(wording.band(point.rates[m.name]) if m.name in point.rates else "–" for m in named),
                wording.change(point.change) if point.change else "–",
            )
            for point in line.points
        ]
        head = ("version", "started", *(measure.title for measure in named), "change in points")
        parts += [f"### {_text(line.suite)} · {_text(line.subject)}", _table(head, rows)]
    return "\n\n".join(parts) + "\n"


def _contrasts(rows: Sequence[comparison.Contrast]) -> str:
    return _table(
        ("", "verdict", "change", "p", "detectable", "before", "after"),
        [
            (
                each.title + (" (gate)" if each.gate else ""),
                each.verdict,
                wording.change(each.change, None if each.before else each.unit),
                wording.p_value(each.adjusted),
                wording.points(each.change.detectable).replace("+", "±") if each.before else "",
                wording.band(each.before) if each.before else "",
                wording.band(each.after) if each.after else "",
            )
            for each in rows
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(_text(cell) if cell != "---" else cell for cell in line) + " |" for line in lines
    )


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_text(line)}" for line in lines)


def _text(text: str) -> str:
    """On one line, with what Markdown and HTML would take for markup escaped."""
    return re.sub(r"([\\`*_|<>\[\]#])", r"\\\1", " ".join(text.split()))
