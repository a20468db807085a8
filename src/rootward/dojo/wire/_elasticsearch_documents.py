"""Logs and spans as the documents that Elastic's agents would have indexed: ECS fields, one index a day and namespace.

Log lines are in `logs-NAMESPACE-YYYY.MM.DD`, spans and transactions in `traces-apm-NAMESPACE-YYYY.MM.DD`.
"""

import base64
import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.columns import column, lines, table
from rootward.dojo.wire import _ids

_ID_BITS = 120
_ID_FACTOR = 0xB5AD4ECEDA1CE2A9D6F1E3C7A59B31  # odd, so that multiplying modulo 2**120 can be undone
_ID_INVERSE = pow(_ID_FACTOR, -1, 2**_ID_BITS)
_ID_SHIFT = 0x2F63A1C94B7E5D80E1F2A3B4C5D697
_RESERVED = frozenset(
    (
        *(
            "@timestamp",
            "message",
            "service",
            "log",
            "kubernetes",
            "trace",
            "span",
            "host",
            "http",
            "url",
            "event",
            "error",
        ),
        *("transaction", "parent", "processor", "stream", "user_agent", "source", "client", "labels", "orchestrator"),
        *("agent", "name"),
    )
)
_OUTCOMES = {0: "success", 1: "success", 2: "failure"}


@dataclasses.dataclass(frozen=True, eq=False)
class Documents:
    """Every document in order of time. `known_ms` [N]: when each can first be found."""

    table: table.Table
    known_ms: column.FloatArray
    indices: tuple[str, ...]


