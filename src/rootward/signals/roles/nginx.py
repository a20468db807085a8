"""nginx, ingress-nginx, HAProxy and Traefik: gateways seen from the services behind them."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_SERVICE = entities.EntityKind.SERVICE


def _labels(*names: str) -> rules.EntityRule:
    return rules.EntityRule(
        tuple(rules.EntityLabel(name, _SERVICE) for name in names), namespaces=("exported_namespace",), pods=False
    )


# The controller measures the services behind it, so it is the observer.
_BEHIND = (
    table.View(
        _labels("exported_service", "service", "proxy"),
        observer=_labels("controller_class", "ingress", "job"),
        name="ingress",
    ),
)
_INGRESS = (table.View(_labels("ingress", "exported_ingress", "host")),)  # when it does not say whom it serves
_OWN = (table.View(rules.server_of(_SERVICE)),)
_TRAEFIK = (
    table.View(
        rules.EntityRule(
            (
                rules.EntityLabel("exported_service", _SERVICE, strip=("@kubernetes", "@docker", "@kubernetescrd")),
                rules.EntityLabel("service", _SERVICE, strip=("@kubernetes", "@docker", "@kubernetescrd")),
            ),
            pods=False,
        ),
        observer=_labels("job", "app"),
        name="traefik",
    ),
)

CONVENTION = table.Convention(
    "nginx",
    (
        table.pattern(
            r"nginx_ingress_controller_requests", measures.requests(duration=False, statuses=("status",)), views=_BEHIND
        ),
        table.pattern(
            r"nginx_ingress_controller_(request|response)_duration_seconds", measures.durations(), views=_BEHIND
        ),
        table.pattern(
            r"nginx_ingress_controller_requests",
            measures.requests(duration=False, statuses=("status",)),
            views=_INGRESS,
        ),
        table.pattern(
            r"nginx_ingress_controller_(request|response)_duration_seconds", measures.durations(), views=_INGRESS
        ),
        table.pattern(
            r"nginx_ingress_controller_ssl_expire_time_seconds",
            measures.gauge(Role.TLS_EXPIRY, combine=table.Combine.UNTIL, across="min", unit="s"),
            views=(table.View(_labels("host", "secret_name")),),
        ),
        table.pattern(
            r"nginx_(ingress_controller_)?(http|nginx_process)_requests_total",
            measures.requests(duration=False, statuses=("status",)),
        ),
        table.pattern(
            r"nginx_connections_active|nginx_ingress_controller_nginx_process_connections",
            measures.gauge(Role.IN_FLIGHT, unit="{connection}"),
        ),
        table.pattern(r"nginx_up", measures.gauge(Role.AVAILABILITY, across="min", unit="1")),
        table.pattern(r"nginx_.*"),
        table.pattern(
            r"haproxy_backend_http_responses_total",
            measures.requests(duration=False, statuses=("code",)),
            views=(table.View(_labels("proxy", "backend"), observer=_labels("job", "app"), name="haproxy"),),
        ),
        table.pattern(
            r"haproxy_backend_current_queue",
            measures.gauge(Role.QUEUE_DEPTH, unit="{request}"),
            views=(table.View(_labels("proxy", "backend")),),
        ),
        table.pattern(
            r"haproxy_backend_response_time_average_seconds",
            measures.gauge(Role.DURATION_MEAN, across="max", unit="s"),
            views=(table.View(_labels("proxy", "backend")),),
        ),
        table.pattern(r"haproxy_.*"),
        table.pattern(
            r"traefik_service_requests_total", measures.requests(duration=False, statuses=("code",)), views=_TRAEFIK
        ),
        table.pattern(r"traefik_service_request_duration_seconds", measures.durations(), views=_TRAEFIK),
        table.pattern(r"traefik_.*"),
    ),
    views=_OWN,
)
