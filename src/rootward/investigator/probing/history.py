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
YOUNG_PAST_MIN_S = 30.0  # of data before the alert; less is no past at all
YOUNG_LEAD_SHARE, YOUNG_LEAD_MAX_S = (
    0.25,
    300.0,
)  # of that past, what is left to the focus: trouble begins before its alert


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
    if best is None and near:
        # A little past is asked for where it lies, so that its few minutes are not spread over a grid of hours.
        recorded = times[times >= frame.baseline.start_s]
        best = windows.Window(float(recorded[0]) - COARSE_STEP_S, max(float(recorded[-1]), float(recorded[0])))
    if best is None:
        return await _young(source, metrics, frame, chosen)
    start_s = max(best.start_s, best.end_s - chosen.history_s)
    return dataclasses.replace(frame, baseline=windows.Window(start_s, best.end_s))


async def _young(
    source: protocols.MetricSource, metrics: Sequence[str], frame: framing.Frame, chosen: options.Options
) -> framing.Frame:
    """The frame of a system whose data begin only after the focus does: what there is before the alert becomes the baseline, so that
    the grid is as fine as the little past is short. Unchanged when there is none."""
    window = windows.Window(max(frame.focus.start_s, frame.focus.end_s - FINE_WINDOW_S), frame.focus.end_s)
    times: list[float] = []
    for answer in await source.query_all(_counts(metrics), window, FINE_STEP_S, chosen.limits):
        times.extend(
            float(line.times_s[np.isfinite(line.values)][0]) for line in answer.value or () if line.finite().size
        )
    past_s = frame.alert.starts_at_s - min(times, default=frame.alert.starts_at_s)
    if past_s < YOUNG_PAST_MIN_S or min(times) <= window.start_s:
        return frame
    split_s = frame.alert.starts_at_s - min(YOUNG_LEAD_MAX_S, past_s * YOUNG_LEAD_SHARE)
    return dataclasses.replace(
        frame,
        baseline=windows.Window(min(times), split_s),
        focus=windows.Window(split_s, frame.focus.end_s),
    )


async def _covered(
    source: protocols.MetricSource, metrics: Sequence[str], window: windows.Window, chosen: options.Options
) -> series.FloatArray:
    """Coarse times (sorted, distinct) at which any of a few metrics has a sample."""
    found: list[series.FloatArray] = []
    for answer in await source.query_all(_counts(metrics), window, COARSE_STEP_S, chosen.limits):
        found.extend(line.times_s[np.isfinite(line.values)] for line in answer.value or ())
    return np.unique(np.concatenate(found)) if found else np.empty(0)


def _counts(metrics: Sequence[str]) -> list[protocols.MetricQuery]:
    """How many series each of a few metrics has: where there is a number, there are samples."""
    return [protocols.MetricQuery(metric, aggregate="count") for metric in metrics[:PROBED_METRICS]]


def _latest_stretch(times: series.FloatArray, *, better_than: int) -> windows.Window | None:
    """The latest run of coarse points without long gaps that holds more points than `better_than`.

    Where nothing is long enough and nothing lies just before the alert either, the longest there is: minutes of past, finely
    sampled, are better than none.
    """
    if len(times) == 0:
        return None
    breaks = np.flatnonzero(np.diff(times) > 3 * COARSE_STEP_S) + 1
    parts = np.split(times, breaks)
    for part in reversed(parts):
        if len(part) >= max(STRETCH_POINTS_MIN, better_than + 1):
            return windows.Window(float(part[0]) - COARSE_STEP_S, float(part[-1]))
    longest = max(reversed(parts), key=len)
    return windows.Window(float(longest[0]) - COARSE_STEP_S, float(longest[-1])) if better_than == 0 else None


async def sampling_interval_s(
    source: protocols.MetricSource, metrics: Sequence[str], frame: framing.Frame, chosen: options.Options
) -> float:
    """The usual time between samples of a few metrics, as one of the intervals in use; a minute when it cannot be told."""
    end_s = frame.focus.end_s
    window = windows.Window(max(frame.focus.start_s, end_s - FINE_WINDOW_S), end_s)
    gaps: list[series.FloatArray] = []
    queries = [protocols.MetricQuery(metric) for metric in metrics[:PROBED_METRICS]]
    for answer in await source.query_all(queries, window, FINE_STEP_S, chosen.limits):
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
