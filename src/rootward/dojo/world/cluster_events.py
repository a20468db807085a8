"""What the cluster reported: roll-outs, kills and back-off, probes that got no answer, and the chatter of any day."""

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects, pod_events, rollouts, scaler_objects, workloads
from rootward.dojo.world import pods as pd
from rootward.dojo.world import troubles as tr

IMPATIENT_S = 1.0
"""Readiness probes wait this long for an answer."""
SOURCES = {
    "ScalingReplicaSet": "deployment-controller",
    "SuccessfulCreate": "replicaset-controller",
    "Scheduled": "default-scheduler",
    "OOMKilling": "kernel-monitor",
    "Completed": "job-controller",
    "Preempted": "default-scheduler",
    "TaintManagerEviction": "taint-eviction-controller",
}
WARNINGS = ("OOMKilling", "BackOff", "Unhealthy", "Evicted")


class Reporter:
    """Collects Event objects."""

    def __init__(self) -> None:
        self.events: list[objects.Body] = []

    def say(
        self,
        where: tuple[str, str, str],
        reason: str,
        message: str,
        at_s: float,
        *,
        first_s: float | None = None,
        count: int = 1,
    ) -> None:
        """`where` is namespace, kind and name of the object; `count` times from `first_s` to `at_s`."""
        begin_s = at_s if first_s is None else first_s
        warning, source = reason in WARNINGS, SOURCES.get(reason, "kubelet")
        self.events.append(
            objects.event(*where, reason, message, begin_s, at_s, count=count, warning=warning, source=source)
        )


def events(frame: fr.Frame) -> tuple[objects.Body, ...]:
    """core/v1 Events in order of the time they were last seen."""
    report = Reporter()
    for i, component in enumerate(frame.layout.components):
        if component.kind is not bp.Kind.EXTERNAL:
            _scaled(frame, report, i)
        if component.kind is bp.Kind.SERVICE:
            _unready(frame, report, i)
    for p in range(len(frame.fleet.pods)):
        _born(frame, report, p)
        _kills(frame, report, p)
        _ended(frame, report, p)
    pod_events.report(frame, report)
    report.events += scaler_objects.events(frame)
    for told in frame.draft.happenings:
        _told(frame, report, told)
    _chatter(frame, report)
    return tuple(sorted(report.events, key=lambda e: (e["lastTimestamp"], e["metadata"]["name"])))


def _told(frame: fr.Frame, report: Reporter, told: dr.Happening) -> None:
    last = frame.steps - 1
    at_s = float(frame.times_s[min(told.at, last)])
    first_s = float(frame.times_s[min(told.first, last)]) if told.first >= 0 else at_s
    report.events.append(
        objects.event(
            *told.where,
            told.reason,
            told.message,
            first_s,
            at_s,
            count=told.count,
            warning=told.warning,
            source=told.source,
        )
    )


def _scaled(frame: fr.Frame, report: Reporter, i: int) -> None:
    """Replica sets growing and shrinking, as the deployment controller says it."""
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    if component.kind is not bp.Kind.SERVICE:
        return
    counts = workloads.count(frame, i)
    for g, generation in enumerate(frame.fleet.generations[i]):
        name = f"{component.name}-{generation.template}"
        held = counts.held[g].copy()
        if generation.stuck is not None and not generation.pods:
            asked = rollouts.surge(int(counts.desired[generation.at]))
            held[generation.at : generation.stuck.until] = asked
        for step in np.flatnonzero(np.diff(held)) + 1:
            new, old = int(held[step]), int(held[step - 1])
            gone = [p for p in generation.pods if frame.fleet.pods[p].end == step]
            if new < old and any(frame.fleet.pods[p].fate for p in gone):
                continue  # not the controller's doing
            if new > old and _replaced(frame, generation, int(step)):
                continue
            way = "up" if new > old else "down"
            at_s = float(frame.times_s[step]) + (-4 if new > old else 12)
            text = f"Scaled {way} replica set {name} to {new} from {old}"
            report.say((namespace, "Deployment", component.name), "ScalingReplicaSet", text, at_s)


def _replaced(frame: fr.Frame, generation: rollouts.Generation, step: int) -> bool:
    """A pod made at `step` stands in for one of the same template that was taken away."""
    born = [frame.fleet.pods[p] for p in generation.pods if frame.fleet.pods[p].start == step]
    fates = [frame.fleet.pods[p] for p in generation.pods if frame.fleet.pods[p].fate]
    return any(one.slot == pod.slot and one.end <= step for pod in born for one in fates)