def document_id(row: int, salt: int = 0) -> str:
    """The `_id` of a row: twenty characters, as Elasticsearch makes them; another one in every system."""
    number = (((row + 1) * _ID_FACTOR + _ID_SHIFT) % 2**_ID_BITS) ^ salt
    return base64.urlsafe_b64encode(number.to_bytes(_ID_BITS // 8, "big")).decode()


def row_of(identifier: str, count: int, salt: int = 0) -> int | None:
    """The row that has this `_id`."""
    try:
        number = int.from_bytes(base64.urlsafe_b64decode(identifier.encode("ascii")), "big") ^ salt
    except ValueError:
        return None
    row = ((number - _ID_SHIFT) * _ID_INVERSE) % 2**_ID_BITS - 1
    return row if 0 <= row < count and document_id(row, salt) == identifier else None


def documents(telemetry: records.Telemetry) -> Documents:
    """All documents of a system."""
    logs = telemetry.logs
    spans = telemetry.spans
    log_count = 0 if logs is None else len(logs.times_ns)
    span_count = 0 if spans is None else len(spans.span_ids)
    times_ns = np.concatenate(
        [
            np.empty(0, np.int64) if logs is None else np.asarray(logs.times_ns, dtype=np.int64),
            np.empty(0, np.int64) if spans is None else np.asarray(spans.start_ns, dtype=np.int64),
        ]
    )
    order = np.argsort(times_ns, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    sheet = _Sheet(log_count + span_count)
    known_ns = times_ns.copy()
    if logs is not None:
        _add_logs(sheet, logs, place[:log_count])
    if spans is not None:
        _add_spans(sheet, spans, place[log_count:])
        known_ns[log_count:] += np.asarray(spans.duration_ns, dtype=np.int64)
    times_ms = np.floor(times_ns[order] / 1e6)
    columns = {"@timestamp": column.Column("date", numbers=times_ms), **sheet.columns()}
    columns["_index"] = _indices(times_ms, columns.pop("_data_set"))
    names = columns["_index"].values
    salt = _ids.bits(_ID_BITS, "documents", telemetry.name, f"{telemetry.start_s:.3f}")
    return Documents(table.Table(len(order), columns, salt), known_ns[order] / 1e6, names)


def _indices(times_ms: column.FloatArray, data_set: column.Column) -> column.Column:
    days = np.floor(times_ms / 86_400_000).astype(np.int64)
    assert data_set.codes is not None
    pairs, inverse = np.unique(days * (len(data_set.values) + 1) + data_set.codes, return_inverse=True)
    names = []
    for pair in pairs.tolist():
        day, code = divmod(pair, len(data_set.values) + 1)
        date = dt.datetime.fromtimestamp(day * 86_400, tz=dt.UTC)
        names.append(f"{data_set.values[code]}-{date:%Y.%m.%d}")
    return column.coded(inverse, names)


class _Sheet:
    """Collects values field by field: (rows, values) pairs, dense or sparse."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._fields: dict[str, tuple[list[int], list[Any], str]] = {}

    def put(self, field: str, row: int, value: Any, kind: str = "keyword") -> None:
        known = self._fields.get(field)
        if known is None:
            if len(self._fields) >= lines.MAX_FIELDS:
                return
            known = self._fields[field] = ([], [], kind)
        known[0].append(row)
        known[1].append(value)

    def columns(self) -> dict[str, column.Column]:
        out = {}
        for name, (rows, values, stated) in sorted(self._fields.items()):
            kind = stated or _kind_of(values)
            shown = [as_text(value) for value in values] if kind in ("keyword", "text", "boolean") else values
            out[name] = column.sparse(self._count, rows, shown, kind)
        return out


def as_text(value: Any) -> str:
    """A JSON scalar as a keyword."""
    return (
        value if isinstance(value, str) else ("true" if value else "false") if isinstance(value, bool) else str(value)
    )


def _kind_of(values: Sequence[Any]) -> str:
    """What dynamic mapping makes of these values."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int} and all(abs(value) < 2**53 for value in values):
        return "long"
    if kinds <= {int, float} and all(abs(value) < 1e300 for value in values):
        return "double"
    return "keyword"


def _stream_fields(labels: Mapping[str, str]) -> dict[str, str]:
    """What an agent's metadata processors add to every line of a container."""
    service = next(
        (labels[name] for name in ("app", "service_name", "service", "container", "job") if labels.get(name)), "unknown"
    )
    fields = {
        "service.name": service,
        "kubernetes.namespace": labels.get("namespace", ""),
        "kubernetes.pod.name": labels.get("pod", ""),
        "kubernetes.container.name": labels.get("container", ""),
        "kubernetes.node.name": labels.get("node", ""),
        "kubernetes.labels.app": labels.get("app", ""),
        "kubernetes.deployment.name": _deployment(labels.get("pod", "")),
        "host.name": labels.get("node", "") or labels.get("host", ""),
        "stream": labels.get("stream", ""),
        "event.dataset": "kubernetes.container_logs" if labels.get("pod") else f"{service}.log",
        "_data_set": f"logs-{labels.get('namespace') or 'default'}",
    }
    return {name: value for name, value in fields.items() if value}


def _deployment(pod: str) -> str:
    """`checkout` of `checkout-7d9c6b5f4-abcde`; "" for pods that are numbered."""
    parts = pod.rsplit("-", 2)
    return parts[0] if len(parts) == 3 and len(parts[2]) == 5 and len(parts[1]) >= 8 else ""


def _add_logs(sheet: _Sheet, logs: records.Logs, place: column.IntArray) -> None:
    streams = [_stream_fields(labels) for labels in logs.streams]
    rows = place.tolist()
    of = np.asarray(logs.stream).tolist()
    trace_ids, span_ids = logs.trace_ids, logs.span_ids
    for i, text in enumerate(logs.lines):
        row, fields = rows[i], streams[of[i]]
        for name, value in fields.items():
            sheet.put(name, row, value)
        line = lines.read(text)
        _add_line(sheet, row, text, line)
        trace = (trace_ids[i] if len(trace_ids) else "") or line.trace_id
        span = (span_ids[i] if len(span_ids) else "") or line.span_id
        if trace:
            sheet.put("trace.id", row, trace)
        if span:
            sheet.put("span.id", row, span)


def _add_line(sheet: _Sheet, row: int, text: str, line: lines.Line) -> None:
    sheet.put("message", row, line.message, "text")
    if line.message is not text:
        sheet.put("event.original", row, text, "keyword")
    found: tuple[tuple[str, Any, str], ...] = (
        ("log.level", line.level, "keyword"),
        ("log.logger", line.logger, "keyword"),
        ("error.type", line.error, "keyword"),
        ("http.request.method", line.method, "keyword"),
        ("url.path", line.path, "keyword"),
        ("http.response.status_code", line.status, "long"),
        ("source.ip", line.client, "keyword"),
        ("user_agent.original", line.agent, "keyword"),
    )
    for name, value, kind in found:
        if value:
            sheet.put(name, row, value, kind)
    if line.duration_s >= 0:
        sheet.put("event.duration", row, round(line.duration_s * 1e9), "long")
    if line.size >= 0:
        sheet.put("http.response.body.bytes", row, line.size, "long")
    for name, value in line.more.items():
        root = name.partition(".")[0]
        if root not in _RESERVED:
            sheet.put(name, row, value, "")
        elif root not in ("service", "name", "message"):
            sheet.put(f"labels.{name.replace('.', '_')}", row, value, "")


_FROM_SPAN = {
    "http.request.method": ("http.request.method", "keyword"),
    "http.response.status_code": ("http.response.status_code", "long"),
    "url.path": ("url.path", "keyword"),
    "url.full": ("url.original", "keyword"),
    "http.route": ("labels.http_route", "keyword"),
    "db.system": ("span.subtype", "keyword"),
    "db.statement": ("span.db.statement", "keyword"),
    "db.query.text": ("span.db.statement", "keyword"),
    "peer.service": ("span.destination.service.resource", "keyword"),
    "server.address": ("destination.address", "keyword"),
    "exception.type": ("error.type", "keyword"),
    "exception.message": ("error.message", "keyword"),
}


def _add_spans(sheet: _Sheet, spans: records.Spans, place: column.IntArray) -> None:
    processes = [_process_fields(process) for process in spans.processes]
    of, kinds, names = (
        np.asarray(spans.process).tolist(),
        np.asarray(spans.kind).tolist(),
        np.asarray(spans.name).tolist(),
    )
    durations, states = np.asarray(spans.duration_ns).tolist(), np.asarray(spans.status).tolist()
    for i, row in enumerate(place.tolist()):
        for name, value in processes[of[i]].items():
            sheet.put(name, row, value)
        entry = not spans.parent_ids[i] or kinds[i] in (2, 5)
        event = "transaction" if entry else "span"
        sheet.put("processor.event", row, event)
        sheet.put("trace.id", row, spans.trace_ids[i])
        sheet.put(f"{event}.id", row, spans.span_ids[i])
        if spans.parent_ids[i]:
            sheet.put("parent.id", row, spans.parent_ids[i])
        sheet.put(f"{event}.name", row, spans.names[names[i]])
        sheet.put(f"{event}.duration.us", row, durations[i] // 1000, "long")
        sheet.put("event.outcome", row, _OUTCOMES.get(states[i], "unknown"))
        attributes = spans.attributes[i]
        sheet.put(f"{event}.type", row, _type_of(entry=entry, attributes=attributes))
        for key, value in attributes.items():
            name, kind = _FROM_SPAN.get(key) or (f"labels.{key.replace('.', '_')}", "keyword")
            if kind == "long" and not isinstance(value, int):
                continue
            sheet.put(name, row, value, kind)


def _type_of(*, entry: bool, attributes: Mapping[str, Any]) -> str:
    if entry:
        return "messaging" if "messaging.system" in attributes else "request"
    return "db" if "db.system" in attributes or "db.system.name" in attributes else "external"


def _process_fields(process: records.Process) -> dict[str, str]:
    attributes = process.attributes
    namespace = str(attributes.get("k8s.namespace.name") or "default")
    fields = {
        "service.name": process.service,
        "service.version": attributes.get("service.version"),
        "kubernetes.namespace": attributes.get("k8s.namespace.name"),
        "kubernetes.pod.name": attributes.get("k8s.pod.name"),
        "kubernetes.node.name": attributes.get("k8s.node.name"),
        "kubernetes.deployment.name": attributes.get("k8s.deployment.name"),
        "host.name": attributes.get("k8s.node.name") or attributes.get("host.name"),
        "agent.name": attributes.get("telemetry.sdk.language")
        and f"opentelemetry/{attributes['telemetry.sdk.language']}",
        "_data_set": f"traces-apm-{namespace}",
    }
    return {name: str(value) for name, value in fields.items() if value}
