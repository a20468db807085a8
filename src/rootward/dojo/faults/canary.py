"""A new version goes to a few pods first, and fails there: only they fail, and over all pods it looks like little."""

import numpy as np

from rootward.dojo.faults import bad_deploy, kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, texts
from rootward.dojo.world import layout as lay

SHARE = 0.3
"""Of the pods, at most."""


def targets(layout: lay.Layout) -> list[int]:
    """Services with more than a pod."""
    return [i for i in kit.busy_services(layout) if layout.replicas[i] >= 2]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component, replicas = draft.layout.components[target], int(draft.layout.replicas[target])
    text, trace = bad_deploy.TRACES.get(component.language, bad_deploy.TRACES["go"])
    patch = texts.Patch(
        "Price lines with the new totals engine",
        {
            texts.source(component): texts.hunk(
                ["-    total = order.total"], ["+    total = engine.totals(line, line.currency)"], line=139
            )
        },
        feature=True,
    )
    pods = max(1, int(np.floor(replicas * SHARE)))
    release = history.release(draft, target, draft.onset, patch, canary=pods)
    failing = draft.acting(dice, ramp_s=60.0) * dice["failing_share"]
    fresh = release.version
    draft.uneven.append(dr.Uneven(target, lambda pod: bool(pod.version == fresh), failing))
    rate = failing * pods / replicas * float(draft.layout.rate[target]) * draft.traffic_at_onset()
    draft.voices.append(
        dr.Voice(target, "error", rate, (text,), trace, steady=True, of=lambda pod: bool(pod.version == fresh))
    )
    cause = kit.service_cause(draft, target, "bad_deploy", release.sha)
    return dr.Planted((cause,), target, note=f"version {fresh} on {pods} of {replicas} pods")


FAMILY = kit.Family(
    name="canary",
    summary="A new version fails on the few pods that it was rolled out to first.",
    parameters=(dr.Parameter("failing_share", 0.25, 1.0, "of their requests", +1),),
    targets=targets,
    plant=plant,
    group="software",
    rows=(59,),
    kinds=("bad_deploy",),
)
