"""A finding on a terminal: three sentences first, then what a reader asks next. Colour only helps; nothing depends on it."""

import datetime as dt
from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rootward.apps.report import sparkline
from rootward.investigator import finding as findings
from rootward.signals import quantity

STATUS_STYLE = {"found": "bold green", "quiet": "bold yellow", "no_fault": "bold blue", "outside": "bold magenta"}
STATUS_WORDS = {
    "found": "ROOT CAUSE FOUND",
    "quiet": "QUIET: NOT SURE ENOUGH TO SAY",
    "no_fault": "NO FAULT",
    "outside": "CAUSE OUTSIDE WHAT WE CAN SEE",
}
EVIDENCE_ROWS_MAX = 10
ENTITY_WIDTH = 24  # names of entities up to this stay on one line
EVIDENCE_IDS_MAX = 4  # per hypothesis; --json has all
QUERY_WIDTH_MAX = 110
WIDE = 110  # columns from which lines get their full length
BARS_WIDE, BARS_NARROW = 40, 24


def show(finding: findings.Finding, console: Console) -> None:
    """Print `finding`, the most useful first."""
    console.print(_panel(finding))
    if finding.root_causes:
        console.print(_causes(finding.root_causes))
    for title, lines in (
        ("Why", _because(finding)),
        ("Guidance", _guided(finding)),
        ("Seen before", [_seen(one) for one in finding.seen_before]),
        ("Ruled out", [_dropped(item) for item in finding.ruled_out]),
        (_opinion_title(finding), _opinion(finding)),
        ("Missing", list(finding.missing)),
        ("Planted instructions, not followed", [f"{one.place}: “{one.text}”" for one in finding.planted]),
        ("Next checks", list(finding.next_checks)),
    ):
        if lines:
            console.print(_section(title, lines))
    if finding.charts:
        console.print(_charts(finding.charts, console.width))
    console.print(_evidence(finding))


OPINIONS = {
    "agreed": "agrees",
    "unsure": "is unsure",
    "overruled": "named the cause, on evidence that it asked for",
    "not_accepted": "named another cause without new evidence, so it does not count",
    "none": "did not conclude; this is the reasoner's answer alone",
}


def _opinion_title(finding: findings.Finding) -> str:
    return f"{finding.opinion.model} {OPINIONS[finding.opinion.verdict]}" if finding.opinion else ""


def _opinion(finding: findings.Finding) -> list[str]:
    """A model's checked sentences, what was dropped of it and why, and its trouble."""
    if finding.opinion is None:
        return []
    said = [f"{one.sentence} [{', '.join(one.evidence)}]" for one in finding.opinion.sentences]
    dropped = [f"dropped: “{one.sentence}” ({one.reason})" for one in finding.opinion.dropped]
    trouble = [finding.opinion.trouble] if finding.opinion.trouble else []
    spent = f"{finding.opinion.questions} questions, {finding.opinion.tokens:,} tokens"
    return [*said, *dropped, *trouble, spent]


