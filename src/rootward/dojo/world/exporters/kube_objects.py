"""kube-state-metrics on what is no workload: nodes, autoscalers, quotas, volume claims; and the kubelets' volumes."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import inventory, quotas, scaler_objects, scaling, volumes
from rootward.dojo.world.exporters import kube_state, sheet

META = {
    "kube_node_info": tm.MetricMeta("gauge", "Information about a cluster node."),
    "kube_node_status_condition": tm.MetricMeta("gauge", "The condition of a cluster node."),
    "kube_node_spec_unschedulable": tm.MetricMeta("gauge", "Whether a node can schedule new pods."),
    "kube_node_spec_taint": tm.MetricMeta("gauge", "The taint of a cluster node."),
    "kube_node_status_allocatable": tm.MetricMeta("gauge", "The allocatable for different resources of a node."),
    "kube_horizontalpodautoscaler_spec_min_replicas": tm.MetricMeta("gauge", "Lower limit for the number of pods."),
    "kube_horizontalpodautoscaler_spec_max_replicas": tm.MetricMeta("gauge", "Upper limit for the number of pods."),
    "kube_horizontalpodautoscaler_status_current_replicas": tm.MetricMeta("gauge", "Current number of replicas."),
    "kube_horizontalpodautoscaler_status_desired_replicas": tm.MetricMeta("gauge", "Desired number of replicas."),
    "kube_horizontalpodautoscaler_status_condition": tm.MetricMeta("gauge", "The condition of this autoscaler."),
    "kube_resourcequota": tm.MetricMeta("gauge", "Information about resource quota."),
    "kube_persistentvolumeclaim_status_phase": tm.MetricMeta("gauge", "The phase the claim is currently in."),
    "kube_persistentvolumeclaim_info": tm.MetricMeta("gauge", "Information about persistent volume claim."),
}
BASE = kube_state.BASE
ALLOCATABLE = {("cpu", "core"): 7.91, ("memory", "byte"): 30.0 * 1024**3, ("pods", "integer"): 58.0}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "kube-state-metrics")
    for n in range(len(frame.fleet.nodes)):
        _node(frame, page, n)
    for i, scaler in scaling.scalers(frame.layout).items():
        _scaler(frame, page, i, scaler)
    for namespace in sorted({frame.layout.namespace(i) for i in range(len(frame.layout.components))}):
        for resource in quotas.RESOURCES:
            scale = 1024.0**2 if resource == "limits.memory" else 1.0
            where = {**BASE, "namespace": namespace, "resourcequota": quotas.NAME, "resource": resource}
            page.gauge(
                {"__name__": "kube_resourcequota", **where, "type": "used"},
                quotas.used(frame, namespace, resource) * scale,
            )
            page.gauge(
                {"__name__": "kube_resourcequota", **where, "type": "hard"},
                quotas.hard(frame, namespace, resource) * scale,
            )
    for i, component in enumerate(frame.layout.components):
        if component.kind is not bp.Kind.EXTERNAL:
            _claims(frame, page, i)
    return page.blocks()


def _node(frame: fr.Frame, page: sheet.Sheet, n: int) -> None:
    marks = [one for one in frame.draft.marks if one.node == n]
    where = {**BASE, "node": frame.fleet.nodes[n]}
    ones = np.ones(frame.steps)
    page.gauge({"__name__": "kube_node_info", **where, "kubelet_version": "v1.31.2"}, ones)
    for (resource, unit), amount in ALLOCATABLE.items():
        labels = {"__name__": "kube_node_status_allocatable", **where, "resource": resource, "unit": unit}
        page.gauge(labels, ones * amount)
    for condition in ("Ready", "DiskPressure", "MemoryPressure", "PIDPressure"):
        status = np.full(frame.steps, "true" if condition == "Ready" else "false", dtype=object)
        for mark in marks:
            if mark.condition[0] == condition:
                status[mark.at : mark.until] = mark.condition[1].lower()
        for value in ("true", "false", "unknown"):
            labels = {"__name__": "kube_node_status_condition", **where, "condition": condition, "status": value}
            page.gauge(labels, (status == value).astype(np.float64))
    cordoned = np.zeros(frame.steps)
    taints: dict[tuple[str, str, str], fr.FloatArray] = {}
    for mark in marks:
        if mark.cordoned:
            cordoned[mark.at : mark.until] = 1.0
        for taint in mark.taints:
            taints.setdefault(taint, np.zeros(frame.steps))[mark.at : mark.until] = 1.0
    page.gauge({"__name__": "kube_node_spec_unschedulable", **where}, cordoned)
    for (key, value, effect), row in taints.items():
        labels = {"__name__": "kube_node_spec_taint", **where, "key": key, "value": value, "effect": effect}
        page.gauge(labels, tm.absent_to_stale(row, row == 0.0))


def _scaler(frame: fr.Frame, page: sheet.Sheet, i: int, scaler: scaling.Scaler) -> None:
    name = frame.layout.components[i].name
    where = {**BASE, "namespace": frame.layout.namespace(i), "horizontalpodautoscaler": name}
    desired = frame.fleet.desired[i].astype(np.float64)
    held = frame.fleet.exists[frame.fleet.of(i)].sum(axis=0).astype(np.float64)
    family = "kube_horizontalpodautoscaler"
    rows = {
        "spec_min_replicas": np.minimum(desired, float(scaler.low)),
        "spec_max_replicas": np.full(frame.steps, float(scaler.high)),
        "status_current_replicas": held,
        "status_desired_replicas": desired,
    }
    page.gauges(
        [{"__name__": f"{family}_{key}", **where} for key in rows], np.array(list(rows.values())), [-1] * len(rows)
    )
    broken = frame.draft.scaling.get(i)
    for condition in scaler_objects.HEALTHY:
        holds = np.full(frame.steps, condition != "ScalingLimited")
        if condition == "ScalingLimited":
            holds = desired >= scaler.high
        if broken is not None and broken.condition[0] == condition:
            holds[broken.at : broken.until] = False
        for status, row in (("true", holds), ("false", ~holds)):
            labels = {"__name__": f"{family}_status_condition", **where, "condition": condition, "status": status}
            page.gauge(labels, row.astype(np.float64))


def _claims(frame: fr.Frame, page: sheet.Sheet, i: int) -> None:
    for claim in volumes.claims(frame.layout, i, frame.draft.seed):
        where = {**BASE, "namespace": frame.layout.namespace(i), "persistentvolumeclaim": claim.name}
        info = {"__name__": "kube_persistentvolumeclaim_info", **where, "storageclass": inventory.storage_class(claim)}
        page.gauge(info, np.ones(frame.steps))
        for phase in ("Bound", "Pending", "Lost"):
            labels = {"__name__": "kube_persistentvolumeclaim_status_phase", **where, "phase": phase}
            page.gauge(labels, np.full(frame.steps, float(phase == "Bound")))
