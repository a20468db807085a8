"""When trouble began: one change point for the whole system, found from all signals together.

The log-likelihood gain of a common step in the mean (Page 1954; Killick and Eckley 2014 for the multivariate cost), each
signal standardised by its own past and its vote capped, so that one wild signal does not set the time for all. The alert
anchors the search: alerts fire after trouble began, and rarely long after.
"""

import math
from collections.abc import Sequence

import numpy as np

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import shifts
from rootward.signals import series

VOTE_MAX = 12.0  # nats that one signal may say for one onset
LATE_SCALE_S = 60.0  # … and the lateness of an onset that the alert foresaw
RECENT_MIN = 4  # samples before the alert; with fewer, the baseline is elsewhere and all of it is used
CLIP_SIGMA = 6.0
LATE_S = 120.0  # an alert's own clock may run ahead of the trouble it reports by this much
LEAD_SCALE_S = 150.0  # alerts fire minutes after onset: exponential prior on the lead
LEAD_FREE_S = 60.0  # rules evaluate and wait about this long before they fire
CANDIDATES_MAX = 240


Grid = tuple[series.FloatArray, series.FloatArray]
"""Times [T] and rows [S, T] that share them."""


def estimate(case: cases.Case, derived: Sequence[Grid] = ()) -> float:
    """Seconds since the epoch; `derived` are rows computed from spans and logs, sampled finer than metrics often are.

    Without a change anywhere it is shortly before the alert.
    """
    alert_s = case.alert.starts_at_s
    low, high = case.focus.start_s, min(alert_s + LATE_S, case.focus.end_s)
    grids = [*((grid.times, grid.matrix) for grid in shifts.grids(case)), *derived]
    candidates = _candidates([times for times, _ in grids], low, high)
    if not candidates.size:
        return max(low, alert_s - LEAD_SCALE_S / 2)
    gains = np.zeros(candidates.size)
    for times, matrix in grids:
        gains += _grid_gains(times, matrix, candidates, alert_s)
    lead_s = np.maximum(alert_s - candidates - LEAD_FREE_S, 0.0)
    late_s = np.maximum(candidates - alert_s, 0.0)
    return float(candidates[int(np.argmax(_compressed(gains) - lead_s / LEAD_SCALE_S - late_s / LATE_SCALE_S))])


def _compressed(gains: series.FloatArray) -> series.FloatArray:
    """Signals are not independent: a hundred that move together say a few things, not a hundred."""
    return np.log1p(np.maximum(gains, 0.0)) * math.e


def _candidates(times: Sequence[series.FloatArray], low_s: float, high_s: float) -> series.FloatArray:
    ordered = np.unique(np.concatenate([grid[(grid > low_s) & (grid <= high_s)] for grid in times] or [np.zeros(0)]))
    if ordered.size > CANDIDATES_MAX:
        ordered = ordered[np.linspace(0, ordered.size - 1, CANDIDATES_MAX).astype(int)]
    return ordered


def _grid_gains(
    times: series.FloatArray, matrix: series.FloatArray, candidates: series.FloatArray, alert_s: float
) -> series.FloatArray:
    """Sum over rows of the capped gain of a step at each candidate."""
    center, sigma = shifts.median_and_sigma(matrix[:, times < alert_s])
    scale = np.maximum(sigma, shifts.RELATIVE_FLOOR * np.abs(center))
    usable = np.isfinite(center) & (scale > 0)
    if not usable.any():
        return np.zeros(candidates.size)
    standard = np.clip((matrix[usable] - center[usable, None]) / scale[usable, None], -CLIP_SIGMA, CLIP_SIGMA)
    recent = times >= times[-1] - 4 * shifts.LOCAL_S
    if (
        int((recent & (times < alert_s)).sum()) < RECENT_MIN
        or not np.isfinite(standard[:, recent & (times < alert_s)]).any()
    ):
        recent[:] = True
    standard, grid = standard[:, recent], times[recent]
    finite = np.isfinite(standard)
    totals = np.cumsum(np.pad(np.where(finite, standard, 0.0), ((0, 0), (1, 0))), axis=1)
    counts = np.cumsum(np.pad(finite.astype(float), ((0, 0), (1, 0))), axis=1)
    split = np.searchsorted(grid, candidates, side="left")
    left_sum, left_n = totals[:, split], counts[:, split]
    right_sum, right_n = totals[:, -1:] - left_sum, counts[:, -1:] - left_n
    both = (left_n >= 1) & (right_n >= 1)
    difference = right_sum / np.maximum(right_n, 1) - left_sum / np.maximum(left_n, 1)
    gain = 0.5 * difference**2 * (left_n * right_n) / np.maximum(left_n + right_n, 1)
    gain = np.where(both, gain, 0.0)
    # Scaled down, not cut off: a cut would flatten the peak that tells the time.
    weight = np.minimum(1.0, VOTE_MAX / np.maximum(gain.max(axis=1, initial=0.0), 1e-9))
    return np.asarray((gain * weight[:, None]).sum(axis=0), dtype=np.float64)
