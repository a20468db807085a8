"""Reads spans from Jaeger's own JSON (model/json/model.go), as `/api/traces` answers with."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward.connectors import _json, _spans

_TRUE = (True, "true", "True", 1)
_AS_WRITTEN = operator.itemgetter("key", "type", "value")
_MICROSECONDS_PLAIN = 1 << 53  # whole numbers below are moments and durations as they stand (until the year 2255)


_Said = tuple[dict[str, Any], str, bool]  # tags, the kind that they tell, whether they tell of an error


class _Tags:
    """The tags of many spans: most say what others said, and share one object, so that whoever comes later looks once as well."""

    def __init__(self) -> None:
        self._known: dict[object, _Said] = {}

    def of(self, listed: object) -> _Said:
        try:
            # With its type, as 1, 1.0 and true are equal to Python.
            key = tuple(map(_AS_WRITTEN, listed)) if type(listed) is list else None
            known = self._known.get(key)
        except (TypeError, KeyError):  # a value is a list, or a tag lacks something
            return _said(listed)
        if known is None:
            known = self._known[key] = _said(listed)
        return known


def _said(listed: object) -> _Said:
    tags = _tags(listed)
    return tags, _spans.kind(tags.get("span.kind")), _failed(tags)


class _Processes:
    """The processes of a trace by their id, each read once however many spans it has; and the tags of all traces."""

    def __init__(self, bodies: Mapping[str, Any], tags: _Tags) -> None:
        self.tags = tags
        self._bodies = bodies
        self._read: dict[str, tuple[str, str]] = {}

    def of(self, span: Mapping[str, Any]) -> tuple[str, str]:
        """Service and instance of a span; its own process counts before the trace's."""
        if span.get("process"):
            return self._names(span["process"])
        key = span.get("processID")
        if not isinstance(key, str):
            key = _json.optional_text(key)
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
    tags = _Tags()
    for trace in traces:
        body = _json.mapping(trace, "a trace")
        processes = _Processes(_json.mapping(body.get("processes") or {}, "processes"), tags)
        for span in _json.items(body.get("spans"), "spans"):
            yield processes, span


def _row(found: tuple[_Processes, Any]) -> _spans.Row:
    processes, value = found
    span = _json.mapping(value, "a span")
    read = span.get
    service, instance = processes.of(span)
    tags, kind, failed = processes.tags.of(read("tags"))
    return _spans.Row(
        _json.text(read("traceID"), "traceID").lower().rjust(32, "0"),
        _json.text(read("spanID"), "spanID").lower().rjust(16, "0"),
        _parent(span),
        service,
        instance,
        _json.optional_text(read("operationName")),
        kind,
        _start_s(read("startTime")),
        _duration_s(read("duration")),
        failed,
        tags,
    )


def _start_s(value: object) -> float:
    if type(value) is int and 0 <= value < _MICROSECONDS_PLAIN:
        return value / 1e6
    return _json.seconds(_json.number(value, "startTime") / 1e6, "startTime")


def _duration_s(value: object) -> float:
    if type(value) is int and 0 <= value < _MICROSECONDS_PLAIN:
        return value / 1e6
    return max(_json.number(value, "duration"), 0.0) / 1e6


def _failed(tags: Mapping[str, Any]) -> bool:
    if "error" in tags and tags["error"] in _TRUE:
        return True
    return "otel.status_code" in tags and str(tags["otel.status_code"]).upper() == "ERROR"


def _parent(span: Mapping[str, Any]) -> str:
    """The first CHILD_OF in the same trace, else the first FOLLOWS_FROM; old servers say parentSpanID."""
    listed = span.get("references")
    if type(listed) is list and len(listed) == 1 and type(only := listed[0]) is dict:  # as nearly all spans have it
        text = only.get("spanID")
        if type(text) is str and only.get("traceID") == span.get("traceID"):
            return text.lower().rjust(16, "0") if text.strip("0") else ""
    listed = _json.items(listed, "references")
    if not listed and "parentSpanID" not in span:
        return ""
    found = [one for one in listed if isinstance(one, dict)]
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
