"""Something is wrong inside, and the sources that would tell what are not there: an honest answer is silence."""

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr

WITHHELD = (
    ("kubernetes", "forbidden"),
    ("loki", "down"),
    ("jaeger", "down"),
    ("tempo", "down"),
    ("github", "absent"),
    ("pagerduty", "absent"),
)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    share = dice["failing_share"] * draft.after(draft.onset, ramp_s=60.0)
    draft.knobs.own_error[:, target] = 1 - (1 - draft.knobs.own_error[:, target]) * (1 - share)
    draft.access.update(WITHHELD)
    callers = {int(layout.source[e]) for e in layout.calls_to(target)}
    # Neither the culprit nor what stands next to it is scraped; only an entry's own numbers are left.
    draft.hidden.update(
        ({target, *callers} | {int(layout.target[e]) for e in layout.calls_from(target)}) - set(layout.entries)
    )
    name = layout.components[target].name
    return dr.Planted((), target, "quiet", note=f"{name} fails, and nothing that could show it can be asked")


FAMILY = kit.Family(
    name="missing_evidence",
    summary="A service fails while cluster, logs, traces, changes and its own metrics cannot be seen.",
    parameters=(dr.Parameter("failing_share", 0.2, 0.7, "of requests", +1),),
    targets=kit.busy_services,
    plant=plant,
)
