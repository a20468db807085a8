"""Autoscaling: some services follow their load, as a HorizontalPodAutoscaler (autoscaling/v2) on CPU does; one may be broken.

Its rules are those of the controller: nothing within a tenth of the target, up at once (at most double, or four more), down only
to the most of the last five minutes. https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale
"""

import collections
import dataclasses
import hashlib
import math

import numpy as np

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

SHARE = 3
"""One in this many services that could be is autoscaled."""
REQUESTED = 0.5
"""CPU request as a share of the limit."""
TOLERANCE = 0.1
SETTLE_S = 300.0
LAG_S = 30.0
"""From load to the metrics that the controller reads."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scaler:
    """Bounds in pods, `target` in percent of the CPU request, `busy` the share of the limit in use at peak with the usual pods."""

    low: int
    high: int
    target: int
    busy: float


def scalers(layout: lay.Layout) -> dict[int, Scaler]:
    """Which services are autoscaled, and between which bounds."""
    found: dict[int, Scaler] = {}
    for i in layout.of_kind(bp.Kind.SERVICE):
        component, replicas = layout.components[i], int(layout.replicas[i])
        chosen = int(hashlib.sha256(component.name.encode()).hexdigest()[:8], 16) % SHARE == 0
        if not chosen or i in layout.entries or component.consumer or replicas < 2 or component.period_s:
            continue
        busy = float(layout.rate[i] * layout.cpu_s[i] / max(replicas * layout.cores[i], 1e-9))
        target = int(np.clip(round(busy / REQUESTED * 20) * 5, 30, 85))
        found[i] = Scaler(max(2, replicas // 2), 2 * replicas + 2, target, busy)
    return found


def most(layout: lay.Layout, i: int) -> int:
    """The most pods that component `i` may have."""
    scaler = scalers(layout).get(i)
    return scaler.high if scaler is not None else int(layout.replicas[i])


def offered(draft: dr.Draft) -> lay.FloatArray:
    """Load of each component as a share of the peak it was sized for, were everything answered; [T, N]."""
    layout, knobs = draft.layout, draft.knobs
    load = knobs.demand.copy()
    through = layout.call_rate / np.maximum(layout.rate[layout.source], 1e-9)
    for e in range(len(layout.calls)):  # callers come before callees
        load[:, layout.target[e]] += load[:, layout.source[e]] * through[e] * knobs.calls_factor[:, e]
    return np.asarray(load / np.maximum(layout.rate, 1e-9), dtype=np.float64)


def follow(draft: dr.Draft, i: int, scaler: Scaler, load: lay.FloatArray) -> lay.IndexArray:
    """Replicas that the autoscaler of component `i` asks for; [T]."""
    steps, usual = draft.steps, int(draft.layout.replicas[i])
    lag = draft.steps_in(LAG_S)
    seen = np.concatenate((np.full(lag, load[0]), load))[:steps]
    percent = (seen * scaler.busy * usual / REQUESTED * 100.0).tolist()  # of one pod's request, over all pods
    out: list[int] = []  # plain numbers: arrays of one element cost ten times as much
    low, high, target = scaler.low, scaler.high, scaler.target
    now = min(max(math.ceil(percent[0] / target), low), high)
    recent: collections.deque[int] = collections.deque(maxlen=draft.steps_in(SETTLE_S) + 1)
    broken = draft.scaling.get(i)
    for t, needed in enumerate(percent):
        if broken is not None and broken.at <= t < broken.until:
            now = now if broken.replicas < 0 else max(broken.replicas, now - (t - broken.at) // draft.steps_in(60.0))
            out.append(now)
            continue
        ratio = needed / now / target
        asked = now if abs(ratio - 1.0) <= TOLERANCE else math.ceil(now * ratio)
        wished = min(max(asked, low), high)
        recent.append(wished)
        now = min(wished, max(2 * now, now + 4)) if wished > now else max(recent)
        now = min(max(now, low), high)
        out.append(now)
    return np.array(out, dtype=np.intp)
