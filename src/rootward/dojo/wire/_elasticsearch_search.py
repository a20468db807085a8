"""One search request: the body checked, the query run over the chosen indices, hits and aggregations written."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import context, engine, rejection
from rootward.dojo.wire import _elasticsearch_documents as documents
from rootward.dojo.wire import _elasticsearch_hits as hits
from rootward.dojo.wire import _elasticsearch_indices as indices
from rootward.dojo.wire import _elasticsearch_replies as replies

MAX_WINDOW = 10_000  # index.max_result_window
MAX_INNER = 100  # index.max_inner_result_window
TRACKED = 10_000
_KEYS = (
    *("query", "from", "size", "sort", "aggs", "aggregations", "_source", "fields", "docvalue_fields", "stored_fields"),
    *("track_total_hits", "highlight", "search_after", "pit", "post_filter", "min_score", "timeout", "terminate_after"),
    *("track_scores", "version", "seq_no_primary_term", "explain", "profile", "collapse", "stats", "indices_boost"),
)
_REFUSED = (
    "script_fields",
    "runtime_mappings",
    "suggest",
    "rescore",
    "knn",
    "retriever",
    "rank",
    "slice",
    "sub_searches",
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A search over these indices. `frozen_ms`: the moment whose documents are seen (a point in time), or None for now."""

    names: list[str]
    body: Mapping[str, Any]
    typed: bool = False
    skip: int | None = None  # where a scroll goes on


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Found:
    ctx: context.Context
    rows: column.IntArray
    score: column.FloatArray | None


def shards(count: int) -> dict[str, int]:
    return {"total": count, "successful": count, "skipped": 0, "failed": 0}


def checked(body: Any) -> Mapping[str, Any]:
    """The body as an object with known keys; raises Rejection."""
    if not isinstance(body, Mapping):
        raise rejection.parsing("Unknown key for a VALUE_STRING in [null].")
    for name, value in body.items():
        if name in _REFUSED:
            raise rejection.argument(f"[{name}] is not enabled on this cluster")
        if name not in _KEYS:
            token = {dict: "START_OBJECT", list: "START_ARRAY", bool: "VALUE_BOOLEAN", type(None): "VALUE_NULL"}.get(
                type(value)
            )
            shown = token or ("VALUE_STRING" if isinstance(value, str) else "VALUE_NUMBER")
            raise rejection.parsing(f"Unknown key for a {shown} in [{name[:100]}].")
    return body


def matching(
    catalogue: indices.Catalogue, request: Request, *, scoring: bool
) -> tuple[context.Context, column.BoolArray, Any]:
    """(context, mask of the rows that match, their scores)."""
    found = catalogue.documents
    count = found.table.count
    within = catalogue.rows_of(request.names)
    ctx = engine.context(
        found.table,
        int(catalogue.now_ms),
        lambda text: documents.row_of(text, count, found.table.salt),
        within,
        scoring=scoring,
    )
    match = engine.search(ctx, request.body.get("query"))
    return ctx, match.mask, match.score


def search(catalogue: indices.Catalogue, request: Request) -> dict[str, Any]:
    """The answer to `_search`.

    Raises:
        rejection.Rejection: a body that Elasticsearch refuses, or one past its limits.
    """
    body = checked(request.body)
    size, skip = _window(body, request)
    keys_wanted = body.get("sort")
    scored = size > 0 and (keys_wanted is None or "_score" in str(keys_wanted) or bool(body.get("track_scores")))
    ctx, mask, score = matching(catalogue, request, scoring=scored or body.get("min_score") is not None)
    if body.get("min_score") is not None:
        mask = mask & (score >= context.number(body["min_score"], "min_score"))
    keys = hits.sort_keys(ctx, keys_wanted)
    aggregations = _aggregations(ctx, body, mask, typed=request.typed)
    mask = _post_filtered(ctx, body, mask)
    rows = np.flatnonzero(mask).astype(np.int64)
    found = _Found(ctx, rows, score)
    shown = _page(found, body, keys, size, skip)
    relation, total = _total(body, len(rows))
    top = (
        float(np.float32(score[rows].max()))
        if scored and score is not None and len(rows) and keys_wanted is None
        else None
    )
    inner: dict[str, Any] = {} if total is None else {"total": {"value": total, "relation": relation}}
    out: dict[str, Any] = {
        "took": 1 + catalogue.documents.table.count // 40_000,
        "timed_out": False,
        "_shards": shards(len(request.names)),
        "hits": {**inner, "max_score": top, "hits": shown},
    }
    return {**out, "aggregations": aggregations} if aggregations is not None else out


def _window(body: Mapping[str, Any], request: Request) -> tuple[int, int]:
    size = context.whole(body.get("size"), "size", 10)
    skip = context.whole(body.get("from"), "from", 0)
    if size + skip > MAX_WINDOW:
        window = (
            f"Batch size is too large, size must be less than or equal to: [{MAX_WINDOW}] but was [{size + skip}]. Scroll batch sizes "
            "cost as much memory as result windows so they are controlled by the [index.max_result_window] index level setting."
            if request.skip is not None
            else f"Result window is too large, from + size must be less than or equal to: [{MAX_WINDOW}] but was [{size + skip}]. See the "
            "scroll api for a more efficient way to request large data sets. This limit can be set by changing the "
            "[index.max_result_window] index level setting."
        )
        raise rejection.Rejection("illegal_argument_exception", window, phase=True)
    if body.get("search_after") is not None and skip:
        raise rejection.Rejection(
            "action_request_validation_exception",
            "Validation Failed: 1: `from` parameter must be set to 0 when `search_after` is used;",
        )
    return size, request.skip if request.skip is not None else skip


