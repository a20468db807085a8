"""The alert rules that a platform team would keep, and what they see in this world."""

import dataclasses
from collections.abc import Callable

import numpy as np

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay
from rootward.dojo.world.exporters import styles

WINDOW_S = 300.0
QUANTILE = 0.99
PATIENCE_S = (60.0, 120.0, 120.0, 300.0)
ERRORS_PAGE = 0.02
ERRORS_WARN = 0.08
HEADROOM = 2.0
"""A latency threshold is the first bucket bound above this many times the usual p99."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """A rule, whom it watches, and its value over time: `holds` [T] where its condition is true, `value` [T] what it compares."""

    rule: tm.AlertRule
    component: int
    page: bool
    holds: lay.BoolArray
    value: lay.FloatArray


def watches(frame: fr.Frame) -> list[Watch]:
    """Every rule of the world with what it sees."""
    found: list[Watch] = []
    for i, component in enumerate(frame.layout.components):
        if component.style:
            found += [_errors(frame, i), _latency(frame, i)]
        if component.consumer:
            found.append(_lag(frame, i))
    found += _outside(frame)
    return found


def over_window(frame: fr.Frame, values: lay.FloatArray) -> lay.FloatArray:
    """Sums of `values` [T, …] over the rules' window."""
    width = max(1, round(WINDOW_S / frame.step_s))
    total = np.cumsum(values, axis=0)
    out = total.copy()
    out[width:] -= total[:-width]
    return out


def _labels(frame: fr.Frame, i: int, severity: str) -> dict[str, str]:
    component = frame.layout.components[i]
    return {
        "severity": severity,
        "service": component.name,
        "namespace": frame.layout.namespace(i),
        "team": component.team,
    }


def _severity(component: bp.Component) -> str:
    return "critical" if component.tier_one else "warning"


def _errors(frame: fr.Frame, i: int) -> Watch:
    component = frame.layout.components[i]
    style = styles.STYLES[component.style]
    threshold = ERRORS_PAGE if component.tier_one else ERRORS_WARN
    failed, total = frame.counts.failed[:, i], frame.counts.total[:, i]
    ratio = over_window(frame, failed) / np.maximum(over_window(frame, total), 1.0)
    page, for_s = component.tier_one, patience_s(frame, i, "errors")
    if frame.draft.noisy_rule and frame.draft.noisy_rule[0] == i:
        quiet = ratio[round(WINDOW_S / frame.step_s) : frame.draft.onset]
        threshold, page, for_s = round(float(np.quantile(quiet, frame.draft.noisy_rule[1])), 5), True, 60.0
    rule = tm.AlertRule(
        f"{_camel(component.name)}HighErrorRate",
        styles.error_expr(style, component.name, threshold),
        for_s,
        _labels(frame, i, "critical" if page else "warning"),
        {
            "summary": f"High error ratio on {component.name}",
            "description": f"More than {threshold * 100:.3g}% of requests to {component.name} failed over the last 5 minutes (current: {{{{ $value | humanizePercentage }}}}).",
            "runbook_url": f"https://runbooks.{frame.layout.plan.domain}/{component.name}/errors",
        },
        group=f"{component.name}.slo",
    )
    return Watch(rule, i, page, ratio > threshold, ratio)


def patience_s(frame: fr.Frame, i: int, what: str) -> float:
    """How long the team lets a condition hold before the rule fires."""
    return PATIENCE_S[int(frame.rng("patience", i, what).integers(0, len(PATIENCE_S)))]


def usual_quantile_s(frame: fr.Frame, i: int) -> float:
    """The p99 that the component has on an ordinary day."""
    slowest = max(route.slowness for route in frame.layout.components[i].routes)
    base = float(np.median(frame.state.latency[: max(2, frame.draft.onset - 4), i]))
    return base * slowest * float(fr.quantile_factor(frame.counts.shape[i], QUANTILE))


