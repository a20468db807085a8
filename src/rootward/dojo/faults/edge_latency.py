"""The way between two services became long (a detour, a proxy, a far zone): the client waits, the server does not notice."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    draft.knobs.delay_s[:, target] += draft.acting(dice) * dice["added_ms"] / 1e3
    return dr.Planted((kit.edge_cause(draft, target, "network_delay"),), int(draft.layout.target[target]))


FAMILY = kit.Family(
    name="edge_latency",
    summary="The network adds latency between one caller and one callee.",
    parameters=(dr.Parameter("added_ms", 120, 900, "ms per call", +1),),
    targets=kit.calls_between_services,
    plant=plant,
    group="network",
    shapes=("step", "ramp", "intermittent", "periodic"),
    rows=(23,),
    kinds=("network_delay",),
    of_calls=True,
)
