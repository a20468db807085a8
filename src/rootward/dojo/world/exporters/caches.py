"""redis_exporter: hits, misses, evictions, memory and clients of every cache."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import pods as pd
from rootward.dojo.world.exporters import sheet

META = {
    "redis_up": tm.MetricMeta("gauge", "Information about the Redis instance"),
    "redis_keyspace_hits_total": tm.MetricMeta("counter", "keyspace_hits_total metric"),
    "redis_keyspace_misses_total": tm.MetricMeta("counter", "keyspace_misses_total metric"),
    "redis_evicted_keys_total": tm.MetricMeta("counter", "evicted_keys_total metric"),
    "redis_commands_processed_total": tm.MetricMeta("counter", "commands_processed_total metric"),
    "redis_memory_used_bytes": tm.MetricMeta("gauge", "memory_used_bytes metric"),
    "redis_memory_max_bytes": tm.MetricMeta("gauge", "memory_max_bytes metric"),
    "redis_connected_clients": tm.MetricMeta("gauge", "connected_clients metric"),
    "redis_db_keys": tm.MetricMeta("gauge", "Total number of keys by DB"),
}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "redis")
    for i in frame.layout.of_kind(bp.Kind.CACHE):
        if i not in frame.draft.hidden:
            _cache(frame, page, i)
    return page.blocks()


def _cache(frame: fr.Frame, page: sheet.Sheet, i: int) -> None:
    component = frame.layout.components[i]
    pod = frame.fleet.of(i)[0]
    rng = frame.rng("redis", i)
    base = {
        "job": "redis-exporter",
        "instance": f"redis://{component.name}:6379",
        "namespace": frame.layout.namespace(i),
        "service": component.name,
        "pod": frame.fleet.pods[pod].name,
    }
    reads = frame.state.served[:, i] * frame.step_s
    hit = np.clip(frame.draft.knobs.hit[:, i], 0, 1)
    emptied = frame.draft.evictions.get(i, np.zeros(frame.steps))
    memory = frame.fleet.memory[pod] * 0.92 * (1 - 0.93 * emptied)
    clients = float(sum(frame.layout.replicas[frame.layout.source[e]] * 4 for e in frame.layout.calls_to(i)))
    limit = component.memory_limit_mib * 0.8 * pd.MIB
    rows: dict[str, tuple[bool, sheet.FloatArray]] = {
        "redis_up": (False, np.ones(frame.steps)),
        "redis_keyspace_hits_total": (True, reads * hit),
        "redis_keyspace_misses_total": (True, reads * (1 - hit)),
        "redis_evicted_keys_total": (True, reads * (0.0004 + 0.85 * emptied * (1 - hit))),
        "redis_commands_processed_total": (True, reads * (2 - hit)),
        "redis_memory_used_bytes": (False, np.rint(memory)),
        "redis_memory_max_bytes": (False, np.where(emptied > 0, limit / 16, limit)),
        "redis_connected_clients": (False, clients + rng.poisson(1.0, frame.steps)),
        "redis_db_keys": (False, np.rint(memory / 2100)),
    }
    for name, (counts, row) in rows.items():
        labels = {"__name__": name, **base, **({"db": "db0"} if name == "redis_db_keys" else {})}
        if counts:
            page.counter(labels, row, pod)
        else:
            page.gauge(labels, row, pod)
