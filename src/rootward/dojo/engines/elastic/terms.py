"""Term-level queries: exact values, ranges, prefixes and patterns, over whatever kind of field it is."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import dates, rejection, scoring
from rootward.dojo.engines.elastic.context import MAX_TERMS, Context, Match, known, number, single, whole


def term(ctx: Context, body: Any, _depth: int) -> Match:
    field, value = single("term", body)
    options = value if isinstance(value, Mapping) else {"value": value}
    known("term", options, ("value", "boost", "case_insensitive", "_name"))
    if options.get("value") is None:
        raise rejection.argument("value cannot be null")
    boost = number(options.get("boost"), "boost")
    return exactly(ctx, field, options["value"], boost, ignore_case=options.get("case_insensitive") is True)


def terms(ctx: Context, body: Any, _depth: int) -> Match:
    field, values = single("terms", body)
    if isinstance(values, Mapping):
        raise rejection.argument("[terms] lookups are not supported")
    if not isinstance(values, list):
        raise rejection.parsing("[terms] query does not support [" + field + "]")
    if len(values) > MAX_TERMS:
        raise rejection.shard(
            f"failed to create query: The number of terms [{len(values)}] used in the Terms Query request has exceeded the "
            f"allowed maximum of [{MAX_TERMS}]. This maximum can be set by changing the [index.max_terms_count] index level setting."
        )
    mask = ctx.table.none()
    with ctx.without_scores():
        for value in {str(one): one for one in values if one is not None}.values():
            mask |= exactly(ctx, field, value).mask
    return ctx.constant(mask, number(body.get("boost"), "boost"))


def exactly(ctx: Context, field: str, value: Any, boost: float = 1.0, *, ignore_case: bool = False) -> Match:
    """Records whose field has the value; a word of it when the field is analysed."""
    if isinstance(value, list | Mapping):
        raise rejection.parsing(
            f"[term] query does not support [{'array' if isinstance(value, list) else 'object'}] of values"
        )
    if field == "_id":
        return ctx.constant(ids_mask(ctx, [value]), boost)
    found = ctx.table.columns.get(field)
    if found is None:
        return ctx.nothing()
    text = as_text(value)
    if found.kind == "text":
        return scoring.word(ctx, field, text.lower() if ignore_case else text, boost)
    if found.kind == "date":
        low = dates.parse(value, ctx.now_ms)
        return ctx.constant(between(found, low, dates.parse(value, ctx.now_ms, round_up=True)), boost)
    if found.is_numeric:
        assert found.numbers is not None
        return ctx.constant(np.asarray(found.numbers == as_number(value)), boost)
    if found.kind == "boolean" and text not in ("true", "false", ""):
        raise rejection.shard(
            f"failed to create query: Can't parse boolean value [{text}], expected [true] or [false]",
            f"Can't parse boolean value [{text}], expected [true] or [false]",
        )
    mask = found.matching(re.escape(text), ignore_case=True) if ignore_case else found.equal(text)
    return scoring.rare(ctx, mask, boost)


def as_text(value: Any) -> str:
    """A JSON scalar as a term."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def as_number(value: Any) -> float:
    try:
        return float("true" if value is True else "false" if value is False else value)
    except (TypeError, ValueError, OverflowError) as error:
        reason = f'For input string: "{str(value)[:100]}"'
        raise rejection.Rejection(
            "query_shard_exception",
            f"failed to create query: {reason}",
            phase=True,
            caused_by=("number_format_exception", reason),
        ) from error


def between(found: column.Column, low: float, high: float) -> column.BoolArray:
    """Rows with low ≤ number ≤ high."""
    assert found.numbers is not None, "only numbers have ranges like these"
    return np.asarray((found.numbers >= low) & (found.numbers <= high))


_BOUNDS = ("gt", "gte", "lt", "lte", "from", "to", "include_lower", "include_upper")


def range_(ctx: Context, body: Any, _depth: int) -> Match:
    field, options = single("range", body)
    if not isinstance(options, Mapping):
        raise rejection.parsing("[range] query malformed, no start_object after query name")
    known("range", options, (*_BOUNDS, "format", "time_zone", "boost", "relation", "_name"))
    bounds = {name: options.get(name) for name in ("gt", "gte", "lt", "lte")}
    if options.get("from") is not None:
        bounds["gte" if options.get("include_lower", True) else "gt"] = options["from"]
    if options.get("to") is not None:
        bounds["lte" if options.get("include_upper", True) else "lt"] = options["to"]
    found = ctx.table.columns.get(field)
    if found is None:
        return ctx.nothing()
    mask = found.present.copy()
    for name, value in bounds.items():
        if value is not None:
            mask &= _bound(ctx, found, name, value, options)
    return ctx.constant(mask, number(options.get("boost"), "boost"))


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "gt": np.greater,
    "gte": np.greater_equal,
    "lt": np.less,
    "lte": np.less_equal,
}


def _bound(ctx: Context, found: column.Column, name: str, value: Any, options: Mapping[str, Any]) -> column.BoolArray:
    if isinstance(value, list | Mapping):
        raise rejection.parsing(f"[range] query does not support [{name}] of this type")
    if found.kind == "date":
        formats = dates.formats_of(options.get("format") and str(options["format"]))
        limit: float = dates.parse(
            value,
            ctx.now_ms,
            formats=formats,
            time_zone=str(options.get("time_zone") or ""),
            round_up=name in ("gt", "lte"),
        )
    elif found.is_numeric:
        limit = as_number(value)
    else:
        order = np.array([_COMPARE[name](one, as_text(value)) for one in found.values], dtype=np.bool_)
        return found.where(order)
    return np.asarray(_COMPARE[name](found.numbers, limit), dtype=np.bool_)


