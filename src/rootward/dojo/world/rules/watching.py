"""What every rule shares: how its condition is followed over time, when it is pending, firing and resolved."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr
from rootward.dojo.world import layout as lay

WINDOW_S = 300.0
PATIENCE_S = (60.0, 120.0, 120.0, 300.0)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """A rule, whom it watches, and its value over time: `holds` [T] where its condition is true, `value` [T] what it compares.
    `series` are the labels that the expression's result brings, where one rule watches many things."""

    rule: tm.AlertRule
    component: int
    page: bool
    holds: lay.BoolArray
    value: lay.FloatArray
    series: Mapping[str, str] = dataclasses.field(default_factory=dict)


def over_window(frame: fr.Frame, values: lay.FloatArray) -> lay.FloatArray:
    """Sums of `values` [T, …] over the rules' window."""
    width = max(1, round(WINDOW_S / frame.step_s))
    total = np.cumsum(values, axis=0)
    out = total.copy()
    out[width:] -= total[:-width]
    return out


def number(values: npt.NDArray[Any]) -> lay.FloatArray:
    """Counts or truths as the numbers that a query gives."""
    return np.asarray(values, dtype=np.float64)


def labels(frame: fr.Frame, i: int, severity: str) -> dict[str, str]:
    component = frame.layout.components[i]
    return {
        "severity": severity,
        "service": component.name,
        "namespace": frame.layout.namespace(i),
        "team": component.team,
    }


def severity(component: bp.Component) -> str:
    return "critical" if component.tier_one else "warning"


def patience_s(frame: fr.Frame, i: int, what: str) -> float:
    """How long the team lets a condition hold before the rule fires."""
    return PATIENCE_S[int(frame.rng("patience", i, what).integers(0, len(PATIENCE_S)))]


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def span(seconds: float) -> str:
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1e3:g}ms"


def labelled(text: str, labels: Mapping[str, str]) -> str:
    """Fill in labels as Prometheus's templates do."""
    for key, value in labels.items():
        text = text.replace(f"{{{{ $labels.{key} }}}}", value)
    return text


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
                {"alertname": watch.rule.name, **watch.series, **watch.rule.labels},
                {key: render(labelled(text, watch.series), value) for key, text in watch.rule.annotations.items()},
                round(active_s, 3),
                round(float(frame.times_s[ripe]) + delay_s, 3),
                round(float(frame.times_s[last]) + delay_s, 3) if last < frame.steps else None,
                value,
            )
        )
    return found
