"""Log lines as the events that Container Insights' Fluent Bit ships: JSON with the line in `log` and the pod in `kubernetes`."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.columns import column, lines, table
from rootward.dojo.wire import _cloudwatch_alarms as alarms
from rootward.dojo.wire import _cloudwatch_metrics as metrics
from rootward.dojo.wire import _elasticsearch_documents as documents
from rootward.dojo.wire import _http, _ids

GROUP = f"/aws/containerinsights/{metrics.CLUSTER}/application"


@dataclasses.dataclass(frozen=True, eq=False)
class Events:
    """Events in order of time; `streams` names of streams, `stream` [N] numbers into them."""

    table: table.Table
    times_ms: column.FloatArray
    streams: tuple[str, ...]
    stream: column.IntArray


def events(logs: records.Logs) -> Events:
    """Every line as the event that Fluent Bit ships."""
    names = tuple(_stream_name(labels) for labels in logs.streams)
    times_ms = np.floor(np.asarray(logs.times_ns, dtype=np.int64) / 1e6)
    of = np.asarray(logs.stream, dtype=np.int64)
    contexts = [_context(labels) for labels in logs.streams]
    flats = [lines.flatten(one) for one in contexts]
    found: dict[str, tuple[list[int], list[Any]]] = {}
    messages = []
    for row, (text, stream, ms) in enumerate(zip(logs.lines, of.tolist(), times_ms.tolist(), strict=True)):
        processed = _processed(text)
        event = {
            "time": _http.iso_seconds(ms / 1000),
            **contexts[stream],
            "log": text,
            **({"log_processed": processed} if processed else {}),
        }
        messages.append(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
        flat = {**flats[stream], "log": text, **(lines.flatten(processed, "log_processed.") if processed else {})}
        for name, value in flat.items():
            if name not in found and len(found) >= lines.MAX_FIELDS:
                continue
            known = found.setdefault(name, ([], []))
            known[0].append(row)
            known[1].append(value)
    columns = {name: _column(len(messages), rows, values) for name, (rows, values) in sorted(found.items())}
    columns |= {
        "@timestamp": column.Column("date", numbers=times_ms),
        "@ingestionTime": column.Column("date", numbers=times_ms + 1_500),
        "@message": column.texts(messages),
        "@logStream": column.coded(of, [*names]),
        "@log": column.texts([f"{alarms.ACCOUNT}:{GROUP}"] * len(messages)),
    }
    return Events(table.Table(len(messages), columns), times_ms, names, of)


def _column(count: int, rows: list[int], values: list[Any]) -> column.Column:
    numeric = all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 for value in values
    )
    return column.sparse(
        count,
        rows,
        values if numeric else [documents.as_text(value) for value in values],
        "double" if numeric else "keyword",
    )


def _processed(text: str) -> dict[str, Any]:
    """Fluent Bit's Merge_Log: lines that are JSON objects are taken apart."""
    if text[:1] != "{":
        return {}
    try:
        data = json.loads(text)
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _context(labels: Mapping[str, str]) -> dict[str, Any]:
    kubernetes = {
        "pod_name": labels.get("pod", ""),
        "namespace_name": labels.get("namespace", ""),
        "host": labels.get("node", ""),
        "container_name": labels.get("container", ""),
        "labels": {"app": labels.get("app", "")} if labels.get("app") else {},
    }
    return {
        "stream": labels.get("stream", "stdout"),
        "kubernetes": {key: value for key, value in kubernetes.items() if value},
    }


def _stream_name(labels: Mapping[str, str]) -> str:
    pod = labels.get("pod") or labels.get("app") or "unknown"
    container = labels.get("container") or labels.get("app") or "app"
    namespace = labels.get("namespace", "default")
    raw = _ids.opaque("", "container", pod, container, labels.get("stream", ""), length=64, alphabet="0123456789abcdef")
    host = f"{labels['node']}-" if labels.get("node") else ""
    return f"{host}application.var.log.containers.{pod}_{namespace}_{container}-{raw}.log"
