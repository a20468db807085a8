"""MySQL and MariaDB, as mysqld_exporter shows them (github.com/prometheus/mysqld_exporter), and MongoDB's connections and operations."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_SERVER = (table.View(rules.server_of(entities.EntityKind.DATABASE)),)

CONVENTION = table.Convention(
    "mysqld_exporter",
    (
        table.pattern(
            r"mysql_global_status_threads_connected", measures.gauge(Role.DB_CONNECTIONS, unit="{connection}")
        ),
        table.pattern(r"mysql_global_status_threads_running", measures.gauge(Role.IN_FLIGHT, unit="{thread}")),
        table.pattern(r"mysql_global_variables_max_connections", measures.gauge(Role.POOL_LIMIT, unit="{connection}")),
        table.pattern(
            r"mysql_global_status_(queries|questions)", measures.counter(Role.DB_QUERY_RATE, unit="{query}/s")
        ),
        table.pattern(r"mysql_global_status_slow_queries", measures.counter(Role.OTHER, unit="{query}/s")),
        table.pattern(
            r"mysql_global_status_innodb_row_lock_current_waits", measures.gauge(Role.DB_LOCK_WAITS, unit="{session}")
        ),
        table.pattern(
            r"mysql_global_status_innodb_row_lock_waits", measures.counter(Role.DB_LOCK_WAITS, unit="{wait}/s")
        ),
        table.pattern(
            r"mysql_perf_schema_events_statements_seconds_total",
            measures.ratio(
                Role.DB_STATEMENT_TIME, "_seconds_total", "_total", unit="s", detail=("digest", "digest_text")
            ),
        ),
        table.pattern(
            r"mysql_global_status_aborted_connects", measures.counter(Role.ERROR_RATE, unit="{connection}/s")
        ),
        table.pattern(
            r"mysql_global_status_connection_errors_total", measures.counter(Role.ERROR_RATE, unit="{connection}/s")
        ),
        table.pattern(r"mysql_slave_status_seconds_behind_master", measures.gauge(Role.OTHER, across="max", unit="s")),
        table.pattern(r"mysql_up|mongodb_up", measures.gauge(Role.AVAILABILITY, across="min", unit="1")),
        table.pattern(
            r"mongodb_(ss_)?connections",
            measures.gauge(
                Role.DB_CONNECTIONS, unit="{connection}", matchers=(table.matcher("state", "=", "current"),)
            ),
        ),
        table.pattern(
            r"mongodb_(ss_)?opcounters|mongodb_op_counters_total",
            measures.counter(Role.DB_QUERY_RATE, unit="{query}/s"),
        ),
        table.pattern(r"mysql_.*|mongodb_.*"),
    ),
    views=_SERVER,
)
