"""Intervals for rates and quantiles: never a bare percentage.

Rates get Wilson's score interval with Student's t quantile and the effective number of runs that their clustering in scenarios leaves:
repeats of one scenario say less than as many scenarios. Sources: Miller, "Adding Error Bars to Evals", arXiv 2411.00640 (clustering);
Brown, Cai & DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16 (2001) (Wilson).
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rootward.evals.statistics import distributions

FloatArray = npt.NDArray[np.float64]
FEW_SCENARIOS = 15  # below this, an interval leans on its assumptions; reports say so


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `count` runs, with the bounds of its interval; `point`, `low`, `high` in 0..1 (NaN when nothing was counted).

    `hits` is a whole number for outcomes that are right or wrong, a sum of shares otherwise. `scenarios` is how many independent
    scenarios the runs come from: that, not `count`, is what the interval's width goes by.
    """

    hits: float
    count: int
    low: float
    high: float
    scenarios: int

    @property
    def point(self) -> float:
        return self.hits / self.count if self.count else math.nan

    @property
    def few(self) -> bool:
        """So few scenarios that the interval is to be taken as rough."""
        return self.scenarios < FEW_SCENARIOS

    def __str__(self) -> str:
        return f"{self.band} ({self.counts})" if self.count else "–"

    @property
    def band(self) -> str:
        """The rate and its bounds: `0.92 [0.88–0.95]`."""
        return f"{self.point:.2f} [{self.low:.2f}–{self.high:.2f}]" if self.count else "–"

    @property
    def counts(self) -> str:
        """What was counted: `184/200`, or `184/200 in 40` scenarios."""
        hits = f"{self.hits:.0f}" if float(self.hits).is_integer() else f"{self.hits:.1f}"
        return f"{hits}/{self.count}" + (f" in {self.scenarios}" if self.scenarios != self.count else "")

    def to_json(self) -> dict[str, float | int | None]:
        return {
            "hits": int(self.hits) if float(self.hits).is_integer() else round(self.hits, 4),
            "count": self.count,
            "scenarios": self.scenarios,
            "point": number(self.point),
            "low": number(self.low),
            "high": number(self.high),
        }


NOTHING = Rate(0, 0, math.nan, math.nan, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of `count` values, and bounds between which it lies whatever their distribution (NaN when there are none)."""

    count: int
    point: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | int | None]:
        return {"count": self.count, "point": number(self.point), "low": number(self.low), "high": number(self.high)}


def number(value: float) -> float | None:
    """For JSON: four places, and null for what is not a number."""
    return round(float(value), 4) if math.isfinite(value) else None


def rate(hits: float, count: int, *, level: float = 0.95) -> Rate:
    """The rate `hits`/`count` of scenarios that ran once each, with its two-sided interval at `level`."""
    assert 0 <= hits <= count, "hits are among those counted"
    if count == 0:
        return NOTHING
    low, high = wilson(hits / count, count, count, level=level)
    return Rate(hits, count, low, high, count)


def clustered(hits: Sequence[float] | FloatArray, runs: Sequence[int], *, level: float = 0.95) -> Rate:
    """The rate over scenarios g that ran `runs[g]` times with `hits[g]` successes: Wilson-t on the effective number of runs.

    The variance is the clustered one (finite-cluster corrected); the design effect is kept between 1 and the mean number of repeats.
    When all scenarios agree, their runs tell no more than one each.
    """
    k, r = np.asarray(hits, dtype=np.float64), np.asarray(runs, dtype=np.float64)
    assert k.shape == r.shape
    assert bool(np.all((r >= 1) & (k >= 0) & (k <= r))), "hits are among the runs of their scenario"
    scenarios, count, total = len(r), int(r.sum()), float(k.sum())
    if scenarios == 0:
        return NOTHING
    low, high = wilson(total / count, effective_runs(k, r), scenarios, level=level)
    return Rate(int(total) if total.is_integer() else total, count, low, high, scenarios)


def effective_runs(hits: FloatArray, runs: FloatArray) -> float:
    """How many independent runs the clustered ones are worth: between one per scenario and all of them."""
    scenarios, count = runs.size, float(runs.sum())
    p, repeats = float(hits.sum()) / count, count / scenarios
    variance = scenarios / max(scenarios - 1, 1) * float(np.square(hits - runs * p).sum()) / count**2
    plain = p * (1 - p) / count
    effect = min(max(variance / plain, 1.0), repeats) if variance > 1e-15 and plain > 0 else repeats
    return count / effect


def shares(values: Sequence[float] | FloatArray, *, most: float = 1.0, level: float = 0.95) -> Rate:
    """The mean of one value in 0..1 per scenario, by the same interval; `most` bounds how many runs one scenario may stand for."""
    x = np.asarray(values, dtype=np.float64)
    if x.size == 0:
        return NOTHING
    p = min(max(float(x.mean()), 0.0), 1.0)
    spread = float(x.var(ddof=1)) if x.size > 1 else 0.0
    weight = min(max(p * (1 - p) / spread, 1.0), max(most, 1.0)) if spread > 1e-15 else 1.0
    low, high = wilson(p, x.size * weight, int(x.size), level=level)
    return Rate(p * x.size, int(x.size), low, high, int(x.size))


def wilson(p: float, effective: float, scenarios: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's bounds for rate `p` of an `effective` number of runs, with the t quantile that so many scenarios allow."""
    t = distributions.student_quantile(0.5 + level / 2, max(scenarios - 1, 1))
    scale = 1 + t * t / effective
    centre = (p + t * t / (2 * effective)) / scale
    half = t * math.sqrt(p * (1 - p) / effective + t * t / (4 * effective * effective)) / scale
    # Rounding may push a bound past the rate itself when every case is a hit (or none is).
    return min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half))


def quantile(values: Sequence[float], share: float, *, level: float = 0.95) -> Quantile:
    """The nearest-rank quantile of independent values, with the order statistics that bound it (David & Nagaraja 2003, §7.1).

    With too few values for the level, the bounds are the smallest and largest, which then cover less.
    """
    ordered = sorted(values)
    n = len(ordered)
    if n == 0:
        return Quantile(0, math.nan, math.nan, math.nan)
    tail = (1 - level) / 2
    point = ordered[min(n - 1, max(0, math.ceil(share * n) - 1))]
    # The bound at rank l fails when fewer than l values lie below the quantile: P(Binomial(n, share) < l) ≤ tail.
    below = max((rank for rank in range(1, n + 1) if distributions.binomial_cdf(rank - 1, n, share) <= tail), default=1)
    above = min(
        (rank for rank in range(1, n + 1) if 1 - distributions.binomial_cdf(rank - 1, n, share) <= tail), default=n
    )
    return Quantile(n, point, min(point, ordered[below - 1]), max(point, ordered[above - 1]))
