"""The cause lies where nothing that is connected can see it: a carrier or an edge network in front of the system."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay


def targets(layout: lay.Layout) -> list[int]:
    return [layout.entries[0]]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    began = draft.acting(dice, ramp_s=30.0)
    lost = began * dice["lost_share"]
    draft.knobs.demand[:, list(draft.layout.entries)] *= (1 - lost * 0.9)[:, None]
    rng = draft.rng("probes")
    draft.reach = (rng.uniform(size=draft.steps) >= lost).astype(np.float64)
    draft.reach_s = 0.12 * np.exp(0.1 * rng.standard_normal(draft.steps)) + lost * rng.uniform(0, 4, draft.steps)
    return dr.Planted(
        (), target, "outside", note="a network in front of the system loses requests; inside, all is well"
    )


FAMILY = kit.Family(
    name="outside",
    summary="Requests are lost in front of the system; no connected source shows why.",
    parameters=(dr.Parameter("lost_share", 0.35, 0.75, "of requests", +1),),
    targets=targets,
    plant=plant,
    group="silence",
    shapes=("step", "ramp", "intermittent"),
    rows=(66,),
)
