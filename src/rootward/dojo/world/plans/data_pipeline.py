"""A data pipeline: devices and clients send events, queues carry them, consumers enrich and store them, batch jobs report."""

from rootward.dojo.world import blueprint as bp

NAME = "data-pipeline"
DESCRIPTION = "Ingestion to warehouse: collectors, queues, enrichment, loaders, batch reports, a query API"


def _service(name: str, language: str, style: str, team: str, cpu_ms: float, wait_ms: float, path: str, memory: float, limit: float, **rest: object) -> bp.Component:
    routes = (bp.Route("POST", path),)
    return bp.Component(name=name, language=language, style=style, team=team, cpu_ms=cpu_ms, wait_ms=wait_ms, memory_mib=memory, memory_limit_mib=limit, **{"routes": routes, **rest})  # type: ignore[arg-type]


_COMPONENTS = (
    _service("ingest-lb", "nginx", "nginx", "platform", 0.3, 0.4, "/v2/events", 120, 512, namespace="ingress", tier_one=True),
    _service("collector", "go", "otel", "ingest", 1.5, 0.5, "/v2/events", 130, 256, tier_one=True),
    _service("schema-registry", "java", "micrometer", "ingest", 3, 1, "/subjects/{id}", 700, 1280),
    _service("tenant", "go", "prometheus", "ingest", 1.5, 0.5, "/tenants/{id}", 90, 256),
    _service("enricher", "java", "micrometer", "stream", 5, 2, "/enrich", 900, 1536, consumer=True, tier_one=True),
    _service("geo-lookup", "go", "grpc", "stream", 1.2, 0.4, "Locate", 300, 512, routes=(bp.Route("geo.v1.GeoService", "Locate"),)),
    _service("profile", "go", "grpc", "stream", 2, 0.6, "GetProfile", 120, 256, routes=(bp.Route("profile.v1.ProfileService", "GetProfile"),)),
    _service("deduplicator", "python", "otel", "stream", 3, 1, "/dedupe", 260, 512),
    _service("warehouse-loader", "python", "prometheus", "warehouse", 6, 3, "/load", 320, 640, consumer=True, tier_one=True),
    _service("alert-evaluator", "go", "otel", "stream", 3, 1, "/evaluate", 140, 256, consumer=True),
    _service("report-runner", "python", "otel", "reports", 40, 20, "/run", 420, 1024, period_s=1800.0, routes=(bp.Route("POST", "/jobs/report"),)),
    _service("query-api", "java", "micrometer", "warehouse", 9, 3, "/query", 880, 1536, tier_one=True, routes=(bp.Route("GET", "/query", 0.7), bp.Route("GET", "/export", 0.3, 1.6))),
    _service("query-planner", "java", "micrometer", "warehouse", 7, 2, "/plan", 760, 1280),
    bp.Component(name="tenants-db", kind=bp.Kind.DATABASE, language="postgres", style="", team="ingest", cpu_ms=1.1, wait_ms=1.4, replicas=1, memory_mib=3100, memory_limit_mib=4096),
    bp.Component(name="profiles-db", kind=bp.Kind.DATABASE, language="postgres", style="", team="stream", cpu_ms=1.2, wait_ms=1.6, replicas=1, memory_mib=5200, memory_limit_mib=8192),
    bp.Component(name="warehouse-db", kind=bp.Kind.DATABASE, language="postgres", style="", team="warehouse", cpu_ms=2.2, wait_ms=5.0, replicas=1, memory_mib=11000, memory_limit_mib=16384),
    bp.Component(name="profile-cache", kind=bp.Kind.CACHE, language="redis", style="", team="stream", cpu_ms=0.05, wait_ms=0.3, replicas=1, memory_mib=2600, memory_limit_mib=4096, hit_ratio=0.95),
    bp.Component(name="tenant-cache", kind=bp.Kind.CACHE, language="redis", style="", team="ingest", cpu_ms=0.05, wait_ms=0.3, replicas=1, memory_mib=500, memory_limit_mib=1024, hit_ratio=0.97),
    bp.Component(name="raw-events", kind=bp.Kind.QUEUE, language="kafka", style="", team="platform", cpu_ms=0.04, wait_ms=0.8, replicas=3, memory_mib=4200, memory_limit_mib=8192),
    bp.Component(name="clean-events", kind=bp.Kind.QUEUE, language="kafka", style="", team="platform", cpu_ms=0.04, wait_ms=0.8, replicas=3, memory_mib=4200, memory_limit_mib=8192),
    bp.Component(name="ip-intelligence", kind=bp.Kind.EXTERNAL, language="", style="", cpu_ms=0, wait_ms=45, host="api.ipinsight.io"),
    bp.Component(name="object-store", kind=bp.Kind.EXTERNAL, language="", style="", cpu_ms=0, wait_ms=35, host="s3.eu-central-1.amazonaws.com"),
)