def _total(body: Mapping[str, Any], count: int) -> tuple[str, int | None]:
    tracked = body.get("track_total_hits", TRACKED)
    if tracked is True or tracked == "true" or tracked == -1:
        return "eq", count
    if tracked is False or tracked == "false":
        return "eq", None
    limit = context.whole(tracked, "track_total_hits", TRACKED)
    return ("gte", limit) if count > limit else ("eq", count)


def _post_filtered(ctx: context.Context, body: Mapping[str, Any], mask: column.BoolArray) -> column.BoolArray:
    if body.get("post_filter") is None:
        return mask
    with ctx.without_scores():
        return mask & ctx.evaluate(ctx, body["post_filter"], 0).mask


def _page(found: _Found, body: Mapping[str, Any], keys: list[hits.Key], size: int, skip: int) -> list[dict[str, Any]]:
    if size == 0:
        return []
    order = keys or ([] if found.score is None else [("_score", True, {})])
    after = body.get("search_after")
    rows = hits.ordered(found.ctx, order if keys or after is None else keys, found.rows, found.score, after)
    rows = _collapsed(found.ctx, body, rows)[skip : skip + size]
    return [_hit(found, body, keys, row) for row in rows.tolist()]


def _collapsed(ctx: context.Context, body: Mapping[str, Any], rows: column.IntArray) -> column.IntArray:
    """`collapse`: the first row of each value."""
    wanted = body.get("collapse")
    if wanted is None:
        return rows
    field = wanted.get("field") if isinstance(wanted, Mapping) else None
    one = ctx.table.columns.get(str(field))
    if one is None or one.kind == "text":
        raise rejection.argument(f"no mapping found for `{str(field)[:100]}` in order to collapse on")
    _, first = np.unique(one.ranks[rows], return_index=True)
    return rows[np.sort(first)]


def _hit(found: _Found, body: Mapping[str, Any], keys: list[hits.Key], row: int) -> dict[str, Any]:
    ctx = found.ctx
    index = ctx.table.columns["_index"].at(row)
    scored = found.score is not None and (
        not keys or any(key[0] == "_score" for key in keys) or bool(body.get("track_scores"))
    )
    score = float(np.float32(found.score[row])) if scored and found.score is not None else None
    if not keys and found.score is None:
        score = 1.0
    out: dict[str, Any] = {"_index": index, "_id": documents.document_id(row, ctx.table.salt), "_score": score}
    keep = hits.source_filter(body.get("_source"))
    if keep is not None and body.get("stored_fields") is None:
        out["_source"] = hits.nested({name: v for name, v in hits.record_of(ctx.table, row).items() if keep(name)})
    for option in ("fields", "docvalue_fields"):
        if body.get(option) is not None:
            out["fields"] = {**out.get("fields", {}), **hits.fields_of(ctx, row, body[option])}
    if body.get("highlight") is not None:
        marked = hits.highlights(ctx, row, body["highlight"], hits.highlight_words(body.get("query")))
        if marked:
            out["highlight"] = marked
    if keys:
        out["sort"] = hits.sort_values(ctx, keys, row, found.score)
    return out


def _aggregations(
    ctx: context.Context, body: Mapping[str, Any], mask: column.BoolArray, *, typed: bool
) -> dict[str, Any] | None:
    specs = body.get("aggs", body.get("aggregations"))
    if specs is None:
        return None

    def top_hits(options: Mapping[str, Any], rows: column.IntArray) -> dict[str, Any]:
        return _top_hits(ctx, options, rows)

    return engine.aggregations(ctx, specs, mask, top_hits, typed=typed)


def _top_hits(ctx: context.Context, options: Mapping[str, Any], rows: column.IntArray) -> dict[str, Any]:
    size = context.whole(options.get("size"), "size", 3)
    skip = context.whole(options.get("from"), "from", 0)
    if size + skip > MAX_INNER:
        raise rejection.Rejection(
            "illegal_argument_exception",
            f"Top hits result window is too large, the top hits aggregator [top_hits]'s from + size must be less than or equal to: [{MAX_INNER}] "
            f"but was [{size + skip}]. This limit can be set by changing the [index.max_inner_result_window] index level setting.",
            phase=True,
        )
    found = _Found(ctx, rows, None)
    shown = _page(found, options, hits.sort_keys(ctx, options.get("sort")), size, skip)
    return {
        "hits": {
            "total": {"value": len(rows), "relation": "eq"},
            "max_score": None if options.get("sort") else 1.0,
            "hits": shown,
        }
    }


_TIME_VALUE = re.compile(r"\d{1,6}(d|h|m|s|ms|micros|nanos)", re.ASCII)


def keep_alive(text: str, name: str) -> str:
    """A keep-alive, checked; raises Rejection."""
    if not _TIME_VALUE.fullmatch(text):
        raise rejection.argument(
            f"failed to parse setting [{name}] with value [{text[:60]}] as a time value: unit is missing or unrecognized"
        )
    if text.endswith(("d", "h")) and int(text[:-1]) > 24:
        raise replies.Refusal(
            400,
            replies.plain(
                "illegal_argument_exception",
                f"Keep alive for request ({text}) is too large. It must be less than (1d). This limit can be set by changing the [search.max_keep_alive] cluster level setting.",
            ),
        )
    return text
