"""Tagged series, and how they are rolled up in time and aggregated over tags."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Tags = tuple[str, ...]
"""`key:value`, in order of the keys asked for."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Series reported at the same moments. `values` [S, T], NaN where there is none; `tags` has S entries.

    `kind`: gauge; count (what happened since the last moment); rate (per second); distribution, whose `values` are counts,
    `sums` [S, T] totals, and `buckets` [S, B, T] the counts between `bounds` [B] (upper ends, the last infinite).
    """

    kind: str
    times_s: FloatArray
    values: FloatArray
    tags: tuple[Mapping[str, str], ...]
    step_s: float
    sums: FloatArray | None = None
    buckets: FloatArray | None = None
    bounds: FloatArray | None = None


Scope = Callable[[Mapping[str, str]], bool]


class Source(Protocol):
    """What has metrics."""

    def blocks(self, metric: str, scope: Scope, start_s: float, end_s: float) -> Iterable[Block]:
        """The series of a metric whose tags pass, with all reports from start to end; nothing when there is no such metric."""


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """Buckets that start at `start_s` + i `interval_s`, `count` of them, of which nothing after `until_s` is seen."""

    start_s: float
    interval_s: float
    count: int
    until_s: float

    @property
    def times_s(self) -> FloatArray:
        return np.asarray(self.start_s + self.interval_s * np.arange(self.count), dtype=np.float64)

    def moved(self, seconds: float) -> "Window":
        return dataclasses.replace(self, start_s=self.start_s + seconds)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of an answer: `values` [buckets], NaN for none; `tags` those that it was grouped by."""

    tags: Tags
    values: FloatArray
    metric: str = ""
    aggregator: str = ""
    scope: str = ""
    expression: str = ""


def cuts(times_s: FloatArray, window: Window) -> IntArray:
    """Where each bucket begins among the times, and where the last one ends; [count + 1]."""
    edges = window.start_s + window.interval_s * np.arange(window.count + 1)
    found = np.searchsorted(times_s, np.minimum(edges, np.nextafter(window.until_s, np.inf)), side="left")
    return np.asarray(found, dtype=np.int64)


def _added(values: FloatArray, at: IntArray) -> FloatArray:
    """Sums over the last axis between the cuts; values hold no NaN."""
    totals = np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)], axis=-1)
    return np.asarray(totals[..., at[1:]] - totals[..., at[:-1]])


def spread(values: FloatArray, block: Block, window: Window) -> FloatArray:
    """[S, T] counts → [S, buckets]: what fell into each bucket, when buckets do not hold a whole number of reports.

    A report covers the time since the one before. Whole counts stay whole, and add up to the same total.
    """
    edges = np.minimum(window.start_s + window.interval_s * np.arange(window.count + 1), window.until_s)
    missing = np.isnan(values)
    ends = np.concatenate([[block.times_s[0] - block.step_s], block.times_s])

    def up_to(parts: FloatArray) -> FloatArray:
        totals = np.concatenate([np.zeros((len(parts), 1)), np.cumsum(parts, axis=1)], axis=1)
        at = np.clip(np.searchsorted(ends, edges, side="right"), 1, len(ends) - 1)
        share = np.clip((edges - ends[at - 1]) / (ends[at] - ends[at - 1]), 0.0, 1.0)
        return np.asarray(totals[:, at - 1] + share * (totals[:, at] - totals[:, at - 1]))

    counts = np.where(missing, 0.0, values)
    whole = np.array_equal(counts, np.rint(counts))
    totals = up_to(counts)
    held = np.diff(up_to((~missing).astype(np.float64)), axis=1)
    out = np.diff(np.floor(totals + 0.5) if whole else totals, axis=1)
    return np.asarray(np.where(held > 1e-9, out, np.nan))


