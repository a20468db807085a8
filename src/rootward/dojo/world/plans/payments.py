"""A payments platform of about thirty components on a service mesh: authorisation, ledger, risk, payouts, several providers."""

from typing import Any

from rootward.dojo.world import blueprint as bp

NAME = "payments"
DESCRIPTION = (
    "A payments platform on a mesh: API edge, authorisation, risk, ledger, payouts, notifications, card networks"
)


def _service(
    name: str, language: str, style: str, team: str, cpu_ms: float, wait_ms: float, path: str, **rest: Any
) -> bp.Component:
    method = "pay.v1." + "".join(part.capitalize() for part in name.split("-")) if style == "grpc" else "POST"
    memory = {
        "java": (780.0, 1536.0),
        "go": (110.0, 256.0),
        "python": (260.0, 512.0),
        "node": (210.0, 512.0),
        "nginx": (130.0, 512.0),
    }[language]
    fields: dict[str, Any] = {
        "memory_mib": memory[0],
        "memory_limit_mib": memory[1],
        "routes": (bp.Route(method, path),),
        **rest,
    }
    return bp.Component(name=name, language=language, style=style, team=team, cpu_ms=cpu_ms, wait_ms=wait_ms, **fields)


def _store(name: str, kind: bp.Kind, team: str, memory: float, **rest: Any) -> bp.Component:
    language, cpu_ms, wait_ms = {
        bp.Kind.DATABASE: ("postgres", 1.3, 1.6),
        bp.Kind.CACHE: ("redis", 0.05, 0.3),
        bp.Kind.QUEUE: ("kafka", 0.05, 1.0),
    }[kind]
    replicas = 3 if kind is bp.Kind.QUEUE else 1
    return bp.Component(
        name=name,
        kind=kind,
        language=language,
        style="",
        team=team,
        cpu_ms=cpu_ms,
        wait_ms=wait_ms,
        replicas=replicas,
        memory_mib=memory,
        memory_limit_mib=memory * 1.4,
        **rest,
    )


def _third_party(name: str, host: str, wait_ms: float) -> bp.Component:
    return bp.Component(name=name, kind=bp.Kind.EXTERNAL, language="", style="", cpu_ms=0, wait_ms=wait_ms, host=host)


_COMPONENTS = (
    _service(
        "api-edge",
        "nginx",
        "nginx",
        "edge",
        0.5,
        0.6,
        "/v1/payments",
        namespace="edge",
        tier_one=True,
        routes=(bp.Route("POST", "/v1/payments", 0.6, 1.2), bp.Route("GET", "/v1/payments/{id}", 0.4, 0.7)),
    ),
    _service("api-gateway", "node", "otel", "edge", 3, 1, "/v1/payments", tier_one=True),
    _service("auth", "go", "otel", "identity", 2, 1, "/verify"),
    _service("merchant", "java", "micrometer", "merchants", 6, 2, "/merchants/{id}"),
    _service("merchant-config", "go", "prometheus", "merchants", 1.5, 0.5, "/config"),
    _service("payment-orchestrator", "java", "micrometer", "core", 10, 3, "/payments", tier_one=True),
    _service("payment-query", "java", "micrometer", "core", 6, 2, "/payments/{id}"),
    _service("risk", "python", "otel", "risk", 14, 4, "/score"),
    _service("risk-features", "go", "grpc", "risk", 3, 1, "GetFeatures"),
    _service("velocity", "go", "grpc", "risk", 1.5, 0.5, "Check"),
    _service("card-vault", "java", "micrometer", "vault", 7, 2, "/detokenise"),
    _service("acquirer-router", "go", "otel", "acquiring", 3, 1, "/route"),
    _service("acquirer-visa", "go", "otel", "acquiring", 3, 1, "/authorise"),
    _service("acquirer-mastercard", "go", "otel", "acquiring", 3, 1, "/authorise"),
    _service("acquirer-sepa", "java", "micrometer", "acquiring", 6, 2, "/transfer"),
    _service("ledger", "java", "micrometer", "ledger", 9, 2, "/entries"),
    _service("balance", "go", "grpc", "ledger", 2, 0.5, "GetBalance"),
    _service("fx-rates", "go", "prometheus", "treasury", 1.5, 0.5, "/rates"),
    _service("fees", "go", "prometheus", "treasury", 2, 0.5, "/fees"),
    _service("webhooks", "python", "otel", "notifications", 8, 6, "/deliver", consumer=True),
    _service("payouts", "java", "micrometer", "payouts", 12, 6, "/payouts", consumer=True),
    _service("receipts", "node", "otel", "notifications", 6, 8, "/render", consumer=True),
    _service("audit", "go", "otel", "compliance", 3, 2, "/record", consumer=True),
    _store("payments-db", bp.Kind.DATABASE, "core", 6400),
    _store("ledger-db", bp.Kind.DATABASE, "ledger", 7200),
    _store("merchants-db", bp.Kind.DATABASE, "merchants", 4100),
    _store("vault-db", bp.Kind.DATABASE, "vault", 3900),
    _store("merchant-cache", bp.Kind.CACHE, "merchants", 900, hit_ratio=0.95),
    _store("feature-cache", bp.Kind.CACHE, "risk", 2200, hit_ratio=0.93),
    _store("payment-events", bp.Kind.QUEUE, "core", 3600),
    bp.Component(
        name="receipt-jobs",
        kind=bp.Kind.QUEUE,
        language="rabbitmq",
        style="",
        team="notifications",
        cpu_ms=0.06,
        wait_ms=1.2,
        replicas=3,
        memory_mib=380,
        memory_limit_mib=2048,
    ),
    _third_party("visa-net", "gateway.visanet-connect.com", 160),
    _third_party("mastercard-net", "api.mc-switch.net", 150),
    _third_party("sepa-bank", "xs2a.nordbank.eu", 220),
)


