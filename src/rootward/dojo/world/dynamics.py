"""Advances a whole system step by step: load goes down the calls, waiting and failure come back up, queues carry over.

Within a step the system is taken as settled, between steps queues are fluid (arrivals less capacity). A component serves the
lesser of what its cores and its workers allow (a worker is held for the whole residence, callees included), so a slow callee
takes its caller's capacity. Callers give up after their timeout while the callee still does the work, and try again: with
enough retries the extra attempts alone keep a callee overloaded after the trigger has gone (Bronson et al., "Metastable
failures in distributed systems", HotOS 2021). Waiting before overload follows the shape of a many-server queue.
"""

import dataclasses

import numpy as np

from rootward.dojo.world import knobs as kn
from rootward.dojo.world import layout as lay

FloatArray = lay.FloatArray

TAIL_SCALE = 1.3
"""Of the log-logistic tail, of shape 6, that tells which share of calls exceeds a timeout."""
POOL_TIMEOUT_S = 3.0
MEMORY = 0.5
"""How much of the last step's capacity and failure ratio carries over: callers and queues do not react at once."""
CROWD = 8
BUSIEST = 0.97
TINY = 1e-9
LONGEST_S = 12.0
"""No request is waited for longer than this, whatever the queue."""


@dataclasses.dataclass(slots=True, eq=False)
class State:
    """What happened. [T, N] by component: per second, seconds, shares; [T, E] by call. `latency` is mean residence."""

    arrivals: FloatArray
    served: FloatArray
    latency: FloatArray
    hold: FloatArray
    error: FloatArray
    rejected: FloatArray
    queue: FloatArray
    busy_cpu: FloatArray  # share of the cores' limit
    busy_workers: FloatArray
    calls: FloatArray  # attempts per second
    call_latency: FloatArray
    timeouts: FloatArray
    failed: FloatArray  # share of attempts
    lost: FloatArray  # share of calls, retries included
    pool_used: FloatArray  # connections over all pods
    pool_waiting: FloatArray
    pool_wait: FloatArray
    pool_refused: FloatArray


@dataclasses.dataclass(slots=True, eq=False)
class Carry:
    """What one step leaves to the next."""

    queue: FloatArray
    capacity: FloatArray
    tries: FloatArray
    failed: FloatArray
    pool_queue: FloatArray
    call_latency: FloatArray
    pool_rate: FloatArray

    def copy(self) -> "Carry":
        return Carry(**{field.name: getattr(self, field.name).copy() for field in dataclasses.fields(self)})


def empty(steps: int, layout: lay.Layout) -> State:
    count, edges = len(layout.components), len(layout.calls)
    by_component = {"arrivals", "served", "latency", "hold", "error", "rejected", "queue", "busy_cpu", "busy_workers"}
    return State(
        **{
            field.name: np.zeros((steps, count if field.name in by_component else edges))
            for field in dataclasses.fields(State)
        }
    )


def at_rest(layout: lay.Layout) -> Carry:
    edges = len(layout.calls)
    capacity = np.minimum(
        layout.replicas * layout.cores / np.maximum(layout.cpu_s, TINY),
        layout.replicas * layout.workers / layout.hold_s,
    )
    return Carry(
        queue=np.zeros(len(layout.components)),
        capacity=capacity,
        tries=np.ones(edges),
        failed=np.zeros(edges),
        pool_queue=np.zeros(edges),
        call_latency=layout.hold_s[layout.target].copy(),
        pool_rate=np.full(edges, np.inf),
    )


def advance(
    layout: lay.Layout, knobs: kn.Knobs, state: State, carry: Carry, start: int, stop: int, step_s: float
) -> Carry:
    """Fill `state` for steps `start` to `stop` (exclusive); returns what the last step leaves over."""
    carry = carry.copy()
    behind = layout.behind
    weight = layout.weight * knobs.calls_factor
    weight = weight * np.where(behind >= 0, 1.0 - knobs.hit[:, behind], 1.0)
    pooled = np.isfinite(layout.pool)
    for t in range(start, stop):
        _load(layout, knobs, state, carry, weight[t] * carry.tries, t, step_s)
        _connections(layout, knobs, state, carry, pooled, t, step_s)
        _answers(layout, knobs, state, carry, weight[t], t)
    return carry


