"""Topics and their partitions: which share of a topic's messages each holds, and what waits in each for a consumer."""

import numpy as np

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay

COUNT = 3
STALLED = "stalled_partition_"
"""With the partition's number: the draft's level, by call from a topic to its consumer, that says how far the consumer does
not get beyond a message there, 0 to 1."""
CATCH_UP = 3.0
"""How many times faster than messages arrive a partition is worked off once its consumer gets on."""


def topics(layout: lay.Layout) -> list[int]:
    """Queues kept by Kafka."""
    return [i for i in layout.of_kind(bp.Kind.QUEUE) if layout.components[i].language == "kafka"]


def shares(layout: lay.Layout, seed: int, topic: int) -> lay.FloatArray:
    """Each partition's share of the messages; [COUNT], their sum is 1."""
    rng = _rng.stream(seed, layout.plan.name, "partitions", layout.components[topic].name)
    return np.asarray(rng.dirichlet(np.full(COUNT, 60.0)), dtype=np.float64)


def produced(frame: fr.Frame, topic: int) -> lay.FloatArray:
    """The log end offset of every partition; [COUNT, T]."""
    share = shares(frame.layout, frame.draft.seed, topic)
    arrived = np.cumsum(frame.state.arrivals[:, topic]) * frame.step_s
    first = 1e6 * (np.arange(COUNT) + 1)
    return np.floor(first[:, None] + share[:, None] * arrived)


def lag(frame: fr.Frame, call: int) -> lay.FloatArray:
    """Messages of every partition that a call's consumer has not processed; [COUNT, T]."""
    topic, consumer = int(frame.layout.source[call]), int(frame.layout.target[call])
    share = shares(frame.layout, frame.draft.seed, topic)
    rng = frame.rng("lag", call)
    inflight = rng.poisson(np.maximum(frame.state.arrivals[:, consumer] * 0.15 * share[:, None], 0.05))
    waiting = np.floor(frame.state.queue[:, consumer] * share[:, None]) + inflight
    for k in range(COUNT):
        if (f"{STALLED}{k}", call) in frame.draft.levels:
            arriving = frame.state.arrivals[:, topic] * share[k] * frame.step_s
            waiting[k] = _piled_up(waiting[k], arriving, frame.draft.levels[f"{STALLED}{k}", call])
    return np.asarray(waiting, dtype=np.float64)


def _piled_up(usual: lay.FloatArray, arriving: lay.FloatArray, stalled: lay.FloatArray) -> lay.FloatArray:
    """What lies behind a message that its consumer does not get beyond."""
    out, held = usual.copy(), 0.0
    for t in np.flatnonzero(np.cumsum(stalled) > 0):
        held = held + arriving[t] if stalled[t] > 0.5 else max(held - CATCH_UP * arriving[t], 0.0)
        out[t] = usual[t] + np.floor(held)
    return out
