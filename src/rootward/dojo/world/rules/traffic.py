"""The rule over how much arrives: an entry that gets far less than half an hour ago."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import styles
from rootward.dojo.world.rules import watching

EARLIER = "30m"
EARLIER_S = 1800.0
SHARE = 0.3
FOR_S = 180.0


def watches(frame: fr.Frame) -> list[watching.Watch]:
    busiest = sorted(frame.layout.entries, key=lambda i: -frame.layout.rate[i])[:1]
    return [_less(frame, i) for i in busiest if frame.layout.components[i].style]


def _less(frame: fr.Frame, i: int) -> watching.Watch:
    component = frame.layout.components[i]
    now = watching.over_window(frame, frame.counts.total[:, i])
    back = round(EARLIER_S / frame.step_s)
    before = np.concatenate((np.full(min(back, frame.steps), np.nan), now[:-back]))[: frame.steps]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.nan_to_num(now / before, nan=1.0, posinf=1.0)
    style = styles.STYLES[component.style]
    rate = styles.rate_expr(style, component.name)
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}TrafficDropped",
        f"{rate} / {styles.rate_expr(style, component.name, offset=EARLIER)} < {SHARE:g}",
        FOR_S,
        watching.labels(frame, i, "critical"),
        {
            "summary": f"{component.name} gets far fewer requests than {EARLIER} ago",
            "description": "Only {{ $value | humanizePercentage }} of the traffic of half an hour ago arrives.",
        },
        group=f"{component.name}.slo",
    )
    return watching.Watch(rule, i, True, share < SHARE, share)
