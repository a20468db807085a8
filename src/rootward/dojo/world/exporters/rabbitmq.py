"""RabbitMQ's own Prometheus plugin: queues, consumers, memory and its alarm, connections."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import brokers
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import sheet

META = {
    "rabbitmq_queue_messages_ready": tm.MetricMeta("gauge", "Messages ready to be delivered to consumers"),
    "rabbitmq_queue_messages_unacked": tm.MetricMeta(
        "gauge", "Messages delivered to consumers but not yet acknowledged"
    ),
    "rabbitmq_queue_messages_published_total": tm.MetricMeta("counter", "Total number of messages published to queues"),
    "rabbitmq_queue_consumers": tm.MetricMeta("gauge", "Consumers on a queue"),
    "rabbitmq_process_resident_memory_bytes": tm.MetricMeta("gauge", "Memory used in bytes", "bytes"),
    "rabbitmq_resident_memory_limit_bytes": tm.MetricMeta("gauge", "Memory high watermark in bytes", "bytes"),
    "rabbitmq_alarms_memory_used_watermark": tm.MetricMeta("gauge", "is 1 if VM memory watermark alarm is in effect"),
    "rabbitmq_alarms_free_disk_space_watermark": tm.MetricMeta(
        "gauge", "is 1 if free disk space watermark alarm is in effect"
    ),
    "rabbitmq_connections": tm.MetricMeta("gauge", "Connections currently open"),
    "rabbitmq_channels": tm.MetricMeta("gauge", "Channels currently open"),
    "rabbitmq_unreachable_cluster_peers_count": tm.MetricMeta(
        "gauge", "Number of peers in the cluster we cannot reach"
    ),
}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "rabbitmq")
    for i in brokers.brokers(frame.layout):
        if i not in frame.draft.hidden:
            _broker(frame, page, i)
    return page.blocks()


def _broker(frame: fr.Frame, page: sheet.Sheet, i: int) -> None:
    layout, name = frame.layout, frame.layout.components[i].name
    clients = float(layout.replicas[layout.source[layout.calls_to(i)]].sum())
    for node, pod in enumerate(frame.fleet.of(i)):
        described, rng = frame.fleet.pods[pod], frame.rng("rabbitmq", i, node)
        base = {
            "job": "rabbitmq",
            "instance": f"{described.address}:15692",
            "namespace": layout.namespace(i),
            "pod": described.name,
            "service": name,
        }
        rows: dict[str, fr.FloatArray] = {
            "rabbitmq_process_resident_memory_bytes": np.rint(brokers.memory(frame.draft, i, node)),
            "rabbitmq_resident_memory_limit_bytes": np.full(frame.steps, brokers.watermark(layout, i)),
            "rabbitmq_alarms_memory_used_watermark": brokers.blocked(frame.draft, i) * (node == 0),
            "rabbitmq_alarms_free_disk_space_watermark": np.zeros(frame.steps),
            "rabbitmq_connections": np.full(frame.steps, np.ceil(clients / layout.replicas[i]) + 2),
            "rabbitmq_channels": 14.0 + rng.poisson(3.0, frame.steps).astype(np.float64),
            "rabbitmq_unreachable_cluster_peers_count": brokers.unreachable(frame.draft, i, node),
        }
        page.gauges([{"__name__": key, **base} for key in rows], np.array(list(rows.values())), [pod] * len(rows))
        if node == 0:
            _queues(frame, page, i, base)


def _queues(frame: fr.Frame, page: sheet.Sheet, i: int, base: dict[str, str]) -> None:
    """The queues, as the node that leads them tells."""
    layout, state, rng = frame.layout, frame.state, frame.rng("rabbitmq queues", i)
    name, pod = layout.components[i].name, frame.fleet.of(i)[0]
    accepted = state.arrivals[:, i] * (1 - brokers.blocked(frame.draft, i)) * frame.step_s
    audit = brokers.audit_messages(frame.draft, i)
    queues: list[tuple[str, fr.FloatArray, fr.FloatArray]] = [
        (f"{name}.audit", audit, frame.draft.level(brokers.AUDIT_CONSUMERS, i, 1.0))
    ]
    for e in layout.calls_from(i):
        consumer = int(layout.target[e])
        waiting = np.floor(state.queue[:, consumer]) + rng.poisson(0.4, frame.steps).astype(np.float64)
        queues.append((f"{name}.{layout.components[consumer].name}", waiting, frame.draft.knobs.pods[:, consumer]))
    for queue, ready, consumers in queues:
        where = {**base, "vhost": "/", "queue": queue}
        page.gauge({"__name__": "rabbitmq_queue_messages_ready", **where}, ready, pod)
        page.gauge(
            {"__name__": "rabbitmq_queue_messages_unacked", **where},
            rng.poisson(2.0, frame.steps).astype(np.float64),
            pod,
        )
        page.gauge({"__name__": "rabbitmq_queue_consumers", **where}, np.rint(consumers), pod)
        page.counter({"__name__": "rabbitmq_queue_messages_published_total", **where}, accepted, pod)
