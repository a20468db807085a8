"""node_exporter: processors, memory, disks and network of the machines."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world import traffic
from rootward.dojo.world.exporters import sheet

META = {
    "node_cpu_seconds_total": tm.MetricMeta("counter", "Seconds the CPUs spent in each mode."),
    "node_load1": tm.MetricMeta("gauge", "1m load average."),
    "node_memory_MemTotal_bytes": tm.MetricMeta("gauge", "Memory information field MemTotal_bytes."),
    "node_memory_MemAvailable_bytes": tm.MetricMeta("gauge", "Memory information field MemAvailable_bytes."),
    "node_filesystem_size_bytes": tm.MetricMeta("gauge", "Filesystem size in bytes."),
    "node_filesystem_avail_bytes": tm.MetricMeta("gauge", "Filesystem space available to non-root users in bytes."),
    "node_network_receive_bytes_total": tm.MetricMeta("counter", "Network device statistic receive_bytes."),
    "node_netstat_Tcp_RetransSegs": tm.MetricMeta("counter", "Statistic TcpRetransSegs."),
}
CORES = 8.0
MEMORY = 32.0 * 1024**3
DISK = 100.0 * 1024**3


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "node")
    fleet, steps = frame.fleet, frame.steps
    count = len(fleet.nodes)
    used = frame.state.busy_cpu * frame.draft.knobs.cores
    rng = frame.rng("nodes")
    other = 0.5 + np.abs(traffic.coloured(rng, steps, count, memory=0.97, sigma=0.25))
    where = np.array([pod.node for pod in fleet.pods])
    waiting = _waiting(frame)
    for n, name in enumerate(fleet.nodes):
        page.heard(heard(frame, n))
        mine = np.flatnonzero(where == n)
        stuck = np.minimum(waiting.get(n, np.zeros(steps)), CORES * 0.7)
        cpu = np.minimum((used[:, fleet.owner[mine]].T * fleet.ready[mine]).sum(axis=0) + other[:, n], CORES)
        memory = fleet.memory[mine].sum(axis=0) + 2.1e9
        # Machines are larger than what our own pods fill: other tenants hold a third.
        available = np.maximum(MEMORY * 0.66 - memory, 1.5e9)
        base = {"job": "node-exporter", "instance": name, "node": name}
        for mode, share in (
            ("user", cpu * 0.8),
            ("system", cpu * 0.2),
            ("idle", CORES - cpu - np.minimum(stuck, CORES - cpu)),
            ("iowait", cpu * 0.01 + stuck),
        ):
            page.counter(
                {"__name__": "node_cpu_seconds_total", **base, "cpu": "all", "mode": mode},
                share * frame.step_s,
                whole=False,
            )
        rows = {
            "node_load1": cpu * 1.1 + stuck * 1.6,
            "node_memory_MemTotal_bytes": np.full(steps, MEMORY),
            "node_memory_MemAvailable_bytes": available,
        }
        page.gauges([{"__name__": family, **base} for family in rows], np.array(list(rows.values())), [-1] * len(rows))
        disk = {**base, "device": "/dev/nvme0n1p1", "fstype": "ext4", "mountpoint": "/"}
        free = (
            frame.draft.level("node_free_share", n, 1.0)
            * DISK
            * (0.55 - 0.02 * np.linspace(0, 1, steps) + 0.002 * rng.standard_normal(steps))
        )
        page.gauge({"__name__": "node_filesystem_size_bytes", **disk}, np.full(steps, DISK))
        page.gauge({"__name__": "node_filesystem_avail_bytes", **disk}, np.rint(free))
        page.counter(
            {"__name__": "node_network_receive_bytes_total", **base, "device": "eth0"}, cpu * 3e6 * frame.step_s
        )
        lost = frame.draft.level("node_netstat_Tcp_RetransSegs", n, 0.0)
        page.counter({"__name__": "node_netstat_Tcp_RetransSegs", **base}, rng.poisson(2.0 + lost) * 1.0)
    page.heard(None)
    return page.blocks()


def heard(frame: fr.Frame, n: int) -> lay.BoolArray | None:
    """Where the node answers its scrapers; None for always."""
    silent = [one for one in frame.draft.marks if one.node == n and one.silent]
    if not silent:
        return None
    heard = np.ones(frame.steps, dtype=np.bool_)
    for mark in silent:
        heard[mark.at : mark.until] = False
    return heard


def _waiting(frame: fr.Frame) -> dict[int, fr.FloatArray]:
    """Cores that wait for the disk, by node: what the levels say of the components that live there; [T] each."""
    found: dict[int, fr.FloatArray] = {}
    for (level, i), row in sorted(frame.draft.levels.items()):
        if level == "iowait_cores":
            for p in frame.fleet.of(i):
                node = frame.fleet.pods[p].node
                found[node] = found.get(node, np.zeros(frame.steps)) + row * frame.fleet.exists[p]
    return found
