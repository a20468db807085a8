"""The part of an expression's value that is native histograms, beside its part that is numbers.

Prometheus lets both live in one vector; here each has its own walk, since hardly any expression has both. What cannot be done with
histograms (abs, max, comparisons …) gives none, as in the real engine, where such samples are left out.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from rootward import errors
from rootward.dojo.engines.promql import budget, context, matching, native, native_store, options, tree, values

IntArray = values.IntArray
Histograms = native.Histograms
Found = list[Histograms]
_NEAR = 1.1  # as in rates: an edge closer than this many sampling intervals is extrapolated to


def walk(ctx: context.Context, node: tree.Expr, times_ms: IntArray) -> Found:
    """The histograms of `node` at `times_ms` [N]; none without series of histograms, or where it has no use for them.

    Raises:
        errors.EngineError: by kind, as the walk over numbers.
    """
    if ctx.natives is None:
        return []
    node = tree.unwrapped(node)
    found: Found = []
    match node:
        case tree.Selector():
            found = _instants(ctx, ctx.natives, node, times_ms)
        case tree.Call(name=name) if name in _OF_WINDOWS:
            found = _of_windows(ctx, ctx.natives, node.args[0], times_ms, _OF_WINDOWS[name], kept=name in _KEEP_NAME)
        case tree.Aggregate(operator="sum" | "avg"):
            found = _aggregate(walk(ctx, node.expr, times_ms), node)
        case tree.Unary():
            found = [one.nameless().times(np.array(-1.0)) for one in walk(ctx, node.expr, times_ms)]
        case tree.Binary():
            found = _binary(ctx, node, times_ms)
    return [one for one in found if one.present.any()]


def _chosen(ctx: context.Context, natives: native_store.NativeStore, node: tree.Selector) -> IntArray:
    found = natives.counts.select(node.name, node.matchers, ctx.settings, ctx.budget)
    ctx.budget.spend(len(found) * budget.SERIES)
    return found


def _instants(
    ctx: context.Context, natives: native_store.NativeStore, node: tree.Selector, times_ms: IntArray
) -> Found:
    reference, found = ctx.reference_ms(node, times_ms), []
    newest_age = ctx.settings.lookback_ms + (ctx.settings.dialect is options.Dialect.V2)
    for number in _chosen(ctx, natives, node).tolist():
        stamps, held = natives.times_ms(number), natives.held(number)
        column = np.searchsorted(stamps, np.minimum(reference, ctx.until_ms), side="right") - 1
        seen = np.maximum(column, 0)
        fresh = (column >= 0) & (reference - stamps[seen] < newest_age) & held[seen]
        cells = natives.cells(number)[:, seen]
        ctx.budget.spend(cells.size)
        found.append(Histograms(natives.counts.labels[number], natives.shape(number), cells, fresh))
    return found


_Compute = Callable[["_Run"], tuple[values.FloatArray, values.BoolArray]]


class _Run:
    """One series' samples without gaps, `times_ms` [T] and `cells` [C, T], and windows `low:high` [N] over them."""

    def __init__(
        self, ctx: context.Context, times_ms: IntArray, cells: values.FloatArray, end_ms: IntArray, range_ms: int
    ) -> None:
        self.times_ms, self.cells, self.end_ms, self.range_ms = times_ms, cells, end_ms, range_ms
        self.dialect = ctx.settings.dialect
        open_left = self.dialect is options.Dialect.V3
        self.low = np.searchsorted(times_ms, end_ms - range_ms, side="right" if open_left else "left")
        self.high = np.maximum(np.searchsorted(times_ms, end_ms, side="right"), self.low)
        self.counts = self.high - self.low
        self.first = np.minimum(self.low, len(times_ms) - 1)
        self.last = np.maximum(self.high - 1, 0)


def _of_windows(
    ctx: context.Context,
    natives: native_store.NativeStore,
    node: tree.Expr,
    times_ms: IntArray,
    compute: _Compute,
    *,
    kept: bool,
) -> Found:
    node = tree.unwrapped(node)
    if not isinstance(node, tree.Matrix):
        return []
    end_ms, found = ctx.reference_ms(node.selector, times_ms), []
    for number in _chosen(ctx, natives, node.selector).tolist():
        stamps = natives.times_ms(number)
        inside = natives.held(number) & (stamps <= ctx.until_ms)
        if not inside.any():
            continue
        run = _Run(ctx, stamps[inside], natives.cells(number)[:, inside], end_ms, node.range_ms)
        ctx.budget.spend(run.cells.size + int(run.counts.sum()))
        cells, present = compute(run)
        labels = natives.counts.labels[number]
        found.append(Histograms(labels if kept else values.without_name(labels), natives.shape(number), cells, present))
    if not kept and len({one.labels for one in found}) < len(found):
        raise errors.QueryExecutionError(values.SAME_LABELS)
    return found


def _changes(run: _Run, *, counter: bool) -> values.FloatArray:
    change = run.cells[:, run.last] - run.cells[:, run.first]
    if counter:
        before, after = run.cells[:, :-1], run.cells[:, 1:]
        lost = np.zeros(run.cells.shape)
        np.cumsum(np.where(native.changed(before, after), before, 0.0), axis=1, out=lost[:, 1:])
        change = change + lost[:, run.last] - lost[:, run.first]
    return change


