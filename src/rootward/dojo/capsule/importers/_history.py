"""The fault-free period that a data set pairs with its faults: when it is part of an incident's past, and when it is moved there.

Some authors recorded "normal" days or months away from the faults. Nothing can be asked about a time after "now", so such
a period would be lost. `baseline` says what happens to it:

- `recorded`: every sample keeps its own time.
- `adjacent`: the period is moved as one block so that it ends where the fault's own samples begin: by whole days where it
  is long enough (the hour of the day stays), else by exactly the gap.
- `auto` (the default): as recorded when it lies before the fault, and moved when it lies after it.

A move is told in the truth's note.
"""

import numpy as np

from rootward import errors
from rootward.dojo.capsule import telemetry

BASELINES = ("auto", "recorded", "adjacent")
DAY_S = 86_400.0
KEPT_SHARE_MIN = 0.5  # of the period, for a move by whole days to be worth what it cuts off


def shift_s(times_s: telemetry.FloatArray, first_s: float, *, step_s: float, baseline: str) -> float:
    """Seconds to subtract from the period's `times_s`, when the fault's own samples begin at `first_s`.

    Raises:
        DatasetError: `baseline` is not one of BASELINES.
    """
    if baseline not in BASELINES:
        raise errors.DatasetError(f"baseline {baseline!r} is not one of {', '.join(BASELINES)}")
    if baseline == "recorded" or (baseline == "auto" and times_s[-1] < first_s):
        return 0.0
    start_s, end_s = float(times_s[0]), float(times_s[-1])
    whole_days = float(np.floor((end_s - first_s) / DAY_S) * DAY_S)
    kept_s = first_s - (start_s - whole_days)
    if kept_s >= KEPT_SHARE_MIN * (end_s - start_s) > 0:
        return whole_days
    return end_s + step_s - first_s


def note(seconds: float) -> str:
    """What the truth says about a move; "" for none."""
    return f"the fault-free period was moved by {-seconds:+.0f} s to stand before the fault" if seconds else ""
