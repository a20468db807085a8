"""A web shop of a dozen services: catalogue, cart, checkout, payment provider, two databases, a cache and a queue."""

from rootward.dojo.world import blueprint as bp

NAME = "web-shop"
DESCRIPTION = "An online shop: ingress, storefront, catalogue, cart, checkout, orders, payments, stock, mail"

_COMPONENTS = (
    bp.Component(
        name="gateway", language="nginx", style="nginx", namespace="ingress", team="platform", cpu_ms=0.6, wait_ms=0.8,
        memory_mib=140, memory_limit_mib=512, tier_one=True,
        routes=(bp.Route("GET", "/", 0.62, 0.9), bp.Route("GET", "/api/products", 0.28, 0.9), bp.Route("POST", "/api/checkout", 0.10, 1.8)),
    ),
    bp.Component(
        name="storefront", language="node", style="otel", team="web", cpu_ms=9, wait_ms=4, memory_mib=260, tier_one=True,
        routes=(bp.Route("GET", "/", 0.7), bp.Route("GET", "/product/{id}", 0.3, 1.2)),
    ),
    bp.Component(
        name="catalog", language="go", style="prometheus", team="catalog", cpu_ms=3, wait_ms=1, memory_mib=120, memory_limit_mib=256,
        routes=(bp.Route("GET", "/products", 0.8), bp.Route("GET", "/products/{id}", 0.2, 0.7)),
    ),
    bp.Component(name="search", language="java", style="micrometer", team="catalog", cpu_ms=12, wait_ms=6, memory_mib=900, memory_limit_mib=1536, routes=(bp.Route("GET", "/search"),)),
    bp.Component(name="recommendation", language="python", style="otel", team="ml", cpu_ms=10, wait_ms=3, memory_mib=380, memory_limit_mib=768, routes=(bp.Route("GET", "/recommendations"),)),
    bp.Component(name="cart", language="go", style="grpc", team="checkout", cpu_ms=1.5, wait_ms=0.5, memory_mib=90, memory_limit_mib=256, routes=(bp.Route("shop.CartService", "GetCart"),)),
    bp.Component(
        name="checkout", language="java", style="micrometer", team="checkout", cpu_ms=16, wait_ms=4, memory_mib=820,
        memory_limit_mib=1536, tier_one=True, routes=(bp.Route("POST", "/checkout"),),
    ),
    bp.Component(name="orders", language="java", style="micrometer", team="orders", cpu_ms=8, wait_ms=2, memory_mib=760, memory_limit_mib=1280, routes=(bp.Route("POST", "/orders"), )),
    bp.Component(name="payments", language="go", style="otel", team="payments", cpu_ms=4, wait_ms=2, memory_mib=110, memory_limit_mib=256, routes=(bp.Route("POST", "/charge"),)),
    bp.Component(name="inventory", language="go", style="grpc", team="orders", cpu_ms=2.5, wait_ms=0.5, memory_mib=100, memory_limit_mib=256, routes=(bp.Route("shop.InventoryService", "Reserve"),)),
    bp.Component(name="shipping", language="python", style="otel", team="orders", cpu_ms=5, wait_ms=2, memory_mib=210, routes=(bp.Route("POST", "/quote"),)),
    bp.Component(name="email", language="python", style="prometheus", team="growth", cpu_ms=12, wait_ms=20, memory_mib=190, consumer=True, routes=(bp.Route("POST", "/send"),)),
    bp.Component(name="catalog-db", kind=bp.Kind.DATABASE, language="postgres", style="", team="catalog", cpu_ms=1.6, wait_ms=1.2, replicas=1, memory_mib=5200, memory_limit_mib=8192),
    bp.Component(name="orders-db", kind=bp.Kind.DATABASE, language="postgres", style="", team="orders", cpu_ms=1.4, wait_ms=2.0, replicas=1, memory_mib=6100, memory_limit_mib=8192),
    bp.Component(name="catalog-cache", kind=bp.Kind.CACHE, language="redis", style="", team="catalog", cpu_ms=0.05, wait_ms=0.3, replicas=1, memory_mib=1500, memory_limit_mib=2048),
    bp.Component(name="session-cache", kind=bp.Kind.CACHE, language="redis", style="", team="web", cpu_ms=0.05, wait_ms=0.3, replicas=1, memory_mib=800, memory_limit_mib=1024, hit_ratio=0.985),
    bp.Component(name="order-events", kind=bp.Kind.QUEUE, language="kafka", style="", team="platform", cpu_ms=0.05, wait_ms=1, replicas=3, memory_mib=3100, memory_limit_mib=6144),
    bp.Component(name="card-processor", kind=bp.Kind.EXTERNAL, language="", style="", cpu_ms=0, wait_ms=180, host="api.cardstream.com"),
    bp.Component(name="mail-provider", kind=bp.Kind.EXTERNAL, language="", style="", cpu_ms=0, wait_ms=90, host="api.postlane.io"),
    bp.Component(name="carrier-rates", kind=bp.Kind.EXTERNAL, language="", style="", cpu_ms=0, wait_ms=120, host="rates.shipwise.net"),
)

