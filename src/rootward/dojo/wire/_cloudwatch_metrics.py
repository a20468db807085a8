"""CloudWatch's metrics over the telemetry's series: Container Insights, Application Signals, the agent, and its Prometheus collection."""

import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rootward.dojo.engines.datadog import series
from rootward.dojo.wire import _datadog_metrics as metrics

CLUSTER = "production"
Dimensions = tuple[tuple[str, str], ...]
_SETS = {
    "pod": ((), ("Namespace",), ("Namespace", "PodName"), ("Namespace", "PodName", "FullPodName")),
    "node": ((), ("NodeName",)),
    "service": (("Environment", "Service"), ("Environment", "Service", "Operation")),
    "host": (("host",),),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Definition:
    """A metric by the series that it is made of: `source`, over `below` when it is a share of it; `level` says by which
    dimensions it is kept. `where` tells which series belong."""

    namespace: str
    name: str
    unit: str
    source: str
    level: str
    scale: float = 1.0
    below: str = ""
    where: tuple[str, str] = ("", "")


_CI, _AS, _AGENT = "ContainerInsights", "ApplicationSignals", "CWAgent"
DEFINITIONS = (
    Definition(_CI, "pod_cpu_usage_total", "Count", "kubernetes.cpu.usage.total", "pod", 1e-6),
    Definition(
        _CI,
        "pod_cpu_utilization_over_pod_limit",
        "Percent",
        "kubernetes.cpu.usage.total",
        "pod",
        1e-7,
        "kubernetes.cpu.limits",
    ),
    Definition(_CI, "pod_memory_working_set", "Bytes", "kubernetes.memory.working_set", "pod"),
    Definition(
        _CI,
        "pod_memory_utilization_over_pod_limit",
        "Percent",
        "kubernetes.memory.working_set",
        "pod",
        100.0,
        "kubernetes.memory.limits",
    ),
    Definition(_CI, "pod_number_of_container_restarts", "Count", "kubernetes.containers.restarts", "pod"),
    Definition(_CI, "pod_network_rx_bytes", "Bytes/Second", "kubernetes.network.rx_bytes", "pod"),
    Definition(_CI, "pod_network_tx_bytes", "Bytes/Second", "kubernetes.network.tx_bytes", "pod"),
    Definition(_CI, "container_cpu_throttled_periods", "Count", "kubernetes.cpu.cfs.throttled.periods", "pod"),
    Definition(_CI, "node_cpu_utilization", "Percent", "system.cpu.user", "node"),
    Definition(_CI, "node_memory_available", "Bytes", "system.mem.usable", "node"),
    Definition(_CI, "node_network_rx_bytes", "Bytes/Second", "system.net.bytes_rcvd", "node"),
    *(
        definition
        for prefix in ("trace.http.request", "trace.grpc.server")
        for definition in (
            Definition(_AS, "Latency", "Milliseconds", prefix, "service", 1000.0),
            Definition(_AS, "Fault", "Count", f"{prefix}.errors", "service"),
            Definition(_AS, "Error", "Count", f"{prefix}.hits", "service", where=("http.status_class", "4xx")),
        )
    ),
    Definition(_AGENT, "mem_available", "Bytes", "system.mem.usable", "host"),
    Definition(_AGENT, "cpu_usage_user", "Percent", "system.cpu.user", "host"),
    Definition(_AGENT, "cpu_usage_system", "Percent", "system.cpu.system", "host"),
    Definition(_AGENT, "cpu_usage_iowait", "Percent", "system.cpu.iowait", "host"),
    Definition(_AGENT, "disk_free", "Bytes", "system.disk.free", "host"),
)
PROMETHEUS = "ContainerInsights/Prometheus"
_COLLECTED = (
    "postgresql.",
    "redis.",
    "kafka.",
    "jvm.",
    "coredns.",
    "nginx_ingress.",
    "runtime.",
    "network.",
    "openmetrics.",
    "kubernetes_state.",
)
_METHOD = re.compile(r"^(get|head|post|put|patch|delete|options)_")
_UNITS = {"byte": "Bytes", "second": "Seconds", "percent": "Percent"}


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `rows` are those of its definition's series."""

    definition: Definition
    dimensions: Dimensions
    rows: tuple[tuple[int, int], ...]  # (number of the block, row)

    @property
    def key(self) -> tuple[str, str, Dimensions]:
        return self.definition.namespace, self.definition.name, self.dimensions


class Store:
    """Every metric, found by namespace, name and dimensions."""

    def __init__(self, source: metrics.Metrics) -> None:
        self._source = source

    @functools.cached_property
    def metrics(self) -> dict[tuple[str, str, Dimensions], list[Metric]]:
        out: dict[tuple[str, str, Dimensions], list[Metric]] = {}
        for metric in self._all():
            out.setdefault(metric.key, []).append(metric)
        return dict(sorted(out.items()))

    def _all(self) -> Iterator[Metric]:
        for definition in (*DEFINITIONS, *self._collected()):
            found: dict[Dimensions, list[tuple[int, int]]] = {}
            for number, draft in enumerate(self._source.drafts(definition.source)):
                for row, tags in enumerate(draft.tags):
                    if definition.where[0] and tags.get(definition.where[0]) != definition.where[1]:
                        continue
                    for dimensions in _dimensions(definition, tags):
                        found.setdefault(dimensions, []).append((number, row))
            for dimensions, rows in found.items():
                yield Metric(definition, dimensions, tuple(rows))

    def _collected(self) -> Iterator[Definition]:
        for name in self._source.names:
            one = self._source.known[name][0]
            if name.startswith(_COLLECTED) and one.kind != "distribution":
                yield Definition(PROMETHEUS, one.family, _UNITS.get(one.unit, "None"), name, "prometheus")

    def find(self, namespace: str, name: str, dimensions: Dimensions) -> list[Metric]:
        return self.metrics.get((namespace, name, tuple(sorted(dimensions))), [])

    def statistic(self, found: Sequence[Metric], stat: str, on: series.Window) -> series.FloatArray:
        """[buckets] of one statistic over all the samples of a metric; NaN where it has none."""
        pieces = [piece for metric in found for piece in self._pieces(metric, on)]
        if not pieces:
            return np.full(on.count, np.nan)
        reduce = _STATISTICS.get(stat)
        if reduce is not None:
            return reduce(pieces, on)
        return _percentile(pieces, on, float(stat[1:]) / 100)

    def _pieces(self, metric: Metric, on: series.Window) -> Iterator[series.Block]:
        """The series of a metric, scaled and divided."""
        definition = metric.definition
        drafts = self._source.drafts(definition.source)
        end_s = min(on.start_s + on.interval_s * on.count, on.until_s)
        by_draft: dict[int, list[int]] = {}
        for number, row in metric.rows:
            by_draft.setdefault(number, []).append(row)
        for number, rows in by_draft.items():
            block = drafts[number].between(rows, on.start_s, end_s)
            values = block.values
            if definition.below:
                values = values / self._limits(definition.below, block, on.start_s, end_s)
            scale = 1.0 if block.kind == "distribution" else definition.scale
            yield series.Block(
                block.kind,
                block.times_s,
                values * scale,
                block.tags,
                block.step_s,
                sums=None if block.sums is None else block.sums * definition.scale,
                buckets=block.buckets,
                bounds=None if block.bounds is None else block.bounds * definition.scale,
            )

    def _limits(self, name: str, block: series.Block, start_s: float, end_s: float) -> series.FloatArray:
        """The limit of each row's container: its last value, which changes only with the container."""
        wanted = [(tags.get("pod_name", ""), tags.get("kube_container_name", "")) for tags in block.tags]
        pods = {pod for pod, _ in wanted}
        known: dict[tuple[str, str], float] = {}
        for one in self._source.blocks(name, lambda tags: tags.get("pod_name", "") in pods, start_s, end_s):
            for tags, row in zip(one.tags, one.values, strict=True):
                values = row[~np.isnan(row)]
                if len(values) and values[-1] > 0:
                    known[tags.get("pod_name", ""), tags.get("kube_container_name", "")] = float(values[-1])
        return np.array([known.get(key, np.nan) for key in wanted])[:, None]


def _dimensions(definition: Definition, tags: Mapping[str, str]) -> Iterator[Dimensions]:
    if definition.level == "prometheus":
        kept = {
            key: value
            for key, value in tags.items()
            if key not in ("env", "kube_container_name", "image_name", "query")
        }
        named = {"ClusterName": CLUSTER, "Namespace": kept.pop("kube_namespace", "")} | kept
        yield tuple(sorted((key, value) for key, value in named.items() if value))
        return
    deployment = tags.get("kube_deployment") or tags.get("kube_container_name", "")
    namespace = tags.get("kube_namespace", "")
    known = {
        "Namespace": namespace,
        "PodName": deployment,
        "FullPodName": tags.get("pod_name", ""),
        "NodeName": tags.get("host", ""),
        "host": tags.get("host", ""),
        "Environment": f"eks:{CLUSTER}/{namespace}" if namespace else "",
        "Service": tags.get("service", ""),
        "Operation": _METHOD.sub(lambda found: f"{found[1].upper()} ", tags.get("resource_name", "")),
    }
    base = () if definition.level in ("service", "host") else (("ClusterName", CLUSTER),)
    for names in _SETS[definition.level]:
        if all(known[name] for name in names):
            yield tuple(sorted((*base, *((name, known[name]) for name in names))))


def _counts(pieces: Sequence[series.Block], on: series.Window) -> series.FloatArray:
    return _total([(series.rolled(_held(piece), series.cuts(piece.times_s, on), "sum")) for piece in pieces], "sum")


def _held(piece: series.Block) -> series.FloatArray:
    """How many samples each report stands for."""
    if piece.kind == "distribution":
        return piece.values
    return np.where(np.isnan(piece.values), np.nan, 1.0)


def _sums(pieces: Sequence[series.Block], on: series.Window) -> series.FloatArray:
    rows = [
        series.rolled(piece.values if piece.sums is None else piece.sums, series.cuts(piece.times_s, on), "sum")
        for piece in pieces
    ]
    return _total(rows, "sum")


def _total(rows: Sequence[series.FloatArray], method: str) -> series.FloatArray:
    return series.combined(np.concatenate(rows), method)


def _averages(pieces: Sequence[series.Block], on: series.Window) -> series.FloatArray:
    counts = _counts(pieces, on)
    with np.errstate(all="ignore"):
        return np.where(np.nan_to_num(counts) > 0, _sums(pieces, on) / counts, np.nan)


def _extreme(method: str) -> Callable[[Sequence[series.Block], series.Window], series.FloatArray]:
    def extreme(pieces: Sequence[series.Block], on: series.Window) -> series.FloatArray:
        if any(piece.kind == "distribution" for piece in pieces):
            return _percentile(pieces, on, 0.0 if method == "min" else 1.0)
        rows = [series.rolled(piece.values, series.cuts(piece.times_s, on), method) for piece in pieces]
        return _total(rows, method)

    return extreme


_STATISTICS: dict[str, Callable[[Sequence[series.Block], series.Window], series.FloatArray]] = {
    "Average": _averages,
    "Sum": _sums,
    "SampleCount": _counts,
    "Minimum": _extreme("min"),
    "Maximum": _extreme("max"),
}


def _percentile(pieces: Sequence[series.Block], on: series.Window, share: float) -> series.FloatArray:
    spread = [piece for piece in pieces if piece.buckets is not None and piece.bounds is not None]
    if spread:
        bounds = np.unique(np.concatenate([piece.bounds for piece in spread if piece.bounds is not None]))
        total = np.zeros((len(bounds), on.count))
        for piece in spread:
            assert piece.buckets is not None and piece.bounds is not None, "chosen by that"  # noqa: PT018 - one fact
            inside = np.nan_to_num(
                series.rolled(np.nansum(piece.buckets, axis=0), series.cuts(piece.times_s, on), "sum")
            )
            total[np.searchsorted(bounds, piece.bounds)] += inside
        return series.quantile(total, bounds, share)
    out = np.full(on.count, np.nan)
    cut = [series.cuts(piece.times_s, on) for piece in pieces]
    busy = np.logical_or.reduce([at[1:] > at[:-1] for at in cut])
    for bucket in np.flatnonzero(busy).tolist():
        values = np.concatenate(
            [piece.values[:, at[bucket] : at[bucket + 1]].ravel() for piece, at in zip(pieces, cut, strict=True)]
        )
        values = values[~np.isnan(values)]
        if len(values):
            out[bucket] = np.percentile(values, share * 100)
    return out


def shown(metric: tuple[str, str, Dimensions]) -> dict[str, Any]:
    """A metric as the API writes it."""
    namespace, name, dimensions = metric
    return {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
    }
