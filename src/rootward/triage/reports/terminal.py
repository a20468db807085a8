"""The trade-off on a terminal: a row per threshold, the chosen one marked."""

from rich.console import Console
from rich.table import Table

from rootward.evals.reports import wording as evals_wording
from rootward.triage import tradeoff
from rootward.triage.reports import wording


def show(found: tradeoff.Tradeoff, console: Console) -> None:
    """Sentences, then the table."""
    for line in wording.headlines(found):
        console.print(line, markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    for name in (
        "",
        "place sure from",
        "speaks",
        "wrong, of all alerts",
        "wrong, of those told",
        "right, of those told",
    ):
        table.add_column(name)
    for point in rows(found):
        rates = (point.spoke, point.wrong, point.among, point.right)
        marked = point.threshold == found.chosen.threshold
        cells = [evals_wording.band(rate) if rate.count else "–" for rate in rates]
        table.add_row("→" if marked else "", f"{point.threshold:.0%}", *cells, style="bold" if marked else "")
    console.print(table)


def rows(found: tradeoff.Tradeoff) -> list[tradeoff.Point]:
    """The points with the chosen one among them."""
    return sorted(
        {point.threshold: point for point in (*found.points, found.chosen)}.values(), key=lambda p: p.threshold
    )
