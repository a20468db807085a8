"""Functions of metric queries, as docs.datadoghq.com/dashboards/functions describes them."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from rootward import errors
from rootward.dojo.engines.datadog import series, tree

MAX_SHIFT_S = 40_000_000
Lines = list[series.Line]
Arguments = Sequence[float | str]


class Inner(Protocol):
    """The lines that a function is of, on any window."""

    def __call__(self, on: series.Window) -> Lines: ...


def apply(node: tree.Apply, inner: Inner, on: series.Window) -> Lines:
    """The function's lines.

    Raises:
        errors.QuerySyntaxError: no such function, or arguments that do not fit it.
    """
    if node.name in _SHIFTS or node.name in ("timeshift", "calendar_shift"):
        return _shifted(node, inner, on)
    lines = inner(on)
    if node.name in _RANKED:
        return _ranked(node, lines)
    pointwise = _POINTWISE.get(node.name)
    if pointwise is None:
        raise errors.QuerySyntaxError(f"Unknown function: {node.name[:100]}")
    try:
        values = [pointwise(line.values, node.arguments, on) for line in lines]
    except (TypeError, ValueError, IndexError) as error:
        raise errors.QuerySyntaxError(f"Invalid arguments for function {node.name}") from error
    shown = "".join(f", {_argument(one)}" for one in node.arguments)
    return [
        series.Line(
            line.tags,
            np.where(np.isfinite(found), found, np.nan),
            line.metric,
            line.aggregator,
            line.scope,
            f"{node.name}({line.expression}{shown})",
        )
        for line, found in zip(lines, values, strict=True)
        if not (node.name == "exclude_null" and any(tag.endswith(":N/A") for tag in line.tags))
    ]


def _argument(value: float | str) -> str:
    return f"'{value}'" if isinstance(value, str) else f"{value:g}"


_SHIFTS = {"hour_before": 3600.0, "day_before": 86_400.0, "week_before": 604_800.0, "month_before": 2_592_000.0}


def _shifted(node: tree.Apply, inner: Inner, on: series.Window) -> Lines:
    seconds = _SHIFTS.get(node.name)
    if seconds is None:
        given = node.arguments[0] if node.arguments else None
        if not isinstance(given, float) or abs(given) > MAX_SHIFT_S or given > 0:
            raise errors.QuerySyntaxError(f"Invalid arguments for function {node.name}")
        seconds = -given
    lines = inner(on.moved(-seconds))
    return [
        series.Line(line.tags, line.values, line.metric, line.aggregator, line.scope, f"{node.name}({line.expression})")
        for line in lines
    ]


_RANKED = {
    "top": 0,
    **{
        f"{way}{count}{by}": count
        for way in ("top", "bottom")
        for count in (5, 10, 15, 20)
        for by in ("", "_mean", "_min", "_max", "_last", "_area", "_l2norm")
    },
}
_WORTH: dict[str, Callable[[series.FloatArray], float]] = {
    "mean": lambda v: float(np.nanmean(v)),
    "min": lambda v: float(np.nanmin(v)),
    "max": lambda v: float(np.nanmax(v)),
    "last": lambda v: float(v[~np.isnan(v)][-1]),
    "area": lambda v: float(np.nansum(v)),
    "sum": lambda v: float(np.nansum(v)),
    "l2norm": lambda v: float(np.sqrt(np.nansum(v**2))),
    "norm": lambda v: float(np.sqrt(np.nansum(v**2))),
}


def _ranked(node: tree.Apply, lines: Lines) -> Lines:
    if node.name == "top":
        count, by, order = (*node.arguments, *(10.0, "mean", "desc")[len(node.arguments) :])[:3]
    else:
        name, _, by = node.name.partition("_")
        count, by, order = float(_RANKED[node.name]), by or "mean", "desc" if name.startswith("top") else "asc"
    worth = _WORTH.get(str(by))
    if worth is None or not isinstance(count, float) or not 0 < count <= 100 or order not in ("asc", "desc"):
        raise errors.QuerySyntaxError(f"Invalid arguments for function {node.name}")
    known = [line for line in lines if not np.isnan(line.values).all()]
    return sorted(known, key=lambda line: (worth(line.values) * (-1 if order == "desc" else 1), line.tags))[
        : int(count)
    ]


def filled(values: series.FloatArray, method: str) -> series.FloatArray:
    """Gaps filled with zero, the last value, or a line between neighbours."""
    missing = np.isnan(values)
    if method == "zero" or not missing.any() or missing.all():
        return np.where(missing, 0.0, values) if method == "zero" else values
    at = np.arange(len(values))
    if method == "last":
        last = np.maximum.accumulate(np.where(missing, -1, at))
        return np.where(last >= 0, values[np.maximum(last, 0)], np.nan)
    inner = (at >= at[~missing][0]) & (at <= at[~missing][-1])
    return np.where(inner, np.interp(at, at[~missing], values[~missing]), np.nan)


def _moved(values: series.FloatArray) -> series.FloatArray:
    return np.concatenate([[np.nan], np.diff(values)])


def _smoothed(span: int) -> Callable[[series.FloatArray, Arguments, series.Window], series.FloatArray]:
    def ewma(values: series.FloatArray, _arguments: Arguments, _on: series.Window) -> series.FloatArray:
        weight = 2.0 / (span + 1)
        out, last = np.full(len(values), np.nan), np.nan
        for i, value in enumerate(values.tolist()):
            if value == value:  # not NaN
                last = value if last != last else weight * value + (1 - weight) * last
                out[i] = last
        return out

    return ewma


def _middled(span: int) -> Callable[[series.FloatArray, Arguments, series.Window], series.FloatArray]:
    def median(values: series.FloatArray, _arguments: Arguments, _on: series.Window) -> series.FloatArray:
        padded = np.concatenate([np.full(span - 1, np.nan), values])
        windows = np.lib.stride_tricks.sliding_window_view(padded, span)
        known = ~np.isnan(windows).all(axis=1)
        out = np.full(len(values), np.nan)
        out[known] = np.nanmedian(windows[known], axis=1)
        return out

    return median


def _rolling(values: series.FloatArray, arguments: Arguments, on: series.Window) -> series.FloatArray:
    """moving_rollup(q, seconds, 'avg')."""
    span = int(np.clip(float(arguments[0]) / on.interval_s, 1, len(values)))
    method = str(arguments[1]) if len(arguments) > 1 else "avg"
    padded = np.concatenate([np.full(span - 1, np.nan), values])
    windows = np.lib.stride_tricks.sliding_window_view(padded, span)
    return series.combined(windows.T, method)


def _bounded(
    compare: Callable[[series.FloatArray, float], series.FloatArray],
) -> Callable[[series.FloatArray, Arguments, series.Window], series.FloatArray]:
    return lambda values, arguments, _on: compare(values, float(arguments[0]))


def _log(
    base: Callable[[series.FloatArray], series.FloatArray],
) -> Callable[[series.FloatArray, Arguments, series.Window], series.FloatArray]:
    def log(values: series.FloatArray, _arguments: Arguments, _on: series.Window) -> series.FloatArray:
        with np.errstate(all="ignore"):
            return base(values)

    return log


def _per(seconds: float) -> Callable[[series.FloatArray, Arguments, series.Window], series.FloatArray]:
    return lambda values, _arguments, on: (
        np.where(_moved(values) >= 0, _moved(values), np.nan) / on.interval_s * seconds
    )


Pointwise = Callable[[series.FloatArray, Arguments, series.Window], series.FloatArray]
_POINTWISE: dict[str, Pointwise] = {
    "abs": lambda v, _a, _w: np.abs(v),
    "log2": _log(np.log2),
    "log10": _log(np.log10),
    "default_zero": lambda v, _a, _w: np.nan_to_num(v),
    "default": lambda v, a, _w: np.where(np.isnan(v), float(a[0]), v),
    "exclude_null": lambda v, _a, _w: v,
    "fill": lambda v, a, _w: filled(v, str(a[0])),
    "derivative": lambda v, _a, w: _moved(v) / w.interval_s,
    "diff": lambda v, _a, _w: _moved(v),
    "monotonic_diff": lambda v, _a, _w: np.where(_moved(v) >= 0, _moved(v), np.nan),
    "dt": lambda v, _a, w: np.where(np.isnan(v), np.nan, w.interval_s),
    "per_second": _per(1.0),
    "per_minute": _per(60.0),
    "per_hour": _per(3600.0),
    "cumsum": lambda v, _a, _w: np.where(np.isnan(v), np.nan, np.nancumsum(v)),
    "integral": lambda v, _a, w: np.where(np.isnan(v), np.nan, np.nancumsum(v) * w.interval_s),
    "count_nonzero": lambda v, _a, _w: np.where(np.isnan(v), np.nan, (v != 0).astype(np.float64)),
    "count_not_null": lambda v, _a, _w: (~np.isnan(v)).astype(np.float64),
    "clamp_min": _bounded(np.maximum),
    "clamp_max": _bounded(np.minimum),
    "cutoff_min": _bounded(lambda v, limit: np.where(v < limit, np.nan, v)),
    "cutoff_max": _bounded(lambda v, limit: np.where(v > limit, np.nan, v)),
    "moving_rollup": _rolling,
    "rollup": lambda v, _a, _w: v,
    "autosmooth": _smoothed(5),
    **{f"ewma_{span}": _smoothed(span) for span in (3, 5, 7, 10, 20)},
    **{f"median_{span}": _middled(span) for span in (3, 5, 7, 9)},
}
