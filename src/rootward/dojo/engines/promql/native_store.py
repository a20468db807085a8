"""Series of native histograms, found by the same matchers as any other series."""

from collections.abc import Sequence

import numpy as np

from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import native, store, values


class NativeStore:
    """Indexed once. A series' counts of observations stand in for it in an ordinary store, which so finds what is meant and when
    it was there."""

    def __init__(self, series: Sequence[telemetry.HistogramSeries]) -> None:
        blocks = tuple(
            telemetry.MetricBlock(
                one.times_s,
                telemetry.absent_to_stale(one.cells[native.COUNT : native.COUNT + 1], one.absent[None]),
                (one.labels,),
            )
            for one in series
        )
        self.counts = store.Store(telemetry.Metrics(blocks))
        by_labels = {values.label_set(dict(one.labels)): one for one in series}
        self._series = [by_labels[labels] for labels in self.counts.labels]

    def shape(self, number: int) -> native.Shape:
        one = self._series[number]
        return native.Shape(one.schema, one.near_zero, one.offset, len(one.cells) - native.BUCKETS)

    def cells(self, number: int) -> values.FloatArray:
        """Everything that was ever scraped of a series; [3 + buckets, T]."""
        return self._series[number].cells

    def times_ms(self, number: int) -> values.IntArray:
        return np.round(self._series[number].times_s * 1000).astype(np.int64)

    def held(self, number: int) -> values.BoolArray:
        return ~self._series[number].absent
