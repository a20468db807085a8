"""cAdvisor: what the containers of data stores hold on their root filesystem and in shared memory."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import containers, sheet

META = {
    "container_fs_usage_bytes": tm.MetricMeta(
        "gauge", "Number of bytes that are consumed by the container on this filesystem."
    ),
    "container_fs_limit_bytes": tm.MetricMeta(
        "gauge", "Number of bytes that can be consumed by the container on this filesystem."
    ),
}
MIB = 1024.0 * 1024.0
SHM = 64.0 * MIB
"""What a container runtime gives to /dev/shm unless told otherwise."""
ROOT = 100.0 * 1024 * MIB
SHM_LEVEL = "shm_used_share"


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "cadvisor filesystems")
    for i in frame.layout.of_kind(bp.Kind.DATABASE):
        for p in frame.fleet.of(i):
            _container(frame, page, i, p)
    return page.blocks()


def _container(frame: fr.Frame, page: sheet.Sheet, i: int, p: int) -> None:
    rng = frame.rng("filesystems", i)
    base = containers.pod_labels(frame, p)
    own = 3.1e8 * float(rng.uniform(0.9, 1.2)) + 2e3 * np.arange(frame.steps)
    share = float(rng.uniform(0.015, 0.05)) * (1 + 0.2 * rng.standard_normal(frame.steps))
    shared = np.clip(frame.draft.level(SHM_LEVEL, i, share), 0.0, 1.0) * SHM
    for device, used, limit in (("/dev/nvme0n1p1", own, ROOT), ("shm", shared, SHM)):
        page.gauge({"__name__": "container_fs_usage_bytes", **base, "device": device}, np.floor(used / 4096) * 4096, p)
        page.gauge({"__name__": "container_fs_limit_bytes", **base, "device": device}, np.full(frame.steps, limit), p)
