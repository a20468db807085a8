"""The engine's view of `Metrics`: which series a selector means, and where their samples lie.

Series are numbered in order of their labels. Series of one block that lack the same samples share a *strip*, so that whatever
depends only on time (which sample is current, where a window begins) is computed once for all of them.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rootward import errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import budget, options, patterns, tree, values

FloatArray = values.FloatArray
IntArray = values.IntArray
NEVER_MS = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Rows of a block with equal gaps. `held` [T] is false at scrapes that brought no sample (a staleness marker)."""

    times_ms: IntArray
    block: telemetry.Samples
    held: values.BoolArray
    columns: IntArray | None  # where `held` is true; None when everywhere

    def visible(self, until_ms: int) -> int:
        """How many scrapes have happened by then."""
        return int(np.searchsorted(self.times_ms, until_ms, side="right"))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Samples of R series without gaps: `times_ms` [T], `block` [R, T]."""

    times_ms: IntArray
    block: FloatArray


class Store:
    """Indexed once per `Metrics`; every method is a pure look-up."""

    def __init__(self, metrics: telemetry.Metrics) -> None:
        found = _collect(metrics)
        order = sorted(range(len(found)), key=lambda i: found[i][0])
        self.labels: list[values.LabelSet] = [found[i][0] for i in order]
        self.strips: list[Strip] = []
        numbers: dict[int, int] = {}
        self._strip = np.empty(len(order), dtype=np.int64)
        self._row = np.empty(len(order), dtype=np.int64)
        for series, i in enumerate(order):
            _, strip, row = found[i]
            number = numbers.setdefault(id(strip), len(numbers))
            if number == len(self.strips):
                self.strips.append(strip)
            self._strip[series], self._row[series] = number, row
        self._lookups = [dict(labels) for labels in self.labels]
        self._columns: dict[str, tuple[IntArray, list[str]]] = {}
        self._by_name: dict[str, IntArray] = {}
        codes, names = self._column(values.NAME)
        by_code = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[by_code], np.arange(len(names) + 1))
        for code, name in enumerate(names):
            self._by_name[name] = by_code[bounds[code] : bounds[code + 1]]

    def _column(self, name: str) -> tuple[IntArray, list[str]]:
        """A label as numbers [S] into its distinct values; "" where a series lacks it."""
        cached = self._columns.get(name)
        if cached is None:
            numbers: dict[str, int] = {}
            found = [numbers.setdefault(labels.get(name, ""), len(numbers)) for labels in self._lookups]
            cached = self._columns[name] = (np.array(found, dtype=np.int64), list(numbers))
        return cached

    def select(
        self, name: str, matchers: Sequence[tree.Matcher], settings: options.Options, purse: budget.Budget
    ) -> IntArray:
        """Numbers of the series that fulfil all matchers, ascending.

        Raises:
            errors.QuerySyntaxError: a pattern that is not RE2.
            errors.QueryTooLarge: more series than the limit.
            errors.QueryTimedOut: the budget is spent.
        """
        ids: IntArray = np.arange(len(self.labels), dtype=np.int64)
        if name:
            ids = self._by_name.get(name, ids[:0])
        for matcher in sorted(matchers, key=lambda m: m.name != values.NAME):
            codes, texts = self._column(matcher.name)
            purse.spend(len(ids))
            ids = ids[fulfil(matcher, texts, settings.dialect, purse)[codes[ids]]]
        if len(ids) > settings.limits.series:
            raise errors.QueryTooLarge(f"query selects {len(ids)} series; the limit is {settings.limits.series}")
        return ids

    def pieces(self, ids: IntArray) -> list[tuple[Strip, IntArray, IntArray]]:
        """The selected series by strip: (strip, positions within `ids`, rows of the strip's block, ascending)."""
        if not len(ids):
            return []
        order = np.lexsort((self._row[ids], self._strip[ids]))
        numbers, starts = np.unique(self._strip[ids[order]], return_index=True)
        return [
            (self.strips[number], at, self._row[ids[at]])
            for number, at in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)
        ]

    def alive(self, ids: IntArray, start_ms: int, end_ms: int) -> IntArray:
        """Those of `ids` with a sample in [start, end]."""
        good = np.zeros(len(ids), dtype=bool)
        for strip, at, _ in self.pieces(ids):
            first, last = np.searchsorted(strip.times_ms, start_ms), strip.visible(end_ms)
            good[at] = bool(strip.held[first:last].any())
        return ids[good]


