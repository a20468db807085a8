"""The walk over a query's syntax tree: each node becomes arrays for all steps at once."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rootward.dojo.engines.promql import aggregations, budget, context, functions, matching, operators, tree, values

IntArray = values.IntArray
Context = context.Context


def walk(ctx: Context, node: tree.Expr, times_ms: IntArray) -> values.Value:
    """The value of `node` at `times_ms` [N].

    Raises:
        errors.QueryExecutionError: the query fails on this data.
        errors.QueryTooLarge: it exceeds a limit.
        errors.QueryTimedOut: it costs more than the budget.
    """
    value = _NODES[type(node)](ctx, node, times_ms)
    if isinstance(value, values.Vector):
        ctx.budget.spend(len(value.labels) * budget.SERIES + value.values.size)
    return value


def _number(_: Context, node: tree.Number, times_ms: IntArray) -> values.Value:
    return values.Scalar(np.full(len(times_ms), node.value))


def _text(_: Context, node: tree.String, _times_ms: IntArray) -> values.Value:
    return values.Text(node.value)


def _paren(ctx: Context, node: tree.Paren, times_ms: IntArray) -> values.Value:
    return ctx.value(node.expr, times_ms)


def _unary(ctx: Context, node: tree.Unary, times_ms: IntArray) -> values.Value:
    value = ctx.value(node.expr, times_ms)
    if isinstance(value, values.Scalar):
        return values.Scalar(-value.values)
    assert isinstance(value, values.Vector), "the parser checks types"
    return values.drop_name(values.Vector(value.labels, -value.values, value.present), strict=True)


def _selector(ctx: Context, node: tree.Selector, times_ms: IntArray) -> values.Value:
    return ctx.selected(node, times_ms)


def _call(ctx: Context, node: tree.Call, times_ms: IntArray) -> values.Value:
    return functions.call(ctx, node, times_ms)


def _binary(ctx: Context, node: tree.Binary, times_ms: IntArray) -> values.Value:
    if _is_plain_union(node):
        return _union(ctx, node, times_ms)
    first, chain = tree.spine(node)
    left = ctx.value(first, times_ms)
    for one in chain:
        left = _combined(ctx, one, left, ctx.value(one.right, times_ms))
    return left


_PLAIN = tree.Matching()


def _is_plain_union(node: tree.Expr) -> bool:
    return isinstance(node, tree.Binary) and node.operator == "or" and node.matching == _PLAIN


def _union(ctx: Context, node: tree.Binary, times_ms: IntArray) -> values.Value:
    """A tree of `or`, whose brackets change nothing, as one."""
    parts: list[values.Vector] = []
    ahead: list[tree.Expr] = [node]
    while ahead:
        bare = tree.unwrapped(one := ahead.pop())
        if isinstance(bare, tree.Binary) and _is_plain_union(bare):
            ahead += [bare.right, bare.left]
        else:
            parts.append(ctx.vector(one, times_ms))
    lines, cells = sum(len(one.labels) for one in parts), sum(one.values.size for one in parts)
    ctx.budget.spend(lines * budget.SERIES * 4 + cells * 2)
    return matching.union(parts, node.matching)


def _combined(ctx: Context, node: tree.Binary, left: values.Value, right: values.Value) -> values.Value:
    operator = node.operator
    if isinstance(left, values.Scalar) and isinstance(right, values.Scalar):
        return values.Scalar(operators.scalars(operator, left.values, right.values))
    if isinstance(left, values.Vector) and isinstance(right, values.Scalar):
        return operators.with_scalar(operator, left, right.values, swapped=False, as_bool=node.as_bool)
    if isinstance(left, values.Scalar) and isinstance(right, values.Vector):
        return operators.with_scalar(operator, right, left.values, swapped=True, as_bool=node.as_bool)
    assert isinstance(left, values.Vector), "the parser checks types"
    assert isinstance(right, values.Vector), "the parser checks types"
    cells = left.values.size + right.values.size
    ctx.budget.spend((len(left.labels) + len(right.labels)) * budget.SERIES * 4 + cells * 2)
    if operator in operators.SETS:
        return matching.combine_sets(operator, left, right, node.matching)
    return matching.combine(operator, left, right, node.matching, as_bool=node.as_bool)


def _aggregate(ctx: Context, node: tree.Aggregate, times_ms: IntArray) -> values.Value:
    operator, names, without = node.operator, frozenset(node.grouping), node.without
    vector = ctx.vector(node.expr, times_ms)
    if ctx.natives is not None and operator in ("count", "group"):
        vector = functions.with_histograms(ctx, vector, node.expr, times_ms)
    if node.parameter is None:
        return aggregations.simple(operator, vector, names, ctx.settings, without=without)
    ctx.budget.spend(len(vector.labels) * budget.GROUP + vector.values.size * budget.GATHERED)
    parameter = ctx.value(node.parameter, times_ms)
    if isinstance(parameter, values.Text):
        return aggregations.count_values(parameter.value, vector, names, ctx.settings, without=without)
    assert isinstance(parameter, values.Scalar), "the parser checks types"
    if operator == "quantile":
        functions.note_quantile(ctx, parameter.values, node.parameter)
        return aggregations.quantile(parameter.values, vector, names, without=without)
    if operator == "limit_ratio":
        return aggregations.limit_ratio(parameter.values, vector)
    return aggregations.rank(operator, parameter.values, vector, names, without=without)


_NODES: dict[type, Callable[[Context, Any, IntArray], values.Value]] = {
    tree.Number: _number,
    tree.String: _text,
    tree.Paren: _paren,
    tree.Unary: _unary,
    tree.Selector: _selector,
    tree.Call: _call,
    tree.Binary: _binary,
    tree.Aggregate: _aggregate,
}
