"""Who calls whom, from whatever tells: spans, measured edges, cluster objects and names; merged, with the certainty of each source.

Pure functions over records and lines. Sources, best first: `traces` (a call was seen), `metrics` (somebody counted the calls),
`config` (an environment variable or config value names the other), `selector` (a Service and its workload), `names` (a database
is called after its service).
"""

import collections
import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rootward.signals import entities, measuring, naming, records
from rootward.signals.roles import rules
from rootward.signals.roles.role import Role

CERTAINTY = {"traces": 1.0, "metrics": 0.95, "client": 0.9, "config": 0.7, "selector": 0.95, "names": 0.3}
_Kind = entities.EntityKind
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Pod")
_CONFIG_LENGTH_MAX = 20_000  # characters of one value that are searched for names


def from_spans(spans: records.SpanBatch) -> tuple[records.TopologyEdge, ...]:
    """Edges between the services of parents and children, and from clients to what their attributes name: databases, caches,
    queues, third parties. `weight` is the number of calls seen (spans are sampled, so it compares, and is no rate)."""
    row_of = {span: row for row, span in enumerate(spans.span_id)}
    answered: set[int] = set()  # rows of client spans whose callee was itself traced
    calls: collections.Counter[tuple[str, str]] = collections.Counter()
    for service, parent in zip(spans.service, spans.parent_id, strict=True):
        above = row_of.get(parent) if parent else None
        if above is None or spans.service[above] == service:
            continue
        answered.add(above)
        calls[spans.service[above], service] += 1
    counts = {(_service(caller), _service(callee)): count for (caller, callee), count in calls.items()}
    find = _peer_finder()
    for row, kind in enumerate(spans.kind):
        if kind not in ("client", "producer", "consumer"):
            continue
        peer = find(spans.attributes[row])
        if (
            peer is None
            or (row in answered and peer.kind is not _Kind.QUEUE)
            or naming.same(peer.name, spans.service[row])
        ):
            continue
        pair = (_service(spans.service[row]), peer)
        counts[pair] = counts.get(pair, 0) + 1
    return _edges(counts, "traces")


_PEER_ATTRIBUTES = (
    "server.address", "net.peer.name", "peer.hostname", "http.host", "net.sock.peer.name", "url.full", "http.url",
    "db.system.name", "db.system", "peer.service", "db.namespace", "db.name", "messaging.destination.name",
    "messaging.destination", "messaging.system", "service.peer.name", "faas.invoked_name",
)  # fmt: skip


def _peer_finder() -> Callable[[Mapping[str, Any]], entities.Entity | None]:
    """`peer_of`, which is asked once for all spans that share their attributes, or say the same about their peer."""
    shared: dict[int, entities.Entity | None] = {}  # by the identity of attributes, which live as long as the spans
    known: dict[tuple[str, ...], entities.Entity | None] = {}

    def find(attributes: Mapping[str, Any]) -> entities.Entity | None:
        if id(attributes) not in shared:
            told = tuple([f"{name}={attributes[name]}" for name in _PEER_ATTRIBUTES if attributes.get(name)])
            if told not in known:
                known[told] = peer_of(attributes)
            shared[id(attributes)] = known[told]
        return shared[id(attributes)]

    return find


def peer_of(attributes: Mapping[str, Any]) -> entities.Entity | None:
    """Whom a client, producer or consumer span says that it talks to (OpenTelemetry's attributes, newer and older)."""

    def first(*names: str) -> str:
        return next((str(attributes[name]) for name in names if attributes.get(name)), "")

    host = first("server.address", "net.peer.name", "peer.hostname", "http.host", "net.sock.peer.name") or first(
        "url.full", "http.url"
    )
    named = naming.of_host(host) if host else None
    if system := first("db.system.name", "db.system"):
        kind = rules.kind_of_system(system.lower())
        name = first("peer.service") or (named.name if named else "") or first("db.namespace", "db.name") or system
        return entities.Entity(kind, name, named.namespace if named else "")
    if destination := first("messaging.destination.name", "messaging.destination", "messaging.system"):
        return entities.Entity(_Kind.QUEUE, destination)
    if service := first("peer.service", "service.peer.name"):
        return entities.Entity(_Kind.SERVICE, service)
    if function := first("faas.invoked_name"):
        return entities.Entity(_Kind.FUNCTION, function)
    return named


def from_lines(lines: Sequence[measuring.Line]) -> tuple[records.TopologyEdge, ...]:
    """Edges that observers measured: service graphs, meshes, clients. `weight` is the mean of calls per second, where rates are
    known; an edge without a call in the whole window is none."""
    weights: dict[tuple[entities.Entity, entities.Entity], float | None] = {}
    for line in lines:
        if line.observer is None or line.observer == line.entity:
            continue
        pair = (line.observer, line.entity)
        values = line.values[np.isfinite(line.values)]
        if line.role is Role.RATE and len(values):
            weights[pair] = max(weights.get(pair) or 0.0, float(values.mean()))
        else:
            weights.setdefault(pair, None)
    found = [
        records.TopologyEdge(caller, callee, "metrics", weight, CERTAINTY["metrics"])
        for (caller, callee), weight in weights.items()
        if weight is None or weight > 0
    ]
    return tuple(sorted(found, key=_order))


