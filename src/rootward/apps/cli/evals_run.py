"""`rootward evals run`, `list`, `show`, `suites`: suites of scenarios, run, kept and looked at again."""

from pathlib import Path
from typing import Annotated

import typer

from rootward.evals import records

ROOT = Path("evals-runs")
SOME_FAILED = 3
"""Exit status of a run that finished, and in which scenarios could not be built or the subject broke."""

Suite = Annotated[str, typer.Argument(help="A shipped suite (see `rootward evals suites`) or a YAML file.")]
Subject = Annotated[
    str,
    typer.Option(
        help="Who is measured: embedded, model (with the configured models), model:NAME, or command:… (your own agent)."
    ),
]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds that a command has for one alert.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes to spread scenarios over; default: one per core.")]
Out = Annotated[
    Path | None, typer.Option(help="Folder of the run; default: a new one under evals-runs.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Root = Annotated[Path, typer.Argument(help="Folder under which runs are kept.")]


def run(
    suite: Suite,
    subject: Subject = "embedded",
    timeout: Timeout = 300.0,
    repeats: Annotated[int, typer.Option(min=1, help="How often each scenario is investigated.")] = 1,
    perturb: Annotated[
        list[str] | None,
        typer.Option(help="Also run each scenario changed so (may be repeated; `all`): see `rootward evals suites`."),
    ] = None,
    jobs: Jobs = None,
    out: Out = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, or the last of its kind.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many scenarios, spread over the suite.")] = None,
    only: Annotated[str, typer.Option(help="Only scenarios whose id matches this glob.")] = "",
    stop_early: Annotated[
        float | None,
        typer.Option(min=0.01, max=1.0, help="Stop when the headline's band, valid after every look, is this narrow."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            help="An earlier run: stop as soon as the headline is clearly better or worse, by a band valid after every look.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a suite: every scenario is built, investigated and scored; rows are kept as they finish.

    Exit status: 0 all done; 3 done, but some scenarios could not be built or the subject broke on them; 1 it could not be run.

    Examples:

      rootward evals run smoke

      rootward evals run standard --jobs 2 --out runs/today

      rootward evals run my-suite.yaml --only 'slow_query/*' --perturb rename_services --perturb clean

      rootward evals run standard --out runs/today --resume

      rootward evals run standard --against runs/before
    """
    from rootward.apps import evaluating

    ordered = evaluating.Order(
        suite=suite,
        subject=subject,
        repeats=repeats,
        perturb=tuple(perturb or ()),
        jobs=jobs,
        only=only,
        limit=limit,
        stop_width=stop_early,
        against=against,
        timeout_s=timeout,
    )
    folder, finished = evaluating.run(ordered, out=out, root=ROOT, resume=resume, quiet=as_json)
    evaluating.show_run(folder, as_json=as_json)
    _finish(finished)


def stability(
    suite: Suite,
    perturb: Annotated[
        list[str] | None, typer.Option(help="Only this perturbation (may be repeated); default: all.")
    ] = None,
    subject: Subject = "embedded",
    timeout: Timeout = 300.0,
    repeats: Annotated[
        int, typer.Option(min=1, help="How often each is asked; more than once gives the floor of noise.")
    ] = 1,
    jobs: Jobs = None,
    out: Out = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, or the last of its kind.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="So many scenarios, spread over the suite.")] = 30,
    only: Annotated[str, typer.Option(help="Only scenarios whose id matches this glob.")] = "",
    margin: Annotated[
        float, typer.Option(min=0.001, max=0.5, help="A change of less than this share counts as stable.")
    ] = 0.05,
    as_json: Json = False,
) -> None:
    """Ask the same scenarios in other words, units, orders and time zones: does the answer hold?

    Examples:

      rootward evals stability standard --limit 40

      rootward evals stability standard --perturb rename_services --perturb units --margin 0.1
    """
    from rootward.apps import evaluating

    ordered = evaluating.Order(
        suite=suite,
        subject=subject,
        repeats=repeats,
        perturb=tuple(perturb or ("all",)),
        jobs=jobs,
        only=only,
        limit=limit,
        timeout_s=timeout,
    )
    folder, finished = evaluating.run(ordered, out=out, root=ROOT, resume=resume, quiet=as_json)
    evaluating.show_stability(folder, margin=margin, as_json=as_json)
    _finish(finished)


def _finish(finished: records.Run) -> None:
    broken = [row for row in finished.rows if row.status in ("error", "timeout", "unbuilt")]
    if broken:
        one = broken[0]
        typer.echo(
            f"{len(broken)} of {len(finished.rows)} had no answer to score; the first: {one.scenario}: {one.message}",
            err=True,
        )
        raise typer.Exit(SOME_FAILED)


def suites(as_json: Json = False) -> None:
    """List the shipped suites and the perturbations. Example: rootward evals suites"""
    from rich.console import Console
    from rich.table import Table

    from rootward.apps.cli import output
    from rootward.evals import perturbations
    from rootward.evals import plan as plans

    loaded = [plans.load(name) for name in plans.SHIPPED]
    changes = {name: perturbations.describe(name) for name in perturbations.names()}
    if as_json:
        listed = {
            plan.name: {"scenarios": len(plan.items), "digest": plan.digest(), "description": plan.description}
            for plan in loaded
        }
        output.print_json({"suites": listed, "perturbations": changes})
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), title="Suites", title_justify="left")
    for name in ("suite", "scenarios", "digest", "what it is for"):
        table.add_column(name)
    for plan in loaded:
        table.add_row(plan.name, str(len(plan.items)), plan.digest()[:12], plan.description)
    Console().print(table)
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), title="\nPerturbations", title_justify="left")
    table.add_column("perturbation")
    table.add_column("what it changes")
    for name, text in changes.items():
        table.add_row(name, text)
    Console().print(table)


def list_runs(root: Root = ROOT, as_json: Json = False) -> None:
    """List the runs under a folder, the oldest first. Example: rootward evals list evals-runs"""
    from rich.console import Console
    from rich.table import Table

    from rootward.apps.cli import output
    from rootward.evals import run_folder

    found = run_folder.runs(root)
    if as_json:
        output.print_json([{"folder": str(folder), **manifest.to_json()} for folder, manifest in found])
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for name in ("run", "suite", "digest", "subject", "version", "scenarios", "started", "state"):
        table.add_column(name)
    for folder, one in found:
        state = "stopped early" if one.stopped_early else "finished" if one.finished else "unfinished"
        table.add_row(
            str(folder), one.suite, one.digest[:12], one.subject, one.version, str(one.scenarios), one.started, state
        )
    Console().print(table if found else f"no runs under {root}; make one with `rootward evals run smoke`")


def show(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    wrong: Annotated[bool, typer.Option("--wrong", help="List the scenarios that were not right instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show a run's scores with their bands, or what went wrong in it.

    Example: rootward evals show evals-runs/standard-20260804-141800 --wrong
    """
    from rootward.apps import evaluating

    if wrong:
        evaluating.show_wrong(run, as_json=as_json)
    else:
        evaluating.show_run(run, as_json=as_json)
