"""Frame: from an alert to the question asked: about whom, over which windows."""

import dataclasses

from rootward.investigator import options
from rootward.signals import alerts, windows


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """`focus` runs from `lead_s` before the alert to the time of asking; `baseline` is the time before it, and may be moved back
    by `probing.history` when nothing was recorded there."""

    alert: alerts.Alert
    now_s: float
    focus: windows.Window
    baseline: windows.Window
    namespace: str

    @property
    def contiguous(self) -> bool:
        """Baseline and focus touch, so one query serves both."""
        return self.baseline.end_s == self.focus.start_s

    @property
    def whole(self) -> windows.Window:
        return windows.Window(self.baseline.start_s, self.focus.end_s)


# An alert looked at long after it ended is investigated as of shortly after its end, when the system still showed it.
AFTER_END_S = 900.0
FOCUS_MIN_S = 300.0


def frame(alert: alerts.Alert, *, now_s: float, chosen: options.Options) -> Frame:
    """Pure. The focus is at least five minutes long, even when the alert's clock runs ahead of ours."""
    end_s = now_s
    if alert.ends_at_s is not None:
        end_s = min(now_s, alert.ends_at_s + AFTER_END_S)
    start_s = alert.starts_at_s - chosen.lead_s
    if end_s - start_s < FOCUS_MIN_S:
        start_s = end_s - chosen.lead_s
    focus = windows.Window(start_s, end_s)
    namespace = alert.labels.get("namespace", "") or (alert.entity.namespace if alert.entity else "")
    return Frame(alert, now_s, focus, focus.before(chosen.history_s), namespace)
