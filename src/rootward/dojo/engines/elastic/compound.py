"""Queries of queries: bool, constant_score, dis_max, boosting, function_score; and those that match all or none."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import rejection, text
from rootward.dojo.engines.elastic.context import Context, Match, known, number


def clauses(kind: str, body: Mapping[str, Any], name: str) -> list[Any]:
    """A clause may be one query or a list of them."""
    value = body.get(name)
    if value is None:
        return []
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, Mapping) for one in found):
        raise rejection.parsing(f"[{kind}] query malformed, no start_object after query name")
    return found


_BOOL = ("must", "should", "filter", "must_not", "minimum_should_match", "boost", "adjust_pure_negative", "_name")


def bool_(ctx: Context, body: Any, depth: int) -> Match:
    if not isinstance(body, Mapping):
        raise rejection.parsing("[bool] query malformed, no start_object after query name")
    for name in body:
        if name not in _BOOL:
            near = difflib.get_close_matches(name, _BOOL, 1)
            hint = f" did you mean [{near[0]}]?" if near else ""
            raise rejection.Rejection("x_content_parse_exception", f"[bool] unknown field [{name[:100]}]{hint}")
    parts = {name: clauses("bool", body, name) for name in ("must", "should", "filter", "must_not")}
    boost = number(body.get("boost"), "boost")
    mask = ctx.table.every()
    score = np.zeros(ctx.table.count) if ctx.scoring else None
    # One clause at a time: a query may have thousands, over hundreds of thousands of rows.
    for one in parts["must"]:
        _require(mask, score, ctx.evaluate(ctx, one, depth))
    with ctx.without_scores():
        for one in parts["filter"]:
            mask &= ctx.evaluate(ctx, one, depth).mask
        for one in parts["must_not"]:
            mask &= ~ctx.evaluate(ctx, one, depth).mask
    if parts["should"]:
        default = 0 if parts["must"] or parts["filter"] else 1
        least = text.least_of(body.get("minimum_should_match"), len(parts["should"]), default)
        _require(mask, score, text.at_least(ctx, (ctx.evaluate(ctx, one, depth) for one in parts["should"]), least))
    if score is not None:
        if not any(parts.values()):
            score += 1.0  # an empty bool is match_all
        score = np.where(mask, score * boost, 0.0)
    return Match(mask, score)


def _require(mask: column.BoolArray, score: column.FloatArray | None, part: Match) -> None:
    mask &= part.mask
    if score is not None and part.score is not None:
        score += part.score


def constant_score(ctx: Context, body: Any, depth: int) -> Match:
    if not isinstance(body, Mapping) or not isinstance(body.get("filter"), Mapping):
        raise rejection.argument("inner clause [filter] cannot be null.")
    known("constant_score", body, ("filter", "boost", "_name"))
    with ctx.without_scores():
        found = ctx.evaluate(ctx, body["filter"], depth)
    return ctx.constant(found.mask, number(body.get("boost"), "boost"))


def dis_max(ctx: Context, body: Any, depth: int) -> Match:
    if not isinstance(body, Mapping):
        raise rejection.parsing("[dis_max] query malformed, no start_object after query name")
    known("dis_max", body, ("queries", "tie_breaker", "boost", "_name"))
    queries = clauses("dis_max", body, "queries")
    if not queries:
        raise rejection.parsing("[dis_max] requires 'queries' field with at least one clause")
    return text.best(ctx, (ctx.evaluate(ctx, one, depth) for one in queries))


def boosting(ctx: Context, body: Any, depth: int) -> Match:
    if not isinstance(body, Mapping) or not all(
        isinstance(body.get(name), Mapping) for name in ("positive", "negative")
    ):
        raise rejection.parsing("[boosting] query requires 'positive' query to be set'")
    found = ctx.evaluate(ctx, body["positive"], depth)
    with ctx.without_scores():
        less = ctx.evaluate(ctx, body["negative"], depth)
    if found.score is None:
        return found
    weight = number(body.get("negative_boost"), "negative_boost", 0.5)
    return Match(found.mask, np.where(less.mask, found.score * weight, found.score))


_FUNCTION_SCORE = (
    *("query", "functions", "weight", "random_score", "field_value_factor", "boost", "boost_mode", "score_mode"),
    *("max_boost", "min_score", "_name"),
)


def function_score(ctx: Context, body: Any, depth: int) -> Match:
    """Weights with filters, and field_value_factor; what needs a script or chance is refused."""
    if not isinstance(body, Mapping):
        raise rejection.parsing("[function_score] query malformed, no start_object after query name")
    known("function_score", body, _FUNCTION_SCORE)
    found = ctx.evaluate(ctx, body.get("query") or {"match_all": {}}, depth)
    functions: Sequence[Any] = body.get("functions") or [body]
    if found.score is None:
        return found
    if not isinstance(functions, list | tuple):
        raise rejection.parsing("failed to parse [function_score] query. [functions] must be an array")
    factor = np.ones(ctx.table.count)
    for one in functions:
        if not isinstance(one, Mapping) or "script_score" in one or "random_score" in one:
            raise rejection.parsing("failed to parse [function_score] query. unsupported score function")
        value = number(one.get("weight"), "weight") * _field_factor(ctx, one.get("field_value_factor"))
        chosen = ctx.table.every()
        if one is not body and isinstance(one.get("filter"), Mapping):
            with ctx.without_scores():
                chosen = ctx.evaluate(ctx, one["filter"], depth).mask
        factor = np.where(chosen, factor * value, factor)
    mode = body.get("boost_mode", "multiply")
    combined = {
        "multiply": found.score * factor,
        "replace": factor,
        "sum": found.score + factor,
        "avg": (found.score + factor) / 2,
        "max": np.maximum(found.score, factor),
        "min": np.minimum(found.score, factor),
    }.get(mode)
    if combined is None:
        raise rejection.argument(f"No enum constant CombineFunction.{str(mode)[:40].upper()}")
    mask = found.mask
    if body.get("min_score") is not None:
        mask = mask & (combined >= number(body["min_score"], "min_score"))
    return Match(mask, np.where(mask, combined, 0.0))


def _field_factor(ctx: Context, options: Any) -> Any:
    if options is None:
        return 1.0
    if not isinstance(options, Mapping) or not isinstance(options.get("field"), str):
        raise rejection.parsing("[field_value_factor] required field 'field' missing")
    found = ctx.table.columns.get(options["field"])
    missing = number(options.get("missing"), "missing", 1.0)
    if found is None or found.numbers is None:
        return missing
    return np.nan_to_num(found.numbers, nan=missing) * number(options.get("factor"), "factor")


def match_all(ctx: Context, body: Any, _depth: int) -> Match:
    if not isinstance(body, Mapping):
        raise rejection.parsing("[match_all] query malformed, no start_object after query name")
    known("match_all", body, ("boost", "_name"))
    return ctx.constant(ctx.table.every(), number(body.get("boost"), "boost"))


def match_none(ctx: Context, _body: Any, _depth: int) -> Match:
    return ctx.nothing()


def nested(ctx: Context, body: Any, _depth: int) -> Match:
    """No field of these indices is nested, and Elasticsearch says so."""
    del ctx
    path = body.get("path") if isinstance(body, Mapping) else None
    if not isinstance(path, str):
        raise rejection.parsing("[nested] requires 'path' field")
    if body.get("ignore_unmapped") is True:
        raise rejection.shard(
            f"failed to create query: [nested] nested object under path [{path}] is not of nested type"
        )
    raise rejection.shard(
        f"failed to create query: [nested] failed to find nested object under path [{path}]",
        f"[nested] failed to find nested object under path [{path}]",
    )
