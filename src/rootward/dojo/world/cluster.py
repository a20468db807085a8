"""The cluster's objects over time: which existed, in which form, from when."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects
from rootward.dojo.world import pods as pd

OLD_S = 86_400.0 * 40


def versions(frame: fr.Frame) -> tuple[tm.ObjectVersion, ...]:
    """Every object's versions, in order of time."""
    found = [*_foundation(frame)]
    for i, component in enumerate(frame.layout.components):
        if component.kind is not bp.Kind.EXTERNAL:
            found += _workload(frame, i)
    for p in range(len(frame.fleet.pods)):
        found += _pod(frame, p)
    found += [_change(frame, change) for change in frame.draft.objects]
    return tuple(sorted(found, key=lambda version: version.time_s))  # stable: what was written last holds


def _change(frame: fr.Frame, change: dr.ObjectChange) -> tm.ObjectVersion:
    time_s = _start(frame) if change.at < 0 else float(frame.times_s[min(change.at, frame.steps - 1)])
    return tm.ObjectVersion(time_s, change.body, change.deleted)


def _start(frame: fr.Frame) -> float:
    return float(frame.times_s[0]) - 1.0


def _foundation(frame: fr.Frame) -> list[tm.ObjectVersion]:
    at = _start(frame)
    spaces = dict.fromkeys([frame.layout.namespace(i) for i in range(len(frame.layout.components))] + ["kube-system"])
    found = [objects.body("v1", "Namespace", "", name, at - OLD_S, status={"phase": "Active"}) for name in spaces]
    found += [objects.node(frame, n) for n in range(len(frame.fleet.nodes))]
    corefile = ".:53 {\n    errors\n    health\n    kubernetes cluster.local in-addr.arpa ip6.arpa\n    prometheus :9153\n    forward . /etc/resolv.conf\n    cache 30\n}\n"
    found.append(objects.body("v1", "ConfigMap", "kube-system", "coredns", at - OLD_S, data={"Corefile": corefile}))
    template = {
        "metadata": {"labels": {"k8s-app": "kube-dns"}},
        "spec": {"containers": [{"name": "coredns", "image": "registry.k8s.io/coredns/coredns:v1.11.3"}]},
    }
    found.append(
        objects.body(
            "apps/v1",
            "Deployment",
            "kube-system",
            "coredns",
            at - OLD_S,
            spec={"replicas": 2, "selector": {"matchLabels": {"k8s-app": "kube-dns"}}, "template": template},
            status={"replicas": 2, "readyReplicas": 2, "availableReplicas": 2},
        )
    )
    versions = [tm.ObjectVersion(at, item) for item in found]
    for notice in frame.draft.notices:
        if notice.details.get("configmap") == "kube-system/coredns":
            fresh = corefile.replace(
                "forward . /etc/resolv.conf", "forward . 10.0.0.53 10.0.1.53 {\n        max_concurrent 20\n    }"
            )
            changed = objects.body("v1", "ConfigMap", "kube-system", "coredns", at - OLD_S, data={"Corefile": fresh})
            versions.append(tm.ObjectVersion(float(frame.times_s[notice.at]) - 20.0, changed))
    return versions


def generations(frame: fr.Frame, i: int) -> list[list[int]]:
    """A component's pods by pod template, oldest first."""
    by_template: dict[str, list[int]] = {}
    for p in frame.fleet.of(i):
        by_template.setdefault(frame.fleet.pods[p].template, []).append(p)
    return sorted(by_template.values(), key=lambda pods: min(frame.fleet.pods[p].start for p in pods))


def spec_of(frame: fr.Frame, p: int) -> objects.Body:
    """The pod's own spec, with the limits that held when it was made."""
    pod = frame.fleet.pods[p]
    step = min(max(pod.start, 0) + 1, frame.steps - 1)
    cores, memory = float(frame.layout.cores[pod.component]), frame.layout.components[pod.component].memory_limit_mib
    for limit in frame.draft.limits:
        if limit.component == pod.component and (step > limit.at or not limit.rolled):
            cores, memory = limit.cores or cores, limit.memory_mib or memory
    return objects.pod_spec(frame, pod.component, pod.version, cores, memory)


def _workload(frame: fr.Frame, i: int) -> list[tm.ObjectVersion]:
    """Deployment and ReplicaSets, or StatefulSet; Service and Endpoints."""
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    at_s, replicas = _start(frame), int(frame.layout.replicas[i])
    found: list[tm.ObjectVersion] = []
    made = generations(frame, i)
    kind = "Deployment" if component.kind is bp.Kind.SERVICE else "StatefulSet"
    for g, pods in enumerate(made):
        first = frame.fleet.pods[pods[0]]
        time_s = at_s if g == 0 else float(frame.times_s[first.start]) - 5.0
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": component.name}},
            "template": {"metadata": {"labels": objects.labels(component)}, "spec": spec_of(frame, pods[0])},
        }
        revision = {"deployment.kubernetes.io/revision": str(12 + g)}
        metadata = {"labels": objects.labels(component), "generation": g + 1, "annotations": revision}
        status = _counts(replicas) | {"updatedReplicas": replicas, "observedGeneration": g + 1}
        body = objects.body(
            "apps/v1", kind, namespace, component.name, at_s - OLD_S, metadata=metadata, spec=spec, status=status
        )
        found.append(tm.ObjectVersion(time_s, body))
        if kind == "Deployment":
            ends = float(frame.times_s[frame.fleet.pods[made[g + 1][0]].start]) if g + 1 < len(made) else None
            found += _replica_sets(frame, first, spec, revision, time_s, ends)
    return found + _network(frame, i)


