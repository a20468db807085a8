"""More people than the system was sized for: requests rise first, everything else follows."""

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay


def targets(layout: lay.Layout) -> list[int]:
    """Entries, the busiest first."""
    return sorted(layout.entries, key=lambda i: -layout.rate[i])[:2]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    began = draft.acting(dice, ramp_s=dice["ramp_s"])
    usual = draft.traffic_at_onset()
    times = dice["times"] / usual  # of the peak, so that a quiet hour's crowd hurts as much
    draft.knobs.demand[:, target] *= 1 + (times - 1) * began
    name = layout.components[target].name
    behind = [
        layout.components[layout.target[e]].name
        for e in layout.calls_from(target)
        if layout.call_rate[e] >= 0.5 * layout.rate[target]
    ]
    aliases = (("workload", name), *(("service", callee) for callee in behind))
    cause = oracle.Cause("service", name, "traffic_spike", kit.onset_s(draft), "", aliases)
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="traffic_spike",
    summary="Several times the usual traffic arrives at an entry.",
    parameters=(dr.Parameter("times", 2.6, 5.0, "times the usual peak", +1), dr.Parameter("ramp_s", 45, 240, "s")),
    targets=targets,
    plant=plant,
    group="traffic",
    shapes=("step", "ramp", "intermittent", "periodic"),
    rows=(46,),
)
