"""Logs, spans and events as Datadog stores them: reserved fields, tags, and attributes with `@`, one table each."""

import base64
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.columns import column, lines, table
from rootward.dojo.wire import _datadog_naming as naming
from rootward.dojo.wire import _elasticsearch_documents as documents
from rootward.dojo.wire import _http

RESERVED = ("timestamp", "message", "host", "service", "status", "source", "trace_id", "title")
_SPAN_RESERVED = (
    "service",
    "resource_name",
    "operation_name",
    "span_id",
    "parent_id",
    "trace_id",
    "type",
    "host",
    "env",
    "status",
)
_SOURCES = {
    "nginx": "nginx",
    "postgres": "postgresql",
    "redis": "redis",
    "java": "java",
    "go": "go",
    "python": "python",
    "nodejs": "nodejs",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Events:
    """Events of one kind in order of time. `known_ms` [N]: when each can first be found; `ids` [N] are rows' identifiers."""

    table: table.Table
    known_ms: column.FloatArray

    def visible(self, start_ms: int, end_ms: int, now_ms: int) -> column.BoolArray:
        """Rows with start ≤ time < end that are known."""
        times = self.table.columns["timestamp"].numbers
        assert times is not None, "every event has a time"
        return np.asarray((times >= start_ms) & (times < end_ms) & (self.known_ms <= now_ms))


class Sheet:
    """Collects fields row by row."""

    def __init__(self) -> None:
        self._fields: dict[str, tuple[list[int], list[Any]]] = {}

    def put(self, row: int, fields: Mapping[str, Any]) -> None:
        for name, value in fields.items():
            if value is None or value == "":
                continue
            known = self._fields.get(name)
            if known is None:
                if len(self._fields) >= lines.MAX_FIELDS:
                    continue
                known = self._fields[name] = ([], [])
            known[0].append(row)
            known[1].append(value)

    def table(self, times_ms: column.FloatArray, texts: Sequence[str]) -> table.Table:
        columns = {"timestamp": column.Column("date", numbers=times_ms)}
        for name, (rows, values) in sorted(self._fields.items()):
            kind = "text" if name in texts else "keyword"
            if all(
                isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
                for value in values
            ):
                kind = "long" if all(isinstance(value, int) for value in values) else "double"
            shown = values if kind in column.NUMERIC else [documents.as_text(value) for value in values]
            columns[name] = column.sparse(len(times_ms), rows, shown, kind)
        return table.Table(len(times_ms), columns)


def logs(found: records.Logs) -> Events:
    """Log lines, processed as Datadog's pipelines for their formats do."""
    sheet = Sheet()
    streams = [_stream(labels) for labels in found.streams]
    of = np.asarray(found.stream).tolist()
    for row, text in enumerate(found.lines):
        sheet.put(row, streams[of[row]])
        line = lines.read(text)
        trace = (found.trace_ids[row] if len(found.trace_ids) else "") or line.trace_id
        span = (found.span_ids[row] if len(found.span_ids) else "") or line.span_id
        sheet.put(
            row,
            {
                "message": line.message,
                "status": _status(line),
                "trace_id": trace,
                "@dd.trace_id": trace,
                "@dd.span_id": span,
            },
        )
        sheet.put(row, _attributes(line))
    times_ms = np.floor(np.asarray(found.times_ns, dtype=np.int64) / 1e6)
    return Events(sheet.table(times_ms, ("message",)), times_ms)


def _stream(labels: Mapping[str, str]) -> dict[str, str]:
    tags = naming.tags(
        {name: value for name, value in labels.items() if name not in ("stream", "service_name", "filename")}
    )
    container = tags.get("kube_container_name", "")
    tags["service"] = naming.tag_value(
        next((labels[n] for n in ("app", "service_name", "service", "container") if labels.get(n)), "unknown")
    )
    tags["source"] = next(
        (source for part, source in _SOURCES.items() if part in container), container or tags["service"]
    )
    if container:
        tags["container_name"] = container
    return tags


def _status(line: lines.Line) -> str:
    if line.level:
        return {"trace": "debug", "fatal": "critical"}.get(line.level, line.level)
    if line.status:
        return {2: "ok", 3: "notice", 4: "warn", 5: "error"}.get(line.status // 100, "info")
    return "info"


def _attributes(line: lines.Line) -> dict[str, Any]:
    out: dict[str, Any] = {f"@{name}": value for name, value in line.more.items() if name not in ("service", "name")}
    return out | {
        "@level": line.level or None,
        "@logger.name": line.logger,
        "@error.kind": line.error,
        "@http.method": line.method,
        "@http.url_details.path": line.path,
        "@http.status_code": line.status or None,
        "@http.useragent": line.agent,
        "@network.client.ip": line.client,
        "@network.bytes_written": line.size if line.size >= 0 else None,
        "@duration": round(line.duration_s * 1e9) if line.duration_s >= 0 else None,
    }


_OPERATIONS = {
    1: "internal",
    2: "http.server.request",
    3: "http.client.request",
    4: "kafka.produce",
    5: "kafka.consume",
}


def spans(found: records.Spans) -> Events:
    """Spans, with the names of Datadog's tracers where they have one for an attribute."""
    order = np.argsort(found.start_ns, kind="stable")
    sheet = Sheet()
    processes = [_process(process) for process in found.processes]
    for row, i in enumerate(order.tolist()):
        attributes = found.attributes[i]
        kind = int(found.kind[i])
        sheet.put(row, processes[int(found.process[i])])
        sheet.put(
            row,
            {
                "trace_id": found.trace_ids[i],
                "span_id": found.span_ids[i],
                "parent_id": found.parent_ids[i] or "0",
                "resource_name": found.names[int(found.name[i])],
                "operation_name": _operation(kind, attributes),
                "type": "web"
                if kind == 2
                else "db"
                if "db.system" in attributes
                else "http"
                if kind == 3
                else "custom",
                "status": "error" if int(found.status[i]) == 2 else "ok",
                "@duration": int(found.duration_ns[i]),
                **{f"@{_SPAN_ATTRIBUTES.get(name, name)}": value for name, value in attributes.items()},
            },
        )
    times_ms = np.floor(np.asarray(found.start_ns, dtype=np.int64)[order] / 1e6)
    ends_ms = (np.asarray(found.start_ns, dtype=np.int64) + np.asarray(found.duration_ns, dtype=np.int64))[order] / 1e6
    return Events(sheet.table(times_ms, ()), np.asarray(ends_ms, dtype=np.float64))


_SPAN_ATTRIBUTES = {
    "http.request.method": "http.method",
    "http.response.status_code": "http.status_code",
    "url.path": "http.url_details.path",
    "url.full": "http.url",
    "db.query.text": "db.statement",
    "exception.message": "error.message",
    "exception.type": "error.type",
}


def _operation(kind: int, attributes: Mapping[str, Any]) -> str:
    if "db.system" in attributes:
        return f"{attributes['db.system']}.query"
    if attributes.get("rpc.system") == "grpc":
        return "grpc.server.request" if kind == 2 else "grpc.client.request"
    return _OPERATIONS.get(kind, "internal")


def _process(process: records.Process) -> dict[str, str]:
    attributes = process.attributes
    out = {
        "service": process.service,
        "env": "production",
        "version": attributes.get("service.version"),
        "kube_namespace": attributes.get("k8s.namespace.name"),
        "kube_deployment": attributes.get("k8s.deployment.name"),
        "pod_name": attributes.get("k8s.pod.name"),
        "host": attributes.get("k8s.node.name") or attributes.get("host.name"),
        "language": attributes.get("telemetry.sdk.language"),
    }
    return {name: naming.tag_value(str(value)) for name, value in out.items() if value}


def event_id(row: int, prefix: str = "AwAAA") -> str:
    return f"{prefix}{documents.document_id(row)}"


def cursor(row: int) -> str:
    """Where the next page begins, after this row."""
    return base64.urlsafe_b64encode(json.dumps({"after": event_id(row)}, separators=(",", ":")).encode()).decode()


def row_after(text: str, count: int) -> int:
    """The row that a cursor stands for; raises Refused."""
    try:
        data = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        found = documents.row_of(str(data["after"])[5:], count) if isinstance(data, dict) else None
    except (ValueError, KeyError, RecursionError) as error:
        raise _http.Refused(400, "input_validation_error(Field 'page.cursor' is invalid: invalid cursor)") from error
    if found is None:
        raise _http.Refused(400, "input_validation_error(Field 'page.cursor' is invalid: invalid cursor)")
    return found


def nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes without their `@`, dots as objects; what a plain value stands in the way of keeps its dotted name."""
    out: dict[str, Any] = {}
    for name, value in fields.items():
        at = out
        *parents, last = name.removeprefix("@").split(".")
        for i, parent in enumerate(parents):
            following = at.setdefault(parent, {})
            if not isinstance(following, dict):
                last = ".".join([*parents[i:], last])
                break
            at = following
        at.setdefault(last, value)
    return out


def split(
    record: Mapping[str, Any], reserved: Sequence[str] = RESERVED
) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    """A row as (reserved fields, tags, attributes)."""
    kept = {name: value for name, value in record.items() if name in reserved}
    tags = sorted(
        f"{name}:{value}" for name, value in record.items() if name not in reserved and not name.startswith("@")
    )
    attributes = {name: value for name, value in record.items() if name.startswith("@")}
    return kept, tags, nested(attributes)


Render = Callable[[table.Table, int], dict[str, Any]]
SPAN_RESERVED = ("timestamp", *_SPAN_RESERVED)


def no_spans() -> records.Spans:
    """Spans of a system that has none."""
    none = np.empty(0, dtype=np.int64)
    index, small = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int8)
    return records.Spans((), (), (), index, index, small, none, none, small, ())
