"""Which pods stood in for each component when: names, nodes, roll-outs, memory, kills and restarts."""

import dataclasses

import numpy as np

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import rollouts, scaling
from rootward.dojo.world import troubles as tr

SUFFIX = rollouts.SUFFIX
MIB = 1024.0 * 1024.0
START_S = 20.0
"""From a killed container to one that answers again, without back-off."""
BACK_OFF_S = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
BACK_OFF_FORGET_S = 600.0
first_versions = rollouts.first_versions


@dataclasses.dataclass(slots=True)
class Restart:
    """The container ended at step `at` and answered again at step `ready`; it `served` until then, or never got that far."""

    at: int
    ready: int
    reason: str = "OOMKilled"
    exit_code: int = 137
    served: bool = True


@dataclasses.dataclass(slots=True)
class Pod:
    """Exists in steps `start:end`; `created_s` may lie before the window. `spells` are its times of not being ready; `fate` is how
    it ended (Evicted, Preempted, Lost with its node; "" when it was replaced or scaled away)."""

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
    generation: int = 0
    restarts: list[Restart] = dataclasses.field(default_factory=list)
    spells: list[tr.Spell] = dataclasses.field(default_factory=list)
    fate: str = ""
    note: str = ""

    def spell(self, step: int) -> tr.Spell | None:
        return next((one for one in self.spells if one.start <= step < one.end), None)


@dataclasses.dataclass(slots=True, eq=False)
class Fleet:
    """All pods; `ready` [P, T] can serve, `running` its process can be asked, `exists` [P, T], `memory` [P, T] bytes, `share`
    [P, T] of the component's traffic. `generations` [N] pod templates of each component, `desired` [N, T] replicas."""

    pods: list[Pod]
    nodes: tuple[str, ...]
    owner: lay.IndexArray
    exists: lay.BoolArray
    ready: lay.BoolArray
    running: lay.BoolArray
    memory: lay.FloatArray
    share: lay.FloatArray
    generations: list[list[rollouts.Generation]]
    desired: lay.IndexArray

    def pending(self, p: int) -> lay.BoolArray:
        """Where pod `p` has not started any container; [T]. Nothing scrapes it meanwhile."""
        found = np.zeros(self.exists.shape[1], dtype=np.bool_)
        for spell in self.pods[p].spells:
            if spell.state.kind in tr.PENDING:
                found[spell.start : spell.end] = True
        return found

    def of(self, component: int) -> list[int]:
        return [int(p) for p in np.flatnonzero(self.owner == component)]

    def at(self, component: int, step: int) -> list[int]:
        return [p for p in self.of(component) if self.exists[p, step]]


def fleet(draft: dr.Draft) -> Fleet:
    """Place pods, roll out releases, let troubles, growing memory and the kernel act; sets `draft.knobs.pods` accordingly."""
    layout = draft.layout
    nodes = node_names(draft)
    desired = wanted(draft)
    made = [rollouts.generations(draft, i) for i in range(len(layout.components))]
    pods = [pod for i in range(len(layout.components)) for pod in _pods_of(draft, i, made[i], desired[i], len(nodes))]
    for trouble in draft.troubles:
        _befall(draft, pods, trouble, len(nodes))
    pods.sort(key=lambda pod: pod.component)  # stable
    for p, pod in enumerate(pods):
        made[pod.component][pod.generation].pods.append(p)
    owner = np.array([pod.component for pod in pods], dtype=np.intp)
    steps = np.arange(draft.steps)
    start = np.array([pod.start for pod in pods])[:, None]
    end = np.array([pod.end for pod in pods])[:, None]
    exists = (steps >= start) & (steps < end)
    memory = _memory(draft, pods)
    ready, running = exists.copy(), exists.copy()
    for leak in draft.leaks:
        for leaking in np.flatnonzero(owner == leak.component):
            _grow(draft, pods[leaking], leak, memory[leaking], ready[leaking])
            running[leaking] = ready[leaking]
    for p, pod in enumerate(pods):
        for spell in pod.spells:
            _live(draft, pod, spell, ready[p], running[p])
    memory *= running
    up = np.zeros((draft.steps, len(layout.components)))
    np.add.at(up.T, owner, ready.astype(np.float64))
    up[:, layout.of_kind(bp.Kind.EXTERNAL)] = np.inf
    lowered = draft.knobs.pods < layout.replicas
    draft.knobs.pods = np.where(lowered, np.minimum(up, draft.knobs.pods), up)
    _kills(draft, pods)
    lean = 1.0 + 0.06 * _rng.stream(draft.seed, layout.plan.name, "lean").standard_normal(len(pods))
    weight = ready * np.clip(lean, 0.8, 1.2)[:, None]
    total = np.zeros((len(layout.components), draft.steps))
    np.add.at(total, owner, weight)
    share = weight / np.maximum(total[owner], 1e-9)
    return Fleet(pods, nodes, owner, exists, ready, running, memory, share, made, desired)


