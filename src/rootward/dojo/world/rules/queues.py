"""Rules over queues: consumers that fall behind, brokers that block their publishers."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import brokers, partitions
from rootward.dojo.world import frame as fr
from rootward.dojo.world.rules import watching


def watches(frame: fr.Frame) -> list[watching.Watch]:
    lags = [_lag(frame, i) for i, component in enumerate(frame.layout.components) if component.consumer]
    return lags + [watch for i in brokers.brokers(frame.layout) for watch in (_alarm(frame, i), _apart(frame, i))]


def _lag(frame: fr.Frame, i: int) -> watching.Watch:
    layout, component = frame.layout, frame.layout.components[i]
    topics = set(partitions.topics(layout))
    calls = [e for e in layout.calls_to(i) if int(layout.source[e]) in topics]
    lag = np.sum([partitions.lag(frame, e).sum(axis=0) for e in calls], axis=0) if calls else frame.state.queue[:, i]
    limit = max(300.0, float(np.ceil(layout.rate[i] * 60 / 100) * 100))
    group = f"{component.name}-consumers"
    expr = f'sum(kafka_consumergroup_lag{{consumergroup="{group}"}}) > {limit:g}'
    if not calls:
        queue = f"{layout.components[layout.source[layout.calls_to(i)[0]]].name}.{component.name}"
        expr = f'sum(rabbitmq_queue_messages_ready{{queue="{queue}"}}) > {limit:g}'
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}ConsumerLag",
        expr,
        180.0,
        watching.labels(frame, i, "critical"),
        {
            "summary": f"Consumer group {group} is falling behind",
            "description": f"{group} has more than {limit:g} unprocessed messages (current: {{{{ $value }}}}).",
        },
        group="kafka" if calls else "rabbitmq",
    )
    return watching.Watch(rule, i, True, lag > limit, lag)


def _alarm(frame: fr.Frame, i: int) -> watching.Watch:
    name, alarm = frame.layout.components[i].name, brokers.blocked(frame.draft, i)
    rule = tm.AlertRule(
        f"{watching.camel(name)}MemoryAlarm",
        f'max(rabbitmq_alarms_memory_used_watermark{{service="{name}"}}) > 0',
        60.0,
        watching.labels(frame, i, "critical"),
        {
            "summary": f"{name} is above its memory watermark",
            "description": f"The broker {name} has raised its memory alarm and blocks publishers.",
        },
        group="rabbitmq",
    )
    return watching.Watch(rule, i, True, alarm > 0, alarm)


def _apart(frame: fr.Frame, i: int) -> watching.Watch:
    name, lost = frame.layout.components[i].name, brokers.unreachable(frame.draft, i, 0)
    rule = tm.AlertRule(
        f"{watching.camel(name)}UnreachablePeers",
        f'max(rabbitmq_unreachable_cluster_peers_count{{service="{name}"}}) > 0',
        300.0,
        watching.labels(frame, i, "critical"),
        {
            "summary": f"Nodes of {name} cannot reach one another",
            "description": f"A node of the broker {name} cannot reach {{{{ $value }}}} of its peers.",
        },
        group="rabbitmq",
    )
    return watching.Watch(rule, i, True, lost > 0, lost)
