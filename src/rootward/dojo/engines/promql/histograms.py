"""Quantiles of classic histograms (buckets with `le`), after promql/quantile.go of prometheus/prometheus."""

import math

import numpy as np

from rootward.dojo.engines.promql import options, values

FloatArray = values.FloatArray
Vector = values.Vector

LE = "le"
_SMALL = 1e-12  # relative differences below it between buckets are rounding, not disorder


def bound(text: str) -> float:
    """`le` as a number; NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def quantile(q: FloatArray, vector: Vector, settings: options.Options) -> Vector:
    """histogram_quantile with `q` [N]; series without a usable `le` take no part."""
    bounds = np.array([bound(dict(labels).get(LE, "")) for labels in vector.labels])
    usable = vector.rows(np.flatnonzero(~np.isnan(bounds)))
    bounds = bounds[~np.isnan(bounds)]
    drop = frozenset({LE, values.NAME})
    keys = [values.drop_labels(labels, drop) for labels in usable.labels]
    groups, first = values.group(keys)
    out = np.full((len(first), vector.values.shape[1]), np.nan)
    present = np.zeros(out.shape, dtype=bool)
    for number in range(len(first)):
        rows = np.flatnonzero(groups == number)
        rows = rows[np.argsort(bounds[rows], kind="stable")]
        held = usable.present[rows]
        present[number] = held.any(axis=0)
        for buckets, steps in _patterns(held):
            counts = usable.values[rows[buckets]][:, steps]
            out[number, steps] = _one_histogram(q[steps], bounds[rows[buckets]], counts, settings)
    return values.merged(Vector([keys[i] for i in first], out, present))


def _patterns(held: values.BoolArray) -> list[tuple[values.IntArray, values.IntArray]]:
    """(buckets, steps) such that at those steps exactly those buckets are present; steps without any are left out."""
    if held.all():
        return [(np.arange(held.shape[0]), np.arange(held.shape[1]))]
    kinds, which = np.unique(held, axis=1, return_inverse=True)
    return [
        (np.flatnonzero(kinds[:, kind]), np.flatnonzero(which.ravel() == kind))
        for kind in range(kinds.shape[1])
        if kinds[:, kind].any()
    ]


def _one_histogram(q: FloatArray, bounds: FloatArray, counts: FloatArray, settings: options.Options) -> FloatArray:
    """`bounds` [B] ascending, `counts` [B, n] cumulative, `q` [n]."""
    distinct, starts = np.unique(bounds, return_index=True)
    counts = np.add.reduceat(counts, starts, axis=0)  # the same bound twice (`1` and `1.0`) is one bucket
    if not np.isposinf(distinct[-1]) or len(distinct) < 2:
        inside = np.full(len(q), np.nan)
    else:
        inside = _interpolated(np.nan_to_num(q), distinct, _monotonic(counts, settings))
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, inside))
    return np.where(np.isnan(q), np.nan, result)


def _monotonic(counts: FloatArray, settings: options.Options) -> FloatArray:
    """Cumulative counts may not fall from bucket to bucket; scrapes and rates make them."""
    if settings.dialect is options.Dialect.V2:
        return np.fmax.accumulate(counts, axis=0)
    out = counts.copy()
    for k in range(1, len(out)):
        before, now = out[k - 1], out[k]
        close = np.abs(now - before) / (np.abs(now) + np.abs(before)) < _SMALL
        out[k] = np.where(close | (now < before), before, now)
    return out


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
