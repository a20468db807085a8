"""Columns of a recorded table as Prometheus series."""

from collections.abc import Sequence

import numpy as np

from rootward.dojo.capsule import telemetry

EDGE_METRIC = "traces_service_graph_request_total"
"""Calls of one service by another, as Tempo's metrics generator and the OpenTelemetry servicegraph connector publish them."""
EDGE_META = telemetry.MetricMeta("counter", "Calls between services, drawn from the service graph.")


def block(
    times_s: telemetry.FloatArray, series: Sequence[tuple[telemetry.Labels, telemetry.FloatArray]]
) -> telemetry.MetricBlock:
    """Series over shared times (need not be sorted or unique: the first sample of a moment wins); NaN is "no sample"."""
    moments, first = np.unique(np.asarray(times_s, dtype=np.float64), return_index=True)
    values = np.array([row for _, row in series], dtype=np.float64).reshape(len(series), -1)[:, first]
    return telemetry.MetricBlock(
        times_s=moments,
        values=telemetry.absent_to_stale(values, np.isnan(values)),
        labels=tuple(dict(labels) for labels, _ in series),
    )


def edges(times_s: telemetry.FloatArray, pairs: Sequence[tuple[str, str]]) -> telemetry.MetricBlock:
    """A call graph without rates as counters that go up by one per sample: the edge was drawn at that moment, no more is known."""
    moments = np.unique(np.asarray(times_s, dtype=np.float64))
    counter = np.arange(1, len(moments) + 1, dtype=np.float64)
    series = [({"__name__": EDGE_METRIC, "client": client, "server": server}, counter) for client, server in pairs]
    return block(moments, series)


def merged(blocks: Sequence[telemetry.MetricBlock]) -> telemetry.MetricBlock:
    """One block over the times of all, so that a series that is in several of them stays one series; series without any sample
    are left out. Where two blocks have a sample of the same series and moment, the later block's wins."""
    moments = np.unique(np.concatenate([source.times_s for source in blocks]))
    rows: dict[tuple[tuple[str, str], ...], telemetry.FloatArray] = {}
    for source in blocks:
        columns = np.searchsorted(moments, source.times_s)
        present = ~telemetry.is_stale(source.values)
        for labels, values, has in zip(source.labels, source.values, present, strict=True):
            if has.any():
                row = rows.setdefault(tuple(sorted(labels.items())), np.full(len(moments), np.nan))
                row[columns[has]] = values[has]
    return block(moments, [(dict(key), values) for key, values in rows.items()])


def until(source: telemetry.MetricBlock, start_s: float, end_s: float) -> telemetry.MetricBlock:
    """The part of a block from `start_s` to `end_s`, both included."""
    low, high = np.searchsorted(source.times_s, [start_s, np.nextafter(end_s, np.inf)])
    return telemetry.MetricBlock(source.times_s[low:high], source.values[:, low:high], source.labels)
