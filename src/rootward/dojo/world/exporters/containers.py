"""cAdvisor: CPU, throttling, memory and limits of every container."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import pods as pd
from rootward.dojo.world.exporters import sheet

META = {
    "container_cpu_usage_seconds_total": tm.MetricMeta("counter", "Cumulative cpu time consumed in seconds."),
    "container_cpu_cfs_periods_total": tm.MetricMeta("counter", "Number of elapsed enforcement period intervals."),
    "container_cpu_cfs_throttled_periods_total": tm.MetricMeta("counter", "Number of throttled period intervals."),
    "container_cpu_cfs_throttled_seconds_total": tm.MetricMeta(
        "counter", "Total time duration the container has been throttled."
    ),
    "container_memory_working_set_bytes": tm.MetricMeta("gauge", "Current working set in bytes."),
    "container_memory_rss": tm.MetricMeta("gauge", "Size of RSS in bytes."),
    "container_spec_memory_limit_bytes": tm.MetricMeta("gauge", "Memory limit for the container."),
    "container_spec_cpu_quota": tm.MetricMeta("gauge", "CPU quota of the container."),
    "container_network_receive_bytes_total": tm.MetricMeta("counter", "Cumulative count of bytes received"),
    "container_network_transmit_bytes_total": tm.MetricMeta("counter", "Cumulative count of bytes transmitted"),
}
PERIODS_PER_S = 10.0
IDLE_CORES = 0.004
LASTS_S = 60.0


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "cadvisor")
    fleet, state, step_s = frame.fleet, frame.state, frame.step_s
    owner = fleet.owner
    pods = list(range(len(fleet.pods)))
    names = [pod_labels(frame, p) for p in pods]
    rng = frame.rng("cadvisor")
    cores = frame.draft.knobs.cores[:, owner].T
    busy = state.busy_cpu[:, owner].T * fleet.share * np.maximum(frame.draft.knobs.pods[:, owner].T, 1.0)
    near = np.clip(busy * (1 + 0.03 * rng.standard_normal(busy.shape)), 0.0, 1.0)
    squeezed = np.clip((near - 0.58) / 0.42, 0.0, 1.0) ** 1.6 * fleet.ready
    used = (np.clip(near * _uneasy(busy.shape, step_s, rng), 0.0, 1.0) * cores + IDLE_CORES) * fleet.running
    limit = memory_limits(frame)
    served = state.served[:, owner].T * fleet.share * step_s

    def named(family: str) -> list[tm.Labels]:
        return [{"__name__": family, **name} for name in names]

    page.counters(named("container_cpu_usage_seconds_total"), used * step_s, pods, whole=False)
    page.counters(named("container_cpu_cfs_periods_total"), fleet.running * (PERIODS_PER_S * step_s), pods)
    page.counters(named("container_cpu_cfs_throttled_periods_total"), squeezed * (PERIODS_PER_S * step_s), pods)
    page.counters(
        named("container_cpu_cfs_throttled_seconds_total"), squeezed * cores * step_s * 0.6, pods, whole=False
    )
    page.gauges(named("container_memory_working_set_bytes"), np.rint(fleet.memory / 4096) * 4096, pods)
    page.gauges(named("container_memory_rss"), np.rint(fleet.memory * 0.93 / 4096) * 4096, pods)
    page.gauges(named("container_spec_memory_limit_bytes"), limit, pods)
    page.gauges(named("container_spec_cpu_quota"), np.rint(cores * 1e5), pods)
    page.counters(named("container_network_receive_bytes_total"), served * 2100 + 900, pods)
    page.counters(named("container_network_transmit_bytes_total"), served * 5400 + 1100, pods)
    return page.blocks()


def _uneasy(shape: tuple[int, ...], step_s: float, rng: np.random.Generator) -> fr.FloatArray:
    """How unevenly containers use their processors from scrape to scrape and minute to minute, mean 1: some steadily, some in bursts (collections, timers)."""
    held = max(1, round(LASTS_S / step_s))  # work comes in pieces that last: collections, compactions, jobs
    pieces = (shape[0], -(-shape[1] // held))
    width = np.clip(rng.lognormal(np.log(0.24), 0.6, (shape[0], 1)), 0.04, 0.8)
    slow = np.repeat(rng.standard_normal(pieces), held, axis=1)[:, : shape[1]]
    wobble = np.exp(width * (0.6 * rng.standard_normal(shape) + 0.8 * slow) - width**2 / 2)
    often = rng.uniform(0.0, 0.04, (shape[0], 1))
    burst = 1.0 + np.repeat((rng.uniform(size=pieces) < often) * rng.pareto(2.5, pieces), held, axis=1)[:, : shape[1]]
    return np.asarray(wobble * np.minimum(burst, 6.0), dtype=np.float64)


def pod_labels(frame: fr.Frame, p: int) -> dict[str, str]:
    pod = frame.fleet.pods[p]
    component = frame.layout.components[pod.component]
    return {
        "job": "kubelet",
        "metrics_path": "/metrics/cadvisor",
        "namespace": frame.layout.namespace(pod.component),
        "pod": pod.name,
        "container": component.name,
        "node": frame.fleet.nodes[pod.node],
        "image": f"registry.{frame.layout.plan.domain}/{component.name}:{pod.version}",
    }


def memory_limits(frame: fr.Frame) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Bytes, [P, T]."""
    fleet = frame.fleet
    limit = np.array([frame.layout.components[pod.component].memory_limit_mib * pd.MIB for pod in fleet.pods])
    out = np.repeat(limit[:, None], frame.steps, axis=1)
    for change in frame.draft.limits:
        if change.memory_mib:
            for p in fleet.of(change.component):
                if fleet.pods[p].start >= change.at:
                    out[p] = change.memory_mib * pd.MIB
    return out
