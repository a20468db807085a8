"""A container's CPU limit is lowered below what it needs: the kernel throttles it and requests wait for their turn."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import texts


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, component = draft.layout, draft.layout.components[target]
    need = layout.rate[target] * draft.traffic_at_onset() * layout.cpu_s[target] / layout.replicas[target]
    cores = max(round(float(need / dice["demand_over_limit"]), 3), 0.005)
    ramp = draft.acting(dice, ramp_s=30.0 * float(layout.replicas[target]))
    old = float(layout.cores[target])
    draft.knobs.cores[:, target] = np.where(ramp > 0, old + (cores - old) * ramp, old)
    milli, before = round(cores * 1000), round(old * 1000)
    note = draft.note(
        target,
        "config",
        f"Right-size CPU limits of {component.name}",
        dice.rng,
        path=f"deploy/{component.name}/values.yaml",
        patch=texts.hunk([f"-    cpu: {before}m"], [f"+    cpu: {milli}m"], line=18, context="resources:"),
        details={"key": "resources.limits.cpu", "from": f"{before}m", "to": f"{milli}m"},
    )
    draft.limits.append(dr.Limit(target, draft.onset, cores=cores))
    cause = oracle.Cause(
        "service", component.name, "cpu_throttling", kit.onset_s(draft), note.sha, (("workload", component.name),)
    )
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="cpu_throttling",
    summary="A lowered CPU limit throttles a service.",
    parameters=(dr.Parameter("demand_over_limit", 0.97, 1.6, "times", +1),),
    targets=kit.busy_services,
    plant=plant,
    group="resources",
    shapes=("step", "ramp"),
    rows=(5,),
)