def _counts(replicas: int) -> dict[str, int]:
    return {"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas}


def _replica_sets(
    frame: fr.Frame, first: pd.Pod, spec: objects.Body, revision: dict[str, str], from_s: float, until_s: float | None
) -> list[tm.ObjectVersion]:
    """A ReplicaSet while it is the current one, and emptied afterwards."""
    component, namespace = frame.layout.components[first.component], frame.layout.namespace(first.component)
    metadata = {
        "labels": objects.labels(component) | {"pod-template-hash": first.template},
        "ownerReferences": objects.owned("Deployment", namespace, component.name),
        "annotations": revision,
    }
    found = []
    for time_s, count in ((from_s, int(spec["replicas"])), (until_s, 0)):
        if time_s is not None:
            name, fixed = f"{component.name}-{first.template}", {**spec, "replicas": count}
            body = objects.body(
                "apps/v1",
                "ReplicaSet",
                namespace,
                name,
                first.created_s,
                metadata=metadata,
                spec=fixed,
                status=_counts(count),
            )
            found.append(tm.ObjectVersion(time_s, body))
    return found


def _network(frame: fr.Frame, i: int) -> list[tm.ObjectVersion]:
    """The Service and its Endpoints, a new version whenever the set of ready pods changes."""
    component, namespace, at = frame.layout.components[i], frame.layout.namespace(i), _start(frame)
    port = 5432 if component.kind is bp.Kind.DATABASE else 6379 if component.kind is bp.Kind.CACHE else 8080
    head = {"labels": objects.labels(component)}
    service = objects.body(
        "v1",
        "Service",
        namespace,
        component.name,
        at - OLD_S,
        metadata=head,
        spec={
            "type": "ClusterIP",
            "clusterIP": f"172.20.{i // 200}.{10 + i % 200}",
            "selector": {"app": component.name},
            "ports": [{"name": "main", "port": port, "targetPort": port, "protocol": "TCP"}],
        },
    )
    versions = [tm.ObjectVersion(at, service)]
    pods = frame.fleet.of(i)
    ready = frame.fleet.ready[pods]
    moments = [0, *(np.flatnonzero((np.diff(ready.astype(np.int8), axis=1) != 0).any(axis=0)) + 1)]
    for step in moments[:60]:

        def addresses(wanted: bool, step: int = int(step)) -> list[objects.Body]:
            return [
                {
                    "ip": frame.fleet.pods[p].address,
                    "nodeName": frame.fleet.nodes[frame.fleet.pods[p].node],
                    "targetRef": {"kind": "Pod", "name": frame.fleet.pods[p].name, "namespace": namespace},
                }
                for k, p in enumerate(pods)
                if frame.fleet.exists[p, step] and bool(ready[k, step]) is wanted
            ]

        subset: objects.Body = {"ports": [{"name": "main", "port": port, "protocol": "TCP"}]}
        for key, wanted in (("addresses", True), ("notReadyAddresses", False)):
            if addresses(wanted):
                subset[key] = addresses(wanted)
        time_s = at if step == 0 else float(frame.times_s[step])
        versions.append(
            tm.ObjectVersion(
                time_s,
                objects.body("v1", "Endpoints", namespace, component.name, at - OLD_S, metadata=head, subsets=[subset]),
            )
        )
    return versions


def _pod(frame: fr.Frame, p: int) -> list[tm.ObjectVersion]:
    """A pod from creation over its restarts to its end."""
    pod = frame.fleet.pods[p]
    spec = spec_of(frame, p)
    found: list[tm.ObjectVersion] = []

    def add(time_s: float, now: objects.Condition, *, deleted: bool = False) -> None:
        found.append(tm.ObjectVersion(time_s, objects.pod(frame, p, spec, now), deleted))

    add(_start(frame) if pod.start == 0 else pod.created_s, objects.Condition(True, 0, pod.created_s + 9))
    for k, restart in enumerate(pod.restarts):
        ended_s = float(frame.times_s[min(restart.at, frame.steps - 1)])
        add(ended_s, objects.Condition(False, k, ended_s, restart))
        if restart.ready < frame.steps:
            back_s = float(frame.times_s[restart.ready])
            add(back_s, objects.Condition(True, k + 1, back_s, restart))
    if pod.end < frame.steps:
        gone_s = float(frame.times_s[pod.end])
        last = pod.restarts[-1] if pod.restarts else None
        condition = objects.Condition(False, len(pod.restarts), gone_s, last, deleting=True)
        add(gone_s, condition)
        add(gone_s + 25.0, condition, deleted=True)
    return found
