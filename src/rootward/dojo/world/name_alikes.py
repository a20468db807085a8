"""Services that are named almost like a busy one: what an autocomplete, a regular expression and a tired engineer mix up."""

import dataclasses

from rootward import _rng
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import noise as ns

SUFFIXES = ("-worker", "-batch", "-v1", "-legacy", "-admin", "-internal")
SHARE = 0.02
"""Of the system's traffic, that such a service has of its own."""


def joined(plan: bp.Blueprint, noise: ns.Noise, seed: int) -> bp.Blueprint:
    """The plan with some name-alikes beside its services: they run, are scraped and log, and nothing calls them."""
    rng = _rng.stream(seed, plan.name, "name-alikes")
    taken = {component.name for component in plan.components}
    busy = [c for c in plan.components if c.kind is bp.Kind.SERVICE and c.style != "nginx" and not c.consumer]
    added: list[bp.Component] = []
    for k in rng.permutation(len(busy))[: int(rng.poisson(noise.name_alikes))]:
        name = busy[int(k)].name + SUFFIXES[int(rng.integers(0, len(SUFFIXES)))]
        if name not in taken:
            taken.add(name)
            added.append(dataclasses.replace(busy[int(k)], name=name, tier_one=False, replicas=0, period_s=0.0))
    if not added:
        return plan
    own = sum(plan.demand.values()) * SHARE
    demand = {**plan.demand, **{component.name: own * float(rng.uniform(0.3, 1.0)) for component in added}}
    return dataclasses.replace(plan, components=(*plan.components, *added), demand=demand)
