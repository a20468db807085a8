"""Grafana's `/api/ds/query`: queries of panels, asked of the back ends and answered as data frames."""

import math
import re
from collections.abc import Mapping
from typing import Any

from starlette import responses

from rootward.dojo.wire import _grafana_elastic, _grafana_sources, _http, _inside
from rootward.dojo.wire import _grafana_frames as frames

MAX_QUERIES = 50
_POINTS = 1_000
_POINTS_MAX = 11_000
_RELATIVE = re.compile(r"now(?:-(\d{1,9})([smhdw]))?")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SCRAPE_S = 15.0


async def answer(call: _http.Call, sources: Mapping[str, _grafana_sources.Source], now_s: float) -> responses.Response:
    """Results by refId; one that failed makes the whole a 400 (single) or 207, as Grafana has it."""
    try:
        queries = _http.decode(call.get("queries", "[]"))
    except ValueError:
        queries = None
    if not isinstance(queries, list) or not queries or not all(isinstance(one, dict) for one in queries):
        raise _http.Refused(400, "No queries found", reason="query.noQueries")
    if len(queries) > MAX_QUERIES:
        raise _http.Refused(400, f"more than {MAX_QUERIES} queries")
    results: dict[str, Any] = {}
    for query in queries:
        results[str(query.get("refId", "A"))] = await _one(query, call, sources, now_s)
    failed = [one["status"] for one in results.values() if one["status"] != 200]
    return _http.answer({"results": results}, 200 if not failed else failed[0] if len(results) == 1 else 207)


async def _one(
    query: Mapping[str, Any], call: _http.Call, sources: Mapping[str, _grafana_sources.Source], now_s: float
) -> dict[str, Any]:
    chosen = query.get("datasource")
    uid = chosen.get("uid") if isinstance(chosen, Mapping) else chosen
    source = sources.get(str(uid)) or next((s for s in sources.values() if query.get("datasourceId") == s.id), None)
    if source is None:
        raise _http.Refused(404, "Data source not found", reason="datasources.notFound")
    span = query.get("timeRange")
    ends = span if isinstance(span, Mapping) else {"from": call.get("from", "now-1h"), "to": call.get("to", "now")}
    start_s, end_s = _time_s(str(ends.get("from", "")), now_s), _time_s(str(ends.get("to", "")), now_s)
    if end_s < start_s:
        raise _http.Refused(400, "invalid time range: from is after to")
    ask = {"prometheus": _metrics, "loki": _logs, "tempo": _traces, "elasticsearch": _documents}.get(source.face)
    if ask is None:
        return {"error": "plugin.methodNotImplemented", "errorSource": "plugin", "status": 501}
    return await ask(query, source, start_s, end_s)


def _time_s(text: str, now_s: float) -> float:
    if found := _RELATIVE.fullmatch(text):
        return now_s - int(found[1] or 0) * _UNIT_S[found[2] or "s"]
    if re.fullmatch(r"\d{1,15}", text, re.ASCII):
        return int(text) / 1000
    return _http.parse_iso(text, "time")


def _step_s(query: Mapping[str, Any], start_s: float, end_s: float) -> float:
    points = _number(query.get("maxDataPoints"), _POINTS)
    least = _number(query.get("intervalMs"), _SCRAPE_S * 1000) / 1000
    wanted = max(least, (end_s - start_s) / min(max(points, 1), _POINTS_MAX), 1.0)
    return float(math.ceil(wanted / _SCRAPE_S) * _SCRAPE_S if wanted > _SCRAPE_S else wanted)


