"""`rootward evals report`, `compare`, `trend`, `saturation`: what runs say, to people and to CI systems."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rootward.evals import records

GATE_FAILED = 3
"""Exit status of a comparison that was asked to gate, when a gate got worse."""

Html = Annotated[Path | None, typer.Option("--html", help="Write the page, with charts, to this file.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", help="Write Markdown to this file.")]
Junit = Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML, for a CI system, to this file.")]
Json = Annotated[bool, typer.Option("--json", help="Every figure as JSON, instead of tables.")]
Run = Annotated[Path, typer.Argument(help="Folder of a run, or its run.jsonl.")]
Against = Annotated[
    Path | None,
    typer.Option(help="Another version's run: does the suite still tell the two apart?", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands to `rootward evals`."""
    app.command("report")(report)
    app.command("compare")(compare)
    app.command("trend")(trend)
    app.command("saturation")(saturation)


def report(
    run: Run,
    html: Html = None,
    markdown: Markdown = None,
    junit: Junit = None,
    against: Against = None,
    as_json: Json = False,
) -> None:
    """Everything a run tells: scores, where and how it fails, confidence, stability, repeats, and whether the suite is used up.

    Examples:

      rootward evals report evals-runs/today

      rootward evals report evals-runs/today --html report.html --junit report.xml
    """
    from rich.console import Console

    from rootward.apps.cli import output
    from rootward.evals import summary
    from rootward.evals.reports import html as pages
    from rootward.evals.reports import junit as junits
    from rootward.evals.reports import markdown as markdowns
    from rootward.evals.reports import terminal

    loaded = _load(run)
    found = summary.summarise(loaded, against=_load(against) if against else None)
    if as_json:
        output.print_json(found.to_json())
    else:
        terminal.show(found, Console())
    _write(html, lambda: pages.render(found))
    _write(markdown, lambda: markdowns.render(found))
    _write(junit, lambda: junits.render(loaded, found))


def compare(
    before: Annotated[Path, typer.Argument(help="Folder of the earlier run, or its run.jsonl.")],
    after: Annotated[Path, typer.Argument(help="Folder of the later run, or its run.jsonl.")],
    html: Html = None,
    markdown: Markdown = None,
    junit: Junit = None,
    margin: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Versions count as the same when they differ by less than this.")
    ] = 0.05,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with status 3 when a gate got worse.")] = False,
    as_json: Json = False,
) -> None:
    """Two runs over the same scenarios: what got better or worse beyond chance, and how small a difference would have been seen.

    Examples:

      rootward evals compare evals-runs/before evals-runs/after

      rootward evals compare evals-runs/before evals-runs/after --gate --markdown comment.md
    """
    from rich.console import Console

    from rootward.apps.cli import output
    from rootward.evals import comparison
    from rootward.evals.reports import html as pages
    from rootward.evals.reports import junit as junits
    from rootward.evals.reports import markdown as markdowns
    from rootward.evals.reports import terminal

    found = comparison.compare(_load(before), _load(after), margin=margin)
    if as_json:
        output.print_json(found.to_json())
    else:
        terminal.show_comparison(found, Console())
    _write(html, lambda: pages.render_comparison(found))
    _write(markdown, lambda: markdowns.render_comparison(found))
    _write(junit, lambda: junits.render_comparison(found))
    if gate and not found.gates_hold:
        raise typer.Exit(GATE_FAILED)


def trend(
    folder: Annotated[Path, typer.Argument(help="Folder with runs, at any depth.")] = Path("evals-runs"),
    suite: Annotated[str, typer.Option(help="Only runs of this suite.")] = "",
    html: Html = None,
    markdown: Markdown = None,
    as_json: Json = False,
) -> None:
    """Scores over versions, each with its band and its change since the version before: run it after every nightly run.

    Examples:

      rootward evals trend evals-runs

      rootward evals trend evals-runs --suite standard --html trend.html
    """
    from rich.console import Console

    from rootward.apps.cli import output
    from rootward.evals import run_folder
    from rootward.evals import trend as trends
    from rootward.evals.reports import html as pages
    from rootward.evals.reports import markdown as markdowns
    from rootward.evals.reports import terminal

    listed = [path for path, manifest in run_folder.runs(folder) if manifest.finished]
    loaded = [run for run in map(_load, listed) if suite in ("", run.suite)]
    found = trends.trend(loaded)
    if as_json:
        output.print_json(found.to_json())
    else:
        terminal.show_trend(found, Console())
    _write(html, lambda: pages.render_trend(found))
    _write(markdown, lambda: markdowns.render_trend(found))


def saturation(run: Run, against: Against = None, as_json: Json = False) -> None:
    """Is the suite used up, why, what to do about it, and where the next scenario is worth most.

    Example: rootward evals saturation evals-runs/today --against evals-runs/before
    """
    from rich.console import Console

    from rootward.apps.cli import output
    from rootward.evals import summary
    from rootward.evals.reports import terminal

    found = summary.summarise(_load(run), against=_load(against) if against else None)
    if as_json:
        judged = found.saturation.to_json() if found.saturation else None
        output.print_json({"saturation": judged, "next_scenario": [each.to_json() for each in found.worths]})
    else:
        terminal.show_saturation(found, Console())


def _load(path: Path) -> "records.Run":
    """Raises:
    RunError: there is no run there, or it cannot be read.
    """
    from rootward.evals import run_folder

    return run_folder.load(path)


def _write(path: Path | None, render: Callable[[], str]) -> None:
    """Write what was asked for, and say where on stderr."""
    from rootward.apps.cli import output

    if path is not None:
        output.write_text(path, render())
        typer.echo(f"written: {path}", err=True)
