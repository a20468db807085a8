"""kafka_exporter: offsets and consumer lag per partition."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import sheet

META = {
    "kafka_brokers": tm.MetricMeta("gauge", "Number of Brokers in the Kafka Cluster."),
    "kafka_topic_partition_current_offset": tm.MetricMeta("gauge", "Current Offset of a Broker at Topic/Partition"),
    "kafka_consumergroup_current_offset": tm.MetricMeta(
        "gauge", "Current Offset of a ConsumerGroup at Topic/Partition"
    ),
    "kafka_consumergroup_lag": tm.MetricMeta("gauge", "Current Approximate Lag of a ConsumerGroup at Topic/Partition"),
}
PARTITIONS = 3


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "kafka")
    layout, state = frame.layout, frame.state
    for i in layout.of_kind(bp.Kind.QUEUE):
        topic = layout.components[i].name
        base = {"job": "kafka-exporter", "instance": "kafka-exporter:9308", "namespace": layout.namespace(i)}
        rng = frame.rng("kafka", i)
        share = rng.dirichlet(np.full(PARTITIONS, 60.0))
        produced = np.cumsum(state.arrivals[:, i] * frame.step_s)
        page.gauge(
            {"__name__": "kafka_brokers", **base, "topic": topic}, np.full(frame.steps, float(layout.replicas[i]))
        )
        for partition in range(PARTITIONS):
            where = {**base, "topic": topic, "partition": str(partition)}
            offset = np.floor(1e6 * (partition + 1) + produced * share[partition])
            page.gauge({"__name__": "kafka_topic_partition_current_offset", **where}, offset)
            for e in layout.calls_from(i):
                consumer = int(layout.target[e])
                group = {**where, "consumergroup": f"{layout.components[consumer].name}-consumers"}
                inflight = rng.poisson(np.maximum(state.arrivals[:, consumer] * 0.15 * share[partition], 0.05))
                lag = np.floor(state.queue[:, consumer] * share[partition]) + inflight
                page.gauge({"__name__": "kafka_consumergroup_lag", **group}, lag)
                page.gauge({"__name__": "kafka_consumergroup_current_offset", **group}, offset - lag)
    return page.blocks()
