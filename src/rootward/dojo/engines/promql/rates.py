"""rate, increase, delta and their kin: change over a window, with Prometheus's extrapolation to the window's edges.

After promql/functions.go (extrapolatedRate, instantValue) of prometheus/prometheus.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rootward.dojo.engines.promql import options, values, windows

FloatArray = values.FloatArray
BoolArray = values.BoolArray
Result = tuple[FloatArray, BoolArray]

_NEAR = 1.1  # an edge closer than this many sampling intervals is extrapolated to


def rate(parts: Sequence[windows.Windows]) -> Result:
    return _extrapolated(parts, counter=True, per_second=True)


def increase(parts: Sequence[windows.Windows]) -> Result:
    return _extrapolated(parts, counter=True, per_second=False)


def delta(parts: Sequence[windows.Windows]) -> Result:
    return _extrapolated(parts, counter=False, per_second=False)


def irate(w: windows.Windows) -> Result:
    """Per second between the last two samples; after a reset the last sample counts from zero."""
    change, present, last = _last_change(w)
    change = np.where(change < 0, last, change)
    seconds = (w.times_ms[w.last] - w.times_ms[np.maximum(w.last - 1, 0)]) / 1000
    return change / seconds, present


def idelta(w: windows.Windows) -> Result:
    change, present, _ = _last_change(w)
    return change, present


def changes(w: windows.Windows) -> Result:
    """How often the value changed; NaN after NaN is no change."""
    before, after = w.block[:, :-1], w.block[:, 1:]
    return _events(w, (before != after) & ~(np.isnan(before) & np.isnan(after)))


def resets(w: windows.Windows) -> Result:
    """How often the value fell."""
    return _events(w, w.block[:, 1:] < w.block[:, :-1])


def _last_change(w: windows.Windows) -> tuple[FloatArray, BoolArray, FloatArray]:
    last = w.block[:, w.last]
    change = last - w.block[:, np.maximum(w.last - 1, 0)]
    return change, np.broadcast_to(w.counts >= 2, change.shape), last


def _events(w: windows.Windows, happened: BoolArray) -> Result:
    """Events between neighbouring samples of a window; `happened` [R, T-1]."""
    total = np.zeros(w.block.shape, dtype=np.int64)
    np.cumsum(happened, axis=1, out=total[:, 1:])
    count = (total[:, w.last] - total[:, w.first]).astype(np.float64)
    return count, np.broadcast_to(w.counts >= 1, count.shape)


def _extrapolated(parts: Sequence[windows.Windows], *, counter: bool, per_second: bool) -> Result:
    """Of all rows of the parts, one below the other: pods come and go, so that a metric's series have many parts of few rows."""
    end_ms, range_ms, dialect = parts[0].end_ms, parts[0].range_ms, parts[0].settings.dialect
    first = np.concatenate([w.block[:, w.first] for w in parts])
    change = np.concatenate([w.block[:, w.last] for w in parts]) - first
    if counter:
        change += np.concatenate([_lost_in_resets(w) for w in parts])
    counts = np.stack([w.counts for w in parts])
    first_ms, last_ms = np.stack([w.times_ms[w.first] for w in parts]), np.stack([w.times_ms[w.last] for w in parts])
    enough = counts >= 2
    seconds = np.where(enough, (last_ms - first_ms) / 1000, np.nan)
    interval = seconds / (counts - 1)
    to_start = (first_ms - (end_ms - range_ms)) / 1000
    to_end = (end_ms - last_ms) / 1000
    near = interval * _NEAR
    to_end = np.where(to_end < near, to_end, interval / 2)
    if dialect is options.Dialect.V3:
        to_start = np.where(to_start < near, to_start, interval / 2)
    own = np.repeat(np.arange(len(parts)), [len(w.block) for w in parts])  # which part a row is of
    start = _not_below_zero(to_start[own], first, change, seconds[own], counter=counter)
    if dialect is options.Dialect.V2:
        start = np.where(start < near[own], start, (interval / 2)[own])
    factor = (seconds[own] + start + to_end[own]) / seconds[own]
    if per_second:
        factor = factor / (range_ms / 1000)
    return change * factor, enough[own]


def _not_below_zero(
    start: FloatArray, first: FloatArray, change: FloatArray, seconds: FloatArray, *, counter: bool
) -> FloatArray:
    """A counter cannot have been negative: extrapolate to the start of the window no further than to where it was zero."""
    if not counter:
        return start
    early = (first >= 0) & (first * seconds < start * change)  # never where `change` is not positive
    return np.where(early, seconds * (first / change), start) if early.any() else start


def _lost_in_resets(w: windows.Windows) -> FloatArray:
    """What each window's falls hide: the sum of the values just before them. [R, N]

    Summed window by window: a difference of running totals would leave rounding where the truth is exactly zero.
    """
    before = w.block[:, :-1]
    fell = w.block[:, 1:] < before
    rows = np.flatnonzero(fell.any(axis=1))
    lost = np.zeros(w.shape)
    if len(rows):
        hidden = np.zeros((len(rows), w.block.shape[1]))
        np.copyto(hidden[:, :-1], before[rows], where=fell[rows])
        pairs = dataclasses.replace(w, block=hidden, high=np.maximum(w.high - 1, w.low))
        lost[rows] = np.where(pairs.counts > 0, windows.reduced(pairs, np.add), 0.0)
    return lost
