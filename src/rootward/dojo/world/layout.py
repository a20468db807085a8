"""Turns a blueprint into arrays: components in order of call depth, calls in order of caller, everything sized to its traffic."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rootward import errors
from rootward.dojo.world import blueprint as bp

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

CORES_STEP = 0.1
POOL_BUSY = 0.22
"""Share of a connection pool in use at peak that sizing aims at; workers and cores likewise below."""
WORKERS_BUSY = 0.2
CORES_BUSY = {"service": 0.42, "database": 0.36, "cache": 0.2, "queue": 0.2, "external": 0.1}
ROOM = {"go": 8.0, "node": 8.0, "nginx": 12.0, "java": 1.5}
"""How many times the workers needed a runtime has: cheap ones (goroutines, events) hardly ever run out, threads do."""
QUEUE_SECONDS = 4.0
"""Requests that may wait, in seconds of capacity, before a component refuses more (listen backlogs, executor queues)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """Components `low:high` have the same depth and own the calls `first:last`."""

    low: int
    high: int
    first: int
    last: int


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Arrays of shape [N] by component, [E] by call; times in seconds, capacities per pod. `rate` is at peak."""

    plan: bp.Blueprint
    components: tuple[bp.Component, ...]
    calls: tuple[bp.Call, ...]
    index: Mapping[str, int]
    levels: tuple[Level, ...]
    source: IndexArray
    target: IndexArray
    rate: FloatArray
    call_rate: FloatArray
    replicas: IndexArray
    cpu_s: FloatArray
    wait_s: FloatArray
    cores: FloatArray
    workers: FloatArray
    queue_limit: FloatArray
    hold_s: FloatArray  # mean residence at peak without queueing
    weight: FloatArray
    behind: IndexArray  # index of the shielding cache, -1 for none
    timeout_s: FloatArray
    retries: FloatArray
    required: FloatArray
    pool: FloatArray  # connections per pod, inf for none
    waits: FloatArray  # 1.0 where the caller waits for the answer

    @property
    def entries(self) -> tuple[int, ...]:
        return tuple(self.index[name] for name in self.plan.demand)

    def of_kind(self, *kinds: bp.Kind) -> list[int]:
        return [i for i, component in enumerate(self.components) if component.kind in kinds]

    def calls_to(self, component: int) -> list[int]:
        return [int(e) for e in np.flatnonzero(self.target == component)]

    def calls_from(self, component: int) -> list[int]:
        return [int(e) for e in np.flatnonzero(self.source == component)]

    def namespace(self, component: int) -> str:
        return self.components[component].namespace or self.plan.namespace

    def path(self, top: int, bottom: int) -> list[int]:
        """Components on the shortest chain of calls from `top` down to `bottom`, both included; empty if there is none."""
        previous = {top: -1}
        frontier = [top]
        while frontier and bottom not in previous:
            found: list[int] = []
            for here in frontier:
                for call in self.calls_from(here):
                    callee = int(self.target[call])
                    if callee not in previous:
                        previous[callee] = here
                        found.append(callee)
            frontier = found
        if bottom not in previous:
            return []
        chain = [bottom]
        while chain[-1] != top:
            chain.append(previous[chain[-1]])
        return chain[::-1]


def feels(layout: Layout) -> FloatArray:
    """How much of a component's failure reaches the most affected entry or tier-one service along required calls; [N]."""
    out = np.array([float(component.tier_one) for component in layout.components])
    out[list(layout.entries)] = 1.0
    for call in range(len(layout.calls)):  # callers come before callees
        passed = out[layout.source[call]] * layout.required[call] * layout.waits[call]
        passed *= min(1.0, float(layout.call_rate[call] / max(layout.rate[layout.source[call]], 1e-9)) * 4)
        out[layout.target[call]] = max(out[layout.target[call]], passed)
    return out


def lay_out(plan: bp.Blueprint) -> Layout:
    """Order and size `plan`.

    Raises:
        WorldError: a name used twice, a call of a component that does not exist, or calls that go round in a circle.
    """
    depth = _depths(plan)
    components = tuple(sorted(plan.components, key=lambda component: depth[component.name]))
    index = {component.name: i for i, component in enumerate(components)}
    order = {name: i for i, name in enumerate(index)}
    calls = tuple(sorted(plan.calls, key=lambda call: order[call.caller]))
    source = np.array([index[call.caller] for call in calls], dtype=np.intp)
    target = np.array([index[call.callee] for call in calls], dtype=np.intp)
    levels = _levels([depth[component.name] for component in components], source)
    hit = np.array([component.hit_ratio for component in components])
    behind = np.array([index[call.behind] if call.behind else -1 for call in calls], dtype=np.intp)
    weight = np.array([call.calls for call in calls])
    through = weight * np.where(behind >= 0, 1.0 - hit[behind], 1.0)
    rate = np.zeros(len(components))
    for name, peak in plan.demand.items():
        rate[index[name]] += peak
    for call in range(len(calls)):  # callers come before callees, so one pass is enough
        rate[target[call]] += rate[source[call]] * through[call]
    sized = _sized(components, calls, source, target, through, rate)
    return Layout(
        plan=plan,
        components=components,
        calls=calls,
        index=index,
        levels=levels,
        source=source,
        target=target,
        rate=rate,
        call_rate=rate[source] * through,
        weight=weight,
        behind=behind,
        timeout_s=np.array([call.timeout_ms / 1e3 for call in calls]),
        retries=np.array([float(call.retries) for call in calls]),
        required=np.array([call.required for call in calls]),
        waits=np.array([1.0 if call.waits else 0.0 for call in calls]),
        cpu_s=np.array([component.cpu_ms / 1e3 for component in components]),
        wait_s=np.array([component.wait_ms / 1e3 for component in components]),
        **sized,
    )