def placed(draft: dr.Draft) -> list[Pod]:
    """All pods as they stand with what the draft says so far; changes nothing."""
    desired, count = wanted(draft), len(node_names(draft))
    parts = [(i, rollouts.generations(draft, i)) for i in range(len(draft.layout.components))]
    found = [pod for i, made in parts for pod in _pods_of(draft, i, made, desired[i], count)]
    for trouble in draft.troubles:
        _befall(draft, found, trouble, count)
    return found


def wanted(draft: dr.Draft) -> lay.IndexArray:
    """Replicas asked for, [N, T]."""
    base = np.repeat(draft.layout.replicas[:, None], draft.steps, axis=1)
    load = scaling.offered(draft)
    for i, scaler in scaling.scalers(draft.layout).items():
        base[i] = scaling.follow(draft, i, scaler, load[:, i])
    for i, asked in draft.replicas.items():
        base[i] = asked
    return base


def _kills(draft: dr.Draft, pods: list[Pod]) -> None:
    """Requests in flight on a killed container, and new ones until its endpoint is gone, meet a closed connection."""
    for pod in pods:
        for restart in pod.restarts:
            if restart.served:
                broken = 0.5 / max(float(draft.layout.replicas[pod.component]), 1.0)
                draft.knobs.refused[restart.at : restart.at + 1, draft.layout.calls_to(pod.component)] += broken
                draft.knobs.own_error[restart.at : restart.at + 1, pod.component] += broken / 2
    gone = draft.knobs.pods < 0.5
    if gone.any():
        draft.knobs.refused[gone[:, draft.layout.target]] = 1.0
    np.clip(draft.knobs.refused, 0.0, 1.0, out=draft.knobs.refused)


def node_names(draft: dr.Draft) -> tuple[str, ...]:
    rng = draft.rng("nodes")
    count = max(draft.layout.plan.nodes, int(np.ceil(draft.layout.replicas.sum() / 18)))
    return tuple(
        f"ip-10-{20 + i % 3}-{rng.integers(1, 250)}-{rng.integers(4, 250)}.eu-central-1.compute.internal"
        for i in range(count)
    )


def _pods_of(
    draft: dr.Draft, i: int, made: list[rollouts.Generation], desired: lay.IndexArray, node_count: int
) -> list[Pod]:
    component = draft.layout.components[i]
    if component.kind is bp.Kind.EXTERNAL:
        return []
    rng = draft.rng("pods", component.name)
    pods: list[Pod] = []
    first_node = int(rng.integers(0, node_count))
    uptime_s = float(rng.uniform(0.7, 9.0)) * 86_400
    for g, generation in enumerate(made):
        for slot in range(int(desired.max())):
            for start, end in rollouts.spans(draft, made, g, slot, desired):
                for begin, stop in _asked(desired, slot, start, end):
                    node = (first_node + slot + 3 * g) % node_count
                    pod = _pod(draft, i, slot, generation, node, (begin, stop), rng)
                    pod.generation = g
                    if begin == 0:
                        pod.created_s = float(draft.times_s[0]) - uptime_s - slot * 7
                    pods += _born(draft, pod)
    return pods


