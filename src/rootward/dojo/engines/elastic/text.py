"""Full-text queries: match, match_phrase, match_phrase_prefix, match_bool_prefix, multi_match."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column, tokens
from rootward.dojo.engines.elastic import rejection, scoring, terms
from rootward.dojo.engines.elastic.context import Context, Match, known, number, single, whole

_MATCH = (
    *("query", "operator", "minimum_should_match", "boost", "fuzziness", "analyzer", "lenient", "zero_terms_query"),
    *(
        "prefix_length",
        "max_expansions",
        "fuzzy_transpositions",
        "fuzzy_rewrite",
        "auto_generate_synonyms_phrase_query",
        "_name",
    ),
)
_PHRASE = ("query", "slop", "analyzer", "boost", "zero_terms_query", "max_expansions", "_name")


def options_of(kind: str, body: Any, names: Sequence[str]) -> tuple[str, Mapping[str, Any]]:
    if body == {}:
        raise rejection.parsing("No text specified for text query")
    field, value = single(kind, body)
    options = value if isinstance(value, Mapping) else {"query": value}
    known(kind, options, names)
    if options.get("query") is None:
        raise rejection.parsing("No text specified for text query")
    if isinstance(options["query"], list | Mapping):
        raise rejection.parsing(f"[{kind}] unknown token [START_ARRAY] after [query]")
    return field, options


def match(ctx: Context, body: Any, _depth: int) -> Match:
    field, options = options_of("match", body, _MATCH)
    return matched(ctx, field, options["query"], options)


def matched(ctx: Context, field: str, value: Any, options: Mapping[str, Any]) -> Match:
    """`match` on one field: any of the words, or all of them with operator `and`."""
    boost = number(options.get("boost"), "boost")
    found = ctx.table.columns.get(field)
    if found is None or found.kind != "text":
        return lenient(ctx, field, value, boost, options)
    wanted = tokens.words(terms.as_text(value))
    if not wanted:
        return ctx.constant(ctx.table.every()) if options.get("zero_terms_query") == "all" else ctx.nothing()
    ctx.spend(len(wanted))
    operator = str(options.get("operator", "or")).lower()
    if operator not in ("or", "and"):
        raise rejection.argument(f"operator needs to be either OR or AND, but not [{operator[:40]}]")
    count = len(wanted)
    least = count if operator == "and" else least_of(options.get("minimum_should_match"), count, 1)
    return at_least(ctx, (_word(ctx, field, word, boost, options.get("fuzziness")) for word in wanted), least)


def _word(ctx: Context, field: str, word: str, boost: float, fuzziness: Any) -> Match:
    if fuzziness is None:
        return scoring.word(ctx, field, word, boost)
    edits = scoring.edits_of(fuzziness, word)
    return scoring.any_word(ctx, field, scoring.similar(ctx.table.words_of(field), word, edits), boost)


def lenient(ctx: Context, field: str, value: Any, boost: float, options: Mapping[str, Any]) -> Match:
    """An exact value; with `lenient` a text that the field cannot hold matches nothing instead of failing."""
    try:
        return terms.exactly(ctx, field, value, boost)
    except rejection.Rejection:
        if options.get("lenient") in (True, "true"):
            return ctx.nothing()
        raise


def at_least(ctx: Context, parts: Iterable[Match], least: int) -> Match:
    """Records that so many of the parts match; their scores add up. Parts are used one at a time."""
    count = np.zeros(ctx.table.count, dtype=np.int32)
    score = np.zeros(ctx.table.count) if ctx.scoring else None
    for part in parts:
        count += part.mask
        if score is not None and part.score is not None:
            score += part.score
    mask = np.asarray(count >= max(least, 0))
    return Match(mask, None if score is None else np.where(mask, score, 0.0))


def least_of(value: Any, clauses: int, default: int) -> int:
    """`minimum_should_match`: 2, -1, "75%", "-25%", "3<90%"; raises Rejection."""
    if value is None:
        return default
    text = str(value).strip()
    result = None
    for condition, least in re.findall(r"(?:(\d{1,6})<)?(-?\d{1,6}%?)(?:\s|$)", text, re.ASCII):
        if condition and clauses <= int(condition):
            return clauses if result is None else result
        result = _least(least, clauses)
    if result is None or not re.fullmatch(r"(?:(?:\d{1,6}<)?-?\d{1,6}%?(?:\s+|$))+", text, re.ASCII):
        raise rejection.argument(f'For input string: "{text[:60]}"')
    return result


def _least(text: str, clauses: int) -> int:
    if text.endswith("%"):
        share = int(text[:-1]) / 100 * clauses
        least = int(share) if share >= 0 else clauses + int(share)
    else:
        least = int(text) if int(text) >= 0 else clauses + int(text)
    return max(least, 0)


def match_phrase(ctx: Context, body: Any, _depth: int) -> Match:
    field, options = options_of("match_phrase", body, _PHRASE)
    return phrased(ctx, field, options["query"], options)


def match_phrase_prefix(ctx: Context, body: Any, _depth: int) -> Match:
    field, options = options_of("match_phrase_prefix", body, _PHRASE)
    return phrased(ctx, field, options["query"], options, prefix=True)


def phrased(ctx: Context, field: str, value: Any, options: Mapping[str, Any], *, prefix: bool = False) -> Match:
    """The words one after another; with `prefix` the last may go on."""
    boost = number(options.get("boost"), "boost")
    slop = whole(options.get("slop"), "slop", 0)
    found = ctx.table.columns.get(field)
    if found is None or found.kind != "text":
        return lenient(ctx, field, value, boost, options)
    words = ctx.table.words_of(field)
    wanted = tokens.words(terms.as_text(value))
    ctx.spend(len(wanted))
    if not wanted:
        return ctx.nothing()
    places: list[list[int]] = [
        [known_word] if (known_word := words.number(word)) is not None else [] for word in wanted
    ]
    if prefix:
        most = whole(options.get("max_expansions"), "max_expansions", scoring.MAX_EXPANSIONS, least=1)
        places[-1] = _starting(words, wanted[-1], most)
    if not all(places):
        return ctx.nothing()
    if slop and len(places) > 1:
        rows = words.near([place[0] for place in places], slop)
        return scoring.weighted(ctx, words, rows, np.ones(len(rows)), boost)
    return scoring.phrase(ctx, field, places, boost)


def _starting(words: tokens.TokenIndex, text: str, most: int) -> list[int]:
    found = np.flatnonzero(column.full_matches(words.vocabulary, re.escape(text) + ".*"))
    listed: list[int] = sorted(found.tolist(), key=words.word)[:most]
    return listed


def match_bool_prefix(ctx: Context, body: Any, _depth: int) -> Match:
    field, options = options_of("match_bool_prefix", body, _MATCH)
    found = ctx.table.columns.get(field)
    if found is None or found.kind != "text":
        return lenient(ctx, field, options["query"], 1.0, options)
    wanted = tokens.words(terms.as_text(options["query"]))
    if not wanted:
        return ctx.nothing()
    ctx.spend(len(wanted))
    parts = [scoring.word(ctx, field, word) for word in wanted[:-1]]
    ends = _starting(ctx.table.words_of(field), wanted[-1], scoring.MAX_EXPANSIONS)
    parts.append(scoring.any_word(ctx, field, ends, 1.0))
    every = str(options.get("operator", "or")).lower() == "and"
    return at_least(ctx, parts, len(parts) if every else 1)


_MULTI = (*_MATCH, "fields", "type", "tie_breaker", "slop")
_TYPES = ("best_fields", "most_fields", "cross_fields", "phrase", "phrase_prefix", "bool_prefix")


def multi_match(ctx: Context, body: Any, _depth: int) -> Match:
    if not isinstance(body, Mapping) or body.get("query") is None:
        raise rejection.parsing("No text specified for multi_match query")
    known("multi_match", body, _MULTI)
    kind = body.get("type", "best_fields")
    if kind not in _TYPES:
        raise rejection.parsing(f"failed to parse [multi_match] query type [{str(kind)[:40]}]. unknown type.")
    fields = body.get("fields") or ["*"]
    named = weighted_fields(ctx, [fields] if isinstance(fields, str) else fields)
    default = {**body, "lenient": True} if not body.get("fields") or any("*" in str(f) for f in fields) else body
    if kind == "cross_fields" and str(body.get("operator", "or")).lower() == "and":
        return across(ctx, list(named), terms.as_text(body["query"]))
    parts = (_one_field(ctx, field, weight, kind, body, default) for field, weight in named.items())
    return at_least(ctx, parts, 1) if kind in ("most_fields", "cross_fields", "bool_prefix") else best(ctx, parts)


def _one_field(
    ctx: Context, field: str, weight: float, kind: str, body: Mapping[str, Any], default: Mapping[str, Any]
) -> Match:
    options = {**default, "boost": number(body.get("boost"), "boost") * weight}
    if kind in ("phrase", "phrase_prefix"):
        return phrased(ctx, field, body["query"], options, prefix=kind == "phrase_prefix")
    if kind == "bool_prefix":
        return match_bool_prefix(ctx, {field: {"query": body["query"]}}, 0)
    return matched(ctx, field, body["query"], options)


def weighted_fields(ctx: Context, names: Sequence[Any]) -> dict[str, float]:
    """`["message^2", "kubernetes.*"]` as field → weight; raises Rejection."""
    if not isinstance(names, list | tuple):
        raise rejection.parsing("[multi_match] query does not support [fields] of this type")
    out: dict[str, float] = {}
    for name in names:
        pattern, caret, weight = str(name).partition("^")
        for field in ctx.fields(pattern):
            out[field] = number(weight, "boost") if caret else 1.0
    ctx.spend(len(out))
    return out


def across(ctx: Context, fields: Sequence[str], text: str) -> Match:
    """Every word in some field."""
    words = tokens.words(text)
    parts = (best(ctx, (matched(ctx, field, word, {"lenient": True}) for field in fields)) for word in words)
    return at_least(ctx, parts, len(words)) if words else ctx.nothing()


def best(ctx: Context, parts: Iterable[Match]) -> Match:
    """Records that any part matches, with the best of their scores."""
    mask = ctx.table.none()
    score = np.zeros(ctx.table.count) if ctx.scoring else None
    for part in parts:
        mask |= part.mask
        if score is not None and part.score is not None:
            np.maximum(score, part.score, out=score)
    return Match(mask, score)
