"""Resource quotas: what the pods of a namespace ask for, and what they may."""

import math

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay

NAME = "compute-quota"
RESOURCES = ("pods", "limits.cpu", "limits.memory")
ROOM = 1.9
"""How much more than an ordinary day's use a quota allows."""


def asked(layout: lay.Layout, i: int, resource: str) -> float:
    """What one pod of component `i` counts for: pods, cores or MiB."""
    if resource == "pods":
        return 1.0
    return float(layout.cores[i]) if resource == "limits.cpu" else layout.components[i].memory_limit_mib


def planned(layout: lay.Layout, namespace: str, resource: str) -> float:
    """What the usual pods of a namespace count for together."""
    return sum(
        asked(layout, i, resource) * float(layout.replicas[i])
        for i, component in enumerate(layout.components)
        if component.kind is not bp.Kind.EXTERNAL and layout.namespace(i) == namespace
    )


def usual(layout: lay.Layout, namespace: str, resource: str) -> float:
    """What the quota allows on any day: a round number with room."""
    rough = planned(layout, namespace, resource) * ROOM
    grain = 10.0 ** max(math.floor(math.log10(max(rough, 1.0))) - 1, 0)
    return math.ceil(rough / grain) * grain


def used(frame: fr.Frame, namespace: str, resource: str) -> lay.FloatArray:
    """What existing pods count for; [T]."""
    total = np.zeros(frame.steps)
    for p, pod in enumerate(frame.fleet.pods):
        if frame.layout.namespace(pod.component) == namespace:
            total += frame.fleet.exists[p] * asked(frame.layout, pod.component, resource)
    return total


def hard(frame: fr.Frame, namespace: str, resource: str) -> lay.FloatArray:
    """What is allowed; [T]."""
    out = np.full(frame.steps, usual(frame.layout, namespace, resource))
    for cap in frame.draft.caps:
        if (cap.namespace, cap.resource) == (namespace, resource):
            out[cap.at : cap.until] = cap.hard
    return out


def written(resource: str, amount: float) -> str:
    """As the API writes it."""
    if resource == "pods":
        return f"{round(amount)}"
    if resource == "limits.memory":
        return f"{round(amount)}Mi"
    return f"{round(amount)}" if abs(amount - round(amount)) < 1e-6 else f"{round(amount * 1000)}m"
