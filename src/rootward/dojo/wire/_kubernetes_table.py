"""Server-side tables: the columns that `kubectl get` prints (k8s.io/kubernetes, pkg/printers/internalversion)."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rootward import _clock
from rootward.dojo.wire import _kubernetes_pods, _kubernetes_resources

Body = Mapping[str, Any]
NONE = "<none>"


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """`wide` columns appear only with `-o wide`."""

    name: str
    cell: Callable[[Body, float], Any]
    wide: bool = False
    kind: str = "string"


def table(
    resource: _kubernetes_resources.Resource,
    bodies: Sequence[Body],
    meta: Mapping[str, Any],
    now_s: float,
    include: str,
) -> dict[str, Any]:
    """A meta.k8s.io/v1 Table; `include` is the request's includeObject: None, Metadata (default) or Object."""
    columns = _COLUMNS.get((resource.group, resource.kind), _PLAIN)
    definitions = [
        {
            "name": c.name,
            "type": c.kind,
            "format": "name" if c.name == "Name" else "",
            "description": c.name,
            "priority": int(c.wide),
        }
        for c in columns
    ]
    rows = []
    for body in bodies:
        row: dict[str, Any] = {"cells": [column.cell(body, now_s) for column in columns]}
        if include == "Object":
            row["object"] = body
        elif include != "None":
            row["object"] = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": body["metadata"],
            }
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": dict(meta),
        "columnDefinitions": definitions,
        "rows": rows,
    }


def human_duration(seconds: float) -> str:
    """`90s`, `5m12s`, `3h5m`, `2d4h`, `400d`: apimachinery's duration.HumanDuration."""
    if seconds < 0:
        return "0s" if seconds > -2 else "<invalid>"
    s = int(seconds)
    minutes, hours, days = s // 60, s // 3600, s // 86400
    if s < 120:
        return f"{s}s"
    if minutes < 10:
        return f"{minutes}m{s % 60}s" if s % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    years, rest = divmod(days, 365)
    return f"{years}y{rest}d" if rest and years < 8 else f"{years}y"


def since(text: Any, now_s: float) -> str:
    """How long ago a time was; `<unknown>` when there is none."""
    return human_duration(now_s - _clock.from_iso(text)) if text else "<unknown>"


def at(body: Any, path: str, default: Any = "") -> Any:
    """The value at a dotted path."""
    for step in path.split("."):
        body = body.get(step) if isinstance(body, Mapping) else None
    return default if body is None else body


def _path(path: str, default: Any = NONE) -> Callable[[Body, float], Any]:
    return lambda body, _now_s: at(body, path, default)


def _number(path: str) -> Callable[[Body, float], Any]:
    return lambda body, _now_s: at(body, path, 0)


def _age(body: Body, now_s: float) -> str:
    return since(at(body, "metadata.creationTimestamp"), now_s)


def _ready(ready: str, desired: str) -> Callable[[Body, float], Any]:
    return lambda body, _now_s: f"{at(body, ready, 0)}/{at(body, desired, 0)}"


def _containers(field: str, where: str = "spec.template.spec.containers") -> Callable[[Body, float], Any]:
    return lambda body, _now_s: ",".join(str(one.get(field, "")) for one in at(body, where, ()))


def _pairs(path: str) -> Callable[[Body, float], Any]:
    def text(body: Body, _now_s: float) -> str:
        labels = at(body, path, {})
        return ",".join(f"{k}={v}" for k, v in sorted(labels.items())) or NONE

    return text


def _external(body: Body, _now_s: float) -> str:
    if at(body, "spec.type") == "ExternalName":
        return str(at(body, "spec.externalName"))
    points = at(body, "status.loadBalancer.ingress", ())
    found = [one.get("ip") or one.get("hostname", "") for one in points] + list(at(body, "spec.externalIPs", ()))
    if not found and at(body, "spec.type") == "LoadBalancer":
        return "<pending>"
    return ",".join(found) or NONE


def _ports(body: Body, _now_s: float) -> str:
    def one(port: Mapping[str, Any]) -> str:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        return f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}"

    return ",".join(one(port) for port in at(body, "spec.ports", ())) or NONE


def _node_status(body: Body, _now_s: float) -> str:
    conditions = {one.get("type"): one.get("status") for one in at(body, "status.conditions", ())}
    words = ["Ready" if conditions["Ready"] == "True" else "NotReady"] if "Ready" in conditions else ["Unknown"]
    return ",".join(words + (["SchedulingDisabled"] if at(body, "spec.unschedulable", False) else []))


def _node_roles(body: Body, _now_s: float) -> str:
    prefix = "node-role.kubernetes.io/"
    return (
        ",".join(sorted(k.removeprefix(prefix) for k in at(body, "metadata.labels", {}) if k.startswith(prefix)))
        or NONE
    )


