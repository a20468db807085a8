"""Advances a whole system step by step: load goes down the calls, waiting and failure come back up, queues carry over.

Within a step the system is taken as settled, between steps queues are fluid (arrivals less capacity). A component serves the
lesser of what its cores and its workers allow (a worker is held for the whole residence, callees included), so a slow callee
takes its caller's capacity. Callers give up after their timeout while the callee still does the work, and try again: with
enough retries the extra attempts alone keep a callee overloaded after the trigger has gone (Bronson et al., "Metastable
failures in distributed systems", HotOS 2021). Waiting before overload follows the shape of a many-server queue.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from rootward.dojo.world import given
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
TINY = given.TINY
FORGOTTEN = 72
"""Steps after which two systems under the same load are usually the same, whatever they began with: 64 at most where measured."""
LANES, LANE_ELEMENTS = 12, 1200
"""Stretches of time advanced at once, and how long their arrays may be: beyond that the processor is busy and not waiting."""
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
        return Carry(*(part.copy() for part in self.parts()))

    def parts(self) -> list[FloatArray]:
        return [getattr(self, field.name) for field in dataclasses.fields(self)]

    def repeated(self, lanes: int) -> "Carry":
        """The same in each of several lanes."""
        return Carry(*(np.repeat(part[None, :], lanes, axis=0) for part in self.parts()))

    def lane(self, lane: int) -> "Carry":
        return Carry(*(part[lane] for part in self.parts()))

    def put(self, lane: int, one: "Carry") -> None:
        for part, value in zip(self.parts(), one.parts(), strict=True):
            part[lane] = value

    def same(self, other: "Carry") -> bool:
        """To the last bit."""
        return all(np.array_equal(mine, its) for mine, its in zip(self.parts(), other.parts(), strict=True))


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


def settle(layout: lay.Layout, knobs: kn.Knobs, state: State, stop: int, step_s: float) -> Carry:
    """As `advance` from rest to step `stop`, down to the last bit, but several stretches of time at once where arrays are short.

    Each stretch starts at rest FORGOTTEN steps early: in ordinary times that is soon forgotten, to the last bit, since MEMORY
    halves what is left of it at every step. Whether it was, is checked; where it was not (a queue that stands), steps go on one
    by one.
    """
    lanes = min(LANES, LANE_ELEMENTS // (len(layout.components) + len(layout.calls)), stop // FORGOTTEN)
    if lanes < 2:
        return advance(layout, knobs, state, at_rest(layout), 0, stop, step_s)
    size = stop // lanes
    first = stop - lanes * size
    carry = advance(layout, knobs, state, at_rest(layout), 0, first, step_s)
    starts = first + size * np.arange(lanes)
    wires = _wires(layout, knobs, lanes)
    running = at_rest(layout).repeated(lanes)
    early = np.maximum(starts + np.arange(-FORGOTTEN, 0)[:, None], first)
    _run(layout, knobs, state, running, wires, early, step_s)
    running.put(0, carry)
    begun = running.copy()
    _run(layout, knobs, state, running, wires, starts + np.arange(size)[:, None], step_s)
    for lane in range(1, lanes):
        before = running.lane(lane - 1)
        if not before.same(begun.lane(lane)):
            return advance(layout, knobs, state, before, int(starts[lane]), stop, step_s)
    return running.lane(lanes - 1)


def advance(
    layout: lay.Layout, knobs: kn.Knobs, state: State, carry: Carry, start: int, stop: int, step_s: float
) -> Carry:
    """Fill `state` for steps `start` to `stop` (exclusive); returns what the last step leaves over."""
    carry = carry.copy()
    _run(layout, knobs, state, carry, _wires(layout, knobs, 1), np.arange(start, stop), step_s)
    return carry


Step = int | lay.IndexArray
"""One step, or one of each lane [L]: what is [N] or [E] for one step is [L, N] or [L, E] for several."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Sum:
    """Adds up values [..., n] by where they belong; [..., size]. Lanes lie side by side in one row of sums."""

    places: lay.IndexArray
    size: int
    lanes: int

    @classmethod
    def of(cls, index: lay.IndexArray, size: int, lanes: int) -> "_Sum":
        return cls((index + size * np.arange(lanes)[:, None]).ravel(), size, lanes)

    def __call__(self, values: FloatArray) -> FloatArray:
        sums = np.asarray(np.bincount(self.places, values.ravel(), self.size * self.lanes), dtype=np.float64)
        return sums.reshape(*values.shape[:-1], self.size) if self.lanes > 1 else sums