_CALLS = (
    bp.Call(caller="ingest-lb", callee="collector", calls=1, timeout_ms=5000),
    bp.Call(caller="collector", callee="tenant", calls=1, timeout_ms=800, retries=1),
    bp.Call(caller="collector", callee="schema-registry", calls=0.3, timeout_ms=1000, retries=1),
    bp.Call(caller="collector", callee="raw-events", calls=1, timeout_ms=1500, protocol="kafka", operation="events.raw"),
    bp.Call(caller="tenant", callee="tenant-cache", calls=1, timeout_ms=200, protocol="redis", operation="GET", required=0.0),
    bp.Call(caller="tenant", callee="tenants-db", calls=1, timeout_ms=1500, behind="tenant-cache", protocol="sql", operation="SELECT * FROM tenants WHERE api_key = $1"),
    bp.Call(caller="schema-registry", callee="tenants-db", calls=0.4, timeout_ms=1500, protocol="sql", operation="SELECT schema FROM subjects WHERE id = $1"),
    bp.Call(caller="raw-events", callee="enricher", calls=1, timeout_ms=60000, protocol="kafka", operation="events.raw", waits=False),
    bp.Call(caller="enricher", callee="deduplicator", calls=1, timeout_ms=1500, retries=1),
    bp.Call(caller="enricher", callee="geo-lookup", calls=1, timeout_ms=800, protocol="grpc", required=0.6),
    bp.Call(caller="enricher", callee="profile", calls=1, timeout_ms=1200, protocol="grpc", retries=1),
    bp.Call(caller="enricher", callee="clean-events", calls=1, timeout_ms=1500, protocol="kafka", operation="events.clean"),
    bp.Call(caller="geo-lookup", callee="ip-intelligence", calls=0.08, timeout_ms=700, required=0.3),
    bp.Call(caller="profile", callee="profile-cache", calls=2, timeout_ms=200, protocol="redis", operation="HGETALL", required=0.0),
    bp.Call(caller="profile", callee="profiles-db", calls=2, timeout_ms=1500, behind="profile-cache", protocol="sql", operation="SELECT * FROM profiles WHERE device_id = $1"),
    bp.Call(caller="deduplicator", callee="profile-cache", calls=1, timeout_ms=200, protocol="redis", operation="SETNX"),
    bp.Call(caller="clean-events", callee="warehouse-loader", calls=1, timeout_ms=60000, protocol="kafka", operation="events.clean", waits=False),
    bp.Call(caller="clean-events", callee="alert-evaluator", calls=1, timeout_ms=60000, protocol="kafka", operation="events.clean", waits=False),
    bp.Call(caller="warehouse-loader", callee="warehouse-db", calls=0.5, timeout_ms=5000, protocol="sql", operation="INSERT INTO events SELECT * FROM json_populate_recordset(null::events, $1)"),
    bp.Call(caller="warehouse-loader", callee="object-store", calls=0.1, timeout_ms=4000, retries=1, protocol="http"),
    bp.Call(caller="alert-evaluator", callee="profiles-db", calls=0.2, timeout_ms=1500, protocol="sql", operation="SELECT rule FROM alert_rules WHERE tenant_id = $1"),
    bp.Call(caller="report-runner", callee="query-planner", calls=1, timeout_ms=20000),
    bp.Call(caller="report-runner", callee="object-store", calls=1, timeout_ms=5000, retries=1),
    bp.Call(caller="query-api", callee="query-planner", calls=1, timeout_ms=6000),
    bp.Call(caller="query-api", callee="tenant", calls=1, timeout_ms=800, retries=1),
    bp.Call(caller="query-api", callee="object-store", calls=0.6, timeout_ms=4000),
    bp.Call(caller="query-planner", callee="warehouse-db", calls=2, timeout_ms=5000, protocol="sql", operation="SELECT bucket, sum(value) FROM rollups WHERE tenant_id = $1 AND bucket BETWEEN $2 AND $3 GROUP BY bucket"),
)


def blueprint(seed: int, services: int | None) -> bp.Blueprint:
    """The pipeline; it has one shape, so both arguments leave it as it is."""
    del seed, services
    return bp.Blueprint(
        name=NAME, description=DESCRIPTION, namespace="pipeline", domain="tidemark.io", organisation="tidemark", components=_COMPONENTS,
        calls=_CALLS, demand={"ingest-lb": 220.0, "query-api": 24.0, "report-runner": 1.2}, nodes=7, peak_hour=14.0, utc_offset_h=-5.0,
        people=("ana", "bjorn", "carmen", "dev", "elif", "femi", "greta", "hiro"),
    )
