"""Kafka: consumer lag and broker health from kafka_exporter, Burrow-like exporters, JMX and the Java client."""

from rootward.signals import entities
from rootward.signals.roles import measures, rules, table
from rootward.signals.roles.role import Role

_KINDS = entities.EntityKind
_GROUP = rules.EntityRule(
    tuple(
        rules.EntityLabel(label, _KINDS.SERVICE, strip=("-consumers", "-consumer", "-consumer-group", "-group"))
        for label in ("consumergroup", "consumer_group", "group", "client_id")
    ),
    pods=False,
)
_TOPIC = rules.EntityRule((rules.EntityLabel("topic", _KINDS.QUEUE),), namespaces=(), pods=False)
_BROKER = rules.server_of(_KINDS.QUEUE)
# A topic's lag is what its consumers leave: the topic is the entity, the group the one who falls behind.
_LAG = (table.View(_TOPIC, observer=_GROUP, name="group"), table.View(_GROUP, name="consumer"))

CONVENTION = table.Convention(
    "Kafka",
    (
        table.pattern(
            r"kafka_consumer_?group_(group_)?lag(_sum)?",
            measures.gauge(Role.CONSUMER_LAG, unit="{message}"),
            views=_LAG,
        ),
        table.pattern(
            r"kafka_consumer_(fetch_manager_)?records_lag(_max)?",
            measures.gauge(Role.CONSUMER_LAG, unit="{message}"),
            views=(table.View(rules.SERVICE),),
        ),
        table.pattern(
            r"kafka_consumergroup_lag_seconds|kafka_consumer_lag_seconds",
            measures.gauge(Role.OTHER, across="max", unit="s"),
            views=(table.View(_GROUP),),
        ),
        table.pattern(
            r"kafka_topic_partition_current_offset",
            measures.gauge_rate(Role.QUEUE_PUBLISH_RATE, unit="{message}/s"),
            views=(table.View(_TOPIC),),
        ),
        table.pattern(
            r"kafka_consumergroup_current_offset",
            measures.gauge_rate(Role.RATE, unit="{message}/s"),
            views=(table.View(_GROUP),),
        ),
        table.pattern(
            r"kafka_consumergroup_members",
            measures.gauge(Role.REPLICAS_READY, unit="{member}"),
            views=(table.View(_GROUP),),
        ),
        table.pattern(
            r"kafka_server_brokertopicmetrics_messagesin(persec)?(_total|_count)?",
            measures.counter(Role.QUEUE_PUBLISH_RATE, unit="{message}/s"),
            views=(table.View(_TOPIC), table.View(_BROKER)),
        ),
        table.pattern(
            r"kafka_(topic_partition_under_replicated_partition|server_replicamanager_underreplicatedpartitions)",
            measures.gauge(Role.OTHER, unit="{partition}"),
            views=(table.View(_TOPIC), table.View(_BROKER)),
        ),
        table.pattern(r"kafka_brokers", measures.gauge(Role.REPLICAS_READY, unit="{broker}")),
        table.pattern(
            r"kafka_(topic|consumergroup|exporter|controller|network|log|server|coordinator|cluster|broker)_?.*"
        ),
    ),
    views=(table.View(_BROKER),),
)