def summed(values: FloatArray, block: Block, at: IntArray, window: Window) -> FloatArray:
    """[S, T] counts → [S, buckets]; `at` are the cuts of the window."""
    ratio = window.interval_s / block.step_s
    if len(block.times_s) > 1 and abs(ratio - round(ratio)) > 1e-6:
        return spread(values, block, window)
    return rolled(values, at, "sum")


def rolled(values: FloatArray, at: IntArray, method: str) -> FloatArray:
    """[S, T] → [S, buckets] by avg, sum, min, max or count; NaN for buckets without a point."""
    missing = np.isnan(values)
    held = _added((~missing).astype(np.float64), at)
    if method == "count":
        out = held
    elif method in ("sum", "avg"):
        out = _added(np.where(missing, 0.0, values), at)
        out = out / np.maximum(held, 1) if method == "avg" else out
    else:
        out = _extreme(values, missing, at, method)
    return np.asarray(np.where(held > 0, out, np.nan))


def _extreme(values: FloatArray, missing: npt.NDArray[np.bool_], at: IntArray, method: str) -> FloatArray:
    reduce, filler = (np.minimum, np.inf) if method == "min" else (np.maximum, -np.inf)
    filled = np.concatenate([np.where(missing, filler, values), np.full((len(values), 1), filler)], axis=1)
    out = np.full((len(values), len(at) - 1), filler)
    some = np.flatnonzero(at[1:] > at[:-1])
    if len(some):
        # Between two cuts that hold points lie only empty buckets, so that each reduction ends where the next begins.
        bounds = np.append(at[:-1][some], at[-1])
        out[:, some] = reduce.reduceat(filled, bounds, axis=1)[:, : len(some)]
    return out


def grouped(tags: Sequence[Mapping[str, str]], by: Sequence[str]) -> dict[Tags, IntArray]:
    """Group → rows, in order of group; series without a tag are in its group `N/A`."""
    found: dict[Tags, list[int]] = {}
    for row, one in enumerate(tags):
        found.setdefault(tuple(f"{key}:{one.get(key, 'N/A')}" for key in by), []).append(row)
    return {key: np.array(found[key], dtype=np.int64) for key in sorted(found)}


def combined(rows: FloatArray, aggregator: str) -> FloatArray:
    """[S, buckets] → [buckets]."""
    missing = np.isnan(rows)
    held = (~missing).sum(axis=0)
    if aggregator == "count":
        out = held.astype(np.float64)
    elif aggregator == "sum":
        out = np.where(missing, 0.0, rows).sum(axis=0)
    elif aggregator == "min":
        out = np.where(missing, np.inf, rows).min(axis=0, initial=np.inf)
    elif aggregator == "max":
        out = np.where(missing, -np.inf, rows).max(axis=0, initial=-np.inf)
    else:
        out = np.where(missing, 0.0, rows).sum(axis=0) / np.maximum(held, 1)
    return np.asarray(np.where(held > 0, out, np.nan), dtype=np.float64)


def quantile(buckets: FloatArray, bounds: FloatArray, share: float) -> FloatArray:
    """[B, buckets] counts → [buckets] values below which `share` of them lie, linear within a bucket."""
    below = np.cumsum(buckets, axis=0)
    total = below[-1]
    wanted = share * total
    index = np.minimum((below < wanted).sum(axis=0), len(bounds) - 1)
    lower = np.concatenate([[0.0], bounds[:-1]])[index]
    upper = np.where(np.isfinite(bounds[index]), bounds[index], lower)
    columns = np.arange(buckets.shape[1])
    before = np.where(index > 0, below[np.maximum(index - 1, 0), columns], 0.0)
    inside = np.maximum(buckets[index, columns], 1e-12)
    out = lower + (upper - lower) * np.clip((wanted - before) / inside, 0, 1)
    return np.asarray(np.where(total > 0, out, np.nan))


def added(parts: Iterable[FloatArray]) -> FloatArray:
    """The sum of arrays, NaN counting as nothing where another has a value."""
    stacked = np.array(list(parts))
    return combined(stacked, "sum")
