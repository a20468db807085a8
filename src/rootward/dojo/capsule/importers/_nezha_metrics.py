"""Nezha's metric tables (one CSV file per pod, one row a minute) as the series that exporters in that cluster would publish.

Units become base units (cores, bytes, ratios, seconds); names follow kubelet, kube-state-metrics and Istio where they have one.
"""

import dataclasses
import ipaddress
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _csv, _metrics, _nezha_records

TEXT_COLUMNS = ("PodName", "ServiceName")
GO_TIME = re.compile(r"(?P<date>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d)(?:\.\d+)? (?P<zone>[+-]\d{4})")
MIB = 2.0**20
POD_COLUMNS = {  # column → (metric, factor to base units, unit, help)
    "CpuUsage(m)": ("pod_cpu_usage_cores", 1e-3, "cores", "CPU used"),
    "CpuUsageRate(%)": ("pod_cpu_limit_utilization_ratio", 1e-2, "ratio", "CPU used, of the limit"),
    "MemoryUsage(Mi)": ("pod_memory_usage_bytes", MIB, "bytes", "Memory used"),
    "MemoryUsageRate(%)": ("pod_memory_limit_utilization_ratio", 1e-2, "ratio", "Memory used, of the limit"),
    "SyscallRead": ("pod_syscall_reads", 1.0, "", "Read system calls"),
    "SyscallWrite": ("pod_syscall_writes", 1.0, "", "Write system calls"),
    "NetworkReceiveBytes": ("pod_network_receive_bytes_per_second", 1.0, "bytes per second", "Received"),
    "NetworkTransmitBytes": ("pod_network_transmit_bytes_per_second", 1.0, "bytes per second", "Sent"),
    "PodWorkload(Ops)": ("pod_requests_per_second", 1.0, "requests per second", "Requests served"),
    "PodSuccessRate(%)": ("pod_request_success_ratio", 1e-2, "ratio", "Requests answered without error"),
}
NODE_COLUMNS = {
    "NodeCpuUsageRate(%)": ("node_cpu_utilization_ratio", 1e-2, "ratio", "CPU used on the node"),
    "NodeMemoryUsageRate(%)": ("node_memory_utilization_ratio", 1e-2, "ratio", "Memory used on the node"),
    "NodeNetworkReceiveBytes": (
        "node_network_receive_bytes_per_second",
        1.0,
        "bytes per second",
        "Received by the node",
    ),
}
LATENCY = re.compile(r"(?:Pod(?P<side>Client|Server))?LatencyP(?P<percent>\d+)\(s\)")
DURATIONS = {
    "Client": "pod_client_request_duration_seconds",
    "Server": "pod_server_request_duration_seconds",
    None: "frontend_request_duration_seconds",
}
FRONT_SUCCESS = "frontend_request_success_ratio"
EDGE_DURATION = "istio_request_duration_seconds"
POD_INFO = "kube_pod_info"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Table:
    times_s: telemetry.FloatArray
    columns: dict[str, telemetry.FloatArray]
    texts: dict[str, str]  # PodName, ServiceName of the first row


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Day:
    """A day's metrics; `node_of` pod → node as far as the data tell; `front` the name in front_service.csv, "" without one."""

    blocks: tuple[telemetry.MetricBlock, ...]
    node_of: dict[str, str]
    front: str


def read(folder: Path, node_of: dict[str, str], entrance: str) -> Day:
    """All metrics in `folder`; `entrance` is the service that user requests reach first ("" unknown: as the file names it).

    Raises:
        DatasetError: a file is damaged, or there is none.
    """
    files = sorted(folder.glob("*_metric.csv")) if folder.is_dir() else []
    if not files:
        raise errors.DatasetError(f"{folder}: expected Nezha's <pod>_metric.csv files")
    pods = {table.texts["PodName"]: table for table in (_read(path) for path in files)}
    services = sorted({_nezha_records.service_of(pod) for pod in pods})
    calls, placed = _dependency(folder / "dependency.csv", pods)
    node_of = {**placed, **node_of}
    blocks = [_pod_block(pod, table, node_of.get(pod, "")) for pod, table in pods.items()]
    blocks += _node_blocks(pods, node_of)
    front = ""
    if (folder / "front_service.csv").is_file():
        table = _read(folder / "front_service.csv")
        front = entrance or table.texts.get("ServiceName", "")
        blocks.append(_front_block(table, front))
    for reporter in ("source", "destination"):
        if (folder / f"{reporter}_50.csv").is_file():
            blocks.append(_edge_block(_read(folder / f"{reporter}_50.csv"), reporter, services))
    if calls:
        blocks.append(_metrics.edges(next(iter(pods.values())).times_s, calls))
    return Day(tuple(block for block in blocks if block.labels), node_of, front)


def meta() -> dict[str, telemetry.MetricMeta]:
    """Type, help and unit of every family that `read` may publish."""
    gauges = {
        name: telemetry.MetricMeta("gauge", text, unit)
        for name, _, unit, text in (*POD_COLUMNS.values(), *NODE_COLUMNS.values())
    }
    gauges |= {
        name: telemetry.MetricMeta("gauge", "Duration of requests, by quantile", "seconds")
        for name in (*DURATIONS.values(), EDGE_DURATION)
    }
    return gauges | {
        FRONT_SUCCESS: telemetry.MetricMeta("gauge", "User requests answered without error", "ratio"),
        POD_INFO: telemetry.MetricMeta("gauge", "Information about a pod"),
        _metrics.EDGE_METRIC: _metrics.EDGE_META,
    }


