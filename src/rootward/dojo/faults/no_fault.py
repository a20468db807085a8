"""Nothing to find: a rule with too tight a threshold flaps, or a blip that was over before anybody looked."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    if dice.rng.uniform() < 0.5:
        draft.noisy_rule = (target, dice["quantile"])
        return dr.Planted((), target, "no_fault", note="the threshold lies within the ordinary range")
    entry = draft.layout.entries[0]
    stop = draft.onset + draft.steps_in(dice["blip_s"])
    felt = max(float(lay.feels(draft.layout)[target]), 0.05)
    draft.knobs.own_error[draft.onset : stop, target] += np.minimum(dice["blip_errors"] / felt, 0.6)
    draft.knobs.own_error[draft.onset : stop, entry] += dice["blip_errors"] * 0.3
    return dr.Planted((), target, "no_fault", note="a blip that had recovered when somebody looked")


FAMILY = kit.Family(
    name="no_fault",
    summary="The system is healthy: a flapping threshold, or a blip that has recovered.",
    parameters=(
        dr.Parameter("quantile", 0.85, 0.96, "of the ordinary error ratio", -1),
        dr.Parameter("blip_s", 120, 200, "s"),
        dr.Parameter("blip_errors", 0.04, 0.15, "of requests", +1),
    ),
    targets=kit.busy_services,
    plant=plant,
    group="silence",
    rows=(62,),
)
