"""A new version goes to a few pods first, or to one zone, and fails there: only they fail, and over all pods it looks like little."""

import dataclasses

import numpy as np

from rootward.dojo.faults import bad_deploy, kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import history, node_objects, pods, texts
from rootward.dojo.world import layout as lay

SHARE = 0.3
"""Of the pods, at most."""
ZONAL = 0.4
"""Share of such releases that go zone by zone, and stop after the first."""


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
    few = frozenset(range(max(1, int(np.floor(replicas * SHARE)))))
    release, where = history.release(draft, target, draft.onset, patch, only=few), ""
    if dice.rng.uniform() < ZONAL:
        release, where = _in_one_zone(draft, release, dice)
    count = len(release.only)
    failing = draft.acting(dice, ramp_s=60.0) * dice["failing_share"]
    fresh = release.version
    draft.uneven.append(dr.Uneven(target, lambda pod: bool(pod.version == fresh), failing))
    rate = failing * count / replicas * float(draft.layout.rate[target]) * draft.traffic_at_onset()
    draft.voices.append(
        dr.Voice(target, "error", rate, (text,), trace, steady=True, of=lambda pod: bool(pod.version == fresh))
    )
    cause = kit.service_cause(draft, target, "bad_deploy", release.sha)
    return dr.Planted((cause,), target, note=f"version {fresh} on {count} of {replicas} pods{where}")


def _in_one_zone(draft: dr.Draft, release: dr.Release, dice: dr.Dice) -> tuple[dr.Release, str]:
    """The same release, to the component's pods of one zone; and where that is."""
    draft.releases[-1] = dataclasses.replace(release, only=frozenset())
    made = [
        pod
        for pod in pods.placed(draft)
        if pod.component == release.component and pod.version == release.version and pod.start <= draft.onset + 120
    ]
    slots: dict[str, set[int]] = {}
    for pod in made:
        slots.setdefault(node_objects.zone(pod.node), set()).add(pod.slot)
    draft.releases[-1] = release
    if len(slots) < 2:
        return release, ""
    zone = sorted(slots)[int(dice.rng.integers(0, len(slots)))]
    draft.releases[-1] = dataclasses.replace(release, only=frozenset(slots[zone]))
    name = draft.layout.components[release.component].name
    said = f"{name} {release.version}: wave 1 of {len(slots)} ({zone}) is out, the next one follows after the soak time"
    at = min(draft.onset + draft.steps_in(45.0 * len(slots[zone])), draft.steps - 1)
    draft.remarks.append(dr.Remark(at, "deploy-bot", said, "deploys", bot=True))
    return draft.releases[-1], f", all in {zone}"


FAMILY = kit.Family(
    name="canary",
    summary="A new version fails on the few pods that it was rolled out to first, or in the zone where it went first.",
    parameters=(dr.Parameter("failing_share", 0.25, 1.0, "of their requests", +1),),
    targets=targets,
    plant=plant,
    group="software",
    rows=(59,),
    kinds=("bad_deploy",),
)
