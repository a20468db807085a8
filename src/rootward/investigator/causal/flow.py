"""Explaining away: how much of the alert's trouble each suspect owns.

One unit of blame starts where the alert is (or, when the alert names nobody, at every troubled suspect without a troubled
caller). A node passes on the part of its own shift that its shifted callees account for (calls per request × the callee's
shift ÷ its own shift) and keeps the rest; what is kept, over all nodes, sums to one. This is the "explaining away" of
causal inference (Pearl) in the form of a flow on the call graph; compare the graph traversal of Hardt et al. (PetShop, CLeaR
2024), which takes the deepest anomalous node, and CIRCA (Li et al., KDD 2022), which regresses on the parents.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from rootward.investigator.causal import graph as graphs
from rootward.investigator.causal import shifts, vote
from rootward.signals import entities, naming
from rootward.signals.roles import role as roles

DEPTH_MAX = 8
CALLS_MAX = 3.0  # a callee's shift can be multiplied by fan-out, but rates of different metrics compare badly

_CLIENT_WORDS = frozenset({"client", "upstream", "outgoing", "outbound"})
# Which roles speak of one dimension of pain, best first: the mean adds up along calls, quantiles only nearly do.
LATENCY = (roles.Role.DURATION_MEAN, roles.Role.DURATION_P50, roles.Role.DURATION_P90, roles.Role.DURATION_P99)
ERRORS = (roles.Role.ERROR_RATIO, roles.Role.AVAILABILITY, roles.Role.ERROR_RATE)


@dataclasses.dataclass(frozen=True, slots=True)
class Pain:
    """What one suspect suffers in one dimension: the move, and whether only clients saw it.

    `weight` in 0..1 is how significant it is by itself (enough for somebody on the alert's path), `standing` how far it stands
    out among all that moves in the system."""

    delta: float
    z: float
    shift: shifts.Shift
    by_client: bool
    weight: float
    standing: float


_SCRAPED = frozenset({"up"})  # whether a target could be scraped: it says of the watcher as much as of the watched

Pains = Mapping[entities.Entity, Pain]


def pains(
    measured: Mapping[roles.Role, Sequence[shifts.Shift]], dimension: tuple[roles.Role, ...]
) -> dict[entities.Entity, Pain]:
    """Per suspect the most telling worsening in `dimension`: own measurements before clients', better roles before others."""
    speaking = [shift for role in dimension for shift in measured.get(role, ()) if shift.signal.name not in _SCRAPED]
    peak = shifts.quiet_peak(speaking)
    served = {shift.home for shift in speaking if shift.observer is None and not outgoing(shift)}
    best: dict[entities.Entity, tuple[tuple[bool, float], Pain]] = {}
    for shift in speaking:
        if shift.z <= 0 or (shift.observer is None and outgoing(shift) and shift.home in served):
            continue
        by_client = shift.observer is not None
        strength = min(shift.z, 30.0) * (1.0 - 0.1 * dimension.index(shift.role))
        key = (not by_client, strength)
        known = best.get(shift.home)
        if known is None or key > known[0]:
            best[shift.home] = (
                key,
                Pain(
                    shift.delta,
                    shift.z,
                    shift,
                    by_client,
                    vote.significance(shift.z, 0.0),
                    vote.significance(shift.z, peak),
                ),
            )
    return {entity: pain for entity, (_, pain) in best.items()}


def outgoing(shift: shifts.Shift) -> bool:
    """The suspect's view of what it calls, by the metric's own words: no measure of the suspect."""
    return not _CLIENT_WORDS.isdisjoint(naming.words(shift.signal.name))


def blame(
    graph: graphs.Graph,
    troubled: Pains,
    rates: Mapping[entities.Entity, float],
    start: entities.Entity | None,
) -> dict[entities.Entity, float]:
    """What each suspect keeps of one unit of blame; empty when nobody suffers significantly."""
    sources = _sources(graph, troubled, start)
    kept: dict[entities.Entity, float] = {}
    flowing = sources
    for _ in range(DEPTH_MAX):
        onward: dict[entities.Entity, float] = {}
        for entity, amount in flowing.items():
            claims = _claims(graph, troubled, rates, entity)
            total = sum(claims.values())
            shrink = 1.0 / max(total, 1.0)
            for callee, claim in claims.items():
                onward[callee] = onward.get(callee, 0.0) + amount * claim * shrink
            kept[entity] = kept.get(entity, 0.0) + amount * (1.0 - total * shrink)
        flowing = {entity: amount for entity, amount in onward.items() if amount > 1e-4}
        if not flowing:
            break
    for entity, amount in flowing.items():
        kept[entity] = kept.get(entity, 0.0) + amount
    return kept


def _sources(graph: graphs.Graph, troubled: Pains, start: entities.Entity | None) -> dict[entities.Entity, float]:
    if start is not None and start in troubled:
        return {start: 1.0}
    if start is not None and any(callee in troubled for callee in graph.callees.get(start, {})):
        return {start: 1.0}
    tops = {
        entity: pain.weight * math.sqrt(max(pain.z, 0.0))
        for entity, pain in troubled.items()
        if not any(troubled[c].weight > 0.5 for c in graph.callers.get(entity, {}) if c in troubled)
    }
    tops = {entity: weight for entity, weight in tops.items() if weight > 0.5}
    total = sum(tops.values())
    return {entity: weight / total for entity, weight in tops.items()} if total > 0 else {}


def _claims(
    graph: graphs.Graph, troubled: Pains, rates: Mapping[entities.Entity, float], entity: entities.Entity
) -> dict[entities.Entity, float]:
    """For each callee the part in 0..1 of `entity`'s shift that it accounts for."""
    own = troubled.get(entity)
    claims: dict[entities.Entity, float] = {}
    for callee, certainty in graph.callees.get(entity, {}).items():
        pain = troubled.get(callee)
        if pain is None:
            continue
        share = 1.0 if own is None or own.delta <= 0 else _calls(rates, entity, callee) * pain.delta / own.delta
        claims[callee] = min(share, 1.0) * pain.weight * certainty
    return _owners_before_views(graph, claims)


def _calls(rates: Mapping[entities.Entity, float], caller: entities.Entity, callee: entities.Entity) -> float:
    """Calls per request, as far as rates tell; at least one, since mixed requests hide how often the slow ones call."""
    if caller in rates and callee in rates and rates[caller] > 0:
        return min(max(rates[callee] / rates[caller], 1.0), CALLS_MAX)
    return 1.0


def _owners_before_views(graph: graphs.Graph, claims: dict[entities.Entity, float]) -> dict[entities.Entity, float]:
    """A thing that only its clients see is explained by an instrumented callee that suffers at the same time."""
    owners = {c: claim for c, claim in claims.items() if not _only_seen(graph, c)}
    strongest = max(owners.values(), default=0.0)
    if strongest <= 0.25:
        return claims
    moved = sum(claim for c, claim in claims.items() if c not in owners)
    total = sum(owners.values())
    return {c: min(claim + moved * claim / total, 1.0) for c, claim in owners.items()}


def _only_seen(graph: graphs.Graph, entity: entities.Entity) -> bool:
    """External by kind or by name (a full host name), and not seen to call anybody."""
    hosted = naming.of_host(entity.name.partition("_")[0])
    external = entity.kind is entities.EntityKind.EXTERNAL or (
        hosted is not None and hosted.kind is entities.EntityKind.EXTERNAL
    )
    return external and not graph.callees.get(entity)
