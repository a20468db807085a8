"""Sampled traces: requests walk the call graph as the model says it was at their time, level by level in arrays."""

import dataclasses

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import span_table

SPANS = 14_000
"""About how many spans are kept of six hours."""
RECENT_SHARE = 0.6
"""Share of the traces from the time around the trouble; the rest is spread over the whole window."""
RECENT_S = 3000.0
BATCH = 400
VARIETY = 4.0
"""Gamma shape of a span's own time around its mean."""
HEAD, BETWEEN = 0.25, 0.5
SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
OK, ERROR = 0, 2

IndexArray = lay.IndexArray


@dataclasses.dataclass(slots=True, eq=False)
class Visits:
    """Requests to one component: arrays [V]. `parent` is the calling visit's place in `Walk`, `call` the layout's call (-1: entry)."""

    component: int
    trace: IndexArray
    step: IndexArray
    parent: IndexArray
    caller: int
    call: int
    refused: lay.BoolArray
    base: int  # index of the first of these visits among all


class Walk:
    """All visits of a number of traces, top down."""

    def __init__(self, frame: fr.Frame, steps: IndexArray, entry: int, rng: np.random.Generator) -> None:
        self._frame, self._rng = frame, rng
        self.visits: list[Visits] = []
        self.count = 0
        none = np.zeros(len(steps), dtype=np.bool_)
        self._add(entry, np.arange(len(steps)), steps, np.full(len(steps), -1), -1, -1, none)
        at = 0
        while at < len(self.visits):  # callees come after callers, and calls form no circle
            self._descend(self.visits[at], at)
            at += 1

    def _add(
        self,
        component: int,
        trace: IndexArray,
        step: IndexArray,
        parent: IndexArray,
        caller: int,
        call: int,
        refused: lay.BoolArray,
    ) -> None:
        self.visits.append(Visits(component, trace, step, parent, caller, call, refused, self.count))
        self.count += len(trace)

    def _descend(self, visit: Visits, place: int) -> None:
        frame, rng = self._frame, self._rng
        layout, knobs, state = frame.layout, frame.draft.knobs, frame.state
        calls = layout.calls_from(visit.component)
        live = ~visit.refused
        weights = np.array([layout.weight[e] for e in calls])
        either = len(calls) > 1 and visit.component in layout.entries and abs(weights.sum() - 1.0) < 1e-6
        choice = rng.choice(len(calls), size=len(visit.trace), p=weights / weights.sum()) if either else None
        for k, e in enumerate(calls):
            if choice is not None:
                times = (choice == k).astype(np.int64)
                made = knobs.calls_factor[visit.step, e]
                if (made < 1.0).any():  # requests for which the door has no backend go nowhere
                    times *= rng.uniform(size=len(made)) < made
            else:
                mean = layout.weight[e] * knobs.calls_factor[visit.step, e]
                if layout.behind[e] >= 0:
                    mean = mean * (1 - knobs.hit[visit.step, layout.behind[e]])
                times = (mean + rng.uniform(size=len(mean))).astype(np.int64)
            again = np.floor(
                np.log(rng.uniform(1e-9, 1, len(times))) / np.log(np.clip(state.failed[visit.step, e], 1e-9, 0.999))
            )
            times = (times + np.where(times > 0, np.minimum(again, knobs.retries[e]), 0).astype(np.int64)) * live
            rows = np.repeat(np.arange(len(times)), times)
            if not len(rows):
                continue
            step = visit.step[rows]
            blocked = 1 - (1 - knobs.refused[step, e]) * (1 - state.pool_refused[step, e])
            refused = rng.uniform(size=len(rows)) < blocked
            self._add(int(layout.target[e]), visit.trace[rows], step, visit.base + rows, place, e, refused)


@dataclasses.dataclass(slots=True, eq=False)
class Timed:
    """Per visit [V]: what the server took, what the client waited, whether each saw an error, when the client began (s after the
    trace), how long the server worked itself, and how long the caller did between two of its calls."""

    server_s: lay.FloatArray
    client_s: lay.FloatArray
    server_bad: lay.BoolArray
    client_bad: lay.BoolArray
    start_s: lay.FloatArray
    own_s: lay.FloatArray
    gap_s: lay.FloatArray


def own_time(frame: fr.Frame) -> lay.FloatArray:
    """Mean seconds that a component spends itself (working, queueing, waiting for a connection), callees not counted; [T, N]."""
    layout, state, knobs = frame.layout, frame.state, frame.draft.knobs
    calls = state.calls / np.maximum(state.served[:, layout.source], 1e-9)
    spent = np.minimum(state.call_latency, knobs.timeout_s) * calls * layout.waits
    return np.maximum(state.latency - fr.per_source(layout, spent), (knobs.cpu_s + knobs.wait_s) * 0.8)


