"""`rootward investigate`: one alert over your own back ends, or over a recorded capsule."""

from pathlib import Path
from typing import Annotated

import typer


def investigate(
    alert: Annotated[
        str,
        typer.Option(
            help="File with the alert as JSON (Alertmanager, PagerDuty or our own form); - reads standard input."
        ),
    ] = "",
    capsule: Annotated[Path | None, typer.Option(help="A capsule to investigate instead of live back ends.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings; default: rootward.yaml here, if there is one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the finding in its published JSON form.")] = False,
    html: Annotated[Path | None, typer.Option(help="Also write the finding as one self-contained page.")] = None,
    memory: Annotated[
        bool, typer.Option("--memory/--no-memory", help="Let memory steer, and keep what is found over live back ends.")
    ] = True,
    model: Annotated[
        bool, typer.Option("--model/--no-model", help="Ask the configured models for a second opinion.")
    ] = True,
) -> None:
    """Find out why an alert fired. Guidance that applies is heard, and what it did stands in the finding; so does what a model made of it,
    where one is configured.

    Examples:

      rootward investigate --alert alert.json

      curl -s localhost:9093/api/v2/alerts | rootward investigate --alert - --json

      rootward investigate --capsule incidents/checkout-2026-03-04
    """
    from rich.console import Console

    from rootward import errors
    from rootward.apps import settings, steered, wiring
    from rootward.apps.cli import output
    from rootward.apps.report import html as html_report
    from rootward.apps.report import text

    if bool(alert) == (capsule is not None):
        raise errors.InputError("give either --alert FILE (or -) or --capsule DIR; see rootward investigate --help")
    configured = settings.load(config)
    with output.progress("reading", quiet=as_json) as update:
        if capsule is not None:
            told = steered.over_capsule(capsule, configured, memory=memory, model=model, on_stage=update)
        else:
            fired = wiring.read_alert(output.read_json(None if alert == "-" else Path(alert)))
            told = steered.over_live(fired, configured, memory=memory, model=model, on_stage=update)
    if told.note:
        typer.echo(told.note, err=True)
    finding = told.finding
    if html is not None:
        output.write_text(html, html_report.render(finding))
    if as_json:
        output.print_json(finding.to_json())
        return
    text.show(finding, Console())
