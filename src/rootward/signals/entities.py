"""What a question is about: the things of a production system, by kind and name."""

import dataclasses
import enum


class EntityKind(enum.StrEnum):
    SERVICE = "service"
    WORKLOAD = "workload"  # Deployment, StatefulSet, DaemonSet, Job, CronJob
    POD = "pod"
    NODE = "node"
    ZONE = "zone"  # of a cloud: the machines that share their power and their network
    NAMESPACE = "namespace"
    DATABASE = "database"
    QUEUE = "queue"  # queue, topic, stream, broker
    CACHE = "cache"
    EXTERNAL = "external"  # a third party: seen only from its clients
    FUNCTION = "function"
    EDGE = "edge"  # one caller's calls to one callee; its name is "caller→callee"

    __hash__ = str.__hash__  # Enum's own is written in Python, and entities are looked up everywhere


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Entity:
    """One thing. Two entities are the same if all three fields are.

    `namespace` is the Kubernetes namespace (or account, or cluster) where one is known, else "".
    """

    kind: EntityKind
    name: str
    namespace: str = ""

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


EDGE_ARROW = "→"


def edge(caller: str, callee: str) -> Entity:
    """The entity for one caller's calls to one callee."""
    return Entity(EntityKind.EDGE, f"{caller}{EDGE_ARROW}{callee}")
