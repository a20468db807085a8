"""Envoy's own statistics (envoyproxy.io, cluster manager statistics): a proxy's view of its upstream clusters."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_UPSTREAM = rules.EntityRule(
    (rules.EntityLabel("envoy_cluster_name", entities.EntityKind.SERVICE),), namespaces=(), pods=False
)
_VIEWS = (table.View(_UPSTREAM, observer=rules.SERVICE, name="upstream"),)

CONVENTION = table.Convention(
    "Envoy",
    (
        table.pattern(
            r"envoy_cluster_upstream_rq_xx(_total)?",
            measures.requests(duration=False, statuses=("envoy_response_code_class",)),
        ),
        table.pattern(r"envoy_cluster_upstream_rq_time", measures.durations(default_scale=1e-3)),
        table.pattern(r"envoy_cluster_upstream_rq_retry(_total)?", measures.counter(Role.RETRIES, unit="{request}/s")),
        table.pattern(r"envoy_cluster_upstream_rq_active", measures.gauge(Role.IN_FLIGHT, unit="{request}")),
        table.pattern(r"envoy_cluster_upstream_rq_pending_active", measures.gauge(Role.POOL_WAITERS, unit="{request}")),
        table.pattern(
            r"envoy_cluster_upstream_cx_connect_fail(_total)?", measures.counter(Role.OTHER, unit="{failure}/s")
        ),
        table.pattern(
            r"envoy_cluster_membership_healthy",
            measures.ratio(Role.AVAILABILITY, r"_healthy$", "_total", counted=False),
        ),
        table.pattern(
            r"envoy_cluster_ssl_connection_error(_total)?|envoy_cluster_ssl_fail_.*",
            measures.counter(Role.TLS_ERRORS, unit="{error}/s"),
        ),
        table.pattern(r"envoy_.*"),
    ),
    views=_VIEWS,
)
