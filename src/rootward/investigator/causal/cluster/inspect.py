"""All invariants over one case, in their order of precedence.

What the API server, the scheduler or a kubelet says about a thing that is broken now comes first; contradictions between objects
next; what containers say about themselves after that; crash loops and unanswered probes only where nothing above explains them;
oddities that hurt nobody last. The order is in the weights; what a stronger clue already explains becomes a symptom here.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from types import ModuleType

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import (
    admission,
    autoscaling,
    databases,
    nodes,
    policies,
    probes,
    routing,
    runtime,
    said,
    scheduling,
    startup,
    state,
    storage,
)
from rootward.signals import entities

FAMILIES: tuple[ModuleType, ...] = (
    admission,
    autoscaling,
    scheduling,
    nodes,
    startup,
    storage,
    probes,
    runtime,
    databases,
    routing,
    policies,
    said,
)
GENERIC = frozenset({"", "crash_loop", "unknown", "missing_claim"})
STRONG = 5.0  # nats from which a clue explains lesser ones about the same entity
ODDITY = 1.2  # nats up to which a clue is worth ruling out aloud
EXPLAINED = 0.3  # the share of its weight that an explained clue keeps


def clues(case: cases.Case) -> list[cases.Clue]:
    """Every contradiction found in the cluster's state, strongest first; [] when the case has no cluster objects."""
    if not case.objects:
        return []
    view, by_family = _seen(case)
    found = [clue for family in FAMILIES for clue in by_family[family.FAMILY]]
    if all(clue.weight < STRONG for clue in found):
        found += databases.guesses(view)
    return sorted(_explained(view, found), key=lambda clue: (-clue.weight, str(clue.entity), clue.fault, clue.sentence))


@functools.lru_cache(maxsize=1)  # clues and refutations are two readings of one look
def _seen(case: cases.Case) -> tuple[state.View, Mapping[str, Sequence[cases.Clue]]]:
    view = state.view(case)
    return view, {family.FAMILY: tuple(family.clues(view)) for family in FAMILIES}


def _explained(view: state.View, found: list[cases.Clue]) -> list[cases.Clue]:
    """Lessen what follows from something stronger: generic clues of an explained entity, pods on a node that is down, and
    pods short for a quota's sake."""
    strong = [clue for clue in found if clue.weight >= STRONG]
    named = {clue.entity for clue in strong if clue.fault not in GENERIC}
    stated = {(clue.entity, clue.fault) for clue in strong if clue.fault not in GENERIC and clue.family != said.FAMILY}
    dead = {clue.entity.name for clue in strong if clue.entity.kind is entities.EntityKind.NODE}
    stranded = {
        one.entity for one in view.workloads if one.pods and all(pod.node in dead for pod in one.pods if not pod.ready)
    }
    stranded = {one.entity for one in view.workloads if one.short and one.entity in stranded}
    denied = {clue.entity.name for clue in strong if clue.fault.startswith("quota_")}
    out = []
    for clue in found:
        generic = clue.fault in GENERIC and clue.entity in named
        if clue.family == said.FAMILY and (clue.entity, clue.fault) not in stated:
            generic = any(entity == clue.entity for entity, _fault in stated)
        victim = clue.entity in stranded and clue.entity.kind is not entities.EntityKind.NODE
        starved = (
            clue.family in (storage.FAMILY, routing.FAMILY) and clue.entity.namespace in denied and clue.weight < 7.0
        )
        follows = generic or victim or starved
        out.append(dataclasses.replace(clue, weight=clue.weight * EXPLAINED, symptom=True) if follows else clue)
    return out


def refutations(case: cases.Case) -> list[cases.Refutation]:
    """What looked wrong in the cluster and is not: full quotas that stop nobody, addresses that nobody misses, old restarts."""
    if not case.objects:
        return []
    _view, by_family = _seen(case)
    small = [
        clue for family in (admission, autoscaling, routing, policies, runtime) for clue in by_family[family.FAMILY]
    ]
    return [
        cases.Refutation(clue.entity, clue.fault, f"{clue.sentence}; nothing suffers from it", clue.evidence)
        for clue in small
        if 0 < clue.weight <= ODDITY and clue.fault
    ]
