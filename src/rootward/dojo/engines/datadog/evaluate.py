"""A metric query or formula over a source of series: lines on a grid of buckets."""

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rootward import errors
from rootward.dojo.engines.datadog import functions, series, tree

MAX_SERIES = 10_000
MAX_LINES = 1_000
MAX_POINTS = 1_500
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800)
Lines = list[series.Line]


def interval_s(span_s: float, wanted_s: float = 0) -> float:
    """The length of buckets: what was asked for, or the shortest usual one that makes at most 300 of them.

    Raises:
        errors.QueryTooLarge: more than MAX_POINTS buckets.
    """
    if wanted_s:
        if span_s / wanted_s > MAX_POINTS:
            raise errors.QueryTooLarge(
                f"rollup interval too small: {span_s / wanted_s:.0f} points, maximum is {MAX_POINTS}"
            )
        return wanted_s
    return float(next((step for step in STEPS_S if span_s / step <= 300), 604_800))


def window(start_s: float, end_s: float, until_s: float, wanted_s: float = 0) -> series.Window:
    """Whole buckets that cover the span."""
    step_s = interval_s(max(end_s - start_s, 1.0), wanted_s)
    first = np.floor(start_s / step_s) * step_s
    count = int(max(np.ceil((end_s - first) / step_s), 1))
    return series.Window(float(first), step_s, min(count, MAX_POINTS + 1), min(until_s, end_s))


def rollup_s(node: tree.Node) -> int:
    """The longest rollup that an expression asks for: all its queries share one grid."""
    if isinstance(node, tree.Query):
        return node.rollup_s
    if isinstance(node, tree.Binary):
        return max(rollup_s(node.left), rollup_s(node.right))
    if isinstance(node, tree.Negated | tree.Apply):
        return rollup_s(node.of)
    return 0


def evaluate(
    node: tree.Node, source: series.Source, on: series.Window, variables: Mapping[str, Lines] | None = None
) -> Lines:
    """The lines of an expression.

    Raises:
        errors.QuerySyntaxError: an unknown function or variable.
        errors.QueryExecutionError: operands that do not fit.
        errors.QueryTooLarge: too many series or lines.
    """
    if isinstance(node, tree.Number):
        return [series.Line((), np.full(on.count, node.value), expression=_shown(node.value))]
    if isinstance(node, tree.Variable):
        if variables is None or node.name not in variables:
            raise errors.QuerySyntaxError(f"Unknown query or function: {node.name[:100]}")
        return variables[node.name]
    if isinstance(node, tree.Query):
        return query(node, source, on)
    if isinstance(node, tree.Negated):
        return [_with(line, -line.values) for line in evaluate(node.of, source, on, variables)]
    if isinstance(node, tree.Binary):
        left = evaluate(node.left, source, on, variables)
        return arithmetic(node, left, evaluate(node.right, source, on, variables))
    return functions.apply(node, functools.partial(evaluate, node.of, source, variables=variables), on)


def _with(line: series.Line, values: series.FloatArray) -> series.Line:
    return series.Line(line.tags, values, line.metric, line.aggregator, line.scope, line.expression)


