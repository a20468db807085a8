"""Cloud-OpsBench's logs, 5-second metrics and recorded alerts as telemetry with conventional names."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rootward import errors
from rootward.dojo.capsule import telemetry

Json = dict[str, Any]


def logs(
    texts: Mapping[str, Sequence[str] | str], pods: Sequence[Json], namespace: str, start_s: float
) -> telemetry.Logs | None:
    """`logs.json` as streams of a log agent: per app a list of lines, or one text that `kubectl logs --timestamps` printed.

    `<app>.previous` is the container before its last restart, which an agent had shipped under the same labels; `<app>.<name>`
    another container of the pod. Lines without a time keep the one before; before any, the pod's start, or `start_s`.
    """
    streams: list[dict[str, str]] = []
    rows: list[tuple[int, int, str]] = []
    for key in sorted(texts):
        content = texts[key]
        app, _, part = key.partition(".")
        lines = content.splitlines() if isinstance(content, str) else [str(line) for line in content]
        lines = [line for line in lines if not _KUBECTL_SAID.match(line)]
        if not lines:
            continue
        container = "" if part in ("", "previous") else part.removesuffix(".previous")
        labels, since_s = _stream(app, container, pods, namespace, start_s)
        if labels not in streams:
            streams.append(labels)
        rows += _timed(lines, streams.index(labels), since_s)
    if not rows:
        return None
    rows.sort(key=lambda row: row[0])
    return telemetry.Logs(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int32),
        tuple(row[2] for row in rows),
        tuple(streams),
    )


_KUBECTL_SAID = re.compile(r"^(Error: |Error from server|Defaulted container |error: )")


def _stream(
    app: str, container: str, pods: Sequence[Json], namespace: str, start_s: float
) -> tuple[dict[str, str], float]:
    """Labels of the newest pod of `app`, and when it started; `container` is its first one unless named."""
    own = [pod for pod in pods if _belongs(pod, app)]
    labels = {"namespace": namespace, "app": app}
    if not own:
        return labels, start_s
    pod = max(own, key=lambda one: (str(one["metadata"].get("creationTimestamp", "")), one["metadata"]["name"]))
    labels["pod"] = pod["metadata"]["name"]
    containers = pod["spec"].get("containers", [])
    labels["container"] = container or (containers[0]["name"] if containers else app)
    if node := pod["spec"].get("nodeName"):
        labels["node"] = node
    started = pod.get("status", {}).get("startTime")
    return labels, _iso_s(started) if started else start_s


def _belongs(pod: Json, app: str) -> bool:
    metadata = pod["metadata"]
    owners = [owner["name"] for owner in metadata.get("ownerReferences", [])]
    return metadata.get("labels", {}).get("app") == app or app in owners


def _timed(lines: Sequence[str], stream: int, since_s: float) -> list[tuple[int, int, str]]:
    last_ns = round(since_s * 1e9)
    rows = []
    for line in lines:
        match = _STAMPED.match(line)
        last_ns = (_moment_ns(match.group(1)) if match else _inner_ns(line)) or last_ns
        rows.append((last_ns, stream, match.group(2) if match else line))
    return rows


_STAMPED = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d)) ?(.*)$", re.DOTALL)


def _iso_ns(moment: str) -> int:
    whole, _, rest = moment.partition(".")
    digits = re.match(r"\d+", rest)
    fraction = digits.group() if digits else ""
    zone = rest[len(fraction) :]
    seconds = round(dt.datetime.fromisoformat(whole + zone).timestamp())
    return seconds * 1_000_000_000 + int(fraction[:9].ljust(9, "0") or 0)


def _iso_s(moment: str) -> float:
    return dt.datetime.fromisoformat(moment).timestamp()


_REDIS = re.compile(r"^\d+:[A-Z] (\d{2} \w{3} \d{4} \d\d:\d\d:\d\d\.\d+) ")


def _inner_ns(line: str) -> int | None:
    """The time that a structured line carries itself: ISO text, epoch seconds or milliseconds, log4j's instant."""
    if line.startswith("{"):
        try:
            record = json.loads(line)
        except ValueError:
            return None
        if not isinstance(record, dict):
            return None
        return _moment_ns(record.get("timestamp", record.get("time", record.get("ts"))))
    match = _REDIS.match(line)
    if match:
        try:
            moment = dt.datetime.strptime(match.group(1), "%d %b %Y %H:%M:%S.%f").replace(tzinfo=dt.UTC)
        except ValueError:
            return None
        return round(moment.timestamp() * 1e3) * 1_000_000
    return None


def _moment_ns(value: Any) -> int | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value * 1e6) if value > 1e11 else round(value * 1e9)
    if isinstance(value, str):
        try:
            return _iso_ns(value) if "." in value else round(_iso_s(value)) * 1_000_000_000
        except ValueError:
            return None
    return None


_COLUMN = re.compile(
    r"^(.+)-(cpu|mem|cpu_cfs|rps|success_rate|network_receive|network_transmit|p\d+latency|tcp_retans)$"
)