def _depths(plan: bp.Blueprint) -> dict[str, int]:
    """Longest chain of callers above each component."""
    depth = {component.name: 0 for component in plan.components}
    if len(depth) < len(plan.components):
        raise errors.WorldError(f"{plan.name}: two components have one name")
    for call in plan.calls:
        for name in (call.caller, call.callee, *([call.behind] if call.behind else [])):
            if name not in depth:
                raise errors.WorldError(f"{plan.name}: a call names {name!r}, which is no component")
    for _ in range(len(depth) + 1):
        moved = False
        for call in plan.calls:
            if depth[call.callee] <= depth[call.caller]:
                depth[call.callee] = depth[call.caller] + 1
                moved = True
        if not moved:
            return depth
    raise errors.WorldError(f"{plan.name}: its calls go round in a circle")


def _levels(depths: Sequence[int], source: IndexArray) -> tuple[Level, ...]:
    depth = np.array(depths)
    found: list[Level] = []
    for value in range(int(depth.max()) + 1):
        low, high = int(np.searchsorted(depth, value)), int(np.searchsorted(depth, value, side="right"))
        found.append(Level(low, high, int(np.searchsorted(source, low)), int(np.searchsorted(source, high))))
    return tuple(found)


def _sized(
    components: Sequence[bp.Component],
    calls: Sequence[bp.Call],
    source: IndexArray,
    target: IndexArray,
    through: FloatArray,
    rate: FloatArray,
) -> dict[str, Any]:
    """Replicas, cores, workers, queue and pool limits that serve the peak at the busyness aimed at."""
    count = len(components)
    cpu = np.array([component.cpu_ms / 1e3 for component in components])
    hold = np.array([component.wait_ms / 1e3 for component in components]) + cpu * 1.1
    for call in range(len(calls) - 1, -1, -1):  # callees first
        if calls[call].waits:
            hold[source[call]] += through[call] * hold[target[call]]
    used = rate * cpu
    replicas = np.array(
        [c.replicas or int(np.clip(np.ceil(used[i] / 0.35), 2, 6)) for i, c in enumerate(components)], dtype=np.intp
    )
    busy = np.array([CORES_BUSY[component.kind] for component in components])
    cores = np.ceil(used / replicas / busy / CORES_STEP) * CORES_STEP
    cores = np.array([c.cores or max(float(cores[i]), 0.2) for i, c in enumerate(components)])
    workers = np.ceil(rate * hold / replicas / WORKERS_BUSY)
    workers = np.array(
        [float(c.workers or max(workers[i], 16) * ROOM.get(c.language, 1.0)) for i, c in enumerate(components)]
    )
    pool = np.full(len(calls), np.inf)
    for call, described in enumerate(calls):
        if components[target[call]].kind is bp.Kind.DATABASE:
            held = rate[source[call]] * through[call] * hold[target[call]] / replicas[source[call]]
            pool[call] = float(described.pool or max(8.0, np.ceil(held / POOL_BUSY)))
    for i, component in enumerate(components):
        if component.kind is not bp.Kind.SERVICE:  # clients bound what these see, they have room for all of it
            workers[i] = max(
                workers[i],
                1.3 * float(np.sum(np.where(target == i, np.nan_to_num(pool, posinf=0), 0) * replicas[source])),
            )
            workers[i] *= 20 if component.kind in (bp.Kind.EXTERNAL, bp.Kind.QUEUE) else 1
    capacity = np.minimum(replicas * cores / np.maximum(cpu, 1e-6), replicas * workers / hold)
    limit = np.maximum(capacity * QUEUE_SECONDS, 50.0)
    limit[[i for i in range(count) if components[i].consumer]] = 1e12
    return {
        "replicas": replicas,
        "cores": cores,
        "workers": workers,
        "queue_limit": limit,
        "hold_s": hold,
        "pool": pool,
    }
