"""The query DSL: one function per kind of query, found by its name; and query strings, which are turned into it."""

from collections.abc import Callable, Mapping
from typing import Any

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import compound, lucene, rejection, terms, text
from rootward.dojo.engines.elastic.context import MAX_DEPTH, Context, Match, known, number

Query = Callable[[Context, Any, int], Match]


def evaluate(ctx: Context, body: Mapping[Any, Any], depth: int = 0) -> Match:
    """Which rows a query matches, and their scores.

    Raises:
        rejection.Rejection: an unknown or malformed query, or one past a limit.
    """
    if depth > MAX_DEPTH:
        reason = "The nested depth of the query exceeds the maximum nested depth for queries set in [indices.query.bool.max_nested_depth]"
        raise rejection.Rejection("x_content_parse_exception", reason, caused_by=("illegal_argument_exception", reason))
    if not isinstance(body, Mapping):
        raise rejection.parsing("query malformed, no start_object after query name")
    if not body:
        raise rejection.argument("query malformed, empty clause found")
    name, inner = next(iter(body.items()))
    if len(body) > 1:
        raise rejection.parsing(f"[{name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]")
    kind = _KINDS.get(name)
    if kind is None:
        raise rejection.parsing(f"unknown query [{name[:100]}]")
    ctx.spend()
    return kind(ctx, inner, depth + 1)


_STRING = (
    *("query", "default_field", "fields", "default_operator", "analyze_wildcard", "lenient", "boost", "time_zone"),
    *("allow_leading_wildcard", "minimum_should_match", "type", "tie_breaker", "phrase_slop", "fuzziness", "analyzer"),
    *(
        "quote_field_suffix",
        "enable_position_increments",
        "escape",
        "max_determinized_states",
        "rewrite",
        "flags",
        "_name",
    ),
)


def _defaults(kind: str, ctx: Context, body: Any) -> tuple[str, lucene.Defaults]:
    if not isinstance(body, Mapping) or body.get("query") is None:
        raise rejection.parsing(f"[{kind}] must be provided with a [query]")
    known(kind, body, _STRING)
    if not isinstance(body["query"], str | int | float):
        raise rejection.parsing(f"[{kind}] query does not support [query] of this type")
    operator = str(body.get("default_operator", "or")).lower()
    if operator not in ("or", "and"):
        raise rejection.argument(f"operator needs to be either OR or AND, but not [{operator[:40]}]")
    named = body.get("fields") or ([body["default_field"]] if body.get("default_field") else ["*"])
    if not isinstance(named, list):
        raise rejection.parsing(f"[{kind}] query does not support [fields] of this type")
    patterns = [str(name).partition("^")[0] for name in named]
    fields = [field for pattern in patterns for field in ctx.fields(pattern)]
    # An unknown field that was named is searched, and has nothing.
    fields = fields or [pattern for pattern in patterns if "*" not in pattern]
    lenient = body.get("lenient") in (True, "true") or any("*" in pattern for pattern in patterns)
    return terms.as_text(body["query"]), lucene.Defaults(fields, every=operator == "and", lenient=lenient)


def query_string(ctx: Context, body: Any, depth: int) -> Match:
    words, defaults = _defaults("query_string", ctx, body)
    return _lifted(ctx.evaluate(ctx, lucene.parse(words, defaults), depth - 1), body)


def simple_query_string(ctx: Context, body: Any, depth: int) -> Match:
    words, defaults = _defaults("simple_query_string", ctx, body)
    return _lifted(ctx.evaluate(ctx, lucene.parse_simple(words, defaults), depth - 1), body)


def _lifted(found: Match, body: Mapping[str, Any]) -> Match:
    boost = number(body.get("boost"), "boost")
    return found if found.score is None or boost == 1.0 else Match(found.mask, found.score * boost)


def _leaf(read: Callable[[Context, str, Mapping[str, Any]], Match]) -> Query:
    """A leaf of a query string: its field may be a pattern; lenient, a value that a field cannot hold matches nothing there."""

    def query(ctx: Context, body: Any, _depth: int) -> Match:
        options = dict(body)
        pattern = options.pop("field")
        lenient = options.pop("lenient", False) or "*" in pattern
        parts = []
        for field in ctx.fields(pattern):
            try:
                parts.append(read(ctx, field, options))
            except rejection.Rejection:
                if not lenient:
                    raise
        return parts[0] if len(parts) == 1 else text.best(ctx, parts)

    return query


def _phrase_leaf(ctx: Context, field: str, options: Mapping[str, Any]) -> Match:
    return text.phrased(ctx, field, options["query"], options)


def _pattern_leaf(ctx: Context, field: str, options: Mapping[str, Any]) -> Match:
    if "regexp" in options:
        return terms.pattern(ctx, field, terms.lucene_regex(options["regexp"]), {})
    analysed = ctx.table.columns[field].kind == "text"
    shown = options["wildcard"].lower() if analysed else options["wildcard"]
    return terms.pattern(ctx, field, column.glob(shown), {})


def _match_leaf(ctx: Context, field: str, options: Mapping[str, Any]) -> Match:
    words = options["query"]
    if ctx.table.columns[field].kind == "text" and "fuzziness" not in options:
        # A term that the analyser cuts in several (`catalog-cache`) is any of them, as auto-generated phrases are off.
        return text.matched(ctx, field, words, {})
    return text.matched(ctx, field, words, options)


def _range_leaf(ctx: Context, field: str, options: Mapping[str, Any]) -> Match:
    return terms.range_(ctx, {field: dict(options)}, 0)


_KINDS: dict[Any, Query] = {
    "match_all": compound.match_all,
    "match_none": compound.match_none,
    "bool": compound.bool_,
    "constant_score": compound.constant_score,
    "dis_max": compound.dis_max,
    "boosting": compound.boosting,
    "function_score": compound.function_score,
    "nested": compound.nested,
    "term": terms.term,
    "terms": terms.terms,
    "range": terms.range_,
    "exists": terms.exists,
    "ids": terms.ids,
    "prefix": terms.prefix,
    "wildcard": terms.wildcard,
    "regexp": terms.regexp,
    "fuzzy": terms.fuzzy,
    "match": text.match,
    "match_phrase": text.match_phrase,
    "match_phrase_prefix": text.match_phrase_prefix,
    "match_bool_prefix": text.match_bool_prefix,
    "multi_match": text.multi_match,
    "query_string": query_string,
    "simple_query_string": simple_query_string,
    lucene.Leaf.PHRASE: _leaf(_phrase_leaf),
    lucene.Leaf.PATTERN: _leaf(_pattern_leaf),
    lucene.Leaf.MATCH: _leaf(_match_leaf),
    lucene.Leaf.RANGE: _leaf(_range_leaf),
}
