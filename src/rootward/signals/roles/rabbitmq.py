"""RabbitMQ, from its own Prometheus plug-in (rabbitmq.com/docs/prometheus) and the older exporter; SQS-like depth by label."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_KINDS = entities.EntityKind
_QUEUE = rules.EntityRule(
    (rules.EntityLabel("queue", _KINDS.QUEUE), *rules.server_of(_KINDS.QUEUE, "rabbitmq_cluster").labels), pods=False
)
_SERVER = rules.server_of(_KINDS.QUEUE, "rabbitmq_cluster")

CONVENTION = table.Convention(
    "RabbitMQ",
    (
        table.pattern(
            r"rabbitmq(_detailed)?_queue_messages(_ready)?", measures.gauge(Role.QUEUE_DEPTH, unit="{message}")
        ),
        table.pattern(
            r"rabbitmq(_detailed)?_queue_messages_(unacked|unacknowledged)",
            measures.gauge(Role.IN_FLIGHT, unit="{message}"),
        ),
        table.pattern(
            r"rabbitmq(_detailed)?_(queue|channel)_messages_published_total",
            measures.counter(Role.QUEUE_PUBLISH_RATE, unit="{message}/s"),
        ),
        table.pattern(
            r"rabbitmq(_detailed)?_(queue|channel)_messages_(delivered|delivered_ack|acked|acknowledged)_total",
            measures.counter(Role.RATE, unit="{message}/s"),
        ),
        table.pattern(
            r"rabbitmq(_detailed)?_(queue|channel)_messages_redelivered_total",
            measures.counter(Role.RETRIES, unit="{message}/s"),
        ),
        table.pattern(r"rabbitmq(_detailed)?_queue_consumers", measures.gauge(Role.REPLICAS_READY, unit="{consumer}")),
        table.pattern(
            r"rabbitmq_connections",
            measures.gauge(Role.DB_CONNECTIONS, unit="{connection}"),
            views=(table.View(_SERVER),),
        ),
        table.pattern(
            r"rabbitmq_(process_resident_memory_bytes|node_mem_used)",
            measures.gauge(Role.MEMORY_USAGE, unit="By"),
            views=(table.View(_SERVER),),
        ),
        table.pattern(
            r"rabbitmq_process_open_fds",
            measures.gauge(Role.FILE_DESCRIPTORS, unit="{file}"),
            views=(table.View(_SERVER),),
        ),
        table.pattern(
            r"rabbitmq_alarms_(memory|free_disk_space)\w*",
            measures.gauge(Role.OTHER, across="max"),
            views=(table.View(_SERVER),),
        ),
        table.pattern(r"rabbitmq_(up|identity_info)|rabbitmq_.*"),
    ),
    views=(table.View(_QUEUE),),
)
