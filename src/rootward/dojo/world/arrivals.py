"""Samples that have not arrived when somebody looks: one scraper's queue is behind, and what it holds is dropped as too old."""

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr

JOBS = ("kubelet", "node-exporter", "kube-state-metrics", "postgres-exporter", "redis-exporter")
"""Those that may be late: what the alert itself was computed from had arrived."""
BEHIND_S = (60.0, 300.0)


def held_back(frame: fr.Frame, metrics: tm.Metrics, now_s: float) -> tm.Metrics:
    """The same metrics, with the last minutes before `now_s` of one job missing if the dice say so (in place where it can be)."""
    rng = frame.rng("arrivals")
    late, job = rng.uniform() < frame.noise.late_samples, JOBS[int(rng.integers(0, len(JOBS)))]
    behind_s = float(rng.uniform(*BEHIND_S))
    if not late:
        return metrics
    behind = [
        _behind(block, now_s, behind_s) if block.labels[0].get("job") == job else block for block in metrics.blocks
    ]
    return tm.Metrics(tuple(behind), metrics.meta)


def _behind(block: tm.MetricBlock, now_s: float, behind_s: float) -> tm.MetricBlock:
    missing = (block.times_s > now_s - behind_s) & (block.times_s <= now_s)
    values = block.values if block.values.flags.writeable else block.values.copy()
    tm.make_stale(values, (slice(None), missing))
    return tm.MetricBlock(block.times_s, values, block.labels)
