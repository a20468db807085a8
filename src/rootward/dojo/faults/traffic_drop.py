"""Requests stop arriving at a healthy system: a load balancer or a DNS record in front of it sends them elsewhere."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import texts


def targets(layout: lay.Layout) -> list[int]:
    """The busiest entry, where everybody comes in."""
    return sorted(layout.entries, key=lambda i: -layout.rate[i])[:1]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    lost = draft.acting(dice, ramp_s=dice["minutes_of_ttl"] * 60.0) * dice["lost_share"]
    draft.knobs.demand[:, target] *= 1 - lost
    name, domain = draft.layout.components[target].name, draft.layout.plan.domain
    note = draft.note(
        -1,
        "infrastructure",
        f"DNS: weight of www.{domain} moved to the new edge",
        dice.rng,
        path="dns/zone.tf",
        patch=texts.hunk(["-  weight = 0"], ["+  weight = 100"], line=11, context="records:"),
        details={"record": f"www.{domain}", "from": "0", "to": "100"},
    )
    aliases = (("workload", name), ("external", "dns"))
    cause = oracle.Cause("service", name, "traffic_drop", kit.onset_s(draft), note.sha, aliases)
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="traffic_drop",
    summary="Requests stop arriving; the system itself is healthy.",
    parameters=(
        dr.Parameter("lost_share", 0.85, 0.99, "of requests", +1),
        dr.Parameter("minutes_of_ttl", 0.5, 3.0, "min"),
    ),
    targets=targets,
    plant=plant,
    group="traffic",
    shapes=("step", "ramp"),
    rows=(47,),
)
