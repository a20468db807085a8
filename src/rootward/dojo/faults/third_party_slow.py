"""A third party answers slowly, or not at all: only its clients can see it."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay


def targets(layout: lay.Layout) -> list[int]:
    """Third parties whose failure an entry feels."""
    felt = lay.feels(layout)
    return [i for i in layout.of_kind(bp.Kind.EXTERNAL) if felt[i] >= 0.3]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    began = draft.acting(dice, ramp_s=dice["minutes_to_build"] * 60.0)
    draft.knobs.wait_s[:, target] += began * dice["slower_ms"] / 1e3
    draft.knobs.own_error[:, target] += began * dice["failing"]
    aliases = (("external", component.name), ("service", component.name), ("service", component.host))
    cause = oracle.Cause("external", component.host, "third_party_slow", kit.onset_s(draft), "", aliases)
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="third_party_slow",
    summary="A third party becomes slow and fails some requests.",
    parameters=(
        dr.Parameter("slower_ms", 1200, 6000, "ms per request", +1),
        dr.Parameter("failing", 0.0, 0.25, "of requests", +1),
        dr.Parameter("minutes_to_build", 0.5, 4.0, "min"),
    ),
    targets=targets,
    plant=plant,
    group="network",
    shapes=("step", "ramp", "intermittent", "periodic"),
    rows=(51,),
)
