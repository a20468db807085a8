"""A new filter rule backtracks catastrophically on one kind of request: the edge burns all its CPU, nothing behind it is busy."""

import numpy as np

from rootward.dojo import oracle
from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import texts


def targets(layout: lay.Layout) -> list[int]:
    """Entries that filter requests."""
    return [i for i in layout.entries if layout.components[i].style]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component, layout = draft.layout.components[target], draft.layout
    need = layout.rate[target] * draft.traffic_at_onset() / layout.replicas[target]
    burnt = dice["demand_over_capacity"] * layout.cores[target] / max(float(need), 1e-9)
    acting = draft.acting(dice, ramp_s=30.0)
    draft.knobs.cpu_s[:, target] = np.maximum(draft.knobs.cpu_s[:, target], acting * burnt)
    note = draft.note(
        target,
        "config",
        f"Edge filter of {component.name}: block inline scripts in parameters",
        dice.rng,
        path=f"deploy/{component.name}/filters.conf",
        patch=texts.hunk(
            [],
            [r"+  deny  (?:\"|'|\]|\}|\\|\d|(?:nan|infinity|true|false|null|undefined|symbol|math))+.*(?:.*=.*)"],
            line=77,
        ),
        details={"key": "filters", "rule": "100000 inline script"},
    )
    path = component.routes[0].path
    slow = f"request took {dice['slow_ms']:.0f} ms in rule 100000: GET {path}?x=x=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    draft.voices.append(dr.Voice(target, "warn", acting * float(layout.rate[target]) * 0.05, (slow,)))
    cause = oracle.Cause(
        "service", component.name, "cpu_overload", kit.onset_s(draft), note.sha, (("workload", component.name),)
    )
    return dr.Planted((cause,), target)


FAMILY = kit.Family(
    name="regex_burn",
    summary="A new edge filter backtracks and burns the edge's CPU.",
    parameters=(
        dr.Parameter("demand_over_capacity", 1.0, 1.8, "times the CPU limit", +1),
        dr.Parameter("slow_ms", 700, 4000, "ms"),
    ),
    targets=targets,
    plant=plant,
    group="software",
    shapes=("step", "intermittent"),
    rows=(50,),
    kinds=("cpu_overload",),
)
