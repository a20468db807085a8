"""Bucket aggregations over values: terms, significant_terms, filters, ranges, missing, and all of them together."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from rootward.dojo.engines.columns import column
from rootward.dojo.engines.elastic import dates, ordering, rejection, terms
from rootward.dojo.engines.elastic.aggregate import IntArray, Run, Sub
from rootward.dojo.engines.elastic.context import known, number, whole
from rootward.dojo.engines.elastic.metrics import field_of

_TERMS = (
    *("field", "size", "shard_size", "order", "missing", "min_doc_count", "shard_min_doc_count", "include", "exclude"),
    *("show_term_doc_count_error", "execution_hint", "collect_mode", "value_type", "format", "script"),
)


def parts_of(run: Run, kind: str, body: Mapping[str, Any], rows: IntArray) -> list[tuple[Any, IntArray]]:
    """(value, rows that have it) of the aggregation's field; `missing` stands for what a record lacks."""
    found = field_of(run.ctx, kind, body)
    missing = body.get("missing")
    if found is None:
        return [] if missing is None else [(missing, rows)]
    present = found.present[rows]
    have = rows[present]
    if found.numbers is not None:
        values: list[tuple[Any, IntArray]] = [
            (int(key) if found.kind in ("long", "date") else key, part)
            for key, part in column.rows_by(found.numbers[have], have)
        ]
    else:
        assert found.codes is not None
        values = [(found.values[code], part) for code, part in column.rows_by(found.codes[have], have)]
    if missing is not None and not present.all():
        known_rows = dict(values)
        lacking = rows[~present]
        joined = np.sort(np.concatenate([known_rows[missing], lacking])) if missing in known_rows else lacking
        values = [*((key, part) for key, part in values if key != missing), (missing, joined)]
    return values


