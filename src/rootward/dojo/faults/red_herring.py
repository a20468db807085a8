"""Something innocent is deployed seconds before, something loud goes on elsewhere, and the cause is a third thing without a deploy."""

from rootward.dojo.faults import certificate_expiry, kit, memory_leak, third_party_slow, traffic_spike
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, layout, texts

TRUE = (certificate_expiry.FAMILY, third_party_slow.FAMILY, memory_leak.FAMILY, traffic_spike.FAMILY)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    """`target` is the service of the innocent release: one that the trouble runs through."""
    plan, rng = draft.layout, draft.rng("red herring", target)
    able = [family for family in TRUE if any(place != target for place in family.targets(plan))]
    family = able[int(rng.integers(0, len(able)))]
    places = [place for place in family.targets(plan) if place != target]
    behind = [place for place in places if plan.path(target, place)]
    place = (behind or places)[int(rng.integers(0, len(behind or places)))]
    planted = family.plant(draft, place, dr.roll(family.parameters, rng, dr.Strength(dice.strength.severity), {}))
    component = plan.components[target]
    at = max(draft.onset - draft.steps_in(dice["deployed_before_s"]), 1)
    history.release(draft, target, at, texts.innocent(component, rng))
    loud = _loud(draft, {target, place}, dice)
    return dr.Planted(planted.causes, planted.place, suspects=(component.name, *loud, *planted.suspects))


def _loud(draft: dr.Draft, spared: set[int], dice: dr.Dice) -> tuple[str, ...]:
    """An unrelated service floods its log with errors that it recovers from, beginning before the trouble."""
    plan = draft.layout
    felt = layout.feels(plan)
    quiet = [i for i in plan.of_kind(bp.Kind.SERVICE) if i not in spared and felt[i] < 0.5 and i not in plan.entries]
    if not quiet:
        return ()
    noisy = quiet[int(draft.rng("loud").integers(0, len(quiet)))]
    rate = draft.after(draft.onset - draft.steps_in(300.0)) * dice["loud_lines_per_s"]
    text = "token refresh failed: 429 from identity provider, will retry with backoff"
    draft.voices.append(dr.Voice(noisy, "error", rate, (text,), steady=True))
    return (plan.components[noisy].name,)


FAMILY = kit.Family(
    name="red_herring",
    summary="An innocent release and unrelated noise surround a fault that no change explains.",
    parameters=(
        dr.Parameter("deployed_before_s", 15, 90, "s before the fault"),
        dr.Parameter("loud_lines_per_s", 0.2, 1.0, "lines per second"),
    ),
    targets=kit.busy_services,
    plant=plant,
    group="compound",
    rows=(63,),
    kinds=tuple(family.name for family in TRUE),
)
