"""Rules over requests: the share that failed and the 99th percentile of their duration, service by service."""

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world.exporters import styles
from rootward.dojo.world.rules import watching

QUANTILE = 0.99
ERRORS_PAGE = 0.02
ERRORS_WARN = 0.08
TIGHT = 0.7
HEADROOM = 2.0
"""A latency threshold is the first bucket bound above this many times the usual p99."""


def watches(frame: fr.Frame) -> list[watching.Watch]:
    found: list[watching.Watch] = []
    for i, component in enumerate(frame.layout.components):
        if component.style:
            found += [_errors(frame, i), _latency(frame, i)]
    return found


def _errors(frame: fr.Frame, i: int) -> watching.Watch:
    component = frame.layout.components[i]
    style = styles.STYLES[component.style]
    threshold = ERRORS_PAGE if component.tier_one else ERRORS_WARN
    failed, total = frame.counts.failed[:, i], frame.counts.total[:, i]
    ratio = watching.over_window(frame, failed) / np.maximum(watching.over_window(frame, total), 1.0)
    page, for_s = component.tier_one, watching.patience_s(frame, i, "errors")
    if frame.draft.noisy_rule and frame.draft.noisy_rule[0] == i:
        quiet = ratio[round(watching.WINDOW_S / frame.step_s) : frame.draft.onset]
        threshold, page, for_s = round(float(np.quantile(quiet, frame.draft.noisy_rule[1])), 5), True, 60.0
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}HighErrorRate",
        styles.error_expr(style, component.name, threshold),
        for_s,
        watching.labels(frame, i, "critical" if page else "warning"),
        {
            "summary": f"High error ratio on {component.name}",
            "description": f"More than {threshold * 100:.3g}% of requests to {component.name} failed over the last 5 minutes (current: {{{{ $value | humanizePercentage }}}}).",
            "runbook_url": f"https://runbooks.{frame.layout.plan.domain}/{component.name}/errors",
        },
        group=f"{component.name}.slo",
    )
    return watching.Watch(rule, i, page, ratio > threshold, ratio)


def usual_quantile_s(frame: fr.Frame, i: int) -> float:
    """The p99 that the component has on an ordinary day."""
    slowest = max(route.slowness for route in frame.layout.components[i].routes)
    base = float(np.median(frame.state.latency[: max(2, frame.draft.onset - 4), i]))
    return base * slowest * float(fr.quantile_factor(frame.counts.shape[i], QUANTILE))


def _latency(frame: fr.Frame, i: int) -> watching.Watch:
    component = frame.layout.components[i]
    style = styles.STYLES[component.style]
    usual_s = usual_quantile_s(frame, i)
    bound_s = next((b for b in style.buckets if b >= HEADROOM * usual_s), style.buckets[-1])
    holds = _slower(frame, i, bound_s)
    if frame.draft.retuned == i:
        bound_s = max((b for b in style.buckets if b < TIGHT * usual_s), default=style.buckets[0])
        holds = np.where(np.arange(frame.steps) < frame.draft.onset, holds, _slower(frame, i, bound_s))
    rule = tm.AlertRule(
        f"{watching.camel(component.name)}HighLatency",
        styles.latency_expr(style, component.name, QUANTILE, bound_s),
        watching.patience_s(frame, i, "latency"),
        watching.labels(frame, i, watching.severity(component)),
        {
            "summary": f"p99 latency of {component.name} above {watching.span(bound_s)}",
            "description": f"The 99th percentile of {component.name} has been above {watching.span(bound_s)} (current: {{{{ $value | humanizeDuration }}}}).",
            "runbook_url": f"https://runbooks.{frame.layout.plan.domain}/{component.name}/latency",
        },
        group=f"{component.name}.slo",
    )
    # histogram_quantile exceeds a bucket's bound exactly when less than the quantile lies at or below that bound.
    scale = frame.state.latency[:, i] / fr.mean_factor(frame.counts.shape[i])
    p99 = np.minimum(scale * (QUANTILE / (1 - QUANTILE)) ** (1 / frame.counts.shape[i]), style.buckets[-1])
    return watching.Watch(rule, i, component.tier_one, holds, p99)


def _slower(frame: fr.Frame, i: int, bound_s: float) -> lay.BoolArray:
    """Where more than one request in a hundred of the rule's window took longer than a bucket's bound; [T]."""
    routes = frame.layout.components[i].routes
    whole = sum(route.share for route in routes)
    scale = frame.state.latency[:, i] / fr.mean_factor(frame.counts.shape[i])
    below = np.zeros(frame.steps)
    for route in routes:
        below += route.share / whole / (1.0 + (scale * route.slowness / bound_s) ** frame.counts.shape[i])
    total = frame.counts.total[:, i]
    share = watching.over_window(frame, total * below) / np.maximum(watching.over_window(frame, total), 1.0)
    return (share < QUANTILE) & (total > 0)
