"""kube-state-metrics: what the cluster's objects say, as numbers."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
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
    ready = frame.fleet.ready[frame.fleet.of(i)].sum(axis=0).astype(np.float64)
    wanted = np.full(frame.steps, float(frame.layout.replicas[i]))
    names = ("kube_deployment_spec_replicas", "kube_deployment_status_replicas_available", "deployment")
    if component.kind is not bp.Kind.SERVICE:
        names = ("kube_statefulset_replicas", "kube_statefulset_status_replicas_ready", "statefulset")
    where = {**BASE, "namespace": frame.layout.namespace(i), names[2]: component.name}
    page.gauge({"__name__": names[0], **where}, wanted)
    page.gauge({"__name__": names[1], **where}, ready)


def _pod(frame: fr.Frame, page: sheet.Sheet, p: int, memory_limit: fr.FloatArray) -> None:
    pod = frame.fleet.pods[p]
    component = frame.layout.components[pod.component]
    where = {**BASE, "namespace": frame.layout.namespace(pod.component), "pod": pod.name}
    inside = {**where, "container": component.name}
    exists = frame.fleet.exists[p]
    restarts = np.zeros(frame.steps)
    waiting = np.zeros(frame.steps)
    for restart in pod.restarts:
        restarts[restart.at :] += 1
        waiting[restart.at : restart.ready] = 1.0
    owner = {"created_by_kind": "ReplicaSet", "created_by_name": f"{component.name}-{pod.template}"}
    if not pod.template:
        owner = {"created_by_kind": "StatefulSet", "created_by_name": component.name}
    rows: list[tuple[dict[str, str], sheet.FloatArray]] = [
        (
            {"__name__": "kube_pod_info", **where, "node": frame.fleet.nodes[pod.node], "pod_ip": pod.address, **owner},
            np.ones(frame.steps),
        ),
        (
            {
                "__name__": "kube_pod_owner",
                **where,
                "owner_kind": owner["created_by_kind"],
                "owner_name": owner["created_by_name"],
            },
            np.ones(frame.steps),
        ),
        ({"__name__": "kube_pod_container_status_restarts_total", **inside}, restarts),
        ({"__name__": "kube_pod_container_status_ready", **inside}, frame.fleet.ready[p].astype(np.float64)),
        (
            {"__name__": "kube_pod_container_resource_limits", **inside, "resource": "cpu", "unit": "core"},
            np.round(frame.draft.knobs.cores[:, pod.component], 3),
        ),
        (
            {"__name__": "kube_pod_container_resource_limits", **inside, "resource": "memory", "unit": "byte"},
            memory_limit,
        ),
    ]
    if pod.restarts:
        rows.append(
            (
                {
                    "__name__": "kube_pod_container_status_last_terminated_reason",
                    **inside,
                    "reason": pod.restarts[0].reason,
                },
                (restarts > 0) * 1.0,
            )
        )
        rows.append(
            ({"__name__": "kube_pod_container_status_waiting_reason", **inside, "reason": "CrashLoopBackOff"}, waiting)
        )
    values = tm.absent_to_stale(np.array([row for _, row in rows]), np.broadcast_to(~exists, (len(rows), frame.steps)))
    page.gauges([labels for labels, _ in rows], values, [-1] * len(rows))
