"""One name for one thing: pods fold into what they belong to, and one thing known under several kinds becomes one entity.

A pod of checkout, the workload checkout and the service checkout are the same suspect. What somebody else measured (a
client's view, an edge) keeps its observer, because views are not owners.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping

from rootward.investigator.causal import case as cases
from rootward.signals import entities

# A more particular kind wins when one name is known under several: "orders-db" the database over "orders-db" the service.
_PARTICULAR = (
    entities.EntityKind.DATABASE,
    entities.EntityKind.CACHE,
    entities.EntityKind.QUEUE,
    entities.EntityKind.EXTERNAL,
    entities.EntityKind.FUNCTION,
    entities.EntityKind.SERVICE,
    entities.EntityKind.WORKLOAD,
)
# ReplicaSet pods (name-hash-suffix), StatefulSet pods (name-0): how Kubernetes names what it makes.
_POD_NAME = re.compile(r"^(?P<owner>.+?)(?:-[0-9a-f]{6,10}-[a-z0-9]{5}|-\d{1,3})$")


@dataclasses.dataclass(frozen=True, slots=True)
class Homes:
    """`of(entity)` is the suspect that an entity stands for."""

    by_name: Mapping[str, entities.Entity]
    pods: Mapping[str, entities.Entity]

    def of(self, entity: entities.Entity) -> entities.Entity:
        """Edges map to their callee: trouble seen on calls to somebody is first of all about that somebody."""
        if entity.kind is entities.EntityKind.EDGE:
            return self.named(entity.name.partition(entities.EDGE_ARROW)[2])
        if entity.kind is entities.EntityKind.POD:
            return self._pod(entity)
        if entity.kind in _PARTICULAR:
            return self.by_name.get(entity.name, entity)
        return entity

    def caller_of(self, entity: entities.Entity) -> entities.Entity | None:
        """The caller's side of an edge; None for everything else."""
        if entity.kind is not entities.EntityKind.EDGE:
            return None
        return self.named(entity.name.partition(entities.EDGE_ARROW)[0])

    def named(self, name: str) -> entities.Entity:
        """The suspect of this name; a service when nobody said more."""
        if name in self.by_name:
            return self.by_name[name]
        if name in self.pods:
            return self.of(self.pods[name])
        return entities.Entity(entities.EntityKind.SERVICE, name)

    def _pod(self, pod: entities.Entity) -> entities.Entity:
        owner = self.pods.get(pod.name)
        if owner is not None:
            return self.by_name.get(owner.name, owner)
        match = _POD_NAME.match(pod.name)
        if match and match["owner"] in self.by_name:
            return self.by_name[match["owner"]]
        return pod


def fold(case: cases.Case) -> Homes:
    """Pure: every entity that the case mentions, folded by name."""
    by_name: dict[str, entities.Entity] = {}
    for entity in _mentioned(case):
        if entity.kind not in _PARTICULAR:
            continue
        known = by_name.get(entity.name)
        if known is None or _PARTICULAR.index(entity.kind) < _PARTICULAR.index(known.kind):
            by_name[entity.name] = entity
    # A suspect of kind workload is spoken of as the service that it runs.
    for name, entity in by_name.items():
        if entity.kind is entities.EntityKind.WORKLOAD:
            by_name[name] = entities.Entity(entities.EntityKind.SERVICE, name, entity.namespace)
    return Homes(by_name, dict(case.pods_of))


def _mentioned(case: cases.Case) -> Iterable[entities.Entity]:
    if case.alert.entity is not None:
        yield case.alert.entity
    for signal in case.signals:
        yield signal.entity
        if signal.observer is not None:
            yield signal.observer
    for edge in case.edges:
        yield edge.caller
        yield edge.callee
    yield from case.pods_of.values()
    for logs in case.logs:
        yield logs.entity
    for change, _ in case.changes:
        if change.entity is not None:
            yield change.entity
    for spans in case.spans:
        for name in sorted(set(spans.spans.service)):
            yield entities.Entity(entities.EntityKind.SERVICE, name)
