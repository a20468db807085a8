"""OpenTelemetry HTTP semantic conventions, stable and older, as Prometheus stores them (opentelemetry.io/docs/specs/semconv/http)."""

from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_STATUS = ("http_response_status_code",)
_CLIENT = (table.View(rules.CALLEE, observer=rules.SERVICE, name="client"),)
_UNIT = r"(_seconds|_milliseconds|_ms)?"

CONVENTION = table.Convention(
    "OpenTelemetry HTTP",
    (
        table.pattern(
            rf"http_server_(request_)?duration{_UNIT}",
            measures.requests(statuses=_STATUS),
            kinds=("histogram", "summary", "mean"),
        ),
        table.pattern(r"http_server_active_requests", measures.gauge(Role.IN_FLIGHT, unit="{request}")),
        table.pattern(
            rf"http_client_(request_)?duration{_UNIT}",
            measures.requests(statuses=_STATUS),
            kinds=("histogram", "summary", "mean"),
            views=_CLIENT,
        ),
        table.pattern(r"http_client_active_requests", measures.gauge(Role.IN_FLIGHT, unit="{request}"), views=_CLIENT),
        table.pattern(r"http_client_open_connections", measures.gauge(Role.POOL_IN_USE, unit="{connection}")),
        table.pattern(
            r"http_client_(request_)?(resend|retry|retries)(_count)?(_total)?",
            measures.counter(Role.RETRIES, unit="{request}/s"),
        ),
        table.pattern(r"http_(server|client)_(request|response)(_body)?_size(_bytes)?"),
    ),
)
