"""The columns that `kubectl get` prints for each kind; kinds not named here show name and age, as custom resources do."""

import dataclasses

from rootward.dojo.wire import _kubernetes_cells, _kubernetes_pods


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """`wide` columns appear only with `-o wide`."""

    name: str
    cell: _kubernetes_cells.Cell
    wide: bool = False
    kind: str = "string"


_NAME = Column("Name", _kubernetes_cells.path("metadata.name", ""))
_AGE = Column("Age", _kubernetes_cells.age)
PLAIN = (_NAME, _AGE)
_WORKLOAD = (
    Column("Containers", _kubernetes_cells.containers("name"), wide=True),
    Column("Images", _kubernetes_cells.containers("image"), wide=True),
)
_SELECTOR = Column("Selector", _kubernetes_cells.pairs("spec.selector.matchLabels"), wide=True)


def _integer(name: str, path: str) -> Column:
    return Column(name, _kubernetes_cells.number(path), kind="integer")


BY_KIND: dict[tuple[str, str], tuple[Column, ...]] = {
    ("", "Pod"): (
        _NAME,
        Column("Ready", lambda body, _now_s: _kubernetes_pods.ready(body)),
        Column("Status", lambda body, _now_s: _kubernetes_pods.status(body)),
        Column("Restarts", _kubernetes_cells.restarts),
        _AGE,
        Column("IP", _kubernetes_cells.path("status.podIP"), wide=True),
        Column("Node", _kubernetes_cells.path("spec.nodeName"), wide=True),
        Column("Nominated Node", _kubernetes_cells.path("status.nominatedNodeName"), wide=True),
        Column("Readiness Gates", _kubernetes_cells.path("spec.readinessGates.0"), wide=True),
    ),
    ("apps", "Deployment"): (
        _NAME,
        Column("Ready", _kubernetes_cells.ready("status.readyReplicas", "spec.replicas")),
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
        Column("Ready", _kubernetes_cells.ready("status.readyReplicas", "spec.replicas")),
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
        Column("Node Selector", _kubernetes_cells.pairs("spec.template.spec.nodeSelector")),
        _AGE,
        *_WORKLOAD,
        _SELECTOR,
    ),
    ("", "Service"): (
        _NAME,
        Column("Type", _kubernetes_cells.path("spec.type", "ClusterIP")),
        Column("Cluster-IP", _kubernetes_cells.path("spec.clusterIP")),
        Column("External-IP", _kubernetes_cells.external),
        Column("Port(s)", _kubernetes_cells.ports),
        _AGE,
        Column("Selector", _kubernetes_cells.pairs("spec.selector"), wide=True),
    ),
    ("", "Node"): (
        _NAME,
        Column("Status", _kubernetes_cells.node_status),
        Column("Roles", _kubernetes_cells.node_roles),
        _AGE,
        Column("Version", _kubernetes_cells.path("status.nodeInfo.kubeletVersion", "")),
        Column("Internal-IP", _kubernetes_cells.address("InternalIP"), wide=True),
        Column("External-IP", _kubernetes_cells.address("ExternalIP"), wide=True),
        Column("OS-Image", _kubernetes_cells.path("status.nodeInfo.osImage", "<unknown>"), wide=True),
        Column("Kernel-Version", _kubernetes_cells.path("status.nodeInfo.kernelVersion", "<unknown>"), wide=True),
        Column(
            "Container-Runtime",
            _kubernetes_cells.path("status.nodeInfo.containerRuntimeVersion", "<unknown>"),
            wide=True,
        ),
    ),
    ("", "Event"): (
        Column("Last Seen", _kubernetes_cells.last_seen),
        Column("Type", _kubernetes_cells.path("type", "")),
        Column("Reason", _kubernetes_cells.path("reason", "")),
        Column("Object", _kubernetes_cells.event_object),
        Column("Subobject", _kubernetes_cells.path("involvedObject.fieldPath", ""), wide=True),
        Column("Source", _kubernetes_cells.path("source.component", ""), wide=True),
        Column("Message", _kubernetes_cells.path("message", "")),
        Column(
            "First Seen",
            lambda body, now_s: _kubernetes_cells.since(
                _kubernetes_cells.at(body, "firstTimestamp") or _kubernetes_cells.at(body, "eventTime"), now_s
            ),
            wide=True,
        ),
        Column("Count", _kubernetes_cells.path("count", 1), wide=True),
        Column("Name", _kubernetes_cells.path("metadata.name", ""), wide=True),
    ),
    ("", "Namespace"): (_NAME, Column("Status", _kubernetes_cells.path("status.phase", "Active")), _AGE),
    ("", "ConfigMap"): (_NAME, Column("Data", _kubernetes_cells.size_of("data", "binaryData"), kind="integer"), _AGE),
    ("", "Secret"): (
        _NAME,
        Column("Type", _kubernetes_cells.path("type", "Opaque")),
        Column("Data", _kubernetes_cells.size_of("data"), kind="integer"),
        _AGE,
    ),
    ("", "ServiceAccount"): (
        _NAME,
        Column("Secrets", lambda body, _now_s: len(_kubernetes_cells.at(body, "secrets", ())), kind="integer"),
        _AGE,
    ),
    ("", "Endpoints"): (_NAME, Column("Endpoints", _kubernetes_cells.endpoints), _AGE),
    ("", "PersistentVolumeClaim"): (
        _NAME,
        Column("Status", _kubernetes_cells.path("status.phase", "Pending")),
        Column("Volume", _kubernetes_cells.path("spec.volumeName", "")),
        Column("Capacity", _kubernetes_cells.path("status.capacity.storage", "")),
        Column("Access Modes", _kubernetes_cells.claim_modes),
        Column("StorageClass", _kubernetes_cells.path("spec.storageClassName", "")),
        _AGE,
        Column("VolumeMode", _kubernetes_cells.path("spec.volumeMode", "Filesystem"), wide=True),
    ),
    ("", "PersistentVolume"): (
        _NAME,
        Column("Capacity", _kubernetes_cells.path("spec.capacity.storage", "")),
        Column("Access Modes", _kubernetes_cells.claim_modes),
        Column("Reclaim Policy", _kubernetes_cells.path("spec.persistentVolumeReclaimPolicy", "")),
        Column("Status", _kubernetes_cells.path("status.phase", "")),
        Column("Claim", _kubernetes_cells.claim),
        Column("StorageClass", _kubernetes_cells.path("spec.storageClassName", "")),
        _AGE,
        Column("VolumeMode", _kubernetes_cells.path("spec.volumeMode", "Filesystem"), wide=True),
    ),
    ("networking.k8s.io", "Ingress"): (
        _NAME,
        Column("Class", _kubernetes_cells.path("spec.ingressClassName")),
        Column("Hosts", _kubernetes_cells.hosts),
        Column(
            "Address",
            lambda body, now_s: (
                "" if (found := _kubernetes_cells.external(body, now_s)) == _kubernetes_cells.NONE else found
            ),
        ),
        Column("Ports", lambda body, _now_s: "80, 443" if _kubernetes_cells.at(body, "spec.tls", ()) else "80"),
        _AGE,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): (
        _NAME,
        Column(
            "Reference",
            lambda body, _now_s: (
                f"{_kubernetes_cells.at(body, 'spec.scaleTargetRef.kind')}/{_kubernetes_cells.at(body, 'spec.scaleTargetRef.name')}"
            ),
        ),
        Column("Targets", _kubernetes_cells.hpa_targets),
        Column("MinPods", _kubernetes_cells.path("spec.minReplicas", "<unset>")),
        Column("MaxPods", _kubernetes_cells.path("spec.maxReplicas", 0)),
        Column("Replicas", _kubernetes_cells.path("status.currentReplicas", 0)),
        _AGE,
    ),
    ("batch", "Job"): (
        _NAME,
        Column("Status", _kubernetes_cells.job_status),
        Column("Completions", _kubernetes_cells.ready("status.succeeded", "spec.completions")),
        Column("Duration", _kubernetes_cells.job_duration),
        _AGE,
        *_WORKLOAD,
        _SELECTOR,
    ),
    ("batch", "CronJob"): (
        _NAME,
        Column("Schedule", _kubernetes_cells.path("spec.schedule", "")),
        Column("Timezone", _kubernetes_cells.path("spec.timeZone")),
        Column("Suspend", lambda body, _now_s: str(_kubernetes_cells.at(body, "spec.suspend", False))),
        Column("Active", lambda body, _now_s: len(_kubernetes_cells.at(body, "status.active", ())), kind="integer"),
        Column(
            "Last Schedule",
            lambda body, now_s: (
                _kubernetes_cells.since(_kubernetes_cells.at(body, "status.lastScheduleTime"), now_s)
                if _kubernetes_cells.at(body, "status.lastScheduleTime")
                else _kubernetes_cells.NONE
            ),
        ),
        _AGE,
    ),
}