def metrics(content: str, zone: str, nodes: Sequence[Json], namespace: str) -> telemetry.Metrics:
    """`metrics.csv` (a `time` column in the recorder's zone, `<service>-<measure>`, `<node>-<measure>`) as one block of gauges.

    The recorder stored rates, and a few minutes of them: as gauges they are as sharp as it saw them, where counters made of them
    would lose the first minute to `rate()`. Latencies (ms) become seconds, success rates shares of failures.

    Raises:
        DatasetError: no header, rows of different length, times that do not rise, cells that are not numbers.
    """
    rows = list(csv.reader(io.StringIO(content.lstrip("\ufeff"))))
    try:
        header = rows[0]
        times_s = np.array([dt.datetime.fromisoformat(row[0] + zone).timestamp() for row in rows[1:]])
        values = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows[1:]]).T
    except (ValueError, IndexError) as error:
        raise errors.DatasetError(f"metrics.csv: expected a header and rows of numbers: {error}") from error
    if (
        header[:1] != ["time"]
        or len(times_s) < 2
        or values.shape[:1] != (len(header) - 1,)
        or (np.diff(times_s) <= 0).any()
    ):
        raise errors.DatasetError("metrics.csv: expected a rising `time` column and as many cells in each row as names")
    node_names = {node["metadata"]["name"] for node in nodes}
    series = []
    for name, column in zip(header[1:], values, strict=True):
        match = _COLUMN.match(name)
        if match is None:
            continue
        owner, measure = match.group(1), match.group(2)
        line = _line(owner, measure, column, namespace, node=owner in node_names)
        if line is not None:
            series.append(line)
    if not series:
        return telemetry.Metrics()
    rows_of = np.stack([line for _, line in series])
    stale = telemetry.absent_to_stale(rows_of, np.isnan(rows_of))
    return telemetry.Metrics((telemetry.MetricBlock(times_s, stale, tuple(labels for labels, _ in series)),), META)


_GAUGES = {
    "cpu": ("container_cpu_usage_percent", "CPU used, in percent of one core", "percent", 100.0),
    "cpu_cfs": (
        "container_cpu_cfs_throttled_seconds_per_second",
        "Time throttled at the CPU limit",
        "seconds per second",
        1.0,
    ),
    "mem": ("container_memory_usage_bytes", "Memory used", "bytes", 1.0),
    "rps": ("request_rate_per_second", "Requests served per second", "requests per second", 1.0),
    "network_receive": ("container_network_receive_packets_per_second", "Packets received", "packets per second", 1.0),
    "network_transmit": ("container_network_transmit_packets_per_second", "Packets sent", "packets per second", 1.0),
}
_NODE_GAUGES = {
    "cpu": ("node_cpu_usage_percent", "CPU used, in percent of the node", "percent", 1.0),
    "mem": ("node_memory_usage", "Memory used, as recorded", "", 1.0),
    "tcp_retans": ("node_tcp_retransmits_per_second", "Segments retransmitted", "segments per second", 1.0),
}
_DURATION, _FAILED = "request_duration_seconds", "request_error_ratio"
META = {
    _DURATION: telemetry.MetricMeta("gauge", "Duration of requests, by quantile", "seconds"),
    _FAILED: telemetry.MetricMeta("gauge", "Share of requests that failed", "ratio"),
    **{
        name: telemetry.MetricMeta("gauge", text, unit)
        for name, text, unit, _factor in (*_GAUGES.values(), *_NODE_GAUGES.values())
    },
}


def _line(
    owner: str, measure: str, column: telemetry.FloatArray, namespace: str, *, node: bool
) -> tuple[dict[str, str], telemetry.FloatArray] | None:
    """The series of one column, or None for a measure that is not known."""
    labels = {"node": owner} if node else {"namespace": namespace, "service": owner}
    gauge = (_NODE_GAUGES if node else _GAUGES).get(measure)
    if gauge is not None:
        return {"__name__": gauge[0], **labels}, column * gauge[3]
    if measure == "success_rate":
        return {"__name__": _FAILED, **labels}, 1.0 - column
    match = re.match(r"p(\d+)latency$", measure)
    if match:
        return {"__name__": _DURATION, **labels, "quantile": f"0.{match.group(1).rstrip('0')}"}, column / 1e3
    return None


def alerts(document: Json, zone: str, namespace: str, now_s: float) -> tuple[telemetry.FiredAlert, ...]:
    """`alert.json`: what the recorders' own detectors (per service or node) or probes (per URL) had raised."""
    out = []
    for item in document.get("alerts") or []:
        if not isinstance(item, dict):
            continue
        if "entry_service" in item:
            out.append(_probe_alert(item, namespace, now_s))
        else:
            out += _detector_alerts(item, zone, namespace, now_s)
    return tuple(out)


def _probe_alert(item: Json, namespace: str, now_s: float) -> telemetry.FiredAlert:
    labels = {
        "alertname": "ProbeFailed",
        "namespace": namespace,
        "service": str(item.get("entry_service", "")),
        "method": str(item.get("request_method", "")),
        "url": str(item.get("url", "")),
    }
    action, error = str(item.get("business_action", "")), str(item.get("raw_error", ""))
    annotations = {"summary": f"{action}: {error}", "occurrences": str(item.get("occurrences", ""))}
    return telemetry.FiredAlert("ProbeFailed", labels, annotations, now_s - 120.0, now_s - 60.0)


def _detector_alerts(item: Json, zone: str, namespace: str, now_s: float) -> list[telemetry.FiredAlert]:
    start_s, _, end_s = (part.strip() for part in str(item.get("time_range", "")).partition("~"))
    try:
        since = dt.datetime.fromisoformat(start_s + zone).timestamp()
        until: float | None = dt.datetime.fromisoformat(end_s + zone).timestamp()
    except ValueError:
        since, until = now_s - 60.0, None
    out = []
    for line in item.get("evidence") or []:
        kind = str(line).partition(" ")[0]
        name = "".join(word.capitalize() for word in kind.split("_"))
        entity = "node" if str(item.get("type", "")).lower() == "node" else "service"
        labels = {"alertname": name, entity: str(item.get("name", ""))}
        if entity == "service":
            labels["namespace"] = namespace
        out.append(telemetry.FiredAlert(name, labels, {"description": str(line)}, since, since, until))
    return out
