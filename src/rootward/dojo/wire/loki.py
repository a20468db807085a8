"""Loki's HTTP API (version 3.3) over the telemetry's logs.

Shapes follow grafana.com/docs/loki/latest/reference/loki-http-api; refusals are plain text, as Loki writes them.
"""

import dataclasses
import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.logql import evaluate, parser, store, tree, vectors
from rootward.dojo.wire import _http

VERSION = "3.3.2"
MAX_ENTRIES = 5_000
_DEFAULT_LIMIT = 100
_HOUR_NS = 3_600_000_000_000
_SERVICE_LABELS = (
    *("service", "app", "application", "name", "app_kubernetes_io_name"),
    *("container", "container_name", "k8s_container_name", "component", "workload", "job", "k8s_job_name"),
)
_DIGITS = re.compile(r"-?\d{1,100}", re.ASCII)


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.logs`; a telemetry without logs is an empty Loki."""
    face = _Face(telemetry, clock)
    prefix = "/loki/api/v1"
    both = ("GET", "POST")
    handlers: list[tuple[str, _http.Handler, Sequence[str]]] = [
        (f"{prefix}/query_range", face.query_range, both),
        (f"{prefix}/query", face.query, both),
        (f"{prefix}/labels", face.labels, both),
        (f"{prefix}/label", face.labels, both),
        (f"{prefix}/label/{{name}}/values", face.label_values, ("GET",)),
        (f"{prefix}/series", face.series, both),
        (f"{prefix}/index/stats", face.index_stats, both),
        (f"{prefix}/index/volume", face.index_volume, both),
        (f"{prefix}/format_query", face.format_query, both),
        (f"{prefix}/status/buildinfo", face.build_info, ("GET",)),
        ("/ready", lambda _call: responses.PlainTextResponse("ready\n"), ("GET",)),
    ]
    routes = [_http.route(path, handler, refuse, methods) for path, handler, methods in handlers]
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """Go's `http.Error`: plain text and a newline."""
    text = "404 page not found" if error.message == "Not Found" else error.message
    return responses.PlainTextResponse(f"{text}\n", error.status, headers={"X-Content-Type-Options": "nosniff"})


class _Face:
    def __init__(self, telemetry: records.Telemetry, clock: _clock.Clock) -> None:
        empty = records.Logs(np.empty(0, np.int64), np.empty(0, np.int32), (), ())
        self._store = store.LogStore(_with_service_names(telemetry.logs or empty))
        self._clock = clock

    def _now_ns(self) -> int:
        return round(self._clock.now_s() * 1e6) * 1000

    def _visible(self) -> store.LogStore:
        return self._store.until(self._now_ns() + 1)

    def _window(self, call: _http.Call, default_ns: int = _HOUR_NS) -> tuple[int, int]:
        end_ns = _time_ns(call.get("end"), "end", self._now_ns())
        since = call.get("since")
        span_ns = round(_duration_s(since) * 1e9) if since else default_ns
        start_ns = _time_ns(call.get("start"), "start", min(end_ns, self._now_ns()) - span_ns)
        if end_ns < start_ns:
            raise _http.Refused(400, "end timestamp must not be before or equal to start time")
        return start_ns, end_ns

    def query_range(self, call: _http.Call) -> responses.Response:
        start_ns, end_ns = self._window(call)
        query = parser.parse(call.get("query"))
        if isinstance(query, tree.LogQuery):
            return self._lines(call, query, start_ns, end_ns)
        default_step_s = max(math.floor((end_ns - start_ns) / 250e9), 1)
        step_s = _duration_s(call.get("step")) if call.get("step") else default_step_s
        times_ns = evaluate.grid(start_ns, end_ns, round(step_s * 1e9))
        found = evaluate.samples(self._visible(), query, times_ns)
        result = [{"metric": one.labels, "values": _points(one, times_ns)} for one in found]
        return _success("matrix", result, 0, 0)

    def _lines(self, call: _http.Call, query: tree.LogQuery, start_ns: int, end_ns: int) -> responses.Response:
        limit = _limit(call)
        direction = call.get("direction", "backward").lower()
        if direction not in ("forward", "backward"):
            raise _http.Refused(400, f"invalid direction '{call.get('direction')}'")
        newest_first = direction == "backward"
        found = evaluate.lines(self._visible(), query, start_ns, end_ns, limit=limit, newest_first=newest_first)
        categorize = "categorize-labels" in call.headers.get("x-loki-response-encoding-flags", "")
        streams: dict[tuple[tuple[str, str], ...], list[list[Any]]] = {}
        keys: dict[int, tuple[tuple[str, str], ...]] = {}  # lines of a stream share the mapping of its labels
        for line in found:
            labels = line.base if categorize else line.labels
            value: list[Any] = [str(line.time_ns), line.text]
            if categorize:
                extra = {"structuredMetadata": line.metadata, "parsed": line.parsed}
                value.append({name: more for name, more in extra.items() if more})
            key = keys.get(id(line.base)) if categorize else None
            if key is None:
                key = keys[id(line.base)] = tuple(sorted(labels.items()))
            streams.setdefault(key, []).append(value)
        result = [{"stream": dict(key), "values": values} for key, values in sorted(streams.items())]
        size = sum(len(line.text) for line in found)
        return _success("streams", result, size, len(found), flags=["categorize-labels"] if categorize else None)

    def query(self, call: _http.Call) -> responses.Response:
        query = parser.parse(call.get("query"))
        if isinstance(query, tree.LogQuery):
            message = (
                "log queries are not supported as an instant query type, please change your query to a range query type"
            )
            raise _http.Refused(400, message)
        at_ns = _time_ns(call.get("time"), "time", self._now_ns())
        times_ns = np.array([at_ns], dtype=np.int64)
        found = evaluate.samples(self._visible(), query, times_ns)
        if isinstance(query, tree.Number):
            return _success("scalar", _points(found[0], times_ns)[0], 0, 0)
        result = [{"metric": one.labels, "value": _points(one, times_ns)[0]} for one in found]
        return _success("vector", result, 0, 0)

    def labels(self, call: _http.Call) -> responses.Response:
        streams = self._streams(call)
        return _listed(sorted({name for labels in streams for name in labels}))

    def label_values(self, call: _http.Call) -> responses.Response:
        name = call.path["name"]
        return _listed(sorted({labels[name] for labels in self._streams(call) if name in labels}))

    def _streams(self, call: _http.Call) -> list[dict[str, str]]:
        start_ns, end_ns = self._window(call, 6 * _HOUR_NS)
        text = call.get("query")
        matchers = parser.parse_selector(text) if text else ()
        return self._visible().streams_in(matchers, start_ns, end_ns)

    def series(self, call: _http.Call) -> responses.Response:
        start_ns, end_ns = self._window(call, 6 * _HOUR_NS)
        selectors = [*call.all("match"), *call.all("match[]")]
        if not selectors:
            raise _http.Refused(400, "0 matcher groups supplied")
        visible = self._visible()
        found: dict[str, dict[str, str]] = {}
        for selector in selectors:
            for labels in visible.streams_in(parser.parse_selector(selector), start_ns, end_ns):
                found.setdefault(json.dumps(labels), labels)
        return _http.answer({"status": "success", "data": [found[key] for key in sorted(found)]})

    def index_stats(self, call: _http.Call) -> responses.Response:
        start_ns, end_ns = self._window(call)
        visible = self._visible()
        rows = visible.rows(parser.parse_selector(call.get("query")), start_ns, end_ns)
        streams = np.unique(visible.stream[rows])
        size = int(visible.sizes(rows).sum())
        return _http.answer({"streams": len(streams), "chunks": len(streams), "bytes": size, "entries": len(rows)})

    def index_volume(self, call: _http.Call) -> responses.Response:
        start_ns, end_ns = self._window(call)
        visible = self._visible()
        matchers = parser.parse_selector(call.get("query"))
        names = [name for name in call.get("targetLabels").split(",") if name] or [m.label for m in matchers]
        sizes: dict[tuple[tuple[str, str], ...], int] = {}
        rows = visible.rows(matchers, start_ns, end_ns)
        by_stream = np.bincount(visible.stream[rows], weights=visible.sizes(rows), minlength=len(visible.streams))
        for i in np.unique(visible.stream[rows]).tolist():
            key = tuple((name, visible.streams[i][name]) for name in names if name in visible.streams[i])
            sizes[key] = sizes.get(key, 0) + int(by_stream[i])
        at_s = round(end_ns / 1e9, 3)
        largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[: _limit(call)]
        return _success("vector", [{"metric": dict(key), "value": [at_s, str(size)]} for key, size in largest], 0, 0)

    def format_query(self, call: _http.Call) -> responses.Response:
        parser.parse(call.get("query"))
        return _http.answer({"status": "success", "data": call.get("query").strip()})

    def build_info(self, _call: _http.Call) -> responses.Response:
        return _http.answer(
            {
                "version": VERSION,
                "revision": "23b5fc2c9",
                "branch": "HEAD",
                "buildUser": "root@buildkitsandbox",
                "buildDate": "2024-12-18T17:21:54Z",
                "goVersion": "go1.23.1",
            }
        )


def _with_service_names(logs: records.Logs) -> records.Logs:
    """Since version 3 Loki gives every stream a `service_name` (limits_config.discover_service_name, its default list)."""
    streams = [
        {
            "service_name": next((labels[name] for name in _SERVICE_LABELS if labels.get(name)), "unknown_service"),
            **labels,
        }
        for labels in logs.streams
    ]
    return dataclasses.replace(logs, streams=tuple(streams))


def _limit(call: _http.Call) -> int:
    limit = _http.integer(call, "limit", _DEFAULT_LIMIT)
    if limit == 0:
        raise _http.Refused(400, "limit must be a positive value")
    if limit > MAX_ENTRIES:
        raise _http.Refused(
            400, f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {MAX_ENTRIES})"
        )
    return limit


def _time_ns(text: str, name: str, default_ns: int) -> int:
    """Nanoseconds (more than ten digits), seconds (possibly with a fraction) or RFC 3339, as Loki tells them apart."""
    if not text:
        return default_ns
    if _DIGITS.fullmatch(text):
        return _http.bounded_ns(int(text) if len(text) > 10 else int(text) * 10**9)
    try:
        seconds = float(text)
    except ValueError:
        return _http.bounded_ns(round(_http.parse_iso(text, name) * 1e6) * 1000)
    if not math.isfinite(seconds):
        raise _http.Refused(400, f"invalid {name}: value out of range: {json.dumps(text)}")
    return _http.bounded_ns(round(min(max(seconds, 0.0), 1e10) * 1e9))


def _duration_s(text: str) -> float:
    try:
        value = parser.duration_s(text)
    except ValueError as error:
        raise _http.Refused(400, f"cannot parse {json.dumps(text)} to a valid duration") from error
    if not 0 < value < 1e10:
        raise _http.Refused(
            400, "zero or negative query resolution step widths are not accepted. Try a positive integer"
        )
    return value


def _points(one: vectors.Series, times_ns: evaluate.IntArray) -> list[list[Any]]:
    """[seconds, text] of the points that are present; whole seconds without a fraction."""
    seconds = [ns // 10**9 if ns % 10**9 == 0 else ns // 10**6 / 1000 for ns in times_ns[one.present].tolist()]
    return [[s, _http.number_text(v)] for s, v in zip(seconds, one.values[one.present].tolist(), strict=True)]


def _listed(values: list[str]) -> responses.Response:
    # Loki leaves `data` out when there is nothing.
    return _http.answer({"status": "success", "data": values} if values else {"status": "success"})


def _success(kind: str, result: Any, size: int, count: int, flags: list[str] | None = None) -> responses.Response:
    data: dict[str, Any] = {"resultType": kind, "result": result}
    if flags:
        data["encodingFlags"] = flags
    data["stats"] = {
        "summary": {
            "bytesProcessedPerSecond": size * 200,
            "linesProcessedPerSecond": count * 200,
            "totalBytesProcessed": size,
            "totalLinesProcessed": count,
            "execTime": 0.005,
            "queueTime": 0.000041,
            "subqueries": 0,
            "totalEntriesReturned": count,
            "splits": 1,
            "shards": 0,
        }
    }
    return _http.answer({"status": "success", "data": data})
