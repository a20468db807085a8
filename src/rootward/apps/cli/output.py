"""What every command shares: a finding as text, JSON or an HTML file; progress on stderr; clear errors for files."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from rootward import errors


def print_json(data: object) -> None:
    """Stable JSON on stdout: sorted as built, no NaN (they are null before they get here)."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


@contextmanager
def progress(text: str, *, quiet: bool) -> Iterator[Any]:
    """A spinner on stderr whose text can be updated; silent for machines and when stderr is no terminal."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status(text) as status:
        yield status.update


def write_text(path: Path, text: str) -> None:
    """Write a file that the user asked for.

    Raises:
        InputError: it cannot be written there.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise errors.InputError(f"cannot write {path}: {error.strerror or error}") from error


def write_folder(folder: Path, files: Mapping[str, str]) -> None:
    """Write files of these names and contents into a folder, which is made where it is missing.

    Raises:
        InputError: it cannot be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.InputError(f"cannot make {folder}: {error.strerror or error}") from error
    for name, text in files.items():
        write_text(folder / name, text)


def read_json(path: Path | None) -> object:
    """JSON from a file, or from standard input when `path` is None.

    Raises:
        InputError: no such file, not UTF-8, not JSON, or too large.
    """
    name = "standard input" if path is None else str(path)
    try:
        raw = typer.get_binary_stream("stdin").read(MAX_INPUT_BYTES + 1) if path is None else _read(path)
    except OSError as error:
        raise errors.InputError(f"cannot read {name}: {error.strerror or error}") from error
    if len(raw) > MAX_INPUT_BYTES:
        raise errors.InputError(f"{name} is larger than {MAX_INPUT_BYTES // 2**20} MiB; an alert is a few KiB of JSON")
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise errors.InputError(f"{name} is not UTF-8 text: {error}") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise errors.InputError(f"{name} is not JSON: {error}") from error


MAX_INPUT_BYTES = 8 * 2**20


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_INPUT_BYTES + 1)


def show_truth(truth: Mapping[str, Any], console: Console) -> None:
    """The sealed truth of a scenario, beside the finding."""
    from rich.panel import Panel
    from rich.text import Text

    from rootward.apps.report import text
    from rootward.investigator.causal import fault_kinds

    lines = [f"status: {str(truth['status']).replace('_', ' ')}"]
    for cause in truth["causes"]:
        since = f", since {text.time_of_day(cause['onset_s'])}" if cause["onset_s"] is not None else ""
        kind = f": {fault_kinds.sentence(cause['fault'])}" if cause["fault"] else ""
        lines.append(f"{cause['kind']}/{cause['name']}{kind}{since}")
    if truth["path"]:
        lines.append("path: " + " → ".join(truth["path"]))
    if truth["note"]:
        lines.append(str(truth["note"]))
    console.print(Panel(Text("\n".join(lines)), title="THE SEALED TRUTH", title_align="left", border_style="dim"))
