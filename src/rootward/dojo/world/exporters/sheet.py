"""Collects rows and labels into blocks, and makes them look scraped: counters whole and cumulative, resets, gaps."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from rootward import _rng
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay

FloatArray = npt.NDArray[Any]
_Part = tuple[tm.Samples, list[tm.Labels]]


OWN = ("requests", "runtimes", "pools", "clients")
"""Pages that a service exposes itself; the rest is seen from outside it."""
SPREAD = 0.8
"""Standard deviation of a request's duration over its mean."""
RARE = 1e-3
"""Share of requests that take many times as long as the rest (a collection, a lost packet, a cold cache)."""
LARGE = 24
"""Rows that make a block of their own."""
GATHERED = 256
NARROW_FROM = 1_000_000
"""Pods × scrapes from which a world's whole numbers are kept in half the space."""


class Sheet:
    """Series of one scrape job. Rows are [T]; `pod` is an index into the fleet, -1 for targets that live throughout."""

    def __init__(self, frame: fr.Frame, job: str) -> None:
        self._frame = frame
        self._job = job
        self._rng = frame.rng("luck", job)
        self._labels: list[tm.Labels] = []
        self._rows: list[tm.Samples] = []
        self._mask: lay.BoolArray | None = None
        self._narrow = len(frame.fleet.pods) * frame.steps >= NARROW_FROM

    def heard(self, mask: lay.BoolArray | None) -> None:
        """Rows of no pod that follow are only there where `mask` [T] is true (None: throughout): a target may be silent."""
        self._mask = mask

    def gauge(self, labels: tm.Labels, row: FloatArray, pod: int = -1) -> None:
        self.gauges([labels], row[None, :], [pod])

    def counter(self, labels: tm.Labels, steps: FloatArray, pod: int = -1, *, whole: bool = True) -> None:
        """`steps` is the increase in each step."""
        self.counters([labels], steps[None, :], [pod], whole=whole)

    def gauges(self, labels: list[tm.Labels], rows: FloatArray, pods: list[int]) -> None:
        self._labels.extend(labels)
        kept = np.array(rows, dtype=np.float64)
        self._rows.append(self._seen(tm.narrow(kept) if self._narrow and len(kept) >= LARGE else kept, pods))

    def counters(
        self, labels: list[tm.Labels], steps: FloatArray, pods: list[int], *, whole: bool = True, given: bool = False
    ) -> None:
        """`given` steps are float64 that nobody else needs: they are turned into the counters in place."""
        self._labels.extend(labels)
        kept: tm.Samples = cumulative(self._frame, steps if given else np.array(steps, np.float64), pods, whole=whole)
        if self._narrow and whole and float(kept.max(initial=0.0)) <= tm.NARROW_MAX:
            kept = kept.astype(np.float32)
        self._rows.append(self._seen(kept, pods))

    def luck(self, counts: FloatArray) -> FloatArray:
        """The mean of so many heavy-tailed durations over the mean that they were drawn from: the fewer, the further off; shape of
        `counts`."""
        rng = self._rng
        spread = SPREAD / np.sqrt(np.maximum(counts, 0.5))
        tail = (rng.uniform(size=counts.shape) < np.minimum(counts * RARE, 0.2)) * rng.pareto(1.6, counts.shape) * 8.0
        off = 1.0 + np.clip(spread * rng.standard_normal(counts.shape), -0.6, 3.0)
        return np.asarray(off + np.minimum(tail / np.maximum(counts, 1.0), 4.0), dtype=np.float64)

    def _seen(self, rows: tm.Samples, pods: list[int]) -> tm.Samples:
        rows = seen(self._frame, rows, pods)
        for row, p in enumerate(pods) if self._mask is not None else ():
            if p < 0 and self._mask is not None:
                tm.make_stale(rows, (row, ~self._mask))
        lost = self._frame.draft.unscraped if self._job in OWN else {}
        for row, p in enumerate(pods) if lost else ():
            missing = lost.get(self._frame.fleet.pods[p].component) if p >= 0 else None
            if missing is not None:
                tm.make_stale(rows, (row, missing))
        return rows

    def blocks(self) -> list[tm.MetricBlock]:
        """The page as blocks; scrape times are offset from the grid as a scraper spreads its targets."""
        frame = self._frame
        offset_s = float(np.round(_rng.stream(0, "scrape", self._job).uniform(0.0, min(frame.step_s, 15.0)) * 0.9, 3))
        times_s = frame.times_s + offset_s
        blocks: list[tm.MetricBlock] = []
        small: dict[np.dtype[Any], tuple[list[tm.Samples], list[tm.Labels]]] = {}
        for part, mine in _without_still(_gathered(self._parts()), times_s, blocks) if self._narrow else self._parts():
            if len(part) >= LARGE:  # joining it to the others would copy it
                blocks.append(tm.MetricBlock(times_s, part, tuple(mine)))
            else:
                rows, labels = small.setdefault(part.dtype, ([], []))
                rows.append(part)
                labels.extend(mine)
        for rows, labels in small.values():
            joined: tm.Samples = np.empty((len(labels), len(times_s)), rows[0].dtype)
            blocks.append(tm.MetricBlock(times_s, np.concatenate(rows, out=joined), tuple(labels)))
        return blocks

    def _parts(self) -> Iterator[_Part]:
        at = 0
        for part in self._rows:
            yield part, self._labels[at : at + len(part)]
            at += len(part)


