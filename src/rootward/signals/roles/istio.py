"""Istio's standard metrics (istio.io/latest/docs/reference/config/metrics), and Linkerd's: what the mesh sees at either end."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_SERVICE = entities.EntityKind.SERVICE
_DESTINATION = rules.EntityRule(
    (
        rules.EntityLabel("destination_workload", _SERVICE),
        rules.EntityLabel("destination_canonical_service", _SERVICE),
        rules.EntityLabel("destination_service_name", _SERVICE),
        rules.EntityLabel("destination_service", _SERVICE, as_host=True),
    ),
    namespaces=("destination_workload_namespace", "destination_service_namespace"),
    pods=False,
)
_CALLEE = rules.EntityRule(
    (
        rules.EntityLabel("destination_service_name", _SERVICE, as_host=True),
        rules.EntityLabel("destination_service", _SERVICE, as_host=True),
        rules.EntityLabel("destination_workload", _SERVICE),
    ),
    namespaces=("destination_workload_namespace", "destination_service_namespace"),
    pods=False,
)
_SOURCE = rules.EntityRule(
    (
        rules.EntityLabel("source_workload", _SERVICE),
        rules.EntityLabel("source_canonical_service", _SERVICE),
        rules.EntityLabel("source_app", _SERVICE),
    ),
    namespaces=("source_workload_namespace",),
    pods=False,
)
_BOTH = (
    table.View(_DESTINATION, matchers=(table.matcher("reporter", "=", "destination"),), name="destination"),
    table.View(_CALLEE, observer=_SOURCE, matchers=(table.matcher("reporter", "=", "source"),), name="source"),
)
_STATUS = ("response_code",)
_LINKERD_OUT = rules.EntityRule(
    (rules.EntityLabel("dst_deployment", _SERVICE), rules.EntityLabel("dst_service", _SERVICE)), pods=False
)
_LINKERD = (
    table.View(rules.SERVICE, matchers=(table.matcher("direction", "=", "inbound"),), name="destination"),
    table.View(
        _LINKERD_OUT, observer=rules.SERVICE, matchers=(table.matcher("direction", "=", "outbound"),), name="source"
    ),
)

CONVENTION = table.Convention(
    "Istio",
    (
        table.pattern(r"istio_requests_total", measures.requests(duration=False, statuses=_STATUS)),
        table.pattern(r"istio_request_duration_(milliseconds|seconds)", measures.durations()),
        table.pattern(r"istio_tcp_connections_(opened|closed)_total"),
        table.pattern(r"istio_tcp_received_bytes_total", measures.counter(Role.NETWORK_RECEIVE, unit="By/s")),
        table.pattern(r"istio_tcp_sent_bytes_total", measures.counter(Role.NETWORK_TRANSMIT, unit="By/s")),
        table.pattern(r"istio_(request|response)_(bytes|messages_total)"),
        table.pattern(r"(istio_agent|pilot|galley|citadel|sidecar_injection)_.*"),
        table.pattern(
            r"response_total", measures.requests(duration=False, statuses=("classification",)), views=_LINKERD
        ),
        table.pattern(r"response_latency_ms", measures.durations(), views=_LINKERD),
    ),
    views=_BOTH,
)
