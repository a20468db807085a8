"""Redis and Memcached, as redis_exporter and memcached_exporter show them."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_SERVER = (table.View(rules.server_of(entities.EntityKind.CACHE, "addr")),)
_GET = table.matcher("command", "=", "get")

CONVENTION = table.Convention(
    "redis_exporter",
    (
        table.pattern(
            r"redis_keyspace_hits(_total)?",
            measures.ratio(Role.CACHE_HIT_RATIO, "hits", "misses", combine=table.Combine.SHARE),
        ),
        table.pattern(r"redis_evicted_keys(_total)?", measures.counter(Role.CACHE_EVICTIONS, unit="{key}/s")),
        table.pattern(
            r"redis_memory_used_bytes",
            measures.gauge(Role.MEMORY_USAGE, unit="By"),
            measures.ratio(Role.MEMORY_LIMIT_RATIO, "used", "max", counted=False),
        ),
        table.pattern(r"redis_connected_clients", measures.gauge(Role.DB_CONNECTIONS, unit="{connection}")),
        table.pattern(r"redis_blocked_clients", measures.gauge(Role.POOL_WAITERS, unit="{client}")),
        table.pattern(r"redis_commands_processed(_total)?", measures.counter(Role.RATE, unit="{request}/s")),
        table.pattern(
            r"redis_commands_duration_seconds_total",
            measures.ratio(Role.DURATION_MEAN, "_duration_seconds_total", "_total", unit="s"),
        ),
        table.pattern(r"redis_rejected_connections(_total)?", measures.counter(Role.ERROR_RATE, unit="{connection}/s")),
        table.pattern(r"redis_db_keys", measures.gauge(Role.OTHER, unit="{key}")),
        table.pattern(r"redis_up|memcached_up", measures.gauge(Role.AVAILABILITY, across="min", unit="1")),
        table.pattern(
            r"memcached_commands_total",
            measures.labelled_ratio(Role.CACHE_HIT_RATIO, (_GET, table.matcher("status", "=", "hit")), (_GET,)),
            measures.counter(Role.RATE, unit="{request}/s"),
        ),
        table.pattern(r"memcached_items_evicted_total", measures.counter(Role.CACHE_EVICTIONS, unit="{key}/s")),
        table.pattern(
            r"memcached_current_bytes",
            measures.gauge(Role.MEMORY_USAGE, unit="By"),
            measures.ratio(Role.MEMORY_LIMIT_RATIO, "current", "limit", counted=False),
        ),
        table.pattern(r"memcached_current_connections", measures.gauge(Role.DB_CONNECTIONS, unit="{connection}")),
        table.pattern(r"redis_.*|memcached_.*"),
    ),
    views=_SERVER,
)