def _number(value: Any, default: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < 1e15 else default


def _filled(expr: Any, step_s: float, start_s: float, end_s: float) -> str:
    """The query with Grafana's own variables put in."""
    text = expr if isinstance(expr, str) else ""
    step, span_s = f"{step_s:.0f}s", max(round(end_s - start_s), 1)
    for name, value in (
        ("$__rate_interval", f"{max(step_s + _SCRAPE_S, 4 * _SCRAPE_S):.0f}s"),
        ("$__interval_ms", f"{step_s * 1000:.0f}"),
        ("$__interval", step),
        ("$__auto", step),
        ("$__range_ms", str(span_s * 1000)),
        ("$__range_s", str(span_s)),
        ("$__range", f"{span_s}s"),
    ):
        text = text.replace(name, value).replace("${" + name[1:] + "}", value)
    return text


async def _metrics(
    query: Mapping[str, Any], source: _grafana_sources.Source, start_s: float, end_s: float
) -> dict[str, Any]:
    step_s = _step_s(query, start_s, end_s)
    expr = _filled(query.get("expr"), step_s, start_s, end_s)
    executed = f"Expr: {expr}\nStep: {step_s:.0f}s"
    found: list[frames.Frame] = []
    if not query.get("instant") or query.get("range"):
        fields = {"query": expr, "start": start_s // step_s * step_s, "end": end_s, "step": step_s}
        reply = await _inside.ask(source.app, "/api/v1/query_range", fields)
        if reply.status != 200:
            return frames.failed(reply)
        found += _series(reply.json()["data"], query, executed, step_s)
    if query.get("instant"):
        reply = await _inside.ask(source.app, "/api/v1/query", {"query": expr, "time": end_s})
        if reply.status != 200:
            return frames.failed(reply)
        found += _series(reply.json()["data"], query, executed, 0.0)
    return {"status": 200, "frames": found}


async def _logs(
    query: Mapping[str, Any], source: _grafana_sources.Source, start_s: float, end_s: float
) -> dict[str, Any]:
    step_s = _step_s(query, start_s, end_s)
    expr = _filled(query.get("expr"), step_s, start_s, end_s)
    executed = f"Expr: {expr}"
    window = {"start": f"{start_s * 1e9:.0f}", "end": f"{end_s * 1e9:.0f}", "step": f"{step_s:.0f}s"}
    limit = round(_number(query.get("maxLines"), 1000))
    if query.get("queryType") == "instant":
        reply = await _inside.ask(source.app, "/loki/api/v1/query", {"query": expr, "time": window["end"]})
    else:
        more = {"limit": limit, "direction": str(query.get("direction") or "backward")}
        reply = await _inside.ask(source.app, "/loki/api/v1/query_range", {"query": expr, **window, **more})
    if reply.status != 200:
        return frames.failed(reply)
    data = reply.json()["data"]
    if data["resultType"] != "streams":
        return {"status": 200, "frames": _series(data, query, executed, step_s)}
    rows = sorted(
        ((int(at), line, one["stream"]) for one in data["result"] for at, line, *_ in one["values"]),
        key=lambda row: row[0],
        reverse=query.get("direction") != "forward",
    )
    fields = [
        frames.field("labels", "other", "json.RawMessage"),
        frames.field("Time", "time", "time.Time"),
        frames.field("Line", "string", "string"),
        frames.field("tsNs", "string", "string"),
        frames.field("id", "string", "string"),
    ]
    values: list[list[Any]] = [
        [labels for _, _, labels in rows],
        [at // 10**6 for at, _, _ in rows],
        [line for _, line, _ in rows],
        [str(at) for at, _, _ in rows],
        [f"{at}_{i:08x}" for i, (at, _, _) in enumerate(rows)],
    ]
    meta = {"typeVersion": [0, 0], "custom": {"frameType": "LabeledTimeValues"}, "executedQueryString": executed}
    schema = {"refId": query.get("refId", "A"), "meta": meta, "fields": fields}
    return {"status": 200, "frames": [{"schema": schema, "data": {"values": values}}]}


async def _documents(
    query: Mapping[str, Any], source: _grafana_sources.Source, start_s: float, end_s: float
) -> dict[str, Any]:
    return await _grafana_elastic.answer(query, source, start_s, end_s, _step_s(query, start_s, end_s))


async def _traces(
    query: Mapping[str, Any], source: _grafana_sources.Source, start_s: float, end_s: float
) -> dict[str, Any]:
    window = {"start": math.floor(start_s), "end": math.ceil(end_s), "limit": round(_number(query.get("limit"), 20))}
    reply = await _inside.ask(source.app, "/api/search", {"q": str(query.get("query", "{}")), **window})
    if reply.status != 200:
        return frames.failed(reply)
    traces = reply.json().get("traces", [])
    columns = (("traceID", "string"), ("rootServiceName", "string"), ("rootTraceName", "string"))
    fields = [frames.field(name, kind, kind) for name, kind in columns]
    fields += [frames.field("startTime", "time", "time.Time"), frames.field("traceDuration", "number", "float64")]
    values: list[list[Any]] = [[one.get(name, "") for one in traces] for name, _ in columns]
    values.append([int(one.get("startTimeUnixNano", 0)) // 10**6 for one in traces])
    values.append([one.get("durationMs", 0) for one in traces])
    schema = {"refId": query.get("refId", "A"), "name": "Traces", "fields": fields}
    return {"status": 200, "frames": [{"schema": schema, "data": {"values": values}}]}


def _series(data: Mapping[str, Any], query: Mapping[str, Any], executed: str, step_s: float) -> list[frames.Frame]:
    """Prometheus's matrix, vector or scalar: one frame a series, values that JSON cannot say as null with `nans`."""
    found = data["result"]
    if data["resultType"] in ("scalar", "string"):
        found = [{"metric": {}, "value": found}]
    kind = "timeseries-multi" if data["resultType"] == "matrix" else "numeric-multi"
    meta = {"type": kind, "typeVersion": [0, 1], "custom": {"resultType": data["resultType"]}}
    made: list[frames.Frame] = []
    plain = [one for one in found if "value" in one or "values" in one]  # native histograms have no frame of numbers
    for i, one in enumerate(plain):
        points = one.get("values") or [one["value"]]
        numbers = [float(value) for _, value in points]
        shown = _legend(query.get("legendFormat"), one["metric"])
        value = frames.field("Value", "number", "float64", labels=one["metric"], config={"displayNameFromDS": shown})
        interval = {"config": {"interval": step_s * 1000}} if step_s else {}
        schema = {
            "refId": query.get("refId", "A"),
            "meta": {**meta, **({"executedQueryString": executed} if i == 0 else {})},
            "fields": [frames.field("Time", "time", "time.Time", **interval), value],
        }
        values = [[round(at * 1000) for at, _ in points], [n if math.isfinite(n) else None for n in numbers]]
        odd = {
            word: places
            for word, test in (
                ("NaN", math.isnan),
                ("Inf", lambda n: n == math.inf),
                ("NegInf", lambda n: n == -math.inf),
            )
            if (places := [at for at, n in enumerate(numbers) if test(n)])
        }
        made.append({"schema": schema, "data": {"values": values, **({"entities": [None, odd]} if odd else {})}})
    return made


def _legend(form: Any, labels: Mapping[str, str]) -> str:
    if isinstance(form, str) and form and form != "__auto":
        return re.sub(r"\{\{\s*([\w.]+)\s*\}\}", lambda found: labels.get(found[1], ""), form)
    inside = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    name = labels.get("__name__", "")
    return f"{name}{{{inside}}}" if inside or not name else name