def _address(kind: str) -> Callable[[Body, float], Any]:
    return lambda body, _now_s: next(
        (a.get("address") for a in at(body, "status.addresses", ()) if a.get("type") == kind), NONE
    )


def _event_object(body: Body, _now_s: float) -> str:
    involved = at(body, "involvedObject", {}) or at(body, "regarding", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


def _last_seen(body: Body, now_s: float) -> str:
    return since(
        at(body, "lastTimestamp")
        or at(body, "series.lastObservedTime")
        or at(body, "eventTime")
        or at(body, "metadata.creationTimestamp"),
        now_s,
    )


def _size_of(*paths: str) -> Callable[[Body, float], Any]:
    return lambda body, _now_s: sum(len(at(body, path, {})) for path in paths)


def _claim_modes(body: Body, _now_s: float) -> str:
    short = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
    return ",".join(
        short.get(mode, mode) for mode in at(body, "status.accessModes", None) or at(body, "spec.accessModes", ())
    )


def _hosts(body: Body, _now_s: float) -> str:
    return ",".join(rule.get("host") or "*" for rule in at(body, "spec.rules", ())) or "*"


def _hpa_targets(body: Body, _now_s: float) -> str:
    current = {
        at(m, "resource.name"): at(m, "resource.current.averageUtilization", None)
        for m in at(body, "status.currentMetrics", ())
    }
    texts = []
    for metric in at(body, "spec.metrics", ()):
        name, target = at(metric, "resource.name"), at(metric, "resource.target.averageUtilization", None)
        now = current.get(name)
        texts.append(
            f"{name}: {'<unknown>' if now is None else f'{now}%'}/{'<unknown>' if target is None else f'{target}%'}"
        )
    return ", ".join(texts) or NONE


def _job_status(body: Body, _now_s: float) -> str:
    true = {one.get("type") for one in at(body, "status.conditions", ()) if one.get("status") == "True"}
    return next((word for word in ("Complete", "Failed", "Suspended") if word in true), "Running")


def _job_duration(body: Body, now_s: float) -> str:
    start, end = at(body, "status.startTime"), at(body, "status.completionTime")
    return since(start, _clock.from_iso(end) if end else now_s) if start else ""


def _endpoints(body: Body, _now_s: float) -> str:
    found = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in at(body, "subsets", ())
        for address in subset.get("addresses") or ()
        for port in subset.get("ports") or ()
    ]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or NONE


def _restarts(body: Body, now_s: float) -> str:
    count, last = _kubernetes_pods.restarts(body)
    return f"{count} ({since(last, now_s)} ago)" if last else str(count)


_NAME = Column("Name", _path("metadata.name", ""))
_AGE = Column("Age", _age)
_PLAIN = (_NAME, _AGE)
_WORKLOAD = (Column("Containers", _containers("name"), wide=True), Column("Images", _containers("image"), wide=True))
_SELECTOR = Column("Selector", _pairs("spec.selector.matchLabels"), wide=True)


def _integer(name: str, path: str) -> Column:
    return Column(name, _number(path), kind="integer")