def _born(frame: fr.Frame, report: Reporter, p: int) -> None:
    """From the controller that made a pod to the kubelet that started its container, as far as it came."""
    pod = frame.fleet.pods[p]
    if pod.start == 0:
        return
    component, namespace = frame.layout.components[pod.component], frame.layout.namespace(pod.component)
    at_s = pod.created_s - 4
    here = (namespace, "Pod", pod.name)
    if pod.template:
        owner = (namespace, "ReplicaSet", f"{component.name}-{pod.template}")
        report.say(owner, "SuccessfulCreate", f"Created pod: {pod.name}", at_s)
    else:
        made = f"create Pod {pod.name} in StatefulSet {component.name} successful"
        report.say((namespace, "StatefulSet", component.name), "SuccessfulCreate", made, at_s)
    first = pod.spell(pod.start)
    kind = first.state.kind if first is not None else ""
    if kind == tr.UNSCHEDULED and first is not None:
        if first.end < pod.end:
            at_s = float(frame.times_s[min(first.end, frame.steps - 1)]) - 8
        else:
            return
    placed = f"Successfully assigned {namespace}/{pod.name} to {frame.fleet.nodes[pod.node]}"
    report.say(here, "Scheduled", placed, at_s)
    if kind in (tr.WAITING, tr.INITIALISING):
        return
    image = objects.image(frame, component, pod.version)
    report.say(here, "Pulled", f'Successfully pulled image "{image}" in 1.9s', at_s + 3)
    report.say(here, "Created", f"Created container {component.name}", at_s + 4)
    report.say(here, "Started", f"Started container {component.name}", at_s + 4)


def _ended(frame: fr.Frame, report: Reporter, p: int) -> None:
    pod = frame.fleet.pods[p]
    if pod.end >= frame.steps:
        return
    at_s = float(frame.times_s[pod.end])
    namespace, name = frame.layout.namespace(pod.component), frame.layout.components[pod.component].name
    here, node = (namespace, "Pod", pod.name), frame.fleet.nodes[pod.node]
    if pod.fate == tr.EVICTED:
        report.say(here, "Evicted", pod.note, at_s)
    elif pod.fate == tr.PREEMPTED:
        report.say(here, "Preempted", pod.note or f"Preempted by pod on node {node}", at_s)
    elif pod.fate == tr.LOST_POD:
        report.say(here, "TaintManagerEviction", f"Marking for deletion Pod {namespace}/{pod.name}", at_s)
        return
    spell = pod.spell(pod.end - 1)
    if spell is None or spell.state.kind not in tr.PENDING:
        report.say(here, "Killing", f"Stopping container {name}", at_s)


def _kills(frame: fr.Frame, report: Reporter, p: int) -> None:
    """Out of memory, restarts, back-off."""
    pod = frame.fleet.pods[p]
    name, namespace = frame.layout.components[pod.component].name, frame.layout.namespace(pod.component)
    here = (namespace, "Pod", pod.name)
    last = frame.steps - 1
    for k, restart in enumerate(pod.restarts):
        first_s = float(frame.times_s[min(pod.restarts[0].at, last)])
        at_s = float(frame.times_s[min(restart.at, last)])
        if restart.reason == "OOMKilled":
            killed = f"Memory cgroup out of memory: Killed process {20000 + 131 * k + pod.slot} ({name})"
            report.say(("", "Node", frame.fleet.nodes[pod.node]), "OOMKilling", killed, at_s)
        if restart.ready - restart.at > frame.draft.steps_in(pd.START_S) or not restart.served:
            uid = objects.uid("Pod", namespace, pod.name)
            waiting = f"Back-off restarting failed container {name} in pod {pod.name}_{namespace}({uid})"
            report.say(here, "BackOff", waiting, at_s + 6, first_s=first_s, count=k + 1)
        if restart.ready < min(frame.steps, pod.end):
            back_s = float(frame.times_s[restart.ready])
            report.say(here, "Started", f"Started container {name}", back_s, first_s=first_s, count=k + 2)


def _unready(frame: fr.Frame, report: Reporter, i: int) -> None:
    """Readiness probes that got no answer in time, aggregated as the kubelet does."""
    steps = np.flatnonzero(frame.state.latency[:, i] - frame.state.hold[:, i] > IMPATIENT_S)
    if len(steps) < 3:
        return
    for p in frame.fleet.of(i):
        mine = steps[frame.fleet.running[p, steps]]
        for last in mine[:: max(1, len(mine) // 6)]:
            at_s, first_s = float(frame.times_s[last]) + 3, float(frame.times_s[mine[0]])
            _probe(frame, report, p, at_s, first_s, int((mine <= last).sum()))


def _probe(frame: fr.Frame, report: Reporter, p: int, at_s: float, first_s: float, count: int) -> None:
    pod = frame.fleet.pods[p]
    late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    message = f'Readiness probe failed: Get "http://{pod.address}:8080/healthz": {late}'
    where = (frame.layout.namespace(pod.component), "Pod", pod.name)
    report.say(where, "Unhealthy", message, at_s, first_s=first_s, count=count)


def _chatter(frame: fr.Frame, report: Reporter) -> None:
    """What any cluster reports all day."""
    rng = frame.rng("chatter")
    namespace = frame.layout.plan.namespace
    for k in range(int(frame.steps * frame.step_s / 1800 * (frame.noise.chatter > 0))):
        at_s = float(frame.times_s[0]) + 1800 * k + float(rng.uniform(0, 60))
        name = f"report-export-{29000000 + k * 30}"
        report.say((namespace, "CronJob", "report-export"), "SuccessfulCreate", f"Created job {name}", at_s)
        report.say((namespace, "Job", name), "Completed", "Job completed", at_s + 41)
    for _ in range(round(int(rng.integers(2, 6)) * frame.noise.chatter)):
        p = int(rng.integers(0, len(frame.fleet.pods)))
        pod = frame.fleet.pods[p]
        step = int(rng.integers(pod.start, pod.end))
        at_s = float(frame.times_s[step])
        if frame.fleet.running[p, step]:
            _probe(frame, report, p, at_s, at_s, 1)
