"""Writes `docs/reference/commands.md` from the command line itself, so that no command or option can be missing there."""

import sys
from collections.abc import Iterator
from typing import Any

import typer.main

from rootward.apps.cli import main

_HEAD = """# Commands

Every command explains itself with `--help`. Exit status: 0 when it did what was asked (a finding that stays quiet included), 1 when it
could not (one line on stderr says why and what to try) or when `doctor` or `verify` found something wrong, 2 for a command line that
does not exist, 130 when interrupted. Results go to stdout, progress to stderr; `--json` prints nothing else on stdout.

This page is made from the command line itself (`rootward.apps.commands_reference`); a test keeps it current.
"""


def render() -> str:
    """The whole page, as Markdown."""
    return "\n".join([_HEAD, *(_section(words, command) for words, command in leaves())])


def leaves() -> Iterator[tuple[str, Any]]:
    """Every command that does something, as (its words after `rootward`, the command), in the order of the help."""
    yield from _below(typer.main.get_command(main.app), ())


def _below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield " ".join(words), command
        return
    for name, child in children.items():
        yield from _below(child, (*words, name))


def _section(words: str, command: Any) -> str:
    rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
    arguments = "".join(f" {_argument(one)}" for one in command.params if one.param_type_name == "argument")
    parts = [f"## `rootward {words}`", "", _text(command.help), "", f"`rootward {words}{arguments} [OPTIONS]`", ""]
    return "\n".join([*parts, "| | default | meaning |", "|---|---|---|", *rows, ""])


def _text(help_text: str) -> str:
    """Paragraphs of a docstring; a paragraph that is a command becomes a code block with those that follow it."""
    paragraphs = [" ".join(one.split()) for one in help_text.strip().split("\n\n")]
    blocks: list[str] = []
    for paragraph in paragraphs:
        is_command = paragraph.startswith(("rootward ", "curl "))
        if is_command and blocks and blocks[-1].startswith("```"):
            blocks[-1] = f"{blocks[-1][:-4]}\n{paragraph}\n```"
        else:
            blocks.append(f"```\n{paragraph}\n```" if is_command else paragraph)
    return "\n\n".join(blocks)


def _argument(parameter: Any) -> str:
    return str(parameter.name).upper()


def _row(parameter: Any) -> str:
    named = parameter.param_type_name == "option"
    names = ", ".join([*parameter.opts, *parameter.secondary_opts]) if named else _argument(parameter)
    return f"| `{names}` | {_default(parameter)} | {' '.join((parameter.help or '').split())} |"


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "(needed)"
    if value is None or value == "":
        return "(none)"
    if value is True or value is False:
        return "on" if value else "off"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    sys.stdout.write(render())
