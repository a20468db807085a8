"""The kubelet's view of persistent volumes: capacity, what is used and what is left."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import volumes
from rootward.dojo.world.exporters import sheet

META = {
    "kubelet_volume_stats_capacity_bytes": tm.MetricMeta("gauge", "Capacity in bytes of the volume", "bytes"),
    "kubelet_volume_stats_used_bytes": tm.MetricMeta("gauge", "Number of used bytes in the volume", "bytes"),
    "kubelet_volume_stats_available_bytes": tm.MetricMeta("gauge", "Number of available bytes in the volume", "bytes"),
    "kubelet_volume_stats_inodes": tm.MetricMeta("gauge", "Maximum number of inodes in the volume"),
    "kubelet_volume_stats_inodes_used": tm.MetricMeta("gauge", "Number of used inodes in the volume"),
}
RESERVED = 0.001
BLOCK = 4096.0


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "kubelet")
    for i in range(len(frame.layout.components)):
        found = volumes.claims(frame.layout, i, frame.draft.seed)
        pods = frame.fleet.of(i)
        for claim, pod in zip(found, pods, strict=False):
            _claim(frame, page, claim, pod)
    return page.blocks()


def _claim(frame: fr.Frame, page: sheet.Sheet, claim: volumes.Claim, pod: int) -> None:
    node = frame.fleet.nodes[frame.fleet.pods[pod].node]
    base = {
        "job": "kubelet",
        "metrics_path": "/metrics",
        "instance": node,
        "node": node,
        "namespace": frame.layout.namespace(claim.component),
        "persistentvolumeclaim": claim.name,
    }
    size = claim.capacity * 0.98
    used = np.floor(volumes.used_share(frame.draft, claim) * size / BLOCK) * BLOCK
    inodes = claim.capacity / 16_384
    rows = {
        "kubelet_volume_stats_capacity_bytes": np.full(frame.steps, size),
        "kubelet_volume_stats_used_bytes": used,
        "kubelet_volume_stats_available_bytes": np.maximum(size * (1 - RESERVED) - used, 0.0),
        "kubelet_volume_stats_inodes": np.full(frame.steps, np.rint(inodes)),
        "kubelet_volume_stats_inodes_used": np.rint(900 + used / 4.2e6),
    }
    page.gauges([{"__name__": name, **base} for name in rows], np.array(list(rows.values())), [-1] * len(rows))
