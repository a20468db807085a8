"""Correlated faults: a CPU limit was lowered and did no harm, until more people came; neither alone would have paged anybody."""

import dataclasses

from rootward.dojo.faults import cpu_throttling, kit, traffic_spike
from rootward.dojo.world import draft as dr


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    rng = draft.rng("spike meets limit", target)
    strength = dr.Strength(dice.strength.severity)
    onset = draft.onset
    draft.onset = max(onset - draft.steps_in(dice["lowered_before_s"]), 8)
    draft.standing = True
    tight = {"demand_over_limit": dice["demand_over_limit"]}
    limit = cpu_throttling.FAMILY.plant(draft, target, dr.Dice(rng, tight, strength))
    draft.onset = onset
    entry = max(draft.layout.entries, key=lambda i: float(draft.layout.rate[i]))
    crowd = {"times": dice["times"] * draft.traffic_at_onset(), "ramp_s": dice["ramp_s"]}
    spike = traffic_spike.FAMILY.plant(draft, entry, dr.Dice(rng, crowd, dr.Strength(strength.severity, dice.shape)))
    causes = tuple(dataclasses.replace(cause, onset_s=kit.onset_s(draft)) for cause in spike.causes)
    return dr.Planted((*limit.causes, *causes), target, note="the limit is the cause, the crowd is the trigger")


FAMILY = kit.Family(
    name="spike_meets_limit",
    summary="More traffic meets a CPU limit that had been lowered without harm.",
    parameters=(
        dr.Parameter("times", 1.5, 2.1, "times the usual traffic", +1),
        dr.Parameter("ramp_s", 60, 300, "s"),
        dr.Parameter("demand_over_limit", 0.6, 0.8, "of the lowered limit", +1),
        dr.Parameter("lowered_before_s", 600, 1800, "s before the crowd"),
    ),
    targets=kit.busy_services,
    plant=plant,
    group="compound",
    shapes=("step", "ramp", "intermittent"),
    rows=(61,),
    kinds=("cpu_throttling", "traffic_spike"),
)
