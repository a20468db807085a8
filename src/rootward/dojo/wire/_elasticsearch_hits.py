"""Hits as Elasticsearch writes them: order, the place to go on from, `_source`, `fields` and highlights."""

import bisect
import fnmatch
import html
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column, table, tokens
from rootward.dojo.engines.elastic import context, dates, metrics, rejection
from rootward.dojo.wire import _elasticsearch_documents as documents

Key = tuple[str, bool, Mapping[str, Any]]  # (field, descending, options)
_LONG_MAX = 2**63 - 1
MAX_SORT_KEYS = 32


def sort_keys(ctx: context.Context, sort: Any) -> list[Key]:
    """The request's `sort`, checked; raises Rejection."""
    wanted = sort if isinstance(sort, list) else [sort] if sort is not None else []
    if len(wanted) > MAX_SORT_KEYS:
        raise rejection.argument("too many sort keys")
    keys: list[Key] = []
    for one in wanted:
        pairs = [(one, {})] if isinstance(one, str) else list(one.items()) if isinstance(one, Mapping) else []
        if not pairs:
            raise rejection.parsing(
                "malformed sort format, within the sort array, an object, or an actual string are allowed"
            )
        for name, options in pairs:
            field, _, direction = str(name).partition(":") if isinstance(one, str) else (str(name), "", "")
            settings = options if isinstance(options, Mapping) else {"order": options}
            order = str(direction or settings.get("order") or ("desc" if field == "_score" else "asc")).lower()
            if order not in ("asc", "desc"):
                raise rejection.argument(
                    f"No enum constant org.elasticsearch.search.sort.SortOrder.{order[:40].upper()}"
                )
            _check_sortable(ctx, field, settings)
            keys.append((field, order == "desc", settings))
    return keys


def _check_sortable(ctx: context.Context, field: str, settings: Mapping[str, Any]) -> None:
    if field.startswith("_script"):
        raise rejection.argument("cannot execute [inline] scripts")
    if field in ("_score", "_doc", "_id", "_shard_doc", "_index"):
        return
    found = ctx.table.columns.get(field)
    if found is None and "unmapped_type" not in settings:
        raise rejection.shard(f"No mapping found for [{field[:200]}] in order to sort on")
    if found is not None and found.kind == "text":
        raise metrics.no_fielddata(field)


def _ranks(ctx: context.Context, key: Key, rows: column.IntArray, score: column.FloatArray | None) -> column.FloatArray:
    """Numbers that sort the rows as the key wants, smallest first."""
    field, down, settings = key
    if field == "_score":
        values = np.zeros(len(rows)) if score is None else score[rows]
    elif field in ("_doc", "_id", "_shard_doc"):
        values = rows.astype(np.float64)
    else:
        found = ctx.table.columns.get(field)
        values = np.full(len(rows), np.nan) if found is None else found.ranks[rows]
    missing = settings.get("missing", "_last")
    if missing in ("_last", "_first"):
        filler = np.inf if (missing == "_last") != down else -np.inf
    else:
        filler = _as_rank(ctx, field, missing)
    values = np.where(np.isnan(values), filler, values)
    return -values if down else values


def _as_rank(ctx: context.Context, field: str, value: Any) -> float:
    """A value given by the caller (search_after, missing) among the field's ranks."""
    found = ctx.table.columns.get(field)
    if found is not None and not found.is_numeric and field not in ("_score", "_doc", "_id", "_shard_doc"):
        text = str(value)
        at = bisect.bisect_left(found.values, text)
        return float(at) if at < len(found.values) and found.values[at] == text else at - 0.5
    if found is not None and found.kind == "date" and isinstance(value, str):
        return float(dates.parse(value, ctx.now_ms))
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise rejection.argument(f"Failed to parse search_after value for field [{field}]") from error


def ordered(
    ctx: context.Context, keys: Sequence[Key], rows: column.IntArray, score: column.FloatArray | None, after: Any
) -> column.IntArray:
    """The rows in order, those after `search_after` only."""
    ranks = [_ranks(ctx, key, rows, score) for key in keys]
    if after is not None:
        rows, ranks = _after(ctx, keys, rows, ranks, after)
    return np.asarray(rows[np.lexsort((rows, *reversed(ranks)))] if ranks else rows, dtype=np.int64)


def _after(
    ctx: context.Context, keys: Sequence[Key], rows: column.IntArray, ranks: list[column.FloatArray], after: Any
) -> tuple[column.IntArray, list[column.FloatArray]]:
    if not keys:
        raise rejection.argument("Sort must contain at least one field.")
    if not isinstance(after, list) or len(after) != len(keys):
        count = len(after) if isinstance(after, list) else 0
        raise rejection.argument(f"search_after has {count} value(s) but sort has {len(keys)}.")
    keep = np.zeros(len(rows), dtype=np.bool_)
    equal = np.ones(len(rows), dtype=np.bool_)
    for key, values, last in zip(keys, ranks, after, strict=True):
        field, down, settings = key
        if last is None or last in (_LONG_MAX, -(2**63)):
            limit = np.inf if (settings.get("missing", "_last") == "_last") else -np.inf
        else:
            limit = _as_rank(ctx, field, last) * (-1 if down else 1)
        keep |= equal & (values > limit)
        equal &= values == limit
    return rows[keep], [values[keep] for values in ranks]


def sort_values(ctx: context.Context, keys: Sequence[Key], row: int, score: column.FloatArray | None) -> list[Any]:
    out: list[Any] = []
    for field, down, settings in keys:
        if field == "_score":
            out.append(None if score is None else float(np.float32(score[row])))
        elif field in ("_doc", "_shard_doc"):
            out.append(row)
        elif field == "_id":
            out.append(documents.document_id(row, ctx.table.salt))
        else:
            out.append(_sort_value(ctx, field, row, settings, down=down))
    return out


