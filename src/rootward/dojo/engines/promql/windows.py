"""Range selectors as index windows into gapless samples, shared by every series that was sampled at the same moments."""

import dataclasses
from collections.abc import Iterator
from typing import Literal

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import budget, options, store, values

FloatArray = values.FloatArray
IntArray = values.IntArray

_CHUNK = 4_000_000  # samples gathered at once by `gather`: about 32 MB


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """R series over N windows. Window n holds the samples `low[n] : high[n]` of `times_ms` [T] and `block` [R, T].

    `end_ms` [N] is where each window ends (offset and @ applied), `eval_ms` [N] the evaluation times, `range_ms` the length.
    """

    times_ms: IntArray
    block: FloatArray
    low: IntArray
    high: IntArray
    end_ms: IntArray
    eval_ms: IntArray
    range_ms: int
    settings: options.Options

    @property
    def counts(self) -> IntArray:
        return self.high - self.low

    @property
    def first(self) -> IntArray:
        """Column of each window's first sample; any valid column for an empty window. T must not be 0."""
        return np.minimum(self.low, len(self.times_ms) - 1)

    @property
    def last(self) -> IntArray:
        return np.maximum(self.high - 1, 0)

    @property
    def shape(self) -> tuple[int, int]:
        return self.block.shape[0], len(self.low)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A range vector: S series, split into parts that share sampling times; `at` are a part's positions among the S."""

    labels: list[values.LabelSet]
    parts: list[tuple[IntArray, Windows]]
    steps: int


def cut(run: store.Run, end_ms: IntArray, eval_ms: IntArray, range_ms: int, settings: options.Options) -> Windows:
    """Windows of `range_ms` over a run.

    Raises:
        errors.QueryTooLarge: all windows together hold more samples than the limit.
    """
    side: Literal["left", "right"] = "right" if settings.dialect is options.Dialect.V3 else "left"
    low = run.times_ms.searchsorted(end_ms - range_ms, side=side)
    high = np.maximum(run.times_ms.searchsorted(end_ms, side="right"), low)
    if int((high - low).sum()) * len(run.block) > settings.limits.window_samples:
        raise errors.QueryTooLarge(budget.TOO_MANY_SAMPLES)
    return Windows(run.times_ms, run.block, low, high, end_ms, eval_ms, range_ms, settings)


def gather(windows: Windows) -> Iterator[tuple[slice, FloatArray, IntArray, values.BoolArray]]:
    """Every window's samples side by side, some steps at a time; nothing where all windows are empty.

    Yields:
        (steps, samples [R, n, W], columns [n, W], inside [n, W]): `inside` is false beyond a window's end.
    """
    steps, widest = windows.shape[1], int(windows.counts.max(initial=0))
    if not widest:
        return
    size = max(1, _CHUNK // max(1, widest * windows.shape[0]))
    offsets = np.arange(widest)
    for start in range(0, steps, size):
        part = slice(start, min(start + size, steps))
        columns = windows.low[part, None] + offsets
        inside = columns < windows.high[part, None]
        columns = np.minimum(columns, len(windows.times_ms) - 1)
        yield part, windows.block[:, columns], columns, inside


def reduced(windows: Windows, operation: np.ufunc, block: FloatArray | None = None) -> FloatArray:
    """`operation` over each window, [R, N]; empty windows hold rubbish. `block` [R, T] stands in for the samples."""
    samples = windows.block if block is None else block
    padded = np.concatenate([samples, samples[:, -1:]], axis=1)  # reduceat wants every bound to be a column
    bounds = np.stack([windows.low, windows.high], axis=1).ravel()
    result: FloatArray = operation.reduceat(padded, bounds, axis=1)[:, ::2]
    return result
