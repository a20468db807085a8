"""Which pods stood in for each component when: names, nodes, roll-outs, memory, kills and restarts."""

import dataclasses

import numpy as np

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""Kubernetes' alphabet for generated names (no vowels, no 0, 1, 3)."""
MIB = 1024.0 * 1024.0
START_S = 20.0
"""From a killed container to one that answers again, without back-off."""
BACK_OFF_S = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
BACK_OFF_FORGET_S = 600.0
NATIVE = (bp.Kind.SERVICE,)


@dataclasses.dataclass(slots=True)
class Restart:
    """The container ended at step `at` and answered again at step `ready`."""

    at: int
    ready: int
    reason: str = "OOMKilled"
    exit_code: int = 137


@dataclasses.dataclass(slots=True)
class Pod:
    """Exists in steps `start:end`; `created_s` may lie before the window."""

    component: int
    slot: int
    name: str
    template: str  # pod-template-hash, "" for stateful sets
    node: int
    address: str
    start: int
    end: int
    created_s: float
    version: str
    restarts: list[Restart] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True, eq=False)
class Fleet:
    """All pods; `ready` [P, T] can serve, `exists` [P, T], `memory` [P, T] bytes, `share` [P, T] of the component's traffic."""

    pods: list[Pod]
    nodes: tuple[str, ...]
    owner: lay.IndexArray
    exists: lay.BoolArray
    ready: lay.BoolArray
    memory: lay.FloatArray
    share: lay.FloatArray

    def of(self, component: int) -> list[int]:
        return [int(p) for p in np.flatnonzero(self.owner == component)]

    def at(self, component: int, step: int) -> list[int]:
        return [p for p in self.of(component) if self.exists[p, step]]


def first_versions(layout: lay.Layout, seed: int) -> list[str]:
    rng = _rng.stream(seed, layout.plan.name, "versions")
    return [f"{rng.integers(1, 5)}.{rng.integers(0, 40)}.{rng.integers(0, 12)}" for _ in layout.components]


def fleet(draft: dr.Draft) -> Fleet:
    """Place pods, roll out releases, let memory grow and the kernel kill; lowers `draft.knobs.pods` accordingly."""
    layout = draft.layout
    nodes = _node_names(draft)
    pods = [pod for i in range(len(layout.components)) for pod in _pods_of(draft, i, len(nodes))]
    owner = np.array([pod.component for pod in pods], dtype=np.intp)
    steps = np.arange(draft.steps)
    start = np.array([pod.start for pod in pods])[:, None]
    end = np.array([pod.end for pod in pods])[:, None]
    exists = (steps >= start) & (steps < end)
    memory = _memory(draft, pods)
    ready = exists.copy()
    for leak in draft.leaks:
        for p in np.flatnonzero(owner == leak.component):
            _grow(draft, pods[p], leak, memory[p], ready[p])
    up = np.zeros((draft.steps, len(layout.components)))
    np.add.at(up.T, owner, ready.astype(np.float64))
    up[:, layout.of_kind(bp.Kind.EXTERNAL)] = np.inf
    draft.knobs.pods = np.minimum(up, draft.knobs.pods)
    _kills(draft, pods)
    lean = 1.0 + 0.06 * _rng.stream(draft.seed, layout.plan.name, "lean").standard_normal(len(pods))
    weight = ready * np.clip(lean, 0.8, 1.2)[:, None]
    total = np.zeros((len(layout.components), draft.steps))
    np.add.at(total, owner, weight)
    share = weight / np.maximum(total[owner], 1e-9)
    return Fleet(pods, nodes, owner, exists, ready, memory, share)


def _kills(draft: dr.Draft, pods: list[Pod]) -> None:
    """Requests in flight on a killed container, and new ones until its endpoint is gone, meet a closed connection."""
    for pod in pods:
        for restart in pod.restarts:
            broken = 0.5 / float(draft.layout.replicas[pod.component])
            draft.knobs.refused[restart.at : restart.at + 1, draft.layout.calls_to(pod.component)] += broken
            draft.knobs.own_error[restart.at : restart.at + 1, pod.component] += broken / 2
    gone = draft.knobs.pods < 0.5
    if gone.any():
        draft.knobs.refused[gone[:, draft.layout.target]] = 1.0
    np.clip(draft.knobs.refused, 0.0, 1.0, out=draft.knobs.refused)


def _node_names(draft: dr.Draft) -> tuple[str, ...]:
    rng = draft.rng("nodes")
    count = max(draft.layout.plan.nodes, int(np.ceil(draft.layout.replicas.sum() / 18)))
    return tuple(
        f"ip-10-{20 + i % 3}-{rng.integers(1, 250)}-{rng.integers(4, 250)}.eu-central-1.compute.internal"
        for i in range(count)
    )