def _gathered(parts: Iterable[_Part]) -> Iterator[_Part]:
    """Small parts joined to larger ones, so that what follows is done for many rows at once."""
    kept: dict[np.dtype[Any], tuple[list[tm.Samples], list[tm.Labels]]] = {}
    for part, mine in parts:
        if len(part) >= LARGE:
            yield part, mine
            continue
        rows, labels = kept.setdefault(part.dtype, ([], []))
        rows.append(part)
        labels.extend(mine)
        if len(labels) >= GATHERED:
            yield np.concatenate(rows), labels
            del kept[part.dtype]
    yield from ((np.concatenate(rows), labels) for rows, labels in kept.values())


def _without_still(parts: Iterable[_Part], times_s: FloatArray, blocks: list[tm.MetricBlock]) -> Iterator[_Part]:
    """The parts without the rows that never change; those make a block that takes no more room than one column."""
    columns: list[FloatArray] = []
    labels: list[tm.Labels] = []
    for part, mine in parts:
        still = part[:, 0] == part[:, -1]
        if still.any():
            still[still] = np.all(part[still] == part[still, :1], axis=1)
        if not still.any():
            yield part, mine
            continue
        columns.append(part[still, 0].astype(np.float64))
        labels.extend(itertools.compress(mine, still))
        if not still.all():
            yield part[~still], list(itertools.compress(mine, ~still))
    if labels:
        column = np.concatenate(columns)[:, None]
        blocks.append(tm.MetricBlock(times_s, np.broadcast_to(column, (len(labels), len(times_s))), tuple(labels)))


def cumulative(frame: fr.Frame, rows: FloatArray, pods: list[int], *, whole: bool = True) -> FloatArray:
    """Counters from increases, in place: with a past before the window, whole if they count things, reset where containers
    restarted."""
    rows[:, 0] *= _past(frame, pods)
    np.cumsum(rows, axis=1, out=rows)
    if whole:
        np.floor(rows, out=rows)
    for row, p in enumerate(pods):
        if p >= 0 and frame.fleet.pods[p].restarts:
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


def seen(frame: fr.Frame, rows: tm.Samples, pods: list[int]) -> tm.Samples:
    """Mark as absent what was not scraped: before a pod existed, while its container was down, when a scrape failed."""
    unseen = frame.unseen
    for row, p in enumerate(pods):
        if p in unseen:
            tm.make_stale(rows, (row, unseen[p]))
    return rows


def buckets(steps: FloatArray, below: list[FloatArray]) -> FloatArray:
    """Steps [P, T] of each bucket of a histogram, of the last one without a bound, and of all once more; one after the other."""
    rows = np.empty((len(below) + 2, *steps.shape))
    for bound, share in enumerate(below):
        np.multiply(steps, share, out=rows[bound])
    rows[len(below) :] = steps
    return rows.reshape(-1, steps.shape[1])
