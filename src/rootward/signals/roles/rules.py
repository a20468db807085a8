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
    unless `kind` is something more particular than a service. `prefix` only makes the label usable when its value begins with
    it; `strip` removes such an ending from the value ("-exporter")."""

    label: str
    kind: Kind
    as_host: bool = False
    strip: tuple[str, ...] = ()

    def entity(self, labels: Mapping[str, str], namespace: str) -> entities.Entity | None:
        value = labels.get(self.label, "").strip()
        if value.lower() in UNKNOWN_VALUES:
            return None
        if self.as_host:
            found = naming.of_host(value)
            if found is None:
                return None
            kind = found.kind if self.kind is Kind.SERVICE else self.kind
            return entities.Entity(kind, self._stripped(found.name), found.namespace or namespace)
        if self.label in ("job", "exported_job"):
            value = value.rsplit("/", 1)[-1]  # OpenTelemetry's exporter writes "namespace/service"
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
    hold the namespace. `pods`: whether instances may also be told apart by a pod label."""

    labels: tuple[EntityLabel, ...]
    kind_label: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = NAMESPACE_LABELS
    pods: bool = True

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
        if all(one.as_host for one in there if one.label in kept):
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
    """For exporters of one kind of server: `first` labels, then the usual ones without "-exporter"; the address unless it is an IP."""
    named = tuple(
        EntityLabel(label, kind, strip=_EXPORTER_ENDINGS) for label in (*first, "service_name", "cluster_name")
    )
    hosts = tuple(
        EntityLabel(label, kind, as_host=True, strip=_EXPORTER_ENDINGS) for label in ("server", "target", "instance")
    )
    later = tuple(
        EntityLabel(label, kind, strip=_EXPORTER_ENDINGS)
        for label in ("exported_service", "service", "app", "app_kubernetes_io_instance", "exported_job", "job")
    )
    return EntityRule((*named, *later[:4], *hosts, *later[4:]))


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
