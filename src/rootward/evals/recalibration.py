"""Turning stated confidence into honest probability: logistic maps for few labels, isotonic for many, Venn–Abers for how sure that is.

Always fitted on other scenarios than those it is applied to, never on other runs of the same.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from rootward.evals.statistics import intervals

FOLDS = 5
FEW, MANY = 50, 100  # labels: below FEW Platt's map, from MANY isotonic regression, beta calibration between
EDGE = 1e-4  # confidences are kept this far from 0 and 1 before their logarithm is taken
PRIOR_PRECISION = 1.0  # of the logistic maps' coefficients around the map that changes nothing: worth about four labels
NEWTON_STEPS = 50

FloatArray = intervals.FloatArray
Map = Callable[[FloatArray], FloatArray]


@dataclasses.dataclass(frozen=True, slots=True)
class Fitted:
    """Cross-fitted probabilities, one per answer: `point` by `method`, `low` and `high` by Venn–Abers."""

    method: str
    point: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def merged(self) -> FloatArray:
        """The one probability that a Venn–Abers interval stands for: p1 / (1 − p0 + p1)."""
        return np.asarray(self.high / (1 - self.low + self.high), dtype=np.float64)


def cross_fit(
    confidence: FloatArray, right: FloatArray, scenarios: Sequence[str], *, rng: np.random.Generator
) -> Fitted | None:
    """None when there are too few scenarios to fit on some and apply to others, or all answers were right (or all wrong)."""
    names = sorted(set(scenarios))
    if len(names) < 2 * FOLDS or len(set(right.tolist())) < 2:
        return None
    fold_of = dict(zip((names[i] for i in rng.permutation(len(names))), np.arange(len(names)) % FOLDS, strict=True))
    folds = np.array([fold_of[name] for name in scenarios])
    method, fit = _chosen(len(right))
    point, low, high = (np.empty_like(confidence) for _ in range(3))
    for fold in range(FOLDS):
        inside, outside = folds == fold, folds != fold
        point[inside] = fit(confidence[outside], right[outside])(confidence[inside])
        low[inside], high[inside] = venn_abers(confidence[outside], right[outside], confidence[inside])
    return Fitted(method, point, low, high)


def _chosen(labels: int) -> tuple[str, Callable[[FloatArray, FloatArray], Map]]:
    if labels < FEW:
        return "Platt", platt
    return ("isotonic", isotonic) if labels >= MANY else ("beta", beta)


def platt(confidence: FloatArray, right: FloatArray) -> Map:
    """Logistic in the log-odds (Platt 1999), with a Gaussian prior around the map that changes nothing."""

    def features(x: FloatArray) -> FloatArray:
        x = np.clip(x, EDGE, 1 - EDGE)
        return np.column_stack([np.log(x / (1 - x)), np.ones_like(x)])

    weights = _logistic(features(confidence), right, np.array([1.0, 0.0]))
    return lambda x: _sigmoid(features(x) @ weights)


def beta(confidence: FloatArray, right: FloatArray) -> Map:
    """Beta calibration (Kull, Silva Filho & Flach, AISTATS 2017), with the same kind of prior."""

    def features(x: FloatArray) -> FloatArray:
        x = np.clip(x, EDGE, 1 - EDGE)
        return np.column_stack([np.log(x), -np.log(1 - x), np.ones_like(x)])

    weights = _logistic(features(confidence), right, np.array([1.0, 1.0, 0.0]))
    return lambda x: _sigmoid(features(x) @ weights)


def isotonic(confidence: FloatArray, right: FloatArray) -> Map:
    """The non-decreasing map of least squared error (pool adjacent violators; Zadrozny & Elkan, KDD 2002), linear between its steps."""
    levels, sums, counts = _grouped(confidence, right)
    values = pool(sums / counts, counts)
    return lambda x: np.interp(x, levels, values)


def venn_abers(confidence: FloatArray, right: FloatArray, asked: FloatArray) -> tuple[FloatArray, FloatArray]:
    """[p0, p1] for each `asked`: isotonic fits with the asked one added as wrong, and as right (Vovk & Petej, UAI 2014)."""
    levels, sums, counts = _grouped(confidence, right)
    bounds: dict[float, tuple[float, float]] = {}
    for value in np.unique(asked):
        at = int(np.searchsorted(levels, value))
        if at == len(levels) or levels[at] != value:
            added_sums, added_counts = np.insert(sums, at, 0.0), np.insert(counts, at, 0.0)
        else:
            added_sums, added_counts = sums.copy(), counts.copy()
        added_counts[at] += 1
        low = pool(added_sums / added_counts, added_counts)[at]
        added_sums[at] += 1
        bounds[float(value)] = float(low), float(pool(added_sums / added_counts, added_counts)[at])
    pairs = np.array([bounds[float(value)] for value in asked]).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def pool(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted isotonic regression of values in order, by pooling adjacent violators."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many values
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, size = value, weight, 1
        while blocks and blocks[-1][0] >= mean:
            other, heavy, more = blocks.pop()
            mean = (mean * total + other * heavy) / (total + heavy)
            total, size = total + heavy, size + more
        blocks.append((mean, total, size))
    return np.repeat([mean for mean, _, _ in blocks], [size for _, _, size in blocks])


def _grouped(confidence: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct confidences in order, with how many were right and how many there are."""
    levels, inverse = np.unique(confidence, return_inverse=True)
    counts = np.bincount(inverse).astype(np.float64)
    return levels, np.bincount(inverse, weights=right).astype(np.float64), counts


def _logistic(features: FloatArray, right: FloatArray, prior: FloatArray) -> FloatArray:
    """Penalised maximum likelihood by Newton's method; the penalty makes it exist and be unique."""
    weights = prior.copy()
    for _ in range(NEWTON_STEPS):
        p = _sigmoid(features @ weights)
        slope = features.T @ (right - p) - PRIOR_PRECISION * (weights - prior)
        curvature = (features * (p * (1 - p))[:, None]).T @ features + PRIOR_PRECISION * np.eye(len(prior))
        step = np.linalg.solve(curvature, slope)
        # Far from the optimum a full Newton step may overshoot; its length is kept within what the log-odds can use.
        weights = weights + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-10:
            break
    return weights


def _sigmoid(x: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -500, 500))), dtype=np.float64)
