"""Language runtimes: heap, garbage collection and threads of the JVM; goroutines and processes elsewhere."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import pods as pd
from rootward.dojo.world.exporters import requests, sheet, styles

META = {
    "jvm_memory_used_bytes": tm.MetricMeta("gauge", "The amount of used memory", "bytes"),
    "jvm_memory_max_bytes": tm.MetricMeta(
        "gauge", "The maximum amount of memory in bytes that can be used for memory management", "bytes"
    ),
    "jvm_gc_pause_seconds_sum": tm.MetricMeta("counter", "Time spent in GC pause", "seconds"),
    "jvm_gc_pause_seconds_count": tm.MetricMeta("counter", "Time spent in GC pause"),
    "jvm_threads_live_threads": tm.MetricMeta(
        "gauge", "The current number of live threads including both daemon and non-daemon threads"
    ),
    "go_goroutines": tm.MetricMeta("gauge", "Number of goroutines that currently exist."),
    "process_resident_memory_bytes": tm.MetricMeta("gauge", "Resident memory size in bytes.", "bytes"),
    "process_open_fds": tm.MetricMeta("gauge", "Number of open file descriptors."),
    "process_max_fds": tm.MetricMeta("gauge", "Maximum number of open file descriptors."),
    "process_files_open_files": tm.MetricMeta("gauge", "The open file descriptor count"),
    "process_files_max_files": tm.MetricMeta("gauge", "The maximum file descriptor count"),
    "jvm_gc_overhead": tm.MetricMeta(
        "gauge",
        "An approximation of the percent of CPU time used by GC activities over the last lookback period or since monitoring began, whichever is shorter, in the range [0..1]",
    ),
    "jvm_memory_usage_after_gc": tm.MetricMeta(
        "gauge", "The percentage of long-lived heap pool used after the last GC event, in the range [0..1]"
    ),
}


MAX_FDS = 4096.0
FDS_LEVEL = "open_files_share"
"""The draft's level, by component, that says what share of its file descriptors each process has open, 0 to 1."""


def descriptors(frame: fr.Frame, p: int, usual: fr.FloatArray) -> fr.FloatArray:
    """Open file descriptors of a pod's process, what it leaks since its own start included; [T]."""
    pod = frame.fleet.pods[p]
    leaked = frame.draft.level(FDS_LEVEL, pod.component, 0.0) * (np.arange(frame.steps) >= pod.start)
    return np.minimum(np.rint(usual + leaked * MAX_FDS), MAX_FDS)


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "runtimes")
    for p, pod in enumerate(frame.fleet.pods):
        component = frame.layout.components[pod.component]
        if not component.style or pod.component in frame.draft.hidden or component.language == "nginx":
            continue
        style = styles.STYLES[component.style]
        base = styles.target(frame, pod.component, p, requests.PORTS[style.name]) | style.naming(component.name)
        held = frame.state.served[:, pod.component] * frame.state.latency[:, pod.component] * frame.fleet.share[p]
        held = np.minimum(held, frame.layout.workers[pod.component])
        if component.language == "java":
            _jvm(frame, page, p, base, held)
        else:
            memory = frame.fleet.memory[p]
            rows = {
                "process_resident_memory_bytes": np.rint(memory * 0.94),
                "process_open_fds": descriptors(frame, p, 22 + held * 2),
                "process_max_fds": np.full(frame.steps, MAX_FDS),
            }
            if component.language == "go":
                rows["go_goroutines"] = np.rint(30 + held * 3)
            page.gauges([{"__name__": name, **base} for name in rows], np.array(list(rows.values())), [p] * len(rows))
    return page.blocks()


def _jvm(frame: fr.Frame, page: sheet.Sheet, p: int, base: dict[str, str], held: fr.FloatArray) -> None:
    component = frame.layout.components[frame.fleet.pods[p].component]
    limit = component.memory_limit_mib * pd.MIB
    memory = frame.fleet.memory[p]
    saw = (np.arange(frame.steps) * 0.07 + p * 0.37) % 1.0
    heap = np.maximum(memory * 0.72 * (0.78 + 0.22 * saw), 0)
    draft, i = frame.draft, frame.fleet.pods[p].component
    more = float(draft.knobs.pressure[i]) * np.minimum(frame.state.queue[:, i] / frame.layout.queue_limit[i], 1.0)
    overhead = more / (1.0 + more)  # of the processor's time, by tracing what waits
    full = np.maximum(np.clip((memory / limit - 0.75) / 0.25, 0, 1), overhead)
    heap = np.maximum(heap, limit * 0.75 * (0.2 + 0.78 * overhead) * (overhead > 0.01))
    pauses = frame.state.served[:, i] * frame.fleet.share[p] * frame.step_s
    page.gauges(
        [
            {"__name__": "jvm_memory_used_bytes", **base, "area": "heap", "id": "G1 Old Gen"},
            {"__name__": "jvm_memory_max_bytes", **base, "area": "heap", "id": "G1 Old Gen"},
            {"__name__": "jvm_memory_used_bytes", **base, "area": "nonheap", "id": "Metaspace"},
            {"__name__": "jvm_threads_live_threads", **base},
            {"__name__": "jvm_gc_overhead", **base},
            {"__name__": "jvm_memory_usage_after_gc", **base, "area": "heap", "pool": "long-lived"},
            {"__name__": "process_files_open_files", **base},
            {"__name__": "process_files_max_files", **base},
        ],
        np.array(
            [
                np.rint(heap),
                np.full(frame.steps, np.rint(limit * 0.75)),
                np.full(frame.steps, 1.1e8),
                np.rint(38 + held),
                np.clip(0.002 + 0.0004 * saw + overhead, 0.0, 1.0),
                np.clip(heap * (0.72 + 0.24 * overhead) / (limit * 0.75), 0.0, 1.0),
                descriptors(frame, p, 140 + held),
                np.full(frame.steps, MAX_FDS),
            ]
        ),
        [p] * 8,
    )
    collector = {"action": "end of minor GC", "cause": "G1 Evacuation Pause", "gc": "G1 Young Generation"}
    page.counter({"__name__": "jvm_gc_pause_seconds_count", **base, **collector}, pauses * 0.004 * (1 + 3 * full), p)
    page.counter(
        {"__name__": "jvm_gc_pause_seconds_sum", **base, **collector},
        pauses * 0.00004 * (1 + 25 * full),
        p,
        whole=False,
    )
    collector = {"action": "end of major GC", "cause": "G1 Compaction Pause", "gc": "G1 Old Generation"}
    page.counter({"__name__": "jvm_gc_pause_seconds_count", **base, **collector}, overhead * frame.step_s / 1.4, p)
    page.counter({"__name__": "jvm_gc_pause_seconds_sum", **base, **collector}, overhead * frame.step_s, p, whole=False)
