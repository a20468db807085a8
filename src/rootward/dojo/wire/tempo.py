"""Tempo's HTTP API (version 2.6) over spans: search by tags or TraceQL, traces, tag names and values.

Shapes follow grafana.com/docs/tempo/latest/api_docs: traces are protobuf's own JSON (ids in base64, enumerations by name).
"""

import base64
import binascii
import functools
import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from starlette import applications, responses

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.logql import lexer
from rootward.dojo.wire import _http, _spans, _traceql

VERSION = "2.6.1"
_DEFAULT_LIMIT = 20
MAX_TRACES = 1_000
_INTRINSICS = [
    "duration",
    "kind",
    "name",
    "rootName",
    "rootServiceName",
    "status",
    "statusMessage",
    "traceDuration",
]


def app(telemetry: records.Telemetry, clock: _clock.Clock) -> applications.Starlette:
    """The face over `telemetry.spans`; a telemetry without spans is an empty Tempo."""
    face = _Face(_spans.SpanStore(telemetry.spans or _spans.empty()), clock)
    handlers: list[tuple[str, _http.Handler]] = [
        ("/api/search", face.search),
        ("/api/traces/{trace_id}", face.trace),
        ("/api/v2/traces/{trace_id}", face.trace_v2),
        ("/api/metrics/query_range", face.metrics_range),
        ("/api/search/tags", face.tags),
        ("/api/v2/search/tags", face.tags_v2),
        ("/api/search/tag/{tag}/values", face.tag_values),
        ("/api/v2/search/tag/{tag}/values", face.tag_values_v2),
        ("/api/status/buildinfo", face.build_info),
        ("/api/echo", lambda _call: responses.PlainTextResponse("echo")),
        ("/ready", lambda _call: responses.PlainTextResponse("ready\n")),
    ]
    return _http.application([_http.route(path, handler, refuse) for path, handler in handlers], refuse)


def refuse(error: _http.Refused) -> responses.Response:
    """Go's `http.Error`: plain text and a newline."""
    text = "404 page not found" if error.message == "Not Found" else error.message
    return responses.PlainTextResponse(f"{text}\n", error.status, headers={"X-Content-Type-Options": "nosniff"})


