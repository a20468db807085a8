"""Two faults that have nothing to do with each other begin within minutes: the answer is a set of two."""

from rootward.dojo.faults import (
    bad_deploy,
    cache_loss,
    certificate_expiry,
    cpu_throttling,
    kit,
    lock_contention,
    memory_leak,
    slow_query,
    third_party_slow,
)
from rootward.dojo.world import draft as dr

FIRST = (bad_deploy.FAMILY, cpu_throttling.FAMILY, memory_leak.FAMILY)
SECOND = (
    slow_query.FAMILY,
    third_party_slow.FAMILY,
    certificate_expiry.FAMILY,
    lock_contention.FAMILY,
    cache_loss.FAMILY,
)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    """`target` is where the first sits; the second begins a little later at a place apart from it where there is one."""
    rng = draft.rng("two faults", target)
    first = FIRST[int(rng.integers(0, len(FIRST)))]
    able = [family for family in SECOND if family.targets(draft.layout)]
    second = able[int(rng.integers(0, len(able)))]
    one = first.plant(draft, target, dr.roll(first.parameters, rng, dr.Strength(dice.strength.severity), {}))
    onset = draft.onset
    draft.onset = min(onset + draft.steps_in(dice["apart_s"]), draft.steps - 1)
    other = kit.within(draft, second, dice, apart_from=target)
    draft.onset = onset
    return dr.Planted(
        (*one.causes, *other.causes),
        target,
        suspects=(*one.suspects, *other.suspects),
        note=f"{first.name} and, {dice['apart_s']:.0f} s later, {second.name}",
    )


FAMILY = kit.Family(
    name="two_faults",
    summary="Two independent faults at once.",
    parameters=(dr.Parameter("apart_s", 0, 240, "s between the two"),),
    targets=kit.busy_services,
    plant=plant,
    group="compound",
    rows=(61,),
    kinds=tuple(family.name for family in (*FIRST, *SECOND)),
)
