"""`rootward triage`: what confidence is worth, when to speak and when to keep quiet."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="When to speak and when to keep quiet.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Config = Annotated[Path | None, typer.Option(help="Settings; default: rootward.yaml here, if there is one.")]


@app.callback()
def triage() -> None:
    """When to speak and when to keep quiet."""


@app.command("calibrate")
def calibrate(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs of evals of the embedded reasoner, or their run.jsonl.")
    ],
    out: Annotated[Path, typer.Option(help="File for the calibration table.")] = Path("calibration.json"),
    as_json: Json = False,
) -> None:
    """Learn from runs of evals what confidence is worth: fits a table on a third of the scenarios, and certifies its thresholds on the rest.

    Examples:

      rootward evals run calibration --out evals-runs/calibration

      rootward triage calibrate evals-runs/calibration --out calibration.json
    """
    from rootward.apps.cli import output
    from rootward.evals import run_folder
    from rootward.triage import answers, fitting

    loaded = [run_folder.load(path) for path in runs]
    known = answers.of_runs(loaded)
    made_of = [
        {"suite": run.suite, "digest": run.digest, "subject": run.subject, "version": run.version} for run in loaded
    ]
    table = fitting.fit(known, fitted_on=made_of)
    output.write_text(out, fitting.write(table))
    if as_json:
        output.print_json(table.to_json())
    else:
        typer.echo(fitting.sentence(table))
    typer.echo(f"written: {out}", err=True)


@app.command("curve")
def curve(
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run of evals, or its run.jsonl; best one that the table was not fitted on."),
    ],
    table: Annotated[
        Path | None,
        typer.Option(help="Calibration table; default: that of the settings, or the shipped one.", show_default=False),
    ] = None,
    config: Config = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page, with charts, to this file.")] = None,
    as_json: Json = False,
) -> None:
    """What speaking costs: the share of alerts that are told a cause, and of those that are told a wrong one, by threshold.

    Examples:

      rootward triage curve evals-runs/today

      rootward triage curve evals-runs/today --html curve.html
    """
    from rich.console import Console

    from rootward.apps import settings, wiring
    from rootward.apps.cli import output
    from rootward.evals import run_folder
    from rootward.triage import answers, tradeoff
    from rootward.triage.reports import html as pages
    from rootward.triage.reports import terminal

    configured = settings.load(config)
    voice = wiring.voice_from_settings(configured, table)
    known = answers.of_runs([run_folder.load(run)])
    found = tradeoff.measure(known, voice, configured.investigation.false_confidence_max)
    if as_json:
        output.print_json(found.to_json())
    else:
        terminal.show(found, Console())
    if html is not None:
        output.write_text(html, pages.render(found))
        typer.echo(f"written: {html}", err=True)
