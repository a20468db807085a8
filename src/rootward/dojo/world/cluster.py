"""The cluster over time: which objects existed in which form, and what the cluster reported."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects
from rootward.dojo.world import pods as pd

OLD_S = 86_400.0 * 40
IMPATIENT_S = 1.0
"""Readiness probes wait this long for an answer."""


def cluster(frame: fr.Frame) -> tm.Cluster:
    """Versions and events, each in order of time."""
    versions = [*_foundation(frame)]
    events: list[objects.Body] = []
    for i, component in enumerate(frame.layout.components):
        if component.kind is not bp.Kind.EXTERNAL:
            versions += _workload(frame, i)
            events += _rollouts(frame, i) + _unready(frame, i)
    for p in range(len(frame.fleet.pods)):
        versions += _pod(frame, p)
        events += _kills(frame, p)
    if frame.noise:
        events += _chatter(frame)
    versions.sort(key=lambda v: v.time_s)
    events.sort(key=lambda e: (e["lastTimestamp"], e["metadata"]["name"]))
    return tm.Cluster(tuple(versions), tuple(events))


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
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    at, replicas = _start(frame), int(frame.layout.replicas[i])
    labels = objects.labels(component)
    versions: list[tm.ObjectVersion] = []
    made = generations(frame, i)
    stateful = component.kind is not bp.Kind.SERVICE
    status = {
        "replicas": replicas,
        "readyReplicas": replicas,
        "updatedReplicas": replicas,
        "availableReplicas": replicas,
        "observedGeneration": 1,
    }
    for g, pods in enumerate(made):
        first = frame.fleet.pods[pods[0]]
        time_s = at if g == 0 else float(frame.times_s[first.start]) - 5.0
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": component.name}},
            "template": {"metadata": {"labels": labels}, "spec": spec_of(frame, pods[0])},
        }
        kind = "StatefulSet" if stateful else "Deployment"
        metadata = {
            "labels": labels,
            "generation": g + 1,
            "annotations": {"deployment.kubernetes.io/revision": str(12 + g)},
        }
        versions.append(
            tm.ObjectVersion(
                time_s,
                objects.body(
                    "apps/v1",
                    kind,
                    namespace,
                    component.name,
                    at - OLD_S,
                    metadata=metadata,
                    spec=spec,
                    status=status | {"observedGeneration": g + 1},
                ),
            )
        )
        if not stateful:
            name = f"{component.name}-{first.template}"
            hashed = labels | {"pod-template-hash": first.template}
            for later in range(g, len(made)):
                count = replicas if later == g else 0
                when = time_s if later == g else float(frame.times_s[frame.fleet.pods[made[later][0]].start])
                owner = {
                    "labels": hashed,
                    "ownerReferences": objects.owned("Deployment", namespace, component.name),
                    "annotations": {"deployment.kubernetes.io/revision": str(12 + g)},
                }
                versions.append(
                    tm.ObjectVersion(
                        when,
                        objects.body(
                            "apps/v1",
                            "ReplicaSet",
                            namespace,
                            name,
                            first.created_s,
                            metadata=owner,
                            spec={**spec, "replicas": count},
                            status={"replicas": count, "readyReplicas": count, "availableReplicas": count},
                        ),
                    )
                )
    versions += _network(frame, i)
    return versions


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
    pod = frame.fleet.pods[p]
    spec = spec_of(frame, p)
    at = _start(frame) if pod.start == 0 else pod.created_s
    versions = [
        tm.ObjectVersion(at, objects.pod(frame, p, spec, ready=True, restarts=0, since_s=pod.created_s + 9, last=None))
    ]
    for k, restart in enumerate(pod.restarts):
        ended = float(frame.times_s[min(restart.at, frame.steps - 1)])
        versions.append(
            tm.ObjectVersion(ended, objects.pod(frame, p, spec, ready=False, restarts=k, since_s=ended, last=restart))
        )
        if restart.ready < frame.steps:
            back = float(frame.times_s[restart.ready])
            versions.append(
                tm.ObjectVersion(
                    back, objects.pod(frame, p, spec, ready=True, restarts=k + 1, since_s=back, last=restart)
                )
            )
    if pod.end < frame.steps:
        gone = float(frame.times_s[pod.end])
        last = pod.restarts[-1] if pod.restarts else None
        versions.append(
            tm.ObjectVersion(
                gone,
                objects.pod(
                    frame, p, spec, ready=False, restarts=len(pod.restarts), since_s=gone, last=last, deleting=True
                ),
            )
        )
        versions.append(
            tm.ObjectVersion(
                gone + 25,
                objects.pod(frame, p, spec, ready=False, restarts=len(pod.restarts), since_s=gone, last=last),
                deleted=True,
            )
        )
    return versions


def _rollouts(frame: fr.Frame, i: int) -> list[objects.Body]:
    """What the controllers and kubelets say while pods are replaced."""
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    events: list[objects.Body] = []
    made = generations(frame, i)
    for old, new in zip(made, made[1:], strict=False):
        for k, p in enumerate(new):
            pod = frame.fleet.pods[p]
            at = float(frame.times_s[pod.start]) - 4
            fresh, stale = f"{component.name}-{pod.template}", f"{component.name}-{frame.fleet.pods[old[0]].template}"
            events.append(
                objects.event(
                    namespace,
                    "Deployment",
                    component.name,
                    "ScalingReplicaSet",
                    f"Scaled up replica set {fresh} to {k + 1} from {k}",
                    at,
                    at,
                    source="deployment-controller",
                )
            )
            events.append(
                objects.event(
                    namespace,
                    "Deployment",
                    component.name,
                    "ScalingReplicaSet",
                    f"Scaled down replica set {stale} to {len(new) - k - 1} from {len(new) - k}",
                    at + 12,
                    at + 12,
                    source="deployment-controller",
                )
            )
            events.append(
                objects.event(
                    namespace,
                    "ReplicaSet",
                    fresh,
                    "SuccessfulCreate",
                    f"Created pod: {pod.name}",
                    at,
                    at,
                    source="replicaset-controller",
                )
            )
            events.append(
                objects.event(
                    namespace,
                    "Pod",
                    pod.name,
                    "Scheduled",
                    f"Successfully assigned {namespace}/{pod.name} to {frame.fleet.nodes[pod.node]}",
                    at,
                    at,
                    source="default-scheduler",
                )
            )
            events.append(
                objects.event(
                    namespace,
                    "Pod",
                    pod.name,
                    "Pulled",
                    f'Successfully pulled image "{objects.image(frame, component, pod.version)}" in 1.9s',
                    at + 3,
                    at + 3,
                )
            )
            events.append(
                objects.event(
                    namespace, "Pod", pod.name, "Started", f"Started container {component.name}", at + 4, at + 4
                )
            )
        for p in old:
            if frame.fleet.pods[p].end < frame.steps:
                gone = float(frame.times_s[frame.fleet.pods[p].end])
                events.append(
                    objects.event(
                        namespace,
                        "Pod",
                        frame.fleet.pods[p].name,
                        "Killing",
                        f"Stopping container {component.name}",
                        gone,
                        gone,
                    )
                )
    return events


def _kills(frame: fr.Frame, p: int) -> list[objects.Body]:
    """Out of memory, restarts, back-off."""
    pod = frame.fleet.pods[p]
    component, namespace = frame.layout.components[pod.component], frame.layout.namespace(pod.component)
    node = frame.fleet.nodes[pod.node]
    events: list[objects.Body] = []
    first_s = float(frame.times_s[min(pod.restarts[0].at, frame.steps - 1)]) if pod.restarts else 0.0
    for k, restart in enumerate(pod.restarts):
        at = float(frame.times_s[min(restart.at, frame.steps - 1)])
        back = float(frame.times_s[min(restart.ready, frame.steps - 1)])
        events.append(
            objects.event(
                "",
                "Node",
                node,
                "OOMKilling",
                f"Memory cgroup out of memory: Killed process {20000 + 131 * k + pod.slot} ({component.name})",
                at,
                at,
                warning=True,
                source="kernel-monitor",
            )
        )
        if restart.ready - restart.at > frame.draft.steps_in(pd.START_S):
            events.append(
                objects.event(
                    namespace,
                    "Pod",
                    pod.name,
                    "BackOff",
                    f"Back-off restarting failed container {component.name} in pod {pod.name}_{namespace}",
                    first_s,
                    at + 6,
                    count=k + 1,
                    warning=True,
                )
            )
        if restart.ready < frame.steps:
            events.append(
                objects.event(
                    namespace,
                    "Pod",
                    pod.name,
                    "Started",
                    f"Started container {component.name}",
                    first_s,
                    back,
                    count=k + 2,
                )
            )
    return events


def _unready(frame: fr.Frame, i: int) -> list[objects.Body]:
    """Readiness probes that got no answer in time, aggregated as the kubelet does."""
    own = frame.state.latency[:, i] - frame.state.hold[:, i]
    slow = own > IMPATIENT_S
    if frame.layout.components[i].kind is not bp.Kind.SERVICE or slow.sum() < 3:
        return []
    steps = np.flatnonzero(slow)
    events = []
    for p in frame.fleet.of(i):
        mine = steps[frame.fleet.exists[p, steps]]
        if len(mine):
            pod, namespace = frame.fleet.pods[p], frame.layout.namespace(i)
            message = f'Readiness probe failed: Get "http://{pod.address}:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
            for last in mine[:: max(1, len(mine) // 6)]:
                events.append(
                    objects.event(
                        namespace,
                        "Pod",
                        pod.name,
                        "Unhealthy",
                        message,
                        float(frame.times_s[mine[0]]),
                        float(frame.times_s[last]) + 3,
                        count=int((mine <= last).sum()),
                        warning=True,
                    )
                )
    return events


def _chatter(frame: fr.Frame) -> list[objects.Body]:
    """What any cluster reports all day."""
    rng = frame.rng("chatter")
    namespace = frame.layout.plan.namespace
    events = []
    for k in range(int(frame.steps * frame.step_s / 1800)):
        at = float(frame.times_s[0]) + 1800 * k + float(rng.uniform(0, 60))
        name = f"report-export-{29000000 + k * 30}"
        events.append(
            objects.event(
                namespace,
                "CronJob",
                "report-export",
                "SuccessfulCreate",
                f"Created job {name}",
                at,
                at,
                source="cronjob-controller",
            )
        )
        events.append(
            objects.event(
                namespace, "Job", name, "Completed", "Job completed", at + 41, at + 41, source="job-controller"
            )
        )
    for _ in range(int(rng.integers(2, 6))):
        p = int(rng.integers(0, len(frame.fleet.pods)))
        pod = frame.fleet.pods[p]
        step = int(rng.integers(pod.start, pod.end))
        at = float(frame.times_s[step])
        message = f'Readiness probe failed: Get "http://{pod.address}:8080/healthz": context deadline exceeded'
        events.append(
            objects.event(
                frame.layout.namespace(pod.component), "Pod", pod.name, "Unhealthy", message, at, at, warning=True
            )
        )
    return events