def bucket_key(found: column.Column | None, value: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """`key`, and `key_as_string` where the value is not shown as it is stored."""
    if found is not None and found.kind == "boolean":
        return {"key": int(value in ("true", True)), "key_as_string": str(value)}
    if found is not None and found.kind == "date":
        return {"key": value, "key_as_string": dates.text(value, str(body.get("format") or ""))}
    return {"key": value}


def terms_(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    known("terms", body, _TERMS)
    size = whole(body.get("size"), "size", 10)
    if size == 0:
        raise rejection.argument("[size] must be greater than 0. Found [0] in [terms]")
    least = whole(body.get("min_doc_count"), "min_doc_count", 1)
    found = run.ctx.table.columns.get(str(body.get("field")))
    parts = [(value, part) for value, part in parts_of(run, "terms", body, rows) if wanted(body, value)]
    if least == 0 and found is not None and found.codes is not None:
        have = {value for value, _ in parts}
        parts += [(value, rows[:0]) for value in found.values if value not in have and wanted(body, value)]
    parts = [(value, part) for value, part in parts if len(part) >= least]
    order = body.get("order")
    simple = order is None or (isinstance(order, Mapping) and all(key in ("_count", "_key", "_term") for key in order))
    total = sum(len(part) for _, part in parts)
    if simple:  # only the buckets that are shown need their sub-aggregations
        heads = [{**bucket_key(found, value, body), "doc_count": len(part), "rows": part} for value, part in parts]
        chosen = ordering.ordered(heads, order, {"_count": "desc"})[:size]
        run.spend(len(chosen))
        shown = [{**_head(one), **sub(one["rows"])} for one in chosen]
    else:
        run.spend(len(parts))
        buckets = [{**bucket_key(found, value, body), **sub(part)} for value, part in parts]
        shown = ordering.ordered(buckets, order, {"_count": "desc"})[:size]
    others = total - sum(one["doc_count"] for one in shown)
    return {"doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": shown}


def _head(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key in ("key", "key_as_string")}


def wanted(body: Mapping[str, Any], value: Any) -> bool:
    """Whether `include` and `exclude` (a regular expression or a list) leave the value in."""
    include, exclude = body.get("include"), body.get("exclude")
    if include is not None and not isinstance(include, Mapping) and not _listed(include, value):
        return False
    return exclude is None or not _listed(exclude, value)


def _listed(rule: Any, value: Any) -> bool:
    if isinstance(rule, list):
        return any(str(one) == str(value) for one in rule)
    try:
        return bool(column.full_matches(pa.array([str(value)]), terms.lucene_regex(str(rule)))[0])
    except column.PatternError as error:
        raise rejection.argument(str(error)) from error


def significant(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    """significant_terms with its default JLH score: share here times and above share among all records."""
    known("significant_terms", body, (*_TERMS, "background_filter", "jlh"))
    size = whole(body.get("size"), "size", 10, least=1)
    least = whole(body.get("min_doc_count"), "min_doc_count", 3)
    background = {value: len(part) for value, part in parts_of(run, "significant_terms", body, run.every)}
    buckets = []
    for value, part in parts_of(run, "significant_terms", body, rows):
        here = len(part) / max(len(rows), 1)
        there = background.get(value, len(part)) / max(len(run.every), 1)
        score = (here - there) * (here / there) if here > there else 0.0
        if score > 0 and len(part) >= least and wanted(body, value):
            buckets.append({"key": value, "score": score, "bg_count": background[value], "rows": part})
    buckets.sort(key=lambda one: (-one["score"], str(one["key"])))
    run.spend(min(len(buckets), size))
    shown = [
        {"key": one["key"], **sub(one["rows"]), "score": one["score"], "bg_count": one["bg_count"]}
        for one in buckets[:size]
    ]
    return {"doc_count": len(rows), "bg_count": len(run.every), "buckets": shown}


def rare(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    most = whole(body.get("max_doc_count"), "max_doc_count", 1, least=1, most=100)
    found = run.ctx.table.columns.get(str(body.get("field")))
    parts = [
        (value, part)
        for value, part in parts_of(run, "rare_terms", body, rows)
        if len(part) <= most and wanted(body, value)
    ]
    run.spend(len(parts))
    shown = [{**bucket_key(found, value, body), **sub(part)} for value, part in parts]
    return {"buckets": ordering.ordered(shown, None, {"_count": "asc"})}


def filter_(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    return sub(rows[_mask(run, body)[rows]])


def filters(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    queries = body.get("filters")
    other = body.get("other_bucket_key") or ("_other_" if body.get("other_bucket") else "")
    if not isinstance(queries, Mapping | list) or not queries:
        raise rejection.argument("[filters] cannot be empty.")
    named = queries if isinstance(queries, Mapping) else {str(i): one for i, one in enumerate(queries)}
    masks = {name: _mask(run, one)[rows] for name, one in named.items()}
    run.spend(len(masks) + bool(other))
    out = {name: sub(rows[mask]) for name, mask in masks.items()}
    if other:
        out[str(other)] = sub(rows[~np.logical_or.reduce(list(masks.values()))])
    return {"buckets": list(out.values()) if isinstance(queries, list) else out}


def _mask(run: Run, query: Any) -> column.BoolArray:
    with run.ctx.without_scores():
        return run.ctx.evaluate(run.ctx, query, 0).mask


def missing(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    found = field_of(run.ctx, "missing", body)
    return sub(rows if found is None else rows[~found.present[rows]])


def global_(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    del body, rows
    return sub(run.every)


def sampler(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    del run
    return sub(rows[: whole(body.get("shard_size"), "shard_size", 100)])


def range_(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    return _ranges(run, "range", body, rows, sub)


def date_range(run: Run, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    return _ranges(run, "date_range", body, rows, sub)


def _ranges(run: Run, kind: str, body: Mapping[str, Any], rows: IntArray, sub: Sub) -> dict[str, Any]:
    known(kind, body, ("field", "ranges", "keyed", "format", "time_zone", "missing", "script"))
    found = field_of(run.ctx, kind, body)
    wanted_ranges = body.get("ranges")
    if not isinstance(wanted_ranges, list) or not wanted_ranges:
        raise rejection.argument(f"No [ranges] specified for the [{kind}] aggregation")
    run.spend(len(wanted_ranges))
    values = np.full(len(rows), np.nan) if found is None or found.numbers is None else found.numbers[rows]
    buckets = []
    for one in wanted_ranges:
        if not isinstance(one, Mapping):
            raise rejection.parsing(f"[{kind}] [ranges] expects objects")
        low, high = (_edge(run, kind, body, one.get(side)) for side in ("from", "to"))
        mask = (values >= (-np.inf if low is None else low)) & (values < (np.inf if high is None else high))
        head = _range_head(kind, body, low, high, one.get("key"))
        buckets.append(
            (low if low is not None else -np.inf, high if high is not None else np.inf, {**head, **sub(rows[mask])})
        )
    shown = [one for _, _, one in sorted(buckets, key=lambda item: item[:2])]
    if body.get("keyed"):
        return {"buckets": {one["key"]: {k: v for k, v in one.items() if k != "key"} for one in shown}}
    return {"buckets": shown}


def _edge(run: Run, kind: str, body: Mapping[str, Any], value: Any) -> float | None:
    if value is None:
        return None
    if kind == "range":
        return number(value, "range")
    formats = dates.formats_of(str(body["format"]) if body.get("format") else None)
    return dates.parse(value, run.ctx.now_ms, formats=formats, time_zone=str(body.get("time_zone") or ""))


def _range_head(kind: str, body: Mapping[str, Any], low: float | None, high: float | None, key: Any) -> dict[str, Any]:
    def shown(value: float | None) -> str:
        if value is None:
            return "*"
        return dates.text(value, str(body.get("format") or "")) if kind == "date_range" else str(float(value))

    out: dict[str, Any] = {"key": str(key) if key is not None else f"{shown(low)}-{shown(high)}"}
    for side, value in (("from", low), ("to", high)):
        if value is not None:
            out[side] = float(value)
            if kind == "date_range":
                out[f"{side}_as_string"] = shown(value)
    return out
