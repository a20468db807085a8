"""What a system's steps are given from outside, worked out for many steps at once: what depends on no step before it.

A step is a hundred operations on short arrays, and each costs the same whether it is for one step or for thirty.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from rootward.dojo.world import knobs as kn
from rootward.dojo.world import layout as lay

FloatArray = lay.FloatArray

TINY = 1e-9
CHUNK = 32
"""Steps that are worked out at once: few enough that a large world's arrays of them take no room to speak of."""


class Given(NamedTuple):
    """Of one step: [N] by component or [E] by call, or [L, N] and [L, E] for the steps of several lanes."""

    demand: FloatArray
    weight: FloatArray  # calls per request of the caller
    sent_share: FloatArray  # share of the caller's requests that make the call
    through: FloatArray  # share of attempts that are not refused on the way
    hung_s: FloatArray
    delay_s: FloatArray
    cpu_s: FloatArray
    wait_s: FloatArray
    work_s: FloatArray
    blocked_s: FloatArray
    cores: FloatArray  # of all pods
    slots: FloatArray  # workers of all pods
    sound: FloatArray  # logarithm of the share of requests that the component does not fail by itself
    usable: FloatArray  # connections of all of the caller's pods
    leaked: FloatArray
    places: FloatArray  # of those that wait for a connection


def steps(layout: lay.Layout, knobs: kn.Knobs, times: lay.IndexArray) -> Iterator[tuple[Any, Given]]:
    """Each of `times` ([C], or [C, L] for lanes) with what it is given."""
    for begin in range(0, len(times), CHUNK):
        some = times[begin : begin + CHUNK]
        parts = _worked_out(layout, knobs, some)
        yield from zip(
            some.tolist() if some.ndim == 1 else some, map(Given._make, zip(*parts, strict=True)), strict=True
        )


def _worked_out(layout: lay.Layout, knobs: kn.Knobs, at: lay.IndexArray) -> Given:
    """As `Given`, with an axis of steps before the others."""
    source, behind, pooled = layout.source, layout.behind, np.isfinite(layout.pool)
    missed = np.where(behind >= 0, 1.0 - knobs.hit[at][..., behind], 1.0)
    weight = layout.weight * knobs.calls_factor[at] * missed
    pods, refused, leaked = knobs.pods[at], knobs.refused[at], knobs.leaked[at]
    callers = np.maximum(pods[..., source], TINY)
    return Given(
        demand=knobs.demand[at],
        weight=weight,
        sent_share=np.minimum(weight, 1.0),
        through=1.0 - refused,
        hung_s=knobs.hang_s * refused,
        delay_s=knobs.delay_s[at],
        cpu_s=knobs.cpu_s[at],
        wait_s=knobs.wait_s[at],
        work_s=knobs.work_s[at],
        blocked_s=knobs.blocked_s[at],
        cores=np.maximum(knobs.cores[at] * pods, TINY),
        slots=np.maximum(knobs.workers[at] * pods, TINY),
        sound=np.log1p(-np.minimum(knobs.own_error[at], 0.999)),
        usable=np.maximum(knobs.pool[at] - leaked, 0.02) * callers,
        leaked=np.where(pooled, leaked * callers, 0.0),
        places=layout.workers[source] * callers,
    )
