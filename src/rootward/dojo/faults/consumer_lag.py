"""A release makes a consumer slow: each message takes longer than messages come, and it falls behind on every partition alike."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts
from rootward.dojo.world import layout as lay

TITLES = (
    "Look the customer up for every message",
    "Write an audit row per message",
    "Call the scoring model before acknowledging",
)


def targets(layout: lay.Layout) -> list[int]:
    """Consumers of queues."""
    return [i for i, component in enumerate(layout.components) if component.consumer and layout.rate[i] > 0.05]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, component = draft.layout, draft.layout.components[target]
    patch = texts.Patch(
        TITLES[int(dice.rng.integers(0, len(TITLES)))],
        {
            texts.source(component): texts.hunk(
                ["-    commit(batch)"],
                ["+    for message in batch:", "+        enrich(message)", "+        commit(message)"],
                line=91,
            )
        },
        feature=True,
    )
    release = history.release(draft, target, draft.onset, patch)
    acting = draft.acting(dice, ramp_s=30.0 * float(layout.replicas[target]))
    slots = float(layout.workers[target] * layout.replicas[target])
    rate = float(layout.rate[target]) * draft.traffic_at_onset()
    draft.knobs.wait_s[:, target] += acting * dice["arrivals_over_capacity"] * slots / rate
    cause = kit.service_cause(draft, target, "consumer_lag", release.sha)
    return dr.Planted((cause,), target, suspects=kit.callees(layout, target))


FAMILY = kit.Family(
    name="consumer_lag",
    summary="A release makes a consumer slower than its messages come, and it falls behind on every partition.",
    parameters=(dr.Parameter("arrivals_over_capacity", 1.15, 2.6, "times", +1),),
    targets=targets,
    plant=plant,
    group="data",
    shapes=("step", "ramp"),
    rows=(44,),
)
