"""Collects rows and labels into blocks, and makes them look scraped: counters whole and cumulative, resets, gaps."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rootward import _rng
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay

FloatArray = npt.NDArray[Any]


class Sheet:
    """Series of one scrape job. Rows are [T]; `pod` is an index into the fleet, -1 for targets that live throughout."""

    def __init__(self, frame: fr.Frame, job: str) -> None:
        self._frame = frame
        self._job = job
        self._labels: list[tm.Labels] = []
        self._rows: list[FloatArray] = []

    def gauge(self, labels: tm.Labels, row: FloatArray, pod: int = -1) -> None:
        self.gauges([labels], row[None, :], [pod])

    def counter(self, labels: tm.Labels, steps: FloatArray, pod: int = -1, *, whole: bool = True) -> None:
        """`steps` is the increase in each step."""
        self.counters([labels], steps[None, :], [pod], whole=whole)

    def gauges(self, labels: list[tm.Labels], rows: FloatArray, pods: list[int]) -> None:
        self._labels.extend(labels)
        self._rows.append(seen(self._frame, np.array(rows, dtype=np.float64), pods))

    def counters(self, labels: list[tm.Labels], steps: FloatArray, pods: list[int], *, whole: bool = True) -> None:
        self._labels.extend(labels)
        self._rows.append(seen(self._frame, cumulative(self._frame, steps, pods, whole=whole), pods))

    def blocks(self) -> list[tm.MetricBlock]:
        """One block; scrape times are offset from the grid as a scraper spreads its targets."""
        if not self._labels:
            return []
        frame = self._frame
        offset_s = float(np.round(_rng.stream(0, "scrape", self._job).uniform(0.0, min(frame.step_s, 15.0)) * 0.9, 3))
        return [tm.MetricBlock(frame.times_s + offset_s, np.concatenate(self._rows), tuple(self._labels))]


def cumulative(frame: fr.Frame, steps: FloatArray, pods: list[int], *, whole: bool = True) -> FloatArray:
    """Counters from increases: with a past before the window, whole if they count things, reset where containers restarted."""
    rows = np.array(steps, dtype=np.float64)
    rows[:, 0] *= _past(frame, pods)
    np.cumsum(rows, axis=1, out=rows)
    if whole:
        np.floor(rows, out=rows)
    restarted = {p for p in pods if p >= 0 and frame.fleet.pods[p].restarts}
    if restarted:
        for row, p in enumerate(pods):
            if p in restarted:
                _reset(frame, rows[row], p)
    return rows


def _past(frame: fr.Frame, pods: list[int]) -> FloatArray:
    """How many steps' worth of the first increase happened before the window."""
    start_s = float(frame.times_s[0])
    ages_s = [start_s - frame.fleet.pods[p].created_s if p >= 0 else 1.7e6 for p in pods]
    return np.maximum(np.array(ages_s) / frame.step_s * 0.8, 1.0)


def _reset(frame: fr.Frame, row: FloatArray, pod: int) -> None:
    for restart in frame.fleet.pods[pod].restarts:
        if 0 < restart.at < frame.steps:
            row[restart.at :] -= row[restart.at - 1]


def seen(frame: fr.Frame, rows: FloatArray, pods: list[int]) -> FloatArray:
    """Mark as absent what was not scraped: before a pod existed, while its container was down, when a scrape failed."""
    bits = rows.view(np.uint64)
    gaps = scrape_gaps(frame)
    for row, p in enumerate(pods):
        if p < 0:
            continue
        missing = ~frame.fleet.ready[p]
        if p in gaps:
            missing = missing | gaps[p]
        if missing.any():
            bits[row, missing] = tm.STALE_BITS
    return rows


def scrape_gaps(frame: fr.Frame) -> dict[int, lay.BoolArray]:
    """Pods whose scrapes fail now and then, and when; empty in a world without noise."""
    if not frame.noise:
        return {}
    rng = frame.rng("gaps")
    gaps: dict[int, lay.BoolArray] = {}
    for p in sorted({int(i) for i in rng.integers(0, len(frame.fleet.pods), max(1, len(frame.fleet.pods) // 6))}):
        missing = np.zeros(frame.steps, dtype=np.bool_)
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(0, frame.steps))
            missing[at : at + int(rng.integers(1, 8))] = True
        gaps[p] = missing
    return gaps
