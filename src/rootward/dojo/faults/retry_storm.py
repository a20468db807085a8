"""A short hiccup sets off retries that keep a service overloaded long after the hiccup is gone (metastable failure)."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import draft as dr
from rootward.dojo.world import dynamics
from rootward.dojo.world import layout as lay

TIMEOUT_S = 1.5
ROOM = 6.0
SELF_SUSTAINING = 1.6
"""Load over capacity while every call is tried as often as allowed: above 1 the storm feeds itself."""


def targets(layout: lay.Layout) -> list[int]:
    """Calls between services that make up most of the callee's load."""
    felt = lay.feels(layout)
    services = set(layout.of_kind(bp.Kind.SERVICE))
    return [
        e
        for e in range(len(layout.calls))
        if int(layout.target[e]) in services
        and layout.waits[e]
        and layout.call_rate[e] >= 0.6 * layout.rate[layout.target[e]]
        and felt[layout.source[e]] * layout.required[e] >= 0.3
        and layout.hold_s[layout.target[e]] < 0.25
    ]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout = draft.layout
    place, caller = int(layout.target[target]), int(layout.source[target])
    draft.standing = True
    draft.knobs.timeout_s[target] = min(draft.knobs.timeout_s[target], TIMEOUT_S)
    # The caller has room for all its waiting requests; otherwise its own limit would end the storm.
    draft.knobs.workers[:, caller] *= ROOM
    need = layout.rate[place] * draft.traffic_highest() * layout.cpu_s[place] / layout.replicas[place]
    draft.knobs.cores[:, place] = np.minimum(draft.knobs.cores[:, place], need / dice["busy"])
    busy = dice["busy"] * draft.traffic_at_onset() / draft.traffic_highest()
    draft.knobs.retries[target] = max(np.rint(dice["retries"]), np.ceil(SELF_SUSTAINING / busy) - 1)
    stop = draft.onset + draft.steps_in(dice["trigger_s"])
    draft.knobs.wait_s[draft.onset : stop, place] += dice["stall_ms"] / 1e3
    name, client = layout.components[place].name, layout.components[caller].name
    aliases = (("workload", name), ("service", client), ("edge", f"{client}→{name}"))
    cause = oracle.Cause("service", name, "retry_storm", kit.onset_s(draft), "", aliases)
    return dr.Planted(
        (cause,),
        place,
        note=f"{client} tries {int(draft.knobs.retries[target]) + 1} times; the stall lasted {dice['trigger_s']:.0f} s",
    )


def lasts(draft: dr.Draft, state: dynamics.State, target: int) -> bool:
    """The storm still blows when its trigger has long gone."""
    after = draft.onset + draft.steps_in(600.0)
    return bool(state.failed[after:, target].mean() > 0.5)


FAMILY = kit.Family(
    name="retry_storm",
    summary="Retries keep a service overloaded after a short stall has gone.",
    parameters=(
        dr.Parameter("retries", 3, 5, "per call", +1),
        dr.Parameter("busy", 0.48, 0.6, "of its cores at the busiest time before", +1),
        dr.Parameter("trigger_s", 60, 150, "s", +1),
        dr.Parameter("stall_ms", 3000, 8000, "ms per request", +1),
    ),
    targets=targets,
    plant=plant,
    lasts=lasts,
    group="traffic",
    rows=(7,),
    of_calls=True,
)