_CALLS = (
    bp.Call(caller="gateway", callee="storefront", calls=0.9, timeout_ms=10000),
    bp.Call(caller="gateway", callee="checkout", calls=0.1, timeout_ms=10000),
    bp.Call(caller="storefront", callee="catalog", calls=1.2, timeout_ms=2000, retries=1),
    bp.Call(caller="storefront", callee="search", calls=0.35, timeout_ms=2500, required=0.9),
    bp.Call(caller="storefront", callee="recommendation", calls=0.8, timeout_ms=600, required=0.05),
    bp.Call(caller="storefront", callee="cart", calls=0.7, timeout_ms=1000, retries=1, protocol="grpc"),
    bp.Call(caller="storefront", callee="session-cache", calls=1, timeout_ms=300, protocol="redis", operation="GET", required=0.2),
    bp.Call(caller="search", callee="catalog-db", calls=0.6, timeout_ms=2000, protocol="sql", operation="SELECT id, name, price FROM products WHERE tsv @@ plainto_tsquery($1) LIMIT $2"),
    bp.Call(caller="catalog", callee="catalog-cache", calls=2, timeout_ms=300, protocol="redis", operation="MGET", required=0.0),
    bp.Call(caller="catalog", callee="catalog-db", calls=2, timeout_ms=2000, behind="catalog-cache", protocol="sql", operation="SELECT * FROM products WHERE category_id = $1 AND visible ORDER BY rank"),
    bp.Call(caller="recommendation", callee="catalog", calls=0.6, timeout_ms=600, required=0.5),
    bp.Call(caller="cart", callee="session-cache", calls=2, timeout_ms=300, protocol="redis", operation="HGETALL"),
    bp.Call(caller="checkout", callee="cart", calls=1, timeout_ms=1000, retries=1, protocol="grpc"),
    bp.Call(caller="checkout", callee="inventory", calls=2, timeout_ms=1500, retries=1, protocol="grpc"),
    bp.Call(caller="checkout", callee="shipping", calls=1, timeout_ms=2500),
    bp.Call(caller="checkout", callee="payments", calls=1, timeout_ms=6000),
    bp.Call(caller="checkout", callee="orders", calls=1, timeout_ms=4000),
    bp.Call(caller="inventory", callee="orders-db", calls=2, timeout_ms=3000, protocol="sql", operation="UPDATE stock SET reserved = reserved + $1 WHERE sku = $2"),
    bp.Call(caller="orders", callee="orders-db", calls=4, timeout_ms=3000, protocol="sql", operation="SELECT o.*, l.* FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.customer_id = $1"),
    bp.Call(caller="orders", callee="order-events", calls=1, timeout_ms=1000, protocol="kafka", operation="order.placed", required=0.1),
    bp.Call(caller="order-events", callee="email", calls=1, protocol="kafka", operation="order.placed", waits=False),
    bp.Call(caller="payments", callee="card-processor", calls=1, timeout_ms=4000, retries=0),
    bp.Call(caller="shipping", callee="carrier-rates", calls=1, timeout_ms=2000, required=0.4),
    bp.Call(caller="email", callee="mail-provider", calls=1, timeout_ms=3000, retries=1),
)


def blueprint(seed: int, services: int | None) -> bp.Blueprint:
    """The shop; it has one shape, so both arguments leave it as it is."""
    del seed, services
    return bp.Blueprint(
        name=NAME, description=DESCRIPTION, namespace="shop", domain="lumenandloom.com", organisation="lumen-loom",
        components=_COMPONENTS, calls=_CALLS, demand={"gateway": 240.0}, nodes=6,
    )
