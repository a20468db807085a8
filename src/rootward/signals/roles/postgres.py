"""PostgreSQL, as postgres_exporter shows it (github.com/prometheus-community/postgres_exporter)."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_SERVER = (table.View(rules.server_of(entities.EntityKind.DATABASE)),)
_LOCKED = (table.matcher("wait_event_type", "=", "Lock"),)

CONVENTION = table.Convention(
    "postgres_exporter",
    (
        table.pattern(
            r"pg_stat_activity_count",
            measures.gauge(Role.DB_CONNECTIONS, unit="{connection}", detail=("state",)),
            measures.part_of_gauge(Role.DB_LOCK_WAITS, _LOCKED, unit="{session}"),
        ),
        table.pattern(
            r"pg_stat_database_numbackends",
            measures.unless("pg_stat_activity_count", measures.gauge(Role.DB_CONNECTIONS, unit="{connection}")),
        ),
        table.pattern(
            r"pg_stat_activity_(waiting|lock_wait)\w*|pg_locks_waiting\w*",
            measures.gauge(Role.DB_LOCK_WAITS, unit="{session}"),
        ),
        table.pattern(r"pg_stat_activity_max_tx_duration", measures.gauge(Role.OTHER, across="max", unit="s")),
        table.pattern(r"pg_locks_count", measures.gauge(Role.OTHER, unit="{lock}", detail=("mode",))),
        table.pattern(
            r"pg_stat_statements_(seconds_total|total_time_seconds|total_seconds)",
            measures.ratio(
                Role.DB_STATEMENT_TIME,
                r"(seconds_total|total_time_seconds|total_seconds)$",
                "calls_total",
                unit="s",
                detail=("queryid", "query"),
            ),
        ),
        table.pattern(
            r"pg_stat_statements_mean_(exec_)?time_(seconds|milliseconds|ms)",
            measures.gauge(Role.DB_STATEMENT_TIME, across="max", unit="s", detail=("queryid", "query")),
        ),
        table.pattern(
            r"pg_stat_statements_calls(_total)?",
            measures.counter(Role.DB_QUERY_RATE, unit="{query}/s", detail=("queryid", "query")),
        ),
        table.pattern(r"pg_stat_database_xact_commit(_total)?", measures.counter(Role.RATE, unit="{transaction}/s")),
        table.pattern(
            r"pg_stat_database_xact_rollback(_total)?",
            measures.ratio(Role.ERROR_RATIO, "rollback", "commit", combine=table.Combine.SHARE),
        ),
        table.pattern(
            r"pg_stat_database_blks_hit(_total)?",
            measures.ratio(Role.OTHER, "blks_hit", "blks_read", combine=table.Combine.SHARE),
        ),
        table.pattern(
            r"pg_stat_database_deadlocks(_total)?", measures.counter(Role.DB_LOCK_WAITS, unit="{deadlock}/s")
        ),
        table.pattern(r"pg_stat_database_tup_fetched(_total)?", measures.counter(Role.OTHER, unit="{row}/s")),
        table.pattern(r"pg_stat_user_tables_seq_scan(_total)?", measures.counter(Role.OTHER, unit="{scan}/s")),
        table.pattern(r"pg_settings_max_connections", measures.gauge(Role.POOL_LIMIT, unit="{connection}")),
        table.pattern(r"pg_replication_lag(_seconds)?", measures.gauge(Role.OTHER, across="max", unit="s")),
        table.pattern(r"pg_up", measures.gauge(Role.AVAILABILITY, across="min", unit="1")),
        table.pattern(r"pg_.*"),
    ),
    views=_SERVER,
)