def _shown(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def query(node: tree.Query, source: series.Source, on: series.Window) -> Lines:
    """One line for each group of tags that has a point."""
    groups: dict[series.Tags, list[series.FloatArray]] = {}
    spread: dict[series.Tags, list[tuple[series.Block, series.FloatArray, series.FloatArray, series.FloatArray]]] = {}
    seen = 0
    end_s = min(on.start_s + on.interval_s * on.count, on.until_s)
    for block in source.blocks(node.metric, node.scope, on.start_s, end_s):
        seen += len(block.tags)
        if seen > MAX_SERIES:
            raise errors.QueryTooLarge(f"query matches more than {MAX_SERIES} series")
        at = series.cuts(block.times_s, on)
        by_group = series.grouped(block.tags, node.by)
        if block.kind == "distribution":
            for key, rows in by_group.items():
                spread.setdefault(key, []).append(_spread(block, rows, at, on))
            continue
        rolled = _rolled(node, block, at, on)
        for key, rows in by_group.items():
            groups.setdefault(key, []).append(rolled[rows])
    found = {key: series.combined(np.concatenate(parts), node.aggregator) for key, parts in groups.items()}
    found |= {key: _distributed(node, parts) for key, parts in spread.items()}
    lines = [
        series.Line(key, _filled(node, values), node.metric, node.aggregator, _scope(node, key), _expression(node, key))
        for key, values in sorted(found.items())
        if not np.isnan(values).all()
    ]
    if len(lines) > MAX_LINES:
        raise errors.QueryTooLarge(f"query returns {len(lines)} series, maximum is {MAX_LINES}")
    return lines


def _rolled(node: tree.Query, block: series.Block, at: series.IntArray, on: series.Window) -> series.FloatArray:
    values = block.values
    if block.kind == "count":
        total = node.rollup in ("", "sum")
        out = series.summed(values, block, at, on) if total else series.rolled(values, at, node.rollup)
        return out / on.interval_s if node.as_ == "rate" else out
    if block.kind == "rate":
        if node.as_ == "count":
            return series.rolled(values * block.step_s, at, node.rollup or "sum")
        return series.rolled(values, at, node.rollup or "avg")
    default = node.aggregator if node.aggregator in ("min", "max") else "avg"
    return series.rolled(values, at, node.rollup or default)


def _spread(
    block: series.Block, rows: series.IntArray, at: series.IntArray, on: series.Window
) -> tuple[series.Block, series.FloatArray, series.FloatArray, series.FloatArray]:
    """(block, counts, sums, buckets) of a group, per bucket of time."""
    assert block.sums is not None and block.buckets is not None, "distributions have them"  # noqa: PT018 - one fact
    counts = series.combined(series.summed(block.values[rows], block, at, on), "sum")
    sums = series.combined(series.summed(block.sums[rows], block, at, on), "sum")
    inside = np.nansum(block.buckets[rows], axis=0)
    return block, counts, sums, np.nan_to_num(series.summed(inside, block, at, on))


def _distributed(
    node: tree.Query, parts: Sequence[tuple[series.Block, series.FloatArray, series.FloatArray, series.FloatArray]]
) -> series.FloatArray:
    counts, sums = series.added(part[1] for part in parts), series.added(part[2] for part in parts)
    known = np.nan_to_num(counts) > 0
    if node.aggregator == "count":
        return counts
    if node.aggregator == "sum":
        return sums
    if node.aggregator == "avg":
        return np.where(known, sums / np.where(known, counts, 1.0), np.nan)
    share = {"min": 0.0, "max": 1.0}.get(node.aggregator)
    wanted = share if share is not None else int(node.aggregator[1:]) / 100
    bounds = np.unique(np.concatenate([part[0].bounds for part in parts if part[0].bounds is not None]))
    total = np.zeros((len(bounds), len(counts)))
    for block, _, _, inside in parts:
        assert block.bounds is not None, "distributions have bounds"
        total[np.searchsorted(bounds, block.bounds)] += inside
    return series.quantile(total, bounds, wanted)


def _filled(node: tree.Query, values: series.FloatArray) -> series.FloatArray:
    if node.fill in ("", "null"):
        return values
    return functions.filled(values, node.fill)


def _scope(node: tree.Query, key: series.Tags) -> str:
    parts = [*key, *([] if node.scope_text == "*" else [node.scope_text])]
    return ",".join(parts) or "*"


def _expression(node: tree.Query, key: series.Tags) -> str:
    more = f".as_{node.as_}()" if node.as_ else ""
    more += f".rollup({node.rollup or 'avg'},{node.rollup_s})" if node.rollup_s else ""
    return f"{node.aggregator}:{node.metric}{{{_scope(node, key)}}}{more}"


def arithmetic(node: tree.Binary, left: Lines, right: Lines) -> Lines:
    """Line by line where the tags agree; a side without tags goes with every line of the other."""
    out: Lines = []
    operation: Callable[[series.FloatArray, series.FloatArray], series.FloatArray] = _OPERATIONS[node.op]
    by_tags = {line.tags: line for line in right}
    single_left = len(left) == 1 and not left[0].tags
    single_right = len(right) == 1 and not right[0].tags
    if single_left and not single_right:
        pairs = [(left[0], line) for line in right]
    elif single_right:
        pairs = [(line, right[0]) for line in left]
    else:
        pairs = [(line, by_tags[line.tags]) for line in left if line.tags in by_tags]
    for a, b in pairs:
        named = a if a.metric else b
        with np.errstate(all="ignore"):
            values = np.asarray(operation(a.values, b.values), dtype=np.float64)
        values = np.where(np.isfinite(values), values, np.nan)
        tags = a.tags or b.tags
        text = f"{_enclosed(a, node.op)} {node.op} {_enclosed(b, node.op)}"
        out.append(series.Line(tags, values, named.metric, named.aggregator, named.scope, text))
    return out


def _enclosed(line: series.Line, op: str) -> str:
    return (
        f"({line.expression})" if op in "*/" and any(f" {one} " in line.expression for one in "+-") else line.expression
    )


_OPERATIONS: dict[str, Callable[[series.FloatArray, series.FloatArray], series.FloatArray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}