def fulfil(
    matcher: tree.Matcher, texts: Sequence[str], dialect: options.Dialect, purse: budget.Budget
) -> values.BoolArray:
    """Which values of a label a matcher takes; shape [len(texts)].

    Raises:
        errors.QuerySyntaxError: a pattern that is not RE2.
        errors.QueryTimedOut: the budget is spent.
    """
    purse.spend(len(texts) * budget.SERIES // 10)
    if matcher.operator in ("=~", "!~"):
        characters = sum(map(len, texts)) * budget.MATCHED_CHARACTER
        purse.spend(characters + budget.pattern(matcher.value))
        good = patterns.matches(matcher.value, texts, dialect)
    else:
        good = np.array([text == matcher.value for text in texts], dtype=bool)
    return ~good if matcher.operator.startswith("!") else good


def instants(
    store: Store, ids: IntArray, ref_ms: IntArray, until_ms: int, settings: options.Options, *, stamps: bool = False
) -> tuple[FloatArray, values.BoolArray]:
    """The current sample of each series at each reference time, and whether there is one; both [len(ids), N].

    With `stamps` the samples' times in seconds stand in for their values.
    """
    shape = (len(ids), len(ref_ms))
    if shape[0] * shape[1] > settings.limits.samples:
        raise errors.QueryTooLarge(budget.TOO_MANY_SAMPLES)
    out, present = np.empty(shape), np.empty(shape, dtype=bool)
    newest_age = settings.lookback_ms + (settings.dialect is options.Dialect.V2)
    for strip, at, rows in store.pieces(ids):
        column = np.searchsorted(strip.times_ms, np.minimum(ref_ms, until_ms), side="right") - 1
        seen = np.maximum(column, 0)
        fresh = (column >= 0) & (ref_ms - strip.times_ms[seen] < newest_age) & strip.held[seen]
        present[at] = fresh
        out[at] = strip.times_ms[seen] / 1000 if stamps else strip.block[rows[:, None], seen]
    return out, present


def run(strip: Strip, rows: IntArray, start_ms: int, end_ms: int) -> Run:
    """The samples of `rows` in [start, end]."""
    first, last = int(np.searchsorted(strip.times_ms, start_ms)), strip.visible(end_ms)
    if strip.columns is None:
        together = int(rows[-1]) - int(rows[0]) == len(rows) - 1  # neighbours are seen in place, not copied
        chosen = slice(int(rows[0]), int(rows[-1]) + 1) if together else rows
        return Run(strip.times_ms[first:last], np.asarray(strip.block[chosen, first:last], dtype=np.float64))
    columns = strip.columns[slice(*np.searchsorted(strip.columns, [first, last]))]
    return Run(strip.times_ms[columns], np.asarray(strip.block[rows[:, None], columns], dtype=np.float64))


def run_with_ends(strip: Strip, rows: IntArray, start_ms: int, end_ms: int) -> Run:
    """As `run`, with the first missing sample after each that is there: a staleness marker, as a database keeps it."""
    if strip.columns is None:
        return run(strip, rows, start_ms, end_ms)
    ends = np.zeros(len(strip.held), dtype=bool)
    ends[1:] = strip.held[:-1] & ~strip.held[1:]
    inside = (strip.times_ms >= start_ms) & (strip.times_ms <= end_ms)
    columns = np.flatnonzero((strip.held | ends) & inside)
    block: FloatArray = np.take(strip.block[rows], columns, axis=1)
    return Run(strip.times_ms[columns], block)


def _collect(metrics: telemetry.Metrics) -> list[tuple[values.LabelSet, Strip, int]]:
    """Every series once, with its strip and row; series that appear in several blocks are joined in time."""
    found: list[tuple[values.LabelSet, Strip, int]] = []
    where: dict[values.LabelSet, list[int]] = {}
    for block in metrics.blocks:
        times_ms = np.round(block.times_s * 1000).astype(np.int64)
        stale = telemetry.is_stale(block.values)
        packed = np.packbits(stale, axis=1) if stale.any() else np.zeros((len(block.labels), 1), dtype=np.uint8)
        strips: dict[bytes, Strip] = {}
        for row, labels in enumerate(block.labels):
            key = packed[row].tobytes()
            if key not in strips:
                held = ~stale[row]
                columns = None if held.all() else np.flatnonzero(held)
                strips[key] = Strip(times_ms, block.values, held, columns)
            if strips[key].held.any():
                name = values.label_set(dict(labels))
                where.setdefault(name, []).append(len(found))
                found.append((name, strips[key], row))
    twice = [places for places in where.values() if len(places) > 1]
    gone = {place for places in twice for place in places}
    joined = [_joined([found[place] for place in places]) for places in twice]
    return [entry for place, entry in enumerate(found) if place not in gone] + joined


def _joined(parts: list[tuple[values.LabelSet, Strip, int]]) -> tuple[values.LabelSet, Strip, int]:
    """One series from its pieces; where two hold the same moment the later piece counts."""
    samples: dict[int, tuple[float, bool]] = {}
    for _, strip, row in parts:
        for time_ms, value, held in zip(
            strip.times_ms.tolist(), strip.block[row].tolist(), strip.held.tolist(), strict=True
        ):
            if held or time_ms not in samples:
                samples[time_ms] = (value, held)
    times = sorted(samples)
    held = np.array([samples[time][1] for time in times], dtype=bool)
    columns = None if held.all() else np.flatnonzero(held)
    block = np.array([[samples[time][0] for time in times]])
    return parts[0][0], Strip(np.array(times, dtype=np.int64), block, held, columns), 0
