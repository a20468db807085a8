"""Spans as one table: parents, self times, and who waited for whom, computed once for all detectors.

Self time is a span's duration less the union of its children's (so parallel children are not counted twice). A span with a
child in another service is a client's span: its self time is the way between the two, the network's, not the client's work.
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from rootward.investigator.causal import case as cases
from rootward.signals import series

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
BIN_S = 10.0  # finer than scrapes, coarse enough to hold some spans
BINS_MIN = 4
_CLIENT_KINDS = frozenset({"client", "producer"})


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Row i of every column is one span; shapes [N]. `parent` is a row or -1; `service`, `group`, `trace` are codes into
    `services`, `groups` ((service, operation) pairs) and the number of traces; `client` marks spans that wait for another
    service (by kind, or because a child of theirs is one)."""

    services: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]
    service: IntArray
    group: IntArray
    trace: IntArray
    parent: IntArray
    start_s: series.FloatArray
    duration_s: series.FloatArray
    self_s: series.FloatArray
    client: BoolArray
    error: BoolArray
    traces: int

    def __len__(self) -> int:
        return len(self.parent)

    @property
    def crossing(self) -> BoolArray:
        """Spans whose parent is in another service: where one service's time becomes another's."""
        has = self.parent >= 0
        return np.asarray(has & (self.service != self.service[np.where(has, self.parent, 0)]))


def table(case: cases.Case) -> Table | None:
    """All spans of the case in one table; None when there are none."""
    batches = [batch.spans for batch in case.spans if len(batch.spans)]
    if not batches:
        return None
    trace_ids = [one for batch in batches for one in batch.trace_id]
    span_ids = [one for batch in batches for one in batch.span_id]
    parent_ids = [one for batch in batches for one in batch.parent_id]
    names = [one for batch in batches for one in batch.service]
    operations = [one for batch in batches for one in batch.operation]
    kinds = [one for batch in batches for one in batch.kind]
    traces = {name: code for code, name in enumerate(dict.fromkeys(trace_ids))}
    trace = np.array([traces[one] for one in trace_ids], dtype=np.int64)
    rows = {key: row for row, key in enumerate(zip(trace_ids, span_ids, strict=True))}
    parent = np.array(
        [rows.get((t, p), -1) if p else -1 for t, p in zip(trace_ids, parent_ids, strict=True)], dtype=np.int64
    )
    parent[parent == np.arange(parent.size)] = -1
    services = sorted(set(names))
    service_code = {name: code for code, name in enumerate(services)}
    pairs = list(zip(names, operations, strict=True))
    groups = sorted(set(pairs))
    group_code = {pair: code for code, pair in enumerate(groups)}
    start = np.concatenate([batch.start_s for batch in batches])
    duration = np.concatenate([batch.duration_s for batch in batches])
    service = np.array([service_code[name] for name in names], dtype=np.int64)
    client = np.array([kind in _CLIENT_KINDS for kind in kinds], dtype=bool)
    has = parent >= 0
    crossing = has & (service != service[np.where(has, parent, 0)])
    client[parent[crossing]] = True
    return Table(
        tuple(services),
        tuple(groups),
        service,
        np.array([group_code[pair] for pair in pairs], dtype=np.int64),
        trace,
        parent,
        start,
        duration,
        np.maximum(duration - _covered(parent, start, duration), 0.0),
        client,
        np.array([bool(one) for batch in batches for one in batch.error], dtype=bool),
        len(traces),
    )


def binned(table: Table, start_s: float, end_s: float) -> tuple[series.FloatArray, series.FloatArray]:
    """Log milliseconds per bin for each service's own work, each edge's way, and each service's share of failed spans.

    Returns the bins' start times [B] and a matrix [rows, B], NaN where a row has no span: what change detection looks at.
    """
    bins = np.arange(start_s, end_s + BIN_S, BIN_S, dtype=np.float64)
    place = np.floor((table.start_s - start_s) / BIN_S).astype(np.int64)
    inside = (place >= 0) & (place < bins.size)
    above = np.where(table.crossing, table.parent, 0)
    way_s = np.maximum(table.duration_s[above] - table.duration_s, 0.0)
    size = len(table.services)
    edge = table.service[above] * size + table.service
    rows = [
        _bin_means(
            place,
            inside & ~table.client,
            table.service,
            size,
            np.log1p(1e3 * table.self_s).astype(np.float64),
            bins.size,
        ),
        _bin_means(
            place, inside & table.crossing, edge, size * size, np.log1p(1e3 * way_s).astype(np.float64), bins.size
        ),
        _bin_means(place, inside, table.service, size, 10.0 * table.error.astype(np.float64), bins.size),
    ]
    matrix = np.concatenate(rows)
    return bins, matrix[np.isfinite(matrix).sum(axis=1) >= BINS_MIN]


def _bin_means(
    place: IntArray, chosen: BoolArray, key: IntArray, size: int, values: series.FloatArray, bins: int
) -> series.FloatArray:
    cell = key[chosen] * bins + place[chosen]
    count = np.bincount(cell, minlength=size * bins)
    total = np.bincount(cell, values[chosen], minlength=size * bins)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(size, bins))


def _covered(parent: IntArray, start: series.FloatArray, duration: series.FloatArray) -> series.FloatArray:
    """Per span the length of the union of its children's intervals, cut to its own."""
    covered = np.zeros(parent.size)
    children = np.flatnonzero(parent >= 0)
    above = parent[children]
    low = np.maximum(start[children], start[above])
    high = np.minimum(start[children] + duration[children], start[above] + duration[above])
    order = np.lexsort((low, above))
    last, reached = -1, -np.inf
    for owner, begins, ends in zip(above[order].tolist(), low[order].tolist(), high[order].tolist(), strict=True):
        if owner != last:
            last, reached = owner, -np.inf
        fresh = ends - max(begins, reached)
        if fresh > 0:
            covered[owner] += fresh
            reached = ends
    return covered