class _Level(NamedTuple):
    """One level of the system: its components, the calls that they make, and sums over those by callee (`down`) and by caller
    (`up`)."""

    here: Any
    cut: Any
    calls: int
    source: lay.IndexArray
    target: lay.IndexArray
    timeout_s: FloatArray
    attempts: FloatArray
    waits: FloatArray
    required: FloatArray
    down: _Sum
    up: _Sum


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Wires:
    """What steps read of layout and knobs and what never changes from one to the next. `callees` sums over calls by callee."""

    callees: _Sum
    levels: list[_Level]
    pooled: lay.BoolArray


def _wires(layout: lay.Layout, knobs: kn.Knobs, lanes: int) -> _Wires:
    count = len(layout.components)
    levels = []
    for level in layout.levels:
        edges = slice(level.first, level.last)
        source, target = layout.source[edges], layout.target[edges]
        levels.append(
            _Level(
                here=(..., slice(level.low, level.high)),
                cut=(..., edges),
                calls=level.last - level.first,
                source=source,
                target=target,
                timeout_s=knobs.timeout_s[edges],
                attempts=knobs.retries[edges] + 1.0,
                waits=layout.waits[edges],
                required=layout.required[edges],
                down=_Sum.of(target, count, lanes),
                up=_Sum.of(source - level.low, level.high - level.low, lanes),
            )
        )
    return _Wires(_Sum.of(layout.target, count, lanes), levels, np.isfinite(layout.pool))


def _run(
    layout: lay.Layout,
    knobs: kn.Knobs,
    state: State,
    carry: Carry,
    wires: _Wires,
    times: lay.IndexArray,
    step_s: float,
) -> None:
    """Step after step through `times`; `carry` takes what each leaves."""
    for t, now in given.steps(layout, knobs, times):
        _load(layout, state, carry, now, wires, t, step_s)
        _connections(state, carry, now, wires, t, step_s)
        _answers(layout, knobs, state, carry, now, wires, t)


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
    layout: lay.Layout, state: State, carry: Carry, now: given.Given, wires: _Wires, t: Step, step_s: float
) -> None:
    """Top down: what arrives where, what is served, what queues, what is refused."""
    arrivals = now.demand.copy()
    ready = carry.queue / step_s
    waiting = carry.pool_queue / step_s
    weight = now.weight * carry.tries
    through = now.through  # what is refused on the way never arrives
    served, calls = np.empty(arrivals.shape), np.empty(weight.shape)
    for level in wires.levels:
        here, cut = level.here, level.cut
        served[here] = np.minimum(arrivals[here] + ready[here], carry.capacity[here])
        if level.calls:
            calls[cut] = served[..., level.source] * weight[cut]
            passed = np.minimum(calls[cut] * through[cut] + waiting[cut], carry.pool_rate[cut])
            arrivals += level.down(passed)
    grown = carry.queue + (arrivals - served) * step_s
    carry.queue = np.minimum(np.maximum(grown, 0.0), layout.queue_limit)  # rounding may leave a hair less than nothing
    state.rejected[t] = np.minimum((grown - carry.queue) / (arrivals * step_s + TINY), 1.0)
    state.arrivals[t], state.served[t], state.queue[t], state.calls[t] = arrivals, served, carry.queue, calls


