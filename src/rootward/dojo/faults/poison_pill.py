"""One message that cannot be processed: its partition stands still behind it while the others are worked off as ever."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import partitions


def targets(layout: lay.Layout) -> list[int]:
    """Calls from topics to their consumers."""
    topics = set(partitions.topics(layout))
    return [e for e in range(len(layout.calls)) if int(layout.source[e]) in topics and layout.call_rate[e] > 0.05]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    topic, consumer = int(layout.source[target]), int(layout.target[target])
    k = int(dice.rng.integers(0, partitions.COUNT))
    stalled = np.where(draft.acting(dice) > 0.5, 1.0, 0.0)
    share = float(partitions.shares(layout, draft.seed, topic)[k])
    draft.levels[f"{partitions.STALLED}{k}", target] = stalled
    # The consumer sees only what the other partitions hold, and the one message again and again.
    draft.knobs.calls_factor[:, target] *= 1.0 - share * stalled
    kit.fail(draft, consumer, stalled * dice["retries_share"])
    name = layout.components[topic].name
    cause = kit.service_cause(draft, consumer, "consumer_lag")
    cause = kit.also(cause, ("queue", name))
    return dr.Planted((cause,), consumer, note=f"{name}, partition {k}")


FAMILY = kit.Family(
    name="poison_pill",
    summary="One message cannot be processed, and its partition stands still behind it.",
    parameters=(dr.Parameter("retries_share", 0.01, 0.05, "of what the consumer does", +1),),
    targets=targets,
    plant=plant,
    group="data",
    rows=(44,),
    kinds=("consumer_lag",),
    of_calls=True,
)
