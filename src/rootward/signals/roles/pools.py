"""Connection pools by library: HikariCP (Micrometer and its own exporter), pgx, Go's database/sql, SQLAlchemy, Node's pg."""

from rootward.signals.roles import measures, table
from rootward.signals.roles.role import Role

_UNIT = "{connection}"
_POOL = ("pool", "db", "db_name", "pool_name", "name")  # a service may have several

CONVENTION = table.Convention(
    "connection pools",
    (
        table.pattern(
            r"hikaricp_(connections_active|active_connections)",
            measures.gauge(Role.POOL_IN_USE, unit=_UNIT, detail=_POOL),
        ),
        table.pattern(
            r"hikaricp_(connections_max|max_connections)", measures.gauge(Role.POOL_LIMIT, unit=_UNIT, detail=_POOL)
        ),
        table.pattern(
            r"hikaricp_(connections_pending|pending_threads)",
            measures.gauge(Role.POOL_WAITERS, unit="{thread}", detail=_POOL),
        ),
        table.pattern(r"hikaricp_connections_acquire(_seconds|_nanos)?", measures.durations(mean=Role.POOL_WAIT_TIME)),
        table.pattern(r"hikaricp_connections_timeout_total", measures.counter(Role.OTHER, unit="{timeout}/s")),
        table.pattern(r"hikaricp_.*"),
        table.pattern(r"jdbc_connections_active", measures.gauge(Role.POOL_IN_USE, unit=_UNIT, detail=_POOL)),
        table.pattern(r"jdbc_connections_max", measures.gauge(Role.POOL_LIMIT, unit=_UNIT, detail=_POOL)),
        table.pattern(r"pgxpool_acquired_conns", measures.gauge(Role.POOL_IN_USE, unit=_UNIT, detail=_POOL)),
        table.pattern(r"pgxpool_max_conns", measures.gauge(Role.POOL_LIMIT, unit=_UNIT, detail=_POOL)),
        table.pattern(
            r"pgxpool_acquire_duration(_seconds)?(_total)?",
            measures.ratio(Role.POOL_WAIT_TIME, r"acquire_duration(_seconds)?(_total)?$", "acquire_count", unit="s"),
        ),
        table.pattern(
            r"pgxpool_empty_acquire(_count)?(_total)?",
            measures.counter(Role.POOL_WAITERS, unit="{acquire}/s", detail=_POOL),
        ),
        table.pattern(
            r"(pgxpool|go_sql_stats)_\w*(idle|closed|constructing|total_conns|lifetime|destroy|new|acquire_count|canceled)\w*"
        ),
        table.pattern(
            r"(go_sql(_stats)?|mysql_client|db_sql)_?(connections)?_in_use(_connections)?|go_sql_in_use_connections",
            measures.gauge(Role.POOL_IN_USE, unit=_UNIT, detail=_POOL),
        ),
        table.pattern(
            r"(go_sql(_stats)?|db_sql)_(connections_)?max_open(_connections)?",
            measures.gauge(Role.POOL_LIMIT, unit=_UNIT, detail=_POOL),
        ),
        table.pattern(
            r"(go_sql(_stats)?|db_sql)_(connections_)?wait_duration_seconds_total|go_sql_stats_connections_blocked_seconds",
            measures.counter(Role.OTHER, unit="s/s"),
        ),
        table.pattern(
            r"(go_sql(_stats)?|db_sql)_(connections_)?(wait_count_total|waited_for)",
            measures.counter(Role.POOL_WAITERS, unit="{wait}/s", detail=_POOL),
        ),
        table.pattern(
            r"sqlalchemy_pool_(checked_?out|checkedout)(_connections)?",
            measures.gauge(Role.POOL_IN_USE, unit=_UNIT, detail=_POOL),
        ),
        table.pattern(
            r"sqlalchemy_pool_(size|max)(_connections)?", measures.gauge(Role.POOL_LIMIT, unit=_UNIT, detail=_POOL)
        ),
        table.pattern(
            r"(db_|database_|\w+_)?(connection_)?pool_(connections_)?(in_use|active|used|busy|checked_out)(_connections)?",
            measures.gauge(Role.POOL_IN_USE, unit=_UNIT, detail=_POOL),
        ),
        table.pattern(
            r"(db_|database_|\w+_)?(connection_)?pool_(connections_)?(max|limit|size|max_size|capacity)(_connections)?",
            measures.gauge(Role.POOL_LIMIT, unit=_UNIT, detail=_POOL),
        ),
        table.pattern(
            r"(db_|database_|\w+_)?(connection_)?pool_(connections_)?(waiting|pending|waiters|wait_queue|queued)(_\w+)?",
            measures.gauge(Role.POOL_WAITERS, unit="{request}", detail=_POOL),
            kinds=("gauge", "unknown"),
        ),
    ),
)
