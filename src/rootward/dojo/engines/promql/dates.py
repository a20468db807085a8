"""Calendar functions: the parts of a UTC time, vectorised. Times that are no number give NaN."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from rootward.dojo.engines.promql import values

FloatArray = values.FloatArray
_Moments = npt.NDArray[np.datetime64]

_REACH_S = 1e14  # three million years: far from where int64 would wrap


def _of(part: Callable[[_Moments], values.IntArray]) -> Callable[[FloatArray], FloatArray]:
    """A function of seconds since the epoch from one of datetime64[s]."""

    def compute(seconds: FloatArray) -> FloatArray:
        known = np.abs(seconds) < _REACH_S
        moments = np.trunc(np.where(known, seconds, 0.0)).astype("datetime64[s]")
        return np.where(known, part(moments).astype(np.float64), np.nan)

    return compute


def _since(moments: _Moments, unit: str, inner: str) -> values.IntArray:
    """Whole `inner` units since the beginning of the current `unit`."""
    whole: values.IntArray = (moments.astype(f"datetime64[{inner}]") - moments.astype(f"datetime64[{unit}]")).astype(
        np.int64
    )
    return whole


def _days_in_month(moments: _Moments) -> values.IntArray:
    month = moments.astype("datetime64[M]")
    days: values.IntArray = ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64)
    return days


FUNCTIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "minute": _of(lambda t: _since(t, "h", "m")),
    "hour": _of(lambda t: _since(t, "D", "h")),
    "day_of_week": _of(lambda t: (t.astype("datetime64[D]").astype(np.int64) + 4) % 7),  # 1 January 1970 was a Thursday
    "day_of_month": _of(lambda t: _since(t, "M", "D") + 1),
    "day_of_year": _of(lambda t: _since(t, "Y", "D") + 1),
    "days_in_month": _of(_days_in_month),
    "month": _of(lambda t: _since(t, "Y", "M") + 1),
    "year": _of(lambda t: t.astype("datetime64[Y]").astype(np.int64) + 1970),
}
