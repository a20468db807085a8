"""`rootward graph`: scan what depends on what, show it, export it, explain how two things are connected."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rootward.apps.cli.guidance import Config, Environment, Json

app = typer.Typer(help="The graph of what depends on what, who owns it, and what happened to it.", no_args_is_help=True)


@app.command()
def scan(
    every: Annotated[
        float | None, typer.Option(min=60, help="Seconds after which to scan again, until interrupted.")
    ] = None,
    capsule: Annotated[Path | None, typer.Option(help="Scan a capsule instead of live back ends.")] = None,
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Ask every connected back end a few cheap questions and keep what they tell of the graph.

    Examples:

      rootward graph scan

      rootward graph scan --every 900

      rootward graph scan --capsule incidents/checkout-2026-03-04 --environment trial
    """
    from rootward import _clock
    from rootward.apps import mapping, remembered, settings
    from rootward.apps.cli import output

    configured = settings.load(config)
    place = remembered.place(configured, environment)

    def told(one: mapping.Scanned) -> None:
        if as_json:
            output.print_json(one.to_json())
            return
        seen = one.sighted
        typer.echo(
            f"{one.questions} questions: {seen.new} new sightings, {seen.confirmed} confirmed, {seen.forgotten} forgotten "
            f"(environment {place.environment})"
        )
        for gap in one.gaps:
            typer.echo(f"  missing: {gap}")

    with output.progress("scanning", quiet=as_json or every is not None):
        if capsule is not None:
            told(mapping.scan_capsule(capsule, place))
        else:
            mapping.scan_live(configured, place, every_s=every, clock=_clock.SystemClock(), on_done=told)


@app.command()
def show(
    about: Annotated[str, typer.Argument(help="Only what is near this, as checkout or database/orders-db.")] = "",
    hops: Annotated[int, typer.Option(min=1, max=10, help="How near, with ABOUT.")] = 2,
    html: Annotated[Path | None, typer.Option(help="Also write a self-contained page with a drawing.")] = None,
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The graph as a tree of calls, with owners, incidents, and how sure and how old each edge is.

    Examples:

      rootward graph show

      rootward graph show checkout --hops 1

      rootward graph show --html graph.html
    """
    from rich.console import Console

    from rootward import _clock
    from rootward.apps import mapping, remembered, settings
    from rootward.apps.cli import output
    from rootward.apps.report import graph as shown
    from rootward.apps.report import graph_page

    graph = mapping.read(remembered.place(settings.load(config), environment))
    center = graph.find(about) if about else None
    if center is not None:
        graph = graph.around(center, hops)
    now_s = _clock.SystemClock().now_s()
    if html is not None:
        output.write_text(html, graph_page.render(graph, now_s=now_s, about=center))
    if as_json:
        output.print_json(shown.to_json(graph))
        return
    shown.tree(graph, now_s, Console(), about=center)


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; default: standard output.")] = None,
    form: Annotated[Literal["json", "dot"], typer.Option("--format", help="json, or dot for Graphviz.")] = "json",
    environment: Environment = "",
    config: Config = None,
) -> None:
    """The whole graph for other programs.

    Examples:

      rootward graph export graph.json

      rootward graph export --format dot
    """
    import json

    from rootward.apps import mapping, remembered, settings
    from rootward.apps.cli import output
    from rootward.apps.report import graph as shown

    graph = mapping.read(remembered.place(settings.load(config), environment))
    text = shown.dot(graph) if form == "dot" else json.dumps(shown.to_json(graph), indent=2, ensure_ascii=False)
    if file is None:
        typer.echo(text)
        return
    output.write_text(file, text + "\n")
    typer.echo(f"{len(graph.nodes)} nodes and {len(graph.edges)} edges written to {file}")


@app.command()
def explain(
    start: Annotated[str, typer.Argument(help="One thing, as checkout or database/orders-db.")],
    goal: Annotated[str, typer.Argument(help="The other.")],
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """How two things are connected: the most certain way, who says so and since when, and what both depend on.

    Examples:

      rootward graph explain gateway database/orders-db
    """
    from rich.console import Console

    from rootward import _clock
    from rootward.apps import mapping, remembered, settings
    from rootward.apps.cli import output
    from rootward.apps.report import graph as shown

    graph = mapping.read(remembered.place(settings.load(config), environment))
    one, other = graph.find(start), graph.find(goal)
    if as_json:
        output.print_json(shown.explained_json(graph, one, other))
        return
    shown.explained(graph, one, other, _clock.SystemClock().now_s(), Console())
