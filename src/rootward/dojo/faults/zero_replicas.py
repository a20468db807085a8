"""Somebody scales a service to zero: its pods go away in good order, and its callers find nobody."""

import numpy as np

from rootward.dojo.faults import kit, workload_kit
from rootward.dojo.world import draft as dr

WHYS = (
    "Scale down {name} during the cost review",
    "Pause {name} for the load test window",
    "Apply new replica defaults to {name}",
    "Clean up idle workloads ({name} looked unused)",
)


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    component = draft.layout.components[target]
    workload_kit.clear_road(draft, target)
    workload_kit.neighbour(draft, target, dice)
    before = int(draft.layout.replicas[target])
    asked = np.full(draft.steps, before, dtype=np.intp)
    asked[draft.onset : workload_kit.ends(draft)] = 0
    draft.replicas[target] = asked
    why = WHYS[int(dice.rng.integers(0, len(WHYS)))].format(name=component.name)
    note = draft.note(
        target, "scale", why, dice.rng, path=f"deploy/{component.name}/values.yaml",
        patch=f"@@ -4,3 +4,3 @@\n \n-replicas: {before}\n+replicas: 0\n ",
        details={"key": "replicas", "from": str(before), "to": "0"},
    )  # fmt: skip
    return workload_kit.planted(draft, target, workload_kit.cause(draft, target, "zero_replicas", note.sha))


FAMILY = kit.Family(
    name="zero_replicas",
    summary="A service is scaled to zero replicas; its callers find nobody.",
    parameters=(),
    targets=workload_kit.deployments,
    plant=plant,
    group="cluster",
    rows=(38,),
)
