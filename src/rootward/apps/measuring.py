"""Runs `evals rca`: capsules spread over processes, each investigated through faces and connectors, tabled with bands."""

import concurrent.futures
import dataclasses
import functools
import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rootward import errors
from rootward.apps import scenarios, wiring
from rootward.evals import rca, scoring, statistics
from rootward.investigator import options
from rootward.signals import alerts, protocols

KINDS = tuple(field.name for field in dataclasses.fields(protocols.Sources))


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """`onset_shift_s` moves the alert's start; `without` names fields of `protocols.Sources` to take away."""

    directory: Path
    jobs: int = 1
    with_baselines: bool = True
    onset_shift_s: float = 0.0
    without: tuple[str, ...] = ()

    def vary(self, alert: alerts.Alert, sources: protocols.Sources) -> tuple[alerts.Alert, protocols.Sources]:
        moved = dataclasses.replace(alert, starts_at_s=alert.starts_at_s + self.onset_shift_s)
        return moved, dataclasses.replace(sources, **dict.fromkeys(self.without, ()))


def run(plan: Plan, on_case: Callable[[str], None] = lambda _: None) -> list[scoring.Result]:
    """One result per capsule, in order of path.

    Raises:
        InputError: no capsules there, or an unknown kind of signal to take away.
        CapsuleError: one of them cannot be read.
    """
    unknown = [kind for kind in plan.without if kind not in KINDS]
    if unknown:
        raise errors.InputError(f"unknown kind of signal {unknown[0]!r}; there are {', '.join(KINDS)}")
    paths = list(rca.capsules(plan.directory))
    if not paths:
        raise errors.InputError(
            f"no capsules under {plan.directory} (a capsule is a folder with manifest.json); "
            "make some with `rootward capsule import` or `rootward dojo export`"
        )
    one = functools.partial(_run_one, plan)
    results: list[scoring.Result] = []
    if plan.jobs == 1:
        for result in map(one, paths):
            results.append(result)
            on_case(f"{len(results)} of {len(paths)}: {result.id}")
        return results
    # Spawned, not forked: the parent may hold threads (the spinner), which a fork would copy half-alive.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(plan.jobs, mp_context=context) as pool:
        for result in pool.map(one, paths, chunksize=4):
            results.append(result)
            on_case(f"{len(results)} of {len(paths)}: {result.id}")
    return results


def _run_one(plan: Plan, path: Path) -> scoring.Result:
    return rca.run_capsule(
        path,
        plan.directory,
        connect=scenarios.connect,
        read_alert=wiring.read_alert,
        chosen=options.Options(),
        with_baselines=plan.with_baselines,
        vary=plan.vary,
    )


def by_system(results: Sequence[scoring.Result]) -> dict[str, list[scoring.Result]]:
    """Results by the first folder of their id: one system (or data set) each is reported apart."""
    grouped: dict[str, list[scoring.Result]] = {}
    for result in results:
        parts = Path(result.id).parts
        grouped.setdefault(parts[0] if len(parts) > 1 else "", []).append(result)
    return grouped


def _rates(table: dict[str, statistics.Rate]) -> dict[str, Any]:
    return {name: value.to_json() for name, value in table.items()}


def to_json(results: Sequence[scoring.Result]) -> dict[str, Any]:
    """Every case with its truth, ranking and seconds; metrics over all, by system, and of the baselines."""
    return {
        "cases": [
            {
                "id": result.id,
                "truth": result.truth.to_json(),
                "status": result.status,
                "ranked": [dataclasses.asdict(answer) for answer in result.ranked],
                "seconds": round(result.seconds, 4),
                "baselines": {name: [answer.name for answer in ranked] for name, ranked in result.baselines.items()},
            }
            for result in results
        ],
        "metrics": {
            **_rates(scoring.metrics(results)),
            "seconds_median": round(scoring.seconds_quantile(results, 0.5), 4),
            "seconds_p95": round(scoring.seconds_quantile(results, 0.95), 4),
        },
        "systems": {name: _rates(scoring.metrics(part)) for name, part in by_system(results).items()},
        "baselines": {name: _rates(table) for name, table in scoring.baseline_metrics(results).items()},
    }


def show(results: Sequence[scoring.Result]) -> None:
    """Tables for people: per system when there are several, then all, then the baselines."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    grouped = by_system(results)
    columns = {**(grouped if len(grouped) > 1 else {}), "all": list(results)}
    measured = {name: scoring.metrics(part) for name, part in columns.items()}
    table = Table(
        title="Root-cause accuracy: rate [95% interval] (hits/cases)",
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column("metric")
    for name in columns:
        table.add_column(name or "cases")
    for metric in dict.fromkeys(metric for rates in measured.values() for metric in rates):
        table.add_row(metric.replace("_", " "), *(str(rates.get(metric, "–")) for rates in measured.values()))
    console.print(table)
    compared = scoring.baseline_metrics(results)
    if compared:
        rows = Table(
            title="\nBuilt-in baselines on the same evidence",
            title_justify="left",
            box=None,
            pad_edge=False,
            padding=(0, 2, 0, 0),
        )
        rows.add_column("baseline")
        for top in scoring.TOPS:
            rows.add_column(f"service top{top}")
        for name, rates in compared.items():
            rows.add_row(name, *(str(rates[f"service_top{top}"]) for top in scoring.TOPS))
        console.print(rows)
    median, p95 = scoring.seconds_quantile(results, 0.5), scoring.seconds_quantile(results, 0.95)
    console.print(f"seconds per case: median {median:.2f}, 95th percentile {p95:.2f}")