def _connections(state: State, carry: Carry, now: given.Given, wires: _Wires, t: Step, step_s: float) -> None:
    """Connection pools: a connection is held for the callee's whole latency; callers wait for a free one, then give up."""
    pooled = wires.pooled
    rate = np.where(pooled, now.usable / carry.call_latency, np.inf)
    calls = state.calls[t] * now.through
    grown = np.where(pooled, carry.pool_queue + (calls - rate) * step_s, 0.0)
    carry.pool_queue = np.minimum(np.maximum(grown, 0.0), now.places)
    wait = carry.pool_queue / np.where(pooled, rate, 1.0)
    state.pool_refused[t] = _exceeds(wait, POOL_TIMEOUT_S)
    state.pool_wait[t] = np.minimum(wait, POOL_TIMEOUT_S)
    used = np.where(pooled, np.minimum(calls * carry.call_latency, now.usable), 0.0)
    state.pool_used[t] = used + now.leaked
    state.pool_waiting[t] = carry.pool_queue
    carry.pool_rate = rate


def _answers(
    layout: lay.Layout, knobs: kn.Knobs, state: State, carry: Carry, now: given.Given, wires: _Wires, t: Step
) -> None:
    """Bottom up: how long everything takes, what fails, what is tried again; then the capacity that is left."""
    target = layout.target
    arrivals, calls, work_s, cores, slots = state.arrivals[t], state.calls[t], now.work_s, now.cores, now.slots
    load = np.maximum(state.served[t], TINY)
    extra = np.maximum(wires.callees(calls), TINY)
    added = wires.callees(calls * work_s) / extra
    work = (now.cpu_s + added) * (1.0 + collecting(layout, knobs, carry.queue))
    blocked = wires.callees(calls * now.blocked_s) / extra
    busy = load * work / cores
    near = np.minimum(busy, BUSIEST)
    stretch = 1.0 + near**CROWD / (1.0 - near)
    hold = work * stretch + now.wait_s + blocked
    able = np.maximum(carry.capacity, TINY)
    crowd = np.minimum(arrivals / able, BUSIEST)
    crowded = 1.0 + crowd**16 / (1.0 - crowd)
    queueing = np.minimum(carry.queue / able, LONGEST_S)
    good = now.sound + np.log1p(-np.minimum(state.rejected[t], 0.999))
    call_latency, timeouts, failed, lost = (np.empty(calls.shape) for _ in range(4))
    latency = np.empty(load.shape)
    stretched = stretch[..., target]
    own = work_s * stretched + now.blocked_s - added[..., target] * stretched
    own -= blocked[..., target]
    reach = 1.0 - now.through * (1.0 - state.pool_refused[t])
    tries, waited_s = now.weight * carry.tries, state.pool_wait[t]
    sent_share, delay_s, hung_s = now.sent_share, now.delay_s, now.hung_s
    for level in reversed(wires.levels):
        mine = level.here
        if level.calls:
            cut, whom, limit, waits = level.cut, level.target, level.timeout_s, level.waits
            here = np.maximum(latency[..., whom] + own[cut], 1e-5) + delay_s[cut]
            late = _exceeds(here, limit) * waits
            reached = 1.0 - reach[cut]
            bad = 1.0 - (1.0 - late) * reached * np.exp(good[..., whom])
            call_latency[cut], timeouts[cut], failed[cut] = here, late, bad
            gone = bad**level.attempts
            lost[cut] = gone
            spent = (here * (1.0 - late) + limit * late) * reached + waited_s[cut]
            spent += hung_s[cut]
            hold[mine] += level.up(spent * tries[cut] * waits)
            fatal = gone * level.required * waits * sent_share[cut]
            good[mine] += level.up(np.log1p(-np.minimum(fatal, 0.999)))
        latency[mine] = hold[mine] * crowded[mine] + queueing[mine]
    fresh = np.minimum(cores / np.maximum(work, TINY), slots / hold)
    carry.capacity = MEMORY * carry.capacity + (1 - MEMORY) * fresh
    carry.failed = MEMORY * carry.failed + (1 - MEMORY) * failed
    carry.tries = (1.0 - carry.failed ** (knobs.retries + 1.0)) / np.maximum(1.0 - carry.failed, TINY)
    carry.call_latency = np.minimum(call_latency, knobs.timeout_s)
    state.latency[t], state.hold[t], state.error[t] = latency, hold, 1.0 - np.exp(good)
    state.busy_cpu[t], state.busy_workers[t] = busy, load * hold / slots
    state.call_latency[t], state.timeouts[t], state.failed[t], state.lost[t] = call_latency, timeouts, failed, lost
