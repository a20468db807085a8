"""The metrics API (metrics.k8s.io) behind `kubectl top`: usage of containers and nodes, out of what the kubelets export."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.promql import engine, options
from rootward.dojo.wire import _http, _kubernetes_resources

RESOURCES = (
    _kubernetes_resources.Resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", namespaced=False),
    _kubernetes_resources.Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics"),
)
_CPU, _MEMORY = "container_cpu_usage_seconds_total", "container_memory_working_set_bytes"
_LATEST_S = 30.0  # metrics-server scrapes every 15 s; what is older than two scrapes is gone
_WINDOW = "15.021s"
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """`cpu` cores, `memory` bytes."""

    cpu: float
    memory: float

    def to_json(self) -> dict[str, str]:
        return {"cpu": f"{max(round(self.cpu * 1e9), 0)}n", "memory": f"{max(round(self.memory / 1024), 0)}Ki"}


class UsageStore:
    """Reads one telemetry's metrics; `is_there` tells whether there is anything of the kind."""

    def __init__(self, metrics: records.Metrics) -> None:
        self._metrics = metrics
        self.is_there = (
            any(labels.get("__name__") == _MEMORY for block in metrics.blocks for labels in block.labels[:50])
            or _MEMORY in metrics.meta
        )

    @functools.cached_property
    def _engine(self) -> engine.Engine:
        return engine.Engine(self._metrics, options.Options(experimental=False))

    def _ask(self, query: str, now_s: float) -> list[tuple[dict[str, str], float]]:
        found = self._engine.instant(query, now_s, until_s=now_s)
        return [(dict(one.labels), float(one.values[-1])) for one in found.series]

    def pods(self, now_s: float) -> dict[Key, dict[str, Usage]]:
        """(namespace, pod) → container → usage."""
        some = '{container!="",container!="POD"}'
        by = "by (namespace, pod, container)"
        cpu = {_place(labels): value for labels, value in self._ask(f"sum {by} (rate({_CPU}{some}[2m]))", now_s)}
        out: dict[Key, dict[str, Usage]] = {}
        for labels, value in self._ask(f"sum {by} ({_MEMORY}{some})", now_s):
            namespace, pod, container = _place(labels)
            usage = Usage(cpu.get((namespace, pod, container), 0.0), value)
            out.setdefault((namespace, pod), {})[container] = usage
        return out

    def nodes(self, now_s: float, names: Mapping[str, Any]) -> dict[str, Usage]:
        """Node → usage: from the node exporter where there is one, else the sum of its containers."""
        memory = self._ask("node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes", now_s)
        cpu = self._ask('sum by (instance, node) (rate(node_cpu_seconds_total{mode!="idle"}[2m]))', now_s)
        if not memory or not cpu:
            memory = self._ask(f'sum by (node) ({_MEMORY}{{container!=""}})', now_s)
            cpu = self._ask(f'sum by (node) (rate({_CPU}{{container!=""}}[2m]))', now_s)
        cores = {_node(labels, names): value for labels, value in cpu}
        return {
            node: Usage(cores.get(node, 0.0), value)
            for labels, value in memory
            if (node := _node(labels, names)) in names
        }


def _place(labels: Mapping[str, str]) -> tuple[str, str, str]:
    return labels.get("namespace", ""), labels.get("pod", ""), labels.get("container", "")


def _node(labels: Mapping[str, str], names: Mapping[str, Any]) -> str:
    """A node's name out of its metrics' labels; `names` are those there are, by name and by address."""
    for label in ("node", "instance", "kubernetes_node"):
        value = labels.get(label, "").rpartition(":")[0] or labels.get(label, "")
        for one in (labels.get(label, ""), value):
            if one in names:
                return str(names[one])
    return ""


def body(kind: str, namespace: str, name: str, labels: Mapping[str, str], now_s: float) -> dict[str, Any]:
    """The head of a PodMetrics or NodeMetrics object."""
    stamp = _http.iso_seconds(now_s // 15 * 15)
    meta: dict[str, Any] = {"name": name, "creationTimestamp": _http.iso_seconds(now_s), "labels": dict(labels)}
    if namespace:
        meta["namespace"] = namespace
    head = {"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": meta}
    return {**head, "timestamp": stamp, "window": _WINDOW}
