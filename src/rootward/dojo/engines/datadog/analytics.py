"""Analytics over events: what is computed, over which groups, in total or over time."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo.engines.columns import column, table

MAX_GROUPS = 10_000
MAX_POINTS = 1_500
MAX_FACETS = 4
AGGREGATIONS = (
    *("count", "cardinality", "pc75", "pc90", "pc95", "pc98", "pc99", "sum", "min", "max", "avg", "median"),
    *("earliest", "latest", "most_frequent"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Compute:
    """`metric` is a field, "" for counts; `interval_ms` 0 for a total."""

    aggregation: str
    metric: str = ""
    interval_ms: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class GroupBy:
    """`order` is a number into the computes, by which groups are ranked; `step` > 0 groups numbers into ranges."""

    facet: str
    limit: int = 10
    order: int = -1
    descending: bool = True
    step: float = 0.0
    missing: str | None = None


def compute_of(data: Any) -> Compute:
    """A compute of a request; raises QuerySyntaxError."""
    if not isinstance(data, Mapping) or data.get("aggregation") not in AGGREGATIONS:
        given = data.get("aggregation") if isinstance(data, Mapping) else data
        raise errors.QuerySyntaxError(f"aggregation must be one of {', '.join(AGGREGATIONS)}, got {str(given)[:40]}")
    over_time = data.get("type") == "timeseries" or (data.get("type") is None and data.get("interval") is not None)
    metric = str(data.get("metric") or "")
    if data["aggregation"] != "count" and not metric:
        raise errors.QuerySyntaxError(f"metric is required for aggregation {data['aggregation']}")
    return Compute(data["aggregation"], metric, duration_ms(data.get("interval") or "5m") if over_time else 0)


def duration_ms(value: Any) -> int:
    """`5m`, `30s`, `1h`, or milliseconds; raises QuerySyntaxError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12:
        return int(value)
    text = str(value)
    for unit, size in (("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)):
        count = text.removesuffix(unit)
        if text.endswith(unit) and count.isascii() and count.isdigit() and 0 < len(count) < 9 and int(count):
            return int(count) * size
    raise errors.QuerySyntaxError(f"invalid interval {text[:40]}")


def group_of(data: Any, computes: Sequence[Compute]) -> GroupBy:
    """A grouping of a request; raises QuerySyntaxError."""
    if not isinstance(data, Mapping) or not isinstance(data.get("facet"), str):
        raise errors.QuerySyntaxError("group_by: facet is required")
    given = data.get("sort")
    sort: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    order = next(
        (
            i
            for i, one in enumerate(computes)
            if sort.get("aggregation") == one.aggregation and str(sort.get("metric") or "") in ("", one.metric)
        ),
        -1,
    )
    limit = data.get("limit", 10)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= MAX_GROUPS:
        raise errors.QuerySyntaxError(f"group_by: limit must be between 1 and {MAX_GROUPS}")
    histogram = data.get("histogram")
    step = histogram.get("interval") if isinstance(histogram, Mapping) else 0
    if not isinstance(step, int | float) or step < 0:
        raise errors.QuerySyntaxError("group_by: histogram interval must be a positive number")
    missing = data.get("missing")
    return GroupBy(
        data["facet"],
        limit,
        order,
        sort.get("order", "desc") != "asc",
        float(step),
        None if missing is None else str(missing),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Bucket:
    by: dict[str, Any]
    computes: list[Any]


def aggregate(
    records: table.Table,
    rows: column.IntArray,
    computes: Sequence[Compute],
    groups: Sequence[GroupBy],
    start_ms: int,
    end_ms: int,
) -> list[Bucket]:
    """One bucket for each combination of groups, ranked facet by facet.

    Raises:
        errors.QueryTooLarge: too many facets, groups or points.
    """
    if len(groups) > MAX_FACETS:
        raise errors.QueryTooLarge(f"at most {MAX_FACETS} facets can be grouped by")
    out: list[Bucket] = []
    _into(records, rows, computes, groups, (start_ms, end_ms), {}, out)
    return out


def _into(
    records: table.Table,
    rows: column.IntArray,
    computes: Sequence[Compute],
    groups: Sequence[GroupBy],
    span_ms: tuple[int, int],
    by: dict[str, Any],
    out: list[Bucket],
) -> None:
    if len(out) >= MAX_GROUPS:
        raise errors.QueryTooLarge(f"more than {MAX_GROUPS} groups")
    if not groups:
        out.append(Bucket(by, [computed(records, rows, one, *span_ms) for one in computes]))
        return
    first, *rest = groups
    parts = _parts(records, rows, first)
    order = computes[first.order] if first.order >= 0 else Compute("count")
    total = dataclasses.replace(order, interval_ms=0)
    worth = {key: _worth(computed(records, part, total, *span_ms)) for key, part in parts}
    parts.sort(key=lambda item: str(item[0]))
    parts.sort(key=lambda item: worth[item[0]], reverse=first.descending)
    for key, part in parts[: first.limit]:
        _into(records, part, computes, rest, span_ms, {**by, first.facet: key}, out)


def _worth(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else -1.0


def _parts(records: table.Table, rows: column.IntArray, group: GroupBy) -> list[tuple[Any, column.IntArray]]:
    found = records.columns.get(group.facet)
    if found is None:
        return [] if group.missing is None else [(group.missing, rows)]
    present = found.present[rows]
    have = rows[present]
    if found.numbers is not None:
        values = np.floor(found.numbers[have] / group.step) * group.step if group.step else found.numbers[have]
        parts = [(_shown(key), part) for key, part in column.rows_by(values, have)]
    else:
        assert found.codes is not None, "texts have codes"
        parts = [(found.values[code], part) for code, part in column.rows_by(found.codes[have], have)]
    if group.missing is not None and not present.all():
        parts.append((group.missing, rows[~present]))
    return parts


def _shown(value: float) -> Any:
    return int(value) if value == int(value) else value


def computed(records: table.Table, rows: column.IntArray, compute: Compute, start_ms: int, end_ms: int) -> Any:
    """One number, or a list of {time, value} when it is over time; None where there is nothing to compute from."""
    if not compute.interval_ms:
        return _total(records, rows, compute)
    first = start_ms // compute.interval_ms * compute.interval_ms
    if (end_ms - first) // compute.interval_ms > MAX_POINTS:
        raise errors.QueryTooLarge(f"interval too small: more than {MAX_POINTS} points")
    times = records.columns["timestamp"].numbers
    assert times is not None, "every event has a time"
    parts = dict(column.rows_by(np.floor(times[rows] / compute.interval_ms) * compute.interval_ms, rows))
    keys = range(first, end_ms, compute.interval_ms)
    if compute.aggregation == "count":
        return [{"time": key, "value": len(parts.get(key, ()))} for key in keys]
    return [{"time": key, "value": _total(records, parts[key], compute)} for key in keys if key in parts]


def _total(records: table.Table, rows: column.IntArray, compute: Compute) -> Any:
    if compute.aggregation == "count":
        return len(rows)
    found = records.columns.get(compute.metric)
    if found is None:
        return 0 if compute.aggregation == "cardinality" else None
    if compute.aggregation in ("cardinality", "most_frequent"):
        ranks = found.ranks[rows]
        distinct, counts = np.unique(ranks[~np.isnan(ranks)], return_counts=True)
        if compute.aggregation == "cardinality":
            return len(distinct)
        return found.values[int(distinct[counts.argmax()])] if len(distinct) and found.values else None
    if found.numbers is None:
        return None
    values = found.numbers[rows]
    values = values[~np.isnan(values)]
    return float(_REDUCE[compute.aggregation](values)) if len(values) else None


_REDUCE: dict[str, Callable[[column.FloatArray], Any]] = {
    "sum": np.sum,
    "min": np.min,
    "max": np.max,
    "avg": np.mean,
    "median": np.median,
    "earliest": lambda values: values[0],
    "latest": lambda values: values[-1],
    **{f"pc{share}": functools.partial(np.percentile, q=share) for share in (75, 90, 95, 98, 99)},
}
