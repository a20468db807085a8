"""Range aggregations: counts, rates and unwrapped values of the lines in a window that ends at each point of the grid."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rootward import errors
from rootward.dojo.engines.logql import pipeline, store, tree, vectors

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Key = tuple[tuple[str, str], ...]

# Aggregations whose sum over a group equals the same aggregation over the group's lines together.
_ADDITIVE = frozenset({"count_over_time", "rate", "bytes_over_time", "bytes_rate", "sum_over_time"})
_BY_LINES = frozenset({"count_over_time", "bytes_over_time", "bytes_rate"})


def pushed_down(outer: tree.VectorAggregation) -> tree.Grouping | None:
    """The grouping that lines may be gathered by already, so that `sum by (app)` never makes a series per trace id."""
    inner = outer.inner
    if outer.op != "sum" or not isinstance(inner, tree.RangeAggregation):
        return None
    if inner.op not in _ADDITIVE or inner.grouping is not None:
        return None
    return outer.grouping or tree.Grouping(without=False, labels=())


def range_aggregation(
    log_store: store.LogStore, query: tree.RangeAggregation, times_ns: IntArray, pushed: tree.Grouping | None
) -> list[vectors.Series]:
    """One series per label set; a point is present where its window (t - range, t] has a line."""
    at_ns = times_ns - query.offset_ns
    rows = log_store.rows(query.query.matchers, int(at_ns[0]) - query.range_ns + 1, int(at_ns[-1]) + 1)
    grouping = query.grouping or pushed
    groups = _groups(log_store, query, rows, grouping)
    if len(groups) > vectors.MAX_SERIES * 20:
        raise errors.QueryTooLarge(vectors.TOO_MANY_SERIES)
    if query.op == "absent_over_time":
        return [_absent(query, groups, at_ns)]
    out = []
    for key, (moments, values) in groups.items():
        left = np.searchsorted(moments, at_ns - query.range_ns, side="right")
        right = np.searchsorted(moments, at_ns, side="right")
        if query.op == "rate_counter":
            reduced = _rates(moments, values, left, right, query.range_ns)
        else:
            reduced = _reduce(query, values, left, right)
        out.append(vectors.Series(dict(key), reduced, right > left))
    return out


def _absent(
    query: tree.RangeAggregation, groups: dict[Key, tuple[IntArray, FloatArray]], at_ns: IntArray
) -> vectors.Series:
    seen = np.zeros(len(at_ns), dtype=np.bool_)
    for moments, _ in groups.values():
        left = np.searchsorted(moments, at_ns - query.range_ns, side="right")
        seen |= np.searchsorted(moments, at_ns, side="right") > left
    equal = [m for m in query.query.matchers if m.op == "="]
    labels = {m.label: m.value for m in equal if sum(other.label == m.label for other in query.query.matchers) == 1}
    return vectors.Series(labels, np.ones(len(at_ns)), ~seen)


def _groups(
    log_store: store.LogStore, query: tree.RangeAggregation, rows: IntArray, grouping: tree.Grouping | None
) -> dict[Key, tuple[IntArray, FloatArray]]:
    """Label set → (times, value of each line), times in order."""
    stages = pipeline.Pipeline(log_store, query.query.stages)
    by_stream = stages.only_filters and query.unwrap is None and _metadata_is_dropped(log_store, grouping)
    if by_stream:
        return _groups_by_stream(log_store, query, np.array(stages.passing(rows.tolist()), dtype=np.int64), grouping)
    gathered: dict[Key, tuple[list[int], list[float]]] = {}
    value_of = _value_of(query)
    for entry in stages.entries(rows):
        value = value_of(entry)
        if value is None:
            continue
        key = vectors.group_key(entry.labels, grouping)
        if grouping is None and query.unwrap is not None:
            key = tuple(pair for pair in key if pair[0] != query.unwrap.label)
        moments, values = gathered.setdefault(key, ([], []))
        moments.append(entry.row)
        values.append(value)
    return {
        key: (log_store.times_ns[np.array(found, dtype=np.int64)], np.array(values))
        for key, (found, values) in gathered.items()
    }


def _metadata_is_dropped(log_store: store.LogStore, grouping: tree.Grouping | None) -> bool:
    if not log_store.has_metadata:
        return True
    if grouping is None:
        return False
    named = {"trace_id", "span_id"} & set(grouping.labels)
    return len(named) == 2 if grouping.without else not named


def _groups_by_stream(
    log_store: store.LogStore, query: tree.RangeAggregation, rows: IntArray, grouping: tree.Grouping | None
) -> dict[Key, tuple[IntArray, FloatArray]]:
    """The quick way, for queries whose labels depend on the stream alone."""
    streams = log_store.stream[rows]
    keys = [vectors.group_key(labels, grouping) for labels in log_store.streams]
    distinct: dict[Key, int] = {}
    number = np.array([distinct.setdefault(key, len(distinct)) for key in keys], dtype=np.int64)
    member = number[streams] if len(rows) else np.empty(0, dtype=np.int64)
    out: dict[Key, tuple[IntArray, FloatArray]] = {}
    order = np.argsort(member, kind="stable")
    ends = np.searchsorted(member[order], np.arange(len(distinct) + 1))
    for key, i in distinct.items():
        mine = rows[order[ends[i] : ends[i + 1]]]
        if len(mine):
            sizes = np.ones(len(mine))
            if query.op.startswith("bytes"):
                sizes = log_store.sizes(mine).astype(np.float64)
            out[key] = (log_store.times_ns[mine], sizes)
    return out


def _value_of(query: tree.RangeAggregation) -> Callable[[pipeline.Entry], float | None]:
    if query.unwrap is None:
        by_size = query.op.startswith("bytes")

        def count(entry: pipeline.Entry) -> float | None:
            _refuse_failed(entry)
            return float(len(entry.line.encode())) if by_size else 1.0

        return count
    unwrap = query.unwrap
    convert = pipeline.NUMBERS[unwrap.conversion]
    filters = [pipeline.label_step(one.test) for one in unwrap.filters]

    def value(entry: pipeline.Entry) -> float | None:
        text = entry.labels.get(unwrap.label, "")
        if text == "":
            return None
        number = 0.0
        try:
            number = convert(text)
        except ValueError as error:
            entry.fail("SampleExtractionErr", str(error))
        if not all(step(entry) for step in filters):
            return None
        _refuse_failed(entry)
        return number

    return value


def _refuse_failed(entry: pipeline.Entry) -> None:
    if code := entry.labels.get("__error__"):
        labels = ", ".join(f'{name}="{value}"' for name, value in sorted(entry.labels.items()))
        raise errors.QueryExecutionError(
            f"pipeline error: '{code}' for series: '{{{labels}}}'.\nUse a label filter to intentionally skip this error. "
            '(e.g | __error__!="'
            + code
            + '").\nTo skip all potential errors you can match empty errors.(e.g __error__="")\n'
            'The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )\n'
        )


def _reduce(query: tree.RangeAggregation, values: FloatArray, left: IntArray, right: IntArray) -> FloatArray:
    op = query.op
    count = (right - left).astype(np.float64)
    if op == "count_over_time":
        return count
    if op in ("bytes_over_time", "bytes_rate", "rate", "sum_over_time", "avg_over_time"):
        sums = _window_sums(values, left, right)
        if op in ("rate", "bytes_rate"):
            return sums / (query.range_ns / 1e9)
        return sums / np.maximum(count, 1.0) if op == "avg_over_time" else sums
    quantile = query.parameter if query.parameter is not None else 0.5
    out = np.zeros(len(left))
    for i, (low, high) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if high > low:
            out[i] = _WINDOW[op](values[low:high], quantile)
    return out


def _rates(moments: IntArray, values: FloatArray, left: IntArray, right: IntArray, range_ns: int) -> FloatArray:
    """Loki's rate_counter: resets added back, and extrapolated to the window as Prometheus does; 0 with one value."""
    drops = np.where(np.diff(values) < 0, values[:-1], 0.0)
    regained = np.concatenate([[0.0], np.cumsum(drops)])
    out = np.zeros(len(left))
    for i, (low, high) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if high - low < 2:
            continue
        increase = values[high - 1] - values[low] + regained[high - 1] - regained[low]
        sampled_s = (moments[high - 1] - moments[low]) / 1e9
        if sampled_s <= 0:
            continue
        between_s = sampled_s / (high - low - 1)
        before_s = range_ns / 1e9
        if increase > 0 and values[low] >= 0:
            before_s = min(before_s, sampled_s * values[low] / increase)
        reach_s = sampled_s + (before_s if before_s < between_s * 1.1 else between_s / 2)
        out[i] = increase * (reach_s / sampled_s) / (range_ns / 1e9)
    return out


def _window_sums(values: FloatArray, left: IntArray, right: IntArray) -> FloatArray:
    if not np.isfinite(values).all():  # differences of running sums would smear one infinity over every window
        return np.array([values[a:b].sum() for a, b in zip(left.tolist(), right.tolist(), strict=True)])
    running = np.concatenate([[0.0], np.cumsum(values)])
    sums: FloatArray = running[right] - running[left]
    return sums


def _quantile(values: FloatArray, q: float) -> float:
    if q < 0:
        return float("-inf")
    if q > 1:
        return float("inf")
    return float(np.quantile(values, q))


_WINDOW: dict[str, Callable[[FloatArray, float], float]] = {
    "max_over_time": lambda v, _q: float(v.max()),
    "min_over_time": lambda v, _q: float(v.min()),
    "first_over_time": lambda v, _q: float(v[0]),
    "last_over_time": lambda v, _q: float(v[-1]),
    "stddev_over_time": lambda v, _q: float(v.std()),
    "stdvar_over_time": lambda v, _q: float(v.var()),
    "quantile_over_time": _quantile,
}
