"""What is asked of the series themselves, without evaluating a query: which there are, their current and their raw samples."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import budget, options, store, syntax, tree, values

_LARGEST_S = 9e12


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Series:
    """`times_ms` and `values` shape [T], only where there is a sample."""

    labels: values.LabelSet
    times_ms: values.IntArray
    values: values.FloatArray


@dataclasses.dataclass(frozen=True, slots=True)
class Current:
    """A series' newest sample."""

    labels: values.LabelSet
    time_ms: int
    value: float


class Lookups:
    """Over one `store.Store`. Selectors are texts, as `match[]` takes them; several together mean any of them."""

    def __init__(self, kept: store.Store, settings: options.Options, histograms: store.Store | None = None) -> None:
        self._store = kept
        self._settings = settings
        self._histograms = Lookups(histograms, settings) if histograms is not None else None

    def series(self, selectors: Sequence[str], start_s: float, end_s: float) -> list[values.LabelSet]:
        """Labels of the series that are meant and have a sample in [start, end], in order; without selectors of all.

        Raises:
            errors.QuerySyntaxError: not a plain vector selector.
            errors.QueryTimedOut: all selectors together cost too much.
        """
        ids = self._ids(selectors) if selectors else np.arange(len(self._store.labels), dtype=np.int64)
        found = [self._store.labels[i] for i in self._store.alive(ids, milliseconds(start_s), milliseconds(end_s))]
        if self._histograms is None:
            return found
        own = set(self._histograms.series(selectors, start_s, end_s))
        return sorted([*(one for one in found if one not in own), *own]) if own else found

    def meant(self, selectors: Sequence[tree.Selector]) -> list[values.LabelSet]:
        """Labels of all series, whenever they lived, that any selector of a query means; raises as `series`."""
        purse = budget.Budget(self._settings.limits.work)
        chosen = np.zeros(len(self._store.labels), dtype=bool)
        for node in selectors:
            chosen[self._store.select(node.name, node.matchers, self._settings, purse)] = True
        return [self._store.labels[i] for i in np.flatnonzero(chosen)]

    def current(self, selectors: Sequence[str], time_s: float) -> list[Current]:
        """The newest sample no older than the lookback, of every series meant; raises as `series`."""
        ids = self._ids(selectors) if selectors else np.arange(len(self._store.labels), dtype=np.int64)
        at = np.array([milliseconds(time_s)], dtype=np.int64)
        samples, present = store.instants(self._store, ids, at, int(at[0]), self._settings)
        stamps, _ = store.instants(self._store, ids, at, int(at[0]), self._settings, stamps=True)
        return [
            Current(self._store.labels[series], round(float(stamps[row, 0]) * 1000), float(samples[row, 0]))
            for row, series in enumerate(ids.tolist())
            if present[row, 0]
        ]

    def raw(self, matchers: Sequence[tree.Matcher], start_ms: int, end_ms: int) -> list[Series]:
        """All samples in [start, end], series in order of labels; where a series ends, its staleness marker too.

        Raises:
            errors.QueryTooLarge: more samples than the limit.
        """
        ids = self._store.select("", matchers, self._settings, budget.Budget(self._settings.limits.work))
        found: dict[int, Series] = {}
        left = self._settings.limits.samples
        for strip, at, rows in self._store.pieces(ids):
            part = store.run_with_ends(strip, rows, start_ms, end_ms)
            left -= part.block.size
            if left < 0:
                raise errors.QueryTooLarge(f"exceeded sample limit ({self._settings.limits.samples})")
            if len(part.times_ms):
                for row, position in enumerate(at.tolist()):
                    labels = self._store.labels[int(ids[position])]
                    found[position] = Series(labels, part.times_ms, part.block[row])
        return [found[position] for position in sorted(found)]

    def chosen(self, selectors: Sequence[str], labels: Sequence[Mapping[str, str]]) -> values.BoolArray:
        """Which of these sets of labels any selector means; all, without selectors. Raises as `series`."""
        purse = budget.Budget(self._settings.limits.work)
        found = np.full(len(labels), not selectors)
        for text in selectors:
            good = np.ones(len(labels), dtype=bool)
            for one in syntax.selector(text, self._settings, purse).matchers:
                texts = [own.get(one.name, "") for own in labels]
                good &= store.fulfil(one, texts, self._settings.dialect, purse)
            found |= good
        return found

    def _ids(self, selectors: Sequence[str]) -> values.IntArray:
        purse = budget.Budget(self._settings.limits.work)
        chosen = np.zeros(len(self._store.labels), dtype=bool)
        for text in selectors:
            purse.spend(budget.GROUP + len(chosen))
            node = syntax.selector(text, self._settings, purse)
            chosen[self._store.select(node.name, node.matchers, self._settings, purse)] = True
        return np.flatnonzero(chosen)


def milliseconds(seconds: float) -> int:
    """Raises errors.QueryExecutionError for times that int64 arithmetic could not hold."""
    if not abs(seconds) < _LARGEST_S:
        raise errors.QueryExecutionError("time out of range")
    return round(seconds * 1000)