def _exceeds(mean_s: FloatArray, limit_s: FloatArray | float) -> FloatArray:
    """Share of calls of a mean duration that take longer than a limit."""
    square = np.minimum(TAIL_SCALE * mean_s / limit_s, 30.0) ** 2
    over = square * square * square
    return np.asarray(over / (1.0 + over), dtype=np.float64)


def collecting(layout: lay.Layout, knobs: kn.Knobs, queue: FloatArray) -> FloatArray:
    """Work spent on collecting garbage, as a multiple of the requests' own: what waits is alive, and is traced again and again.
    `queue` is [N] or [T, N]. With enough of it a queue keeps itself full after the load that filled it has gone."""
    return np.asarray(knobs.pressure * np.minimum(queue / layout.queue_limit, 1.0), dtype=np.float64)


def _load(
    layout: lay.Layout, knobs: kn.Knobs, state: State, carry: Carry, weight: FloatArray, t: int, step_s: float
) -> None:
    """Top down: what arrives where, what is served, what queues, what is refused."""
    count = len(carry.queue)
    arrivals = knobs.demand[t].copy()
    ready = carry.queue / step_s
    served = np.empty(count)
    calls = np.empty(len(weight))
    for level in layout.levels:
        low, high, first, last = level.low, level.high, level.first, level.last
        served[low:high] = np.minimum(arrivals[low:high] + ready[low:high], carry.capacity[low:high])
        if last > first:
            calls[first:last] = served[layout.source[first:last]] * weight[first:last]
            sent = calls[first:last] * (1.0 - knobs.refused[t, first:last])  # what is refused on the way never arrives
            passed = np.minimum(sent + carry.pool_queue[first:last] / step_s, carry.pool_rate[first:last])
            arrivals += np.bincount(layout.target[first:last], passed, count)
    grown = carry.queue + (arrivals - served) * step_s
    carry.queue = np.clip(grown, 0.0, layout.queue_limit)  # rounding may leave a hair less than nothing
    state.rejected[t] = np.minimum((grown - carry.queue) / (arrivals * step_s + TINY), 1.0)
    state.arrivals[t], state.served[t], state.queue[t], state.calls[t] = arrivals, served, carry.queue, calls


def _connections(
    layout: lay.Layout, knobs: kn.Knobs, state: State, carry: Carry, pooled: lay.BoolArray, t: int, step_s: float
) -> None:
    """Connection pools: a connection is held for the callee's whole latency; callers wait for a free one, then give up."""
    source = layout.source
    pods = np.maximum(knobs.pods[t][source], TINY)
    usable = np.maximum(knobs.pool[t] - knobs.leaked[t], 0.02) * pods
    rate = np.where(pooled, usable / carry.call_latency, np.inf)
    calls = state.calls[t] * (1.0 - knobs.refused[t])
    grown = np.where(pooled, carry.pool_queue + (calls - rate) * step_s, 0.0)
    carry.pool_queue = np.clip(grown, 0.0, layout.workers[source] * pods)
    wait = carry.pool_queue / np.where(pooled, rate, 1.0)
    state.pool_refused[t] = _exceeds(wait, POOL_TIMEOUT_S)
    state.pool_wait[t] = np.minimum(wait, POOL_TIMEOUT_S)
    used = np.where(pooled, np.minimum(calls * carry.call_latency, usable), 0.0)
    state.pool_used[t] = used + np.where(pooled, knobs.leaked[t] * pods, 0.0)
    state.pool_waiting[t] = carry.pool_queue
    carry.pool_rate = rate


