"""`rootward evals`: how good the investigator is, with its band, next to built-in baselines."""

from pathlib import Path
from typing import Annotated

import typer

from rootward.apps.cli import evals_reports, evals_run

app = typer.Typer(help="Measure the investigator on scenarios whose truth is known.", no_args_is_help=True)


@app.callback()
def evals() -> None:
    """Measure the investigator on scenarios whose truth is known."""


app.command("run")(evals_run.run)
app.command("stability")(evals_run.stability)
app.command("suites")(evals_run.suites)
app.command("list")(evals_run.list_runs)
app.command("show")(evals_run.show)
evals_reports.register(app)


@app.command("rca")
def rca(
    capsules: Annotated[Path, typer.Argument(help="Folder with capsules, at any depth.")],
    as_json: Annotated[bool, typer.Option("--json", help="Every case, and the metrics.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to spread the cases over.")] = 1,
    baselines: Annotated[bool, typer.Option(help="Also rank with the built-in baselines.")] = True,
    onset_shift: Annotated[float, typer.Option(help="Move each alert's start by so many seconds (robustness).")] = 0.0,
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Take a kind of signal away (may be repeated): metrics, logs, traces, clusters, changes, messages, alerts."
        ),
    ] = None,
) -> None:
    """Root-cause accuracy over recorded or simulated incidents: top-1/3/5 by service and by service+kind, with bands.

    Examples:

      rootward capsule import petshop petshop_train.tar.xz capsules/petshop && rootward evals rca capsules/petshop

      rootward evals rca capsules --json --jobs 2

      rootward evals rca capsules --onset-shift 60 --without logs
    """
    from rootward.apps import measuring
    from rootward.apps.cli import output

    plan = measuring.Plan(
        capsules, jobs=jobs, with_baselines=baselines, onset_shift_s=onset_shift, without=tuple(without or ())
    )
    with output.progress("reading capsules", quiet=as_json) as update:
        results = measuring.run(plan, on_case=update)
    if as_json:
        output.print_json(measuring.to_json(results))
    else:
        measuring.show(results)
