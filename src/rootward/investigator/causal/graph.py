"""Who depends on whom, from every source at once: each edge keeps how we know it.

Edges come as the probes found them (dependency calls, mesh metrics, configuration), from spans whose parent is in another
service, and from client-side measurements (an observer of a callee is its caller).
"""

import dataclasses
from collections.abc import Iterable, Mapping

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import homes as folding
from rootward.signals import entities

DEPTH_MAX = 12


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """`callees[a][b]` is the certainty in (0, 1] that a depends on b; `sources[a, b]` how we know."""

    callees: Mapping[entities.Entity, Mapping[entities.Entity, float]]
    callers: Mapping[entities.Entity, Mapping[entities.Entity, float]]
    sources: Mapping[tuple[entities.Entity, entities.Entity], frozenset[str]]

    def below(self, entity: entities.Entity) -> dict[entities.Entity, int]:
        """Everything that `entity` depends on, with the number of calls between; itself at 0."""
        return _reach(entity, self.callees)

    def above(self, entity: entities.Entity) -> dict[entities.Entity, int]:
        """Everything that depends on `entity`, with the number of calls between; itself at 0."""
        return _reach(entity, self.callers)

    def path(self, cause: entities.Entity, effect: entities.Entity) -> tuple[entities.Entity, ...]:
        """Shortest way by which trouble at `cause` reaches `effect`: up from callee to caller, or down if load was the cause.

        Empty when the graph knows no way.
        """
        for edges in (self.callers, self.callees):
            found = _shortest(cause, effect, edges)
            if found:
                return found
        return (cause,) if cause == effect else ()


def build(case: cases.Case, homes: folding.Homes) -> Graph:
    """Pure: the union of all edge sources, folded to suspects, without loops onto oneself."""
    callees: dict[entities.Entity, dict[entities.Entity, float]] = {}
    callers: dict[entities.Entity, dict[entities.Entity, float]] = {}
    sources: dict[tuple[entities.Entity, entities.Entity], set[str]] = {}
    for caller, callee, source, certainty in _edges(case, homes):
        if caller == callee:
            continue
        known = callees.setdefault(caller, {})
        known[callee] = max(known.get(callee, 0.0), certainty)
        callers.setdefault(callee, {})[caller] = known[callee]
        sources.setdefault((caller, callee), set()).add(source)
    return Graph(callees, callers, {edge: frozenset(names) for edge, names in sources.items()})


def _edges(case: cases.Case, homes: folding.Homes) -> Iterable[tuple[entities.Entity, entities.Entity, str, float]]:
    for edge in case.edges:
        yield homes.of(edge.caller), homes.of(edge.callee), edge.source, edge.certainty
    for signal in case.signals:
        caller = homes.caller_of(signal.entity)
        if caller is None and signal.observer is not None:
            caller = homes.of(signal.observer)
        if caller is not None:
            yield caller, homes.of(signal.entity), "client metrics", 1.0
    for batch in case.spans:
        spans = batch.spans
        services = {
            (trace, span): service
            for trace, span, service in zip(spans.trace_id, spans.span_id, spans.service, strict=True)
        }
        pairs = {
            (services.get((trace, parent), ""), service)
            for trace, parent, service in zip(spans.trace_id, spans.parent_id, spans.service, strict=True)
            if parent
        }
        for above, below in sorted(pairs):
            if above:
                yield homes.named(above), homes.named(below), "spans", 1.0


def _reach(
    start: entities.Entity, edges: Mapping[entities.Entity, Mapping[entities.Entity, float]]
) -> dict[entities.Entity, int]:
    found = {start: 0}
    frontier = [start]
    for depth in range(1, DEPTH_MAX + 1):
        frontier = [
            following for entity in frontier for following in sorted(edges.get(entity, {})) if following not in found
        ]
        found.update(dict.fromkeys(frontier, depth))
    return found


def _shortest(
    start: entities.Entity,
    goal: entities.Entity,
    edges: Mapping[entities.Entity, Mapping[entities.Entity, float]],
) -> tuple[entities.Entity, ...]:
    ways: dict[entities.Entity, tuple[entities.Entity, ...]] = {start: (start,)}
    frontier = [start]
    for _ in range(DEPTH_MAX):
        following: list[entities.Entity] = []
        for entity in frontier:
            for other in sorted(edges.get(entity, {})):
                if other not in ways:
                    ways[other] = (*ways[entity], other)
                    following.append(other)
        if goal in ways:
            return ways[goal]
        frontier = following
    return ways.get(goal, ())
