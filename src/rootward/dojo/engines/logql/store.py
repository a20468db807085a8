"""Log telemetry laid out for queries: which rows a selector and a window choose, in a few array operations."""

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.logql import regex, tree

IntArray = npt.NDArray[np.int64]


def matches(labels: Mapping[str, str], matchers: Sequence[tree.Matcher]) -> bool:
    """Whether a label set fulfils every matcher; a missing label is the empty text."""
    return all(matches_one(labels.get(matcher.label, ""), matcher) for matcher in matchers)


def matches_one(value: str, matcher: tree.Matcher) -> bool:
    if matcher.op == "=":
        return value == matcher.value
    if matcher.op == "!=":
        return value != matcher.value
    return regex.is_match(matcher.value, value, anchored=True) == (matcher.op == "=~")


class LogStore:
    """Reads one `Logs`; built once, asked many times, never changed.

    `times_ns`, `stream` shape [N] as in `Logs`; `lines` is a plain list so that a scan costs nanoseconds a line.
    """

    def __init__(self, logs: telemetry.Logs) -> None:
        self.times_ns = np.ascontiguousarray(logs.times_ns, dtype=np.int64)
        self.stream = np.ascontiguousarray(logs.stream, dtype=np.int32)
        self.lines: Sequence[str] = logs.lines if isinstance(logs.lines, list | tuple) else list(logs.lines)
        self.streams: tuple[dict[str, str], ...] = tuple(dict(sorted(labels.items())) for labels in logs.streams)
        self.trace_ids = _listed(logs.trace_ids)
        self.span_ids = _listed(logs.span_ids)
        self.has_metadata = any(self.trace_ids) or any(self.span_ids)
        self.until_ns = int(np.iinfo(np.int64).max)
        self._sizes: IntArray | None = None
        self._chosen: dict[tuple[tree.Matcher, ...], npt.NDArray[np.bool_]] = {}

    def until(self, end_ns: int) -> "LogStore":
        """The same store as if nothing at or after `end_ns` had been written yet; costs nothing."""
        view = copy.copy(self)
        view.until_ns = end_ns
        return view

    def select(self, matchers: tuple[tree.Matcher, ...]) -> npt.NDArray[np.bool_]:
        """Which streams fulfil the matchers; shape [number of streams]."""
        chosen = self._chosen.get(matchers)
        if chosen is None:
            chosen = np.array([matches(labels, matchers) for labels in self.streams], dtype=np.bool_)
            if len(self._chosen) < 1024:  # a bound, not a policy: one investigation asks far fewer selectors
                self._chosen[matchers] = chosen
        return chosen

    def rows(self, matchers: tuple[tree.Matcher, ...], start_ns: int, end_ns: int) -> IntArray:
        """Rows with start ≤ time < end of the streams that match, in order of time."""
        low, high = np.searchsorted(self.times_ns, [start_ns, min(end_ns, self.until_ns)], side="left")
        if high <= low:
            return np.empty(0, dtype=np.int64)
        chosen = self.select(matchers)
        if chosen.all():
            return np.arange(low, high, dtype=np.int64)
        return np.asarray(np.flatnonzero(chosen[self.stream[low:high]]) + low, dtype=np.int64)

    def count_between(self, start_ns: int, end_ns: int) -> int:
        """Lines of all streams with start ≤ time < end."""
        low, high = np.searchsorted(self.times_ns, [start_ns, min(end_ns, self.until_ns)], side="left")
        return max(int(high - low), 0)

    def sizes(self, rows: IntArray) -> IntArray:
        """Bytes of each row's line, as UTF-8."""
        if self._sizes is None:
            self._sizes = np.fromiter((len(line.encode()) for line in self.lines), np.int64, len(self.lines))
        return self._sizes[rows]

    def metadata(self, row: int) -> dict[str, str]:
        """Structured metadata of a line: trace_id and span_id where it has them."""
        out: dict[str, str] = {}
        if self.trace_ids and self.trace_ids[row]:
            out["trace_id"] = self.trace_ids[row]
        if self.span_ids and self.span_ids[row]:
            out["span_id"] = self.span_ids[row]
        return out

    def streams_in(self, matchers: tuple[tree.Matcher, ...], start_ns: int, end_ns: int) -> list[dict[str, str]]:
        """Label sets of matching streams that have a line in the window."""
        rows = self.rows(matchers, start_ns, end_ns)
        return [self.streams[i] for i in np.unique(self.stream[rows]).tolist()]


def _listed(values: Sequence[str]) -> Sequence[str]:
    return values if isinstance(values, list | tuple) else list(values)
