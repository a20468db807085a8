"""The engine's view of `Metrics`: which series a selector means, and where their samples lie.

Series are numbered in order of their labels. Series of one block that lack the same samples share a *strip*, so that whatever
depends only on time (which sample is current, where a window begins) is computed once for all of them.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from rootward import errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import budget, options, patterns, tree, values

FloatArray = values.FloatArray
IntArray = values.IntArray
_NONE = np.empty(0, dtype=np.int64)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Rows of a block with equal gaps. `held` [T] is false at scrapes that brought no sample (a staleness marker)."""

    times_ms: IntArray
    block: telemetry.Samples
    held: values.BoolArray
    columns: IntArray | None  # where `held` is true; None when everywhere

    def visible(self, until_ms: int) -> int:
        """How many scrapes have happened by then."""
        return int(self.times_ms.searchsorted(until_ms, side="right"))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Samples of R series without gaps: `times_ms` [T], `block` [R, T]."""

    times_ms: IntArray
    block: FloatArray


class Store:
    """Indexed once per `Metrics`; every method is a pure look-up."""

    def __init__(self, metrics: telemetry.Metrics) -> None:
        found = _collect(metrics)
        found.sort(key=lambda entry: entry[0])
        self.labels: list[values.LabelSet] = [entry[0] for entry in found]
        self._lookups = [entry[1] for entry in found]
        self.strips: list[Strip] = []
        numbers: dict[int, int] = {}
        places = []
        for _, _, strip, _ in found:
            number = numbers.setdefault(id(strip), len(numbers))
            if number == len(self.strips):
                self.strips.append(strip)
            places.append(number)
        self._strip = np.array(places, dtype=np.int64)
        self._row = np.array([entry[3] for entry in found], dtype=np.int64)
        self._columns: dict[tuple[str, str], tuple[IntArray, list[str]]] = {}
        named: dict[str, list[int]] = {}
        for series, labels in enumerate(self._lookups):
            named.setdefault(labels.get(values.NAME, ""), []).append(series)
        self._by_name = {name: np.array(some, dtype=np.int64) for name, some in named.items()}

    def _column(self, metric: str, ids: IntArray, name: str) -> tuple[IntArray, list[str]]:
        """A label of `ids`, which are all of a metric (or of all, for ""), as numbers into its distinct values; "" where a
        series lacks it."""
        cached = self._columns.get((metric, name))
        if cached is None:
            numbers: dict[str, int] = {}
            lookups = map(self._lookups.__getitem__, ids.tolist())
            found = [numbers.setdefault(labels.get(name, ""), len(numbers)) for labels in lookups]
            cached = self._columns[metric, name] = (np.array(found, dtype=np.int64), list(numbers))
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
        named = self._by_name.get(name, _NONE) if name else np.arange(len(self.labels), dtype=np.int64)
        chosen: IntArray = np.arange(len(named), dtype=np.int64)
        for matcher in sorted(matchers, key=lambda m: m.name != values.NAME):
            codes, texts = self._column(name, named, matcher.name) if len(named) else (_NONE, [])
            purse.spend(len(chosen))
            chosen = chosen[fulfil(matcher, texts, settings.dialect, purse)[codes[chosen]]]
        if len(chosen) > settings.limits.series:
            raise errors.QueryTooLarge(f"query selects {len(chosen)} series; the limit is {settings.limits.series}")
        return named[chosen]

    def pieces(self, ids: IntArray) -> list[tuple[Strip, IntArray, IntArray]]:
        """The selected series by strip: (strip, positions within `ids`, rows of the strip's block, ascending)."""
        if not len(ids):
            return []
        order = np.lexsort((self._row[ids], self._strip[ids]))
        numbers, rows = self._strip[ids[order]], self._row[ids[order]]
        starts = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(order)]
        return [
            (self.strips[numbers[start]], order[start:end], rows[start:end])
            for start, end in itertools.pairwise(starts)
        ]

    def alive(self, ids: IntArray, start_ms: int, end_ms: int) -> IntArray:
        """Those of `ids` with a sample in [start, end]."""
        good = np.zeros(len(ids), dtype=bool)
        for strip, at, _ in self.pieces(ids):
            first, last = strip.times_ms.searchsorted(start_ms), strip.visible(end_ms)
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
        column = strip.times_ms.searchsorted(np.minimum(ref_ms, until_ms), side="right") - 1
        seen = np.maximum(column, 0)
        fresh = (column >= 0) & (ref_ms - strip.times_ms[seen] < newest_age) & strip.held[seen]
        present[at] = fresh
        out[at] = strip.times_ms[seen] / 1000 if stamps else strip.block[rows[:, None], seen]
    return out, present


