"""HorizontalPodAutoscalers over time: what they ask for, what they read, what their conditions say, and what they report."""

from collections.abc import Iterator

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects, scaling

OLD_S = 86_400.0 * 40
MOMENTS = 60
SOURCE = "horizontal-pod-autoscaler"
HEALTHY = {
    "AbleToScale": ("ReadyForNewScale", "recommended size matches current size"),
    "ScalingActive": (
        "ValidMetricFound",
        "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
    ),
    "ScalingLimited": ("DesiredWithinRange", "the desired count is within the acceptable range"),
}

LIMITED = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")


def versions(frame: fr.Frame) -> Iterator[tm.ObjectVersion]:
    for i, scaler in scaling.scalers(frame.layout).items():
        desired = frame.fleet.desired[i]
        broken = frame.draft.scaling.get(i)
        moments = {0, *(int(at) + 1 for at in np.flatnonzero(np.diff(desired))[-MOMENTS:])}
        if broken is not None:
            moments |= {at for at in (broken.at, broken.until) if at < frame.steps}
        for step in sorted(moments):
            time_s = float(frame.times_s[0]) - 1.0 if step == 0 else float(frame.times_s[step])
            yield tm.ObjectVersion(time_s, _body(frame, i, scaler, step))


def _body(frame: fr.Frame, i: int, scaler: scaling.Scaler, step: int) -> objects.Body:
    component, namespace = frame.layout.components[i], frame.layout.namespace(i)
    broken = off(frame, i, step)
    desired = int(frame.fleet.desired[i, step])
    metric: objects.Body = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": scaler.target}},
    }
    if broken is not None and broken.metric:
        metric = {
            "type": "External",
            "external": {"metric": {"name": broken.metric}, "target": {"type": "AverageValue", "averageValue": "50"}},
        }
    busy = round(utilisation(frame, i, step))
    current = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": busy}}}
    reads = broken is None or not broken.told
    status: objects.Body = {
        "currentReplicas": desired,
        "desiredReplicas": desired,
        "conditions": _conditions(frame, i, scaler, step),
        "currentMetrics": [current] if reads and not (broken and broken.metric) else [],
    }
    return objects.body(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        namespace,
        component.name,
        float(frame.times_s[0]) - OLD_S,
        metadata={"labels": objects.labels(component)},
        spec={
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": component.name},
            "minReplicas": min(scaler.low, desired),
            "maxReplicas": scaler.high,
            "metrics": [metric],
        },
        status=status,
    )


def off(frame: fr.Frame, i: int, step: int) -> dr.Unscaled | None:
    """What is wrong with the autoscaler at `step`, if anything is."""
    broken = frame.draft.scaling.get(i)
    return broken if broken is not None and broken.at <= step < broken.until else None


def utilisation(frame: fr.Frame, i: int, step: int) -> float:
    """CPU in use, in percent of what is requested."""
    return float(frame.state.busy_cpu[step, i] / scaling.REQUESTED * 100.0)


def _conditions(frame: fr.Frame, i: int, scaler: scaling.Scaler, step: int) -> list[objects.Body]:
    broken = off(frame, i, step)
    found = []
    for kind, healthy in HEALTHY.items():
        status, words, since_s = (
            "False" if kind == "ScalingLimited" else "True",
            healthy,
            float(frame.times_s[0]) - OLD_S,
        )
        if kind == "ScalingLimited" and int(frame.fleet.desired[i, step]) >= scaler.high:
            status, words = "True", LIMITED
        if broken is not None and broken.condition[0] == kind:
            status, words, since_s = "False", broken.condition[1:], float(frame.times_s[broken.at])
        found.append(
            {
                "type": kind,
                "status": status,
                "reason": words[0],
                "message": words[1],
                "lastTransitionTime": objects.stamp(since_s),
            }
        )
    return found


def events(frame: fr.Frame) -> Iterator[objects.Body]:
    """New sizes with their reason, and what it complains about while it cannot work."""
    for i in scaling.scalers(frame.layout):
        name, desired = frame.layout.components[i].name, frame.fleet.desired[i]
        where = (frame.layout.namespace(i), "HorizontalPodAutoscaler", name)
        for step in np.flatnonzero(np.diff(desired)) + 1:
            if i in frame.draft.replicas:
                continue  # somebody else's doing
            up = desired[step] > desired[step - 1]
            why = "cpu resource utilization (percentage of request) above target" if up else "All metrics below target"
            at_s = float(frame.times_s[step]) - 5.0
            text = f"New size: {int(desired[step])}; reason: {why}"
            yield objects.event(*where, "SuccessfulRescale", text, at_s, at_s, source=SOURCE)
        broken = frame.draft.scaling.get(i)
        if broken is None or not broken.told:
            continue
        first_s = float(frame.times_s[broken.at]) + 11.0
        last_s = float(frame.times_s[min(broken.until, frame.steps) - 1])
        times = max(1, int((last_s - first_s) / 15.0))
        for count in sorted({round(k) for k in np.linspace(1, times, min(times, 12))}):
            at_s = first_s + 15.0 * (count - 1)
            for reason in (broken.told, "FailedComputeMetricsReplicas"):
                text = broken.condition[2]
                if reason == "FailedComputeMetricsReplicas":
                    text = f"invalid metrics (1 invalid out of 1), first error is: {text}"
                yield objects.event(*where, reason, text, first_s, at_s, count=count, warning=True, source=SOURCE)
