"""kafka_exporter: offsets, consumer lag and group members per partition."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import partitions
from rootward.dojo.world.exporters import sheet

META = {
    "kafka_brokers": tm.MetricMeta("gauge", "Number of Brokers in the Kafka Cluster."),
    "kafka_topic_partition_current_offset": tm.MetricMeta("gauge", "Current Offset of a Broker at Topic/Partition"),
    "kafka_consumergroup_current_offset": tm.MetricMeta(
        "gauge", "Current Offset of a ConsumerGroup at Topic/Partition"
    ),
    "kafka_consumergroup_lag": tm.MetricMeta("gauge", "Current Approximate Lag of a ConsumerGroup at Topic/Partition"),
    "kafka_consumergroup_members": tm.MetricMeta("gauge", "Amount of members in a consumer group"),
}
MEMBERS = "group_members_share"
"""The draft's level, by consumer, that says what share of its members its group knows."""


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "kafka")
    layout = frame.layout
    for i in partitions.topics(layout):
        topic = layout.components[i].name
        base = {"job": "kafka-exporter", "instance": "kafka-exporter:9308", "namespace": layout.namespace(i)}
        brokers = np.full(frame.steps, float(layout.replicas[i]))
        page.gauge({"__name__": "kafka_brokers", **base, "topic": topic}, brokers)
        offsets = partitions.produced(frame, i)
        for k in range(partitions.COUNT):
            where = {**base, "topic": topic, "partition": str(k)}
            page.gauge({"__name__": "kafka_topic_partition_current_offset", **where}, offsets[k])
        for e in layout.calls_from(i):
            _group(frame, page, e, {**base, "topic": topic}, offsets)
    return page.blocks()


def _group(frame: fr.Frame, page: sheet.Sheet, e: int, base: dict[str, str], offsets: fr.FloatArray) -> None:
    consumer = int(frame.layout.target[e])
    group = f"{frame.layout.components[consumer].name}-consumers"
    behind = partitions.lag(frame, e)
    for k in range(partitions.COUNT):
        where = {**base, "partition": str(k), "consumergroup": group}
        page.gauge({"__name__": "kafka_consumergroup_lag", **where}, behind[k])
        page.gauge({"__name__": "kafka_consumergroup_current_offset", **where}, offsets[k] - behind[k])
    known = np.rint(frame.draft.knobs.pods[:, consumer] * frame.draft.level(MEMBERS, consumer, 1.0))
    members = {key: label for key, label in base.items() if key != "topic"} | {"consumergroup": group}
    page.gauge({"__name__": "kafka_consumergroup_members", **members}, known)
