"""What the cluster reported: roll-outs, kills and back-off, probes that got no answer, and the chatter of any day."""

from itertools import pairwise

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import cluster, objects
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import pods as pd

IMPATIENT_S = 1.0
"""Readiness probes wait this long for an answer."""
SOURCES = {
    "ScalingReplicaSet": "deployment-controller",
    "SuccessfulCreate": "replicaset-controller",
    "Scheduled": "default-scheduler",
    "OOMKilling": "kernel-monitor",
    "Completed": "job-controller",
}
WARNINGS = ("OOMKilling", "BackOff", "Unhealthy")


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
        if component.kind is bp.Kind.SERVICE:
            for old, new in pairwise(cluster.generations(frame, i)):
                _rollout(frame, report, i, old, new)
            _unready(frame, report, i)
    for p in range(len(frame.fleet.pods)):
        _kills(frame, report, p)
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


def _rollout(frame: fr.Frame, report: Reporter, i: int, old: list[int], new: list[int]) -> None:
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    deployment = (namespace, "Deployment", component.name)
    stale = f"{component.name}-{frame.fleet.pods[old[0]].template}"
    for k, p in enumerate(new):
        pod = frame.fleet.pods[p]
        at_s = float(frame.times_s[pod.start]) - 4
        fresh = f"{component.name}-{pod.template}"
        here = (namespace, "Pod", pod.name)
        image = objects.image(frame, component, pod.version)
        up, down = f"Scaled up replica set {fresh} to {k + 1} from {k}", len(new) - k
        report.say(deployment, "ScalingReplicaSet", up, at_s)
        report.say((namespace, "ReplicaSet", fresh), "SuccessfulCreate", f"Created pod: {pod.name}", at_s)
        placed = f"Successfully assigned {namespace}/{pod.name} to {frame.fleet.nodes[pod.node]}"
        report.say(here, "Scheduled", placed, at_s)
        report.say(here, "Pulled", f'Successfully pulled image "{image}" in 1.9s', at_s + 3)
        report.say(here, "Started", f"Started container {component.name}", at_s + 4)
        fewer = f"Scaled down replica set {stale} to {down - 1} from {down}"
        report.say(deployment, "ScalingReplicaSet", fewer, at_s + 12)
    for p in old:
        pod = frame.fleet.pods[p]
        if pod.end < frame.steps:
            message = f"Stopping container {component.name}"
            report.say((namespace, "Pod", pod.name), "Killing", message, float(frame.times_s[pod.end]))


def _kills(frame: fr.Frame, report: Reporter, p: int) -> None:
    """Out of memory, restarts, back-off."""
    pod = frame.fleet.pods[p]
    name, namespace = frame.layout.components[pod.component].name, frame.layout.namespace(pod.component)
    here = (namespace, "Pod", pod.name)
    last = frame.steps - 1
    for k, restart in enumerate(pod.restarts):
        first_s = float(frame.times_s[min(pod.restarts[0].at, last)])
        at_s = float(frame.times_s[min(restart.at, last)])
        killed = f"Memory cgroup out of memory: Killed process {20000 + 131 * k + pod.slot} ({name})"
        report.say(("", "Node", frame.fleet.nodes[pod.node]), "OOMKilling", killed, at_s)
        if restart.ready - restart.at > frame.draft.steps_in(pd.START_S):
            waiting = f"Back-off restarting failed container {name} in pod {pod.name}_{namespace}"
            report.say(here, "BackOff", waiting, at_s + 6, first_s=first_s, count=k + 1)
        if restart.ready < frame.steps:
            back_s = float(frame.times_s[restart.ready])
            report.say(here, "Started", f"Started container {name}", back_s, first_s=first_s, count=k + 2)


def _unready(frame: fr.Frame, report: Reporter, i: int) -> None:
    """Readiness probes that got no answer in time, aggregated as the kubelet does."""
    steps = np.flatnonzero(frame.state.latency[:, i] - frame.state.hold[:, i] > IMPATIENT_S)
    if len(steps) < 3:
        return
    for p in frame.fleet.of(i):
        mine = steps[frame.fleet.exists[p, steps]]
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
        at_s = float(frame.times_s[int(rng.integers(pod.start, pod.end))])
        _probe(frame, report, p, at_s, at_s, 1)
