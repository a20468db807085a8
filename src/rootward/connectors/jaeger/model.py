"""Reads spans from Jaeger's own JSON (model/json/model.go), as `/api/traces` answers with."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward.connectors import _json, _spans

_TRUE = (True, "true", "True", 1)


class _Processes:
    """The processes of a trace by their id, each read once however many spans it has."""

    def __init__(self, bodies: Mapping[str, Any]) -> None:
        self._bodies = bodies
        self._read: dict[str, tuple[str, str]] = {}

    def of(self, span: Mapping[str, Any]) -> tuple[str, str]:
        """Service and instance of a span; its own process counts before the trace's."""
        if span.get("process"):
            return self._names(span["process"])
        key = _json.optional_text(span.get("processID"))
        known = self._read.get(key)
        if known is None:
            known = self._read[key] = self._names(self._bodies.get(key) or {})
        return known

    @staticmethod
    def _names(value: object) -> tuple[str, str]:
        process = _json.mapping(value, "process")
        return _json.optional_text(process.get("serviceName")), _spans.instance(_tags(process.get("tags")))


def rows(traces: Sequence[Any]) -> tuple[list[_spans.Row], tuple[str, ...]]:
    """All spans of `data`; unreadable ones are counted in a warning."""
    return _json.read_each(_each_span(traces), _row, "spans")


def _each_span(traces: Iterable[Any]) -> Iterable[tuple[_Processes, Any]]:
    for trace in traces:
        body = _json.mapping(trace, "a trace")
        processes = _Processes(_json.mapping(body.get("processes") or {}, "processes"))
        for span in _json.items(body.get("spans"), "spans"):
            yield processes, span


def _row(found: tuple[_Processes, Any]) -> _spans.Row:
    processes, value = found
    span = _json.mapping(value, "a span")
    service, instance = processes.of(span)
    tags = _tags(span.get("tags"))
    return _spans.Row(
        trace_id=_json.text(span.get("traceID"), "traceID").lower().rjust(32, "0"),
        span_id=_json.text(span.get("spanID"), "spanID").lower().rjust(16, "0"),
        parent_id=_parent(span),
        service=service,
        instance=instance,
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
    if len(own) > 1:
        own.sort(key=lambda one: one.get("refType") != "CHILD_OF")
    text = own[0].get("spanID") if own else span.get("parentSpanID")
    return text.lower().rjust(16, "0") if isinstance(text, str) and text.strip("0") else ""


_KEY_AND_VALUE = operator.itemgetter("key", "value")


def _tags(value: object) -> dict[str, Any]:
    listed = value if isinstance(value, list) else []
    try:
        tags = dict(map(_KEY_AND_VALUE, listed))
        "".join(tags)  # which only texts can be
    except (TypeError, KeyError):
        named = (one for one in listed if isinstance(one, dict) and isinstance(one.get("key"), str))
        return {one["key"]: one.get("value") for one in named}
    return tags
