"""The cluster's objects over time: which existed, in which form, from when."""

import dataclasses

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import inventory, node_objects, objects, pod_objects, rollouts, service_objects, workloads
from rootward.dojo.world import troubles as tr

OLD_S = 86_400.0 * 40
MOMENTS = 120
"""The most changes of one object that are kept, the latest."""


def versions(frame: fr.Frame) -> tuple[tm.ObjectVersion, ...]:
    """Every object's versions, in order of time."""
    found = [*_foundation(frame), *node_objects.versions(frame), *inventory.versions(frame)]
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


def spec_of(frame: fr.Frame, p: int) -> objects.Body:
    """The pod's own spec, with the limits that held when it was made."""
    pod = frame.fleet.pods[p]
    return template_of(frame, pod.component, frame.fleet.generations[pod.component][pod.generation], made=pod.start)


def template_of(frame: fr.Frame, i: int, generation: rollouts.Generation, *, made: int | None = None) -> objects.Body:
    """The pod spec that a template asks for; for a pod `made` at some step, what became of it in admission."""
    cores, memory = float(frame.layout.cores[i]), frame.layout.components[i].memory_limit_mib
    for limit in frame.draft.limits:
        since = made if limit.unsaid else generation.at
        if limit.component == i and since is not None and (since >= limit.at or not limit.rolled):
            cores, memory = limit.cores or cores, limit.memory_mib or memory
    spec = objects.pod_spec(frame, i, generation.version, cores, memory)
    for edit in frame.draft.edits:
        since = made if edit.unsaid else generation.at
        if edit.component == i and since is not None and edit.at <= since and not 0 <= edit.until <= since:
            edit.change(spec)
    return spec


def _workload(frame: fr.Frame, i: int) -> list[tm.ObjectVersion]:
    """Deployment and ReplicaSets, or StatefulSet; Service and Endpoints."""
    component = frame.layout.components[i]
    counts = workloads.count(frame, i)
    moments = counts.moments(MOMENTS)
    made = frame.fleet.generations[i]
    specs = [template_of(frame, i, one) for one in made]
    found = [_controller(frame, i, counts, specs, step) for step in moments]
    if workloads.kind_of(component) == "Deployment":
        for g in range(len(made)):
            found += _replica_sets(frame, i, g, counts, specs[g], moments)
    return found + service_objects.versions(frame, i)


def _controller(
    frame: fr.Frame, i: int, counts: workloads.Counts, specs: list[objects.Body], step: int
) -> tm.ObjectVersion:
    """The Deployment or StatefulSet as it stands from `step` on."""
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    current, desired, ready = int(counts.current[step]), int(counts.desired[step]), int(counts.ready[step])
    kind = workloads.kind_of(component)
    turns = int(np.count_nonzero(np.diff(counts.current[: step + 1])))
    scaled = int(np.count_nonzero(np.diff(counts.desired[: step + 1])))
    spec: objects.Body = {
        "replicas": desired,
        "selector": {"matchLabels": {"app": component.name}},
        "template": {"metadata": {"labels": objects.labels(component)}, "spec": specs[current]},
    }
    generation = frame.fleet.generations[i][current]
    if kind == "Deployment":
        recreate = generation.stuck is not None and generation.stuck.recreate
        usual = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}
        spec |= {"strategy": {"type": "Recreate"} if recreate else usual, "progressDeadlineSeconds": 600}
        if generation.only:
            spec["paused"] = True
    status: objects.Body = {
        "observedGeneration": 1 + turns + scaled,
        "replicas": int(counts.total[step]),
        "readyReplicas": ready,
        "availableReplicas": ready,
        "updatedReplicas": int(counts.updated[step]),
    }
    if ready < desired:
        status["unavailableReplicas"] = desired - ready
    status = {key: value for key, value in status.items() if value}  # the API leaves out what is zero
    if kind == "Deployment":
        status["conditions"] = _conditions(frame, i, counts, step)
    metadata = {
        "labels": objects.labels(component),
        "generation": 1 + turns + scaled,
        "annotations": {"deployment.kubernetes.io/revision": str(12 + turns)} if kind == "Deployment" else {},
    }
    created_s = _start(frame) - OLD_S
    body = objects.body(
        "apps/v1", kind, namespace, component.name, created_s, metadata=metadata, spec=spec, status=status
    )
    return tm.ObjectVersion(_start(frame) if step == 0 else float(frame.times_s[step]) - 1.0, body)


def _conditions(frame: fr.Frame, i: int, counts: workloads.Counts, step: int) -> list[objects.Body]:
    """Available, Progressing and, where pods could not be created, ReplicaFailure."""
    current = int(counts.current[step])
    generation = frame.fleet.generations[i][current]
    name = f"{frame.layout.components[i].name}-{generation.template}"
    begun = _start(frame) - OLD_S if generation.at == 0 else float(frame.times_s[generation.at])
    available = counts.available(step)
    missing = np.flatnonzero(counts.ready[: step + 1] != counts.ready[step])
    since = float(frame.times_s[int(missing[-1]) + 1]) if len(missing) else begun
    words = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    if not available:
        words = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    conditions: list[objects.Body] = [
        {
            "type": "Available",
            "status": str(available),
            "reason": words[0],
            "message": words[1],
            "lastTransitionTime": objects.stamp(since),
        }
    ]
    progressing: objects.Body = {"type": "Progressing", "status": "True", "lastTransitionTime": objects.stamp(begun)}
    if counts.late[step]:
        late_s = begun + workloads.DEADLINE_S
        progressing |= {"status": "False", "reason": "ProgressDeadlineExceeded"}
        progressing |= {"message": f'ReplicaSet "{name}" has timed out progressing.'}
        progressing["lastTransitionTime"] = objects.stamp(late_s)
    elif generation.stuck is not None and step < generation.stuck.until:
        progressing |= {"reason": "ReplicaSetUpdated", "message": f'ReplicaSet "{name}" is progressing.'}
    else:
        progressing |= {
            "reason": "NewReplicaSetAvailable",
            "message": f'ReplicaSet "{name}" has successfully progressed.',
        }
    conditions.append(progressing)
    refused = [t for t in frame.draft.troubles if t.component in (-1, i) and t.at <= step < t.until and t.state.message]
    if counts.failing[step] and refused:
        message = refused[-1].state.message.format(pod=f"{name}-{_guess(name)}", namespace=frame.layout.namespace(i))
        failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
        conditions.append({**failure, "lastTransitionTime": objects.stamp(float(frame.times_s[refused[-1].at]))})
    return conditions