_COLUMNS: dict[tuple[str, str], tuple[Column, ...]] = {
    ("", "Pod"): (
        _NAME,
        Column("Ready", lambda body, _now_s: _kubernetes_pods.ready(body)),
        Column("Status", lambda body, _now_s: _kubernetes_pods.status(body)),
        Column("Restarts", _restarts),
        _AGE,
        Column("IP", _path("status.podIP"), wide=True),
        Column("Node", _path("spec.nodeName"), wide=True),
        Column("Nominated Node", _path("status.nominatedNodeName"), wide=True),
        Column("Readiness Gates", _path("spec.readinessGates.0"), wide=True),
    ),
    ("apps", "Deployment"): (
        _NAME,
        Column("Ready", _ready("status.readyReplicas", "spec.replicas")),
        _integer("Up-to-date", "status.updatedReplicas"),
        _integer("Available", "status.availableReplicas"),
        _AGE,
        *_WORKLOAD,
        _SELECTOR,
    ),
    ("apps", "ReplicaSet"): (
        _NAME,
        _integer("Desired", "spec.replicas"),
        _integer("Current", "status.replicas"),
        _integer("Ready", "status.readyReplicas"),
        _AGE,
        *_WORKLOAD,
        _SELECTOR,
    ),
    ("apps", "StatefulSet"): (
        _NAME,
        Column("Ready", _ready("status.readyReplicas", "spec.replicas")),
        _AGE,
        *_WORKLOAD,
    ),
    ("apps", "DaemonSet"): (
        _NAME,
        _integer("Desired", "status.desiredNumberScheduled"),
        _integer("Current", "status.currentNumberScheduled"),
        _integer("Ready", "status.numberReady"),
        _integer("Up-to-date", "status.updatedNumberScheduled"),
        _integer("Available", "status.numberAvailable"),
        Column("Node Selector", _pairs("spec.template.spec.nodeSelector")),
        _AGE,
        *_WORKLOAD,
        _SELECTOR,
    ),
    ("", "Service"): (
        _NAME,
        Column("Type", _path("spec.type", "ClusterIP")),
        Column("Cluster-IP", _path("spec.clusterIP")),
        Column("External-IP", _external),
        Column("Port(s)", _ports),
        _AGE,
        Column("Selector", _pairs("spec.selector"), wide=True),
    ),
    ("", "Node"): (
        _NAME,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        _AGE,
        Column("Version", _path("status.nodeInfo.kubeletVersion", "")),
        Column("Internal-IP", _address("InternalIP"), wide=True),
        Column("External-IP", _address("ExternalIP"), wide=True),
        Column("OS-Image", _path("status.nodeInfo.osImage", "<unknown>"), wide=True),
        Column("Kernel-Version", _path("status.nodeInfo.kernelVersion", "<unknown>"), wide=True),
        Column("Container-Runtime", _path("status.nodeInfo.containerRuntimeVersion", "<unknown>"), wide=True),
    ),
    ("", "Event"): (
        Column("Last Seen", _last_seen),
        Column("Type", _path("type", "")),
        Column("Reason", _path("reason", "")),
        Column("Object", _event_object),
        Column("Subobject", _path("involvedObject.fieldPath", ""), wide=True),
        Column("Source", _path("source.component", ""), wide=True),
        Column("Message", _path("message", "")),
        Column(
            "First Seen",
            lambda body, now_s: since(at(body, "firstTimestamp") or at(body, "eventTime"), now_s),
            wide=True,
        ),
        Column("Count", _path("count", 1), wide=True),
        Column("Name", _path("metadata.name", ""), wide=True),
    ),
    ("", "Namespace"): (_NAME, Column("Status", _path("status.phase", "Active")), _AGE),
    ("", "ConfigMap"): (_NAME, Column("Data", _size_of("data", "binaryData"), kind="integer"), _AGE),
    ("", "Secret"): (
        _NAME,
        Column("Type", _path("type", "Opaque")),
        Column("Data", _size_of("data"), kind="integer"),
        _AGE,
    ),
    ("", "ServiceAccount"): (
        _NAME,
        Column("Secrets", lambda body, _now_s: len(at(body, "secrets", ())), kind="integer"),
        _AGE,
    ),
    ("", "Endpoints"): (_NAME, Column("Endpoints", _endpoints), _AGE),
    ("", "PersistentVolumeClaim"): (
        _NAME,
        Column("Status", _path("status.phase", "Pending")),
        Column("Volume", _path("spec.volumeName", "")),
        Column("Capacity", _path("status.capacity.storage", "")),
        Column("Access Modes", _claim_modes),
        Column("StorageClass", _path("spec.storageClassName", "")),
        _AGE,
        Column("VolumeMode", _path("spec.volumeMode", "Filesystem"), wide=True),
    ),
    ("networking.k8s.io", "Ingress"): (
        _NAME,
        Column("Class", _path("spec.ingressClassName")),
        Column("Hosts", _hosts),
        Column("Address", lambda body, now_s: "" if (found := _external(body, now_s)) == NONE else found),
        Column("Ports", lambda body, _now_s: "80, 443" if at(body, "spec.tls", ()) else "80"),
        _AGE,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): (
        _NAME,
        Column(
            "Reference",
            lambda body, _now_s: f"{at(body, 'spec.scaleTargetRef.kind')}/{at(body, 'spec.scaleTargetRef.name')}",
        ),
        Column("Targets", _hpa_targets),
        Column("MinPods", _path("spec.minReplicas", "<unset>")),
        Column("MaxPods", _path("spec.maxReplicas", 0)),
        Column("Replicas", _path("status.currentReplicas", 0)),
        _AGE,
    ),
    ("batch", "Job"): (
        _NAME,
        Column("Status", _job_status),
        Column("Completions", _ready("status.succeeded", "spec.completions")),
        Column("Duration", _job_duration),
        _AGE,
        *_WORKLOAD,
        _SELECTOR,
    ),
    ("batch", "CronJob"): (
        _NAME,
        Column("Schedule", _path("spec.schedule", "")),
        Column("Timezone", _path("spec.timeZone")),
        Column("Suspend", lambda body, _now_s: str(at(body, "spec.suspend", False))),
        Column("Active", lambda body, _now_s: len(at(body, "status.active", ())), kind="integer"),
        Column(
            "Last Schedule",
            lambda body, now_s: (
                since(at(body, "status.lastScheduleTime"), now_s) if at(body, "status.lastScheduleTime") else NONE
            ),
        ),
        _AGE,
    ),
}
