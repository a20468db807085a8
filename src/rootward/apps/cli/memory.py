"""`rootward memory`: facts and past incidents; everything exported, imported, struck, deleted."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rootward.apps.cli.guidance import Config, Environment, Json

app = typer.Typer(help="What is remembered of an environment: facts, past incidents, guidance.", no_args_is_help=True)


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; default: standard output.")] = None,
    environment: Environment = "",
    config: Config = None,
) -> None:
    """Everything that is remembered of an environment, as JSON lines.

    Examples:

      rootward memory export memory.jsonl

      rootward memory export --environment staging
    """
    from rootward import _clock
    from rootward.apps import remembered, settings
    from rootward.memory import transfer

    place = remembered.place(settings.load(config), environment)
    with place.open() as memory:
        records = list(memory.every())
    lines = list(transfer.lines(records, environment=place.environment, now_s=_clock.SystemClock().now_s()))
    if file is None:
        for line in lines:
            typer.echo(line)
        return
    remembered.write_whole(file, lines)
    typer.echo(f"{len(records)} records of environment {place.environment} written to {file}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An export of `rootward memory export`.")],
    on_conflict: Annotated[
        Literal["refuse", "keep", "replace"],
        typer.Option(help="When an id exists and differs: refuse (import nothing), keep (what is here), replace."),
    ] = "refuse",
    environment: Environment = "",
    config: Config = None,
) -> None:
    """Take over an export, whole or not at all.

    Examples:

      rootward memory import memory.jsonl

      rootward memory import memory.jsonl --environment staging --on-conflict keep
    """
    from rootward import errors
    from rootward.apps import remembered, settings
    from rootward.feedback import remembering
    from rootward.memory import transfer

    place = remembered.place(settings.load(config), environment)
    try:
        with file.open(encoding="utf-8") as opened:
            records = transfer.read(opened, name=str(file))
    except UnicodeDecodeError as error:
        raise errors.MemoryFileError(f"{file} is not UTF-8 text: {error}; nothing was imported") from error
    except OSError as error:
        raise errors.InputError(f"cannot read {file}: {error.strerror or error}") from error
    written, left = remembering.bring_in(place.path, place.environment, records, on_conflict)
    typer.echo(f"{written} records written to environment {place.environment}, {left} were there already")


@app.command()
def delete(
    keys: Annotated[list[str] | None, typer.Argument(help="Ids, as F2 I7.")] = None,
    kind: Annotated[str, typer.Option(help="All of one kind: guidance, fact, incident.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="All that is remembered of the environment, the graph too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting a kind or all.")] = False,
    environment: Environment = "",
    config: Config = None,
) -> None:
    """Forget records for good. To keep something from being recalled and still know why, strike it instead.

    Examples:

      rootward memory delete I7

      rootward memory delete --kind incident --yes

      rootward memory delete --all --environment staging
    """
    from rootward import errors
    from rootward.apps import remembered, settings
    from rootward.feedback import remembering
    from rootward.memory.records import KINDS

    place = remembered.place(settings.load(config), environment)
    if [bool(keys), bool(kind), everything].count(True) != 1:
        raise errors.InputError("give ids, or --kind KIND, or --all; see rootward memory delete --help")
    kinds = tuple(one for one in KINDS if everything or one == kind)
    if kind and not kinds:
        raise errors.InputError(f"--kind is one of {', '.join(KINDS)}, not {kind!r}")
    if kinds and not yes:
        typer.confirm(
            f"Delete every {' and '.join(kinds)} of environment {place.environment} in {place.path}?", abort=True
        )
    gone = remembering.forget(place.path, place.environment, keys=keys or (), kinds=kinds)
    if everything:
        remembering.forget_graph(place.path, place.environment)
    typer.echo(f"{gone} records deleted from environment {place.environment}")


@app.command()
def remember(
    text: Annotated[str, typer.Argument(help="What is so, in a sentence.")],
    provenance: Annotated[str, typer.Option(help="Who or what says so.")],
    about: Annotated[list[str] | None, typer.Option(help="An entity that it is about, as service/checkout.")] = None,
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Keep a fact; it is shown again where a similar alert is investigated.

    Examples:

      rootward memory remember "checkout retries payment calls three times" --provenance "Ana, post-mortem of 4 March" --about service/checkout
    """
    from rootward import _clock
    from rootward.apps import remembered, settings
    from rootward.apps.cli import output
    from rootward.feedback import remembering
    from rootward.memory import texts
    from rootward.memory.records import Fact

    place = remembered.place(settings.load(config), environment)
    said = texts.checked(Fact, {"text": text, "provenance": provenance, "about": about or []}, what="fact")
    kept = remembering.fact(place.path, place.environment, said, now_s=_clock.SystemClock().now_s())
    if as_json:
        output.print_json(kept.model_dump(mode="json", by_alias=True))
        return
    typer.echo(f"{kept.id} kept for environment {place.environment} in {place.path}")


@app.command()
def facts(
    struck: Annotated[bool, typer.Option("--struck", help="Also those that were struck, with the reason.")] = False,
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What is known of the environment, by whom and since when.

    Examples:

      rootward memory facts --struck
    """
    from rich.console import Console

    from rootward import _clock
    from rootward.apps import remembered, settings
    from rootward.apps.cli import output
    from rootward.apps.report import memory as shown

    with remembered.place(settings.load(config), environment).open() as memory:
        known = memory.facts(struck=struck)
    if as_json:
        output.print_json([one.model_dump(mode="json", by_alias=True) for one in known])
        return
    shown.facts(known, _clock.SystemClock().now_s(), Console())


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for, in any words.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many at most.")] = 10,
    environment: Environment = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Facts and past incidents that are most like a text, by words and by spelling; older ones count less, struck ones are never found.

    Examples:

      rootward memory search "stripe timeouts on checkout"
    """
    from rich.console import Console

    from rootward import _clock
    from rootward.apps import remembered, settings
    from rootward.apps.cli import output
    from rootward.apps.report import memory as shown
    from rootward.memory import recall

    now_s = _clock.SystemClock().now_s()
    with remembered.place(settings.load(config), environment).open() as memory:
        hits = recall.search(memory, query, now_s=now_s, most=limit)
    if as_json:
        output.print_json(shown.hits_json(hits))
        return
    shown.hits(hits, now_s, Console())


@app.command()
def strike(
    key: Annotated[str, typer.Argument(help="A fact or a past incident, as F2 or I7.")],
    why: Annotated[str, typer.Option(help="Why it is wrong.")] = "",
    environment: Environment = "",
    config: Config = None,
) -> None:
    """Mark a fact or a past incident as wrong: it is kept with the reason, and never recalled again.

    Examples:

      rootward memory strike F2 --why "retries were removed in March"
    """
    from rootward import _clock
    from rootward.apps import remembered, settings
    from rootward.feedback import remembering

    place = remembered.place(settings.load(config), environment)
    remembering.strike(place.path, place.environment, key, why=why, now_s=_clock.SystemClock().now_s())
    typer.echo(f"{key} struck in environment {place.environment}")
