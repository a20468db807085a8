"""PromQL's functions by name, each bound to the arrays it works on."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from rootward.dojo.engines.promql import (
    budget,
    context,
    dates,
    elementwise,
    histograms,
    info,
    native,
    native_numbers,
    native_walk,
    numbers,
    options,
    overtime,
    quoting,
    ranges,
    rates,
    relabel,
    tree,
    trends,
    values,
    windows,
)

IntArray = values.IntArray
Context = context.Context
Vector = values.Vector
Function = Callable[[Context, list[tree.Expr], IntArray], values.Value]

_OF_ALL_WINDOWS: dict[str, ranges.ComputeAll] = {
    "rate": rates.rate,
    "increase": rates.increase,
    "delta": rates.delta,
}
_OF_WINDOWS: dict[str, ranges.Compute] = {
    "irate": rates.irate,
    "idelta": rates.idelta,
    "changes": rates.changes,
    "resets": rates.resets,
    "deriv": trends.deriv,
    "sum_over_time": overtime.total,
    "avg_over_time": overtime.mean,
    "min_over_time": overtime.least,
    "max_over_time": overtime.greatest,
    "count_over_time": overtime.count,
    "present_over_time": overtime.present,
    "last_over_time": overtime.last,
    "first_over_time": overtime.first,
    "stddev_over_time": overtime.deviation,
    "stdvar_over_time": overtime.variance,
    "mad_over_time": overtime.median_deviation,
    "ts_of_first_over_time": overtime.stamp_of_first,
    "ts_of_last_over_time": overtime.stamp_of_last,
    "ts_of_min_over_time": overtime.stamp_of_least,
    "ts_of_max_over_time": overtime.stamp_of_greatest,
}
_GATHERING = frozenset(
    {"deriv", "stddev_over_time", "stdvar_over_time", "mad_over_time", "ts_of_min_over_time", "ts_of_max_over_time"}
)
_KEEP_NAME = frozenset({"last_over_time", "first_over_time"})
_OF_PRESENCE = frozenset({"count_over_time", "present_over_time", "ts_of_first_over_time", "ts_of_last_over_time"})
"""What does not care whether a sample is a number or a histogram."""
_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")


def call(ctx: Context, node: tree.Call, times_ms: IntArray) -> values.Value:
    """The value of a function call.

    Raises:
        errors.QueryExecutionError: it fails on these arguments, or this server does not have it.
    """
    name, args = node.name, list(node.args)
    if name in _OF_ALL_WINDOWS:
        return _of_all_windows(ctx, name, args[0], times_ms)
    compute = _OF_WINDOWS.get(name)
    if compute is not None:
        return _of_windows(ctx, name, compute, args[0], times_ms)
    if name in elementwise.FUNCTIONS:
        return _mapped(ctx.vector(args[0], times_ms), elementwise.FUNCTIONS[name])
    if name in dates.FUNCTIONS:
        vector = ctx.vector(args[0], times_ms) if args else _constant(times_ms / 1000)
        return _mapped(vector, dates.FUNCTIONS[name])
    if name in relabel.TEXT_FUNCTIONS:
        texts = [_text(arg) for arg in args[1:]]
        return relabel.TEXT_FUNCTIONS[name](ctx.vector(args[0], times_ms), texts, ctx.settings)
    if name in native_numbers.OF_ONE:  # series of floats have none of it
        ctx.vector(args[0], times_ms)
        return _of_histograms(ctx, args[0], times_ms, native_numbers.OF_ONE[name])
    return _SPECIAL[name](ctx, args, times_ms)


def _of_windows(ctx: Context, name: str, compute: ranges.Compute, arg: tree.Expr, times_ms: IntArray) -> Vector:
    matrix = ranges.matrix(ctx, arg, times_ms)
    if name in _GATHERING:
        ranges.gathered(ctx, matrix)
    found = ranges.applied(matrix, compute, keep_name=name in _KEEP_NAME)
    if name in _OF_PRESENCE and isinstance(tree.unwrapped(arg), tree.Matrix) and (counts := _over_counts(ctx)):
        return _joined(found, ranges.applied(ranges.matrix(counts, arg, times_ms), compute))
    return found


def _over_counts(ctx: Context) -> Context | None:
    """The same query over the counts of native histograms: for what only asks when there were samples; None without any."""
    return None if ctx.natives is None else dataclasses.replace(ctx, store=ctx.natives.counts)


def _note_counters(ctx: Context, matrix: windows.Matrix, arg: tree.Expr) -> None:
    """Prometheus 3 wonders about rates of what is not named like a counter."""
    seen: set[str] = set()
    for at, part in matrix.parts:
        if part.counts.any():
            seen.update([values.name_of(matrix.labels[row]) for row in at.tolist()])
    for metric in sorted(seen):
        if metric and not metric.endswith(_COUNTER_SUFFIXES):
            text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
            ctx.note(f'PromQL info: {text}: "{metric}"', arg)


def note_quantile(ctx: Context, q: values.FloatArray, node: tree.Expr) -> None:
    """Prometheus 3 warns of quantiles that are none."""
    wrong = q[~((q >= 0) & (q <= 1))]
    if len(wrong) and ctx.settings.dialect is options.Dialect.V3:
        ctx.note(f"PromQL warning: quantile value should be between 0 and 1, got {numbers.general(wrong[0])}", node)


def _of_all_windows(ctx: Context, name: str, arg: tree.Expr, times_ms: IntArray) -> Vector:
    matrix = ranges.matrix(ctx, arg, times_ms)
    if name != "delta" and ctx.settings.dialect is options.Dialect.V3:
        _note_counters(ctx, matrix, arg)
    return ranges.applied_together(matrix, _OF_ALL_WINDOWS[name])


def _mapped(vector: Vector, function: Callable[[values.FloatArray], values.FloatArray]) -> Vector:
    return values.drop_name(Vector(vector.labels, function(vector.values), vector.present))


def _constant(samples: values.FloatArray) -> Vector:
    return Vector([()], samples[None, :], np.ones((1, len(samples)), dtype=bool))


def _vector(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    return _constant(ctx.scalar(args[0], times_ms))


def _scalar(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    vector = ctx.vector(args[0], times_ms)
    single = vector.present.sum(axis=0) == 1
    return values.Scalar(np.where(single, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan))


def _text(node: tree.Expr) -> str:
    node = tree.unwrapped(node)
    assert isinstance(node, tree.String), "the parser checks types"
    return node.value


def _absent_labels(node: tree.Expr) -> values.LabelSet:
    """What the missing series would have been called: the labels that the selector fixes."""
    node = tree.unwrapped(node)
    selector = node.selector if isinstance(node, tree.Matrix) else node
    if not isinstance(selector, tree.Selector):
        return ()
    pairs: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.name == values.NAME:
            continue
        if matcher.operator == "=" and matcher.name not in seen:
            pairs[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            pairs.pop(matcher.name, None)
    return values.label_set(pairs)


def _absent(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    present = with_histograms(ctx, ctx.vector(args[0], times_ms), args[0], times_ms).present
    missing = ~np.any(present, axis=0, keepdims=True)
    return Vector([_absent_labels(args[0])], np.ones((1, len(times_ms))), missing)


def _absent_over_time(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    missing = np.ones(len(times_ms), dtype=bool)
    for one in (ctx, _over_counts(ctx)):
        for _, part in ranges.matrix(one, args[0], times_ms).parts if one is not None else ():
            missing &= part.counts == 0
    return Vector([_absent_labels(args[0])], np.ones((1, len(times_ms))), missing[None, :])


def _timestamp(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    """A selector's samples know when they were taken; every other expression's are from the evaluation time."""
    node = tree.unwrapped(args[0])
    if isinstance(node, tree.Selector):
        found = values.drop_name(ctx.selected(node, times_ms, stamps=True))
        if counts := _over_counts(ctx):
            return _joined(found, values.drop_name(counts.selected(node, times_ms, stamps=True)))
        return found
    return _mapped(ctx.vector(node, times_ms), lambda samples: np.broadcast_to(times_ms / 1000, samples.shape))


def _round(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    nearest = ctx.scalar(args[1], times_ms) if len(args) > 1 else np.ones(len(times_ms))
    return _mapped(ctx.vector(args[0], times_ms), lambda samples: elementwise.round_to(samples, nearest))


def _clamp(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    vector, low, high = ctx.vector(args[0], times_ms), ctx.scalar(args[1], times_ms), ctx.scalar(args[2], times_ms)
    present = vector.present & ~(high < low)
    return values.drop_name(Vector(vector.labels, elementwise.clamp(vector.values, low, high), present))


def _clamp_min(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    low = ctx.scalar(args[1], times_ms)
    return _mapped(ctx.vector(args[0], times_ms), lambda samples: np.maximum(samples, low))


def _clamp_max(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    high = ctx.scalar(args[1], times_ms)
    return _mapped(ctx.vector(args[0], times_ms), lambda samples: np.minimum(samples, high))


def _histogram_quantile(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    q = ctx.scalar(args[0], times_ms)
    note_quantile(ctx, q, args[0])
    buckets = _buckets(ctx, args[1], times_ms)
    classic = histograms.quantile(q, buckets, lambda metric: _note_forced(ctx, metric, args[1]), ctx.settings)
    return _joined(
        classic, _of_histograms(ctx, args[1], times_ms, lambda h: native_numbers.quantile(q, h, ctx.settings))
    )


def _histogram_fraction(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    low, high = ctx.scalar(args[0], times_ms), ctx.scalar(args[1], times_ms)
    buckets = _buckets(ctx, args[2], times_ms)
    natives = _of_histograms(ctx, args[2], times_ms, lambda h: native_numbers.fraction(low, high, h, ctx.settings))
    if ctx.settings.dialect is options.Dialect.V2:  # only native histograms have fractions there
        return natives
    return _joined(histograms.fraction(low, high, buckets), natives)


def _of_histograms(
    ctx: Context, node: tree.Expr, times_ms: IntArray, compute: Callable[[native.Histograms], values.FloatArray]
) -> Vector:
    """A number for each native histogram of `node`."""
    found = native_walk.walk(ctx, node, times_ms)
    if not found:
        return values.empty(len(times_ms))
    rows = np.array([np.broadcast_to(compute(one), one.present.shape) for one in found])
    return values.drop_name(Vector([one.labels for one in found], rows, np.array([one.present for one in found])))


def with_histograms(ctx: Context, vector: Vector, node: tree.Expr, times_ms: IntArray) -> Vector:
    """The vector with a row of ones for each native histogram beside it: for whoever only asks whether something is there."""
    found = native_walk.walk(ctx, node, times_ms)
    if not found:
        return vector
    present = np.array([one.present for one in found])
    return Vector(
        [*vector.labels, *(one.labels for one in found)],
        np.concatenate([vector.values, np.ones(present.shape)]),
        np.concatenate([vector.present, present]),
    )


def _joined(numbers_of: Vector, natives: Vector) -> Vector:
    """What came of classic buckets and what came of native histograms, in one vector."""
    if not natives.labels:
        return numbers_of
    return values.merged(
        Vector(
            [*numbers_of.labels, *natives.labels],
            np.concatenate([numbers_of.values, natives.values]),
            np.concatenate([numbers_of.present, natives.present]),
        )
    )


def _buckets(ctx: Context, node: tree.Expr, times_ms: IntArray) -> Vector:
    """The series with a usable `le`; the others take no part, and are told of."""
    vector = ctx.vector_again(node, times_ms)
    ctx.budget.spend(len(vector.labels) * budget.GROUP)
    usable = []
    for row, labels in enumerate(vector.labels):
        text = dict(labels).get(histograms.LE, "")
        if not math.isnan(histograms.bound(text)):
            usable.append(row)
        elif ctx.settings.dialect is options.Dialect.V3 and vector.present[row].any():
            name = values.name_of(labels)
            where = f" for metric name {quoting.quoted(name)}" if name else ""
            words = f"bucket label {quoting.quoted('le')} is missing or has a malformed value of {quoting.quoted(text)}"
            ctx.note(f"PromQL warning: {words}{where}", node)
    return vector if len(usable) == len(vector.labels) else vector.rows(usable)


def _note_forced(ctx: Context, metric: str, node: tree.Expr) -> None:
    if ctx.settings.dialect is options.Dialect.V3:
        page = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile"
        words = f"input to histogram_quantile needed to be fixed for monotonicity (see {page})"
        ctx.note(f"PromQL info: {words}{f' for metric name {quoting.quoted(metric)}' if metric else ''}", node)


def _gathered(ctx: Context, node: tree.Expr, times_ms: IntArray) -> windows.Matrix:
    return ranges.gathered(ctx, ranges.matrix(ctx, node, times_ms))


def _quantile_over_time(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    q = ctx.scalar(args[0], times_ms)
    note_quantile(ctx, q, args[0])
    return ranges.applied(_gathered(ctx, args[1], times_ms), lambda part: overtime.quantile(part, q))


def _predict_linear(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    ahead_s = ctx.scalar(args[1], times_ms)
    return ranges.applied(_gathered(ctx, args[0], times_ms), lambda part: trends.predict_linear(part, ahead_s))


def _smoothing(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    level, trend = ctx.scalar(args[1], times_ms), ctx.scalar(args[2], times_ms)

    def compute(part: windows.Windows) -> tuple[values.FloatArray, values.BoolArray]:
        return trends.smooth(part, level, trend)

    return ranges.applied(_gathered(ctx, args[0], times_ms), compute)


def _info(ctx: Context, args: list[tree.Expr], times_ms: IntArray) -> values.Value:
    wanted = args[1] if len(args) > 1 else None
    assert wanted is None or isinstance(wanted, tree.Selector), "the parser checks it"
    return info.enriched(ctx, ctx.vector(args[0], times_ms), wanted, times_ms)


_SPECIAL: dict[str, Function] = {
    "time": lambda _ctx, _args, times_ms: values.Scalar(times_ms / 1000),
    "pi": lambda _ctx, _args, times_ms: values.Scalar(np.full(len(times_ms), np.pi)),
    "vector": _vector,
    "scalar": _scalar,
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "timestamp": _timestamp,
    "round": _round,
    "clamp": _clamp,
    "clamp_min": _clamp_min,
    "clamp_max": _clamp_max,
    "sort": lambda ctx, args, times_ms: relabel.by_value(ctx.vector(args[0], times_ms), descending=False),
    "sort_desc": lambda ctx, args, times_ms: relabel.by_value(ctx.vector(args[0], times_ms), descending=True),
    "histogram_quantile": _histogram_quantile,
    "histogram_fraction": _histogram_fraction,
    "info": _info,
    "holt_winters": _smoothing,
    "quantile_over_time": _quantile_over_time,
    "predict_linear": _predict_linear,
    "double_exponential_smoothing": _smoothing,
}
