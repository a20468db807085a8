"""What a production system consists of, as its architects would draw it: components, who calls whom, how much traffic."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any


class Kind(enum.StrEnum):
    """Spelt as findings name entities."""

    SERVICE = "service"
    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    EXTERNAL = "external"


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """One endpoint; `share` of the component's requests, `slowness` times its mean latency."""

    method: str
    path: str
    share: float = 1.0
    slowness: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One thing that serves requests. Zeros for `replicas`, `cores`, `workers` mean: sized from the traffic.

    `style` is the convention of its request metrics (exporters/styles.py), "" for things seen only through exporters or
    clients. `host` is the address that clients of a third party use. `period_s` > 0 makes its own demand come in
    batches of that period. `consumer` components pull from queues: their backlog is lag, and nothing is rejected.
    """

    name: str
    kind: Kind = Kind.SERVICE
    language: str = "go"
    style: str = "otel"
    namespace: str = ""
    team: str = "platform"
    cpu_ms: float = 4.0
    wait_ms: float = 1.0
    replicas: int = 0
    cores: float = 0.0
    workers: int = 0
    memory_mib: float = 180.0
    memory_limit_mib: float = 512.0
    error_ratio: float = 0.00015
    routes: tuple[Route, ...] = (Route("GET", "/"),)
    host: str = ""
    tier_one: bool = False
    period_s: float = 0.0
    consumer: bool = False
    hit_ratio: float = 0.94


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Calls from one component to another: `calls` per request of the caller.

    `required` is the share of failed calls that fail the caller's request (fallbacks lower it). `pool` connections per pod
    (0: sized from the traffic for databases, none otherwise). `behind` names the cache whose misses make this call.
    `waits` false means fire-and-forget (queues). `operation` is the statement, command or method.
    """

    caller: str
    callee: str
    calls: float = 1.0
    timeout_ms: float = 2000.0
    retries: int = 0
    required: float = 1.0
    pool: int = 0
    behind: str = ""
    protocol: str = "http"
    operation: str = ""
    waits: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """`demand` maps an entry component to requests per second at its peak hour (local time of `utc_offset_h`)."""

    name: str
    description: str
    namespace: str
    domain: str
    organisation: str
    components: tuple[Component, ...]
    calls: tuple[Call, ...]
    demand: Mapping[str, float]
    nodes: int = 6
    mesh: bool = False
    peak_hour: float = 20.0
    utc_offset_h: float = 0.0
    people: tuple[str, ...] = ("maria", "jonas", "priya", "tomasz", "wei", "sofia", "ben", "leila")


def database(name: str, memory_mib: float, **rest: Any) -> Component:
    """A Postgres server."""
    fields = {"cpu_ms": 1.4, "wait_ms": 1.5, "memory_limit_mib": memory_mib * 1.5, **rest}
    return Component(
        name=name, kind=Kind.DATABASE, language="postgres", style="", replicas=1, memory_mib=memory_mib, **fields
    )


def cache(name: str, memory_mib: float, **rest: Any) -> Component:
    """A Redis server."""
    fields = {"cpu_ms": 0.05, "wait_ms": 0.3, "memory_limit_mib": memory_mib * 1.6, **rest}
    return Component(
        name=name, kind=Kind.CACHE, language="redis", style="", replicas=1, memory_mib=memory_mib, **fields
    )


def third_party(name: str, host: str, wait_ms: float) -> Component:
    """A service of somebody else, known by its address."""
    return Component(name=name, kind=Kind.EXTERNAL, language="", style="", cpu_ms=0, wait_ms=wait_ms, host=host)


def sql(caller: str, callee: str, calls: float, operation: str, **rest: Any) -> Call:
    """Calls of one statement."""
    fields = {"timeout_ms": 2500.0, **rest}
    return Call(caller=caller, callee=callee, calls=calls, protocol="sql", operation=operation, **fields)


def cached(caller: str, callee: str, calls: float, operation: str, *, required: float = 0.0) -> Call:
    """Calls of a cache, which callers can do without unless told otherwise."""
    return Call(
        caller=caller,
        callee=callee,
        calls=calls,
        timeout_ms=300,
        protocol="redis",
        operation=operation,
        required=required,
    )