def _call(caller: str, callee: str, calls: float, timeout_ms: float, **rest: Any) -> bp.Call:
    return bp.Call(caller=caller, callee=callee, calls=calls, timeout_ms=timeout_ms, **rest)


def _sql(caller: str, callee: str, calls: float, operation: str, **rest: Any) -> bp.Call:
    return _call(caller, callee, calls, 2500, protocol="sql", operation=operation, **rest)


_CALLS = (
    _call("api-edge", "api-gateway", 1, 12000),
    _call("api-gateway", "auth", 1, 1000, retries=1),
    _call("api-gateway", "payment-orchestrator", 0.6, 9000),
    _call("api-gateway", "payment-query", 0.4, 2500),
    _call("auth", "merchant", 0.5, 1000),
    _call("merchant", "merchant-cache", 1, 200, protocol="redis", operation="GET", required=0.0),
    _sql("merchant", "merchants-db", 1, "SELECT * FROM merchants WHERE id = $1", behind="merchant-cache"),
    _call("merchant", "merchant-config", 1, 800, retries=1),
    _sql("merchant-config", "merchants-db", 0.3, "SELECT key, value FROM merchant_settings WHERE merchant_id = $1"),
    _call("payment-orchestrator", "risk", 1, 2000, required=0.8),
    _call("payment-orchestrator", "card-vault", 0.8, 1500, retries=1),
    _call("payment-orchestrator", "fees", 1, 800),
    _call("payment-orchestrator", "acquirer-router", 1, 6000),
    _call("payment-orchestrator", "ledger", 1, 2500, retries=1),
    _sql("payment-orchestrator", "payments-db", 3, "UPDATE payments SET state = $1, updated_at = now() WHERE id = $2"),
    _call(
        "payment-orchestrator", "payment-events", 2, 1000, protocol="kafka", operation="payment.updated", required=0.1
    ),
    _sql("payment-query", "payments-db", 2, "SELECT * FROM payments WHERE id = $1"),
    _call("risk", "risk-features", 1, 1000, protocol="grpc"),
    _call("risk", "velocity", 1, 600, protocol="grpc", required=0.3),
    _call("risk-features", "feature-cache", 3, 200, protocol="redis", operation="HMGET", required=0.0),
    _sql(
        "risk-features",
        "payments-db",
        3,
        "SELECT count(*), sum(amount) FROM payments WHERE card_hash = $1 AND created_at > $2",
        behind="feature-cache",
    ),
    _call("velocity", "feature-cache", 1, 200, protocol="redis", operation="INCR"),
    _sql("card-vault", "vault-db", 1, "SELECT pan_enc FROM tokens WHERE token = $1"),
    _call("fees", "fx-rates", 0.5, 600, required=0.5),
    _call("acquirer-router", "acquirer-visa", 0.5, 5000),
    _call("acquirer-router", "acquirer-mastercard", 0.35, 5000),
    _call("acquirer-router", "acquirer-sepa", 0.15, 5000),
    _call("acquirer-visa", "visa-net", 1, 4000),
    _call("acquirer-mastercard", "mastercard-net", 1, 4000),
    _call("acquirer-sepa", "sepa-bank", 1, 4500),
    _call("ledger", "balance", 1, 1000, protocol="grpc", retries=1),
    _sql(
        "ledger",
        "ledger-db",
        3,
        "INSERT INTO entries (account_id, amount, currency, payment_id) VALUES ($1, $2, $3, $4)",
    ),
    _sql("balance", "ledger-db", 1, "SELECT sum(amount) FROM entries WHERE account_id = $1"),
    _call(
        "payment-orchestrator", "receipt-jobs", 1, 1000, protocol="amqp", operation="receipts.requested", required=0.4
    ),
    _call("receipt-jobs", "receipts", 1, 30000, protocol="amqp", operation="receipts.requested", waits=False),
    _call("payment-events", "webhooks", 1, 30000, protocol="kafka", operation="payment.updated", waits=False),
    _call("payment-events", "audit", 1, 30000, protocol="kafka", operation="payment.updated", waits=False),
    _call("payment-events", "payouts", 0.1, 30000, protocol="kafka", operation="payment.settled", waits=False),
    _sql(
        "payouts",
        "ledger-db",
        4,
        "SELECT account_id, sum(amount) FROM entries WHERE settled_at IS NULL GROUP BY account_id",
    ),
    _call("payouts", "sepa-bank", 0.5, 4500, retries=1),
)


def blueprint(seed: int, services: int | None) -> bp.Blueprint:
    """The platform; it has one shape, so both arguments leave it as it is."""
    del seed, services
    return bp.Blueprint(
        name=NAME,
        description=DESCRIPTION,
        namespace="payments",
        domain="quaypay.com",
        organisation="quaypay",
        components=_COMPONENTS,
        calls=_CALLS,
        demand={"api-edge": 180.0},
        nodes=9,
        mesh=True,
        peak_hour=18.0,
        utc_offset_h=1.0,
        people=("anders", "chiara", "dmitri", "fatima", "hugo", "ines", "kwame", "lotte", "nils"),
    )