def _latency(frame: fr.Frame, i: int) -> Watch:
    component = frame.layout.components[i]
    style = styles.STYLES[component.style]
    usual_s = usual_quantile_s(frame, i)
    bound_s = next((b for b in style.buckets if b >= HEADROOM * usual_s), style.buckets[-1])
    whole = sum(route.share for route in component.routes)
    scale = frame.state.latency[:, i] / fr.mean_factor(frame.counts.shape[i])
    below = np.zeros(frame.steps)
    for route in component.routes:
        below += route.share / whole / (1.0 + (scale * route.slowness / bound_s) ** frame.counts.shape[i])
    total = frame.counts.total[:, i]
    share = over_window(frame, total * below) / np.maximum(over_window(frame, total), 1.0)
    rule = tm.AlertRule(
        f"{_camel(component.name)}HighLatency",
        styles.latency_expr(style, component.name, QUANTILE, bound_s),
        patience_s(frame, i, "latency"),
        _labels(frame, i, _severity(component)),
        {
            "summary": f"p99 latency of {component.name} above {_span(bound_s)}",
            "description": f"The 99th percentile of {component.name} has been above {_span(bound_s)} (current: {{{{ $value | humanizeDuration }}}}).",
            "runbook_url": f"https://runbooks.{frame.layout.plan.domain}/{component.name}/latency",
        },
        group=f"{component.name}.slo",
    )
    # histogram_quantile exceeds a bucket's bound exactly when less than the quantile lies at or below that bound.
    p99 = np.minimum(scale * (QUANTILE / (1 - QUANTILE)) ** (1 / frame.counts.shape[i]), style.buckets[-1])
    return Watch(rule, i, component.tier_one, (share < QUANTILE) & (total > 0), p99)


def _lag(frame: fr.Frame, i: int) -> Watch:
    component = frame.layout.components[i]
    lag = frame.state.queue[:, i]
    limit = max(300.0, float(np.ceil(frame.layout.rate[i] * 60 / 100) * 100))
    group = f"{component.name}-consumers"
    rule = tm.AlertRule(
        f"{_camel(component.name)}ConsumerLag",
        f'sum(kafka_consumergroup_lag{{consumergroup="{group}"}}) > {limit:g}',
        180.0,
        _labels(frame, i, "critical"),
        {
            "summary": f"Consumer group {group} is falling behind",
            "description": f"{group} has more than {limit:g} unprocessed messages (current: {{{{ $value }}}}).",
        },
        group="kafka",
    )
    return Watch(rule, i, True, lag > limit, lag)


def _outside(frame: fr.Frame) -> list[Watch]:
    if frame.draft.reach is None:
        return []
    i = frame.layout.entries[0]
    url = f"https://www.{frame.layout.plan.domain}/"
    seen = over_window(frame, frame.draft.reach) / max(1, round(WINDOW_S / frame.step_s))
    rule = tm.AlertRule(
        "SiteProbeFailing",
        f'avg_over_time(probe_success{{job="blackbox",instance="{url}"}}[5m]) < 0.8',
        60.0,
        _labels(frame, i, "critical") | {"instance": url},
        {
            "summary": f"{url} fails from outside",
            "description": f"Probes of {url} from outside the cluster are failing (success {{{{ $value }}}}).",
        },
        group="blackbox",
    )
    return [Watch(rule, i, True, seen < 0.8, seen)]


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _span(seconds: float) -> str:
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1e3:g}ms"


def firings(frame: fr.Frame, watch: Watch, render: Callable[[str, float], str]) -> list[tm.FiredAlert]:
    """When the rule was pending, firing and resolved; rules are evaluated shortly after each scrape."""
    holds = watch.holds
    edges = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(np.int8)))
    delay_s = 7.3
    found = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        active_s = float(frame.times_s[first]) + delay_s
        ripe = first + int(np.ceil(watch.rule.for_s / frame.step_s))
        if ripe >= last or first < round(WINDOW_S / frame.step_s):
            continue
        value = float(watch.value[ripe])
        found.append(
            tm.FiredAlert(
                watch.rule.name,
                {"alertname": watch.rule.name, **watch.rule.labels},
                {key: render(text, value) for key, text in watch.rule.annotations.items()},
                round(active_s, 3),
                round(float(frame.times_s[ripe]) + delay_s, 3),
                round(float(frame.times_s[last]) + delay_s, 3) if last < frame.steps else None,
                value,
            )
        )
    return found
