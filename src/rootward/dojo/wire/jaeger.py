"""Jaeger's query service over spans: the HTTP API of its own UI (v1) and the OTLP one (v3), jaegertracing.io/docs/apis."""

import functools
import json
import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _jaeger_parameters, _spans

MAX_KEPT = 20_000  # written traces; at some ten kilobytes each
_DEFAULT_LIMIT = 100
_TYPES = {bool: "bool", int: "int64", float: "float64"}


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.spans`; a telemetry without spans is an empty Jaeger."""
    face = _Face(_spans.SpanStore(telemetry.spans or _spans.empty()), clock)
    handlers: list[tuple[str, _http.Handler]] = [
        ("/api/services", face.services),
        ("/api/services/{service}/operations", face.operation_names),
        ("/api/operations", face.operations),
        ("/api/traces", face.search),
        ("/api/traces/{trace_id}", face.trace),
        ("/api/dependencies", face.dependencies),
    ]
    handlers_v3: list[tuple[str, _http.Handler]] = [
        ("/api/v3/services", lambda _call: _http.answer({"services": face.service_names()})),
        ("/api/v3/operations", face.operations_v3),
        ("/api/v3/traces", face.search_v3),
        ("/api/v3/traces/{trace_id}", face.trace_v3),
    ]
    routes = [_http.route(path, handler, refuse) for path, handler in handlers]
    routes += [_http.route(path, handler, refuse_v3) for path, handler in handlers_v3]
    return _http.application(routes, refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """v1's envelope with the error in `errors`."""
    failure = [{"code": error.status, "msg": error.message}]
    return _http.answer({"data": None, "total": 0, "limit": 0, "offset": 0, "errors": failure}, error.status)


def refuse_v3(error: _http.Refused) -> responses.Response:
    """v3's error object."""
    return _http.answer({"error": {"httpCode": error.status, "message": error.message}}, error.status)


def _structured(data: Sequence[Any], total: int = 0) -> responses.Response:
    return _http.answer({"data": data, "total": total, "limit": 0, "offset": 0, "errors": None})


def _traces(texts: Sequence[bytes]) -> responses.Response:
    body = b'{"data":[' + b",".join(texts) + b'],"total":0,"limit":0,"offset":0,"errors":null}'
    return responses.Response(body, media_type="application/json")


class _Face:
    def __init__(self, store: _spans.SpanStore, clock: _clock.Clock) -> None:
        self._store = store
        self._clock = clock
        self._written: dict[int, bytes] = {}
        self._tags_written: dict[tuple[int, int, int], str] = {}
        self._names_written: dict[str, str] = {}
        self._processes_written: dict[int, str] = {}

    def _now_ns(self) -> int:
        return round(self._clock.now_s() * 1e6) * 1000

    def service_names(self) -> list[str]:
        return self._store.visible_services(self._now_ns())

    def services(self, _call: _http.Call) -> responses.Response:
        names = self.service_names()
        return _structured(names, len(names))

    def operation_names(self, call: _http.Call) -> responses.Response:
        names = sorted({name for name, _ in self._store.operations(call.path["service"], self._now_ns())})
        return _structured(names, len(names))

    def _operations(self, call: _http.Call, kind_field: str) -> list[dict[str, str]]:
        if not call.get("service"):
            raise _http.Refused(400, "parameter 'service' is required")
        wanted = call.get(kind_field)
        pairs = self._store.operations(call.get("service"), self._now_ns())
        return [{"name": name, "spanKind": kind} for name, kind in pairs if wanted in ("", kind)]

    def operations(self, call: _http.Call) -> responses.Response:
        found = self._operations(call, "spanKind")
        return _structured(found, len(found))

    def operations_v3(self, call: _http.Call) -> responses.Response:
        return _http.answer({"operations": self._operations(call, "span_kind")})

    def search(self, call: _http.Call) -> responses.Response:
        now_ns = self._now_ns()
        if ids := call.all("traceID"):
            numbers = [number for one in ids if (number := self._store.trace_number(one)) is not None]
            return _traces([self._trace(number, now_ns) for number in numbers if self._store.rows_of(number, now_ns)])
        if not call.get("service"):
            raise _http.Refused(400, "parameter 'service' is required")
        end_ns = _http.bounded_ns(_jaeger_parameters.integer(call, "end", now_ns // 1000) * 1000)
        back_ns = _jaeger_parameters.lookback_ns(call.get("lookback"))
        start_ns = _http.bounded_ns(_jaeger_parameters.integer(call, "start", max(end_ns - back_ns, 0) // 1000) * 1000)
        if end_ns < start_ns:
            raise _http.Refused(400, "'start' must be before 'end'")
        low, high = (
            _jaeger_parameters.duration_ns(call, "minDuration"),
            _jaeger_parameters.duration_ns(call, "maxDuration"),
        )
        if high and low > high:
            raise _http.Refused(400, "'maxDuration' should be greater than 'minDuration'")
        tags = _jaeger_parameters.tags(call)
        test = functools.partial(self._has_tags, tags) if tags else None
        operation = call.get("operation")
        wanted = _spans.Search(
            start_ns, end_ns, call.get("service"), "" if operation == "all" else operation, low, high, test
        )
        limit = _jaeger_parameters.limit(_jaeger_parameters.integer(call, "limit", _DEFAULT_LIMIT))
        return _traces([self._trace(number, now_ns) for number, _ in islice(self._store.search(wanted, now_ns), limit)])

    def _has_tags(self, tags: Mapping[str, str], row: int) -> bool:
        attributes = self._store.spans.attributes[row]
        process = self._store.process_of(row).attributes
        for key, wanted in tags.items():
            if key in attributes:
                value = _spans.text_of(attributes[key])
            elif key in process:
                value = _spans.text_of(process[key])
            else:
                value = _derived(self._store.spans, row).get(key, "")
            if value != wanted:
                return False
        return True

    def trace(self, call: _http.Call) -> responses.Response:
        return _traces([self._trace(self._find(call), self._now_ns())])

    def _find(self, call: _http.Call) -> int:
        trace_id = call.path["trace_id"]
        if not trace_id or len(trace_id) > 32 or set(trace_id.lower()) - set("0123456789abcdef"):
            raise _http.Refused(400, f"malformed parameter 'traceID': cannot parse {json.dumps(trace_id)}")
        number = self._store.trace_number(trace_id)
        if number is None or not self._store.rows_of(number, self._now_ns()):
            raise _http.Refused(404, "trace not found")
        return number

    def _trace(self, number: int, now_ns: int) -> bytes:
        """A trace as JSON. Whole traces never change, and searches of neighbouring services find the same ones again."""
        known = self._written.get(number)
        if known is not None and self._store.trace_end_ns[number] <= now_ns:
            return known
        rows = self._store.rows_of(number, now_ns)
        trace_id = _quoted(_short(self._store.trace_ids[number]))
        names: dict[int, str] = {}
        spans = self._spans(rows, trace_id, names)
        processes = [f'"{name}":{self._process(process)}' for process, name in names.items()]
        text = (
            f'{{"traceID":{trace_id},"spans":[{",".join(spans)}],"processes":{{{",".join(processes)}}},"warnings":null}}'
        ).encode(errors="replace")
        if self._store.trace_end_ns[number] <= now_ns and len(self._written) < MAX_KEPT:
            self._written[number] = text
        return text

    def _spans(self, rows: list[int], trace_id: str, names: dict[int, str]) -> list[str]:
        """Spans as JSON, `trace_id` too; `names` takes in what the trace calls its processes."""
        store, spans = self._store, self._store.spans
        starts_us = (store.start_ns[rows] // 1000).tolist()
        durations_us = (store.duration_ns[rows] // 1000).tolist()
        out = []
        for row, start_us, duration_us in zip(rows, starts_us, durations_us, strict=True):
            process = store.processes[row]
            if process not in names:
                names[process] = f"p{len(names) + 1}"
            parent = spans.parent_ids[row]
            above = f'{{"refType":"CHILD_OF","traceID":{trace_id},"spanID":{_quoted(parent)}}}' if parent else ""
            out.append(
                f'{{"traceID":{trace_id},"spanID":{_quoted(spans.span_ids[row])},'
                f'"operationName":{self._operation(store.names[row])},"references":[{above}],"startTime":{start_us},'
                f'"duration":{duration_us},"tags":{self._tags(row)},"logs":[],"processID":"{names[process]}","warnings":null}}'
            )
        return out

    def _operation(self, name: str) -> str:
        text = self._names_written.get(name)
        if text is None:
            text = self._names_written[name] = _quoted(name)
        return text

    def _tags(self, row: int) -> str:
        """A span's tags as JSON; spans of one kind of call often share their attributes."""
        attributes, kind, status = self._store.spans.attributes[row], self._store.kinds[row], self._store.statuses[row]
        key = (id(attributes), kind, status)
        known = self._tags_written.get(key)
        if known is not None:
            return known
        tags = [_tag(name, value) for name, value in attributes.items()]
        if kind:
            tags.append({"key": "span.kind", "type": "string", "value": _spans.KINDS[kind]})
        if status:
            tags.append({"key": "otel.status_code", "type": "string", "value": "ERROR" if status == 2 else "OK"})
        if status == 2 and "error" not in attributes:
            tags.append({"key": "error", "type": "bool", "value": True})
        text = _http.text(tags)
        if len(self._tags_written) < MAX_KEPT:
            self._tags_written[key] = text
        return text

    def _process(self, number: int) -> str:
        text = self._processes_written.get(number)
        if text is None:
            process = self._store.spans.processes[number]
            tags = [_tag(*pair) for pair in process.attributes.items()]
            text = self._processes_written[number] = _http.text({"serviceName": process.service, "tags": tags})
        return text

    def dependencies(self, call: _http.Call) -> responses.Response:
        if not call.get("endTs"):
            raise _http.Refused(400, "unable to parse param 'endTs': strconv.ParseInt: parsing \"\": invalid syntax")
        end_ns = _http.bounded_ns(_jaeger_parameters.integer(call, "endTs", 0) * 10**6)
        start_ns = _http.bounded_ns(end_ns - _jaeger_parameters.integer(call, "lookback", 86_400_000) * 10**6)
        found = self._store.dependencies(start_ns, end_ns, self._now_ns())
        links = [{"parent": parent, "child": child, "callCount": count} for parent, child, count in found]
        return _structured(links)

    def search_v3(self, call: _http.Call) -> responses.Response:
        now_ns = self._now_ns()
        times = []
        for name in ("query.start_time_min", "query.start_time_max"):
            if not call.get(name):
                raise _http.Refused(400, f"{name} is required")
            times.append(_http.bounded_ns(round(_http.parse_iso(call.get(name), name) * 1e6) * 1000))
        low, high = (
            _jaeger_parameters.duration_ns(call, "query.duration_min"),
            _jaeger_parameters.duration_ns(call, "query.duration_max"),
        )
        tags = _jaeger_parameters.json_tags(call.get("query.attributes"))
        wanted = _spans.Search(
            times[0],
            times[1],
            call.get("query.service_name") or None,
            call.get("query.operation_name"),
            low,
            high,
            functools.partial(self._has_tags, tags) if tags else None,
        )
        depth = call.get("query.search_depth") or call.get("query.num_traces")
        limit = _jaeger_parameters.limit(int(depth) if depth.isdecimal() else _DEFAULT_LIMIT)
        numbers = [number for number, _ in islice(self._store.search(wanted, now_ns), limit)]
        if not numbers:
            raise _http.Refused(404, "No traces found")
        rows = [row for number in numbers for row in self._store.rows_of(number, now_ns)]
        return _http.answer({"result": {"resourceSpans": _spans.otlp_resources(self._store, rows, self._otlp_span)}})

    def trace_v3(self, call: _http.Call) -> responses.Response:
        rows = self._store.rows_of(self._find(call), self._now_ns())
        return _http.answer({"result": {"resourceSpans": _spans.otlp_resources(self._store, rows, self._otlp_span)}})

    def _otlp_span(self, row: int) -> dict[str, Any]:
        spans = self._store.spans
        return {
            "traceId": spans.trace_ids[row],
            "spanId": spans.span_ids[row],
            "parentSpanId": spans.parent_ids[row],
            "name": spans.names[spans.name[row]],
            "kind": int(spans.kind[row]),
            "startTimeUnixNano": str(int(spans.start_ns[row])),
            "endTimeUnixNano": str(int(spans.start_ns[row]) + int(spans.duration_ns[row])),
            "attributes": _spans.otlp_attributes(spans.attributes[row]),
            "status": {"code": int(spans.status[row])} if spans.status[row] else {},
        }


def _quoted(text: str) -> str:
    """As JSON; letters and digits, as ids are, need no look."""
    return f'"{text}"' if text.isalnum() else _http.text(text)


def _short(trace_id: str) -> str:
    """Jaeger prints 64-bit ids without the zero half (model/ids.go)."""
    return trace_id[16:] if len(trace_id) == 32 and trace_id.startswith("0" * 16) else trace_id


def _tag(key: str, value: Any) -> dict[str, Any]:
    kind = _TYPES.get(type(value))
    if kind is None or (kind == "float64" and not math.isfinite(value)):
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        return {"key": key, "type": "string", "value": text}
    return {"key": key, "type": kind, "value": value}


def _derived(spans: records.Spans, row: int) -> dict[str, str]:
    out = {"span.kind": _spans.KINDS[spans.kind[row]], "otel.status_code": _spans.STATUSES[spans.status[row]].upper()}
    return {**out, "error": "true"} if spans.status[row] == 2 else out
