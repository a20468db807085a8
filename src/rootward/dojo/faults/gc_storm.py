"""A short surge fills a service's queue; tracing what waits takes the processor, so that the queue stays full when the surge has gone."""

import numpy as np

from rootward.dojo.faults import kit
from rootward.dojo.world import draft as dr
from rootward.dojo.world import dynamics
from rootward.dojo.world import layout as lay

OVERLOAD = 1.3
"""Load over capacity while the surge lasts."""
SELF_SUSTAINING = 1.7
"""Load over capacity with a full queue at the ordinary rate: above 1 the collector keeps it full."""
LASTS_S = 900.0


def targets(layout: lay.Layout) -> list[int]:
    return [i for i in kit.busy_services(layout, language=("java",)) if not layout.components[i].consumer]


def plant(draft: dr.Draft, target: int, dice: dr.Dice) -> dr.Planted:
    layout, component = draft.layout, draft.layout.components[target]
    draft.standing = True
    need = layout.rate[target] * draft.traffic_highest() * layout.cpu_s[target] / layout.replicas[target]
    draft.knobs.cores[:, target] = np.minimum(draft.knobs.cores[:, target], need / dice["busy"])
    busy = float(layout.rate[target] * draft.traffic_at_onset() * layout.cpu_s[target])
    busy /= float(draft.knobs.cores[draft.onset, target] * layout.replicas[target])
    draft.knobs.pressure[target] = max(dice["pressure"], SELF_SUSTAINING / busy - 1.0)
    # The surge comes through the door that most of the service's requests come through.
    surge = draft.after(draft.onset) - draft.after(min(draft.onset + draft.steps_in(dice["surge_s"]), draft.steps - 1))
    entry = max(layout.entries, key=lambda i: (bool(layout.path(i, target)), layout.rate[i]))
    draft.knobs.demand[:, entry] *= 1.0 + surge * (OVERLOAD / busy - 1.0)
    said = (
        "java.lang.OutOfMemoryError: GC overhead limit exceeded",
        "HikariPool-1 - Thread starvation or clock leap detected (housekeeper delta=41s218ms).",
    )
    draft.voices.append(dr.Voice(target, "warn", draft.after(draft.onset + 4) / 25.0, said, steady=True))
    cause = kit.service_cause(draft, target, "gc_storm")
    door = layout.components[entry].name
    return dr.Planted(
        (cause,),
        target,
        suspects=(door,),
        note=f"the surge at {door} lasted {dice['surge_s']:.0f} s: {component.name} did not recover",
    )


def lasts(draft: dr.Draft, state: dynamics.State, target: int) -> bool:
    """The queue is still full long after the surge."""
    after = draft.onset + draft.steps_in(LASTS_S)
    return bool((state.queue[after:, target] / draft.layout.queue_limit[target]).mean() > 0.6)


FAMILY = kit.Family(
    name="gc_storm",
    summary="After a short surge garbage collection keeps a service overloaded although the load is back to normal.",
    parameters=(
        dr.Parameter("busy", 0.5, 0.64, "of its cores at the busiest time before", +1),
        dr.Parameter("surge_s", 120, 300, "s", +1),
        dr.Parameter("pressure", 2.0, 5.0, "times the work with a full heap", +1),
    ),
    targets=targets,
    plant=plant,
    lasts=lasts,
    group="resources",
    rows=(6,),
)
