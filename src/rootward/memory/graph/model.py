"""Nodes, edges and the questions one asks of a graph: who is near, how does one thing reach another, how sure and how old is that."""

import dataclasses
import difflib
import heapq
import math
from collections.abc import Iterable, Mapping

from rootward import errors
from rootward.signals import entities, records

CALLS, RUNS_AS, RUNS_ON, ROUTES_TO = "calls", "runs as", "runs on", "routes to"
OWNED_BY, BUILT_FROM = "owned by", "built from"
WATCHES, SHOWN_ON, EXPLAINED_BY, HAPPENED_AT = "watches", "shown on", "explained by", "happened at"
CARRIES = (CALLS, ROUTES_TO)
"""Relations along which trouble travels from the object to the subject: what is drawn as the tree."""
THINGS = frozenset(entities.EntityKind) - {entities.EntityKind.WORKLOAD, entities.EntityKind.NAMESPACE}
SEEN_MIN, DECLARED_MIN = 0.95, 0.6


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Node:
    """`kind` is a kind of entity, or owner, repository, dashboard, runbook, alert, incident."""

    kind: str
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def key(self) -> str:
        """As it is stored: kind, namespace and name, the name last since it may hold anything."""
        return f"{self.kind}/{self.namespace}/{self.name}"


def node(entity: entities.Entity) -> Node:
    return Node(str(entity.kind), entity.name, entity.namespace)


def _entity(one: Node) -> entities.Entity:
    return entities.Entity(entities.EntityKind(one.kind), one.name, one.namespace)


def node_of_key(key: str) -> Node:
    kind, namespace, name = key.split("/", 2)
    return Node(kind, name, namespace)


@dataclasses.dataclass(frozen=True, slots=True)
class Sighting:
    """What one source says of one edge. `certainty` in (0, 1]: 1 for what was seen to happen, less for what somebody declared or names
    suggest. `detail` is a link or a few words."""

    subject: Node
    relation: str
    object: Node
    source: str
    certainty: float
    detail: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One source's word for an edge: since when and until when it was said."""

    name: str
    certainty: float
    first_s: float
    last_s: float
    detail: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Edge:
    subject: Node
    relation: str
    object: Node
    sources: tuple[Source, ...]  # most certain first

    @property
    def certainty(self) -> float:
        """As if sources erred independently."""
        return 1.0 - math.prod(1.0 - source.certainty for source in self.sources)

    @property
    def layer(self) -> str:
        """seen: it was observed to happen; declared: a manifest or a label says so; inferred: names suggest it. By the best source."""
        best = max(source.certainty for source in self.sources)
        if best >= SEEN_MIN:
            return "seen"
        return "declared" if best >= DECLARED_MIN else "inferred"

    @property
    def last_s(self) -> float:
        """When any source last said so."""
        return max(source.last_s for source in self.sources)


