"""Collects rows and labels into blocks, and makes them look scraped: counters whole and cumulative, resets, gaps."""

from typing import Any

import numpy as np
import numpy.typing as npt

from rootward import _rng
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr

FloatArray = npt.NDArray[Any]


OWN = ("requests", "runtimes", "pools", "clients")
"""Pages that a service exposes itself; the rest is seen from outside it."""
LARGE = 24
"""Rows that make a block of their own."""


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
        self._rows.append(self._seen(np.array(rows, dtype=np.float64), pods))

    def counters(self, labels: list[tm.Labels], steps: FloatArray, pods: list[int], *, whole: bool = True) -> None:
        self._labels.extend(labels)
        self._rows.append(self._seen(cumulative(self._frame, steps, pods, whole=whole), pods))

    def _seen(self, rows: FloatArray, pods: list[int]) -> FloatArray:
        rows = seen(self._frame, rows, pods)
        lost = self._frame.draft.unscraped if self._job in OWN else {}
        for row, p in enumerate(pods) if lost else ():
            missing = lost.get(self._frame.fleet.pods[p].component) if p >= 0 else None
            if missing is not None:
                rows.view(np.uint64)[row, missing] = tm.STALE_BITS
        return rows

    def blocks(self) -> list[tm.MetricBlock]:
        """The page as blocks; scrape times are offset from the grid as a scraper spreads its targets."""
        frame = self._frame
        offset_s = float(np.round(_rng.stream(0, "scrape", self._job).uniform(0.0, min(frame.step_s, 15.0)) * 0.9, 3))
        times_s = frame.times_s + offset_s
        blocks: list[tm.MetricBlock] = []
        rows: list[FloatArray] = []
        labels: list[tm.Labels] = []
        at = 0
        for part in self._rows:
            mine = self._labels[at : at + len(part)]
            at += len(part)
            if len(part) >= LARGE:  # joining it to the others would copy it
                blocks.append(tm.MetricBlock(times_s, part, tuple(mine)))
            else:
                rows.append(part)
                labels.extend(mine)
        if rows:
            blocks.append(tm.MetricBlock(times_s, np.concatenate(rows), tuple(labels)))
        return blocks


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
    gaps = frame.gaps
    for row, p in enumerate(pods):
        if p < 0:
            continue
        missing = ~frame.fleet.running[p]
        if p in gaps:
            missing = missing | gaps[p]
        if missing.any():
            bits[row, missing] = tm.STALE_BITS
    return rows
