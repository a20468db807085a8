"""From what back ends answered to sightings: pure functions, one per kind of answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rootward.memory.graph import model
from rootward.memory.graph.model import Node, Sighting
from rootward.memory.records import Incident
from rootward.signals import alerts, entities, naming, records, topology

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
OWNER_LABELS = ("team", "owner", "app.kubernetes.io/owner", "owning-team", "squad", "backstage.io/owner")
DASHBOARD_WORDS = ("dashboard", "grafana")
LINK_LENGTH_MAX = 500
Objects = Mapping[str, Sequence[records.ClusterObject]]
Canonical = Callable[[entities.Entity], Node]


def calls(edges: Iterable[records.TopologyEdge]) -> list[Sighting]:
    """One sighting for each source that tells of an edge; spellings of one name are folded."""
    found = []
    for edge in topology.merge(edges):
        for source in edge.source.split("+"):
            certainty = topology.CERTAINTY.get(source.split(" ")[0], edge.certainty)
            detail = f"{edge.weight:.3g} calls/s" if edge.weight is not None and source == "metrics" else ""
            found.append(
                Sighting(model.node(edge.caller), model.CALLS, model.node(edge.callee), source, certainty, detail)
            )
    return found


def canonical(sightings: Sequence[Sighting]) -> Canonical:
    """How other answers' entities are called in the graph of calls: a service whose name it knows is that node."""
    known: dict[str, Node] = {}
    for said in sightings:
        for one in (said.subject, said.object):
            known.setdefault(naming.loose_key(one.name), one)

    def named(entity: entities.Entity) -> Node:
        if entity.kind in (entities.EntityKind.NODE, entities.EntityKind.NAMESPACE, entities.EntityKind.EXTERNAL):
            return model.node(entity)
        return known.get(naming.loose_key(entity.name), model.node(entity))

    return named


def objects(found: Objects, named: Canonical) -> Iterator[Sighting]:
    """Which workload a service runs as, where its pods run, who owns it by its labels, and which hosts are routed to it."""
    for service in found.get("Service", ()):
        mine = named(entities.Entity(entities.EntityKind.SERVICE, service.name, service.namespace))
        yield from _owned(mine, service)
        selector = _mapping(_mapping(service.body.get("spec")).get("selector"))
        for kind in WORKLOADS:
            for workload in found.get(kind, ()):
                template = _mapping(_mapping(_mapping(workload.body.get("spec")).get("template")).get("metadata"))
                labels = _mapping(template.get("labels"))
                if selector and workload.namespace == service.namespace and selector.items() <= labels.items():
                    yield Sighting(mine, model.RUNS_AS, _workload(workload), "selector", 0.95, kind)
    for kind in WORKLOADS:
        for workload in found.get(kind, ()):
            yield from _owned(_workload(workload), workload)
    yield from _placed(found.get("Pod", ()))
    yield from _routed(found.get("Ingress", ()), named)


def _workload(one: records.ClusterObject) -> Node:
    return Node("workload", one.name, one.namespace)


def _owned(mine: Node, one: records.ClusterObject) -> Iterator[Sighting]:
    metadata = _mapping(one.body.get("metadata"))
    said = {**_mapping(metadata.get("annotations")), **_mapping(metadata.get("labels"))}
    owner = next((str(said[label]) for label in OWNER_LABELS if said.get(label)), "")
    if owner:
        yield Sighting(mine, model.OWNED_BY, Node("owner", owner), "labels", 0.9, f"{one.kind} {one.name}")


