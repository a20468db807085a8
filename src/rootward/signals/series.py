"""Numbers over time, as numpy arrays."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One line on a chart.

    `times_s` shape [T], strictly increasing, seconds since the epoch; `values` shape [T], NaN where there is no sample.
    `unit` is UCUM-like as OpenTelemetry writes it ("s", "By", "1", "{request}/s"), "" when unknown.
    """

    labels: Mapping[str, str]
    times_s: FloatArray
    values: FloatArray
    unit: str = ""

    def __post_init__(self) -> None:
        assert self.times_s.shape == self.values.shape, "one value per time"

    def between(self, start_s: float, end_s: float) -> "Series":
        """The part from `start_s` to `end_s`, both inclusive."""
        low = int(np.searchsorted(self.times_s, start_s, side="left"))
        high = int(np.searchsorted(self.times_s, end_s, side="right"))
        return dataclasses.replace(self, times_s=self.times_s[low:high], values=self.values[low:high])

    def finite(self) -> FloatArray:
        """The values that exist, in order."""
        return self.values[np.isfinite(self.values)]


SeriesSet = Sequence[Series]


@dataclasses.dataclass(frozen=True, slots=True)
class MetricInfo:
    """One metric that a back end has: what discovery of roles looks at.

    `kind` is counter | gauge | histogram | summary | unknown; `labels` are the label names seen with up to a few example
    values each; `series` the number of series (0 when the back end does not say).
    """

    name: str
    kind: str = "unknown"
    unit: str = ""
    help: str = ""
    labels: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    series: int = 0
