"""Systems of any size, drawn from a seed: an edge, layers of services, a store for most of them, a few third parties."""

import numpy as np

from rootward import _rng, errors
from rootward.dojo.world import blueprint as bp

NAME = "generated"
DESCRIPTION = "A system of any size up to 1,000 services, drawn from the seed"

SERVICES = 40
ENOUGH_FOR_QUEUES = 14
LEAST, MOST = 5, 1000
STYLES = (
    ("go", "otel"),
    ("go", "prometheus"),
    ("go", "grpc"),
    ("java", "micrometer"),
    ("python", "otel"),
    ("node", "otel"),
    ("java", "micrometer"),
)
LARGE = 500
STYLES_OF_LARGE = (*STYLES, ("go", "grpc"), ("go", "grpc"), ("go", "grpc"), ("go", "prometheus"))
"""Beyond LARGE services a company has settled on one way to call, and speaks mostly gRPC."""
MEMORY = {
    "go": (110.0, 256.0),
    "java": (820.0, 1536.0),
    "python": (260.0, 512.0),
    "node": (230.0, 512.0),
    "nginx": (130.0, 512.0),
}
_NOUNS = [
    "account",
    "address",
    "archive",
    "asset",
    "auction",
    "badge",
    "basket",
    "billing",
    "booking",
    "calendar",
    "campaign",
    "carrier",
    "claim",
    "comment",
    "contract",
    "coupon",
    "customer",
    "delivery",
    "device",
    "discount",
    "document",
    "export",
    "feed",
    "feature",
    "gift",
    "group",
    "import",
    "invoice",
    "label",
    "listing",
    "loyalty",
    "media",
    "message",
    "offer",
    "partner",
    "plan",
    "policy",
    "price",
    "product",
    "profile",
    "quote",
    "rating",
    "refund",
    "region",
    "report",
    "return",
    "review",
    "route",
    "schedule",
    "segment",
    "session",
    "stock",
    "store",
    "survey",
    "tariff",
    "tax",
    "ticket",
    "token",
    "usage",
    "vendor",
    "video",
    "voucher",
    "warehouse",
    "wishlist",
]
Parts = tuple[list[bp.Component], list[bp.Call]]
_SUFFIXES = ("", "-api", "-service", "-core", "-index", "-sync", "-v2", "-rules", "-worker", "-gateway", "-history",
  "-events", "-search", "-admin")  # fmt: skip


