"""OpenTelemetry database client conventions: operations of a service on a data store, and its connection pool."""

from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_CLIENT = (table.View(rules.DATA_STORE, observer=rules.SERVICE, name="client"),)
_POOL = ("db_client_connection_pool_name", "db_client_connections_pool_name", "pool_name")  # a service may have several
_USED = table.matcher("state", "=", "used")
_USED_NOW = table.matcher("db_client_connection_state", "=", "used")

CONVENTION = table.Convention(
    "OpenTelemetry database clients",
    (
        table.pattern(
            r"db_client_operation(s)?_duration(_seconds|_milliseconds)?",
            measures.requests(statuses=("error_type",)),
            views=_CLIENT,
        ),
        table.pattern(
            r"db_client_connections_usage",
            measures.gauge(Role.POOL_IN_USE, unit="{connection}", detail=_POOL, matchers=(_USED, _USED_NOW)),
        ),
        table.pattern(
            r"db_client_connection_count",
            measures.gauge(Role.POOL_IN_USE, unit="{connection}", detail=_POOL, matchers=(_USED, _USED_NOW)),
        ),
        table.pattern(
            r"db_client_connections?_max", measures.gauge(Role.POOL_LIMIT, unit="{connection}", detail=_POOL)
        ),
        table.pattern(
            r"db_client_connections?_pending_requests",
            measures.gauge(Role.POOL_WAITERS, unit="{request}", detail=_POOL),
        ),
        table.pattern(r"db_client_connections?_timeouts(_total)?", measures.counter(Role.OTHER, unit="{timeout}/s")),
        table.pattern(
            r"db_client_connections?_wait_time(_seconds|_milliseconds)?", measures.durations(mean=Role.POOL_WAIT_TIME)
        ),
        table.pattern(r"db_client_connections?_(create|use)_time(_seconds|_milliseconds)?"),
        table.pattern(r"db_client_connections?_idle_(max|min)"),
        table.pattern(r"db_client_response_returned_rows"),
    ),
)
