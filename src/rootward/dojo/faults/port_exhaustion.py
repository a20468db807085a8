"""A release stops reusing connections: a service runs out of ephemeral ports, and every call that it makes may fail."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, log_formats, texts
from rootward.dojo.world import layout as lay

PORTS = 28232.0
"""net.ipv4.ip_local_port_range of most distributions: 32768 to 60999."""


def targets(layout: lay.Layout) -> list[int]:
    """Busy services that call somebody they need."""
    return [i for i in kit.busy_services(layout) if any(layout.required[e] > 0.5 for e in layout.calls_from(i))]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component, calls = draft.layout.components[target], draft.layout.calls_from(target)
    patch = texts.Patch(
        "New HTTP client per request, so that settings apply at once",
        {
            texts.source(component): texts.hunk(
                ["-    client = shared_client()"], ["+    client = new_client(keep_alive=False)"], line=23
            )
        },
    )
    release = history.release(draft, target, draft.onset, patch)
    filled = draft.acting(dice, ramp_s=dice["minutes_to_fill"] * 60.0)
    failing = np.clip((filled - 0.9) / 0.1, 0.0, 1.0) * dice["failing_share"]
    for e in calls:
        draft.knobs.refused[:, e] = 1 - (1 - draft.knobs.refused[:, e]) * (1 - failing)
        draft.refusals[e] = log_formats.NO_PORT
    wobble = np.exp(0.02 * draft.rng("ports").standard_normal(draft.steps))
    draft.levels["timewait", target] = np.minimum(30.0 * wobble + filled * PORTS, PORTS)
    cause = oracle.Cause(
        "service", component.name, "port_exhaustion", kit.onset_s(draft), release.sha, (("workload", component.name),)
    )
    return dr.Planted(
        (cause,), target, suspects=tuple(draft.layout.components[draft.layout.target[e]].name for e in calls)
    )


FAMILY = kit.Family(
    name="port_exhaustion",
    summary="A service runs out of ephemeral ports after it stopped reusing connections.",
    parameters=(
        dr.Parameter("minutes_to_fill", 1.0, 6.0, "min"),
        dr.Parameter("failing_share", 0.2, 0.8, "of attempts", +1),
    ),
    targets=targets,
    plant=plant,
    group="network",
    rows=(25,),
)
