"""Native histograms beside the classic ones: the busiest service that is instrumented with a client library of Prometheus has been
told to expose them too, as a team does that tries them out.

Every observation of the classic family's count is found again in a bucket of the native one, at the same scrape.
"""

import dataclasses

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world.exporters import styles

STYLE = "prometheus"
SCHEMA = 3
"""What client_golang chooses for NativeHistogramBucketFactor: 1.1."""
NEAR_ZERO = 2.0**-128
"""client_golang's DefNativeHistogramZeroThreshold."""
OCTAVES = (-13, 5)
"""From a tenth of a millisecond to half a minute."""


def joined(frame: fr.Frame, metrics: tm.Metrics) -> tm.Metrics:
    """The metrics with the native histograms that belong to them."""
    chosen = _chosen(frame.layout)
    if chosen < 0 or chosen in frame.draft.hidden:
        return metrics
    style, name = styles.STYLES[STYLE], frame.layout.components[chosen].name
    classic = {f"{style.histogram}_count": "counts", f"{style.histogram}_sum": "sums"}
    rows: dict[str, dict[tuple[str, ...], tuple[tm.MetricBlock, int]]] = {"counts": {}, "sums": {}}
    for block in metrics.blocks:
        for row, labels in enumerate(block.labels):
            kind = classic.get(labels["__name__"])
            if kind and labels.get(style.by) == name:
                rows[kind][tuple(text for key, text in sorted(labels.items()) if key != "__name__")] = (block, row)
    made = [_series(frame, chosen, *rows["counts"][key], rows["sums"][key]) for key in rows["counts"]]
    return dataclasses.replace(metrics, histograms=tuple(one for one in made if one is not None))


def _chosen(layout: lay.Layout) -> int:
    able = [i for i in layout.of_kind(bp.Kind.SERVICE) if layout.components[i].style == STYLE]
    return max(able, key=lambda i: float(layout.rate[i]), default=-1)


def _series(
    frame: fr.Frame, i: int, block: tm.MetricBlock, row: int, sums: tuple[tm.MetricBlock, int]
) -> tm.HistogramSeries | None:
    """The native series beside a classic row of counts and its row of sums; None if it was never scraped."""
    labels = block.labels[row]
    values = np.asarray(block.values[row], dtype=np.float64)
    absent = tm.is_stale(values)
    held = np.flatnonzero(~absent)
    if not len(held):
        return None
    slow = next(route.slowness for route in frame.layout.components[i].routes if route.path == labels["handler"])
    offset = OCTAVES[0] * 2**SCHEMA + 1
    uppers = 2.0 ** ((offset + np.arange((OCTAVES[1] - OCTAVES[0]) * 2**SCHEMA)) / 2.0**SCHEMA)
    rng = frame.rng("native", *(str(labels[key]) for key in ("pod", "handler")))
    counts = _spread(values[held], _below(frame, i, slow, uppers)[:, held], rng.uniform(size=len(held)))
    used = np.flatnonzero(counts.any(axis=1))
    first, last = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)
    cells = np.zeros((3 + last - first, len(values)))
    cells[0, held], cells[1, held], cells[3:, held] = values[held], sums[0].values[sums[1]][held], counts[first:last]
    own = {**labels, "__name__": labels["__name__"].removesuffix("_count")}
    return tm.HistogramSeries(own, block.times_s, SCHEMA, NEAR_ZERO, offset + first, cells, absent)


def _below(frame: fr.Frame, i: int, slow: float, uppers: lay.FloatArray) -> lay.FloatArray:
    """The share of requests that take at most so long at each step; the last bucket has whatever is left; [B, T]."""
    shape = float(frame.counts.shape[i])
    scale = frame.state.latency[:, i] * slow / float(fr.mean_factor(np.array(shape)))
    below: lay.FloatArray = 1.0 / (1.0 + (scale / uppers[:, None]) ** shape)
    below[-1] = 1.0
    return below


def _spread(totals: lay.FloatArray, below: lay.FloatArray, phase: lay.FloatArray) -> lay.FloatArray:
    """Each scrape's new observations in whole numbers over the buckets, cumulative over time, anew where the count falls; [B, T].

    Edges at floor(n · share + phase) give every bucket its share, but for less than one, and all of them n together.
    """
    grown = np.diff(totals, prepend=0.0)
    anew = grown < 0
    grown[anew] = totals[anew]
    edges = np.floor(grown * below + phase)
    fresh = np.diff(edges, axis=0, prepend=0.0)
    running: lay.FloatArray = np.cumsum(fresh, axis=1)
    for at in np.flatnonzero(anew).tolist():
        running[:, at:] -= running[:, at - 1 : at]
    return running
