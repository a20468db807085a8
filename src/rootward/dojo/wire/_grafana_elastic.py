"""Queries of Grafana's Elasticsearch data source: Lucene text, metrics and buckets become one `_search`, its answer frames.

As pkg/tsdb/elasticsearch of grafana/grafana asks it: aggregations are named by their ids, series by what their buckets are called.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rootward.dojo.wire import _grafana_frames as frames
from rootward.dojo.wire import _grafana_sources, _http, _inside

INDEX = "logs-*"
TIME = "@timestamp"
DOCUMENTS = ("logs", "raw_data", "raw_document")
NAMES = {"avg": "Average", "sum": "Sum", "min": "Min", "max": "Max", "cardinality": "Unique Count", "count": "Count"}
MAX_LINES = 500
MAX_AGGREGATIONS = 10
Found = Mapping[str, Any]


async def answer(
    query: Found, source: _grafana_sources.Source, start_s: float, end_s: float, step_s: float
) -> dict[str, Any]:
    """The result of one query; raises Refused (400) for what the data source would not send."""
    metrics = _listed(query, "metrics") or [{"type": "count", "id": "1"}]
    buckets = _listed(query, "bucketAggs")
    kind = str(metrics[0].get("type", "count"))
    window = {"gte": round(start_s * 1000), "lte": round(end_s * 1000), "format": "epoch_millis"}
    text = query.get("query")
    filters: list[dict[str, Any]] = [{"range": {TIME: window}}]
    if isinstance(text, str) and text.strip():
        filters.append({"query_string": {"analyze_wildcard": True, "query": text}})
    body: dict[str, Any] = {"query": {"bool": {"filter": filters}}, "size": 0}
    if kind in DOCUMENTS:
        body |= {"size": _size(metrics[0]), "sort": [{TIME: {"order": "desc", "unmapped_type": "boolean"}}]}
    else:
        body["aggs"] = _aggregations(metrics, buckets, (start_s, end_s, step_s))
    headers = {"content-type": "application/json"}
    reply = await _inside.ask(source.app, f"/{INDEX}/_search", method="POST", headers=headers, body=_http.encode(body))
    if reply.status != 200:
        return frames.failed(reply)
    found = reply.json()
    if kind in DOCUMENTS:
        made = [_documents(query, found["hits"]["hits"], kind)]
    else:
        made = list(_summed(query, found.get("aggregations", {}), metrics, buckets, found["hits"]["total"]["value"]))
    return {"status": 200, "frames": made}


def _listed(query: Found, name: str) -> list[dict[str, Any]]:
    given = query.get(name) or []
    if not isinstance(given, list) or len(given) > MAX_AGGREGATIONS or not all(isinstance(one, dict) for one in given):
        raise _http.Refused(400, f"{name} must be a list of at most {MAX_AGGREGATIONS} objects")
    return [one for one in given if not one.get("hide")]


def _settings(one: Found) -> Found:
    found = one.get("settings")
    return found if isinstance(found, Mapping) else {}


def _size(metric: Found) -> int:
    """How many documents: `limit` of logs, `size` of raw data."""
    text = str(_settings(metric).get("limit") or _settings(metric).get("size") or MAX_LINES)
    return min(int(text), 10_000) if text.isascii() and text.isdigit() and len(text) < 9 else MAX_LINES


def _name(one: Found, place: int) -> str:
    return str(one.get("id") or place + 1)[:60]


def _aggregations(
    metrics: Sequence[Found], buckets: Sequence[Found], span_s: tuple[float, float, float]
) -> dict[str, Any]:
    """The innermost is what is measured; each bucket lies around what follows it."""
    inner: dict[str, Any] = {}
    for place, metric in enumerate(metrics):
        kind = str(metric.get("type", "count"))
        if kind not in NAMES:
            raise _http.Refused(400, f"unsupported metric aggregation: {kind[:60]}")
        if kind != "count":
            inner[_name(metric, place)] = {kind: {"field": str(metric.get("field", ""))}}
    for place, bucket in reversed(list(enumerate(buckets))):
        made = _bucket(bucket, span_s)
        inner = {f"b{_name(bucket, place)}": {**made, **({"aggs": inner} if inner else {})}}
    return inner


def _bucket(bucket: Found, span_s: tuple[float, float, float]) -> dict[str, Any]:
    kind, settings, field = str(bucket.get("type")), _settings(bucket), str(bucket.get("field") or TIME)
    start_s, end_s, step_s = span_s
    if kind == "date_histogram":
        asked = str(settings.get("interval") or "auto")
        interval = f"{max(round(step_s), 1)}s" if asked == "auto" else asked
        bounds = {"min": round(start_s * 1000), "max": round(end_s * 1000)}
        least = _whole(settings.get("min_doc_count"), 0)
        return {kind: {"field": field, "fixed_interval": interval, "min_doc_count": least, "extended_bounds": bounds}}
    if kind == "terms":
        order, by = str(settings.get("order") or "desc"), str(settings.get("orderBy") or "_count")
        key = {"_term": "_key"}.get(by, by)
        return {kind: {"field": field, "size": _whole(settings.get("size"), 10) or 500, "order": {key: order}}}
    raise _http.Refused(400, f"unsupported bucket aggregation: {kind[:60]}")


def _whole(value: Any, default: int) -> int:
    text = str(value) if value is not None else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else default


def _documents(query: Found, hits: Sequence[Found], kind: str) -> frames.Frame:
    """Documents as rows, newest first: their time, their line, and everything else in flat columns."""
    flat = [dict(_flat(hit.get("_source", {}))) for hit in hits]
    names = sorted({name for one in flat for name in one} - {TIME, "message"})
    fields = [frames.field(TIME, "time", "*time.Time"), frames.field("message", "string", "*string")]
    values: list[list[Any]] = [[one.get("sort", [None])[0] for one in hits], [one.get("message") for one in flat]]
    for name, of_hit in (("_id", "_id"), ("_index", "_index")):
        fields.append(frames.field(name, "string", "*string"))
        values.append([hit.get(of_hit) for hit in hits])
    for name in names:
        column = [one.get(name) for one in flat]
        numeric = all(
            isinstance(cell, int | float) and not isinstance(cell, bool) for cell in column if cell is not None
        )
        fields.append(frames.field(name, "number" if numeric else "string", "*float64" if numeric else "*string"))
        values.append(column if numeric else [None if cell is None else str(cell) for cell in column])
    shown = {"meta": {"preferredVisualisationType": "logs"}} if kind == "logs" else {}
    return frames.frame(query, fields, values, **shown)


def _flat(source: Found, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in source.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _summed(
    query: Found, found: Found, metrics: Sequence[Found], buckets: Sequence[Found], total: int
) -> Iterator[frames.Frame]:
    """One frame a series where the last bucket is time, one table otherwise."""
    rows = list(_rows(found, buckets, (), 0)) if buckets else [((), {**found, "doc_count": total})]
    timed = bool(buckets) and buckets[-1].get("type") == "date_histogram"
    above = [str(one.get("field") or TIME) for one in (buckets[:-1] if timed else buckets)]
    titles = [
        " ".join((NAMES[str(one.get("type", "count"))], *([str(one["field"])] if one.get("field") else [])))
        for one in metrics
    ]
    if not timed:
        columns: list[list[Any]] = [[key[k] for key, _ in rows] for k in range(len(above))]
        columns += [[_measured(metric, place, row) for _, row in rows] for place, metric in enumerate(metrics)]
        fields = [frames.field(name, "string", "*string", config={"filterable": True}) for name in above]
        fields += [frames.field(title, "number", "*float64") for title in titles]
        yield frames.frame(query, fields, columns)
        return
    for series in dict.fromkeys(key[:-1] for key, _ in rows):
        mine = [(key[-1], row) for key, row in rows if key[:-1] == series]
        labels = dict(zip(above, map(str, series), strict=True))
        for place, (metric, title) in enumerate(zip(metrics, titles, strict=True)):
            shown = " ".join(map(str, series)) or title
            value = frames.field("Value", "number", "*float64", labels=labels, config={"displayNameFromDS": shown})
            points = [[at for at, _ in mine], [_measured(metric, place, row) for _, row in mine]]
            meta = {"type": "timeseries-multi", "typeVersion": [0, 0]}
            yield frames.frame(query, [frames.field("Time", "time", "time.Time"), value], points, name=shown, meta=meta)


def _rows(
    found: Found, buckets: Sequence[Found], key: tuple[Any, ...], depth: int
) -> Iterator[tuple[tuple[Any, ...], Found]]:
    """Every innermost bucket with the keys that lead to it."""
    inside = found.get(f"b{_name(buckets[depth], depth)}", {})
    for one in inside.get("buckets", ()):
        here = (*key, one["key"])
        if depth + 1 < len(buckets):
            yield from _rows(one, buckets, here, depth + 1)
        else:
            yield here, one


def _measured(metric: Found, place: int, row: Found) -> Any:
    if str(metric.get("type", "count")) == "count":
        return row.get("doc_count", 0)
    return row.get(_name(metric, place), {}).get("value")
