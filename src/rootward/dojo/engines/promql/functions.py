"""PromQL's functions by name, each bound to the arrays it works on."""

from collections.abc import Callable

import numpy as np
import promql_parser as library

from rootward import errors
from rootward.dojo.engines.promql import (
    context,
    dates,
    elementwise,
    histograms,
    options,
    overtime,
    ranges,
    rates,
    relabel,
    syntax,
    trends,
    values,
    windows,
)

IntArray = values.IntArray
Context = context.Context
Vector = values.Vector
Function = Callable[[Context, list[library.Expr], IntArray], values.Value]

_OF_WINDOWS: dict[str, ranges.Compute] = {
    "rate": rates.rate,
    "increase": rates.increase,
    "delta": rates.delta,
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
_KEEP_NAME = frozenset({"last_over_time", "first_over_time"})
_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")
_NATIVE_ONLY = frozenset({"histogram_avg", "histogram_count", "histogram_sum", "histogram_stddev", "histogram_stdvar"})


def call(ctx: Context, node: library.Call, times_ms: IntArray) -> values.Value:
    """The value of a function call.

    Raises:
        errors.QueryExecutionError: it fails on these arguments, or this server does not have it.
    """
    name, args = node.func.name, list(node.args)
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
    if name in _NATIVE_ONLY:  # series of floats have none of it
        ctx.vector(args[0], times_ms)
        return values.empty(len(times_ms))
    if name not in _SPECIAL:
        raise errors.QueryExecutionError(f"function {name}() is not available on this server")
    return _SPECIAL[name](ctx, args, times_ms)


def _of_windows(ctx: Context, name: str, compute: ranges.Compute, arg: library.Expr, times_ms: IntArray) -> Vector:
    result = ranges.applied(ranges.matrix(ctx, arg, times_ms), compute, keep_name=name in _KEEP_NAME)
    arg = syntax.unwrapped(arg)
    if name in ("rate", "increase") and ctx.settings.dialect is options.Dialect.V3 and result.labels:
        metric = arg.vector_selector.name if isinstance(arg, library.MatrixSelector) else None
        if isinstance(arg, library.MatrixSelector) and metric and not metric.endswith(_COUNTER_SUFFIXES):
            text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
            ctx.note(f'PromQL info: {text}: "{metric}"', arg.vector_selector)
    return result


def note_quantile(ctx: Context, q: values.FloatArray) -> None:
    """Prometheus 3 warns of quantiles that are none."""
    wrong = q[~((q >= 0) & (q <= 1))]
    if len(wrong) and ctx.settings.dialect is options.Dialect.V3:
        ctx.note(f"PromQL warning: quantile value should be between 0 and 1, got {wrong[0]:g}")


def _mapped(vector: Vector, function: Callable[[values.FloatArray], values.FloatArray]) -> Vector:
    return values.drop_name(Vector(vector.labels, function(vector.values), vector.present))


def _constant(samples: values.FloatArray) -> Vector:
    return Vector([()], samples[None, :], np.ones((1, len(samples)), dtype=bool))


def _vector(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    return _constant(ctx.scalar(args[0], times_ms))


def _scalar(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    vector = ctx.vector(args[0], times_ms)
    single = vector.present.sum(axis=0) == 1
    return values.Scalar(np.where(single, np.where(vector.present, vector.values, 0.0).sum(axis=0), np.nan))


def _text(node: library.Expr) -> str:
    node = syntax.unwrapped(node)
    assert isinstance(node, library.StringLiteral), "the parser checks types"
    return node.val


def _absent_labels(node: library.Expr) -> values.LabelSet:
    """What the missing series would have been called: the labels that the selector fixes."""
    selector = node.vector_selector if isinstance(node, library.MatrixSelector) else node
    if not isinstance(selector, library.VectorSelector):
        return ()
    pairs: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers.matchers:
        if matcher.name == values.NAME:
            continue
        if matcher.op == library.MatchOp.Equal and matcher.name not in seen:
            pairs[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            pairs.pop(matcher.name, None)
    return values.label_set(pairs)


def _absent(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    present = ctx.vector(args[0], times_ms).present
    missing = ~np.any(present, axis=0, keepdims=True)
    return Vector([_absent_labels(args[0])], np.ones((1, len(times_ms))), missing)


def _absent_over_time(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    matrix = ranges.matrix(ctx, args[0], times_ms)
    missing = np.ones(len(times_ms), dtype=bool)
    for _, part in matrix.parts:
        missing &= part.counts == 0
    return Vector([_absent_labels(args[0])], np.ones((1, len(times_ms))), missing[None, :])


def _timestamp(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    """A selector's samples know when they were taken; every other expression's are from the evaluation time."""
    node = syntax.unwrapped(args[0])
    if isinstance(node, library.VectorSelector):
        return values.drop_name(ctx.selected(node, times_ms, stamps=True))
    return _mapped(ctx.vector(node, times_ms), lambda samples: np.broadcast_to(times_ms / 1000, samples.shape))


def _round(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    nearest = ctx.scalar(args[1], times_ms) if len(args) > 1 else np.ones(len(times_ms))
    return _mapped(ctx.vector(args[0], times_ms), lambda samples: elementwise.round_to(samples, nearest))


def _clamp(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    vector, low, high = ctx.vector(args[0], times_ms), ctx.scalar(args[1], times_ms), ctx.scalar(args[2], times_ms)
    present = vector.present & ~(high < low)
    return values.drop_name(Vector(vector.labels, elementwise.clamp(vector.values, low, high), present))


def _clamp_min(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    low = ctx.scalar(args[1], times_ms)
    return _mapped(ctx.vector(args[0], times_ms), lambda samples: np.maximum(samples, low))


def _clamp_max(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    high = ctx.scalar(args[1], times_ms)
    return _mapped(ctx.vector(args[0], times_ms), lambda samples: np.minimum(samples, high))


def _histogram_quantile(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    q = ctx.scalar(args[0], times_ms)
    note_quantile(ctx, q)
    return histograms.quantile(q, ctx.vector(args[1], times_ms), ctx.settings)


def _quantile_over_time(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    q = ctx.scalar(args[0], times_ms)
    note_quantile(ctx, q)
    return ranges.applied(ranges.matrix(ctx, args[1], times_ms), lambda part: overtime.quantile(part, q))


def _predict_linear(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    ahead_s = ctx.scalar(args[1], times_ms)
    return ranges.applied(ranges.matrix(ctx, args[0], times_ms), lambda part: trends.predict_linear(part, ahead_s))


def _smoothing(ctx: Context, args: list[library.Expr], times_ms: IntArray) -> values.Value:
    level, trend = ctx.scalar(args[1], times_ms), ctx.scalar(args[2], times_ms)

    def compute(part: windows.Windows) -> tuple[values.FloatArray, values.BoolArray]:
        return trends.smooth(part, level, trend)

    return ranges.applied(ranges.matrix(ctx, args[0], times_ms), compute)


_SPECIAL: dict[str, Function] = {
    "time": lambda _ctx, _args, times_ms: values.Scalar(times_ms / 1000),
    "pi": lambda _ctx, _args, times_ms: values.Scalar(np.full(len(times_ms), np.pi)),
    "step": lambda ctx, _args, times_ms: values.Scalar(np.full(len(times_ms), ctx.step_ms / 1000)),
    "range": lambda ctx, _args, times_ms: values.Scalar(np.full(len(times_ms), (ctx.end_ms - ctx.start_ms) / 1000)),
    "start": lambda ctx, _args, times_ms: values.Scalar(np.full(len(times_ms), ctx.start_ms / 1000)),
    "end": lambda ctx, _args, times_ms: values.Scalar(np.full(len(times_ms), ctx.end_ms / 1000)),
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
    "quantile_over_time": _quantile_over_time,
    "predict_linear": _predict_linear,
    "double_exponential_smoothing": _smoothing,
}