def _asked(desired: lay.IndexArray, slot: int, start: int, end: int) -> list[tuple[int, int]]:
    """The parts of steps `start:end` in which more than `slot` replicas are wanted."""
    there = np.concatenate(([False], desired[start:end] > slot, [False])).astype(np.int8)
    edges = np.flatnonzero(np.diff(there)) + start
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _pod(
    draft: dr.Draft,
    i: int,
    slot: int,
    generation: rollouts.Generation,
    node: int,
    steps: tuple[int, int],
    rng: np.random.Generator,
) -> Pod:
    component = draft.layout.components[i]
    suffix = str(slot) if generation.stateful else f"{generation.template}-{_rng.token(rng, 5, SUFFIX)}"
    address = f"10.{rng.integers(64, 128)}.{rng.integers(0, 255)}.{rng.integers(2, 254)}"
    created_s = float(draft.times_s[min(steps[0], draft.steps - 1)])
    name = f"{component.name}-{suffix}"
    return Pod(i, slot, name, generation.template, node, address, *steps, created_s, generation.version)


def _born(draft: dr.Draft, pod: Pod) -> list[Pod]:
    """The pod with what it suffers from because of when it is made; none if it is not made at all."""
    if pod.start == 0:
        return [pod]
    for trouble in draft.troubles:
        if (trouble.fresh or trouble.taken) and trouble.holds(pod.component, pod.start):
            if trouble.taken and not trouble.fresh:
                continue
            if trouble.state.kind == tr.ABSENT:
                pod.start = min(trouble.until + draft.steps_in(20.0), draft.steps)
                pod.created_s = float(draft.times_s[min(pod.start, draft.steps - 1)])
                return [pod] if pod.start < pod.end else []
            pod.spells.append(tr.Spell(pod.start, min(trouble.until, pod.end), trouble.state))
    return [pod]


def _befall(draft: dr.Draft, pods: list[Pod], trouble: tr.Trouble, node_count: int) -> None:
    """What a trouble does to pods that exist when it begins."""
    if trouble.fresh:
        return
    rng = draft.rng("befall", trouble.component, trouble.at)
    hit = [
        pod
        for pod in pods
        if trouble.component in (-1, pod.component)
        and pod.start < trouble.until
        and pod.end > trouble.at
        and (not trouble.slots or pod.slot in trouble.slots)
        and (not trouble.nodes or pod.node in trouble.nodes)
    ]
    if len(trouble.nodes) == 1:  # whoever empties a node does not go by name
        hit = [hit[int(k)] for k in rng.permutation(len(hit))]
    for k, pod in enumerate(hit):
        if not trouble.taken:
            pod.spells.append(tr.Spell(max(trouble.at, pod.start), min(trouble.until, pod.end), trouble.state))
            continue
        at = max(trouble.at + k * draft.steps_in(trouble.each_s), pod.start + 1)
        if trouble.taken == tr.LOST_POD and not pod.template:
            continue  # a stateful pod is not replaced while its node may still run it
        if at < min(pod.end, trouble.until):
            _replace(draft, pods, pod, at, trouble, node_count, rng)


