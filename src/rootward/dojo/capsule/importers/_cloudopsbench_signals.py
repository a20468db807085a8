"""Cloud-OpsBench's logs, 5-second metrics and recorded alerts as telemetry with conventional names."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
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


def metrics(content: str, zone: str, pods: Sequence[Json], nodes: Sequence[Json], namespace: str) -> telemetry.Metrics:
    """`metrics.csv` (a `time` column in the recorder's zone, `<service>-<measure>`, `<node>-<measure>`) as one block.

    Rates become the counters they were computed from, so that `rate()` gives them back: CPU cores, throttled seconds, packets,
    requests by response code. Latencies (ms) become a summary's quantiles in seconds.

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
    steps_s = np.diff(times_s, prepend=2 * times_s[0] - times_s[1])
    node_names = {node["metadata"]["name"]: node for node in nodes}
    series: list[tuple[dict[str, str], telemetry.FloatArray]] = []
    columns = dict(zip(header[1:], values, strict=True))
    for name, column in columns.items():
        match = _COLUMN.match(name)
        if match is None:
            continue
        owner, measure = match.groups()
        if owner in node_names:
            series += _node_series(owner, measure, column, steps_s, node_names[owner])
        else:
            series += _service_series(owner, measure, columns, steps_s, _workload_labels(owner, pods, namespace))
    stale = telemetry.absent_to_stale(
        np.stack([line for _, line in series]), np.isnan(np.stack([line for _, line in series]))
    )
    return telemetry.Metrics((telemetry.MetricBlock(times_s, stale, tuple(labels for labels, _ in series)),), META)


META = {
    "container_cpu_usage_seconds_total": telemetry.MetricMeta("counter", "Cumulative cpu time consumed", "seconds"),
    "container_cpu_cfs_throttled_seconds_total": telemetry.MetricMeta(
        "counter", "Time the container was throttled", "seconds"
    ),
    "container_memory_working_set_bytes": telemetry.MetricMeta("gauge", "Current working set", "bytes"),
    "container_network_receive_packets_total": telemetry.MetricMeta("counter", "Packets received"),
    "container_network_transmit_packets_total": telemetry.MetricMeta("counter", "Packets transmitted"),
    "istio_requests_total": telemetry.MetricMeta("counter", "Requests handled, by response code"),
    "http_request_duration_seconds": telemetry.MetricMeta("summary", "Latency of requests", "seconds"),
    "instance:node_cpu_utilisation:rate5m": telemetry.MetricMeta("gauge", "Share of the node's CPU in use"),
    "node_memory_Active_bytes": telemetry.MetricMeta("gauge", "Memory in use", "bytes"),
    "node_netstat_Tcp_RetransSegs": telemetry.MetricMeta("counter", "Segments retransmitted"),
}


def _workload_labels(app: str, pods: Sequence[Json], namespace: str) -> dict[str, str]:
    own = sorted(pod["metadata"]["name"] for pod in pods if _belongs(pod, app) or pod["metadata"]["name"] == app)
    labels = {"namespace": namespace, "pod": own[0] if own else app}
    pod = next((one for one in pods if one["metadata"]["name"] == labels["pod"]), None)
    containers = pod["spec"].get("containers", []) if pod is not None else []
    labels["container"] = containers[0]["name"] if containers else app
    return labels


_Lines = list[tuple[dict[str, str], telemetry.FloatArray]]
_COUNTED = {
    "cpu": "container_cpu_usage_seconds_total",
    "cpu_cfs": "container_cpu_cfs_throttled_seconds_total",
    "network_receive": "container_network_receive_packets_total",
    "network_transmit": "container_network_transmit_packets_total",
}


def _counter(rate: telemetry.FloatArray, steps_s: telemetry.FloatArray) -> telemetry.FloatArray:
    total: telemetry.FloatArray = np.cumsum(np.nan_to_num(np.maximum(rate, 0.0)) * steps_s)
    return total


def _service_series(
    owner: str,
    measure: str,
    columns: Mapping[str, telemetry.FloatArray],
    steps_s: telemetry.FloatArray,
    pod: dict[str, str],
) -> _Lines:
    column = columns[f"{owner}-{measure}"]
    service = {
        "destination_service_name": owner,
        "destination_workload": owner,
        "destination_service_namespace": pod["namespace"],
    }
    if measure in _COUNTED:
        return [({"__name__": _COUNTED[measure], **pod}, _counter(column, steps_s))]
    if measure == "mem":
        return [({"__name__": "container_memory_working_set_bytes", **pod}, column)]
    if measure == "rps":
        good = np.clip(columns.get(f"{owner}-success_rate", np.ones_like(column)), 0.0, 1.0)
        by_code: list[tuple[str, Callable[[], telemetry.FloatArray]]] = [
            ("200", lambda: column * good),
            ("500", lambda: column * (1.0 - good)),
        ]
        return [
            (
                {"__name__": "istio_requests_total", "reporter": "destination", "response_code": code, **service},
                _counter(rate(), steps_s),
            )
            for code, rate in by_code
        ]
    match = re.match(r"p(\d+)latency$", measure)
    if match:
        labels = {"__name__": "http_request_duration_seconds", "service": owner, "namespace": pod["namespace"]}
        return [({**labels, "quantile": f"0.{match.group(1).rstrip('0')}"}, column / 1e3)]
    return []


def _node_series(
    name: str, measure: str, column: telemetry.FloatArray, steps_s: telemetry.FloatArray, _node: Json
) -> _Lines:
    labels = {"instance": name, "node": name, "job": "node-exporter"}
    if measure == "cpu":
        return [({"__name__": "instance:node_cpu_utilisation:rate5m", **labels}, column / 100.0)]
    if measure == "mem":
        return [({"__name__": "node_memory_Active_bytes", **labels}, column)]
    if measure == "tcp_retans":
        return [({"__name__": "node_netstat_Tcp_RetransSegs", **labels}, _counter(column, steps_s))]
    return []


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
