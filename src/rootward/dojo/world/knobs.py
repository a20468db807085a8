"""Everything about a system that may change over time without anybody touching its structure: what faults and noise turn."""

import dataclasses

import numpy as np

from rootward import _rng
from rootward.dojo.world import layout as lay
from rootward.dojo.world import traffic

FloatArray = lay.FloatArray


@dataclasses.dataclass(slots=True, eq=False)
class Knobs:
    """Arrays [T, N] by component or [T, E] by call; seconds, shares of 1, cores, connections.

    `work_s` occupies the callee's CPU, `blocked_s` only its worker (a lock), `delay_s` is spent on the way; all per call.
    `refused` is the share of attempts that fail at once on the way (no route, no name, no handshake).
    """

    demand: FloatArray
    cpu_s: FloatArray
    wait_s: FloatArray
    own_error: FloatArray
    cores: FloatArray  # per pod
    workers: FloatArray  # per pod
    pods: FloatArray  # able to serve
    hit: FloatArray
    work_s: FloatArray
    blocked_s: FloatArray
    delay_s: FloatArray
    refused: FloatArray
    calls_factor: FloatArray
    pool: FloatArray  # usable connections per pod
    leaked: FloatArray  # connections per pod that nobody gives back
    retries: FloatArray  # [E], a standing property of the callers
    timeout_s: FloatArray  # [E]
    hang_s: FloatArray  # [E], how long a refused attempt takes to fail: nothing where something answers "no"
    pressure: FloatArray  # [N], how much more work a request costs when the queue is full: collecting what waits

    def copy(self) -> "Knobs":
        """Zeros are asked for anew rather than copied: the memory of those that nobody writes to is never taken."""
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return Knobs(**{name: part.copy() if part.any() else np.zeros(part.shape) for name, part in parts.items()})


def _hiccups(rng: np.random.Generator, steps: int, count: int, step_s: float) -> FloatArray:
    """Short slow spells that mean nothing: a few an hour in some components, none in most; log of the factor, [T, N]."""
    out = np.zeros((steps, count))
    per_h = rng.exponential(0.8, count) * (rng.uniform(size=count) < 0.5)
    for i in range(count):
        for _ in range(int(rng.poisson(per_h[i] * steps * step_s / 3600.0))):
            at, length = int(rng.integers(0, steps)), int(rng.integers(1, max(2, round(60.0 / step_s)) + 1))
            out[at : at + length, i] += min(float(rng.pareto(2.2)) * 0.5, 1.2)
    return out


def ordinary(layout: lay.Layout, times_s: FloatArray, seed: int) -> Knobs:
    """A system on an ordinary day."""
    steps, count, edges = len(times_s), len(layout.components), len(layout.calls)
    step_s = float(times_s[1] - times_s[0])
    rng = _rng.stream(seed, layout.plan.name, "ordinary")
    slow, quick = float(np.exp(-step_s / 900.0)), float(np.exp(-step_s / 45.0))
    wander = traffic.coloured(rng, steps, count, memory=slow, sigma=0.03)
    # Some code takes as long each time, some does not: the spread of spreads is what real systems have.
    uneasy = np.clip(rng.lognormal(np.log(0.06), 0.7, count), 0.015, 0.3)
    jitter = traffic.coloured(rng, steps, count, memory=quick, sigma=1.0) * uneasy + _hiccups(rng, steps, count, step_s)
    far = np.array([1.0 if component.host else 0.0 for component in layout.components])
    sway = traffic.coloured(rng, steps, count, memory=slow, sigma=0.05) * far
    errors = np.array([component.error_ratio for component in layout.components])
    hit = np.array([component.hit_ratio for component in layout.components])
    grain = 1.0 + traffic.coloured(rng, steps, count, memory=slow, sigma=0.06)

    def by_component(values: FloatArray) -> FloatArray:
        return np.repeat(values[None, :], steps, axis=0).astype(np.float64)

    def by_call(value: float) -> FloatArray:
        return np.full((steps, edges), value) if value else np.zeros((steps, edges))

    return Knobs(
        demand=traffic.demand(layout, times_s, rng),
        cpu_s=layout.cpu_s * np.exp(wander + jitter * 0.5),
        wait_s=layout.wait_s * np.exp(wander + jitter + sway),
        own_error=errors * np.exp(traffic.coloured(rng, steps, count, memory=slow, sigma=0.4)),
        cores=by_component(layout.cores),
        workers=by_component(layout.workers),
        pods=by_component(layout.replicas.astype(np.float64)),
        hit=np.clip(1.0 - (1.0 - hit) * grain, 0.0, 1.0),
        work_s=by_call(0.0),
        blocked_s=by_call(0.0),
        delay_s=by_call(0.0005),
        refused=by_call(0.00002),
        calls_factor=by_call(1.0),
        pool=np.repeat(layout.pool[None, :], steps, axis=0),
        leaked=by_call(0.0),
        retries=layout.retries.copy(),
        timeout_s=layout.timeout_s.copy(),
        hang_s=np.zeros(edges),
        pressure=np.zeros(count),
    )
