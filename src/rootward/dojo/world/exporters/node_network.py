"""node_exporter's rarer collectors: connection tracking, network errors, clocks and sockets of the machines."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import nodes, sheet

META = {
    "node_nf_conntrack_entries": tm.MetricMeta(
        "gauge", "Number of currently allocated flow entries for connection tracking."
    ),
    "node_nf_conntrack_entries_limit": tm.MetricMeta("gauge", "Maximum size of connection tracking table."),
    "node_network_receive_errs_total": tm.MetricMeta("counter", "Network device statistic receive_errs."),
    "node_network_receive_drop_total": tm.MetricMeta("counter", "Network device statistic receive_drop."),
    "node_timex_offset_seconds": tm.MetricMeta("gauge", "Time offset in between local system and reference clock."),
    "node_timex_sync_status": tm.MetricMeta("gauge", "Is clock synchronized to a reliable server (1 = yes, 0 = no)."),
    "node_sockstat_TCP_tw": tm.MetricMeta("gauge", "Number of TCP sockets in state tw."),
    "node_disk_io_errors_total": tm.MetricMeta("counter", "Number of I/O errors of the device."),
}
TRACKED = 131072.0
OUT_OF_SYNC_S = 0.5


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "node-network")
    rng = frame.rng("node network")
    where = np.array([pod.node for pod in frame.fleet.pods])
    arrivals = frame.state.served[:, frame.fleet.owner].T * frame.fleet.share
    for n, name in enumerate(frame.fleet.nodes):
        page.heard(nodes.heard(frame, n))
        _node(frame, page, n, name, arrivals[where == n].sum(axis=0), rng)
    return page.blocks()


def _node(frame: fr.Frame, page: sheet.Sheet, n: int, name: str, rate: fr.FloatArray, rng: np.random.Generator) -> None:
    draft, steps = frame.draft, frame.steps
    base = {"job": "node-exporter", "instance": name, "node": name}
    wobble = np.exp(0.05 * rng.standard_normal(steps))
    flows = draft.level("node_nf_conntrack_entries", n, (2400.0 + 70.0 * rate) * wobble)
    offset_s = frame.ahead_s(n) + 2e-4 * rng.standard_normal(steps)
    gauges = {
        "node_nf_conntrack_entries": np.rint(np.minimum(flows, TRACKED)),
        "node_nf_conntrack_entries_limit": np.full(steps, TRACKED),
        "node_timex_offset_seconds": offset_s,
        "node_timex_sync_status": (np.abs(offset_s) < OUT_OF_SYNC_S) * 1.0,
        "node_sockstat_TCP_tw": np.rint((120.0 + 9.0 * rate) * wobble),
    }
    page.gauges(
        [{"__name__": family, **base} for family in gauges], np.array(list(gauges.values())), [-1] * len(gauges)
    )
    card = {**base, "device": "eth0"}
    for family, usual in (("node_network_receive_errs_total", 0.0), ("node_network_receive_drop_total", 0.05)):
        more = draft.level(family, n, 0.0)
        page.counter({"__name__": family, **card}, rng.poisson(usual + more) * 1.0)
    broken = sum(
        (
            draft.level("disk_errors", pod.component, 0.0)
            for pod in frame.fleet.pods
            if pod.node == n and not pod.template
        ),
        start=np.zeros(steps),
    )
    page.counter({"__name__": "node_disk_io_errors_total", **base, "device": "nvme0n1"}, rng.poisson(broken) * 1.0)
