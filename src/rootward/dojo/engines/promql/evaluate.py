"""The walk over a query's syntax tree: each node becomes arrays for all steps at once."""

from collections.abc import Callable
from typing import Any

import numpy as np
import promql_parser as library

from rootward import errors
from rootward.dojo.engines.promql import aggregations, context, functions, matching, operators, values

IntArray = values.IntArray
Context = context.Context


def walk(ctx: Context, node: library.Expr, times_ms: IntArray) -> values.Value:
    """The value of `node` at `times_ms` [N].

    Raises:
        errors.QueryExecutionError: the query fails on this data.
        errors.QueryTooLarge: it exceeds a limit.
    """
    return _NODES[type(node)](ctx, node, times_ms)


def _number(_: Context, node: library.NumberLiteral, times_ms: IntArray) -> values.Value:
    return values.Scalar(np.full(len(times_ms), float(node.val)))


def _text(_: Context, node: library.StringLiteral, _times_ms: IntArray) -> values.Value:
    return values.Text(node.val)


def _paren(ctx: Context, node: library.ParenExpr, times_ms: IntArray) -> values.Value:
    return ctx.value(node.expr, times_ms)


def _unary(ctx: Context, node: library.UnaryExpr, times_ms: IntArray) -> values.Value:
    value = ctx.value(node.expr, times_ms)
    if isinstance(value, values.Scalar):
        return values.Scalar(-value.values)
    assert isinstance(value, values.Vector), "the parser checks types"
    return values.drop_name(values.Vector(value.labels, -value.values, value.present), strict=True)


def _selector(ctx: Context, node: library.VectorSelector, times_ms: IntArray) -> values.Value:
    return ctx.selected(node, times_ms)


def _call(ctx: Context, node: library.Call, times_ms: IntArray) -> values.Value:
    return functions.call(ctx, node, times_ms)


def _binary(ctx: Context, node: library.BinaryExpr, times_ms: IntArray) -> values.Value:
    operator = str(node.op)
    left, right = ctx.value(node.lhs, times_ms), ctx.value(node.rhs, times_ms)
    as_bool = node.modifier is not None and node.modifier.return_bool
    if isinstance(left, values.Scalar) and isinstance(right, values.Scalar):
        return values.Scalar(operators.scalars(operator, left.values, right.values))
    if isinstance(left, values.Vector) and isinstance(right, values.Scalar):
        return operators.with_scalar(operator, left, right.values, swapped=False, as_bool=as_bool)
    if isinstance(left, values.Scalar) and isinstance(right, values.Vector):
        return operators.with_scalar(operator, right, left.values, swapped=True, as_bool=as_bool)
    assert isinstance(left, values.Vector), "the parser checks types"
    assert isinstance(right, values.Vector), "the parser checks types"
    combine = matching.combine_sets if operator in operators.SETS else matching.combine
    return combine(operator, left, right, _matching(node))


def _matching(node: library.BinaryExpr) -> matching.Matching:
    modifier = node.modifier
    if modifier is None:
        return matching.Matching()
    many = ""
    if modifier.card == library.VectorMatchCardinality.ManyToOne:
        many = "left"
    elif modifier.card == library.VectorMatchCardinality.OneToMany:
        many = "right"
    fill = modifier.fill_values
    return matching.Matching(
        on=modifier.matching is not None and modifier.matching.type == library.LabelModifierType.Include,
        names=frozenset(modifier.matching.labels if modifier.matching is not None else ()),
        many=many,
        include=tuple(modifier.group_labels or ()),
        as_bool=modifier.return_bool,
        fill_left=fill.lhs,
        fill_right=fill.rhs,
    )


def _aggregate(ctx: Context, node: library.AggregateExpr, times_ms: IntArray) -> values.Value:
    operator = str(node.op)
    vector = ctx.vector(node.expr, times_ms)
    modifier = node.modifier
    names = frozenset(modifier.labels if modifier is not None else ())
    without = modifier is not None and modifier.type == library.AggModifierType.Without
    if node.param is None:
        return aggregations.simple(operator, vector, names, without=without)
    parameter = ctx.value(node.param, times_ms)
    if isinstance(parameter, values.Text):
        return aggregations.count_values(parameter.value, vector, names, ctx.settings, without=without)
    assert isinstance(parameter, values.Scalar), "the parser checks types"
    if operator == "quantile":
        functions.note_quantile(ctx, parameter.values)
        return aggregations.quantile(parameter.values, vector, names, without=without)
    if operator == "limit_ratio":
        raise errors.QueryExecutionError("limit_ratio() is not available on this server")
    return aggregations.rank(operator, parameter.values, vector, names, without=without)


_NODES: dict[type, Callable[[Context, Any, IntArray], values.Value]] = {
    library.NumberLiteral: _number,
    library.StringLiteral: _text,
    library.ParenExpr: _paren,
    library.UnaryExpr: _unary,
    library.VectorSelector: _selector,
    library.Call: _call,
    library.BinaryExpr: _binary,
    library.AggregateExpr: _aggregate,
}
