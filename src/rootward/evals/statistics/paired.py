"""Two versions on the same scenarios: how large the difference is, whether it could be chance, and what could have been seen at all.

The unit is the scenario: its difference is the mean over its repeats after minus before (Miller, arXiv 2411.00640). Never compare two
versions by whether their intervals overlap.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rootward.evals.statistics import distributions
from rootward.evals.statistics.intervals import FloatArray, number

EXACT_FLIPS_MAX = 4096
SAMPLED_FLIPS = 9_999
FLIPS_AT_ONCE = 1_000
POWER = 0.8


@dataclasses.dataclass(frozen=True, slots=True)
class Paired:
    """The mean difference (after − before) over `count` scenarios, its t interval, the sign-flip p-value and what is detectable.

    `detectable` is the smallest true difference that would have been found four times in five (NaN with fewer than two scenarios).
    """

    count: int
    difference: float
    low: float
    high: float
    p: float
    detectable: float

    def __str__(self) -> str:
        if not self.count:
            return "–"
        return f"{self.difference:+.3f} [{self.low:+.3f} to {self.high:+.3f}] p={self.p:.3f}"

    def to_json(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "difference": number(self.difference),
            "low": number(self.low),
            "high": number(self.high),
            "p": number(self.p),
            "detectable": number(self.detectable),
        }


def paired(
    before: Sequence[float],
    after: Sequence[float],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    bound: float | None = 1.0,
) -> Paired:
    """Compare per-scenario means; `bound` is the largest difference one scenario can show (None: no such limit, as for seconds).

    When every scenario shows the same difference, the t interval has no width, which is not what so few scenarios can promise; a new
    scenario may then still differ with the probability that Wilson's bound leaves, by at most `bound`.
    """
    differences = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    n = int(differences.size)
    if n == 0:
        return Paired(0, math.nan, math.nan, math.nan, 1.0, math.nan)
    low, high = mean_interval(differences, level=level, bound=bound)
    _, detectable = _half_width(differences, level, bound)
    return Paired(n, float(differences.mean()), low, high, sign_flip(differences, rng), detectable)


def mean_interval(
    differences: Sequence[float] | FloatArray, *, level: float = 0.95, bound: float | None = 1.0
) -> tuple[float, float]:
    """The t interval of the mean of at least one difference, as `paired` gives it."""
    values = np.asarray(differences, dtype=np.float64)
    mean = float(values.mean())
    half, _ = _half_width(values, level, bound)
    if bound is None:
        return mean - half, mean + half
    return max(mean - half, -bound), min(mean + half, bound)


def sign_flip(differences: FloatArray, rng: np.random.Generator) -> float:
    """Two-sided p-value of a zero mean: how often do randomly flipped signs give a mean at least as far from zero?

    Exact when at most 4,096 patterns exist, or when all differences are as large (then it is the binomial test, which for one run each is
    McNemar's exact test); otherwise 9,999 sampled flips. Differences of zero flip into themselves and are left out.
    """
    size = np.abs(differences[np.abs(differences) > 1e-12])
    n = int(size.size)
    if n == 0:
        return 1.0
    observed = abs(float(differences.sum()))
    if bool(np.all(np.abs(size - size[0]) <= 1e-12)):
        away = round((n + observed / float(size[0])) / 2)
        return float(min(1.0, 2.0 * (1.0 - distributions.binomial_cdf(away - 1, n, 0.5))))
    reached = observed - 1e-9 * float(size.sum())
    if 2**n <= EXACT_FLIPS_MAX:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return float(np.mean(np.abs((2 * bits - 1) @ size) >= reached))
    hits = 0
    for start in range(0, SAMPLED_FLIPS, FLIPS_AT_ONCE):
        rows = min(FLIPS_AT_ONCE, SAMPLED_FLIPS - start)
        signs = 2 * rng.integers(0, 2, size=(rows, n), dtype=np.int8) - 1
        hits += int(np.count_nonzero(np.abs(signs @ size) >= reached))
    return (1 + hits) / (1 + SAMPLED_FLIPS)


def _half_width(differences: FloatArray, level: float, bound: float | None) -> tuple[float, float]:
    """Half the t interval, and the minimum detectable effect."""
    n = int(differences.size)
    t = distributions.student_quantile(0.5 + level / 2, max(n - 1, 1))
    error = float(differences.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    if error > 1e-12:
        detectable = (t + distributions.student_quantile(POWER, n - 1)) * error
        return t * error, detectable if bound is None else min(detectable, bound)
    half = bound * t * t / (n + t * t) if bound is not None else 0.0
    return half, half if n > 1 else math.nan
