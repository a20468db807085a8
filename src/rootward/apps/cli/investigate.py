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
) -> None:
    """Find out why an alert fired.

    Examples:

      rootward investigate --alert alert.json

      curl -s localhost:9093/api/v2/alerts | rootward investigate --alert - --json

      rootward investigate --capsule incidents/checkout-2026-03-04
    """
    from rich.console import Console

    from rootward import errors
    from rootward.apps import live, scenarios, settings, wiring
    from rootward.apps.cli import output
    from rootward.apps.report import html as html_report
    from rootward.apps.report import text
    from rootward.dojo.capsule import store

    if bool(alert) == (capsule is not None):
        raise errors.InputError("give either --alert FILE (or -) or --capsule DIR; see rootward investigate --help")
    configured = settings.load(config)
    with output.progress("reading", quiet=as_json) as update:
        if capsule is not None:
            chosen = wiring.options_from_settings(configured)
            finding = scenarios.explain(store.load(capsule), chosen=chosen, on_stage=update)
        else:
            payload = output.read_json(None if alert == "-" else Path(alert))
            finding = live.explain(wiring.read_alert(payload), configured, on_stage=update)
    if html is not None:
        output.write_text(html, html_report.render(finding))
    if as_json:
        output.print_json(finding.to_json())
        return
    text.show(finding, Console())
