"""The front door: a query and a time in, series out, as Prometheus's own engine would give them."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from rootward import errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import (
    budget,
    context,
    evaluate,
    lookups,
    memory,
    native,
    native_store,
    native_walk,
    options,
    printing,
    ranges,
    store,
    syntax,
    tree,
    values,
)

_FOREVER_MS = 2**53
_Found = TypeVar("_Found")
_PARSED_MAX = 1024  # syntax trees kept, of all engines: they are asked much the same
_PARSED_CHARS_MAX = 8_000  # of one that is kept


Series = lookups.Series


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Result:
    """`kind`: vector | matrix | scalar | string, as the HTTP API names them.

    A vector's series have one sample each, a scalar is one series without labels, a string is in `text`. `notes` are warnings
    ("PromQL warning: …") and infos ("PromQL info: …") in Prometheus's words. `samples`: stored ones that were looked at.
    """

    kind: str
    series: Sequence[Series] = ()
    text: str = ""
    notes: tuple[str, ...] = ()
    samples: int = 0
    histograms: Sequence[native.Histograms] = ()
    """The part of a vector or matrix that is native histograms, at the moments `times_ms`, in order of labels."""
    times_ms: values.IntArray | None = None


class Engine:
    """PromQL over one `Metrics`, indexed once."""

    def __init__(self, metrics: telemetry.Metrics, settings: options.Options | None = None) -> None:
        self.store = store.Store(metrics)
        self.settings = settings or options.Options()
        self.natives = native_store.NativeStore(metrics.histograms) if metrics.histograms else None
        self.lookups = lookups.Lookups(self.store, self.settings, self.natives.counts if self.natives else None)
        self._memory = memory.Memory()

    def parse(self, query: str) -> tree.Expr:
        """The checked syntax tree.

        Raises:
            errors.QuerySyntaxError: not PromQL.
            errors.QueryTooLarge: too long or too deep.
        """
        if len(query) > _PARSED_CHARS_MAX:
            return _guarded(lambda: syntax.parse(query, self.settings))
        return _parsed(query, self.settings)

    def instant(
        self, query: str, time_s: float, *, until_s: float | None = None, lookback_s: float | None = None
    ) -> Result:
        """The query at one moment. Samples after `until_s` do not exist yet; `lookback_s` is how old they may be.

        Raises:
            errors.EngineError: by kind, see `errors`.
        """
        node, time_ms = self.parse(query), lookups.milliseconds(time_s)
        ctx = self._context(query, (time_ms, time_ms, 0), until_s, lookback_s)
        times_ms = np.array([time_ms], dtype=np.int64)
        if isinstance(tree.unwrapped(node), tree.Matrix | tree.Subquery):
            raw = _samples(ctx, node, times_ms)
            return Result("matrix", raw, samples=ctx.budget.samples)
        value = _walk(ctx, node, times_ms)
        if isinstance(value, values.Text):
            return Result("string", [Series((), times_ms, np.zeros(1))], value.value, tuple(ctx.notes))
        kind = "scalar" if isinstance(value, values.Scalar) else "vector"
        found, histograms = _series(value, times_ms), _histograms(ctx, node, times_ms)
        return Result(kind, found, "", tuple(ctx.notes), ctx.budget.samples, histograms, times_ms)

    def range(
        self,
        query: str,
        start_s: float,
        end_s: float,
        step_s: float,
        *,
        until_s: float | None = None,
        lookback_s: float | None = None,
    ) -> Result:
        """The query at start, start + step, … up to and including end; series in order of their labels.

        Raises:
            errors.EngineError: by kind, see `errors`; QueryTooLarge beyond the limit of points per series.
        """
        node = self.parse(query)
        bare = tree.unwrapped(node)
        if isinstance(bare, tree.Matrix | tree.Subquery | tree.String):
            kind = "string" if isinstance(bare, tree.String) else "range vector"
            raise errors.QuerySyntaxError(
                f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector'
            )
        start_ms, end_ms, step_ms = (
            lookups.milliseconds(start_s),
            lookups.milliseconds(end_s),
            lookups.milliseconds(step_s),
        )
        if step_ms <= 0:
            raise errors.QueryExecutionError("zero or negative query resolution step widths are not accepted")
        points = (end_ms - start_ms) // step_ms + 1
        if points - 1 > self.settings.limits.points_per_series:
            raise errors.QueryTooLarge(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
            )
        times_ms = start_ms + step_ms * np.arange(max(points, 0), dtype=np.int64)
        ctx = self._context(query, (start_ms, end_ms, step_ms), until_s, lookback_s)
        if not len(times_ms):
            return Result("matrix")
        value = _walk(ctx, node, times_ms)
        found = sorted(_series(value, times_ms), key=lambda s: s.labels)
        histograms = _histograms(ctx, node, times_ms)
        return Result("matrix", found, "", tuple(ctx.notes), ctx.budget.samples, histograms, times_ms)

    def formatted(self, query: str) -> str:
        """The query laid out as format_query does; raises as `parse` does."""
        node = self.parse(query)
        return _guarded(lambda: printing.pretty(node))

    def printed(self, query: str) -> str:
        """The query on one line, as rules show it; raises as `parse` does."""
        node = self.parse(query)
        return _guarded(lambda: printing.line(node))

    def _context(
        self, query: str, span_ms: tuple[int, int, int], until_s: float | None, lookback_s: float | None
    ) -> context.Context:
        until_ms = _FOREVER_MS if until_s is None else int(np.floor(until_s * 1000))
        start_ms, end_ms, step_ms = span_ms
        settings, purse = self.settings, budget.Budget(self.settings.limits.work)
        if lookback_s is not None:
            settings = dataclasses.replace(settings, lookback_ms=lookups.milliseconds(lookback_s))
        return context.Context(
            self.store,
            settings,
            query,
            start_ms,
            end_ms,
            step_ms,
            until_ms,
            evaluate.walk,
            purse,
            self._memory,
            {},
            self.natives,
        )


@functools.lru_cache(maxsize=_PARSED_MAX)
def _parsed(query: str, settings: options.Options) -> tree.Expr:
    return _guarded(lambda: syntax.parse(query, settings))


def _walk(ctx: context.Context, node: tree.Expr, times_ms: values.IntArray) -> values.Value:
    with np.errstate(all="ignore"):
        return _guarded(lambda: evaluate.walk(ctx, node, times_ms))


def _histograms(ctx: context.Context, node: tree.Expr, times_ms: values.IntArray) -> list[native.Histograms]:
    if ctx.natives is None:
        return []
    with np.errstate(all="ignore"):
        return sorted(_guarded(lambda: native_walk.walk(ctx, node, times_ms)), key=lambda one: one.labels)


def _guarded(action: Callable[[], _Found]) -> _Found:
    """The limit on depth leaves room enough, unless the caller has used most of the stack."""
    try:
        return action()
    except RecursionError as error:
        raise errors.QueryTooLarge("query is nested too deeply") from error


def _series(value: values.Value, times_ms: values.IntArray) -> list[Series]:
    if isinstance(value, values.Scalar):
        return [Series((), times_ms, value.values)]
    assert isinstance(value, values.Vector), "texts are handled before"
    if value.present.all():
        return [Series(labels, times_ms, row) for labels, row in zip(value.labels, value.values, strict=True)]
    return [
        Series(labels, times_ms[held], row[held])
        for labels, row, held in zip(value.labels, value.values, value.present, strict=True)
        if held.any()
    ]


def _samples(ctx: context.Context, node: tree.Expr, times_ms: values.IntArray) -> list[Series]:
    """The raw samples of a range vector at one moment."""
    with np.errstate(all="ignore"):
        matrix = ranges.matrix(ctx, node, times_ms)
    found: dict[int, Series] = {}
    for at, part in matrix.parts:
        inside = slice(int(part.low[0]), int(part.high[0]))
        for row, position in enumerate(at.tolist()):
            if inside.stop > inside.start:
                found[position] = Series(matrix.labels[position], part.times_ms[inside], part.block[row, inside])
    return [found[position] for position in sorted(found)]
