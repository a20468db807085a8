"""Warnings that somebody once set too tight: they come and go on any day and mean nothing."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world.exporters import styles
from rootward.dojo.world.rules import watching

QUANTILES = (0.9, 0.97)
FOR_S = 60.0


def watches(frame: fr.Frame) -> list[watching.Watch]:
    """For a few services, a warning above a ratio of errors that an ordinary hour reaches now and then."""
    rng = frame.rng("flapping")
    layout = frame.layout
    able = [i for i in layout.of_kind(bp.Kind.SERVICE) if layout.components[i].style and i not in frame.draft.hidden]
    chosen = [able[int(k)] for k in rng.permutation(len(able))][: int(rng.poisson(frame.noise.flapping_rules))]
    return [_warning(frame, i, float(rng.uniform(*QUANTILES))) for i in chosen]


def _warning(frame: fr.Frame, i: int, quantile: float) -> watching.Watch:
    component = frame.layout.components[i]
    failed, total = frame.counts.failed[:, i], frame.counts.total[:, i]
    ratio = watching.over_window(frame, failed) / np.maximum(watching.over_window(frame, total), 1.0)
    usual = ratio[round(watching.WINDOW_S / frame.step_s) : max(frame.draft.onset, 60)]
    threshold = round(float(np.quantile(usual, quantile)), 5)
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}ErrorBudgetBurn",
        styles.error_expr(styles.STYLES[component.style], component.name, threshold),
        FOR_S,
        watching.labels(frame, i, "warning"),
        {
            "summary": f"Error budget of {component.name} is burning",
            "description": "Burn rate {{ $value | humanizePercentage }} over the last 5 minutes.",
        },
        group=f"{component.name}.slo",
    )
    return watching.Watch(rule, i, False, ratio > threshold, ratio)