def blueprint(seed: int, services: int | None) -> bp.Blueprint:
    """A system of `services` components, stores and third parties included (40 by default).

    Raises:
        WorldError: fewer than 5 or more than 1,000.
    """
    count = SERVICES if services is None else services
    if not LEAST <= count <= MOST:
        raise errors.WorldError(f"a generated world has {LEAST} to {MOST} services, not {count}")
    rng = _rng.stream(seed, NAME, count)
    stores = max(1, count // 7)
    caches, outside = max(min(1, count - LEAST), count // 14), max(1, count // 20)
    queues = 4 if count >= ENOUGH_FOR_QUEUES else 0
    own = count - stores - caches - outside - queues - 1
    names = _names(rng, own)
    depth = max(2, min(6, int(np.log2(own))))
    layer = np.sort(np.minimum(rng.integers(0, depth, own), depth - 1))
    layer[0] = 0
    styles = STYLES if count <= LARGE else STYLES_OF_LARGE
    own_services = [_service(rng, name, int(layer[k]), styles) for k, name in enumerate(names)]
    kept, queries = _stores(rng, names, stores, caches)
    partners, errands = _third_parties(rng, own_services, outside)
    topics, messages = _queues(names) if queues else ([], [])
    components = [_gateway(), *own_services, *kept, *partners, *topics]
    calls = [*_calls(rng, names, layer), *queries, *errands, *messages]
    return bp.Blueprint(
        name=NAME,
        description=DESCRIPTION,
        namespace="core",
        domain="harborline.io",
        organisation="harborline",
        components=tuple(components),
        calls=tuple(calls),
        demand={"edge": 260.0 * max(1.0, count / LARGE)},
        nodes=max(4, count // 6),
        peak_hour=float(rng.uniform(9, 21)),
        utc_offset_h=float(rng.integers(-8, 9)),
    )


def _names(rng: np.random.Generator, count: int) -> list[str]:
    """Distinct names, some of them alike."""
    every = [noun + suffix for suffix in _SUFFIXES for noun in _NOUNS]
    order = [int(i) for i in rng.permutation(len(_NOUNS) * min(len(_SUFFIXES), 1 + count // 40 + 1))]
    return [every[i] for i in order[:count]]


def _gateway() -> bp.Component:
    return bp.Component(
        name="edge",
        language="nginx",
        style="nginx",
        namespace="ingress",
        cpu_ms=0.5,
        wait_ms=0.6,
        memory_mib=130,
        tier_one=True,
    )


def _service(rng: np.random.Generator, name: str, layer: int, styles: tuple[tuple[str, str], ...]) -> bp.Component:
    language, style = styles[int(rng.integers(0, len(styles)))]
    method, path = (
        ("core.v1." + name.split("-", maxsplit=1)[0].capitalize(), "Get")
        if style == "grpc"
        else (("GET", "POST")[int(rng.integers(0, 2))], f"/{name.split('-', maxsplit=1)[0]}s")
    )
    memory, limit = MEMORY[language]
    return bp.Component(
        name=name,
        language=language,
        style=style,
        team=f"team-{'abcdefgh'[int(rng.integers(0, 8))]}",
        cpu_ms=round(float(rng.uniform(1.2, 9)), 2),
        wait_ms=round(float(rng.uniform(0.4, 4)), 2),
        memory_mib=round(memory * float(rng.uniform(0.8, 1.2))),
        memory_limit_mib=limit,
        routes=(bp.Route(method, path),),
        tier_one=layer == 0,
    )


def _calls(
    rng: np.random.Generator, names: list[str], layer: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> list[bp.Call]:
    """Every service is called by one or two of a layer above; deeper calls time out sooner."""
    roots = [k for k in range(len(names)) if layer[k] == 0]
    calls = [bp.Call(caller="edge", callee=names[k], calls=round(1.0 / len(roots), 4), timeout_ms=10000) for k in roots]
    for k in range(len(names)):
        if layer[k] == 0:
            continue
        above = np.flatnonzero(layer < layer[k])
        near = above[layer[above] == layer[above].max()]
        callers = sorted(
            {
                int(near[int(rng.integers(0, len(near)))]),
                *([int(above[int(rng.integers(0, len(above)))])] if rng.uniform() < 0.45 else []),
            }
        )
        calls += [
            bp.Call(
                caller=names[caller],
                callee=names[k],
                calls=round(float(rng.uniform(0.4, 1.3)), 2),
                timeout_ms=float(rng.choice([1000, 1500, 2500])),
                retries=int(rng.uniform() < 0.3),
                required=float(rng.choice([1.0, 1.0, 1.0, 0.5])),
            )
            for caller in callers
        ]
    return calls


def _stores(rng: np.random.Generator, names: list[str], stores: int, caches: int) -> Parts:
    """Databases and the services that own them, a cache in front of some, a second reader for half of them."""
    components: list[bp.Component] = []
    calls: list[bp.Call] = []
    owners = [names[int(k)] for k in rng.choice(len(names), size=min(len(names), stores), replace=False)]
    for n, owner in enumerate(owners):
        noun = owner.split("-", maxsplit=1)[0]
        name = f"{owner}-db"
        components.append(bp.database(name, 4600.0))
        behind = f"{owner}-cache" if n < caches else ""
        if behind:
            components.append(bp.cache(behind, 1100.0))
            calls.append(bp.cached(owner, behind, 2, "GET"))
        calls.append(bp.sql(owner, name, 2, f"SELECT * FROM {noun}s WHERE id = $1", behind=behind))  # noqa: S608 -- never run
        calls.append(bp.sql(owner, name, 0.3, f"INSERT INTO {noun}s (id, body) VALUES ($1, $2)"))  # noqa: S608 -- never run
        other = names[int(rng.integers(0, len(names)))]
        if rng.uniform() < 0.5 and other != owner:
            calls.append(bp.sql(other, name, 1, f"SELECT count(*) FROM {noun}s WHERE updated_at > $1"))  # noqa: S608 -- never run
    return components, calls


def _queues(names: list[str]) -> Parts:
    """A topic and a job queue that the busiest services write to, each with a consumer."""
    components: list[bp.Component] = []
    calls: list[bp.Call] = []
    for publisher, queue, broker, consumer, required in (
        (names[0], "domain-events", "kafka", "event-indexer", 0.1),
        (names[1], "background-jobs", "rabbitmq", "job-runner", 0.5),
    ):
        components += [
            bp.Component(
                name=queue,
                kind=bp.Kind.QUEUE,
                language=broker,
                style="",
                cpu_ms=0.05,
                wait_ms=1.0,
                replicas=3,
                memory_mib=700.0,
                memory_limit_mib=2048.0,
            ),
            bp.Component(name=consumer, language="python", style="otel", cpu_ms=6, wait_ms=8, consumer=True),
        ]
        protocol, subject = ("kafka", "entity.changed") if broker == "kafka" else ("amqp", "jobs.requested")
        calls += [
            bp.Call(
                caller=publisher,
                callee=queue,
                calls=1,
                timeout_ms=1000,
                protocol=protocol,
                operation=subject,
                required=required,
            ),
            bp.Call(
                caller=queue,
                callee=consumer,
                calls=1,
                timeout_ms=30000,
                protocol=protocol,
                operation=subject,
                waits=False,
            ),
        ]
    return components, calls


def _third_parties(rng: np.random.Generator, services: list[bp.Component], count: int) -> Parts:
    """Third parties, called by services whose clients are measured."""
    callers = [c.name for c in services if c.style in ("otel", "micrometer")] or [services[-1].name]
    components: list[bp.Component] = []
    calls: list[bp.Call] = []
    letters = "abcdefghijklmnopqrstuvwxyz"
    for ending in [first + second for first in ("", *letters) for second in letters][:count]:
        name = f"partner-{ending}"
        components.append(bp.third_party(name, f"api.{name}.com", round(float(rng.uniform(40, 200)))))
        caller = callers[int(rng.integers(0, len(callers)))]
        calls.append(bp.Call(caller=caller, callee=name, calls=1, timeout_ms=3000))
    return components, calls