def from_objects(objects: Mapping[str, Sequence[records.ClusterObject]]) -> tuple[records.TopologyEdge, ...]:
    """Edges that the cluster's objects tell: environment variables and config values of a workload that name a Service, and
    Services whose name differs from that of the workload that they select."""
    services = {(one.namespace, one.name) for one in objects.get("Service", ())}
    configs = {(one.namespace, one.name): one.body.get("data") or {} for one in objects.get("ConfigMap", ())}
    find = _finder(services)
    counts: dict[str, dict[tuple[entities.Entity, entities.Entity], int]] = {"config": {}, "selector": {}}
    for workload in _workloads(objects):
        caller = entities.Entity(_Kind.SERVICE, naming.service_of_pod(workload.name), workload.namespace)
        for text in _config_texts(workload, configs):
            for namespace, name in find(text, workload.namespace):
                if name != caller.name:
                    counts["config"][caller, entities.Entity(_Kind.SERVICE, name, namespace)] = 1
    for service, selected in _selected(objects):
        if service.name != selected.name:
            counts["selector"][service, selected] = 1
    return tuple(edge for source, pairs in counts.items() for edge in _edges(pairs, source, weighted=False))


def from_names(known: Iterable[entities.Entity]) -> tuple[records.TopologyEdge, ...]:
    """Guesses: `carts-db`, `redis-cart`, `orders_queue` belong to the service whose name they carry, when there is exactly one."""
    every = sorted(set(known))
    services = {entity for entity in every if entity.kind is _Kind.SERVICE}
    found = []
    for store in every:
        words = [word for word in naming.words(store.name) if word not in _STORE_WORDS]
        if len(words) == len(naming.words(store.name)) or not words:
            continue
        stem = naming.loose_key("".join(words))
        owners = [
            one
            for one in services
            if one != store and stem in (naming.loose_key(one.name), naming.loose_key(one.name) + "s")
        ]
        owners = owners or [one for one in services if one != store and naming.loose_key(one.name) == stem + "s"]
        if len(owners) == 1:
            found.append(records.TopologyEdge(owners[0], store, "names", None, CERTAINTY["names"]))
    return tuple(sorted(found, key=_order))


_STORE_WORDS = frozenset(
    [
        "db",
        "database",
        "mysql",
        "postgres",
        "postgresql",
        "pg",
        "mongo",
        "mongodb",
        "redis",
        "cache",
        "memcached",
        "queue",
        "rabbitmq",
        "kafka",
        "sql",
        "store",
    ]
)


def merge(edges: Iterable[records.TopologyEdge]) -> tuple[records.TopologyEdge, ...]:
    """One edge per pair: the most certain source's, its weight the largest known, certainty as if sources erred independently.

    Spellings of one name are folded, so that `Checkout` and `checkout-service` do not become two nodes.
    """
    every = list(edges)
    names = naming.fold(entity.name for edge in every for entity in (edge.caller, edge.callee))
    best_kind = _kinds(every, names)
    grouped: dict[tuple[entities.Entity, entities.Entity], list[records.TopologyEdge]] = {}
    for edge in every:
        caller, callee = (_folded(entity, names, best_kind) for entity in (edge.caller, edge.callee))
        if caller != callee:
            grouped.setdefault((caller, callee), []).append(edge)
    return tuple(sorted((_joined(caller, callee, group) for (caller, callee), group in grouped.items()), key=_order))


def _kinds(edges: Sequence[records.TopologyEdge], names: Mapping[str, str]) -> dict[str, tuple[_Kind, str]]:
    """For each name the most telling kind and namespace that any edge gives: a "service" that a client calls a database is one."""
    found: dict[str, tuple[_Kind, str]] = {}
    for edge in edges:
        for entity in (edge.caller, edge.callee):
            kind, namespace = found.get(names[entity.name], (_Kind.SERVICE, ""))
            better = entity.kind if kind in (_Kind.SERVICE, _Kind.WORKLOAD) else kind
            found[names[entity.name]] = (better, max(namespace, entity.namespace))
    return found


def _folded(
    entity: entities.Entity, names: Mapping[str, str], kinds: Mapping[str, tuple[_Kind, str]]
) -> entities.Entity:
    name = names[entity.name]
    kind, namespace = kinds[name]
    return entities.Entity(kind, name, entity.namespace or namespace)


def _joined(
    caller: entities.Entity, callee: entities.Entity, group: Sequence[records.TopologyEdge]
) -> records.TopologyEdge:
    best = max(group, key=lambda edge: (edge.certainty, edge.source))
    by_source = {edge.source: edge.certainty for edge in sorted(group, key=lambda edge: edge.certainty)}
    wrong = float(np.prod([1.0 - certainty for certainty in by_source.values()]))
    rates = [edge.weight for edge in group if edge.source == "metrics" and edge.weight is not None]
    weights = rates or [edge.weight for edge in group if edge.weight is not None]
    source = "+".join(sorted(by_source, key=lambda name: (-by_source[name], name)))
    return dataclasses.replace(
        best,
        caller=caller,
        callee=callee,
        source=source,
        certainty=1.0 - wrong,
        weight=max(weights) if weights else None,
    )