def run(strip: Strip, rows: IntArray, start_ms: int, end_ms: int) -> Run:
    """The samples of `rows` in [start, end]."""
    first, last = int(strip.times_ms.searchsorted(start_ms)), strip.visible(end_ms)
    if strip.columns is None:
        together = int(rows[-1]) - int(rows[0]) == len(rows) - 1  # neighbours are seen in place, not copied
        chosen = slice(int(rows[0]), int(rows[-1]) + 1) if together else rows
        return Run(strip.times_ms[first:last], np.asarray(strip.block[chosen, first:last], dtype=np.float64))
    columns = strip.columns[slice(*strip.columns.searchsorted([first, last]))]
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


_Found = tuple[values.LabelSet, Mapping[str, str], Strip, int]
"""A series: its labels in order and by name, its strip and row."""


def _collect(metrics: telemetry.Metrics) -> list[_Found]:
    """Every series once, with its strip and row; series that appear in several blocks are joined in time."""
    found: list[_Found] = []
    label_sets = values.LabelSets()
    for block in metrics.blocks:
        strips = _strips(block)
        sets = label_sets.of(block.labels)
        found += [
            (labels, own, strip, row)
            for row, (labels, own, strip) in enumerate(zip(sets, block.labels, strips, strict=True))
            if strip is not None
        ]
    if len({entry[0] for entry in found}) == len(found):
        return found
    where: dict[values.LabelSet, list[int]] = {}
    for place, entry in enumerate(found):
        where.setdefault(entry[0], []).append(place)
    twice = [places for places in where.values() if len(places) > 1]
    gone = {place for places in twice for place in places}
    joined = [_joined([found[place] for place in places]) for places in twice]
    return [entry for place, entry in enumerate(found) if place not in gone] + joined


def _strips(block: telemetry.MetricBlock) -> list[Strip | None]:
    """The strip of each row; None where it has no sample at all."""
    times_ms = np.round(block.times_s * 1000).astype(np.int64)
    stale = telemetry.is_stale(block.values)
    holed = stale.any(axis=1)
    everywhere = np.ones(len(times_ms), dtype=bool)
    whole = Strip(times_ms, block.values, everywhere, None) if len(times_ms) else None
    out: list[Strip | None] = [whole] * len(block.labels)
    strips: dict[bytes, Strip | None] = {}
    for row in np.flatnonzero(holed).tolist():
        key = stale[row].tobytes()
        if key not in strips:
            held = ~stale[row]
            strips[key] = Strip(times_ms, block.values, held, np.flatnonzero(held)) if held.any() else None
        out[row] = strips[key]
    return out


def _joined(parts: list[_Found]) -> _Found:
    """One series from its pieces; where two hold the same moment the later piece counts."""
    samples: dict[int, tuple[float, bool]] = {}
    for _, _, strip, row in parts:
        for time_ms, value, held in zip(
            strip.times_ms.tolist(), strip.block[row].tolist(), strip.held.tolist(), strict=True
        ):
            if held or time_ms not in samples:
                samples[time_ms] = (value, held)
    times = sorted(samples)
    held = np.array([samples[time][1] for time in times], dtype=bool)
    columns = None if held.all() else np.flatnonzero(held)
    block = np.array([[samples[time][0] for time in times]])
    return parts[0][0], parts[0][1], Strip(np.array(times, dtype=np.int64), block, held, columns), 0
