"""Whose number is it? Which labels of a series name the entity, best first, and what kind of thing they name."""

import dataclasses
from collections.abc import Mapping

from rootward.signals import entities, naming

Kind = entities.EntityKind

CACHE_SYSTEMS = frozenset({"redis", "valkey", "memcached", "hazelcast", "infinispan", "dragonfly", "keydb"})
QUEUE_SYSTEMS = frozenset(
    {
        "kafka",
        "rabbitmq",
        "aws_sqs",
        "aws_sns",
        "activemq",
        "pulsar",
        "nats",
        "rocketmq",
        "servicebus",
        "eventhubs",
        "jms",
    }
)
NAMESPACE_LABELS = (
    "exported_namespace",
    "namespace",
    "k8s_namespace_name",
    "kubernetes_namespace",
    "destination_workload_namespace",
)
POD_LABELS = ("exported_pod", "pod", "pod_name", "k8s_pod_name", "kubernetes_pod_name")
# Values by which a mesh or an agent says that it does not know.
UNKNOWN_VALUES = frozenset({"", "unknown", "none", "null", "-", "n/a", "undefined"})


@dataclasses.dataclass(frozen=True, slots=True)
class EntityLabel:
    """`label` names an entity of `kind`. `as_host`: the value is an address (`checkout.shop.svc:8080`), which also tells the kind
    unless `kind` is something more particular than a service. `after_dot`: only the last part of a dotted name
    (gRPC's `shop.v1.Cart`). `refuse`: values with such an ending name somebody else (the exporter,
    not the server it asks); `strip` removes such an ending instead."""

    label: str
    kind: Kind
    as_host: bool = False
    after_dot: bool = False
    strip: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()

    def entity(self, labels: Mapping[str, str], namespace: str) -> entities.Entity | None:
        value = labels.get(self.label)
        if not value:  # most of the labels that might name somebody do not exist
            return None
        value = value.strip()
        if value.lower() in UNKNOWN_VALUES:
            return None
        if self.as_host:
            found = naming.of_host(value)
            if found is None or found.name.endswith(self.refuse or "/"):
                return None
            kind = found.kind if self.kind is Kind.SERVICE else self.kind
            return entities.Entity(kind, self._stripped(found.name), found.namespace or namespace)
        if self.refuse and value.endswith(self.refuse):
            return None
        if self.label in ("job", "exported_job"):
            value = value.rsplit("/", 1)[-1]  # OpenTelemetry's exporter writes "namespace/service"
        if self.after_dot:
            value = value.rsplit(".", 1)[-1]
        if self.kind is Kind.NODE:
            return entities.Entity(Kind.NODE, naming.host(value))
        return entities.Entity(self.kind, self._stripped(value), namespace)

    def _stripped(self, value: str) -> str:
        for ending in self.strip:
            if value.endswith(ending) and len(value) > len(ending):
                return value.removesuffix(ending)
        return value


@dataclasses.dataclass(frozen=True, slots=True)
class EntityRule:
    """`labels` by preference. A POD label names the pod, and through its name the service. `kind_label` ("db_system") turns what was
    found into a cache or a queue when its value says so; alone it names the entity when nothing else does. `namespaces`: which labels
    hold the namespace. `pods`: whether instances may also be told apart by a pod label. `every`: aggregate by all of the labels that
    exist, for servers, which are few and whose good name may stand in any of them."""

    labels: tuple[EntityLabel, ...]
    kind_label: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = NAMESPACE_LABELS
    pods: bool = True
    every: bool = False

    def entity(self, labels: Mapping[str, str]) -> entities.Entity | None:
        """The entity that a series with `labels` is about, None when no label says; pods are returned as their service."""
        namespace = next((labels[label] for label in self.namespaces if labels.get(label)), "")
        system = next((labels[label].lower() for label in self.kind_label if labels.get(label)), "")
        for choice in self.labels:
            found = choice.entity(labels, namespace)
            if found is None:
                continue
            if found.kind is Kind.POD:
                return entities.Entity(Kind.SERVICE, naming.service_of_pod(found.name), namespace)
            return dataclasses.replace(found, kind=kind_of_system(system)) if system else found
        return entities.Entity(kind_of_system(system), system, namespace) if system else None

    def grouping(self, present: frozenset[str] | None) -> tuple[str, ...]:
        """The labels to aggregate by: the best two that exist (all but the instance when that is not known), kind and namespace."""
        names = [choice.label for choice in self.labels]
        if present is None:
            chosen = [name for name in names if name not in ("instance", "job")] or names
            return tuple(dict.fromkeys([*chosen, *self.kind_label, *self.namespaces[1:2]]))
        there = [choice for choice in self.labels if choice.label in present]
        # A pod or instance beside a service label would split the service, so only what ranks with the best label is kept: two of
        # them, for systems half of whose series have one label and half the other.
        coarse = [one.label for one in there if one.kind is not Kind.POD and one.label not in ("instance", "job")]
        kept = coarse[:2] if there and there[0].label in coarse else [one.label for one in there[:1]]
        if self.every:
            kept = [one.label for one in there]
        elif all(one.as_host for one in there if one.label in kept):
            kept += [one.label for one in there if not one.as_host][:1]  # an address may be a bare IP
        extra = [name for name in (*self.kind_label, *self.namespaces) if name in present]
        return tuple(dict.fromkeys([*kept, *extra]))

    def applies(self, present: frozenset[str] | None) -> bool:
        """Some label that names an entity exists (or we do not know which labels exist)."""
        return (
            present is None
            or any(choice.label in present for choice in self.labels)
            or bool(present & set(self.kind_label))
        )


