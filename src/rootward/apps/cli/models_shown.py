"""How `rootward models` looks: tables for people, and the JSON of an answer."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rootward.apps import models


def show_listing(listing: Mapping[str, Any]) -> None:
    """The configured ones first, then whom one could ask."""
    console = Console()
    if listing["models"]:
        table = _table("Models", "model", "who", "asked", "key", "$ in / out")
        for row in listing["models"]:
            order = f"{row['order']}." if row["order"] else "no"
            table.add_row(
                row["model"], escape(f"{row['provider']}/{row['name']}"), order, row["key"], _price(row["price"])
            )
        console.print(table)
        console.print(
            f"Prices: US dollars per million tokens asked and answered, as listed on {listing['prices_as_of']}, or from `price`.\n"
        )
    else:
        console.print(f"{models.NO_MODELS}.\n", soft_wrap=True)
    table = _table("Providers", "provider", "what it is", "key in")
    for row in listing["providers"]:
        table.add_row(row["provider"], escape(row["about"]), row["key"] or "(none)")
    console.print(table)


def show_checks(tried: Sequence[models.Tried]) -> None:
    """One line for each question."""
    table = _table("Models", "model", "question", "", "seconds", "cost", "answer, or what went wrong")
    for one in tried:
        mark = "[green]ok[/green]" if one.ok else "[red]failed[/red]"
        table.add_row(one.model, one.question, mark, f"{one.seconds:.1f}", cost(one.dollars), escape(one.detail))
    Console().print(table)


def show_answer(answered: models.Answered) -> None:
    """What comes after the words, which were printed as they came."""
    usage = answered.reply.usage
    counted = "about " if usage.estimated else ""
    asked = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    first = f", first words after {answered.first_s:.1f} s" if answered.first_s is not None else ""
    typer.echo("\n")
    typer.echo(
        f"{answered.reply.model}: {counted}{asked} tokens asked, {usage.output_tokens} answered; "
        f"{cost(answered.dollars)}; {answered.seconds:.1f} s{first}",
        err=True,
    )
    if answered.reply.stop == "length":
        typer.echo("The answer was cut off by --tokens-max.", err=True)
    if answered.hidden:
        typer.echo("Secrets or addresses of people were taken out of the question before it was sent.", err=True)
    if answered.trouble:
        typer.echo(answered.trouble, err=True)


def answer_json(answered: models.Answered) -> dict[str, Any]:
    """Everything about one answer."""
    return {
        "answer": answered.reply.text,
        "stop": str(answered.reply.stop),
        "model": answered.reply.model,
        "usage": dataclasses.asdict(answered.reply.usage),
        "calls": answered.calls,
        "dollars": answered.dollars,
        "seconds": round(answered.seconds, 3),
        "first_s": None if answered.first_s is None else round(answered.first_s, 3),
        "hidden": answered.hidden,
    }


def cost(dollars: float | None) -> str:
    """Dollars with as many places as it takes."""
    if dollars is None:
        return "price unknown"
    return "free" if dollars == 0 else f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.6f}".rstrip("0")


def _price(price: Mapping[str, float] | None) -> str:
    if price is None:
        return "unknown"
    return f"{price['input']:g} / {price['output']:g}" if any(price.values()) else "free"


def _table(title: str, *names: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table
