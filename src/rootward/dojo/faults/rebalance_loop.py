"""A consumer group rebalances again and again: nobody consumes while it does, and what was consumed before is delivered twice."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import partitions, texts
from rootward.dojo.world.exporters import queues

LIBRARY = (
    "MAXPOLL: Application maximum poll interval ({interval}ms) exceeded by {over}ms (adjust max.poll.interval.ms for long-running message processing): leaving group",
    "Group rebalanced ({topic} [{partition}] revoked): Broker: Group rebalance in progress",
    "Commit of {topic} [{partition}] failed: Broker: Specified group generation id is not valid",
)
"""As librdkafka says it, under most languages."""
JAVA = (
    "consumer poll timeout has expired. This means the time between subsequent calls to poll() was longer than the configured max.poll.interval.ms",
    "Member sending LeaveGroup request to coordinator due to consumer poll timeout has expired",
    "Attempt to heartbeat failed since group is rebalancing",
    "Offset commit failed on partition {topic}-{partition}: The coordinator is not aware of this member",
)


def targets(layout: lay.Layout) -> list[int]:
    topics = set(partitions.topics(layout))
    return [
        i
        for i, component in enumerate(layout.components)
        if component.consumer and {int(layout.source[e]) for e in layout.calls_to(i)} & topics
    ]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, component = draft.layout, draft.layout.components[target]
    calls = layout.calls_to(target)
    topic = layout.components[layout.source[calls[0]]].name
    acting = draft.acting(dice)
    round_steps = draft.steps_in(dice["round_s"])
    phase = (np.arange(draft.steps) - draft.onset) % round_steps / round_steps
    stopped = np.where(phase < dice["stopped_share"], 1.0, 0.0) * acting
    draft.knobs.workers[:, target] *= 1.0 - 0.985 * stopped
    draft.knobs.calls_factor[:, calls] *= (1.0 + dice["delivered_again"] * acting)[:, None]
    draft.levels[queues.MEMBERS, target] = 1.0 - 0.7 * stopped
    interval = int(dice.rng.integers(4, 13)) * 1000
    said = tuple(
        text.format(topic=topic, partition=k, interval=interval, over=int(dice.rng.integers(9, 900)))
        for text in (JAVA if component.language == "java" else LIBRARY)
        for k in range(partitions.COUNT)
    )
    draft.voices.append(dr.Voice(target, "warn", acting / 12.0, said, steady=True))
    generation = int(dice.rng.integers(400, 9000))
    coordinator = tuple(
        f"[GroupCoordinator 1]: Preparing to rebalance group {component.name}-consumers in state PreparingRebalance with old generation {generation + k} (__consumer_offsets-{dice.rng.integers(0, 50)}) (reason: removing member on heartbeat expiration)"
        for k in range(12)
    )
    draft.voices.append(
        dr.Voice(int(layout.source[calls[0]]), "info", acting / dice["round_s"], coordinator, steady=True)
    )
    note = draft.note(
        target,
        "config",
        f"Detect stuck consumers of {component.name} sooner",
        dice.rng,
        path=f"deploy/{component.name}/values.yaml",
        patch=texts.hunk(
            ['-    KAFKA_MAX_POLL_INTERVAL_MS: "300000"'],
            [f'+    KAFKA_MAX_POLL_INTERVAL_MS: "{interval}"'],
            line=36,
            context="env:",
        ),
        details={"key": "KAFKA_MAX_POLL_INTERVAL_MS", "from": "300000", "to": f"{interval}"},
    )
    cause = kit.also(kit.service_cause(draft, target, "consumer_lag", note.sha), ("queue", topic))
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="rebalance_loop",
    summary="A consumer group rebalances again and again, and hardly consumes in between.",
    parameters=(
        dr.Parameter("stopped_share", 0.8, 0.97, "of the time", +1),
        dr.Parameter("round_s", 90, 240, "s"),
        dr.Parameter("delivered_again", 0.1, 0.9, "of the messages", +1),
    ),
    targets=targets,
    plant=plant,
    group="data",
    shapes=("step", "intermittent", "periodic"),
    rows=(44,),
    kinds=("consumer_lag",),
)
