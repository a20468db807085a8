"""How components name and label their request metrics: OpenTelemetry, Prometheus clients, gRPC, Micrometer, ingress-nginx."""

import dataclasses
from collections.abc import Callable

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr

CLIENT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OTEL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
MICROMETER_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OUTCOMES = {"2": "SUCCESS", "4": "CLIENT_ERROR", "5": "SERVER_ERROR"}
GRPC_CODES = {
    "200": "OK",
    "404": "NotFound",
    "500": "Internal",
    "503": "ResourceExhausted",
    "504": "DeadlineExceeded",
    "502": "Unavailable",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Style:
    """`histogram` is the latency family's name; `coded` says that it carries the status. `counter` is a separate family that
    counts requests by status, "" when the histogram's count does. `by` is the label that names the service."""

    name: str
    histogram: str
    coded: bool
    counter: str
    buckets: tuple[float, ...]
    by: str
    failing: str  # matcher on the status label that selects server errors
    status: Callable[[bp.Route, str], dict[str, str]]
    route: Callable[[bp.Route], dict[str, str]]
    naming: Callable[[str], dict[str, str]]


def target(frame: fr.Frame, component: int, pod: int, port: int) -> dict[str, str]:
    """The labels that a scraper adds."""
    described = frame.fleet.pods[pod]
    return {
        "job": f"{frame.layout.namespace(component)}/{frame.layout.components[component].name}",
        "instance": f"{described.address}:{port}",
        "namespace": frame.layout.namespace(component),
        "pod": described.name,
    }


STYLES = {
    "otel": Style(
        "otel",
        "http_server_request_duration_seconds",
        True,
        "",
        OTEL_BUCKETS,
        "service_name",
        'http_response_status_code=~"5.."',
        lambda _route, code: {"http_response_status_code": code},
        lambda route: {"http_request_method": route.method, "http_route": route.path, "url_scheme": "http"},
        lambda name: {"service_name": name},
    ),
    "prometheus": Style(
        "prometheus",
        "http_request_duration_seconds",
        False,
        "http_requests_total",
        CLIENT_BUCKETS,
        "service",
        'code=~"5.."',
        lambda _route, code: {"code": code},
        lambda route: {"method": route.method.lower(), "handler": route.path},
        lambda name: {"service": name},
    ),
    "grpc": Style(
        "grpc",
        "grpc_server_handling_seconds",
        False,
        "grpc_server_handled_total",
        CLIENT_BUCKETS,
        "app",
        'grpc_code=~"Internal|Unavailable|DeadlineExceeded|ResourceExhausted"',
        lambda _route, code: {"grpc_code": GRPC_CODES[code]},
        lambda route: {"grpc_service": route.method, "grpc_method": route.path, "grpc_type": "unary"},
        lambda name: {"app": name},
    ),
    "micrometer": Style(
        "micrometer",
        "http_server_requests_seconds",
        True,
        "",
        MICROMETER_BUCKETS,
        "application",
        'status=~"5.."',
        lambda _route, code: {
            "status": code,
            "outcome": OUTCOMES[code[0]],
            "exception": "none" if code[0] != "5" else "RuntimeException",
        },
        lambda route: {"method": route.method, "uri": route.path},
        lambda name: {"application": name},
    ),
    "nginx": Style(
        "nginx",
        "nginx_ingress_controller_request_duration_seconds",
        True,
        "nginx_ingress_controller_requests",
        CLIENT_BUCKETS,
        "ingress",
        'status=~"5.."',
        lambda _route, code: {"status": code},
        lambda route: {"method": route.method, "path": route.path},
        lambda name: {"ingress": name, "controller_class": "k8s.io/ingress-nginx"},
    ),
}


def number(bound: float) -> str:
    """A bucket's bound as exposition formats write it."""
    return f"{bound:g}" if bound != int(bound) else f"{bound:.1f}"


def labels(style: Style, base: tm.Labels, route: bp.Route, code: str) -> dict[str, str]:
    """Labels of one row; no code for families without it."""
    return {**base, **style.route(route), **(style.status(route, code) if code else {})}


def latency_expr(style: Style, name: str, quantile: float, threshold_s: float) -> str:
    selector = f'{style.histogram}_bucket{{{style.by}="{name}"}}'
    return f"histogram_quantile({quantile:g}, sum by (le) (rate({selector}[5m]))) > {threshold_s:g}"


def rate_expr(style: Style, name: str, *, offset: str = "") -> str:
    """Requests per second, as of `offset` ago."""
    family = style.counter or f"{style.histogram}_count"
    return f'sum(rate({family}{{{style.by}="{name}"}}[5m]{f" offset {offset}" if offset else ""}))'


def error_expr(style: Style, name: str, threshold: float) -> str:
    family = style.counter or f"{style.histogram}_count"
    bad = f'sum(rate({family}{{{style.by}="{name}",{style.failing}}}[5m]))'
    return f'{bad} / sum(rate({family}{{{style.by}="{name}"}}[5m])) > {threshold:g}'
