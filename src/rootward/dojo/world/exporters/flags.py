"""Feature flags as OpenFeature's metrics hook counts their evaluations, by variant."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import flags
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import requests, sheet, styles

META = {
    "feature_flag_evaluation_success_total": tm.MetricMeta("counter", "Counts the number of successful evaluations"),
}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "flags")
    for i, component in enumerate(frame.layout.components):
        flag = flags.of(frame.layout, i, frame.draft.seed)
        if flag is None or i in frame.draft.hidden:
            continue
        style, pods = styles.STYLES[component.style], frame.fleet.of(i)
        share = frame.fleet.share[pods]
        on = flags.on_share(frame.draft, i, flag)
        for variant, part in (("on", on), ("off", 1.0 - on)):
            labels: list[tm.Labels] = [
                {
                    "__name__": "feature_flag_evaluation_success_total",
                    **styles.target(frame, i, p, requests.PORTS[style.name]),
                    **style.naming(component.name),
                    "key": flag.key,
                    "variant": variant,
                    "reason": "SPLIT",
                    "provider_name": "flagsmith",
                }
                for p in pods
            ]
            page.counters(labels, share * np.maximum(frame.counts.total[:, i] * part, 0.0), pods)
    return page.blocks()
