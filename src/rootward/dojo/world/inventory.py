"""What any cluster has beside its workloads: accounts, quotas, classes, claims, budgets, policies, ingress, autoscalers, jobs.

Faults change some of these (as `draft.objects`, or through caps and marks); all others are here so that none stands alone.
"""

from collections.abc import Iterator

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import ingress_objects, objects, quotas, scaler_objects, volumes

OLD_S = 86_400.0 * 40
STORAGE_CLASS = "gp3"
SHARED_CLASS = "efs"


def versions(frame: fr.Frame) -> Iterator[tm.ObjectVersion]:
    """All of them, those that change with each change."""
    at_s = float(frame.times_s[0]) - 1.0
    spaces = sorted({frame.layout.namespace(i) for i in range(len(frame.layout.components))})
    for body in (*_of_cluster(frame), *(one for space in spaces for one in _of_namespace(frame, space))):
        yield tm.ObjectVersion(at_s, body)
    for i, component in enumerate(frame.layout.components):
        if component.kind is not bp.Kind.EXTERNAL:
            for body in _of_component(frame, i):
                yield tm.ObjectVersion(at_s, body)
    for space in spaces:
        yield from _quota(frame, space)
    yield from scaler_objects.versions(frame)
    yield from ingress_objects.versions(frame)


def _old(frame: fr.Frame, api: str, kind: str, namespace: str, name: str, **rest: object) -> objects.Body:
    return objects.body(api, kind, namespace, name, float(frame.times_s[0]) - OLD_S, **rest)


def _of_cluster(frame: fr.Frame) -> Iterator[objects.Body]:
    for name, value, text in (
        ("system-cluster-critical", 2_000_000_000, "Used for system critical pods that must run in the cluster."),
        (
            "system-node-critical",
            2_000_001_000,
            "Used for system critical pods that must not be moved from their node.",
        ),
        ("production", 1000, "Services that answer customers."),
        ("batch", 100, "Work that can wait."),
    ):
        yield _old(frame, "scheduling.k8s.io/v1", "PriorityClass", "", name, value=value, description=text)
    for name, default in ((STORAGE_CLASS, "true"), ("gp2", "false"), (SHARED_CLASS, "false")):
        yield _old(
            frame,
            "storage.k8s.io/v1",
            "StorageClass",
            "",
            name,
            metadata={"annotations": {"storageclass.kubernetes.io/is-default-class": default}},
            provisioner="efs.csi.aws.com" if name == SHARED_CLASS else "ebs.csi.aws.com",
            parameters={} if name == SHARED_CLASS else {"type": name},
            reclaimPolicy="Delete",
            volumeBindingMode="WaitForFirstConsumer",
            allowVolumeExpansion=True,
        )


def _of_namespace(frame: fr.Frame, namespace: str) -> Iterator[objects.Body]:
    domain = frame.layout.plan.domain
    yield _old(frame, "v1", "ServiceAccount", namespace, "default")
    certificate = {"ca.crt": f"(certificate of {domain})"}
    yield _old(frame, "v1", "ConfigMap", namespace, "kube-root-ca.crt", data=certificate)
    yield _old(frame, "v1", "Secret", namespace, "registry", type="kubernetes.io/dockerconfigjson")
    yield _old(frame, "v1", "ServiceAccount", namespace, "report-export")
    yield _old(
        frame,
        "batch/v1",
        "CronJob",
        namespace,
        "report-export",
        spec={
            "schedule": "*/30 * * * *",
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {
                "spec": {
                    "template": {
                        "metadata": {"labels": {"app": "report-export"}},
                        "spec": {
                            "serviceAccountName": "report-export",
                            "restartPolicy": "OnFailure",
                            "priorityClassName": "batch",
                            "containers": [
                                {"name": "report-export", "image": f"registry.{domain}/report-export:1.4.2"}
                            ],
                        },
                    }
                }
            },
        },
        status={},
    )
    yield _old(
        frame,
        "networking.k8s.io/v1",
        "NetworkPolicy",
        namespace,
        "allow-same-namespace",
        spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": {}}]}]},
    )
    yield _old(
        frame,
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        namespace,
        "developers-view",
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        subjects=[{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "developers"}],
    )


