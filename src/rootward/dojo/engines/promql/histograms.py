"""Quantiles and fractions of classic histograms (buckets with `le`), after promql/quantile.go of prometheus/prometheus."""

import functools
import math
from collections.abc import Callable

import numpy as np

from rootward.dojo.engines.promql import options, values

FloatArray = values.FloatArray
IntArray = values.IntArray
Vector = values.Vector

LE = "le"
_INNER = frozenset({LE, values.NAME})
_SMALL = 1e-12  # relative differences below it between buckets are rounding, not disorder


@functools.lru_cache(maxsize=4096)
def bound(text: str) -> float:
    """`le` as a number; NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def quantile(q: FloatArray, buckets: Vector, forced: Callable[[str], None], settings: options.Options) -> Vector:
    """histogram_quantile with `q` [N]; `forced` is told the metric where counts fall from bucket to bucket."""

    def compute(part: slice | IntArray, bounds: FloatArray, counts: FloatArray, metric: str) -> FloatArray:
        monotonic, fell = _monotonic(counts, settings)
        if fell:
            forced(metric)
        return _quantile(q[part], bounds, monotonic)

    return _per_histogram(buckets, compute)


def fraction(low: FloatArray, high: FloatArray, buckets: Vector) -> Vector:
    """histogram_fraction between `low` and `high` [N]."""

    def compute(part: slice | IntArray, bounds: FloatArray, counts: FloatArray, _metric: str) -> FloatArray:
        return _fraction(low[part], high[part], bounds, counts)

    return _per_histogram(buckets, compute)


_Compute = Callable[[IntArray, FloatArray, FloatArray, str], FloatArray]


def _per_histogram(buckets: Vector, compute: _Compute) -> Vector:
    """`compute(steps, bounds [B], counts [B, n], metric)` for every histogram and every set of buckets that it shows; those with
    the same buckets together."""
    bounds = np.array([bound(dict(labels)[LE]) for labels in buckets.labels])
    keys = [values.drop_labels(labels, _INNER) for labels in buckets.labels]
    groups, first = values.group([values.drop_labels(labels, frozenset({LE})) for labels in buckets.labels])
    out = np.full((len(first), buckets.values.shape[1]), np.nan)
    present = np.zeros(out.shape, dtype=bool)
    order = np.lexsort((bounds, groups))
    alike: dict[tuple[str, bytes], list[tuple[int, IntArray]]] = {}
    for number, rows in enumerate(np.split(order, np.searchsorted(groups[order], np.arange(1, len(first))))):
        if not len(rows):
            continue
        held, metric = buckets.present[rows], values.name_of(buckets.labels[first[number]])
        present[number] = held.any(axis=0)
        if _together(bounds[rows], held):
            alike.setdefault((metric, bounds[rows].tobytes()), []).append((number, rows))
            continue
        for inside, steps in _patterns(held):
            distinct, starts = np.unique(bounds[rows[inside]], return_index=True)
            counts = buckets.values[rows[inside]][:, steps]
            counts = np.add.reduceat(counts, starts, axis=0)  # the same bound twice (`1` and `1.0`) is one bucket
            out[number, steps] = compute(steps, distinct, counts, metric)
    for (metric, _), members in alike.items():
        numbers, places = np.array([number for number, _ in members]), np.stack([rows for _, rows in members])
        which, steps = np.nonzero(present[numbers])
        counts = buckets.values[places[which].T, steps]
        out[numbers[which], steps] = compute(steps, bounds[places[0]], counts, metric)
    return values.merged(Vector([keys[i] for i in first], out, present))


def _together(bounds: FloatArray, held: values.BoolArray) -> bool:
    """Whether a histogram shows all its buckets at once, each bound once, whenever it is there."""
    return bool((bounds[1:] != bounds[:-1]).all() and (held == held[0]).all())


def _patterns(held: values.BoolArray) -> list[tuple[IntArray, IntArray]]:
    """(buckets, steps) such that at those steps exactly those buckets are present; steps without any are left out."""
    kinds, which = np.unique(held, axis=1, return_inverse=True)
    return [
        (np.flatnonzero(kinds[:, kind]), np.flatnonzero(which.ravel() == kind))
        for kind in range(kinds.shape[1])
        if kinds[:, kind].any()
    ]


def _quantile(q: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    """`bounds` [B] ascending, `counts` [B, n] cumulative, `q` [n]."""
    if not np.isposinf(bounds[-1]) or len(bounds) < 2:
        inside = np.full(len(q), np.nan)
    else:
        inside = _interpolated(np.nan_to_num(q), bounds, counts)
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, inside))
    return np.where(np.isnan(q), np.nan, result)


def _monotonic(counts: FloatArray, settings: options.Options) -> tuple[FloatArray, bool]:
    """Cumulative counts may not fall from bucket to bucket; scrapes and rates make them. Second: whether any fell by more
    than rounding."""
    if settings.dialect is options.Dialect.V2:
        return np.fmax.accumulate(counts, axis=0), False
    below = counts[1:] < counts[:-1]
    near = np.abs(counts[1:] - counts[:-1]) < _SMALL * (np.abs(counts[1:]) + np.abs(counts[:-1]))
    if not (below | near).any():
        return counts, False
    out, fell = counts.copy(), False
    for k in range(1, len(out)):
        before, now = out[k - 1], out[k]
        close = np.abs(now - before) / (np.abs(now) + np.abs(before)) < _SMALL
        fell = fell or bool((~close & (now < before)).any())
        out[k] = np.where(close | (now < before), before, now)
    return out, fell


def _fraction(low: FloatArray, high: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    """How much of the observations lies between, linear within a bucket; arrays as in `_quantile`."""
    total = counts[-1]
    unknown = (total == 0) | np.isnan(low) | np.isnan(high) | ~np.isposinf(bounds[-1])
    share = (_rank(high, bounds, counts) - _rank(low, bounds, counts)) / total
    return np.where(unknown, np.nan, np.where(low >= high, 0.0, share))


def _rank(limit: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    """How many observations are below `limit` [n]."""
    at = np.minimum(np.searchsorted(bounds, limit, side="right"), len(bounds) - 1)  # the bucket that `limit` lies in
    steps, below = np.arange(len(limit)), np.maximum(at - 1, 0)
    first_edge = 0.0 if bounds[0] > 0 else -np.inf
    edge = np.where(at > 0, bounds[below], first_edge)
    under = np.where(at > 0, counts[below, steps], 0.0)
    inside = under + (counts[at, steps] - under) * (limit - edge) / (bounds[at] - edge)
    inside = np.where(np.isneginf(edge), counts[at, steps], inside)
    capped = np.where(limit <= edge, under, np.where(limit >= bounds[-1], counts[-1], inside))
    result: FloatArray = np.minimum(capped, counts[-1])
    return result


def _interpolated(q: FloatArray, bounds: FloatArray, counts: FloatArray) -> FloatArray:
    observations = counts[-1]
    rank = q * observations
    reached = counts[:-1] >= rank
    at = np.where(reached.any(axis=0), reached.argmax(axis=0), len(bounds) - 1)
    steps = np.arange(len(q))
    below = np.maximum(at - 1, 0)
    start = np.where(at > 0, bounds[below], 0.0)
    under = np.where(at > 0, counts[below, steps], 0.0)
    share = (rank - under) / (counts[at, steps] - under)
    result = start + (bounds[at] - start) * share
    result = np.where((at == 0) & (bounds[0] <= 0), bounds[0], result)
    result = np.where(at == len(bounds) - 1, bounds[-2], result)
    return np.where((observations == 0) | np.isnan(observations), np.nan, result)
