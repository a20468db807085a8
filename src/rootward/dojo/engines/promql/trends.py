"""deriv, predict_linear and double exponential smoothing: a line through, or a memory of, each window's samples.

After promql/functions.go (linearRegression, funcDoubleExponentialSmoothing) of prometheus/prometheus.
"""

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import values, windows

FloatArray = values.FloatArray
Result = tuple[FloatArray, values.BoolArray]


def deriv(w: windows.Windows) -> Result:
    """Slope per second of the least-squares line, seen from each window's first sample (as Prometheus does, for precision)."""
    slope, _ = _line(w, w.times_ms[w.first])
    return slope, np.broadcast_to(w.counts >= 2, w.shape)


def predict_linear(w: windows.Windows, ahead_s: FloatArray) -> Result:
    """The line's value `ahead_s` [N] seconds after each evaluation time."""
    slope, level = _line(w, w.eval_ms)
    return slope * ahead_s + level, np.broadcast_to(w.counts >= 2, w.shape)


def _line(w: windows.Windows, origin_ms: values.IntArray) -> tuple[FloatArray, FloatArray]:
    """Slope per second, and level at `origin_ms` [N]; both [R, N]."""
    slope, level = np.full(w.shape, np.nan), np.full(w.shape, np.nan)
    for part, samples, columns, inside in windows.gather(w):
        counts = np.maximum(inside.sum(axis=1), 1)
        x = np.where(inside, (w.times_ms[columns] - origin_ms[part, None]) / 1000, 0.0)
        y = np.where(inside, samples, 0.0)
        mean_x, mean_y = x.sum(axis=1) / counts, y.sum(axis=2) / counts
        away_x = np.where(inside, x - mean_x[:, None], 0.0)
        away_y = np.where(inside, y - mean_y[:, :, None], 0.0)
        steep = (away_x * away_y).sum(axis=2) / (away_x * away_x).sum(axis=1)
        begin = samples[:, :, 0]
        flat = ((samples == begin[:, :, None]) | ~inside).all(axis=2)
        steep = np.where(flat, np.where(np.isinf(begin), np.nan, 0.0), steep)
        slope[:, part] = steep
        level[:, part] = np.where(flat, np.where(np.isinf(begin), np.nan, begin), mean_y - steep * mean_x)
    return slope, level


def smooth(w: windows.Windows, factor: FloatArray, trend_factor: FloatArray) -> Result:
    """Holt's linear method; `factor` and `trend_factor` [N] in (0, 1).

    Raises:
        errors.QueryExecutionError: a factor outside.
    """
    for name, given in (("smoothing", factor), ("trend", trend_factor)):
        wrong = given[~((given > 0) & (given < 1))]
        if len(wrong):
            raise errors.QueryExecutionError(f"invalid {name} factor. Expected: 0 < {name[0]}f < 1, got: {wrong[0]:f}")
    out = np.full(w.shape, np.nan)
    for part, samples, _, inside in windows.gather(w):
        if samples.shape[2] < 2:
            continue
        s, b = factor[part], trend_factor[part]
        before = level = samples[:, :, 0]
        trend = samples[:, :, 1] - level
        for k in range(1, samples.shape[2]):
            if k > 1:
                trend = b * (level - before) + (1 - b) * trend
            smoothed = s * samples[:, :, k] + (1 - s) * (level + trend)
            before, level = level, np.where(inside[:, k], smoothed, level)
        out[:, part] = level
    return out, np.broadcast_to(w.counts >= 2, w.shape)
