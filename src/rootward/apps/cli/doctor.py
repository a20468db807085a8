"""`rootward doctor`: for each connector: reachable, permitted, and which questions it can answer, each with a real sample."""

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    config: Annotated[Path | None, typer.Option(help="Settings; default: rootward.yaml here, if there is one.")] = None,
    at: Annotated[
        str,
        typer.Option(help="Ask about the hour before this moment (RFC 3339, as 2026-08-04T14:18:43Z); default: now."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Check every connector: can it be reached, are we permitted, and what can it really answer.

    Exit status 1 when a connector cannot be reached or refuses us.

    Examples:

      rootward doctor

      rootward doctor --config prod.yaml --json

      rootward doctor --at 2026-08-04T14:18:43Z
    """
    from rootward import _clock, errors
    from rootward.apps import checkup, settings
    from rootward.apps.cli import output

    configured = settings.load(config)
    try:
        at_s = _clock.from_iso(at) if at else None
    except ValueError as error:
        raise errors.InputError(f"--at {at!r} is not a time such as 2026-08-04T14:18:43Z") from error
    with output.progress("asking every connector", quiet=as_json):
        report = checkup.check(configured, at_s=at_s)
    if as_json:
        output.print_json(checkup.to_json(report))
    else:
        checkup.show(report)
    if not report.healthy:
        raise typer.Exit(1)
