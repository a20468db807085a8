"""Runs, comparisons and trends on a terminal: what to know first, then tables with bands drawn in text."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rootward.evals import comparison, segmentation, stability, statistics, summary, trend
from rootward.evals.reports import wording

BAR = 24  # characters of a band
SCALE = "0 … 100%"  # heads the column of bands, which is never folded
WIDE = 104  # columns from which tables are shown whole
WIDE_ONLY = (SCALE, "before", "after", "started", "same evidence")
SEGMENTS_MAX = 10
MODES_MAX = 5
STYLES = {
    comparison.BETTER: "green",
    comparison.WORSE: "bold red",
    stability.STABLE: "green",
    stability.DEGRADED: "bold red",
    stability.UNDECIDED: "yellow",
}


def show(found: summary.Summary, console: Console, *, with_seconds: bool = True) -> None:
    """Print a run; without seconds, equal runs of a deterministic subject print equal bytes."""
    _head(console, f"{wording.title(found.run)} · {wording.size(found)}", wording.headlines(found))
    if wording.few(found):
        console.print(Text(wording.few(found), style="yellow"))
    _scores(found, console, with_seconds=with_seconds)
    _segments(found.segments, console)
    _failures(found, console)
    if found.stability and found.stability.variants:
        _stability(found.stability, console)
    if found.passes:
        _passes(found.passes, console)
    _saturation(found, console)


def show_saturation(found: summary.Summary, console: Console) -> None:
    """Print what is known about the suite itself: whether it is used up, why, and where the next scenario is worth most."""
    judged = found.saturation
    if judged is None:
        console.print(Text(f"{wording.title(found.run)}: no scenario has a score of {found.run.primary!r}"))
        return
    _head(
        console,
        f"{wording.title(found.run)} · {wording.size(found)}",
        [wording.suite_verdict(judged), *judged.reasons[1:]],
    )
    seen, top = judged.discovery, judged.ceiling
    table = _table("Modes of failure", "", "")
    for name, value in (
        ("failing scenarios, by mode", str(seen.failures)),
        ("modes seen (once, twice)", f"{seen.modes} ({seen.once}, {seen.twice})"),
        (
            "chance that the next failure is of a new mode",
            f"{wording.percent(seen.unseen, 1)}, at most {wording.percent(seen.unseen_high, 1)}",
        ),
        ("failures of known modes", wording.percent(seen.coverage)),
        ("modes there are, at least", f"{seen.richness:.0f}"),
        (f"new modes in the last {top.recent} scenarios", f"{top.new_modes:.1f}"),
        (
            f"rate moved by the last {top.recent}",
            f"{top.moved * 100:.1f} points (half-width {top.half_width * 100:.1f})",
        ),
        (
            "scenarios that tell apart",
            wording.band(top.discriminative) if top.discriminative else "needs repeats or --against",
        ),
        (
            "another draw would decide differently",
            wording.percent(top.flips) if top.flips is not None else "needs --against",
        ),
    ):
        table.add_row(name, value)
    _put(table, console)
    table = _table("Where the next scenario is worth most", "", "right", "traffic", "band gets narrower by")
    for each in found.worths[:SEGMENTS_MAX]:
        narrower = f"{each.narrower * 100:.1f} points"
        table.add_row(each.segment, wording.band(each.rate), wording.percent(each.traffic), narrower)
    _put(table, console)


def show_comparison(found: comparison.Comparison, console: Console) -> None:
    """Print two runs side by side."""
    before, after = found.before.label or "before", found.after.label or "after"
    _head(console, f"{found.after.suite} · {before} → {after}", wording.compared(found))
    for title, rows in (("Scores", found.measures), ("Segments", found.segments[:SEGMENTS_MAX])):
        table = _table(title, "", "verdict", "change in points", "p", "detectable", "before", "after")
        for each in rows:
            rate = each.before is not None
            table.add_row(
                each.title + (" (gate)" if each.gate else ""),
                Text(each.verdict, style=STYLES.get(each.verdict, "")),
                wording.change(each.change, None if rate else each.unit),
                wording.p_value(each.adjusted),
                wording.points(each.change.detectable).replace("+", "±") if rate else "",
                wording.band(each.before) if each.before else "",
                wording.band(each.after) if each.after else "",
            )
        if rows:
            _put(table, console)
    for words, names in (("Got better", found.fixed), ("Got worse", found.broken)):
        if names:
            rest = f" and {len(names) - wording.ROWS_MAX} more" if len(names) > wording.ROWS_MAX else ""
            console.print(Text(f"{words}: {', '.join(names[: wording.ROWS_MAX])}{rest}"), soft_wrap=True)


def show_trend(found: trend.Trend, console: Console) -> None:
    """Print scores over versions."""
    for line in found.lines:
        gates = console.width >= WIDE
        named = [measure for measure in line.measures if measure.name == line.primary or (gates and measure.gate)]
        table = _table(
            f"{line.suite} · {line.subject}", "version", "started", SCALE, *(m.title for m in named), "change", "p"
        )
        for point in line.points:
            rates = [point.rates.get(measure.name) for measure in named]
            first = point.rates.get(line.primary)
            table.add_row(
                point.label + (" (suite changed)" if point.other_suite else ""),
                point.run.started[:10],
                bar(first),
                *(wording.band(rate) if rate else "–" for rate in rates),
                wording.change(point.change) if point.change else "–",
                wording.p_value(point.change.p) if point.change else "–",
            )
        _put(table, console)


def bar(rate: statistics.Rate | None) -> str:
    """The band on a line from 0 to 100%: `·······├──●──┤···`."""
    if rate is None or not rate.count:
        return ""

    def place(value: float) -> int:
        return min(BAR - 1, int(value * BAR))

    cells = ["·"] * BAR
    low, point, high = place(rate.low), place(rate.point), place(rate.high)
    cells[low : high + 1] = ["─"] * (high - low + 1)
    cells[low], cells[high] = "├", "┤"
    cells[point] = "●"
    return "".join(cells)


def _head(console: Console, title: str, lines: Sequence[str]) -> None:
    console.print(Text(title, style="dim"), soft_wrap=True)
    console.print(Text(lines[0], style="bold"), soft_wrap=True)
    for line in lines[1:]:
        console.print(Text(f"• {line}"), soft_wrap=True)


def _scores(found: summary.Summary, console: Console, *, with_seconds: bool) -> None:
    table = _table("Scores", "", SCALE, "rate", "runs")
    for score in found.scores:
        if score.rate.count:
            lower = " (lower is better)" if score.measure.better == "lower" else ""
            first = score.measure.name == found.run.primary
            table.add_row(
                Text(score.measure.title + lower, style="bold" if first else ""),
                bar(score.rate),
                wording.band(score.rate),
                score.rate.counts,
            )
    _put(table, console)
    amounts = [amount for amount in found.amounts if with_seconds or amount.name != "seconds"]
    if amounts:
        table = _table("Per scenario", "", "median", "95th percentile")
        for amount in amounts:
            table.add_row(
                amount.title, wording.amount(amount.median, amount.unit), wording.amount(amount.high, amount.unit)
            )
        _put(table, console)


def _segments(segments: Sequence[segmentation.Segment], console: Console) -> None:
    table = _table("Where it fails (share of traffic × lower bound of failing)", "", SCALE, "right", "runs", "impact")
    for segment in segments[:SEGMENTS_MAX]:
        name = Text(segment.name)
        if segment.hot:
            name.append(" hot", style="bold red")
        table.add_row(
            name,
            bar(segment.right),
            wording.band(segment.right),
            segment.right.counts,
            wording.percent(segment.impact, 1),
        )
    if segments:
        _put(table, console)


def _failures(found: summary.Summary, console: Console) -> None:
    if not found.modes:
        return
    table = _table("How it fails", "", "scenarios", "for example")
    for mode in found.modes[:MODES_MAX]:
        table.add_row(mode.label, str(mode.scenarios), mode.example)
    _put(table, console)


def show_stability(found: stability.Stability, console: Console) -> None:
    """Print how well answers hold under perturbations, and what noise costs."""
    if found.clean:
        console.print(Text(f"Without the noise it would be {wording.change(found.clean)} points."), soft_wrap=True)
    if found.variants:
        _stability(found, console)


def _stability(found: stability.Stability, console: Console) -> None:
    floor = (
        f"noise alone flips {wording.band(found.floor)}" if found.floor.count else "no repeats, so no floor of noise"
    )
    title = f"Stability (margin ±{wording.percent(found.margin)}; {floor})"
    table = _table(title, "", "label", "change in points", "answers flipped", "same evidence", "worst scenario")
    for each in found.variants:
        table.add_row(
            each.perturbation,
            Text(wording.label(each), style=STYLES[each.label]),
            wording.change(each.change),
            wording.band(each.flips),
            wording.band(each.evidence),
            each.worst,
        )
    _put(table, console)


def _passes(curve: Sequence[statistics.PassPoint], console: Console) -> None:
    table = _table("Repeats", "runs k", "all of k right", "any of k right")
    for point in curve:
        table.add_row(str(point.k), wording.band(point.every), wording.band(point.any))
    _put(table, console)


def _saturation(found: summary.Summary, console: Console) -> None:
    if found.saturation and len(found.saturation.reasons) > 1:
        console.print(Text("\nThe suite", style="bold"))
        for reason in found.saturation.reasons[1:]:
            console.print(Text(f"• {reason}"), soft_wrap=True)
    if found.worths:
        best = ", ".join(each.segment for each in found.worths[:3])
        console.print(Text(f"The next scenario is worth most in {best}."), soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        table.add_column(column, header_style="dim", overflow="fold", no_wrap=column == SCALE)
    return table


def _put(table: Table, console: Console) -> None:
    """Print it, without what only a wide terminal has room for."""
    if console.width < WIDE:
        table.columns = [column for column in table.columns if column.header not in WIDE_ONLY]
    console.print(table)