def time_out(frame: fr.Frame, walk: Walk, own: lay.FloatArray, rng: np.random.Generator) -> Timed:
    """Bottom up durations and failures, then top down beginnings: callees one after another within their caller, which works for
    HEAD of its own time before the first, BETWEEN around them, and for the rest after the last."""
    layout, state, knobs = frame.layout, frame.state, frame.draft.knobs
    total = walk.count
    calls = np.zeros(total)
    server_s, client_s, start_s, inside = np.zeros(total), np.zeros(total), np.zeros(total), np.zeros(total)
    server_bad, client_bad = np.zeros(total, dtype=np.bool_), np.zeros(total, dtype=np.bool_)
    own_part = np.zeros(total)
    for visit in reversed(walk.visits):
        part = slice(visit.base, visit.base + len(visit.trace))
        size = len(visit.trace)
        leaf = layout.components[visit.component].kind is not bp.Kind.SERVICE
        mean = (
            state.call_latency[visit.step, visit.call] if leaf and visit.call >= 0 else own[visit.step, visit.component]
        )
        own_part[part] = mean * rng.gamma(VARIETY, 1 / VARIETY, size)
        server_s[part] = own_part[part] + inside[part]
        broken = knobs.own_error[visit.step, visit.component] + state.rejected[visit.step, visit.component]
        server_bad[part] |= rng.uniform(size=size) < broken
        if visit.call < 0:
            client_s[part], client_bad[part] = server_s[part], server_bad[part]
            continue
        limit_s = knobs.timeout_s[visit.call]
        late = (server_s[part] > limit_s) & bool(layout.waits[visit.call])
        client_s[part] = np.minimum(server_s[part], limit_s) + knobs.delay_s[visit.step, visit.call]
        soon = 0.002 + 0.004 * rng.uniform(size=size) + knobs.hang_s[visit.call]
        client_s[part] = np.where(visit.refused, soon, client_s[part])
        client_bad[part] = late | visit.refused | server_bad[part]
        fatal = (
            client_bad[part] & (rng.uniform(size=size) < layout.required[visit.call]) & bool(layout.waits[visit.call])
        )
        np.add.at(inside, visit.parent, client_s[part] * layout.waits[visit.call])
        np.add.at(calls, visit.parent, 1.0)
        np.logical_or.at(server_bad, visit.parent, fatal)
    filled, gaps = own_part * HEAD, own_part * BETWEEN / np.maximum(calls, 1.0)
    gap_s = np.zeros(total)
    for visit in walk.visits:
        part = slice(visit.base, visit.base + len(visit.trace))
        if visit.call < 0:
            continue
        # Siblings of one batch share a parent in runs; each begins where the one before ended.
        gap = gap_s[part] = gaps[visit.parent]
        slots = client_s[part] + gap
        first = np.concatenate(([True], visit.parent[1:] != visit.parent[:-1]))
        before = np.cumsum(slots) - slots
        base = np.maximum.accumulate(np.where(first, before, 0.0))
        start_s[part] = start_s[visit.parent] + filled[visit.parent] + (before - base) + 0.5 * gap
        np.add.at(filled, visit.parent, slots * layout.waits[visit.call])
    return Timed(server_s, client_s, server_bad, client_bad, start_s, own_part, gap_s)


def spans(frame: fr.Frame) -> tm.Spans:
    """Traces over the window, more of them around the trouble; in order of start."""
    rng = frame.rng("spans")
    own = own_time(frame)
    table = span_table.Table(frame)
    entries = frame.layout.entries
    share = np.array([frame.layout.rate[i] for i in entries])
    share = np.maximum(share / share.sum(), 0.1)
    made, wanted = 0, SPANS * frame.volume * frame.noise.trace_share
    size = max(40, round(BATCH * min(1.0, frame.noise.trace_share)))
    for batch in range(200):
        entry = entries[int(rng.choice(len(entries), p=share / share.sum()))]
        steps = _moments(frame, rng, size if batch else min(size, 60))
        walk = Walk(frame, steps, entry, rng)
        timed = time_out(frame, walk, own, rng)
        starts_s = frame.times_s[steps] + rng.uniform(0, frame.step_s, len(steps))
        made += table.add(walk, timed, starts_s, rng)
        if made >= wanted or (batch and made + made / batch > wanted * 1.3):
            break
    return table.finish(rng)


def _moments(frame: fr.Frame, rng: np.random.Generator, count: int) -> IndexArray:
    recent = max(0, frame.draft.onset - round(RECENT_S * 0.35 / frame.step_s))
    until = min(frame.steps, recent + round(RECENT_S / frame.step_s))
    late = rng.integers(recent, until, count)
    anywhere = rng.integers(0, frame.steps, count)
    return np.sort(np.where(rng.uniform(size=count) < RECENT_SHARE, late, anywhere)).astype(np.intp)
