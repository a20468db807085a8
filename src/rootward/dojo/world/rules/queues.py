"""Rules over queues: consumer groups that fall behind."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.rules import watching


def watches(frame: fr.Frame) -> list[watching.Watch]:
    return [_lag(frame, i) for i, component in enumerate(frame.layout.components) if component.consumer]


def _lag(frame: fr.Frame, i: int) -> watching.Watch:
    component = frame.layout.components[i]
    lag = frame.state.queue[:, i]
    limit = max(300.0, float(np.ceil(frame.layout.rate[i] * 60 / 100) * 100))
    group = f"{component.name}-consumers"
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}ConsumerLag",
        f'sum(kafka_consumergroup_lag{{consumergroup="{group}"}}) > {limit:g}',
        180.0,
        watching.labels(frame, i, "critical"),
        {
            "summary": f"Consumer group {group} is falling behind",
            "description": f"{group} has more than {limit:g} unprocessed messages (current: {{{{ $value }}}}).",
        },
        group="kafka",
    )
    return watching.Watch(rule, i, True, lag > limit, lag)
