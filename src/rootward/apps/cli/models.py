"""`rootward models`: which language models there are, whether they answer, and a question to one."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Language models: none is needed; see which are set up, check them, ask one.", no_args_is_help=True
)
Config = Annotated[Path | None, typer.Option(help="Settings; default: rootward.yaml here, if there is one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.callback()
def models() -> None:
    """Language models: none is needed; see which are set up, check them, ask one."""


@app.command("list")
def list_models(config: Config = None, as_json: AsJson = False) -> None:
    """The models that settings name, with their prices, and the providers that there could be. Nothing is asked of anybody.

    Examples:

      rootward models list

      rootward models list --json
    """
    from rootward.apps import models as found
    from rootward.apps import settings
    from rootward.apps.cli import models_shown, output

    listing = found.listing(settings.load(config))
    if as_json:
        output.print_json(listing)
    else:
        models_shown.show_listing(listing)


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="One of the models; default: all that are used.")] = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Ask each model three small real questions: a word, an answer in a form, a tool to call. Costs a few hundred tokens each.

    Exit status 1 when one of them fails.

    Examples:

      rootward models check

      rootward models check main --json
    """
    import dataclasses

    from rootward.apps import models as found
    from rootward.apps import settings
    from rootward.apps.cli import models_shown, output

    configured = settings.load(config)
    with output.progress("asking", quiet=as_json) as update:
        tried = found.check(configured, [name] if name else [], on_model=lambda one: update(f"asking {one}"))
    if as_json:
        output.print_json(
            {"healthy": all(one.ok for one in tried), "checks": [dataclasses.asdict(one) for one in tried]}
        )
    else:
        models_shown.show_checks(tried)
    if not all(one.ok for one in tried):
        raise typer.Exit(1)


@app.command("ask")
def ask(
    question: Annotated[str, typer.Argument(help="What to ask; - reads it from standard input.")],
    model: Annotated[str, typer.Option(help="One of the models; default: those that are used, in order.")] = "",
    local: Annotated[
        bool, typer.Option("--local", help="Ask the small model that comes in a package; needs no settings.")
    ] = False,
    tokens_max: Annotated[int, typer.Option(min=1, help="Tokens of the answer at most.")] = 1000,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Ask a model something, for real: prints its answer, then what it took and cost. Secrets and addresses of people are taken out first.

    Examples:

      rootward models ask "What does exit code 137 mean?"

      rootward models ask --model main --json "What does exit code 137 mean?"

      rootward models ask --local "Say hello."
    """
    from rootward.apps import models as found
    from rootward.apps import settings
    from rootward.apps.cli import models_shown, output

    configured = settings.load(config)
    chosen = {"local": found.LOCAL} if local else found.chosen(configured, [model] if model else [])
    text = typer.get_text_stream("stdin").read() if question == "-" else question
    if as_json:
        output.print_json(models_shown.answer_json(found.ask(text, chosen, configured, tokens_max=tokens_max)))
        return
    answered = found.ask(
        text,
        chosen,
        configured,
        tokens_max=tokens_max,
        on_words=lambda words: typer.echo(words, nl=False),
        on_restart=lambda reason: typer.echo(f"\n(begins anew: {reason})", err=True),
    )
    models_shown.show_answer(answered)
