"""Spans laid out for search: by trace, by service and by time, so that a trace search is a few array operations."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rootward.dojo.capsule import telemetry as records

IntArray = npt.NDArray[np.int64]
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")


@dataclasses.dataclass(frozen=True, slots=True)
class Search:
    """Which traces are wanted: those with a span that fulfils all of it. Times in nanoseconds, both ends included.

    `service` None means any; `test` sees rows that passed everything else.
    """

    start_ns: int
    end_ns: int
    service: str | None = None
    operation: str = ""
    min_duration_ns: int = 0
    max_duration_ns: int = 0  # 0: no limit
    test: Callable[[int], bool] | None = None


class SpanStore:
    """Reads one `Spans`; built once, asked many times. A span exists once it has ended, as exporters send them."""

    def __init__(self, spans: records.Spans) -> None:
        self.spans = spans
        self.start_ns = np.ascontiguousarray(spans.start_ns, dtype=np.int64)
        self.end_ns = self.start_ns + np.asarray(spans.duration_ns, dtype=np.int64)
        self.duration_ns = np.asarray(spans.duration_ns, dtype=np.int64)
        numbers: dict[str, int] = {}
        self.trace = np.array([numbers.setdefault(one, len(numbers)) for one in spans.trace_ids], dtype=np.int64)
        self.trace_ids = list(numbers)
        self._number = numbers
        self._by_trace = np.argsort(self.trace, kind="stable")
        self._trace_ends = np.searchsorted(self.trace[self._by_trace], np.arange(len(numbers) + 1))
        self.trace_start_ns = np.full(len(numbers), np.iinfo(np.int64).max)
        np.minimum.at(self.trace_start_ns, self.trace, self.start_ns)
        self.trace_end_ns = np.zeros(len(numbers), dtype=np.int64)
        np.maximum.at(self.trace_end_ns, self.trace, self.end_ns)
        self.services = sorted({process.service for process in spans.processes})
        service_number = {name: i for i, name in enumerate(self.services)}
        of_process = np.array([service_number[process.service] for process in spans.processes], dtype=np.int64)
        self.service = of_process[spans.process] if len(of_process) else np.empty(0, dtype=np.int64)
        by_start = np.argsort(self.start_ns, kind="stable")
        self._rows = {name: by_start[self.service[by_start] == i] for name, i in service_number.items()}
        self._by_start = by_start
        self._parents: IntArray | None = None
        # Plain lists: reading one element of an array costs several times as much, and a search writes thousands.
        self.kinds: list[int] = np.asarray(spans.kind).tolist()
        self.statuses: list[int] = np.asarray(spans.status).tolist()
        self.processes: list[int] = np.asarray(spans.process).tolist()
        self.names = [spans.names[i] for i in np.asarray(spans.name).tolist()]

    def service_of(self, row: int) -> str:
        return str(self.services[int(self.service[row])])

    def name_of(self, row: int) -> str:
        return str(self.names[row])

    def process_of(self, row: int) -> records.Process:
        return self.spans.processes[self.processes[row]]

    def rows_of(self, trace: int, now_ns: int) -> list[int]:
        """Rows of a trace that have ended by now, in order of start."""
        rows = self._by_trace[self._trace_ends[trace] : self._trace_ends[trace + 1]]
        rows = rows[self.end_ns[rows] <= now_ns]
        out: list[int] = rows[np.argsort(self.start_ns[rows], kind="stable")].tolist()
        return out

    def trace_number(self, trace_id: str) -> int | None:
        """The trace by its hexadecimal id, leading zeros optional."""
        return self._number.get(trace_id.lower().zfill(32), self._number.get(trace_id.lower()))

    def rows_between(self, service: str | None, start_ns: int, end_ns: int, now_ns: int) -> IntArray:
        """Ended rows that start in the window, in order of start."""
        rows = self._by_start if service is None else self._rows.get(service, np.empty(0, dtype=np.int64))
        low = np.searchsorted(self.start_ns[rows], start_ns, side="left")
        high = np.searchsorted(self.start_ns[rows], end_ns, side="right")
        rows = rows[low:high]
        return rows[self.end_ns[rows] <= now_ns]

    def visible_services(self, now_ns: int) -> list[str]:
        return [name for name, rows in self._rows.items() if len(rows) and bool((self.end_ns[rows] <= now_ns).any())]

    def operations(self, service: str, now_ns: int) -> list[tuple[str, str]]:
        """Distinct (name, kind) of a service's spans, ordered."""
        rows = self._rows.get(service, np.empty(0, dtype=np.int64))
        rows = rows[self.end_ns[rows] <= now_ns]
        pairs = (
            np.unique(np.stack([self.spans.name[rows], self.spans.kind[rows]]), axis=1).T.tolist() if len(rows) else []
        )
        return sorted((self.spans.names[name], KINDS[kind]) for name, kind in pairs)

    def search(self, wanted: Search, now_ns: int) -> Iterator[tuple[int, list[int]]]:
        """(trace, its rows that match), newest trace first."""
        rows = self.rows_between(wanted.service, wanted.start_ns, wanted.end_ns, now_ns)
        if wanted.operation:
            chosen = np.array([name == wanted.operation for name in self.spans.names], dtype=np.bool_)
            rows = rows[chosen[self.spans.name[rows]]]
        if wanted.min_duration_ns:
            rows = rows[self.duration_ns[rows] >= wanted.min_duration_ns]
        if wanted.max_duration_ns:
            rows = rows[self.duration_ns[rows] <= wanted.max_duration_ns]
        traces = self.trace[rows]
        order = np.lexsort((traces, -self.trace_start_ns[traces]))
        ordered = traces[order]
        cuts = [0, *(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(ordered)]
        for low, high in itertools.pairwise(cuts):
            matching: list[int] = rows[order[low:high]].tolist()
            if wanted.test is not None:
                matching = [row for row in matching if wanted.test(row)]
            if matching:
                yield int(ordered[low]), matching

    def parents(self) -> IntArray:
        """Row of each span's parent in its trace, -1 where there is none; computed once."""
        if self._parents is None:
            spans = self.spans
            by_id = {span_id: row for row, span_id in enumerate(spans.span_ids)}
            if len(by_id) == len(spans.span_ids):
                found = np.array([by_id.get(one, -1) if one else -1 for one in spans.parent_ids], dtype=np.int64)
                self._parents = np.where(self.trace[found] == self.trace, found, -1) if len(found) else found
            else:  # ids are only promised to be unique within a trace
                row_of = {key: row for row, key in enumerate(zip(spans.trace_ids, spans.span_ids, strict=True))}
                keys = zip(spans.trace_ids, spans.parent_ids, strict=True)
                self._parents = np.array([row_of.get(key, -1) if key[1] else -1 for key in keys], dtype=np.int64)
        return self._parents

    def dependencies(self, start_ns: int, end_ns: int, now_ns: int) -> list[tuple[str, str, int]]:
        """(caller, callee, calls) between different services, ordered."""
        rows = self.rows_between(None, start_ns, end_ns, now_ns)
        parents = self.parents()[rows]
        rows, parents = rows[parents >= 0], parents[parents >= 0]
        crossing = (self.service[parents] != self.service[rows]) & (self.end_ns[parents] <= now_ns)
        pairs = self.service[parents[crossing]] * len(self.services) + self.service[rows[crossing]]
        found, counts = np.unique(pairs, return_counts=True)
        return [
            (self.services[pair // len(self.services)], self.services[pair % len(self.services)], count)
            for pair, count in zip(found.tolist(), counts.tolist(), strict=True)
        ]


def empty() -> records.Spans:
    none = np.empty(0, dtype=np.int64)
    small = np.empty(0, dtype=np.int8)
    index = np.empty(0, dtype=np.int32)
    return records.Spans((), (), (), index, index, small, none, none, small, ())


def text_of(value: Any) -> str:
    """An attribute's value as text, as tag searches compare it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def otlp_value(value: Any) -> dict[str, Any]:
    """OTLP's AnyValue in JSON; 64-bit integers are text (opentelemetry.io/docs/specs/otlp)."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int | np.integer):
        return {"intValue": str(int(value))}
    if isinstance(value, float):
        return {"doubleValue": value if math.isfinite(value) else str(value)}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [otlp_value(one) for one in value]}}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": otlp_attributes(value)}}
    return {"stringValue": str(value)}


def otlp_attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": otlp_value(value)} for key, value in attributes.items()]


def otlp_resources(store: SpanStore, rows: list[int], write: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    """`resourceSpans` of the rows, one entry per process; `write` makes a span of a row."""
    by_process: dict[int, list[int]] = {}
    for row in rows:
        by_process.setdefault(store.processes[row], []).append(row)
    out = []
    for number, members in by_process.items():
        process = store.spans.processes[number]
        attributes = {"service.name": process.service, **process.attributes}
        scope = {"scope": {"name": process.service}, "spans": [write(row) for row in members]}
        out.append({"resource": {"attributes": otlp_attributes(attributes)}, "scopeSpans": [scope]})
    return out