def _extrapolated(run: _Run, *, counter: bool, per_second: bool) -> tuple[values.FloatArray, values.BoolArray]:
    """As rates does it, with the count of observations where a counter's value would be asked for."""
    change, enough = _changes(run, counter=counter), run.counts >= 2
    seconds = np.where(enough, (run.times_ms[run.last] - run.times_ms[run.first]) / 1000, np.nan)
    interval = seconds / (run.counts - 1)
    to_start = (run.times_ms[run.first] - (run.end_ms - run.range_ms)) / 1000
    to_end = (run.end_ms - run.times_ms[run.last]) / 1000
    near = interval * _NEAR
    to_start = np.where(to_start < near, to_start, interval / 2)
    to_end = np.where(to_end < near, to_end, interval / 2)
    if counter and run.dialect is options.Dialect.V3:
        first, rise = run.cells[native.COUNT, run.first], change[native.COUNT]
        to_zero = np.where((rise > 0) & (first >= 0), seconds * (first / rise), np.inf)
        to_start = np.minimum(to_start, to_zero)
    factor = (seconds + to_start + to_end) / seconds
    return change * (factor / (run.range_ms / 1000) if per_second else factor), enough


def _summed(run: _Run, *, mean: bool) -> tuple[values.FloatArray, values.BoolArray]:
    running = np.zeros((run.cells.shape[0], run.cells.shape[1] + 1))
    np.cumsum(run.cells, axis=1, out=running[:, 1:])
    total = running[:, run.high] - running[:, run.low]
    return (total / np.maximum(run.counts, 1) if mean else total), run.counts >= 1


_OF_WINDOWS: dict[str, _Compute] = {
    "rate": lambda run: _extrapolated(run, counter=True, per_second=True),
    "increase": lambda run: _extrapolated(run, counter=True, per_second=False),
    "delta": lambda run: _extrapolated(run, counter=False, per_second=False),
    "sum_over_time": lambda run: _summed(run, mean=False),
    "avg_over_time": lambda run: _summed(run, mean=True),
    "last_over_time": lambda run: (run.cells[:, run.last], run.counts >= 1),
    "first_over_time": lambda run: (run.cells[:, run.first], run.counts >= 1),
}
_KEEP_NAME = frozenset({"last_over_time", "first_over_time"})


def _aggregate(found: Sequence[Histograms], node: tree.Aggregate) -> Found:
    names = frozenset(node.grouping)
    groups: dict[values.LabelSet, Found] = {}
    for one in found:
        if node.without:
            key = values.drop_labels(one.labels, names | {values.NAME})
        else:
            key = values.keep_labels(one.labels, names)
        groups.setdefault(key, []).append(one)
    made = []
    for key, parts in groups.items():
        mean = 1.0 / np.maximum(np.sum([part.present for part in parts], axis=0), 1)
        made += [one.times(mean) if node.operator == "avg" else one for one in native.totals(key, parts)]
    return made


def _binary(ctx: context.Context, node: tree.Binary, times_ms: IntArray) -> Found:
    """A histogram times or over a number, and sums and differences of histograms."""
    if node.operator in ("*", "/"):
        left, right = walk(ctx, node.left, times_ms), walk(ctx, node.right, times_ms)
        if left and not right:
            return _scaled(left, ctx.value(node.right, times_ms), node, divided=node.operator == "/")
        if right and not left and node.operator == "*":
            return _scaled(right, ctx.value(node.left, times_ms), node, divided=False)
        return []
    if node.operator not in ("+", "-"):
        return []
    left, right = walk(ctx, node.left, times_ms), walk(ctx, node.right, times_ms)
    sign = np.array(1.0 if node.operator == "+" else -1.0)
    right_keys = matching.signatures([one.labels for one in right], node.matching)
    left_keys = matching.signatures([one.labels for one in left], node.matching)
    made = []
    for one, key in zip(left, left_keys, strict=True):
        for other in [other for other, same in zip(right, right_keys, strict=True) if same == key]:
            both = one.present & other.present
            pair = [dataclasses.replace(part, present=both) for part in (one, other.times(sign))]
            made += native.totals(key, pair)
    return made


def _scaled(found: Found, number: values.Value, node: tree.Binary, *, divided: bool) -> Found:
    """Each histogram times (or over) a scalar, or the number of the series that matches it."""
    if isinstance(number, values.Scalar):
        factor = 1.0 / number.values if divided else number.values
        return [one.nameless().times(factor) for one in found]
    if not isinstance(number, values.Vector):
        return []
    rows = dict(zip(matching.signatures(number.labels, node.matching), range(len(number.labels)), strict=True))
    made = []
    for one, key in zip(found, matching.signatures([one.labels for one in found], node.matching), strict=True):
        if key in rows:
            values_of, there = number.values[rows[key]], number.present[rows[key]]
            factor = np.where(there, 1.0 / values_of if divided else values_of, 1.0)
            scaled = one.times(factor)
            made.append(Histograms(key, scaled.shape, scaled.cells, one.present & there))
    return made
