"""`rootward capsule`: turn public incident data into capsules, look into them, check them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Recorded production systems: import public incident data, look into capsules, check them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Advance = Callable[[str], None]


@app.command("import")
def import_(
    dataset: Annotated[
        str, typer.Argument(help="Which data set: petshop, nezha, sockshop, cloudopsbench or rootcausebench.")
    ],
    src: Annotated[Path, typer.Argument(help="Where it lies: its folder, any part of it, or the archive it came in.")],
    dest: Annotated[Path, typer.Argument(help="A folder; each case becomes a capsule in it.")],
    fault_free: Annotated[
        bool, typer.Option("--fault-free", help="Import windows without a fault instead, to measure silence.")
    ] = False,
    baseline: Annotated[
        str,
        typer.Option(help="Where a separately recorded fault-free period stands: auto, recorded or adjacent."),
    ] = "auto",
    limit: Annotated[int, typer.Option(min=0, help="Stop after so many cases; 0 imports all.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace capsules that exist already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a public incident data set, in its authors' layout; each case becomes a capsule with its truth sealed.

    Examples:

      rootward capsule import petshop dataset/ capsules/petshop

      rootward capsule import nezha rca_data/2023-01-29 capsules/nezha --limit 5

      rootward capsule import nezha rca_data capsules/quiet --fault-free
    """
    import itertools

    from rootward.apps.cli import output
    from rootward.dojo.capsule import importers, store

    importers.load(dataset)
    made: list[dict[str, Any]] = []
    with importers.opened(src) as folder:
        total = None if fault_free else importers.count(dataset, folder)
        found = importers.cases(dataset, folder, fault_free=fault_free, baseline=baseline)
        with _bar(f"importing {dataset}", min(total, limit) if total and limit else total, quiet=as_json) as advance:
            for case_id, scenario, truth in itertools.islice(found, limit or None):
                store.save(dest / case_id, scenario, truth, overwrite=overwrite)
                made.append({"id": case_id, "path": str(dest / case_id), "counts": store.counts(scenario.telemetry)})
                advance(case_id)
    if as_json:
        output.print_json({"dataset": dataset, "capsules": made})
        return
    typer.echo(f"{_counted(len(made))} in {dest}. Next: rootward evals rca {dest}")


@app.command()
def info(
    path: Annotated[Path, typer.Argument(help="A capsule, or a folder with capsules.")],
    as_json: AsJson = False,
) -> None:
    """Tell what a capsule holds, without unsealing its truth.

    Examples:

      rootward capsule info capsules/petshop/petshop-low_traffic-train-issue_0

      rootward capsule info capsules/petshop --json
    """
    from rootward.apps.cli import output

    described = [_describe(each) for each in _found(path)]
    if as_json:
        output.print_json({"capsules": described})
    elif len(described) == 1:
        _show_one(described[0])
    else:
        _show_many(described)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="A capsule, or a folder with capsules.")],
    as_json: AsJson = False,
) -> None:
    """Check every file of a capsule: checksums, order, identities, and that its sealed truth can be read.

    Exit status 1 when anything is wrong.

    Examples:

      rootward capsule verify capsules/petshop

      rootward capsule verify capsules/nezha --json
    """
    from rootward import errors
    from rootward.apps.cli import output
    from rootward.dojo.capsule import checks

    reports: list[dict[str, Any]] = []
    found = _found(path)
    with _bar("verifying", len(found), quiet=as_json) as advance:
        for each in found:
            try:
                report = checks.verify(each)
                problems, sealed = list(report.problems), report.sealed
            except errors.CapsuleError as error:
                problems, sealed = [str(error)], False
            reports.append({"path": str(each), "ok": not problems, "sealed": sealed, "problems": problems})
            advance(each.name)
    failed = [entry for entry in reports if not entry["ok"]]
    if as_json:
        output.print_json({"ok": not failed, "capsules": reports})
    else:
        for entry in failed:
            typer.echo("\n".join(f"{entry['path']}: {problem}" for problem in entry["problems"]))
        unsealed = sum(not entry["sealed"] for entry in reports)
        note = f", {unsealed} without a truth (they can be investigated, not scored)" if unsealed else ""
        typer.echo(f"{_counted(len(reports))} checked, {len(failed)} damaged{note}")
    if failed:
        raise typer.Exit(1)


def _counted(number: int) -> str:
    return "1 capsule" if number == 1 else f"{number} capsules"


def _found(path: Path) -> list[Path]:
    from rootward import errors
    from rootward.dojo.capsule import store

    if not path.is_dir():
        raise errors.CapsuleError(f"there is no folder {path}")
    found = store.find(path)
    if not found:
        raise errors.CapsuleError(f"no capsule at or below {path}; make some with rootward capsule import")
    return found


def _describe(path: Path) -> dict[str, Any]:
    from rootward import _clock
    from rootward.dojo.capsule import files, store

    manifest = files.read_manifest(path)
    alert = files.from_json(files.read_checked(path, files.ALERT, manifest), path / files.ALERT)
    first = (alert.get("alerts") or [{}])[0] if isinstance(alert, dict) else {}
    return {
        "path": str(path),
        "name": manifest.get("name", ""),
        "version": manifest["version"],
        "creator": manifest.get("creator", ""),
        "start": _clock.to_iso(float(manifest["start_s"])),
        "end": _clock.to_iso(float(manifest["end_s"])),
        "now": _clock.to_iso(float(manifest["now_s"])),
        "alert": {"labels": first.get("labels", {}), "starts": first.get("startsAt", "")},
        "counts": manifest.get("counts", {}),
        "access": manifest.get("access", {}),
        "bytes": sum(int(entry.get("bytes", 0)) for entry in manifest["files"].values()),
        "sealed": store.has_truth(path),
    }


def _show_one(described: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    labels = described["alert"]["labels"]
    rows = [
        ("name", described["name"]),
        ("window", f"{described['start']} to {described['end']}, looked at {described['now']}"),
        ("alert", ", ".join(f"{name}={text}" for name, text in sorted(labels.items()))),
        ("since", described["alert"]["starts"]),
        *((name.replace("_", " "), f"{number:,}") for name, number in described["counts"].items() if number),
        ("not part of it", ", ".join(sorted(described["access"])) or "nothing"),
        ("truth", "sealed" if described["sealed"] else "none"),
        ("size", f"{described['bytes']:,} bytes, format {described['version']}, {described['creator']}"),
    ]
    for name, text in rows:
        table.add_row(f"[dim]{name}[/dim]", _literal(text))
    Console().print(table)


def _show_many(described: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("capsule", "alert since", "series", "log lines", "spans", "truth"):
        right = column in {"series", "log lines", "spans"}
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for one in described:
        counts = one["counts"]
        numbers = (f"{counts.get(name, 0):,}" for name in ("series", "log_lines", "spans"))
        sealed = "sealed" if one["sealed"] else "none"
        table.add_row(_literal(Path(one["path"]).name), one["alert"]["starts"], *numbers, sealed)
    Console().print(table)


def _literal(text: object) -> str:
    """Text of a capsule as it is: brackets in it are not markup."""
    from rich.markup import escape

    return escape(str(text))


@contextmanager
def _bar(text: str, total: int | None, *, quiet: bool) -> Iterator[Advance]:
    """A progress bar on stderr; silent for machines and when stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(text, total=total)
        yield lambda name: progress.update(task, advance=1, description=_literal(f"{text}: {name}"))
