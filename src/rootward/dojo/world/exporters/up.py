"""The scraper's own `up`: 1 where the last scrape of a target worked."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import requests, sheet, styles

META = {"up": tm.MetricMeta("gauge", "")}


def emit(frame: fr.Frame) -> list[tm.MetricBlock]:
    page = sheet.Sheet(frame, "up")
    gaps = frame.gaps
    for p, pod in enumerate(frame.fleet.pods):
        component = frame.layout.components[pod.component]
        if not component.style:
            continue
        up = frame.fleet.running[p].astype(np.float64)
        if p in gaps:
            up = up * ~gaps[p]
        if pod.component in frame.draft.hidden:
            up = up * 0.0
        if pod.component in frame.draft.unscraped:
            up = up * ~frame.draft.unscraped[pod.component]
        row = tm.absent_to_stale(up, ~frame.fleet.exists[p] | frame.fleet.pending(p))
        labels = {"__name__": "up", **styles.target(frame, pod.component, p, requests.PORTS[component.style])}
        page.gauge(labels, row)
    return page.blocks()