def _read(path: Path) -> Table:
    header, *body = _csv.rows(path) or [[]]
    lower = [name.lower() for name in header]
    if lower[:2] != ["time", "timestamp"] or not body or any(len(row) != len(header) for row in body):
        raise errors.DatasetError(f"{path}: expected a Nezha table with columns Time and TimeStamp and full rows")
    texts = {name: body[0][at] for at, name in enumerate(header) if name in TEXT_COLUMNS}
    if path.name.endswith("_metric.csv") and "PodName" not in texts:
        raise errors.DatasetError(f"{path}: expected a PodName column")
    at = [index for index, name in enumerate(header) if index > 1 and name not in texts]
    cells = _csv.numbers(path, [[row[index] for index in at] for row in body], width=len(at))
    times_s = np.array([_time_s(row[0], path) for row in body], dtype=np.float64)
    return Table(times_s, {header[index]: cells[:, position] for position, index in enumerate(at)}, texts)


def _time_s(text: str, path: Path) -> float:
    """Whole seconds of Go's time text ("2022-08-22 03:51:19.7 +0000 UTC m=+0.2"), which is right where the TimeStamp column is
    not: one published table has every TimeStamp off by 2·10⁸ s."""
    match = GO_TIME.match(text)
    if match is None:
        raise errors.DatasetError(f"{path}: {text!r} is no time such as 2022-08-22 03:51:19.702 +0000 UTC")
    return _clock.from_iso(f"{match['date']}T{match['time']}{match['zone']}")


def _series(
    table: Table, names: dict[str, tuple[str, float, str, str]], labels: telemetry.Labels
) -> list[tuple[telemetry.Labels, telemetry.FloatArray]]:
    return [
        ({"__name__": names[column][0], **labels}, values * names[column][1])
        for column, values in table.columns.items()
        if column in names
    ]


def _durations(table: Table, labels: telemetry.Labels) -> list[tuple[telemetry.Labels, telemetry.FloatArray]]:
    found = [(LATENCY.fullmatch(column), values) for column, values in table.columns.items()]
    return [
        ({"__name__": DURATIONS[match["side"]], **labels, "quantile": f"{int(match['percent']) / 100:g}"}, values)
        for match, values in found
        if match
    ]


def _pod_block(pod: str, table: Table, node: str) -> telemetry.MetricBlock:
    labels = {"pod": pod, "service": _nezha_records.service_of(pod)}
    series = [*_series(table, POD_COLUMNS, labels), *_durations(table, labels)]
    owner = _nezha_records.POD.fullmatch(pod)
    info = {"__name__": POD_INFO, "pod": pod, **({"node": node} if node else {})}
    if owner:
        info |= {"created_by_kind": "ReplicaSet", "created_by_name": owner["owner"]}
    return _metrics.block(table.times_s, [*series, (info, np.ones(len(table.times_s)))])


def _node_blocks(pods: dict[str, Table], node_of: dict[str, str]) -> list[telemetry.MetricBlock]:
    """Each node once, as the first of its pods saw it; nodes that the data do not name are left out."""
    seen: dict[str, str] = {}
    for pod in sorted(pods):
        if pod in node_of:
            seen.setdefault(node_of[pod], pod)
    return [
        _metrics.block(pods[pod].times_s, _series(pods[pod], NODE_COLUMNS, {"node": node}))
        for node, pod in sorted(seen.items())
    ]


def _front_block(table: Table, front: str) -> telemetry.MetricBlock:
    success = {"SuccessRate(%)": (FRONT_SUCCESS, 1e-2, "ratio", "")}
    labels = {"service": front}
    return _metrics.block(table.times_s, [*_series(table, success, labels), *_durations(table, labels)])


def _edge_block(table: Table, reporter: str, services: Sequence[str]) -> telemetry.MetricBlock:
    series = []
    for column, values in table.columns.items():
        source, _, destination = column.partition("_")
        if destination and {source, destination} & set(services):
            labels = {"source_workload": source, "destination_workload": destination, "quantile": "0.5"}
            series.append(({"__name__": EDGE_DURATION, "reporter": reporter, **labels}, values))
    return _metrics.block(table.times_s, series)


def _dependency(path: Path, pods: Iterable[str]) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """(calls between services, pod → node): a row's target is either another service or the node that the source runs on."""
    if not path.is_file():
        return [], {}
    calls, node_of_service = [], {}
    for row in _csv.rows(path)[1:]:
        if len(row) < 2:
            raise errors.DatasetError(f"{path}: expected rows Source,Target,Weight")
        if _is_address(row[1]):
            node_of_service[row[0]] = row[1]
        else:
            calls.append((row[0], row[1]))
    owners = {pod: _nezha_records.service_of(pod) for pod in pods}
    placed = {pod: node_of_service[service] for pod, service in owners.items() if service in node_of_service}
    return sorted(set(calls)), placed


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
