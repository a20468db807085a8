"""Systems of any size, drawn from a seed: an edge, layers of services, a store for most of them, a few third parties."""

import numpy as np

from rootward import _rng, errors
from rootward.dojo.world import blueprint as bp

NAME = "generated"
DESCRIPTION = "A system of any size up to 500 services, drawn from the seed"

SERVICES = 40
LEAST, MOST = 6, 500
STYLES = (
    ("go", "otel"),
    ("go", "prometheus"),
    ("go", "grpc"),
    ("java", "micrometer"),
    ("python", "otel"),
    ("node", "otel"),
    ("java", "micrometer"),
)
MEMORY = {
    "go": (110.0, 256.0),
    "java": (820.0, 1536.0),
    "python": (260.0, 512.0),
    "node": (230.0, 512.0),
    "nginx": (130.0, 512.0),
}
_NOUNS = (
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
)
_SUFFIXES = ("", "-api", "-service", "-core", "-index", "-sync", "-v2", "-rules")


def blueprint(seed: int, services: int | None) -> bp.Blueprint:
    """A system of `services` components, stores and third parties included (40 by default).

    Raises:
        WorldError: fewer than 6 or more than 500.
    """
    count = SERVICES if services is None else services
    if not LEAST <= count <= MOST:
        raise errors.WorldError(f"a generated world has {LEAST} to {MOST} services, not {count}")
    rng = _rng.stream(seed, NAME, count)
    stores = max(1, count // 7)
    caches, outside = max(1, count // 14), max(1, count // 20)
    own = max(2, count - stores - caches - outside - 1)
    names = _names(rng, own)
    depth = max(2, min(6, int(np.log2(own))))
    layer = np.sort(np.minimum(rng.integers(0, depth, own), depth - 1))
    layer[0] = 0
    components = [_gateway()] + [_service(rng, name, int(layer[k])) for k, name in enumerate(names)]
    calls = _calls(rng, names, layer)
    components, calls = _stores(rng, names, layer, components, calls, (stores, caches, outside))
    return bp.Blueprint(
        name=NAME,
        description=DESCRIPTION,
        namespace="core",
        domain="harborline.io",
        organisation="harborline",
        components=tuple(components),
        calls=tuple(calls),
        demand={"edge": 260.0},
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


def _service(rng: np.random.Generator, name: str, layer: int) -> bp.Component:
    language, style = STYLES[int(rng.integers(0, len(STYLES)))]
    method, path = (
        ("core.v1." + name.split("-")[0].capitalize(), "Get")
        if style == "grpc"
        else (("GET", "POST")[int(rng.integers(0, 2))], f"/{name.split('-')[0]}s")
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
        for caller in callers:
            calls.append(
                bp.Call(
                    caller=names[caller],
                    callee=names[k],
                    calls=round(float(rng.uniform(0.4, 1.3)), 2),
                    timeout_ms=float(rng.choice([1000, 1500, 2500])),
                    retries=int(rng.uniform() < 0.3),
                    required=float(rng.choice([1.0, 1.0, 1.0, 0.5])),
                )
            )
    return calls


def _stores(
    rng: np.random.Generator,
    names: list[str],
    layer: np.ndarray[tuple[int], np.dtype[np.int64]],
    components: list[bp.Component],
    calls: list[bp.Call],
    sizes: tuple[int, int, int],
) -> tuple[list[bp.Component], list[bp.Call]]:
    """Databases, caches in front of some, third parties; owners drawn among the services."""
    stores, caches, outside = sizes
    owners = [names[int(k)] for k in rng.choice(len(names), size=min(len(names), stores), replace=False)]
    for n, owner in enumerate(owners):
        database = (
            f"{owner.split('-')[0]}-db"
            if n == 0 or all(c.name != f"{owner.split('-')[0]}-db" for c in components)
            else f"{owner}-db"
        )
        components.append(
            bp.Component(
                name=database,
                kind=bp.Kind.DATABASE,
                language="postgres",
                style="",
                cpu_ms=1.4,
                wait_ms=1.5,
                replicas=1,
                memory_mib=4600,
                memory_limit_mib=8192,
            )
        )
        table = f"{owner.split('-')[0]}s"
        behind = ""
        if n < caches:
            behind = f"{owner}-cache"
            components.append(
                bp.Component(
                    name=behind,
                    kind=bp.Kind.CACHE,
                    language="redis",
                    style="",
                    cpu_ms=0.05,
                    wait_ms=0.3,
                    replicas=1,
                    memory_mib=1100,
                    memory_limit_mib=2048,
                )
            )
            calls.append(
                bp.Call(
                    caller=owner,
                    callee=behind,
                    calls=2,
                    timeout_ms=300,
                    protocol="redis",
                    operation="GET",
                    required=0.0,
                )
            )
        calls.append(
            bp.Call(
                caller=owner,
                callee=database,
                calls=2,
                timeout_ms=2500,
                behind=behind,
                protocol="sql",
                operation=f"SELECT * FROM {table} WHERE id = $1",
            )
        )
        if rng.uniform() < 0.5:
            other = names[int(rng.integers(0, len(names)))]
            if other != owner:
                calls.append(
                    bp.Call(
                        caller=other,
                        callee=database,
                        calls=1,
                        timeout_ms=2500,
                        protocol="sql",
                        operation=f"SELECT count(*) FROM {table} WHERE updated_at > $1",
                    )
                )
    rich = [
        names[k]
        for k in range(len(names))
        if layer[k] > 0 and any(c.name == names[k] and c.style in ("otel", "micrometer") for c in components)
    ] or names
    for n in range(outside):
        name = f"partner-{'abcdefghijklmnopqrstuvwxyz'[n % 26]}"
        components.append(
            bp.Component(
                name=name,
                kind=bp.Kind.EXTERNAL,
                language="",
                style="",
                cpu_ms=0,
                wait_ms=round(float(rng.uniform(40, 200))),
                host=f"api.{name}.com",
            )
        )
        calls.append(bp.Call(caller=rich[int(rng.integers(0, len(rich)))], callee=name, calls=1, timeout_ms=3000))
    return components, calls
