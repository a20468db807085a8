"""PostgreSQL, as postgres_exporter shows it (github.com/prometheus-community/postgres_exporter)."""

from rootward.signals import entities
from rootward.signals.roles import rules, table
from rootward.signals.roles.role import Role

_SERVER = (table.View(rules.server_of(entities.EntityKind.DATABASE)),)
_LOCKED = (table.matcher("wait_event_type", "=", "Lock"),)

CONVENTION = table.Convention(
    "postgres_exporter",
    (
        table.pattern(
            r"pg_stat_activity_count",
            table.gauge(Role.DB_CONNECTIONS, unit="{connection}", detail=("state",)),
            table.part_of_gauge(Role.DB_LOCK_WAITS, _LOCKED, unit="{session}"),
        ),
        table.pattern(
            r"pg_stat_database_numbackends",
            table.unless("pg_stat_activity_count", table.gauge(Role.DB_CONNECTIONS, unit="{connection}")),
        ),
        table.pattern(
            r"pg_stat_activity_(waiting|lock_wait)\w*|pg_locks_waiting\w*",
            table.gauge(Role.DB_LOCK_WAITS, unit="{session}"),
        ),
        table.pattern(r"pg_stat_activity_max_tx_duration", table.gauge(Role.OTHER, across="max", unit="s")),
        table.pattern(r"pg_locks_count", table.gauge(Role.OTHER, unit="{lock}", detail=("mode",))),
        table.pattern(
            r"pg_stat_statements_(seconds_total|total_time_seconds|total_seconds)",
            table.ratio(
                Role.DB_STATEMENT_TIME,
                r"(seconds_total|total_time_seconds|total_seconds)$",
                "calls_total",
                unit="s",
                detail=("queryid", "query"),
            ),
        ),
        table.pattern(
            r"pg_stat_statements_mean_(exec_)?time_(seconds|milliseconds|ms)",
            table.gauge(Role.DB_STATEMENT_TIME, across="max", unit="s", detail=("queryid", "query")),
        ),
        table.pattern(
            r"pg_stat_statements_calls(_total)?",
            table.counter(Role.DB_QUERY_RATE, unit="{query}/s", detail=("queryid", "query")),
        ),
        table.pattern(r"pg_stat_database_xact_commit(_total)?", table.counter(Role.RATE, unit="{transaction}/s")),
        table.pattern(
            r"pg_stat_database_xact_rollback(_total)?",
            table.ratio(Role.ERROR_RATIO, "rollback", "commit", combine=table.Combine.SHARE),
        ),
        table.pattern(
            r"pg_stat_database_blks_hit(_total)?",
            table.ratio(Role.OTHER, "blks_hit", "blks_read", combine=table.Combine.SHARE),
        ),
        table.pattern(r"pg_stat_database_deadlocks(_total)?", table.counter(Role.DB_LOCK_WAITS, unit="{deadlock}/s")),
        table.pattern(r"pg_stat_database_tup_fetched(_total)?", table.counter(Role.OTHER, unit="{row}/s")),
        table.pattern(r"pg_stat_user_tables_seq_scan(_total)?", table.counter(Role.OTHER, unit="{scan}/s")),
        table.pattern(r"pg_settings_max_connections", table.gauge(Role.POOL_LIMIT, unit="{connection}")),
        table.pattern(r"pg_replication_lag(_seconds)?", table.gauge(Role.OTHER, across="max", unit="s")),
        table.pattern(r"pg_up", table.gauge(Role.AVAILABILITY, across="min", unit="1")),
        table.pattern(r"pg_.*"),
    ),
    views=_SERVER,
)