def time_of_day(time_s: float | None) -> str:
    return "" if time_s is None else dt.datetime.fromtimestamp(time_s, tz=dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _panel(finding: findings.Finding) -> RenderableType:
    status = str(finding.status)
    title = Text(STATUS_WORDS[status], style=STATUS_STYLE[status])
    parts: list[RenderableType] = [Text(finding.summary)]
    if len(finding.path) > 1:
        parts.append(Text("\n" + "  →  ".join(str(entity) for entity in finding.path), style="dim"))
    onset_s = finding.root_causes[0].onset_s if finding.root_causes else None
    day = f" · {time_of_day(onset_s)[:10]}" if onset_s is not None else ""
    caption = Text(f"alert: {finding.alert}{day}", style="dim")
    return Panel(Group(*parts), title=title, subtitle=caption, box=box.ROUNDED)


def _causes(causes: Sequence[findings.RootCause]) -> RenderableType:
    table = Table(
        box=box.SIMPLE,
        title="Hypotheses",
        title_justify="left",
        title_style="bold",
        pad_edge=False,
        collapse_padding=True,
    )
    days = {time_of_day(cause.onset_s)[:10] for cause in causes if cause.onset_s is not None}
    for name in ("#", "entity", "kind of fault", "since (UTC)", "confidence", "evidence"):
        whole = name in ("#", "confidence")
        table.add_column(name, justify="right" if name == "#" else "left", overflow="fold", no_wrap=whole)
    table.columns[1].no_wrap = max(len(str(cause.entity)) for cause in causes) <= ENTITY_WIDTH
    for rank, cause in enumerate(causes, start=1):
        confidence = cause.confidence
        table.add_row(
            str(rank),
            escape(str(cause.entity)),
            escape(cause.fault.replace("_", " ") or "unknown"),
            _short_time(cause.onset_s, same_day=len(days) == 1),
            f"{confidence.point:.0%} ({confidence.low:.0%}–{confidence.high:.0%})",
            " ".join(cause.evidence[:EVIDENCE_IDS_MAX]),
        )
    table.caption, table.caption_justify = escape(place_sentence(causes[0])), "left"
    return table


def place_sentence(cause: findings.RootCause) -> str:
    """How sure the place of the leading cause is, whatever the kind; "" where nobody said."""
    if cause.confidence.place is None:
        return ""
    return f"That the cause is at {cause.entity.name}, of whatever kind: {cause.confidence.place:.0%}."


def _short_time(time_s: float | None, *, same_day: bool) -> str:
    """Hours alone where all are of one day, which the caption of the panel tells."""
    text = time_of_day(time_s).removesuffix(" UTC")
    return text[11:] if same_day else text


def _dropped(item: findings.RuledOut) -> str:
    kind = f", {item.fault.replace('_', ' ')}" if item.fault else ""
    return f"{item.entity}{kind}: {item.reason}"


def _because(finding: findings.Finding) -> list[str]:
    return list(finding.root_causes[0].because) if finding.root_causes else []


def _guided(finding: findings.Finding) -> list[str]:
    if finding.guided is None:
        return []
    did = [sentence for one in finding.guided.heard for sentence in one.did or (f"Guidance {one.id}: {one.text}",)]
    return [*did, *finding.guided.conflicts, finding.guided.changed]


def _seen(one: findings.Seen) -> str:
    return f"{one.id}, {time_of_day(one.when_s)[:10]} ({one.provenance}; {one.why}): {one.text}"


def _section(title: str, lines: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row("  •", Text(line))
    return Group(Text(title, style="bold"), table, Text(""))


def _charts(charts: Sequence[findings.Chart], width: int) -> RenderableType:
    bars = BARS_WIDE if width >= WIDE else BARS_NARROW
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    for _ in ("line", "scale", "evidence"):
        table.add_column(no_wrap=True)
    for chart in charts:
        present = [value for value in chart.values if value is not None]
        scale = (
            f"{quantity.quantity(min(present), chart.unit)} … {quantity.quantity(max(present), chart.unit)}"
            if present
            else ""
        )
        table.add_row(
            escape(chart.title),
            Text(sparkline.sparkline(chart.values, bars), style="cyan"),
            scale,
            Text(chart.evidence, style="dim"),
        )
    return Padding(Group(Text("Signals", style="bold"), table), (0, 0, 1, 0))


def _evidence(finding: findings.Finding) -> RenderableType:
    table = Table(box=box.SIMPLE, title="Evidence", title_justify="left", title_style="bold", pad_edge=False)
    for name in ("id", "source", "answer", "query"):
        table.add_column(name, overflow="fold")
    for item in finding.evidence[:EVIDENCE_ROWS_MAX]:
        query = item.query if len(item.query) <= QUERY_WIDTH_MAX else item.query[: QUERY_WIDTH_MAX - 1] + "…"
        table.add_row(item.id, escape(item.source), str(item.outcome).replace("_", " "), escape(query))
    left = len(finding.evidence) - EVIDENCE_ROWS_MAX
    if left > 0:
        table.caption = f"and {left} more: --json or --html FILE shows all"
    return table