class _Face:
    def __init__(self, store: _spans.SpanStore, clock: _clock.Clock) -> None:
        self._store = store
        self._clock = clock

    def _now_ns(self) -> int:
        return round(self._clock.now_s() * 1e6) * 1000

    def _window(self, call: _http.Call) -> tuple[int, int]:
        """Seconds; without both, everything that is known (as searches of recent blocks answer)."""
        now_ns = self._now_ns()
        start_s, end_s = _http.integer(call, "start", 0), _http.integer(call, "end", 0)
        if not (start_s or end_s):
            return 0, now_ns
        if start_s >= end_s:
            raise _http.Refused(400, f"invalid start: {start_s} must be before end: {end_s}")
        return _http.bounded_ns(start_s * 10**9), _http.bounded_ns(end_s * 10**9)

    def search(self, call: _http.Call) -> responses.Response:
        limit = _http.integer(call, "limit", _DEFAULT_LIMIT, least=1)
        spans_per_set = _http.integer(call, "spss", 3, least=1)
        start_ns, end_ns = self._window(call)
        now_ns = self._now_ns()
        base = _spans.Search(
            start_ns,
            end_ns,
            min_duration_ns=_duration_ns(call, "minDuration"),
            max_duration_ns=_duration_ns(call, "maxDuration"),
        )
        searcher = _traceql.Searcher(call.get("q"), self._store) if call.get("q") else None
        if searcher is not None and searcher.metric is not None:
            raise _http.Refused(400, "invalid TraceQL query: metrics queries are asked at /api/metrics/query_range")
        if searcher is not None:
            found = searcher.search(base, now_ns)
        else:
            by_tags = self._by_tags(call, base, now_ns)
            found = ((number, [_traceql.Found(tuple(rows))]) for number, rows in by_tags)
        shown = self._reader(searcher)
        traces = [
            self._summary(number, sets, spans_per_set, now_ns, shown)
            for number, sets in islice(found, min(limit, MAX_TRACES))
        ]
        metrics = {
            "inspectedTraces": len(self._store.trace_ids),
            "inspectedBytes": str(400 * len(self._store.trace)),
            "completedJobs": 1,
            "totalJobs": 1,
        }
        return _http.answer({"traces": traces, "metrics": metrics})

    def _by_tags(self, call: _http.Call, base: _spans.Search, now_ns: int) -> Iterator[tuple[int, list[int]]]:
        tags = _pairs(call.get("tags"))
        service = tags.pop("service.name", None)
        test = functools.partial(self._has_tags, tags) if tags else None
        return self._store.search(_replace(base, service, test), now_ns)

    def _has_tags(self, tags: dict[str, str], row: int) -> bool:
        attributes = {**self._store.process_of(row).attributes, **self._store.spans.attributes[row]}
        derived = {"name": self._store.name_of(row), "status.code": _spans.STATUSES[self._store.spans.status[row]]}
        if self._store.spans.status[row] == 2:
            derived["error"] = "true"
        texts = {**derived, **{key: _spans.text_of(value) for key, value in attributes.items()}}
        return all(wanted in texts.get(key, "") and key in texts for key, wanted in tags.items())

    def _reader(self, searcher: _traceql.Searcher | None) -> Callable[[int], list[dict[str, Any]]]:
        """What is shown of each span: its service, and what the query selected."""
        if searcher is None or not searcher.selected:
            return lambda row: [{"key": "service.name", "value": {"stringValue": self._store.service_of(row)}}]
        readers = [(_bare(name), searcher.read(name)) for name in searcher.selected]
        return lambda row: [
            {"key": name, "value": _spans.otlp_value(value)}
            for name, read in readers
            if (value := read(row)) is not None
        ]

    def _summary(
        self,
        number: int,
        sets: list[_traceql.Found],
        spans_per_set: int,
        now_ns: int,
        shown: Callable[[int], list[dict[str, Any]]],
    ) -> dict[str, Any]:
        spans = self._store.spans
        every = self._store.rows_of(number, now_ns)
        root = next((row for row in every if not spans.parent_ids[row]), None)
        start_ns = min(int(spans.start_ns[row]) for row in every)
        end_ns = max(int(self._store.end_ns[row]) for row in every)
        listed = [
            {
                "spans": [
                    {
                        "spanID": spans.span_ids[row],
                        "name": self._store.name_of(row),
                        "startTimeUnixNano": str(int(spans.start_ns[row])),
                        "durationNanos": str(int(spans.duration_ns[row])),
                        "attributes": shown(row),
                    }
                    for row in one.rows[:spans_per_set]
                ],
                "matched": len(one.rows),
                **(
                    {"attributes": [{"key": name, "value": _spans.otlp_value(value)} for name, value in one.by]}
                    if one.by
                    else {}
                ),
            }
            for one in sets
        ]
        return {
            "traceID": self._store.trace_ids[number].lstrip("0"),
            "rootServiceName": "<root span not yet received>" if root is None else self._store.service_of(root),
            "rootTraceName": "" if root is None else self._store.name_of(root),
            "startTimeUnixNano": str(start_ns),
            "durationMs": (end_ns - start_ns) // 10**6,
            "spanSet": listed[0],
            "spanSets": listed,
        }

    def metrics_range(self, call: _http.Call) -> responses.Response:
        """TraceQL metrics along time, as Tempo writes them for Grafana."""
        searcher = _traceql.Searcher(call.get("q") or call.get("query"), self._store)
        start_ns, end_ns = self._window(call)
        now_ns = self._now_ns()
        if not (call.get("start") or call.get("end")):
            start_ns = now_ns - 3600 * 10**9
        step_ns = _duration_ns(call, "step") or max((end_ns - start_ns) // 240 // 10**9, 1) * 10**9
        found = searcher.numbers(start_ns, min(end_ns, now_ns), step_ns, now_ns)
        series = []
        for labels, points in found:
            name = searcher.metric.op if searcher.metric is not None and not labels else ""
            pairs = {**({"__name__": name} if name else {}), **{_bare(key): value for key, value in labels.items()}}
            text = ", ".join(f'{key}="{_spans.text_of(value)}"' for key, value in pairs.items())
            shown = [{"key": key, "value": _spans.otlp_value(value)} for key, value in pairs.items()]
            samples = [{"timestampMs": str(at), "value": value} for at, value in points]
            series.append({"labels": shown, "promLabels": f"{{{text}}}", "samples": samples})
        return _http.answer({"series": series, "metrics": {"completedJobs": 1, "totalJobs": 1}})

    def _rows(self, call: _http.Call) -> list[int]:
        trace_id = call.path["trace_id"]
        try:
            binascii.unhexlify(trace_id.zfill(32))
        except (binascii.Error, ValueError) as error:
            raise _http.Refused(400, "trace IDs can only contain hex characters") from error
        number = self._store.trace_number(trace_id)
        rows = [] if number is None else self._store.rows_of(number, self._now_ns())
        if not rows:
            raise _http.Refused(404, "trace not found")
        return rows

    def trace(self, call: _http.Call) -> responses.Response:
        return _http.answer({"batches": _spans.otlp_resources(self._store, self._rows(call), self._span)})

    def trace_v2(self, call: _http.Call) -> responses.Response:
        resources = _spans.otlp_resources(self._store, self._rows(call), self._span)
        return _http.answer({"trace": {"resourceSpans": resources}, "metrics": {}})

    def _span(self, row: int) -> dict[str, Any]:
        spans = self._store.spans
        out: dict[str, Any] = {
            "traceId": _base64(spans.trace_ids[row]),
            "spanId": _base64(spans.span_ids[row]),
            "name": spans.names[spans.name[row]],
            "kind": f"SPAN_KIND_{_spans.KINDS[spans.kind[row]].upper()}",
            "startTimeUnixNano": str(int(spans.start_ns[row])),
            "endTimeUnixNano": str(int(self._store.end_ns[row])),
            "attributes": _spans.otlp_attributes(spans.attributes[row]),
            "status": {"code": f"STATUS_CODE_{_spans.STATUSES[spans.status[row]].upper()}"}
            if spans.status[row]
            else {},
        }
        if spans.parent_ids[row]:
            out["parentSpanId"] = _base64(spans.parent_ids[row])
        return out

    def _names(self, call: _http.Call) -> dict[str, list[str]]:
        start_ns, end_ns = self._window(call)
        rows = self._store.rows_between(None, start_ns, end_ns, self._now_ns()).tolist()
        processes = [self._store.spans.processes[i] for i in {int(self._store.spans.process[row]) for row in rows}]
        resource = {key for process in processes for key in process.attributes} | (
            {"service.name"} if processes else set()
        )
        span = {key for row in rows for key in self._store.spans.attributes[row]}
        return {"resource": sorted(resource), "span": sorted(span), "intrinsic": _INTRINSICS}

    def tags(self, call: _http.Call) -> responses.Response:
        names = self._names(call)
        return _http.answer({"tagNames": sorted({*names["resource"], *names["span"]})})

    def tags_v2(self, call: _http.Call) -> responses.Response:
        names = self._names(call)
        wanted = call.get("scope")
        return _http.answer(
            {"scopes": [{"name": k, "tags": v} for k, v in names.items() if v and wanted in ("", "none", k)]}
        )

    def _values(self, call: _http.Call) -> list[Any]:
        tag = call.path["tag"]
        start_ns, end_ns = self._window(call)
        rows = self._store.rows_between(None, start_ns, end_ns, self._now_ns()).tolist()
        scope, dot, key = tag.partition(".")
        readers: dict[str, Callable[[int], str]] = {
            "name": self._store.name_of,
            "status": lambda row: _spans.STATUSES[self._store.spans.status[row]],
            "kind": lambda row: _spans.KINDS[self._store.spans.kind[row]],
        }
        if tag in readers:
            return sorted({readers[tag](row) for row in rows})
        name = key if dot and scope in ("resource", "span", "") else tag
        if name == "service.name":
            return sorted({self._store.service_of(row) for row in rows})
        processes = {int(self._store.spans.process[row]) for row in rows}
        found = [self._store.spans.processes[i].attributes.get(name) for i in processes]
        found += [self._store.spans.attributes[row].get(name) for row in rows]
        distinct = {_spans.text_of(value): value for value in found if value is not None}
        return [distinct[text] for text in sorted(distinct)]

    def tag_values(self, call: _http.Call) -> responses.Response:
        return _http.answer({"tagValues": [_spans.text_of(value) for value in self._values(call)]})

    def tag_values_v2(self, call: _http.Call) -> responses.Response:
        kinds = {bool: "bool", int: "int", float: "float"}
        is_keyword = call.path["tag"] in ("status", "kind")
        values = [
            {"type": "keyword" if is_keyword else kinds.get(type(value), "string"), "value": _spans.text_of(value)}
            for value in self._values(call)
        ]
        return _http.answer({"tagValues": values})

    def build_info(self, _call: _http.Call) -> responses.Response:
        info = {
            "version": VERSION,
            "revision": "8c2cd2d35",
            "branch": "HEAD",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "go1.23.1",
        }
        return _http.answer(info)


def _bare(name: str) -> str:
    """A field as answers name it: without a leading dot."""
    return name.removeprefix(".")


def _replace(base: _spans.Search, service: str | None, test: Callable[[int], bool] | None) -> _spans.Search:
    return _spans.Search(
        base.start_ns,
        base.end_ns,
        service,
        min_duration_ns=base.min_duration_ns,
        max_duration_ns=base.max_duration_ns,
        test=test,
    )


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


_PAIR = re.compile(r'([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


def _pairs(text: str) -> dict[str, str]:
    """logfmt as the `tags` parameter has it, keys kept as they are."""
    pairs = {key: quoted.replace('\\"', '"') if quoted else bare for key, quoted, bare in _PAIR.findall(text)}
    if _PAIR.sub("", text).strip():
        raise _http.Refused(400, f"invalid tags: {json.dumps(text)}: expected key=value")
    return pairs


def _duration_ns(call: _http.Call, name: str) -> int:
    text = call.get(name)
    try:
        return lexer.duration_ns(text) if text else 0
    except ValueError as error:
        raise _http.Refused(400, f"invalid {name}: time: invalid duration {json.dumps(text)}") from error
