"""Loki's HTTP API (version 3.3) over the telemetry's logs.

Shapes follow grafana.com/docs/loki/latest/reference/loki-http-api; refusals are plain text, as Loki writes them.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from starlette import applications, responses, routing, websockets

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.logql import evaluate, parser, store, tree, vectors
from rootward.dojo.wire import _http, _loki_detected, _loki_parameters, _loki_patterns, _loki_tail, _loki_volume

VERSION = "3.3.2"
_SERVICE_LABELS = (
    *("service", "app", "application", "name", "app_kubernetes_io_name"),
    *("container", "container_name", "k8s_container_name", "component", "workload", "job", "k8s_job_name"),
)


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
        *((f"{prefix}{path}", handler, methods) for path, handler, methods in face.beside()),
        (f"{prefix}/format_query", face.format_query, both),
        (f"{prefix}/status/buildinfo", face.build_info, ("GET",)),
        ("/ready", lambda _call: responses.PlainTextResponse("ready\n"), ("GET",)),
    ]
    routes: list[routing.BaseRoute] = [
        _http.route(path, handler, refuse, methods) for path, handler, methods in handlers
    ]
    routes.append(routing.WebSocketRoute(f"{prefix}/tail", face.tail))
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

    def _window(self, call: _http.Call, default_ns: int = _loki_parameters.HOUR_NS) -> tuple[int, int]:
        return _loki_parameters.window(call, self._now_ns(), default_ns)

    def query_range(self, call: _http.Call) -> responses.Response:
        start_ns, end_ns = self._window(call)
        query = parser.parse(call.get("query"))
        if isinstance(query, tree.LogQuery):
            return self._lines(call, query, start_ns, end_ns)
        times_ns = evaluate.grid(start_ns, end_ns, _loki_parameters.step_ns(call, start_ns, end_ns))
        found = evaluate.samples(self._visible(), query, times_ns)
        result = [{"metric": one.labels, "values": _points(one, times_ns)} for one in found]
        return _success("matrix", result, 0, 0)

    def _lines(self, call: _http.Call, query: tree.LogQuery, start_ns: int, end_ns: int) -> responses.Response:
        limit = _loki_parameters.limit(call)
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
        at_ns = _loki_parameters.time_ns(call.get("time"), "time", self._now_ns())
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
        start_ns, end_ns = self._window(call, 6 * _loki_parameters.HOUR_NS)
        text = call.get("query")
        matchers = parser.parse_selector(text) if text else ()
        return self._visible().streams_in(matchers, start_ns, end_ns)

    def series(self, call: _http.Call) -> responses.Response:
        start_ns, end_ns = self._window(call, 6 * _loki_parameters.HOUR_NS)
        selectors = [*call.all("match"), *call.all("match[]")]
        if not selectors:
            raise _http.Refused(400, "0 matcher groups supplied")
        visible = self._visible()
        found: dict[str, dict[str, str]] = {}
        for selector in selectors:
            for labels in visible.streams_in(parser.parse_selector(selector), start_ns, end_ns):
                found.setdefault(json.dumps(labels), labels)
        return _http.answer({"status": "success", "data": [found[key] for key in sorted(found)]})

    def _asked(self, ask: _loki_volume.Ask) -> _http.Handler:
        """A handler of one of the endpoints beside queries."""
        return lambda call: ask(call, self._visible(), self._now_ns())

    def beside(self) -> list[tuple[str, _http.Handler, Sequence[str]]]:
        """Volumes, patterns and detected labels and fields, under the API's prefix."""
        both = ("GET", "POST")
        return [
            ("/index/stats", self._asked(_loki_volume.stats), both),
            ("/index/volume", self._asked(_loki_volume.volume), both),
            ("/index/volume_range", self._asked(_loki_volume.volume_range), both),
            ("/patterns", self._asked(_loki_patterns.patterns), both),
            ("/detected_labels", self._asked(_loki_detected.labels), both),
            ("/detected_fields", self._asked(_loki_detected.fields), both),
            ("/detected_field/{name}/values", self._asked(_loki_detected.values), both),
        ]

    async def tail(self, socket: websockets.WebSocket) -> None:
        await _loki_tail.tail(socket, self._visible, self._now_ns)

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