def kind_of_system(system: str) -> Kind:
    if system in CACHE_SYSTEMS:
        return Kind.CACHE
    return Kind.QUEUE if system in QUEUE_SYSTEMS else Kind.DATABASE


def _all(kind: Kind, *labels: str) -> tuple[EntityLabel, ...]:
    return tuple(EntityLabel(label, kind) for label in labels)


_SERVICES = _all(
    Kind.SERVICE,
    "service_name", "exported_service", "service", "app_kubernetes_io_name", "app", "application", "microservice",
    "destination_workload", "deployment", "k8s_deployment_name", "workload",
)  # fmt: skip
_PODS = _all(Kind.POD, *POD_LABELS)
_JOBS = (
    *_all(Kind.SERVICE, "exported_job", "job"),
    EntityLabel("instance", Kind.SERVICE, as_host=True),
)
_EXPORTER_ENDINGS = ("-exporter", "_exporter", "-metrics")

SERVICE = EntityRule((*_SERVICES, *_PODS, *_all(Kind.SERVICE, "container", "container_name"), *_JOBS))
"""What an application says about itself."""

POD = EntityRule(
    (*_PODS, *_all(Kind.SERVICE, "container_label_com_docker_compose_service", "name", "container", "container_name"))
)
"""What the container runtime says about pods (the scrape job is the kubelet's, so it names nobody)."""

NODE = EntityRule(
    (
        *_all(Kind.NODE, "node", "nodename", "kubernetes_node", "k8s_node_name", "host_name", "host"),
        EntityLabel("instance", Kind.NODE),
    ),
    namespaces=(),
    pods=False,
)

CALLEE = EntityRule(
    (
        *_all(
            Kind.SERVICE,
            "peer_service",
            "service_peer_name",
            "destination_service_name",
            "upstream_service",
            "remote_service",
            "callee",
        ),
        *(
            EntityLabel(label, Kind.SERVICE, as_host=True)
            for label in (
                "server_address",
                "net_peer_name",
                "http_host",
                "upstream_host",
                "target_host",
                "remote_name",
                "host",
                "client_name",
                "clientName",
                "rpc_service",
            )
        ),
        *(EntityLabel(label, Kind.SERVICE, after_dot=True) for label in ("rpc_service", "grpc_service")),
    ),
    namespaces=(),
    pods=False,
)
"""Whom a client-side metric is about."""

DATA_STORE = EntityRule(
    (
        *(EntityLabel(label, Kind.DATABASE, as_host=True) for label in ("server_address", "net_peer_name")),
        *_all(Kind.DATABASE, "db_client_connections_pool_name", "db_namespace", "db_name"),
    ),
    kind_label=("db_system_name", "db_system"),
    namespaces=(),
    pods=False,
)
"""The database or cache that a client talks to."""


def server_of(kind: Kind, *first: str) -> EntityRule:
    """For exporters of one kind of server: `first` labels, then the address asked, then the usual ones; names of exporters are taken,
    without "-exporter", only when nothing else names the server."""
    labels = [(label, False) for label in (*first, "service_name", "cluster_name")]
    labels += [("server", True), ("target", True), ("exported_service", False), ("service", False), ("app", False)]
    labels += [("instance", True), ("exported_job", False), ("job", False)]
    strong = tuple(EntityLabel(label, kind, as_host=host, refuse=_EXPORTER_ENDINGS) for label, host in labels)
    weak = tuple(EntityLabel(label, kind, as_host=host, strip=_EXPORTER_ENDINGS) for label, host in labels[-5:])
    return EntityRule((*strong, *weak), every=True)


_STORES = (
    *_all(Kind.FUNCTION, "function_name", "functionname", "function", "faas_name"),
    *_all(
        Kind.DATABASE,
        "dbinstance_identifier",
        "db_instance_identifier",
        "dbcluster_identifier",
        "database",
        "db_instance",
        "db",
    ),
    *_all(Kind.CACHE, "cache_cluster_id", "cache"),
    *_all(Kind.QUEUE, "queue_name", "queue", "topic", "topic_name", "stream_name"),
)
_EDGES_OF_SYSTEM = _all(
    Kind.SERVICE,
    "load_balancer",
    "target_group",
    "api_name",
    "component",
    "name",
    "id",
    "entity",
    "resource",
    "cluster_name",
)

GENERAL = EntityRule(
    (
        *_SERVICES,
        *_STORES,
        *_PODS,
        *_all(Kind.SERVICE, "container", "container_name"),
        *_EDGES_OF_SYSTEM,
        *NODE.labels[:-1],
        *_JOBS,
    )
)
"""Any label that names something, what serves requests first."""

QUEUES = EntityRule(
    (*_all(Kind.QUEUE, "queue_name", "queue", "topic", "topic_name", "stream_name", "destination"), *GENERAL.labels)
)
STORES = EntityRule((*_STORES, *GENERAL.labels))
GENERAL_NODE = EntityRule((*NODE.labels[:-1], *GENERAL.labels))
GENERAL_POD = EntityRule((*_PODS, *GENERAL.labels))


TARGET = EntityRule(
    (
        *_SERVICES[:6],
        *_PODS,
        *(EntityLabel(label, Kind.SERVICE, refuse=_EXPORTER_ENDINGS) for label in ("exported_job", "job")),
    )
)
"""A scrape target that is no exporter."""