def _answers(layout: lay.Layout, knobs: kn.Knobs, state: State, carry: Carry, weight: FloatArray, t: int) -> None:
    """Bottom up: how long everything takes, what fails, what is tried again; then the capacity that is left."""
    count = len(carry.queue)
    source, target = layout.source, layout.target
    arrivals, calls = state.arrivals[t], state.calls[t]
    load = np.maximum(state.served[t], TINY)
    extra = np.maximum(np.bincount(target, calls, count), TINY)
    added = np.bincount(target, calls * knobs.work_s[t], count) / extra
    work = (knobs.cpu_s[t] + added) * (1.0 + collecting(layout, knobs, carry.queue))
    blocked = np.bincount(target, calls * knobs.blocked_s[t], count) / extra
    cores = np.maximum(knobs.cores[t] * knobs.pods[t], TINY)
    busy = load * work / cores
    near = np.minimum(busy, BUSIEST)
    stretch = 1.0 + near**CROWD / (1.0 - near)
    hold = work * stretch + knobs.wait_s[t] + blocked
    slots = np.maximum(knobs.workers[t] * knobs.pods[t], TINY)
    crowd = np.minimum(arrivals / np.maximum(carry.capacity, TINY), BUSIEST)
    queueing = np.minimum(carry.queue / np.maximum(carry.capacity, TINY), LONGEST_S)
    good = np.log1p(-np.minimum(knobs.own_error[t], 0.999)) + np.log1p(-np.minimum(state.rejected[t], 0.999))
    call_latency, timeouts, failed, lost = (np.empty(len(calls)) for _ in range(4))
    latency = np.empty(count)
    own = knobs.work_s[t] * stretch[target] + knobs.blocked_s[t] - added[target] * stretch[target]
    own -= blocked[target]
    reach = 1.0 - (1.0 - knobs.refused[t]) * (1.0 - state.pool_refused[t])
    tries = weight * carry.tries
    sent_share = np.minimum(weight, 1.0)
    for level in reversed(layout.levels):
        low, high, cut = level.low, level.high, slice(level.first, level.last)
        if level.last > level.first:
            whom, limit = target[cut], knobs.timeout_s[cut]
            here = np.maximum(latency[whom] + own[cut], 1e-5) + knobs.delay_s[t, cut]
            late = _exceeds(here, limit) * layout.waits[cut]
            bad = 1.0 - (1.0 - late) * (1.0 - reach[cut]) * np.exp(good[whom])
            call_latency[cut], timeouts[cut], failed[cut] = here, late, bad
            lost[cut] = bad ** (knobs.retries[cut] + 1.0)
            spent = (here * (1.0 - late) + limit * late) * (1.0 - reach[cut]) + state.pool_wait[t, cut]
            spent += knobs.hang_s[cut] * knobs.refused[t, cut]
            callers = source[cut] - low
            hold[low:high] += np.bincount(callers, spent * tries[cut] * layout.waits[cut], high - low)
            fatal = lost[cut] * layout.required[cut] * layout.waits[cut] * sent_share[cut]
            good[low:high] += np.bincount(callers, np.log1p(-np.minimum(fatal, 0.999)), high - low)
        latency[low:high] = (
            hold[low:high] * (1.0 + crowd[low:high] ** 16 / (1.0 - crowd[low:high])) + queueing[low:high]
        )
    fresh = np.minimum(cores / np.maximum(work, TINY), slots / hold)
    carry.capacity = MEMORY * carry.capacity + (1 - MEMORY) * fresh
    carry.failed = MEMORY * carry.failed + (1 - MEMORY) * failed
    carry.tries = (1.0 - carry.failed ** (knobs.retries + 1.0)) / np.maximum(1.0 - carry.failed, TINY)
    carry.call_latency = np.minimum(call_latency, knobs.timeout_s)
    state.latency[t], state.hold[t], state.error[t] = latency, hold, 1.0 - np.exp(good)
    state.busy_cpu[t], state.busy_workers[t] = busy, load * hold / slots
    state.call_latency[t], state.timeouts[t], state.failed[t], state.lost[t] = call_latency, timeouts, failed, lost