def exists(ctx: Context, body: Any, _depth: int) -> Match:
    if not isinstance(body, Mapping) or not isinstance(body.get("field"), str):
        raise rejection.parsing("[exists] must be provided with a [field]")
    known("exists", body, ("field", "boost", "_name"))
    mask = ctx.table.none()
    field = body["field"]
    for name in ctx.fields(field) or [one for one in ctx.table.columns if one.startswith(f"{field}.")]:
        mask |= ctx.table.columns[name].present
    return ctx.constant(mask, number(body.get("boost"), "boost"))


def ids(ctx: Context, body: Any, _depth: int) -> Match:
    values = body.get("values") if isinstance(body, Mapping) else None
    if not isinstance(values, list):
        raise rejection.parsing("[ids] requires providing the values array")
    return ctx.constant(ids_mask(ctx, values), number(body.get("boost"), "boost"))


def ids_mask(ctx: Context, values: list[Any]) -> column.BoolArray:
    mask = ctx.table.none()
    for value in values[:MAX_TERMS]:
        row = ctx.row_of(str(value))
        if row is not None:
            mask[row] = True
    return mask


def prefix(ctx: Context, body: Any, _depth: int) -> Match:
    field, text, options = _pattern("prefix", body, "value")
    return pattern(ctx, field, re.escape(text) + ".*", options)


def wildcard(ctx: Context, body: Any, _depth: int) -> Match:
    field, text, options = _pattern("wildcard", body, "value", "wildcard")
    return pattern(ctx, field, column.glob(text), options)


def regexp(ctx: Context, body: Any, _depth: int) -> Match:
    field, text, options = _pattern("regexp", body, "value")
    return pattern(ctx, field, lucene_regex(text), options)


def fuzzy(ctx: Context, body: Any, _depth: int) -> Match:
    field, text, options = _pattern("fuzzy", body, "value")
    found = ctx.table.columns.get(field)
    if found is None or found.is_numeric:
        return ctx.nothing()
    edits = scoring.edits_of(options.get("fuzziness", "AUTO"), text)
    if found.kind == "text":
        return scoring.any_word(ctx, field, scoring.similar(ctx.table.words_of(field), text, edits), 1.0)
    close = np.array([scoring.within(one, text, edits) for one in found.values], dtype=np.bool_)
    return ctx.constant(found.where(close))


def _pattern(kind: str, body: Any, *names: str) -> tuple[str, str, Mapping[str, Any]]:
    field, value = single(kind, body)
    options = value if isinstance(value, Mapping) else {names[0]: value}
    others = ("boost", "case_insensitive", "rewrite", "flags", "max_determinized_states", "_name")
    more = ("fuzziness", "prefix_length", "max_expansions", "transpositions") if kind == "fuzzy" else ()
    known(kind, options, (*names, *others, *more))
    text = next((options[name] for name in names if options.get(name) is not None), None)
    if text is None:
        raise rejection.argument("value cannot be null")
    if isinstance(text, list | Mapping):
        raise rejection.parsing(f"[{kind}] query does not support [value] of this type")
    whole(options.get("max_determinized_states"), "max_determinized_states", 10_000)
    return field, as_text(text), options


def pattern(ctx: Context, field: str, regex: str, options: Mapping[str, Any]) -> Match:
    """Records a whole value (a word, when the field is analysed) of which fits an RE2 pattern."""
    found = ctx.table.columns.get(field)
    boost = number(options.get("boost"), "boost")
    ignore_case = options.get("case_insensitive") is True
    if found is None:
        return ctx.nothing()
    if found.is_numeric:
        raise rejection.shard(
            f"failed to create query: Can only use wildcard queries on keyword, text and wildcard fields - not on [{field}] which is of type [{found.kind}]",
            f"Can only use wildcard queries on keyword, text and wildcard fields - not on [{field}] which is of type [{found.kind}]",
        )
    try:
        if found.kind != "text":
            return ctx.constant(found.matching(regex, ignore_case=ignore_case), boost)
        words = ctx.table.words_of(field)
        chosen = np.flatnonzero(column.full_matches(words.vocabulary, regex, ignore_case=ignore_case))
        return scoring.any_word(ctx, field, chosen.tolist(), boost)
    except column.PatternError as error:
        raise rejection.shard(f"failed to create query: {error}", str(error)) from error


_OPERATORS = {"@": ".*", "#": "[^\\x00-\\x{10FFFF}]", "^": r"\^", "$": r"\$"}


def lucene_regex(text: str) -> str:
    """Lucene's regular expressions as RE2: always anchored, `^` and `$` ordinary, `@` anything, `"…"` as it stands.

    Raises:
        rejection.Rejection: complement, intersection or numeric intervals, which need an automaton.
    """
    out, at, in_class = "", 0, False
    while at < len(text):
        letter = text[at]
        if letter == "\\" and at + 1 < len(text):
            following = text[at + 1]
            out += f"\\{following}" if following in "dDsSwW" else re.escape(following)
            at += 1
        elif in_class:
            in_class = letter != "]"
            out += r"\[" if letter == "[" else letter
        elif letter == "[":
            in_class = True
            out += letter
        elif letter == '"':
            end = text.find('"', at + 1)
            end = len(text) if end < 0 else end
            out += f"(?:{re.escape(text[at + 1 : end])})"
            at = end
        elif letter in "~&<":
            raise rejection.shard(
                f"failed to create query: unsupported operator [{letter}] at position {at} of regexp [{text}]"
            )
        elif letter == "(" and text[at + 1 : at + 2] == "?":
            raise rejection.shard(
                f"failed to create query: unexpected character '?' at position {at + 1} of regexp [{text}]"
            )
        else:
            out += _OPERATORS.get(letter, letter)
        at += 1
    return out
