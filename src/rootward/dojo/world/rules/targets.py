"""The rule over scrapes: a tier-one service whose own metrics do not come in."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import requests, styles
from rootward.dojo.world.rules import watching

FOR_S = 180.0


def watches(frame: fr.Frame) -> list[watching.Watch]:
    layout = frame.layout
    return [_down(frame, i) for i, c in enumerate(layout.components) if c.tier_one and c.style]


def _down(frame: fr.Frame, i: int) -> watching.Watch:
    component = frame.layout.components[i]
    pods = frame.fleet.of(i)
    lost = frame.draft.unscraped.get(i, np.zeros(frame.steps, dtype=np.bool_))
    scraped = frame.fleet.exists[pods] & ~np.array([frame.fleet.pending(p) for p in pods])
    there = np.maximum(scraped.sum(axis=0), 1)
    up = (frame.fleet.running[pods] & ~lost).sum(axis=0) / there
    if i in frame.draft.hidden:
        up = up * 0.0
    labels = styles.target(frame, i, pods[0], requests.PORTS[component.style])
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}TargetDown",
        f'avg(up{{job="{labels["job"]}"}}) < 0.5',
        FOR_S,
        watching.labels(frame, i, "critical"),
        {
            "summary": f"More than half of the targets of {component.name} cannot be scraped",
            "description": f"{{{{ $value | humanizePercentage }}}} of the targets of {component.name} are up.",
        },
        group="scraping",
    )
    return watching.Watch(rule, i, True, (up < 0.5) & scraped.any(axis=0), up)