def _edges(
    counts: Mapping[tuple[entities.Entity, entities.Entity], int], source: str, *, weighted: bool = True
) -> tuple[records.TopologyEdge, ...]:
    found = [
        records.TopologyEdge(caller, callee, source, float(count) if weighted else None, CERTAINTY[source])
        for (caller, callee), count in counts.items()
    ]
    return tuple(sorted(found, key=_order))


def _order(edge: records.TopologyEdge) -> tuple[entities.Entity, entities.Entity, str]:
    return (edge.caller, edge.callee, edge.source)


def _service(name: str) -> entities.Entity:
    return entities.Entity(_Kind.SERVICE, name)


def _workloads(objects: Mapping[str, Sequence[records.ClusterObject]]) -> Iterator[records.ClusterObject]:
    """Those that speak for themselves: a replica set repeats its deployment's template, and old ones what was once true."""
    for kind in _WORKLOADS:
        for one in objects.get(kind, ()):
            if kind != "ReplicaSet" or not _list(_mapping(one.body.get("metadata")).get("ownerReferences")):
                yield one


def _pod_spec(workload: records.ClusterObject) -> Mapping[str, Any]:
    spec = _mapping(workload.body.get("spec"))
    if workload.kind == "Pod":
        return spec
    if workload.kind == "CronJob":
        spec = _mapping(_mapping(spec.get("jobTemplate")).get("spec"))
    return _mapping(_mapping(spec.get("template")).get("spec"))


def _config_texts(
    workload: records.ClusterObject, configs: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Iterator[str]:
    """Values of environment variables and arguments of all containers, and of the config maps that they read."""
    spec = _pod_spec(workload)
    for container in [*_list(spec.get("containers")), *_list(spec.get("initContainers"))]:
        for variable in _list(_mapping(container).get("env")):
            value = _mapping(variable).get("value")
            if isinstance(value, str):
                yield value
            reference = _mapping(_mapping(_mapping(variable).get("valueFrom")).get("configMapKeyRef"))
            if reference:
                data = configs.get((workload.namespace, str(reference.get("name"))), {})
                yield str(data.get(str(reference.get("key")), ""))
        for source in _list(_mapping(container).get("envFrom")):
            name = str(_mapping(_mapping(source).get("configMapRef")).get("name"))
            yield from map(str, configs.get((workload.namespace, name), {}).values())
        for argument in [*_list(_mapping(container).get("args")), *_list(_mapping(container).get("command"))]:
            yield str(argument)
    for volume in _list(spec.get("volumes")):
        name = str(_mapping(_mapping(volume).get("configMap")).get("name"))
        yield from map(str, configs.get((workload.namespace, name), {}).values())


_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
Finder = Callable[[str, str], Iterator[tuple[str, str]]]


def _finder(services: set[tuple[str, str]]) -> Finder:
    """Finds Services that a text names as a host: `checkout`, `checkout.shop`, `http://checkout.shop.svc.cluster.local:8080`."""

    def find(text: str, namespace: str) -> Iterator[tuple[str, str]]:
        for match in _TOKEN.finditer(text[:_CONFIG_LENGTH_MAX]):
            labels = match[0].rstrip(".").split(".")
            if len(labels) > 1:
                if (labels[1], labels[0]) in services:
                    yield (labels[1], labels[0])
            elif (namespace, labels[0]) in services and _is_host(text, match):
                yield (namespace, labels[0])

    return find


def _is_host(text: str, match: re.Match[str]) -> bool:
    """A bare word is a host when it is the whole value, or stands after `//` or `@`, or before a port."""
    before, after = text[max(match.start() - 2, 0) : match.start()], text[match.end() : match.end() + 2]
    alone = match.start() == 0 and match.end() == len(text)
    return alone or before.endswith(("//", "@")) or bool(re.match(r":\d", after))


def _selected(
    objects: Mapping[str, Sequence[records.ClusterObject]],
) -> Iterator[tuple[entities.Entity, entities.Entity]]:
    """(Service, workload) pairs by selector."""
    for service in objects.get("Service", ()):
        selector = _mapping(_mapping(service.body.get("spec")).get("selector"))
        if not selector:
            continue
        for kind in ("Deployment", "StatefulSet", "DaemonSet"):
            for workload in objects.get(kind, ()):
                template = _mapping(_mapping(workload.body.get("spec")).get("template"))
                labels = _mapping(_mapping(template.get("metadata")).get("labels"))
                if workload.namespace == service.namespace and selector.items() <= labels.items():
                    yield (
                        entities.Entity(_Kind.SERVICE, service.name, service.namespace),
                        entities.Entity(_Kind.SERVICE, workload.name, workload.namespace),
                    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