def _of_component(frame: fr.Frame, i: int) -> Iterator[objects.Body]:
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    labels = {"labels": objects.labels(component)}
    yield _old(frame, "v1", "ServiceAccount", namespace, component.name, metadata=labels)
    yield from _volumes(frame, i)
    if component.kind is not bp.Kind.SERVICE:
        return
    settings = {"LOG_LEVEL": "info", "OTEL_SERVICE_NAME": component.name}
    yield _old(frame, "v1", "ConfigMap", namespace, f"{component.name}-settings", metadata=labels, data=settings)
    yield _old(frame, "v1", "Secret", namespace, f"{component.name}-credentials", metadata=labels, type="Opaque")
    replicas = int(frame.layout.replicas[i])
    if replicas >= 2:
        yield _old(
            frame,
            "policy/v1",
            "PodDisruptionBudget",
            namespace,
            component.name,
            metadata=labels,
            spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": component.name}}},
            status={
                "currentHealthy": replicas,
                "desiredHealthy": replicas - 1,
                "disruptionsAllowed": 1,
                "expectedPods": replicas,
            },
        )


def storage_class(claim: volumes.Claim) -> str:
    return SHARED_CLASS if claim.shared else STORAGE_CLASS


def _volumes(frame: fr.Frame, i: int) -> Iterator[objects.Body]:
    """Claims and the volumes that satisfy them."""
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    for claim in volumes.claims(frame.layout, i, frame.draft.seed):
        volume = f"pvc-{objects.uid('PersistentVolumeClaim', namespace, claim.name)}"
        size = f"{round(claim.capacity / volumes.GIB)}Gi"
        modes = ["ReadWriteMany"] if claim.shared else ["ReadWriteOnce"]
        yield _old(
            frame,
            "v1",
            "PersistentVolumeClaim",
            namespace,
            claim.name,
            metadata={"labels": objects.labels(component)},
            spec={
                "accessModes": modes,
                "storageClassName": storage_class(claim),
                "resources": {"requests": {"storage": size}},
                "volumeName": volume,
                "volumeMode": "Filesystem",
            },
            status={"phase": "Bound", "accessModes": modes, "capacity": {"storage": size}},
        )
        yield _old(
            frame,
            "v1",
            "PersistentVolume",
            "",
            volume,
            spec={
                "accessModes": modes,
                "storageClassName": storage_class(claim),
                "capacity": {"storage": size},
                "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim.name},
                "persistentVolumeReclaimPolicy": "Delete",
            },
            status={"phase": "Bound"},
        )


def _quota(frame: fr.Frame, namespace: str) -> Iterator[tm.ObjectVersion]:
    """The quota, a version whenever what is used or allowed changes."""
    used = np.array([quotas.used(frame, namespace, one) for one in quotas.RESOURCES])
    hard = np.array([quotas.hard(frame, namespace, one) for one in quotas.RESOURCES])
    changed = (np.diff(np.vstack((used, hard)), axis=1) != 0).any(axis=0)
    for step in (0, *[int(at) + 1 for at in np.flatnonzero(changed)][-120:]):
        allowed = {name: quotas.written(name, hard[k, step]) for k, name in enumerate(quotas.RESOURCES)}
        taken = {name: quotas.written(name, used[k, step]) for k, name in enumerate(quotas.RESOURCES)}
        body = _old(
            frame,
            "v1",
            "ResourceQuota",
            namespace,
            quotas.NAME,
            spec={"hard": allowed},
            status={"hard": allowed, "used": taken},
        )
        yield tm.ObjectVersion(float(frame.times_s[0]) - 1.0 if step == 0 else float(frame.times_s[step]), body)
