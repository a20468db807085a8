"""Is it over? Whether what users felt since the onset is back where it was before.

A blip that recovered by itself before anybody looked needs nobody; but recovery alone proves nothing about the cause, so this
only weighs for "no fault" against whatever detectors found.
"""

import numpy as np

from rootward.investigator.causal import picture, shifts
from rootward.signals.roles import role as roles

FELT = shifts.FELT - {roles.Role.RATE}
FELT_Z = 6.0  # plainly felt
RECENT_S = 60.0
BEFORE_S = 120.0
BACK = 0.1  # of the peak's height that may remain


def recovered(seen: picture.Picture) -> float:
    """1 when at least three quarters of what was plainly felt is gone, 0 when not or when nothing was."""
    remaining = [part for shift in seen.shifts if (part := _remaining(seen, shift)) is not None]
    if not remaining:
        return 0.0
    return 1.0 if float(np.quantile(remaining, 0.75)) < BACK else 0.0


def _remaining(seen: picture.Picture, shift: shifts.Shift) -> float | None:
    """How much of the peak since the onset is left in the last minute; None when nothing was felt here."""
    if shift.role not in FELT or shift.z < FELT_Z:
        return None
    times, values = shift.signal.times_s, shifts.oriented(shift.signal)
    late = (times >= seen.onset_s - BEFORE_S) & np.isfinite(values)
    height = float(values[late].max()) - shift.before if late.any() else 0.0
    if height <= 0:
        return None
    last = values[late][times[late] >= times[late][-1] - RECENT_S]
    return (float(np.median(last)) - shift.before) / height
