"""Causes that explain others' symptoms inherit what was said about those: the fuller form of explaining away.

Families vote for where trouble shows. A detector that names a kind of fault says why. A database with a lock queue deserves
the blame that latency, spans and logs put on the service that waits for it; so a suspect with a strong named clue is scored
at least like the most troubled of those that its kind of fault reaches: its callers, for most; its callees, for load;
what stands on it and their callers, for machines and zones; everybody, for names that do not resolve.
"""

from collections.abc import Mapping, Sequence

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import picture
from rootward.signals import entities

FULL_WEIGHT = 3.0  # nats from which a clue inherits all
HOPS_MAX = 4
HOP_SHARE = 0.9  # what is left of the inheritance per call between
DOWNWARD = frozenset({"traffic_spike", "traffic_drop"})
EVERYWHERE = frozenset({"dns_failure"})
SHARED = frozenset({"signature.shared"})  # families whose clue is about what many read
OVERLOADS = frozenset({"n_plus_one"})  # its callees' other callers suffer as well


def scores(
    seen: picture.Picture, pooled: Mapping[entities.Entity, float], clues: Sequence[cases.Clue]
) -> dict[entities.Entity, float]:
    """`pooled`, raised where a named clue explains what others were blamed for."""
    result = dict(pooled)
    for clue in clues:
        if not clue.fault or clue.symptom or clue.weight <= 1.0:
            continue
        share = min(clue.weight / FULL_WEIGHT, 1.0)
        best = max(
            (pooled[other] * HOP_SHARE**hops for other, hops in _reached(seen, clue).items() if other in pooled),
            default=0.0,
        )
        result[clue.entity] = max(result.get(clue.entity, 0.0), share * best)
    return result


def _reached(seen: picture.Picture, clue: cases.Clue) -> dict[entities.Entity, int]:
    if clue.fault in EVERYWHERE or clue.family in SHARED:
        return dict.fromkeys(seen.suspects, 1)
    beside = _beside(seen, clue)
    reach = seen.graph.below(clue.entity) if clue.fault in DOWNWARD else seen.graph.above(clue.entity)
    for victim in sorted(beside):
        for entity, hops in seen.graph.above(victim).items():
            reach[entity] = min(reach.get(entity, hops + 1), hops + 1)
    if clue.fault in OVERLOADS:
        for callee in sorted(seen.graph.callees.get(clue.entity, ())):
            reach = {**{other: hops + 1 for other, hops in seen.graph.above(callee).items()}, **reach}
    return {entity: hops for entity, hops in reach.items() if hops <= HOPS_MAX}


def _beside(seen: picture.Picture, clue: cases.Clue) -> set[entities.Entity]:
    """Whom the trouble reaches without a call: what has a pod on the machine, or on any machine of the zone; whom the clue names."""
    nodes = [clue.entity.name] if clue.entity.kind is entities.EntityKind.NODE else []
    if clue.entity.kind is entities.EntityKind.ZONE:
        nodes = [*seen.zones.get(clue.entity.name, ())]
    return {*clue.victims, *(home for node in nodes for home in seen.standing.get(node, ()))}
