"""The `rootward` command. Every group imports what it needs only when it runs, so that `--help` answers at once."""

import gc
import sys

import typer

from rootward import __version__, errors
from rootward.apps.cli import (
    capsule,
    demo,
    doctor,
    dojo,
    evals,
    graph,
    guidance,
    investigate,
    mcp,
    memory,
    models,
    outgoing,
    triage,
)

app = typer.Typer(
    name="rootward",
    help="Root-causes production alerts by itself, with evidence, or stays quiet.\n\nTry: [bold]rootward demo[/bold]",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("investigate")(investigate.investigate)
app.command("doctor")(doctor.doctor)
app.command("mcp")(mcp.mcp)
app.command("outgoing")(outgoing.outgoing)
app.add_typer(guidance.app, name="guidance")
app.add_typer(memory.app, name="memory")
app.add_typer(graph.app, name="graph")
app.add_typer(dojo.app, name="dojo")
app.add_typer(capsule.app, name="capsule")
app.add_typer(evals.app, name="evals")
app.add_typer(triage.app, name="triage")
app.add_typer(models.app, name="models")

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130


def _version(value: bool) -> None:
    if value:
        typer.echo(f"rootward {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True),
) -> None:
    """Root-causes production alerts by itself, with evidence, or stays quiet."""
    del version


def main() -> None:
    """Run the command; our own errors become one line on stderr and exit status 1, never a traceback."""
    # Telemetry is millions of objects without cycles; looking for some took a tenth of the time.
    gc.set_threshold(50_000, 20, 50)
    try:
        app()
    except errors.RootwardError as error:
        typer.echo(f"rootward: {error}", err=True)
        sys.exit(EXIT_ERROR)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
