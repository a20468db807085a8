"""Something is wrong inside, and the sources that would tell what are not there: an honest answer is silence."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay

WITHHELD = (
    ("kubernetes", "forbidden"),
    ("loki", "down"),
    ("jaeger", "down"),
    ("tempo", "down"),
    ("github", "absent"),
    ("pagerduty", "absent"),
)


def targets(layout: lay.Layout) -> list[int]:
    """Services that nobody is paged for, so that their own numbers are not what fired."""
    return [i for i in kit.busy_services(layout) if not layout.components[i].tier_one]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    share = dice["failing_share"] * draft.acting(dice, ramp_s=60.0)
    draft.knobs.own_error[:, target] = 1 - (1 - draft.knobs.own_error[:, target]) * (1 - share)
    draft.access.update(WITHHELD)
    callers = {int(layout.source[e]) for e in layout.calls_to(target)}
    # Neither the culprit nor what stands next to it is scraped; only the numbers of those who page are left.
    near = {target, *callers} | {int(layout.target[e]) for e in layout.calls_from(target)}
    draft.hidden.update(i for i in near if i == target or not layout.components[i].tier_one)
    name = layout.components[target].name
    return dr.Planted((), target, "quiet", note=f"{name} fails, and nothing that could show it can be asked")


FAMILY = kit.Family(
    name="missing_evidence",
    summary="A service fails while cluster, logs, traces, changes and its own metrics cannot be seen.",
    parameters=(dr.Parameter("failing_share", 0.2, 0.7, "of requests", +1),),
    targets=targets,
    plant=plant,
    group="silence",
    shapes=("step", "ramp", "intermittent"),
    rows=(64,),
)