def _guess(name: str) -> str:
    """A suffix for a pod that was never made."""
    digits = int(objects.uid(name)[:8], 16)
    return "".join(rollouts.SUFFIX[(digits >> (5 * k)) % len(rollouts.SUFFIX)] for k in range(5))


def _replica_sets(
    frame: fr.Frame, i: int, g: int, counts: workloads.Counts, template: objects.Body, moments: list[int]
) -> list[tm.ObjectVersion]:
    """One ReplicaSet from its creation, a version whenever its counts change."""
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    generation = frame.fleet.generations[i][g]
    created_s = float(frame.times_s[generation.at]) - 5.0 if g else _first_s(frame, generation)
    name = f"{component.name}-{generation.template}"
    metadata = {
        "labels": objects.labels(component) | {"pod-template-hash": generation.template},
        "ownerReferences": objects.owned("Deployment", namespace, component.name),
        "annotations": {"deployment.kubernetes.io/revision": str(12 + g)},
    }
    found: list[tm.ObjectVersion] = []
    before: tuple[int, int, int] | None = None
    for step in moments:
        if step < generation.at:
            continue
        held, ready = int(counts.held[g, step]), int(counts.held_ready[g, step])
        asked = max(held, _asked(counts, generation, step)) if counts.current[step] == g else held
        if before == (asked, held, ready):
            continue
        before = (asked, held, ready)
        spec = {
            "replicas": asked,
            "selector": {"matchLabels": {"app": component.name, "pod-template-hash": generation.template}},
            "template": {"metadata": {"labels": objects.labels(component)}, "spec": template},
        }
        status: objects.Body = {"replicas": held}
        if ready:
            status |= {"readyReplicas": ready, "availableReplicas": ready}
        body = objects.body(
            "apps/v1", "ReplicaSet", namespace, name, created_s, metadata=metadata, spec=spec, status=status
        )
        found.append(tm.ObjectVersion(_start(frame) if step == 0 else float(frame.times_s[step]) - 1.0, body))
    return found


def _asked(counts: workloads.Counts, generation: rollouts.Generation, step: int) -> int:
    """How many pods the current ReplicaSet is told to have."""
    desired = int(counts.desired[step])
    stuck = generation.stuck
    if generation.only:
        return sum(slot < desired for slot in generation.only)
    if stuck is None or step >= stuck.until:
        return desired
    if stuck.recreate:
        return desired
    return min(rollouts.surge(desired) + rollouts.unavailable(desired), desired)


def _first_s(frame: fr.Frame, generation: rollouts.Generation) -> float:
    return min((frame.fleet.pods[p].created_s for p in generation.pods), default=_start(frame) - OLD_S)


def _pod(frame: fr.Frame, p: int) -> list[tm.ObjectVersion]:
    """A pod from creation over everything that befalls it to its end."""
    pod = frame.fleet.pods[p]
    spec = spec_of(frame, p)
    found: list[tm.ObjectVersion] = []
    moments = pod_objects.moments(pod, frame.steps)
    for step in [moments[0], *moments[1:][-MOMENTS:]]:
        time_s = float(frame.times_s[step])
        if step == pod.start:
            time_s = _start(frame) if pod.start == 0 else pod.created_s
        found.append(tm.ObjectVersion(time_s, pod_objects.body(frame, p, spec, pod_objects.look(frame, p, step))))
    if pod.end < frame.steps:
        found += _ending(frame, p, spec)
    return found


def _ending(frame: fr.Frame, p: int, spec: objects.Body) -> list[tm.ObjectVersion]:
    """An evicted pod stays as a record, one on a lost node stays terminating, others are gone after their grace period."""
    pod = frame.fleet.pods[p]
    gone_s = float(frame.times_s[pod.end])
    now = pod_objects.look(frame, p, pod.end - 1)
    if pod.fate == tr.EVICTED:
        failed = dataclasses.replace(now, failed=True, since_s=gone_s)
        return [tm.ObjectVersion(gone_s, pod_objects.body(frame, p, spec, failed))]
    leaving = pod_objects.body(frame, p, spec, dataclasses.replace(now, deleting=True, since_s=gone_s))
    if pod.fate == tr.LOST_POD:
        back = [t.until for t in frame.draft.troubles if t.taken == tr.LOST_POD and pod.node in t.nodes]
        found = [tm.ObjectVersion(gone_s, leaving)]
        if back and back[0] < frame.steps:
            found.append(tm.ObjectVersion(float(frame.times_s[back[0]]) + 8.0, leaving, deleted=True))
        return found
    return [tm.ObjectVersion(gone_s, leaving), tm.ObjectVersion(gone_s + 25.0, leaving, deleted=True)]
