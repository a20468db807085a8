"""A server's TLS certificate passes its last day: new connections to it fail, to the second, and nobody changed anything."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    # Connections that were open stay open until they are recycled.
    closed = draft.acting(dice, ramp_s=dice["minutes_to_recycle"] * 60.0) * dice["new_connections"]
    calls = draft.layout.calls_to(target)
    draft.knobs.refused[:, calls] = np.maximum(draft.knobs.refused[:, calls], closed[:, None])
    draft.expiries[target] = kit.onset_s(draft)
    cause = oracle.Cause(
        "service", component.name, "certificate_expiry", kit.onset_s(draft), "", (("workload", component.name),)
    )
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="certificate_expiry",
    summary="The TLS certificate of a service expires and its clients refuse to connect.",
    parameters=(
        dr.Parameter("minutes_to_recycle", 0.5, 8.0, "min", -1),
        dr.Parameter("new_connections", 0.6, 1.0, "of attempts", +1),
    ),
    targets=kit.busy_services,
    plant=plant,
    group="network",
    rows=(18,),
)
