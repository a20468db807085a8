"""How much past there is, and how finely it was sampled: asked before measuring, so that windows and steps fit the data.

A recorded or young system may have no data just before the alert; then the latest earlier stretch serves as the baseline. A grid
finer than the scrape interval only repeats samples, which would make noise look smooth; so the interval is measured first.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rootward.investigator import frame as framing
from rootward.investigator import options
from rootward.signals import protocols, series, windows

COARSE_STEP_S = 300.0
ENOUGH_POINTS = 12  # an hour of coarse points: a baseline worth having
STRETCH_POINTS_MIN = 4
FINE_STEP_S = 5.0
FINE_WINDOW_S = 1500.0
INTERVALS_S = (5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)  # scrape intervals in use
PROBED_METRICS = 3


async def settle_baseline(
    source: protocols.MetricSource, metrics: Sequence[str], frame: framing.Frame, chosen: options.Options
) -> framing.Frame:
    """The frame, its baseline moved to the latest earlier stretch that has data when there is too little just before."""
    window = windows.Window(frame.focus.start_s - chosen.lookback_s, frame.focus.start_s)
    times = await _covered(source, metrics, window, chosen)
    near = int(np.count_nonzero(times >= frame.baseline.start_s))
    if near >= ENOUGH_POINTS:
        return frame
    best = _latest_stretch(times, better_than=near)
    if best is None:
        return frame
    start_s = max(best.start_s, best.end_s - chosen.history_s)
    return dataclasses.replace(frame, baseline=windows.Window(start_s, best.end_s))


async def _covered(
    source: protocols.MetricSource, metrics: Sequence[str], window: windows.Window, chosen: options.Options
) -> series.FloatArray:
    """Coarse times (sorted, distinct) at which any of a few metrics has a sample."""
    found: list[series.FloatArray] = []
    for metric in metrics[:PROBED_METRICS]:
        query = protocols.MetricQuery(metric, aggregate="count")
        answer = await source.query(query, window, COARSE_STEP_S, chosen.limits)
        found.extend(line.times_s[np.isfinite(line.values)] for line in answer.value or ())
    return np.unique(np.concatenate(found)) if found else np.empty(0)


def _latest_stretch(times: series.FloatArray, *, better_than: int) -> windows.Window | None:
    """The latest run of coarse points without long gaps that holds more points than `better_than`."""
    if len(times) == 0:
        return None
    breaks = np.flatnonzero(np.diff(times) > 3 * COARSE_STEP_S) + 1
    for part in reversed(np.split(times, breaks)):
        if len(part) >= max(STRETCH_POINTS_MIN, better_than + 1):
            return windows.Window(float(part[0]) - COARSE_STEP_S, float(part[-1]))
    return None


async def sampling_interval_s(
    source: protocols.MetricSource, metrics: Sequence[str], frame: framing.Frame, chosen: options.Options
) -> float:
    """The usual time between samples of a few metrics, as one of the intervals in use; a minute when it cannot be told."""
    end_s = frame.focus.end_s
    window = windows.Window(max(frame.focus.start_s, end_s - FINE_WINDOW_S), end_s)
    gaps: list[series.FloatArray] = []
    for metric in metrics[:PROBED_METRICS]:
        answer = await source.query(protocols.MetricQuery(metric), window, FINE_STEP_S, chosen.limits)
        gaps.extend(_gaps(line) for line in (answer.value or ())[:50])
    pooled = np.concatenate(gaps) if gaps else np.empty(0)
    if len(pooled) == 0:
        return 60.0
    # A value that happens to repeat hides a sample and doubles the gap, so the low end of the gaps is the interval.
    typical = float(np.quantile(pooled, 0.3))
    return min(INTERVALS_S, key=lambda interval: abs(np.log(interval / max(typical, 1.0))))


def _gaps(line: series.Series) -> series.FloatArray:
    """Times between changes of value; where there is no sample nothing changed."""
    step = np.diff(line.values)
    return np.diff(line.times_s[1:][np.isfinite(step) & (step != 0)])


def step_s(frame: framing.Frame, interval_s: float, points_max: int) -> float:
    """The smallest multiple of the sampling interval that keeps a line within `points_max` points."""
    length_s = frame.baseline.length_s + frame.focus.length_s
    return interval_s * max(1.0, float(np.ceil(length_s / interval_s / points_max)))
