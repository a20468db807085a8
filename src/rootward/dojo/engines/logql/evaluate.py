"""Answers LogQL queries over a LogStore: lines for log queries, samples on a grid for metric queries."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rootward import errors
from rootward.dojo.engines.logql import pipeline, store, tree, vectors, windows

IntArray = npt.NDArray[np.int64]

MAX_POINTS = 11_000
MAX_LINES_READ = 5_000_000  # by one metric query, over all of its selectors


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of an answer. `base` are its stream labels, `metadata` structured metadata, `parsed` what stages added."""

    time_ns: int
    text: str
    base: dict[str, str]
    metadata: dict[str, str]
    parsed: dict[str, str]

    @property
    def labels(self) -> dict[str, str]:
        return {**self.base, **self.metadata, **self.parsed}


def lines(
    log_store: store.LogStore, query: tree.LogQuery, start_ns: int, end_ns: int, *, limit: int, newest_first: bool
) -> list[Line]:
    """At most `limit` lines with start ≤ time < end, in the direction asked; stops reading when it has them."""
    rows = log_store.rows(query.matchers, start_ns, end_ns)
    stages = pipeline.Pipeline(log_store, query.stages)
    out: list[Line] = []
    for entry in stages.entries(rows[::-1] if newest_first else rows):
        if len(out) >= limit:
            break
        out.append(_line(log_store, entry))
    return out


def _line(log_store: store.LogStore, entry: pipeline.Entry) -> Line:
    stream = log_store.streams[log_store.stream[entry.row]]
    metadata = log_store.metadata(entry.row) if log_store.has_metadata else {}
    time_ns = int(log_store.times_ns[entry.row])
    if entry.labels is entry.base:
        return Line(time_ns, entry.line, stream, metadata, {})
    labels = {name: value for name, value in entry.labels.items() if value != ""}
    base = {name: value for name, value in labels.items() if stream.get(name) == value}
    kept = {name: value for name, value in metadata.items() if labels.get(name) == value}
    parsed = {name: value for name, value in labels.items() if name not in base and name not in kept}
    return Line(time_ns, entry.line, base, kept, parsed)


def grid(start_ns: int, end_ns: int, step_ns: int) -> IntArray:
    """Times start, start+step, … ≤ end.

    Raises:
        errors.QueryTooLarge: more than MAX_POINTS points.
    """
    if step_ns <= 0:
        raise errors.QueryExecutionError(
            "zero or negative query resolution step widths are not accepted. Try a positive integer"
        )
    if (end_ns - start_ns) // step_ns > MAX_POINTS:
        raise errors.QueryTooLarge(
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter"
        )
    return np.arange(start_ns, end_ns + 1, step_ns, dtype=np.int64)


def samples(log_store: store.LogStore, query: tree.Metric, times_ns: IntArray) -> list[vectors.Series]:
    """The metric query at every time of the grid; series ordered by labels, a bare number as one series without labels.

    Raises:
        errors.QueryExecutionError: samples that cannot be read, or vectors that do not match one to one.
        errors.QueryTooLarge: more series than the limit.
    """
    if sum(_read_by(log_store, one, times_ns) for one in _ranges(query)) > MAX_LINES_READ:
        raise errors.QueryTooLarge(
            "the query would read too many bytes; consider adding more specific stream selectors or reduce the time range"
        )
    answer = _metric(log_store, query, times_ns, None)
    if isinstance(answer, float):
        return [vectors.Series({}, np.full(len(times_ns), answer), np.ones(len(times_ns), dtype=np.bool_))]
    present = [one for one in answer if one.present.any()]
    if len(present) > vectors.MAX_SERIES:
        raise errors.QueryTooLarge(vectors.TOO_MANY_SERIES)
    is_sorted = isinstance(query, tree.VectorAggregation) and query.op in ("sort", "sort_desc")
    return present if is_sorted else sorted(present, key=lambda one: sorted(one.labels.items()))


def _ranges(query: tree.Metric) -> Iterator[tree.RangeAggregation]:
    """Every window over lines that the query asks for."""
    if isinstance(query, tree.RangeAggregation):
        yield query
    elif isinstance(query, tree.Binary):
        yield from _ranges(query.left)
        yield from _ranges(query.right)
    elif isinstance(query, tree.VectorAggregation | tree.LabelReplace):
        yield from _ranges(query.inner)


def _read_by(log_store: store.LogStore, query: tree.RangeAggregation, times_ns: IntArray) -> int:
    first, last = int(times_ns[0]) - query.offset_ns - query.range_ns + 1, int(times_ns[-1]) - query.offset_ns + 1
    return log_store.count_between(first, last)


def _metric(
    log_store: store.LogStore, query: tree.Metric, times_ns: IntArray, pushed: tree.Grouping | None
) -> list[vectors.Series] | float:
    match query:
        case tree.Number():
            return query.value
        case tree.Vector():
            count = len(times_ns)
            return [vectors.Series({}, np.full(count, query.value), np.ones(count, dtype=np.bool_))]
        case tree.RangeAggregation():
            return windows.range_aggregation(log_store, query, times_ns, pushed)
        case tree.VectorAggregation():
            return vectors.aggregate(query, _series(log_store, query.inner, times_ns, windows.pushed_down(query)))
        case tree.LabelReplace():
            return vectors.label_replace(query, _series(log_store, query.inner, times_ns, None))
        case tree.Binary():
            left = _metric(log_store, query.left, times_ns, None)
            right = _metric(log_store, query.right, times_ns, None)
            return vectors.binary(query, left, right, len(times_ns))


def _series(
    log_store: store.LogStore, query: tree.Metric, times_ns: IntArray, pushed: tree.Grouping | None
) -> list[vectors.Series]:
    answer = _metric(log_store, query, times_ns, pushed)
    if isinstance(answer, float):
        raise errors.QueryExecutionError("aggregation over a literal: expected a vector")
    return answer
