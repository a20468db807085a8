"""Metric aggregations: one answer over the rows of a bucket."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import dates, rejection
from rootward.dojo.engines.elastic.context import Context, number

IntArray = column.IntArray
FloatArray = column.FloatArray
Metric = Callable[[Context, Mapping[str, Any], IntArray], dict[str, Any]]
PERCENTS = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)


def field_of(ctx: Context, kind: str, body: Mapping[str, Any]) -> column.Column | None:
    """The field that an aggregation is over, None when no record has it; raises Rejection."""
    if "script" in body:
        raise rejection.argument(f"[{kind}] cannot execute [inline] scripts")
    name = body.get("field")
    if not isinstance(name, str):
        raise rejection.argument("Required one of fields [field, script], but none were specified. ")
    found = ctx.table.columns.get(name)
    if found is not None and found.kind == "text":
        raise no_fielddata(name)
    return found


def no_fielddata(name: str) -> rejection.Rejection:
    reason = (
        f"Fielddata is disabled on [{name}] in [logs]. Text fields are not optimised for operations that require per-document "
        "field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword field "
        f"instead. Alternatively, set fielddata=true on [{name}] in order to load field data by uninverting the inverted index. "
        "Note that this can use significant memory."
    )
    return rejection.Rejection("illegal_argument_exception", reason, phase=True)


def numbers(ctx: Context, kind: str, body: Mapping[str, Any], rows: IntArray) -> tuple[FloatArray, str]:
    """(the numbers of the rows that have one, the kind of field)."""
    found = field_of(ctx, kind, body)
    missing = body.get("missing")
    if found is None:
        filler = number(missing, "missing", math.nan) if missing is not None else math.nan
        return (np.full(len(rows), filler) if missing is not None else np.empty(0)), "double"
    if found.kind == "boolean":
        assert found.codes is not None, "booleans are texts"
        worth = np.array([*(float(value == "true") for value in found.values), np.nan])
        values = worth[found.codes[rows]]
    elif found.numbers is None:
        raise rejection.Rejection(
            "illegal_argument_exception",
            f"Field [{body['field']}] of type [{found.kind}] is not supported for aggregation [{kind}]",
            phase=True,
        )
    else:
        values = found.numbers[rows]
    if missing is not None:
        values = np.where(np.isnan(values), number(missing, "missing", 0.0), values)
    return values[~np.isnan(values)], found.kind


def _single(reduce: Callable[[FloatArray], float], empty: float | None) -> Metric:
    def metric(ctx: Context, body: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
        values, kind = numbers(ctx, "avg", body, rows)
        return _valued(float(reduce(values)) if len(values) else empty, kind, body)

    return metric


def _valued(value: float | None, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"value": value}
    if kind == "date" and value is not None:
        out["value_as_string"] = dates.text(value, str(body.get("format") or ""))
    return out


def _value_count(ctx: Context, body: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
    if body.get("field") in ("_id", "_index"):
        return {"value": len(rows)}
    found = field_of(ctx, "value_count", body)
    return {"value": 0 if found is None else int(found.present[rows].sum())}


def _cardinality(ctx: Context, body: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
    found = field_of(ctx, "cardinality", body)
    if found is None:
        return {"value": 0}
    ranks = found.ranks[rows]
    return {"value": len(np.unique(ranks[~np.isnan(ranks)]))}


def _stats(ctx: Context, body: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
    values, kind = numbers(ctx, "stats", body, rows)
    if not len(values):
        return {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}
    out: dict[str, Any] = {
        "count": len(values),
        "min": float(values.min()),
        "max": float(values.max()),
        "avg": float(values.mean()),
        "sum": float(values.sum()),
    }
    if kind == "date":
        out |= {f"{name}_as_string": dates.text(out[name]) for name in ("min", "max", "avg", "sum")}
    return out


def _extended(ctx: Context, body: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
    out = _stats(ctx, body, rows)
    values, _ = numbers(ctx, "extended_stats", body, rows)
    sigma = number(body.get("sigma"), "sigma", 2.0)
    if not len(values):
        return {**out, "sum_of_squares": None, "variance": None, "std_deviation": None}
    deviation = float(values.std())
    return {
        **out,
        "sum_of_squares": float((values**2).sum()),
        "variance": float(values.var()),
        "variance_population": float(values.var()),
        "std_deviation": deviation,
        "std_deviation_population": deviation,
        "std_deviation_bounds": {"upper": out["avg"] + sigma * deviation, "lower": out["avg"] - sigma * deviation},
    }


def _percents(body: Mapping[str, Any], name: str, default: Any) -> list[float]:
    wanted = body.get(name, default)
    if not isinstance(wanted, list | tuple) or not 0 < len(wanted) <= 100:
        raise rejection.argument(f"[{name}] must not be empty: [percentiles]")
    return [number(one, name) for one in wanted]


def _percentiles(ctx: Context, body: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
    wanted = _percents(body, "percents", PERCENTS)
    if any(not 0 <= one <= 100 for one in wanted):
        raise rejection.argument(
            f"percent must be in [0,100], got [{next(one for one in wanted if not 0 <= one <= 100)}]: [percentiles]"
        )
    values, _ = numbers(ctx, "percentiles", body, rows)
    found = np.percentile(values, wanted).tolist() if len(values) else [None] * len(wanted)
    if body.get("keyed", True):
        return {"values": {str(percent): value for percent, value in zip(wanted, found, strict=True)}}
    return {"values": [{"key": percent, "value": value} for percent, value in zip(wanted, found, strict=True)]}


def _percentile_ranks(ctx: Context, body: Mapping[str, Any], rows: IntArray) -> dict[str, Any]:
    wanted = _percents(body, "values", None)
    values, _ = numbers(ctx, "percentile_ranks", body, rows)
    found = [float((values <= one).mean() * 100) if len(values) else None for one in wanted]
    return {"values": {str(one): value for one, value in zip(wanted, found, strict=True)}}


METRICS: dict[str, Metric] = {
    "avg": _single(np.mean, None),
    "sum": _single(np.sum, 0.0),
    "min": _single(np.min, None),
    "max": _single(np.max, None),
    "median_absolute_deviation": _single(lambda values: float(np.median(np.abs(values - np.median(values)))), None),
    "value_count": _value_count,
    "cardinality": _cardinality,
    "stats": _stats,
    "extended_stats": _extended,
    "percentiles": _percentiles,
    "percentile_ranks": _percentile_ranks,
}
