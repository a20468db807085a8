"""How well the statistics of evals keep their promises, by simulation: coverage of intervals, error rates of tests.

python benchmarks/coverage.py [--simulations N] prints the tables of docs/reference/statistics.md. CPU seconds go to standard error.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from rootward import _rng
from rootward.evals import saturation, stability, statistics


class Setting(NamedTuple):
    """Scenarios × repeats, the true rate, and how much of its variance lies between scenarios (intra-class correlation)."""

    scenarios: int
    repeats: int
    p: float
    icc: float

    def __str__(self) -> str:
        return f"{self.scenarios}×{self.repeats} {self.p:.2f} {self.icc:.1f}"


# The table of the reference: its published coverage of Wilson-t on the effective number of runs, in percent of 4,000 simulations.
PUBLISHED = {
    Setting(8, 5, 0.90, 0.4): 98.3,
    Setting(12, 3, 0.90, 0.4): 97.8,
    Setting(20, 1, 0.90, 0.4): 95.6,
    Setting(20, 5, 0.90, 0.4): 93.9,
    Setting(20, 5, 0.97, 0.4): 97.3,
    Setting(20, 5, 0.60, 0.4): 95.6,
    Setting(50, 3, 0.97, 0.3): 96.4,
    Setting(50, 3, 0.90, 0.3): 95.2,
    Setting(200, 1, 0.97, 0.3): 93.9,
}
Method = Callable[[np.ndarray, int], tuple[float, float]]


def chosen(hits: np.ndarray, repeats: int) -> tuple[float, float]:
    found = statistics.clustered(hits, [repeats] * len(hits))
    return found.low, found.high


def wald(hits: np.ndarray, repeats: int) -> tuple[float, float]:
    n = len(hits) * repeats
    p = hits.sum() / n
    half = 1.96 * math.sqrt(p * (1 - p) / n)
    return p - half, p + half


def wilson_pooled(hits: np.ndarray, repeats: int) -> tuple[float, float]:
    n, z = len(hits) * repeats, 1.96
    p = hits.sum() / n
    centre, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def cluster_t(hits: np.ndarray, repeats: int) -> tuple[float, float]:
    means = hits / repeats
    half = statistics.student_quantile(0.975, len(means) - 1) * means.std(ddof=1) / math.sqrt(len(means))
    return means.mean() - half, means.mean() + half


METHODS: dict[str, Method] = {
    "Wald, pooled": wald,
    "Wilson, pooled": wilson_pooled,
    "cluster t": cluster_t,
    "Wilson-t, effective runs": chosen,
}


def draws(setting: Setting, simulations: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Successes per scenario; the scenarios' own rates are Beta-distributed."""
    rng = _rng.stream(seed, "coverage", str(setting))
    size = (1 - setting.icc) / setting.icc
    rates = rng.beta(setting.p * size, (1 - setting.p) * size, size=(simulations, setting.scenarios))
    yield from rng.binomial(setting.repeats, rates)


def coverage(setting: Setting, method: Method, simulations: int, seed: int = 0) -> tuple[float, float]:
    """Share of simulations whose interval holds the true rate, and the mean width."""
    bounds = np.array([method(hits, setting.repeats) for hits in draws(setting, simulations, seed)])
    low, high = bounds.T
    return float(np.mean((low <= setting.p) & (setting.p <= high))), float(np.mean(high - low))


def false_alarms(
    scenarios: int, repeats: int, simulations: int, *, effect: float = 0.0, seed: int = 0
) -> tuple[float, float]:
    """How often the paired t interval and the sign-flip test at 5% see a difference; with no `effect`, that is their error.

    Each scenario has its own log-odds (sd 1.5) and its own symmetric effect of the version (sd 1.5), plus `effect` on the log-odds.
    """
    rng = _rng.stream(seed, "paired", scenarios, repeats, str(effect))
    seen = np.zeros(2)
    for _ in range(simulations):
        logit = rng.normal(0.0, 1.5, scenarios)
        other = logit + rng.normal(0.0, 1.5, scenarios) + effect
        before, after = (rng.binomial(repeats, 1 / (1 + np.exp(-each))) / repeats for each in (logit, other))
        # Versions swap roles at random, so that the mean difference is exactly zero without an effect.
        if effect == 0.0:
            swap = rng.random(scenarios) < 0.5
            before, after = np.where(swap, after, before), np.where(swap, before, after)
        found = statistics.paired(before, after, rng=rng)
        seen += [found.low > 0 or found.high < 0, found.p <= 0.05]
    return float(seen[0] / simulations), float(seen[1] / simulations)