def _replace(
    draft: dr.Draft,
    pods: list[Pod],
    pod: Pod,
    at: int,
    trouble: tr.Trouble,
    node_count: int,
    rng: np.random.Generator,
) -> None:
    """Take `pod` away at step `at`; its replacement stands elsewhere and suffers from the trouble's state, if it has one."""
    end, pod.end, pod.fate, pod.note = pod.end, at, trouble.taken, trouble.note
    pod.spells = [one for one in pod.spells if one.start < at]
    for one in pod.spells:
        one.end = min(one.end, at)
    others = [n for n in range(node_count) if n not in (trouble.nodes or (pod.node,))] or [pod.node]
    born = at + draft.steps_in(1.0 if trouble.state.kind else START_S)
    generation = rollouts.Generation(pod.start, pod.version, pod.template, not pod.template)
    fresh = _pod(
        draft, pod.component, pod.slot, generation, others[int(rng.integers(0, len(others)))], (born, end), rng
    )
    fresh.generation = pod.generation
    if trouble.state.kind == tr.ABSENT:
        fresh.start = min(trouble.until + draft.steps_in(START_S), draft.steps)
        fresh.created_s = float(draft.times_s[min(fresh.start, draft.steps - 1)])
    elif trouble.state.kind:
        fresh.spells.append(tr.Spell(born, min(trouble.until, end), trouble.state))
    if fresh.start < fresh.end:
        pods.append(fresh)


def _live(draft: dr.Draft, pod: Pod, spell: tr.Spell, ready: lay.BoolArray, running: lay.BoolArray) -> None:
    """Go through a spell: what is ready, what runs, and how often the container ends and starts."""
    state = spell.state
    if (
        state.kind == tr.LOST and state.answers
    ):  # it goes on, but nobody is sent there once its node counts as not ready
        ready[min(spell.start + draft.steps_in(tr.GRACE_S), spell.end) : spell.end] = False
        return
    if state.kind == tr.LOST:  # until the node controller notices, requests are still sent there
        share = 1.0 / max(float(draft.layout.replicas[pod.component]), 1.0)
        noticed = min(spell.start + draft.steps_in(tr.GRACE_S), spell.end)
        draft.knobs.refused[spell.start : noticed, draft.layout.calls_to(pod.component)] += share
    if state.kind != tr.CRASHING:
        ready[spell.start : spell.end] = False
        if state.kind != tr.UNREADY:
            running[spell.start : spell.end] = False
        return
    rng = draft.rng("ends", pod.name, spell.start)
    if not state.answers:
        ready[spell.start : spell.end] = False
        running[spell.start : spell.end] = False
    t, streak = spell.start, 0
    while True:
        lasts = draft.steps_in(state.runs_s * float(rng.uniform(0.75, 1.3)))
        ends = t + lasts
        if ends >= spell.end:
            return
        down = draft.steps_in(BACK_OFF_S[min(streak, len(BACK_OFF_S) - 1)] + (START_S if state.answers else 1.0))
        back = min(ends + down, pod.end)
        mended = ends + down >= spell.end
        back = min(spell.end, pod.end) if mended else back
        pod.restarts.append(Restart(ends, back, state.reason, state.exit_code, state.answers))
        if state.answers:
            ready[ends:back] = False
            running[ends:back] = False
        if mended:
            return
        streak = streak + 1 if lasts * draft.step_s < BACK_OFF_FORGET_S else 0
        t = back


def _memory(draft: dr.Draft, pods: list[Pod]) -> lay.FloatArray:
    """Working sets without leaks: warm-up after start, a little of the traffic, slow wander."""
    layout = draft.layout
    rng = draft.rng("memory")
    base = np.array([layout.components[pod.component].memory_mib * MIB for pod in pods]) * rng.uniform(
        0.92, 1.08, len(pods)
    )
    wander = np.cumsum(rng.standard_normal((len(pods), draft.steps)) * 0.0012, axis=1)
    wander -= np.linspace(0, 1, draft.steps) * wander[:, -1:]
    # Allocators keep what they have: a working set stands still, then moves by a lump, more or less often by runtime and luck.
    moving = rng.uniform(size=wander.shape) < rng.beta(0.8, 2.2, len(pods))[:, None]
    moving[:, 0] = True
    last = np.maximum.accumulate(np.where(moving, np.arange(draft.steps), 0), axis=1)
    wander = np.take_along_axis(wander, last, axis=1) * rng.lognormal(0.0, 0.7, len(pods))[:, None]
    out: lay.FloatArray = base[:, None] * (1.0 + np.clip(wander, -0.2, 0.25))
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
