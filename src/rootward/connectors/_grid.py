"""Samples as Prometheus and Loki return them, put on the grid that was asked for, whatever order they came in."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rootward import errors
from rootward.connectors import _json, _samples
from rootward.signals import answers, series, windows

_OFF_GRID_STEPS = 0.01  # a timestamp further from the grid than this share of a step was not what we asked for
POINTS_MAX = 10_000  # per series and request; Prometheus refuses more than 11,000


def grid(window: windows.Window, step_s: float) -> series.FloatArray:
    """start, start + step, … ≤ end; shape [T]. The end counts also when rounding puts it a hair beyond."""
    steps = int(np.floor((window.end_s - window.start_s) / step_s + 1e-9))
    return window.start_s + step_s * np.arange(steps + 1, dtype=np.float64)


def pieces(window: windows.Window, step_s: float) -> list[tuple[float, float]]:
    """The window cut into (start, end) pairs on one grid, each of at most POINTS_MAX points."""
    times_s = grid(window, step_s)
    starts = range(0, len(times_s), POINTS_MAX)
    return [(float(times_s[i]), float(times_s[min(i + POINTS_MAX, len(times_s)) - 1])) for i in starts]


class GridReader:
    """Collects results (matrix, vector or scalar; one call of `add` per piece) into series on one grid.

    Lies are mended and told: timestamps out of order or twice, off the grid, values that are no numbers.
    """

    def __init__(self, window: windows.Window, step_s: float) -> None:
        self._times_s = grid(window, step_s)
        self._step_s = step_s
        self._rows: dict[tuple[tuple[str, str], ...], series.FloatArray] = {}
        self._warnings: dict[str, None] = {}
        self._placed: tuple[series.FloatArray, npt.NDArray[np.int64], npt.NDArray[np.bool_] | None] = (
            np.empty(0),
            np.empty(0, dtype=np.int64),
            None,
        )

    def warn(self, text: str) -> None:
        self._warnings[text] = None

    def add(self, data: object) -> None:
        """One `data` object of an answer: {"resultType": …, "result": …}.

        Raises:
            errors.BackendMalformed: it has another shape.
        """
        body = _json.mapping(data, "data")
        kind, result = body.get("resultType"), body.get("result")
        if kind == "scalar":
            self._add_row({}, [result])
            return
        if kind not in ("matrix", "vector"):
            raise errors.BackendMalformed(f"resultType is {kind!r}, not matrix, vector or scalar")
        rows, warnings = _json.read_each(_json.items(result, "result"), _row, "series")
        for labels, samples in rows:
            self._add_row(labels, samples)
        for text in warnings:
            self.warn(text)

    def _add_row(self, labels: Mapping[str, str], samples: Sequence[Any] | _samples.Samples) -> None:
        times_s, values = self._numbers(samples)
        if len(times_s) == 0:
            return
        steps, inside = self._steps(times_s)
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "__name__"))
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = np.full(len(self._times_s), np.nan)
        elif np.any(np.isfinite(row[steps])):
            self.warn("two series came with equal labels; they were laid over each other")
        row[steps] = values if inside is None else values[inside]

    def _steps(self, times_s: series.FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_] | None]:
        """The grid's steps that moments belong to, and which of them are inside (None: all). Series share their moments."""
        known_s, steps, inside = self._placed
        if known_s is times_s:
            return steps, inside
        if len(times_s) > 1 and np.any(np.diff(times_s) <= 0):
            self.warn("timestamps came out of order or twice; they were sorted and the last of each kept")
        position = (times_s - self._times_s[0]) / self._step_s
        index = np.rint(position)
        if np.any(np.abs(position - index) > _OFF_GRID_STEPS):
            self.warn("timestamps are not on the grid that was asked for; each was moved to the nearest step")
        within = (index >= 0) & (index < len(self._times_s))
        if not np.all(within):
            self.warn("timestamps outside the window were left out")
            index, inside = index[within], within
        else:
            inside = None
        steps = index.astype(np.int64)
        self._placed = times_s, steps, inside
        return steps, inside

    def _numbers(self, samples: Sequence[Any] | _samples.Samples) -> tuple[series.FloatArray, series.FloatArray]:
        if isinstance(samples, _samples.Samples):
            return samples.times_s, samples.values
        try:
            flat = list(map(float, itertools.chain.from_iterable(samples)))
            if len(flat) == 2 * len(samples):
                pairs = np.array(flat, dtype=np.float64).reshape(-1, 2)
                known = np.isfinite(pairs[:, 0])
                return pairs[known, 0], pairs[known, 1]
        except (TypeError, ValueError, OverflowError):
            pass  # read one by one below, so that one bad sample does not cost the series
        good = [pair for pair in map(_pair, samples) if pair is not None]
        if len(good) < len(samples):
            self.warn("samples that are not [time, value] pairs of numbers were left out")
        array = np.array(good, dtype=np.float64).reshape(-1, 2)
        return array[:, 0], array[:, 1]

    def finish(
        self, *, series_max: int, samples_max: int, absent: float = np.nan, partial: bool = False
    ) -> answers.Part[series.SeriesSet]:
        """The series, ordered by labels, within the limits; `absent` fills steps without a sample."""
        keys = sorted(key for key, row in self._rows.items() if np.isfinite(row).any() or np.isinf(row).any())
        allowed = max(min(series_max, samples_max // max(len(self._times_s), 1)), 0)
        if len(keys) > allowed:
            self.warn(f"{len(keys)} series came, the first {allowed} by label are kept (limits of series and samples)")
        found = []
        for key in keys[:allowed]:
            row = self._rows[key]
            values = row if np.isnan(absent) else np.where(np.isnan(row), absent, row)
            found.append(series.Series(dict(key), self._times_s, values))
        return answers.Part(found, truncated=partial or len(keys) > allowed, warnings=tuple(self._warnings))


def _row(value: Any) -> tuple[dict[str, str], Sequence[Any] | _samples.Samples]:
    body = _json.mapping(value, "a series")
    labels = _json.text_labels(body.get("metric") or {}, "metric")
    if "values" in body:
        samples = body["values"]
        return labels, samples if isinstance(samples, _samples.Samples) else _json.items(samples, "values")
    if "value" in body:
        return labels, [body["value"]]
    if "histograms" in body or "histogram" in body:
        raise errors.BackendMalformed("it is a native histogram; ask for a quantile of it")
    raise errors.BackendMalformed("a series has no values")


def _pair(sample: Any) -> tuple[float, float] | None:
    try:
        time_s, value = sample
        pair = float(time_s), float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return pair if np.isfinite(pair[0]) else None