def _placed(pods: Sequence[records.ClusterObject]) -> Iterator[Sighting]:
    """Workloads on machines, with how many pods are there now."""
    counts: dict[tuple[Node, Node], int] = {}
    for pod in pods:
        machine = _mapping(pod.body.get("spec")).get("nodeName")
        owners = _list(_mapping(pod.body.get("metadata")).get("ownerReferences"))
        if machine and owners:
            owner = str(_mapping(owners[0]).get("name") or pod.name)
            replica_set = _mapping(owners[0]).get("kind") == "ReplicaSet"
            name = naming.service_of_pod(pod.name) if replica_set else owner
            pair = (Node("workload", name, pod.namespace), Node("node", str(machine)))
            counts[pair] = counts.get(pair, 0) + 1
    for (workload, machine_node), count in counts.items():
        yield Sighting(workload, model.RUNS_ON, machine_node, "scheduler", 0.95, f"{count} pods")


def _routed(ingresses: Sequence[records.ClusterObject], named: Canonical) -> Iterator[Sighting]:
    for one in ingresses:
        for rule in _list(_mapping(one.body.get("spec")).get("rules")):
            host = str(_mapping(rule).get("host") or "")
            for path in _list(_mapping(_mapping(rule).get("http")).get("paths")):
                backend = _mapping(_mapping(_mapping(path).get("backend")).get("service")).get("name")
                if host and backend:
                    service = named(entities.Entity(entities.EntityKind.SERVICE, str(backend), one.namespace))
                    detail = str(_mapping(path).get("path") or "/")
                    yield Sighting(Node("external", host), model.ROUTES_TO, service, "ingress", 0.9, detail)


def fired(every: Iterable[alerts.Alert], named: Canonical) -> Iterator[Sighting]:
    """What alerts watch, and what their labels and annotations tell: the owner, dashboards and runbooks."""
    for alert in every:
        if alert.entity is None:
            continue
        about, one = named(alert.entity), Node("alert", alert.name)
        yield Sighting(one, model.WATCHES, about, alert.source or "alerts", 0.95, _link(alert.link))
        owner = next((alert.labels[label] for label in OWNER_LABELS if alert.labels.get(label)), "")
        if owner:
            yield Sighting(about, model.OWNED_BY, Node("owner", owner), "alert labels", 0.8, alert.name)
        for key, text in alert.annotations.items():
            if not text.startswith(("http://", "https://")):
                continue
            if any(word in key.lower() for word in DASHBOARD_WORDS):
                yield Sighting(
                    about, model.SHOWN_ON, Node("dashboard", _link(text)), "alert annotations", 0.9, alert.name
                )
            elif "runbook" in key.lower():
                yield Sighting(one, model.EXPLAINED_BY, Node("runbook", _link(text)), "alert annotations", 0.9)


def changed(every: Iterable[records.Change], named: Canonical, services: Iterable[Node]) -> Iterator[Sighting]:
    """Which repository a service is built from: deployments say so, names suggest it."""
    by_name = {naming.loose_key(one.name): one for one in services}
    for change in every:
        repository = change.detail.get("repository", "")
        if not repository:
            continue
        target = Node("repository", repository)
        if change.kind is records.ChangeKind.DEPLOY and change.entity is not None:
            yield Sighting(named(change.entity), model.BUILT_FROM, target, "deployments", 0.9, _link(change.link))
        like = by_name.get(naming.loose_key(repository.rpartition("/")[2]))
        if like is not None:
            yield Sighting(like, model.BUILT_FROM, target, "names", 0.5)


def happened(every: Iterable[Incident]) -> Iterator[tuple[Sighting, float]]:
    """Past incidents at their causes and at the service that their alert was about, each with when."""
    for one in every:
        kind, slash, name = one.cause.partition("/")
        me = Node("incident", one.id)
        if slash and one.status == "found":
            yield (
                Sighting(me, model.HAPPENED_AT, Node(kind, name), "finding", 0.9, one.summary[:LINK_LENGTH_MAX]),
                one.created_s,
            )
        alert = Node("alert", one.alert)
        yield Sighting(me, model.EXPLAINED_BY, alert, "memory", 1.0, one.status), one.created_s


def _link(text: str) -> str:
    return text[:LINK_LENGTH_MAX]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
