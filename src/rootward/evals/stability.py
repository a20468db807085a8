"""Does the answer hold when the question is put differently? Drop, flips, evidence and where the variance lies, per perturbation.

*Stable* is a claim of its own (the drop lies within a margin), not the absence of a significant difference.
"""

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rootward.evals import records, statistics
from rootward.evals.statistics import intervals

MARGIN = 0.05
SCENARIOS_MAX = 100_000  # more than this would "decide" nothing
CLEAN = (
    "clean"  # the perturbation that takes the noise away: its change is what noise costs, not a question of stability
)
STABLE, DEGRADED, UNDECIDED = "stable", "degraded", "undecided"
Cells = Mapping[str, Mapping[str, Sequence[records.Row]]]  # perturbation → scenario → its runs


@dataclasses.dataclass(frozen=True, slots=True)
class Variant:
    """One perturbation against the scenarios as they stand.

    `change` is the paired difference of the primary score (negative: worse), `low` and `high` its 90% interval, for the equivalence test.
    `needed` is about how many more scenarios would decide (None: decided, or out of reach). `flips` is the share of scenarios whose
    majority answer changed; `evidence` the mean overlap (Jaccard) of what was looked at.
    """

    perturbation: str
    change: statistics.Paired
    low: float
    high: float
    label: str
    needed: int | None
    flips: statistics.Rate
    evidence: statistics.Rate
    worst: str

    def to_json(self) -> dict[str, Any]:
        return {
            "perturbation": self.perturbation,
            "change": self.change.to_json(),
            "equivalence": [intervals.number(self.low), intervals.number(self.high)],
            "label": self.label,
            "needed": self.needed,
            "flips": self.flips.to_json(),
            "evidence": self.evidence.to_json(),
            "worst": self.worst,
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Variance:
    """Where the variance of the primary score lies; `run` is None with one run per cell, and then counted under `perturbation`."""

    scenario: float
    perturbation: float
    run: float | None

    @property
    def perturbation_share(self) -> float:
        total = self.scenario + self.perturbation + (self.run or 0.0)
        return self.perturbation / total if total > 0 else 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "scenario": intervals.number(self.scenario),
            "perturbation": intervals.number(self.perturbation),
            "run": None if self.run is None else intervals.number(self.run),
            "perturbation_share": intervals.number(self.perturbation_share),
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Stability:
    """All perturbations, worst first; `floor` is how often two halves of the unchanged runs disagree (empty with one run each).

    `variance` is None unless at least two scenarios ran under every perturbation. `clean` is the change when the noise is taken away.
    """

    variants: tuple[Variant, ...]
    floor: statistics.Rate
    variance: Variance | None
    margin: float
    clean: statistics.Paired | None

    def to_json(self) -> dict[str, Any]:
        return {
            "margin": self.margin,
            "clean": self.clean.to_json() if self.clean else None,
            "floor": self.floor.to_json(),
            "variance": self.variance.to_json() if self.variance else None,
            "variants": [variant.to_json() for variant in self.variants],
        }


def measure(run: records.Run, *, rng: np.random.Generator, margin: float = MARGIN) -> Stability | None:
    """None when no scenario was run under any perturbation."""
    cells = _cells(run)
    base = cells.get("", {})
    names = [name for name in cells if name and set(cells[name]) & set(base)]
    if not names:
        return None
    variants = [_variant(name, base, cells[name], run.primary, margin, rng) for name in names]
    variants.sort(key=lambda variant: (variant.change.difference, variant.perturbation))
    varied = {name: by_scenario for name, by_scenario in cells.items() if name != CLEAN}
    return Stability(
        variants=tuple(each for each in variants if each.perturbation != CLEAN),
        floor=_floor(base),
        variance=_variance(varied, run.primary) if len(varied) > 1 else None,
        margin=margin,
        clean=next((each.change for each in variants if each.perturbation == CLEAN), None),
    )


def label(differences: Sequence[float], *, margin: float = MARGIN) -> tuple[str, float, float, int | None]:
    """Label, 90% interval and how many more scenarios would decide, from per-scenario differences (variant − base)."""
    values = np.asarray(differences, dtype=np.float64)
    low, high = statistics.mean_interval(values, level=0.90)
    if -margin <= low and high <= margin:
        return STABLE, low, high, None
    if statistics.mean_interval(values, level=0.95)[1] < 0:
        return DEGRADED, low, high, None
    return UNDECIDED, low, high, _needed(values, margin)


def _needed(values: intervals.FloatArray, margin: float) -> int | None:
    """The smaller of what equivalence and what a drop would take, if mean and spread stay as they are."""
    mean, spread = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    goals = [(0.95, margin - abs(mean)), (0.975, -mean)]
    counts = [_scenarios_for(probability, spread, room) for probability, room in goals if room > 0]
    reachable = [count for count in counts if count <= SCENARIOS_MAX]
    return max(1, min(reachable) - len(values)) if reachable else None


def _scenarios_for(probability: float, spread: float, room: float) -> int:
    """Scenarios whose t interval has half-width `room`; with no spread so far, those that exclude a spread (see `statistics.paired`)."""
    count = 10
    for _ in range(20):
        t = statistics.student_quantile(probability, min(count, 10_000) - 1)
        wanted = (t * spread / room) ** 2 if spread > 0 else t * t * (1 - room) / room
        if wanted > SCENARIOS_MAX:
            return SCENARIOS_MAX + 1
        count = max(3, math.ceil(wanted))
    return count


def _cells(run: records.Run) -> dict[str, dict[str, list[records.Row]]]:
    cells: dict[str, dict[str, list[records.Row]]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in run.rows:
        if run.primary in row.scores:
            cells[row.perturbation][row.scenario].append(row)
    return cells


def _variant(
    name: str,
    base: Mapping[str, Sequence[records.Row]],
    varied: Mapping[str, Sequence[records.Row]],
    primary: str,
    margin: float,
    rng: np.random.Generator,
) -> Variant:
    shared = sorted(set(base) & set(varied))
    before = [_mean(base[scenario], primary) for scenario in shared]
    after = [_mean(varied[scenario], primary) for scenario in shared]
    differences = [b - a for a, b in zip(before, after, strict=True)]
    verdict, low, high, needed = label(differences, margin=margin)
    flipped = sum(_majority(base[each]) != _majority(varied[each]) for each in shared)
    overlaps = [overlap for each in shared if (overlap := _overlap(base[each], varied[each])) is not None]
    worst = min(zip(differences, shared, strict=True))
    return Variant(
        perturbation=name,
        change=statistics.paired(before, after, rng=rng),
        low=low,
        high=high,
        label=verdict,
        needed=needed,
        flips=statistics.rate(flipped, len(shared)),
        evidence=intervals.shares(overlaps),
        worst=worst[1] if worst[0] < 0 else "",
    )


def _mean(rows: Sequence[records.Row], measure_name: str) -> float:
    return sum(row.scores[measure_name] for row in rows) / len(rows)


def _majority(rows: Sequence[records.Row]) -> str:
    """The commonest answer; of equally common ones the first in order of text."""
    counts = collections.Counter(row.verdict for row in rows)
    return min(counts, key=lambda verdict: (-counts[verdict], verdict))


def _floor(base: Mapping[str, Sequence[records.Row]]) -> statistics.Rate:
    """How often two halves of the same runs disagree: what noise alone makes look like instability."""
    halves = [(rows[0::2], rows[1::2]) for rows in base.values() if len(rows) > 1]
    return statistics.rate(sum(_majority(a) != _majority(b) for a, b in halves), len(halves))


def _overlap(base: Sequence[records.Row], varied: Sequence[records.Row]) -> float | None:
    """Mean Jaccard index of the evidence, repeat by repeat; None when neither looked at anything."""
    found = []
    for one, other in zip(base, varied, strict=False):
        union = set(one.evidence) | set(other.evidence)
        if union:
            found.append(len(set(one.evidence) & set(other.evidence)) / len(union))
    return sum(found) / len(found) if found else None


def _variance(cells: Cells, primary: str) -> Variance | None:
    """Nested random effects by moments (Searle, Casella & McCulloch, Variance Components, §3.2), over scenarios that ran in every cell."""
    scenarios = sorted(set.intersection(*(set(by_scenario) for by_scenario in cells.values())))
    if len(scenarios) < 2:
        return None
    runs = [
        [[row.scores[primary] for row in by_scenario[each]] for by_scenario in cells.values()] for each in scenarios
    ]
    means = np.array([[float(np.mean(cell)) for cell in of_scenario] for of_scenario in runs])
    spare = sum(len(cell) - 1 for of_scenario in runs for cell in of_scenario)
    squares = sum(float(np.var(cell)) * len(cell) for of_scenario in runs for cell in of_scenario)
    run = squares / spare if spare else None
    inverse = float(
        np.mean([1 / len(cell) for of_scenario in runs for cell in of_scenario])
    )  # one over the usual number of repeats
    between_cells = float(means.var(axis=1, ddof=1).mean())
    between_scenarios = float(means.mean(axis=1).var(ddof=1))
    perturbation = max(0.0, between_cells - (run or 0.0) * inverse)
    return Variance(max(0.0, between_scenarios - between_cells / means.shape[1]), perturbation, run)
