"""Reads spans from Jaeger's own JSON (model/json/model.go), as `/api/traces` answers with."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward.connectors import _json, _spans

_TRUE = (True, "true", "True", 1)


def rows(traces: Sequence[Any]) -> tuple[list[_spans.Row], tuple[str, ...]]:
    """All spans of `data`; unreadable ones are counted in a warning."""
    return _json.read_each(_each_span(traces), _row, "spans")


def _each_span(traces: Iterable[Any]) -> Iterable[tuple[Mapping[str, Any], Any]]:
    for trace in traces:
        body = _json.mapping(trace, "a trace")
        processes = _json.mapping(body.get("processes") or {}, "processes")
        for span in _json.items(body.get("spans"), "spans"):
            yield processes, span


def _row(found: tuple[Mapping[str, Any], Any]) -> _spans.Row:
    processes, value = found
    span = _json.mapping(value, "a span")
    process = span.get("process") or processes.get(_json.optional_text(span.get("processID"))) or {}
    process = _json.mapping(process, "process")
    tags = _tags(span.get("tags"))
    return _spans.Row(
        trace_id=_json.text(span.get("traceID"), "traceID").lower().rjust(32, "0"),
        span_id=_json.text(span.get("spanID"), "spanID").lower().rjust(16, "0"),
        parent_id=_parent(span),
        service=_json.optional_text(process.get("serviceName")),
        instance=_spans.instance(_tags(process.get("tags"))),
        operation=_json.optional_text(span.get("operationName")),
        kind=_spans.kind(tags.get("span.kind")),
        start_s=_json.seconds(_json.number(span.get("startTime"), "startTime") / 1e6, "startTime"),
        duration_s=max(_json.number(span.get("duration"), "duration"), 0.0) / 1e6,
        error=tags.get("error") in _TRUE or str(tags.get("otel.status_code", "")).upper() == "ERROR",
        attributes=tags,
    )


def _parent(span: Mapping[str, Any]) -> str:
    """The first CHILD_OF in the same trace, else the first FOLLOWS_FROM; old servers say parentSpanID."""
    found = [one for one in _json.items(span.get("references"), "references") if isinstance(one, dict)]
    own = [one for one in found if one.get("traceID") == span.get("traceID")]
    ordered = sorted(own, key=lambda one: one.get("refType") != "CHILD_OF")
    text = ordered[0].get("spanID") if ordered else span.get("parentSpanID")
    return text.lower().rjust(16, "0") if isinstance(text, str) and text.strip("0") else ""


def _tags(value: object) -> dict[str, Any]:
    listed = value if isinstance(value, list) else []
    return {one["key"]: one.get("value") for one in listed if isinstance(one, dict) and isinstance(one.get("key"), str)}
