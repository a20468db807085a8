"""The `*_over_time` functions: one number per window, from all its samples.

After promql/functions.go of prometheus/prometheus.
"""

from collections.abc import Callable

import numpy as np

from rootward.dojo.engines.promql import ranking, values, windows

FloatArray = values.FloatArray
Result = tuple[FloatArray, values.BoolArray]


def _where_any(w: windows.Windows, result: FloatArray) -> Result:
    return result, np.broadcast_to(w.counts >= 1, w.shape)


def total(w: windows.Windows) -> Result:
    return _where_any(w, windows.reduced(w, np.add))


def mean(w: windows.Windows) -> Result:
    sums = windows.reduced(w, np.add)
    counts = np.maximum(w.counts, 1)
    result = sums / counts
    overflowed = np.isinf(result)
    if overflowed.any():  # the sum may be too large where the mean is not
        scaled = windows.reduced(w, np.add, w.block / 2.0**11) / counts * 2.0**11
        result = np.where(overflowed, scaled, result)
    return _where_any(w, result)


def least(w: windows.Windows) -> Result:
    return _where_any(w, windows.reduced(w, np.fmin))


def greatest(w: windows.Windows) -> Result:
    return _where_any(w, windows.reduced(w, np.fmax))


def count(w: windows.Windows) -> Result:
    return _where_any(w, np.broadcast_to(w.counts.astype(np.float64), w.shape))


def present(w: windows.Windows) -> Result:
    return _where_any(w, np.ones(w.shape))


def first(w: windows.Windows) -> Result:
    return _where_any(w, w.block[:, w.first])


def last(w: windows.Windows) -> Result:
    return _where_any(w, w.block[:, w.last])


def stamp_of_first(w: windows.Windows) -> Result:
    return _where_any(w, np.broadcast_to(w.times_ms[w.first] / 1000, w.shape))


def stamp_of_last(w: windows.Windows) -> Result:
    return _where_any(w, np.broadcast_to(w.times_ms[w.last] / 1000, w.shape))


def stamp_of_least(w: windows.Windows) -> Result:
    return _stamp_of(w, np.less_equal)


def stamp_of_greatest(w: windows.Windows) -> Result:
    return _stamp_of(w, np.greater_equal)


def _stamp_of(w: windows.Windows, beats: Callable[[FloatArray, FloatArray], values.BoolArray]) -> Result:
    """When the extreme was last reached."""
    out = np.zeros(w.shape)
    for part, samples, columns, inside in windows.gather(w):
        best, when = samples[:, :, 0], np.broadcast_to(w.times_ms[columns[:, 0]], samples.shape[:2])
        for k in range(1, samples.shape[2]):
            better = inside[:, k] & (beats(samples[:, :, k], best) | np.isnan(best))
            best = np.where(better, samples[:, :, k], best)
            when = np.where(better, w.times_ms[columns[:, k]], when)
        out[:, part] = when / 1000
    return _where_any(w, out)


def variance(w: windows.Windows) -> Result:
    out = np.full(w.shape, np.nan)
    for part, samples, _, inside in windows.gather(w):
        counts = np.maximum(inside.sum(axis=1), 1)
        middle = np.where(inside, samples, 0.0).sum(axis=2) / counts
        away = np.where(inside, samples - middle[:, :, None], 0.0)
        out[:, part] = (away * away).sum(axis=2) / counts
    return _where_any(w, out)


def deviation(w: windows.Windows) -> Result:
    result, held = variance(w)
    return np.sqrt(result), held


def median_deviation(w: windows.Windows) -> Result:
    """Median of the distances from the median."""
    out = np.full(w.shape, np.nan)
    for part, samples, _, inside in windows.gather(w):
        mask = np.broadcast_to(inside, samples.shape)
        half = np.full(samples.shape[:2], 0.5)
        middle = ranking.quantile(half, samples, mask)
        out[:, part] = ranking.quantile(half, np.abs(samples - middle[:, :, None]), mask)
    return _where_any(w, out)


def quantile(w: windows.Windows, q: FloatArray) -> Result:
    """`q` shape [N]."""
    out = np.full(w.shape, np.nan)
    for part, samples, _, inside in windows.gather(w):
        wanted = np.broadcast_to(q[part], samples.shape[:2])
        out[:, part] = ranking.quantile(wanted, samples, np.broadcast_to(inside, samples.shape))
    return _where_any(w, out)
