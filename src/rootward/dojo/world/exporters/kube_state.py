"""kube-state-metrics: what the cluster's objects say, as numbers."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import troubles as tr
from rootward.dojo.world import workloads
from rootward.dojo.world.exporters import containers, sheet

META = {
    "kube_pod_info": tm.MetricMeta("gauge", "Information about pod."),
    "kube_pod_container_status_restarts_total": tm.MetricMeta(
        "counter", "The number of container restarts per container."
    ),
    "kube_pod_container_status_ready": tm.MetricMeta(
        "gauge", "Describes whether the containers readiness check succeeded."
    ),
    "kube_pod_container_status_last_terminated_reason": tm.MetricMeta(
        "gauge", "Describes the last reason the container was in terminated state."
    ),
    "kube_pod_container_status_waiting_reason": tm.MetricMeta(
        "gauge", "Describes the reason the container is currently in waiting state."
    ),
    "kube_pod_container_resource_limits": tm.MetricMeta(
        "gauge", "The number of requested limit resource by a container."
    ),
    "kube_deployment_spec_replicas": tm.MetricMeta("gauge", "Number of desired pods for a deployment."),
    "kube_deployment_status_replicas_available": tm.MetricMeta(
        "gauge", "The number of available replicas per deployment."
    ),
    "kube_deployment_status_replicas": tm.MetricMeta("gauge", "The number of replicas per deployment."),
    "kube_deployment_status_replicas_ready": tm.MetricMeta("gauge", "The number of ready replicas per deployment."),
    "kube_deployment_status_replicas_unavailable": tm.MetricMeta(
        "gauge", "The number of unavailable replicas per deployment."
    ),
    "kube_deployment_status_replicas_updated": tm.MetricMeta("gauge", "The number of updated replicas per deployment."),
    "kube_deployment_status_condition": tm.MetricMeta("gauge", "The current status conditions of a deployment."),
    "kube_statefulset_status_replicas": tm.MetricMeta("gauge", "The number of replicas per StatefulSet."),
    "kube_statefulset_status_replicas_updated": tm.MetricMeta(
        "gauge", "The number of updated replicas per StatefulSet."
    ),
    "kube_pod_status_ready": tm.MetricMeta("gauge", "Describes whether the pod is ready to serve requests."),
    "kube_pod_status_phase": tm.MetricMeta("gauge", "The pods current phase."),
    "kube_pod_status_reason": tm.MetricMeta("gauge", "The pod status reasons."),
    "kube_pod_status_unschedulable": tm.MetricMeta("gauge", "Describes the unschedulable status for the pod."),
    "kube_statefulset_replicas": tm.MetricMeta("gauge", "Number of desired pods for a StatefulSet."),
    "kube_statefulset_status_replicas_ready": tm.MetricMeta("gauge", "The number of ready replicas per StatefulSet."),
    "kube_pod_owner": tm.MetricMeta("gauge", "Information about the Pod's owner."),
}
BASE = {"job": "kube-state-metrics", "instance": "kube-state-metrics:8080"}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "kube-state-metrics")
    for i, component in enumerate(frame.layout.components):
        if component.kind is not bp.Kind.EXTERNAL:
            _workload(frame, page, i)
    limits = containers.memory_limits(frame)
    for p in range(len(frame.fleet.pods)):
        _pod(frame, page, p, limits[p])
    return page.blocks()


def _workload(frame: fr.Frame, page: sheet.Sheet, i: int) -> None:
    component = frame.layout.components[i]
    counts = workloads.count(frame, i)
    rows = {
        "statefulset_replicas": counts.desired,
        "statefulset_status_replicas": counts.total,
        "statefulset_status_replicas_ready": counts.ready,
        "statefulset_status_replicas_updated": counts.updated,
    }
    kind = workloads.kind_of(component).lower()
    where = {**BASE, "namespace": frame.layout.namespace(i), kind: component.name}
    if kind == "deployment":
        rows = {
            "deployment_spec_replicas": counts.desired,
            "deployment_status_replicas": counts.total,
            "deployment_status_replicas_ready": counts.ready,
            "deployment_status_replicas_available": counts.ready,
            "deployment_status_replicas_unavailable": np.maximum(counts.desired - counts.ready, 0),
            "deployment_status_replicas_updated": counts.updated,
        }
        okay = counts.ready >= counts.desired - np.floor(counts.desired * 0.25)
        for condition, holds in (("Available", okay), ("Progressing", ~counts.late)):
            for status, value in (("true", holds), ("false", ~holds)):
                labels = {"condition": condition, "status": status}
                page.gauge({"__name__": "kube_deployment_status_condition", **where, **labels}, value * 1.0)
    page.gauges(
        [{"__name__": f"kube_{name}", **where} for name in rows], np.array(list(rows.values())) * 1.0, [-1] * len(rows)
    )


def _pod(frame: fr.Frame, page: sheet.Sheet, p: int, memory_limit: fr.FloatArray) -> None:
    pod = frame.fleet.pods[p]
    component = frame.layout.components[pod.component]
    where = {**BASE, "namespace": frame.layout.namespace(pod.component), "pod": pod.name}
    inside = {**where, "container": component.name}
    restarts = np.zeros(frame.steps)
    for restart in pod.restarts:
        restarts[restart.at :] += 1
    owner = {"created_by_kind": "ReplicaSet", "created_by_name": f"{component.name}-{pod.template}"}
    if not pod.template:
        owner = {"created_by_kind": "StatefulSet", "created_by_name": component.name}
    info = {**where, "node": frame.fleet.nodes[pod.node], "pod_ip": pod.address, **owner}
    owned = {
        **where,
        "owner_kind": owner["created_by_kind"],
        "owner_name": owner["created_by_name"],
        "owner_is_controller": "true",
    }
    limit = {"__name__": "kube_pod_container_resource_limits", **inside}
    ready = frame.fleet.ready[p].astype(np.float64)
    rows: list[tuple[dict[str, str], sheet.FloatArray]] = [
        ({"__name__": "kube_pod_info", **info}, np.ones(frame.steps)),
        ({"__name__": "kube_pod_owner", **owned}, np.ones(frame.steps)),
        ({"__name__": "kube_pod_container_status_restarts_total", **inside}, restarts),
        ({"__name__": "kube_pod_container_status_ready", **inside}, ready),
        ({"__name__": "kube_pod_status_ready", **where, "condition": "true"}, ready),
        ({"__name__": "kube_pod_status_ready", **where, "condition": "false"}, 1.0 - ready),
        ({**limit, "resource": "cpu", "unit": "core"}, np.round(frame.draft.knobs.cores[:, pod.component], 3)),
        ({**limit, "resource": "memory", "unit": "byte"}, memory_limit),
        *_phases(frame, p, where),
        *_waiting(frame, p, inside),
    ]
    if pod.restarts:
        last = {
            "__name__": "kube_pod_container_status_last_terminated_reason",
            **inside,
            "reason": pod.restarts[0].reason,
        }
        rows.append((last, (restarts > 0) * 1.0))
    absent = np.broadcast_to(~_recorded(frame, p), (len(rows), frame.steps))
    values = tm.absent_to_stale(np.array([row for _, row in rows]), absent)
    page.gauges([labels for labels, _ in rows], values, [-1] * len(rows))


def _recorded(frame: fr.Frame, p: int) -> lay.BoolArray:
    """Where the API has the pod: evicted ones stay, those of a lost node stay as long as it is lost."""
    pod = frame.fleet.pods[p]
    there = frame.fleet.exists[p].copy()
    if pod.fate == tr.EVICTED:
        there[pod.start :] = True
    return np.asarray(there, dtype=np.bool_)


def _phases(frame: fr.Frame, p: int, where: dict[str, str]) -> list[tuple[dict[str, str], sheet.FloatArray]]:
    pod = frame.fleet.pods[p]
    pending, failed = np.zeros(frame.steps), np.zeros(frame.steps)
    for spell in pod.spells:
        if spell.state.kind in tr.PENDING:
            pending[spell.start : spell.end] = 1.0
    if pod.fate == tr.EVICTED:
        failed[pod.end :] = 1.0
    rows = {"Pending": pending, "Running": 1.0 - pending - failed, "Failed": failed}
    found = [({"__name__": "kube_pod_status_phase", **where, "phase": name}, row) for name, row in rows.items()]
    if failed.any():
        found.append(({"__name__": "kube_pod_status_reason", **where, "reason": "Evicted"}, failed))
    unplaced = [spell for spell in pod.spells if spell.state.kind == tr.UNSCHEDULED]
    if unplaced:
        row = np.zeros(frame.steps)
        for spell in unplaced:
            row[spell.start : spell.end] = 1.0
        found.append(({"__name__": "kube_pod_status_unschedulable", **where}, row))
    return found


def _waiting(frame: fr.Frame, p: int, inside: dict[str, str]) -> list[tuple[dict[str, str], sheet.FloatArray]]:
    """Why a container waits, one series per reason that it ever had."""
    pod = frame.fleet.pods[p]
    reasons: dict[str, sheet.FloatArray] = {}

    def mark(reason: str, begin: int, end: int) -> None:
        reasons.setdefault(reason, np.zeros(frame.steps))[begin:end] = 1.0

    for restart in pod.restarts:
        mark("CrashLoopBackOff", restart.at, restart.ready)
    for spell in pod.spells:
        if spell.state.kind == tr.WAITING:
            mark(spell.state.reason, spell.start, spell.end)
        elif spell.state.kind == tr.INITIALISING:
            mark("PodInitializing", spell.start, spell.end)
    name = "kube_pod_container_status_waiting_reason"
    return [({"__name__": name, **inside, "reason": reason}, row) for reason, row in reasons.items()]
