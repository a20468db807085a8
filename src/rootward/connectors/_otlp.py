"""Reads spans from OTLP's JSON (opentelemetry-proto, trace/v1), as Jaeger v3 and Tempo answer with."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rootward import errors
from rootward.connectors import _json, _spans

_KINDS = ("", "internal", "server", "client", "producer", "consumer")
_ID_HEX_CHARS = {16, 32}
_DEPTH_MAX = 6


def rows(resource_spans: Sequence[Any]) -> tuple[list[_spans.Row], tuple[str, ...]]:
    """The spans under `resourceSpans` (Tempo's older name: `batches`); unreadable ones are counted in a warning."""
    return _json.read_each(_each_span(resource_spans), _row, "spans")


def _each_span(resource_spans: Iterable[Any]) -> Iterable[tuple[str, Mapping[str, Any], Any]]:
    for one in resource_spans:
        body = _json.mapping(one, "resourceSpans")
        resource = attributes(_json.mapping(body.get("resource") or {}, "resource").get("attributes"))
        scopes = body.get("scopeSpans") or body.get("instrumentationLibrarySpans")
        for scope in _json.items(scopes, "scopeSpans"):
            for span in _json.items(_json.mapping(scope, "scopeSpans").get("spans"), "spans"):
                yield str(resource.get("service.name", "")), resource, span


def _row(found: tuple[str, Mapping[str, Any], Any]) -> _spans.Row:
    service, resource, value = found
    span = _json.mapping(value, "a span")
    start_s = _json.nanoseconds(span.get("startTimeUnixNano"), "startTimeUnixNano")
    # Differences of nanoseconds since the epoch are taken before they become floats, which would round them to 200 ns.
    duration_ns = _integer(span.get("endTimeUnixNano")) - _integer(span.get("startTimeUnixNano"))
    status = span.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    return _spans.Row(
        trace_id=_identity(span.get("traceId"), "traceId"),
        span_id=_identity(span.get("spanId"), "spanId"),
        parent_id=_identity(span["parentSpanId"], "parentSpanId") if span.get("parentSpanId") else "",
        service=service,
        instance=_spans.instance(resource),
        operation=_json.optional_text(span.get("name")),
        kind=_kind(span.get("kind")),
        start_s=start_s,
        duration_s=max(duration_ns, 0) / 1e9,
        error=code in (2, "2", "STATUS_CODE_ERROR"),
        attributes=attributes(span.get("attributes")),
    )


def attributes(value: object) -> dict[str, Any]:
    """A list of {key, value: {stringValue | intValue | …}} as a plain object; what is no attribute is left out."""
    found: dict[str, Any] = {}
    for one in value if isinstance(value, list) else []:
        if isinstance(one, dict) and isinstance(one.get("key"), str):
            found[one["key"]] = _any_value(one.get("value"), _DEPTH_MAX)
    return found


def _any_value(value: object, depth: int) -> Any:
    if not isinstance(value, dict) or depth == 0:
        return None
    if "intValue" in value:
        return _integer(value["intValue"])
    if isinstance(array := value.get("arrayValue"), dict):
        return [_any_value(one, depth - 1) for one in array.get("values") or [] if isinstance(one, dict)]
    if isinstance(inner := value.get("kvlistValue"), dict):
        return attributes(inner.get("values"))
    return next((value[key] for key in ("stringValue", "boolValue", "doubleValue", "bytesValue") if key in value), None)


def _kind(value: object) -> str:
    if isinstance(value, int) and 0 <= value < len(_KINDS):
        return _KINDS[value]
    return _spans.kind(value)


def _integer(value: object) -> int:
    try:
        return int(value) if isinstance(value, int | str) else 0
    except ValueError:
        return 0


def _identity(value: object, what: str) -> str:
    """Lower-case hex. Protobuf's own JSON writes bytes as base64, OTLP's as hex: lengths tell them apart."""
    text = _json.text(value, what)
    if len(text) in _ID_HEX_CHARS and all(c in "0123456789abcdefABCDEF" for c in text):
        return text.lower()
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError) as error:
        raise errors.BackendMalformed(f"{what} is {text[:40]!r}, neither hex nor base64") from error
