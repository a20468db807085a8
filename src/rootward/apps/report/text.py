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

from rootward.apps.report import quantity, sparkline
from rootward.investigator import finding as findings
from rootward.investigator.causal import fault_kinds

STATUS_STYLE = {"found": "bold green", "quiet": "bold yellow", "no_fault": "bold blue", "outside": "bold magenta"}
STATUS_WORDS = {
    "found": "ROOT CAUSE FOUND",
    "quiet": "QUIET: NOT SURE ENOUGH TO SAY",
    "no_fault": "NO FAULT",
    "outside": "CAUSE OUTSIDE WHAT WE CAN SEE",
}
EVIDENCE_ROWS_MAX = 10
QUERY_WIDTH_MAX = 110


def show(finding: findings.Finding, console: Console) -> None:
    """Print `finding`, the most useful first."""
    console.print(_panel(finding))
    if finding.root_causes:
        console.print(_causes(finding.root_causes))
    for title, lines in (
        ("Why", _because(finding)),
        (
            "Ruled out",
            [f"{r.entity} {fault_kinds.sentence(r.fault) if r.fault else ''}: {r.reason}" for r in finding.ruled_out],
        ),
        ("Missing", list(finding.missing)),
        ("Next checks", list(finding.next_checks)),
    ):
        if lines:
            console.print(_section(title, lines))
    if finding.charts:
        console.print(_charts(finding.charts))
    console.print(_evidence(finding))


def time_of_day(time_s: float | None) -> str:
    return "" if time_s is None else dt.datetime.fromtimestamp(time_s, tz=dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _panel(finding: findings.Finding) -> RenderableType:
    status = str(finding.status)
    title = Text(STATUS_WORDS[status], style=STATUS_STYLE[status])
    parts: list[RenderableType] = [Text(finding.summary)]
    if len(finding.path) > 1:
        parts.append(Text("\n" + "  →  ".join(str(entity) for entity in finding.path), style="dim"))
    return Panel(Group(*parts), title=title, subtitle=Text(f"alert: {finding.alert}", style="dim"), box=box.ROUNDED)


def _causes(causes: Sequence[findings.RootCause]) -> RenderableType:
    table = Table(box=box.SIMPLE, title="Hypotheses", title_justify="left", title_style="bold", pad_edge=False)
    for name in ("#", "entity", "kind of fault", "since", "confidence", "evidence"):
        table.add_column(name, justify="right" if name == "#" else "left", overflow="fold")
    for rank, cause in enumerate(causes, start=1):
        confidence = cause.confidence
        table.add_row(
            str(rank),
            escape(str(cause.entity)),
            escape(cause.fault.replace("_", " ") or "unknown"),
            time_of_day(cause.onset_s),
            f"{confidence.point:.0%} ({confidence.low:.0%}–{confidence.high:.0%})",
            " ".join(cause.evidence[:6]),
        )
    return table


def _because(finding: findings.Finding) -> list[str]:
    return list(finding.root_causes[0].because) if finding.root_causes else []


def _section(title: str, lines: Sequence[str]) -> RenderableType:
    rows = [Text.assemble(("  • ", "dim"), line) for line in lines]
    return Group(Text(title, style="bold"), *rows, Text(""))


def _charts(charts: Sequence[findings.Chart]) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for chart in charts:
        present = [value for value in chart.values if value is not None]
        scale = (
            f"{quantity.quantity(min(present), chart.unit)} … {quantity.quantity(max(present), chart.unit)}"
            if present
            else ""
        )
        table.add_row(
            escape(chart.title),
            Text(sparkline.sparkline(chart.values), style="cyan"),
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