def ever_wrong(p: float, looks: int, simulations: int, seed: int = 0) -> dict[str, float]:
    """Share of simulations in which the bounds lose the truth at any of `looks` looks: a plain interval against the two sequences."""
    rng = _rng.stream(seed, "looks", str(p))
    wrong = dict.fromkeys(("plain interval", "Robbins' mixture", "betting"), 0)
    for _ in range(simulations):
        outcomes = rng.random(looks) < p
        plain = [statistics.rate(int(s), n) for n, s in enumerate(np.cumsum(outcomes), start=1)]
        wrong["plain interval"] += any(not each.low <= p <= each.high for each in plain)
        wrong["Robbins' mixture"] += _lost(statistics.bernoulli_sequence(outcomes.tolist()), p)
        # The same outcomes as a difference: −1, 0 or 1.
        other = rng.random(looks) < p
        wrong["betting"] += _lost(statistics.betting_sequence((outcomes.astype(float) - other).tolist()), 0.0)
    return {name: count / simulations for name, count in wrong.items()}


def unseen(failures: int, modes: int, simulations: int, seed: int = 0) -> tuple[float, float]:
    """Share of simulations in which Esty's bound holds the unseen mass, and the mean estimate of the number of modes (Chao1)."""
    rng = _rng.stream(seed, "unseen", failures, modes)
    held, richness = 0, 0.0
    for _ in range(simulations):
        shares = rng.dirichlet(np.full(modes, 0.7))
        caught = np.bincount(rng.choice(modes, size=failures, p=shares), minlength=modes)
        found = saturation.discovery({str(i): int(c) for i, c in enumerate(caught)})
        held += bool(shares[caught == 0].sum() <= found.unseen_high)
        richness += found.richness
    return held / simulations, richness / simulations


def called_stable(scenarios: int, drop: float, simulations: int, seed: int = 0) -> float:
    """Share of simulations in which a true `drop` (spread 0.2 between scenarios) is called stable at a margin of 5 points."""
    rng = _rng.stream(seed, "equivalence", scenarios, str(drop))
    drawn = rng.normal(-drop, 0.2, size=(simulations, scenarios))
    return float(np.mean([stability.label(differences)[0] == stability.STABLE for differences in drawn]))


def _lost(bounds: list[tuple[float, float]], truth: float) -> bool:
    return any(not low <= truth <= high for low, high in bounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=4000)
    simulations = parser.parse_args().simulations
    began = time.process_time()
    print("| scenarios × repeats, rate, correlation | " + " | ".join(METHODS) + " | published |")
    print("|---|" + "---|" * (len(METHODS) + 1))
    for setting, published in PUBLISHED.items():
        cells = [coverage(setting, method, simulations) for method in METHODS.values()]
        print(f"| {setting} | " + " | ".join(f"{c:.1%} / {w:.2f}" for c, w in cells) + f" | {published:.1f}% |")
    print(
        "\n| scenarios × repeats | effect (log-odds) | t interval excludes 0 | sign-flip p ≤ .05 |\n|---|---|---|---|"
    )
    for scenarios, repeats, effect in ((10, 5, 0.0), (50, 5, 0.0), (20, 5, 1.0), (50, 3, 1.0), (50, 5, 1.0)):
        t, flip = false_alarms(scenarios, repeats, simulations // 4, effect=effect)
        print(f"| {scenarios}×{repeats} | {effect:.1f} | {t:.3f} | {flip:.3f} |")
    print(
        "\n| looked at after each of 100 scenarios, ever wrong | plain interval | Robbins' mixture | betting |\n|---|---|---|---|"
    )
    for p in (0.5, 0.9):
        found = ever_wrong(p, 100, simulations // 10)
        print(f"| rate {p} | " + " | ".join(f"{share:.1%}" for share in found.values()) + " |")
    print("\n| failing scenarios | modes there are | bound of the unseen holds | modes estimated |\n|---|---|---|---|")
    for failures, modes in ((30, 15), (100, 50), (100, 200), (300, 200)):
        held, richness = unseen(failures, modes, simulations // 4)
        print(f"| {failures} | {modes} | {held:.1%} | {richness:.0f} |")
    print("\n| scenarios | true drop, points | called stable |\n|---|---|---|")
    for scenarios, drop in ((100, 0.05), (400, 0.05), (100, 0.0), (400, 0.0)):
        print(f"| {scenarios} | {drop * 100:.0f} | {called_stable(scenarios, drop, simulations // 4):.1%} |")
    print(f"{time.process_time() - began:.1f} CPU seconds", file=sys.stderr)


if __name__ == "__main__":
    main()