class Graph:
    """Edges by subject, relation and object; nodes are those that edges name."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.edges = sorted(edges, key=lambda e: (e.subject, e.relation, e.object))
        self.nodes = sorted({one for edge in self.edges for one in (edge.subject, edge.object)})
        self._out: dict[Node, list[Edge]] = {}
        self._in: dict[Node, list[Edge]] = {}
        for edge in self.edges:
            self._out.setdefault(edge.subject, []).append(edge)
            self._in.setdefault(edge.object, []).append(edge)

    def out(self, one: Node, *relations: str) -> list[Edge]:
        """Edges from `one`, of some relations (all when none are given)."""
        return [edge for edge in self._out.get(one, ()) if not relations or edge.relation in relations]

    def into(self, one: Node, *relations: str) -> list[Edge]:
        """Edges that lead to `one`."""
        return [edge for edge in self._in.get(one, ()) if not relations or edge.relation in relations]

    def find(self, text: str) -> Node:
        """The node that `text` names: kind/name, or a name alone when one node has it.

        Raises:
            InputError: none has that name (the nearest is named), or several.
        """
        found = [one for one in self.nodes if text in (str(one), one.name, one.key)]
        # A service often shares its name with its workload, its owner and its repository: the thing that runs is meant.
        exact = [one for one in found if one.kind in THINGS] or found
        if len(exact) == 1:
            return exact[0]
        if exact:
            raise errors.InputError(f"several are called {text!r}: {', '.join(one.key for one in exact[:6])}")
        near = difflib.get_close_matches(text, [name for one in self.nodes for name in (str(one), one.name)], n=1)
        raise errors.InputError(
            f"the graph knows no {text!r}" + (f"; did you mean {near[0]}?" if near else "; see rootward graph show")
        )

    def roots(self) -> list[Node]:
        """Where calls begin: nodes that call or route and are not called; in a ring, none."""
        return [one for one in self.nodes if self.out(one, *CARRIES) and not self.into(one, *CARRIES)]

    def path(self, start: Node, goal: Node) -> list[tuple[Edge, bool]]:
        """The most certain way between two nodes, over edges of all relations in either direction; each with whether it is walked as it
        points. Every further edge costs a little, so that of equally certain ways the shortest is told. Empty when there is none."""
        costs: dict[Node, float] = {start: 0.0}
        came: dict[Node, tuple[Node, Edge, bool]] = {}
        queue = [(0.0, start)]
        while queue:
            cost, here = heapq.heappop(queue)
            if here == goal:
                return _walked(came, start, goal)
            if cost > costs[here]:
                continue
            steps = [(e, e.object, True) for e in self.out(here)] + [(e, e.subject, False) for e in self.into(here)]
            for edge, other, along in steps:
                further = cost + STEP_COST + AGAINST_COST * (not along) - math.log(max(edge.certainty, 1e-6))
                if further < costs.get(other, math.inf):
                    costs[other] = further
                    came[other] = (here, edge, along)
                    heapq.heappush(queue, (further, other))
        return []

    def reach(self, start: Node, *relations: str) -> set[Node]:
        """Everything that `start` leads to over edges of these relations, itself not."""
        found: set[Node] = set()
        waiting = [start]
        while waiting:
            for edge in self.out(waiting.pop(), *relations):
                if edge.object not in found and edge.object != start:
                    found.add(edge.object)
                    waiting.append(edge.object)
        return found

    def calls_since(self, since_s: float) -> tuple[records.TopologyEdge, ...]:
        """Calls that were seen or declared, and last told at `since_s` or later: what a reasoner may go by when nobody tells it now."""
        return tuple(
            records.TopologyEdge(_entity(edge.subject), _entity(edge.object), "graph", None, edge.certainty)
            for edge in self.edges
            if edge.relation == CALLS and edge.layer != "inferred" and edge.last_s >= since_s
        )

    def around(self, one: Node, hops: int) -> "Graph":
        """The part within `hops` edges of a node, in either direction."""
        kept: dict[tuple[Node, str, Node], Edge] = {}
        seen, frontier = {one}, [one]
        for _ in range(hops):
            following: list[Node] = []
            for here in frontier:
                for edge in (*self.out(here), *self.into(here)):
                    kept[edge.subject, edge.relation, edge.object] = edge
                    following += [other for other in (edge.subject, edge.object) if other not in seen]
                    seen |= {edge.subject, edge.object}
            frontier = following
        return Graph(kept.values())


STEP_COST = 0.2
AGAINST_COST = 0.3  # against an edge's direction: two services with one owner are near, but not by a call


def _walked(came: Mapping[Node, tuple[Node, Edge, bool]], start: Node, goal: Node) -> list[tuple[Edge, bool]]:
    way: list[tuple[Edge, bool]] = []
    here = goal
    while here != start:
        here, edge, along = came[here]
        way.append((edge, along))
    return way[::-1]


def put_together(rows: Iterable[tuple[Sighting, float, float]]) -> Graph:
    """A graph of sightings, each with when it was first and last said."""
    found: dict[tuple[Node, str, Node], list[Source]] = {}
    for said, first_s, last_s in rows:
        source = Source(said.source, said.certainty, first_s, last_s, said.detail)
        found.setdefault((said.subject, said.relation, said.object), []).append(source)
    return Graph(
        Edge(subject, relation, target, tuple(sorted(sources, key=lambda s: (-s.certainty, s.name))))
        for (subject, relation, target), sources in found.items()
    )
