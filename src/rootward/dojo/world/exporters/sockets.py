"""cAdvisor's view of the sockets in a pod's network namespace."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import containers, sheet

META = {"container_network_tcp_usage_total": tm.MetricMeta("gauge", "tcp connection usage statistic for container")}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "cadvisor-sockets")
    rng = frame.rng("sockets")
    for p, pod in enumerate(frame.fleet.pods):
        i = pod.component
        if frame.layout.components[i].kind is not bp.Kind.SERVICE:
            continue
        calls = frame.layout.calls_from(i)
        out = frame.state.calls[:, calls].sum(axis=1) * frame.fleet.share[p] if calls else np.zeros(frame.steps)
        wobble = np.exp(0.05 * rng.standard_normal(frame.steps))
        held = frame.state.served[:, i] * frame.state.latency[:, i] * frame.fleet.share[p]
        waiting = frame.draft.level("timewait", i, (4.0 + 0.6 * out) * wobble)
        labels = {key: value for key, value in containers.pod_labels(frame, p).items() if key != "image"}
        rows = {"established": np.rint(12 + held * 1.5), "timewait": np.rint(waiting)}
        page.gauges(
            [{"__name__": "container_network_tcp_usage_total", **labels, "tcp_state": state} for state in rows],
            np.array(list(rows.values())),
            [p, p],
        )
    return page.blocks()
