"""What a native histogram tells as a number: how many, how much, quantiles, shares between bounds, spread.

After promql/quantile.go and promql/functions.go of prometheus/prometheus. Between the bounds of a bucket observations are taken to be
spread evenly over their logarithm, as version 3 does; version 2 took them to be spread evenly over their value.
"""

from collections.abc import Callable

import numpy as np

from rootward.dojo.engines.promql import native, options, values

FloatArray = values.FloatArray
Histograms = native.Histograms


def count(h: Histograms) -> FloatArray:
    return np.asarray(h.cells[native.COUNT], dtype=np.float64)


def added(h: Histograms) -> FloatArray:
    return np.asarray(h.cells[native.SUM], dtype=np.float64)


def mean(h: Histograms) -> FloatArray:
    return np.asarray(h.cells[native.SUM] / h.cells[native.COUNT], dtype=np.float64)


def variance(h: Histograms) -> FloatArray:
    """Every observation stands in the geometric middle of its bucket."""
    middle = np.sqrt(h.shape.lowers() * h.shape.uppers())[:, None]
    middles = np.concatenate([np.zeros((1, 1)), middle])
    away = middles - mean(h)
    counts = h.cells[native.ZERO :]
    return np.asarray((np.where(counts > 0, away * away, 0.0) * counts).sum(axis=0) / count(h), dtype=np.float64)


def deviation(h: Histograms) -> FloatArray:
    return np.asarray(np.sqrt(variance(h)), dtype=np.float64)


OF_ONE: dict[str, Callable[[Histograms], FloatArray]] = {
    "histogram_count": count,
    "histogram_sum": added,
    "histogram_avg": mean,
    "histogram_stdvar": variance,
    "histogram_stddev": deviation,
}


def _edges(h: Histograms) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bounds of the zero bucket and of the others; nothing lies below zero."""
    lowers, uppers = h.shape.lowers(), h.shape.uppers()
    return np.concatenate([[0.0], lowers]), np.concatenate([[h.shape.near], uppers])


def quantile(q: FloatArray, h: Histograms, settings: options.Options) -> FloatArray:
    """histogram_quantile with `q` [N]."""
    lowers, uppers = _edges(h)
    counts = h.cells[native.ZERO :]
    whole = count(h)
    rank = np.nan_to_num(q) * whole
    reached = np.cumsum(counts, axis=0)
    enough = (reached >= rank) & (counts > 0)
    at = np.where(enough.any(axis=0), enough.argmax(axis=0), len(lowers) - 1)
    steps = np.arange(len(q))
    share = (rank - (reached[at, steps] - counts[at, steps])) / counts[at, steps]
    low, high = lowers[at], uppers[at]
    inside = low + (high - low) * share
    if settings.dialect is options.Dialect.V3:
        logs = np.log2(np.where(low > 0, low, 1.0)), np.log2(np.where(low > 0, high, 1.0))
        inside = np.where(low > 0, np.exp2(logs[0] + (logs[1] - logs[0]) * share), inside)
    highest = np.max(np.where(counts > 0, uppers[:, None], 0.0), axis=0)
    inside = np.where(enough.any(axis=0), inside, highest)  # rounding may keep the buckets' sum below the count
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, inside))
    return np.where((whole == 0) | np.isnan(q), np.nan, result)


def fraction(low: FloatArray, high: FloatArray, h: Histograms, settings: options.Options) -> FloatArray:
    """histogram_fraction between `low` and `high` [N]."""
    share = (_below(high, h, settings) - _below(low, h, settings)) / count(h)
    share = np.where(low >= high, 0.0, share)
    return np.where((count(h) == 0) | np.isnan(low) | np.isnan(high), np.nan, share)


def _below(limit: FloatArray, h: Histograms, settings: options.Options) -> FloatArray:
    """How many observations lie below `limit` [N]."""
    lowers, uppers = (edge[:, None] for edge in _edges(h))
    counts, least = h.cells[native.ZERO :], np.clip(limit, 0.0, None)
    share = np.clip((least - lowers) / (uppers - lowers), 0.0, 1.0)
    if settings.dialect is options.Dialect.V3:
        safe = np.where(lowers > 0, lowers, 1.0)
        logs = np.log2(np.maximum(least, 1e-300) / safe) / np.log2(np.where(lowers > 0, uppers, 2.0) / safe)
        share = np.where(lowers > 0, np.clip(logs, 0.0, 1.0), share)
    share = np.where(uppers <= least, 1.0, np.where(lowers >= least, 0.0, share))
    return np.asarray((np.where(counts > 0, share, 0.0) * counts).sum(axis=0), dtype=np.float64)
