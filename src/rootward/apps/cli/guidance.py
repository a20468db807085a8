"""`rootward guidance`: what to look at for which alerts, added, listed, tried on an alert, removed."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Guidance: what to look at for which alerts. It asks more, and leans; it never claims.", no_args_is_help=True
)

Config = Annotated[Path | None, typer.Option(help="Settings; default: rootward.yaml here, if there is one.")]
Environment = Annotated[str, typer.Option(help="Whose memory; default: the setting memory.environment.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def add(
    text: Annotated[str, typer.Argument(help="What you would tell a colleague; shown with what comes of it.")] = "",
    match: Annotated[
        list[str] | None,
        typer.Option(
            help="Only for alerts with this label (may be repeated; all must hold), as Alertmanager writes it."
        ),
    ] = None,
    probe: Annotated[
        list[str] | None,
        typer.Option(
            help="A question to ask as well (may be repeated): 'metrics: PROMQL', 'logs: WORDS', 'traces: SERVICE'."
        ),
    ] = None,
    raised: Annotated[
        list[str] | None, typer.Option("--raise", help="Lean towards ENTITY or ENTITY:FAULT (may be repeated).")
    ] = None,
    lowered: Annotated[
        list[str] | None, typer.Option("--lower", help="Lean away from ENTITY or ENTITY:FAULT (may be repeated).")
    ] = None,
    look_at: Annotated[
        list[str] | None, typer.Option(help="Always look at this entity, and say what was seen (may be repeated).")
    ] = None,
    begins: Annotated[str, typer.Option("--from", help="Only alerts from this moment on (RFC 3339).")] = "",
    until: Annotated[str, typer.Option(help="Only alerts before this moment (RFC 3339).")] = "",
    priority: Annotated[int, typer.Option(help="Where two disagree, the higher is heard.")] = 0,
    author: Annotated[str, typer.Option(help="Who says so.")] = "",
    file: Annotated[Path | None, typer.Option(help="Guidance from a YAML or JSON file instead.")] = None,
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Keep guidance for all alerts, or those that matchers pick.

    Labels to match on: those of the alert, and alertname, class, service, team, environment, namespace, severity, source.

    Examples:

      rootward guidance add "Burn rate on checkout: look at the payment provider first" --match class=~".*burn-rate.*" --match service=checkout --look-at external/stripe --probe "logs: stripe" --raise external/stripe

      rootward guidance add "The nightly export is heavy and harmless" --lower workload/export --until 2026-12-31T00:00:00Z

      rootward guidance add --file guidance.yaml
    """
    from rootward import _clock, errors
    from rootward.apps import remembered, settings
    from rootward.apps.cli import output
    from rootward.feedback import remembering

    place = remembered.place(settings.load(config), environment)
    if bool(text) == (file is not None):
        raise errors.InputError("give either the text of guidance or --file FILE; see rootward guidance add --help")
    if file is not None:
        given = remembered.guidance_file(file)
    else:
        one = remembered.guidance_of(
            text, match=match or (), probes=probe or (), raised=raised or (), lowered=lowered or (), look_at=look_at or (),
            until=until, priority=priority, author=author, **{"from": begins},
        )  # fmt: skip
        given = [one]
    kept = remembering.guidance(place.path, place.environment, given, now_s=_clock.SystemClock().now_s())
    if as_json:
        output.print_json([one.model_dump(mode="json", by_alias=True) for one in kept])
        return
    for one in kept:
        typer.echo(f"{one.id} kept for environment {place.environment} in {place.path}")
    new = {one.id for one in kept}
    for conflict in remembered.conflicts(place):
        if new & {conflict.one, conflict.other}:
            typer.echo(f"conflict: {conflict.sentence}")


@app.command("list")
def list_(environment: Environment = "", config: Config = None, as_json: Json = False) -> None:
    """All guidance, and where pieces of it disagree.

    Examples:

      rootward guidance list

      rootward guidance list --environment staging --json
    """
    from rich.console import Console

    from rootward import _clock
    from rootward.apps import remembered, settings
    from rootward.apps.cli import output
    from rootward.apps.report import memory as shown
    from rootward.memory import conflicts

    with remembered.place(settings.load(config), environment).open() as memory:
        every = memory.guidance()
    disagreeing = conflicts.among(every)
    if as_json:
        told = [one.sentence for one in disagreeing]
        output.print_json(
            {"guidance": [one.model_dump(mode="json", by_alias=True) for one in every], "conflicts": told}
        )
        return
    shown.guidance(every, disagreeing, _clock.SystemClock().now_s(), Console())


@app.command()
def show(
    key: Annotated[str, typer.Argument(help="The id, as G3.")],
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """One piece of guidance, whole.

    Examples:

      rootward guidance show G3
    """
    from rich.console import Console

    from rootward import errors
    from rootward.apps import remembered, settings
    from rootward.apps.cli import output
    from rootward.apps.report import memory as shown
    from rootward.memory.guidance import Guidance

    with remembered.place(settings.load(config), environment).open() as memory:
        one = memory.get(key)
    if not isinstance(one, Guidance):
        raise errors.InputError(f"{key} is no guidance; ids of guidance look like G3")
    if as_json:
        output.print_json(one.model_dump(mode="json", by_alias=True))
        return
    shown.one_guidance(one, Console())


@app.command()
def remove(
    key: Annotated[str, typer.Argument(help="The id, as G3.")],
    environment: Environment = "",
    config: Config = None,
) -> None:
    """Forget one piece of guidance; its id is not given again.

    Examples:

      rootward guidance remove G3
    """
    from rootward import errors
    from rootward.apps import remembered, settings
    from rootward.feedback import remembering

    place = remembered.place(settings.load(config), environment)
    if not key.startswith("G"):
        raise errors.InputError(f"{key!r} is no guidance; ids of guidance look like G3")
    remembering.forget(place.path, place.environment, keys=[key])
    typer.echo(f"{key} removed from environment {place.environment}")


@app.command("test")
def try_on(
    alert: Annotated[str, typer.Argument(help="File with the alert as JSON; - reads standard input.")],
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Which guidance would apply to an alert, which would not and why, and where they disagree. Nothing is asked of any back end.

    Examples:

      rootward guidance test alert.json

      curl -s localhost:9093/api/v2/alerts | rootward guidance test - --json
    """
    from rich.console import Console

    from rootward.apps import remembered, settings, wiring
    from rootward.apps.cli import output
    from rootward.apps.report import memory as shown
    from rootward.memory import applying

    place = remembered.place(settings.load(config), environment)
    fired = wiring.read_alert(output.read_json(None if alert == "-" else Path(alert)))
    with place.open() as memory:
        every = memory.guidance()
    chosen = applying.select(every, fired, environment=place.environment, at_s=fired.starts_at_s)
    if as_json:
        output.print_json(shown.selection_json(chosen))
        return
    shown.selection(chosen, Console())


@app.command()
def explain(
    run: Annotated[str, typer.Argument(help="A past incident, as I7, or a file of `rootward investigate --json`.")],
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Which guidance an investigation heard, what it did, and what would have been found without it.

    Examples:

      rootward guidance explain I7

      rootward guidance explain finding.json
    """
    from rich.console import Console

    from rootward.apps import remembered, settings, steered
    from rootward.apps.cli import output
    from rootward.apps.report import memory as shown

    finding = steered.finding_of(remembered.place(settings.load(config), environment), run)
    if as_json:
        output.print_json(finding.get("guidance"))
        return
    shown.explained(finding, Console())