def _sort_value(ctx: context.Context, field: str, row: int, settings: Mapping[str, Any], *, down: bool) -> Any:
    found = ctx.table.columns.get(field)
    value = None if found is None else found.at(row)
    if value is None and found is not None and found.kind in ("long", "date"):
        last = settings.get("missing", "_last") == "_last"
        return _LONG_MAX if last != down else -_LONG_MAX - 1
    if found is not None and found.kind == "date" and settings.get("format"):
        return None if value is None else dates.text(value, str(settings["format"]))
    return value


def nested(record: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as objects in objects."""
    out: dict[str, Any] = {}
    for name, value in record.items():
        at = out
        *parents, last = name.split(".")
        for parent in parents:
            following = at.setdefault(parent, {})
            if not isinstance(
                following, dict
            ):  # `error` and `error.type`: the plain one gives way, as a mapping would refuse it
                following = at[parent] = {}
            at = following
        if not isinstance(at.get(last), dict):
            at[last] = value
    return out


def _chosen(patterns: Sequence[str]) -> Callable[[str], bool]:
    def matches(name: str) -> bool:
        return any(fnmatch.fnmatchcase(name, one) or name.startswith(f"{one}.") for one in patterns)

    return matches


def source_filter(wanted: Any) -> Callable[[str], bool] | None:
    """Which fields `_source` keeps; None for no source at all; raises Rejection."""
    if wanted in (False, "false"):
        return None
    if wanted is None or wanted in (True, "true"):
        return lambda _name: True
    if isinstance(wanted, str):
        wanted = wanted.split(",")
    if isinstance(wanted, list):
        return _chosen([str(one) for one in wanted])
    if not isinstance(wanted, Mapping):
        raise rejection.parsing("Expected one of [VALUE_BOOLEAN, START_OBJECT] but found [VALUE_NUMBER]")
    listed = [wanted.get("includes", wanted.get("include")), wanted.get("excludes", wanted.get("exclude"))]
    include, exclude = ([one] if isinstance(one, str) else one or [] for one in listed)
    if not isinstance(include, list) or not isinstance(exclude, list):
        raise rejection.parsing("Unknown key for a VALUE_NUMBER in [includes].")
    keep, drop = _chosen([str(one) for one in include] or ["*"]), _chosen([str(one) for one in exclude])
    return lambda name: keep(name) and not drop(name)


def record_of(records: table.Table, row: int) -> dict[str, Any]:
    """A document's fields as its source has them: times as text."""
    found = records.record(row)
    found.pop("_index", None)
    for name, one in records.columns.items():
        if one.kind == "date" and name in found:
            found[name] = dates.text(found[name])
    return found


def fields_of(ctx: context.Context, row: int, wanted: Any) -> dict[str, list[Any]]:
    """The `fields` (or docvalue_fields) option: flat names, each value in a list."""
    out: dict[str, list[Any]] = {}
    for one in wanted if isinstance(wanted, list) else [wanted]:
        pattern = str(one.get("field", "")) if isinstance(one, Mapping) else str(one)
        style = str(one.get("format") or "") if isinstance(one, Mapping) else ""
        for name in ctx.fields(pattern):
            found = ctx.table.columns[name]
            value = found.at(row)
            if value is not None:
                out[name] = [dates.text(value, style) if found.kind == "date" else value]
    return out


_TEXT_QUERIES = (
    "match",
    "match_phrase",
    "match_phrase_prefix",
    "multi_match",
    "query_string",
    "simple_query_string",
    "term",
    "match_bool_prefix",
)


def highlight_words(query: Any, depth: int = 0) -> set[str]:
    """Words that the text queries of a request look for."""
    out: set[str] = set()
    if depth > 40:
        return out
    if isinstance(query, list):
        for one in query:
            out |= highlight_words(one, depth + 1)
    elif isinstance(query, Mapping):
        for name, value in query.items():
            if name in _TEXT_QUERIES and isinstance(value, Mapping):
                said = value.get("query", next(iter(value.values()), None))
                said = said.get("query", said.get("value")) if isinstance(said, Mapping) else said
                out |= {word for word in tokens.words(str(said)) if word not in ("and", "or", "not")}
            elif name != "must_not":
                out |= highlight_words(value, depth + 1)
    return out


def highlights(ctx: context.Context, row: int, wanted: Any, words: set[str]) -> dict[str, list[str]]:
    """Field → fragments with the words marked."""
    if not isinstance(wanted, Mapping) or not isinstance(wanted.get("fields"), Mapping | list):
        raise rejection.parsing("[highlight] failed to parse field [fields]")
    before = str((wanted.get("pre_tags") or ["<em>"])[0]) if isinstance(wanted.get("pre_tags", []), list) else "<em>"
    after = str((wanted.get("post_tags") or ["</em>"])[0]) if isinstance(wanted.get("post_tags", []), list) else "</em>"
    listed = wanted["fields"]
    names = (
        list(listed)
        if isinstance(listed, Mapping)
        else [name for one in listed if isinstance(one, Mapping) for name in one]
    )
    out: dict[str, list[str]] = {}
    for name in [field for pattern in names for field in ctx.fields(str(pattern))]:
        found = ctx.table.columns[name]
        text = found.at(row) if found.kind in ("text", "keyword") else None
        if text is None:
            continue
        shown = html.escape(text) if wanted.get("encoder") == "html" else str(text)
        marked = tokens.marked(shown, words, before, after)
        if marked != shown:
            out[name] = [marked]
    return out