def _pods_of(draft: dr.Draft, i: int, node_count: int) -> list[Pod]:
    component = draft.layout.components[i]
    if component.kind is bp.Kind.EXTERNAL:
        return []
    rng = draft.rng("pods", component.name)
    stateful = component.kind not in NATIVE
    replicas = int(draft.layout.replicas[i])
    generations = [(0, first_versions(draft.layout, draft.seed)[i])]
    generations += [(r.at, r.version) for r in sorted(draft.releases, key=lambda r: r.at) if r.component == i]
    generations += [(limit.at, "") for limit in draft.limits if limit.component == i and limit.rolled]
    generations.sort(key=lambda g: g[0])
    pods: list[Pod] = []
    version = ""
    first_node = int(rng.integers(0, node_count))
    uptime_s = float(rng.uniform(0.7, 9.0)) * 86_400
    for g, (at, fresh) in enumerate(generations):
        version = fresh or version
        template = "" if stateful else _rng.token(rng, 9, SUFFIX)
        following = generations[g + 1][0] if g + 1 < len(generations) else None
        for slot in range(replicas):
            start = 0 if g == 0 else _turn(draft, at, slot)
            end = draft.steps if following is None else _turn(draft, following, slot)
            suffix = str(slot) if stateful else f"{template}-{_rng.token(rng, 5, SUFFIX)}"
            created_s = (
                float(draft.times_s[0]) - uptime_s - slot * 7
                if g == 0
                else float(draft.times_s[min(start, draft.steps - 1)])
            )
            address = f"10.{rng.integers(64, 128)}.{rng.integers(0, 255)}.{rng.integers(2, 254)}"
            if end > start:
                node = (first_node + slot + 3 * g) % node_count
                pods.append(
                    Pod(i, slot, f"{component.name}-{suffix}", template, node, address, start, end, created_s, version)
                )
    return pods


def _turn(draft: dr.Draft, at: int, slot: int) -> int:
    """The step at which a rolling update reaches `slot`: half a minute per pod."""
    return min(at + slot * draft.steps_in(30.0), draft.steps)


def _memory(draft: dr.Draft, pods: list[Pod]) -> lay.FloatArray:
    """Working sets without leaks: warm-up after start, a little of the traffic, slow wander."""
    layout = draft.layout
    rng = draft.rng("memory")
    base = np.array([layout.components[pod.component].memory_mib * MIB for pod in pods]) * rng.uniform(
        0.92, 1.08, len(pods)
    )
    wander = np.cumsum(rng.standard_normal((len(pods), draft.steps)) * 0.0012, axis=1)
    wander -= np.linspace(0, 1, draft.steps) * wander[:, -1:]
    out: lay.FloatArray = base[:, None] * (1.0 + wander)
    for p, pod in enumerate(pods):
        if pod.start > 0:
            age_s = np.maximum(np.arange(draft.steps) - pod.start, 0) * draft.step_s
            out[p] *= 1.0 - 0.45 * np.exp(-age_s / 240.0)
    return out


def _grow(draft: dr.Draft, pod: Pod, leak: dr.Leak, memory: lay.FloatArray, ready: lay.BoolArray) -> None:
    """Leak into one pod; at its limit the kernel kills the container, which comes back after a growing back-off."""
    layout = draft.layout
    limit = layout.components[pod.component].memory_limit_mib * MIB
    for change in draft.limits:
        if change.component == pod.component and change.memory_mib:
            limit = change.memory_mib * MIB
    begin = max(leak.at, pod.start)
    rng = draft.rng("leak", pod.name)
    slope = leak.bytes_per_s * rng.uniform(0.85, 1.15) * draft.step_s
    plain = memory.copy()
    extra, streak, last_s, t = 0.0, 0, -1e12, begin
    end = min(pod.end, draft.heals_at)  # whoever mends a leak replaces or restarts what leaked
    while t < end:
        extra += slope
        if plain[t] + extra < limit * 0.995:
            memory[t] = plain[t] + extra
            t += 1
            continue
        memory[t] = limit * 0.997
        now_s = t * draft.step_s
        streak = streak + 1 if now_s - last_s < BACK_OFF_FORGET_S else 0
        down = draft.steps_in(START_S + BACK_OFF_S[min(streak, len(BACK_OFF_S) - 1)])
        back = min(t + 1 + down, pod.end)
        pod.restarts.append(Restart(t + 1, back))
        ready[t + 1 : back] = False
        memory[t + 1 : back] = 0.0
        last_s = back * draft.step_s
        extra, t = 0.0, back
