"""Runs `dojo realism`: recorded capsules beside freshly built worlds, tabled."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rootward import _clock, errors
from rootward.dojo import world as worlds
from rootward.dojo.capsule import store
from rootward.evals.realism import classifier, compare

CAPSULES_EACH = 4
"""Of one recorded system, those with the longest ordinary time; more repeat it."""
LEAD_S = 120.0
FAULT = "third_party_slow"
"""What goes wrong in the worlds does not matter: only the time before it is looked at."""


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """`against`: recorded systems and the simulated ones; `among`: recorded systems and each other."""

    against: Sequence[compare.Comparison]
    among: Sequence[compare.Comparison]

    def to_json(self) -> dict[str, Any]:
        return {"against": [one.to_json() for one in self.against], "among": [one.to_json() for one in self.among]}


def run(directory: Path, seeds: int, on_step: Callable[[str], None] = lambda _: None) -> Report:
    """Compare every recorded system under `directory` (its first folders) with `seeds` worlds of each kind.

    Raises:
        InputError: no capsules there.
        CapsuleError: one of them cannot be read.
    """
    recorded = _recorded(directory, on_step)
    simulated = []
    for name in worlds.names():
        for seed in range(seeds):
            on_step(f"building {name}, seed {seed}")
            scenario, truth = worlds.build(name, FAULT, seed)
            onset_s = truth.causes[0].onset_s
            assert onset_s is not None, "a simulated fault begins at a known moment"
            source = compare.Source("simulated", f"{name}-{seed}", scenario.telemetry, onset_s - LEAD_S)
            simulated.append(source)
    on_step("comparing")
    return Report(*compare.compare(recorded, simulated))


def _recorded(directory: Path, on_step: Callable[[str], None]) -> list[compare.Source]:
    paths = store.find(directory)
    if not paths:
        raise errors.InputError(
            f"no capsules under {directory}; make some with `rootward capsule import` (docs/guide/public-incidents.md)"
        )
    found: dict[str, list[compare.Source]] = {}
    for path in paths:
        system = path.relative_to(directory).parts[0] if path != directory else path.name
        on_step(f"reading {path.name}")
        scenario = store.load(path)
        began_s = _clock.from_iso(str(scenario.alert["alerts"][0]["startsAt"]))
        mine = found.setdefault(system, [])
        mine.append(compare.Source(system, path.name, scenario.telemetry, began_s - LEAD_S))
        mine.sort(key=lambda source: source.telemetry.start_s - source.until_s)
        del mine[CAPSULES_EACH:]
    return [source for mine in found.values() for source in mine]


def show(report: Report, console: Any, *, features: int = 3) -> None:
    """Tables for people: how well each signal can be told apart, and what gives it away."""
    from rich.table import Table

    table = Table(title="Can a stranger tell? AUC [95% interval]: 0.5 no, 1 always", title_justify="left", box=None)
    for column in ("signal", "recorded", "AUC against the dojo", "not seen before", "what gives it away (distance)"):
        table.add_column(column)
    for one in report.against:
        unseen = _auc(one.unseen) if one.unseen else "–"
        table.add_row(one.signal, one.left, _auc(one.separation), unseen, _telling(one.telling[:features]))
    console.print(table)
    if report.among:
        rows = Table(title="\nThe same between recorded systems", title_justify="left", box=None)
        for column in ("signal", "recorded", "and", "AUC"):
            rows.add_column(column)
        for one in report.among:
            rows.add_row(one.signal, one.left, one.right, _auc(one.separation))
        console.print(rows)


def _auc(separation: classifier.Separation) -> str:
    return str(separation).replace("[", "\\[")


def _telling(features: Sequence[compare.Feature]) -> str:
    return "; ".join(
        f"{one.name} {one.recorded[1]:.2g} against {one.simulated[1]:.2g} ({one.distance:.2f})" for one in features
    )
