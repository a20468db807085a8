"""What fired, which of it somebody is asked to look at, and the webhook that asks."""

import dataclasses
import hashlib
from typing import Any

from rootward import _clock
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world.rules import watching

TOGETHER_S = 150.0
"""Pages within this many seconds are one incident; the one closest to the user opens it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """The firing that starts the investigation, and the component that it is about."""

    alert: tm.FiredAlert
    rule: tm.AlertRule
    component: int


def render(text: str, value: float) -> str:
    """Fill in the value as Prometheus's template functions would."""
    return (
        text.replace("{{ $value | humanizePercentage }}", f"{value * 100:.4g}%")
        .replace("{{ $value | humanizeDuration }}", f"{value:.4g}s")
        .replace("{{ $value }}", f"{value:.4g}")
    )


def fired(frame: fr.Frame, watched: list[watching.Watch]) -> list[tuple[watching.Watch, tm.FiredAlert]]:
    """Every firing of every rule, in order of time."""
    found = [(watch, alert) for watch in watched for alert in watching.firings(frame, watch, render)]
    return sorted(found, key=lambda pair: (pair[1].starts_s, pair[0].rule.name))


def page(
    frame: fr.Frame, found: list[tuple[watching.Watch, tm.FiredAlert]], latest_s: float, planted: dr.Planted
) -> Page | None:
    """The first page after the onset and no later than `latest_s` that what was planted can have caused; among nearly
    simultaneous ones mostly the one nearest to the user."""
    onset_s = float(frame.times_s[frame.draft.onset])
    pages = [
        (w, a)
        for w, a in found
        if w.page and onset_s < a.active_s and a.starts_s <= latest_s and _related(frame, w, planted)
    ]
    if not pages:
        return None
    first_s = pages[0][1].starts_s
    close = [pair for pair in pages if pair[1].starts_s <= first_s + TOGETHER_S]
    watch, alert = (
        min(close, key=lambda pair: (pair[0].component, pair[1].starts_s))
        if frame.rng("page").uniform() < 0.7
        else pages[0]
    )
    return Page(alert, watch.rule, watch.component)


def _related(frame: fr.Frame, watch: watching.Watch, planted: dr.Planted) -> bool:
    """Whether calls lead from what is watched to where trouble starts, or (for load) the other way."""
    if not planted.causes or planted.place < 0:
        return True
    ways = (watch.component, planted.place), (planted.place, watch.component)
    return any(frame.layout.path(top, bottom) for top, bottom in ways)


def fingerprint(labels: tm.Labels) -> str:
    """Sixteen hex digits that depend on the labels only (Alertmanager uses FNV-1a; any hash will do for clients)."""
    text = "\xff".join(f"{key}\xfe{labels[key]}" for key in sorted(labels))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def webhook(frame: fr.Frame, chosen: Page) -> dict[str, Any]:
    """The Alertmanager webhook payload, version 4."""
    plan = frame.layout.plan
    labels = dict(chosen.alert.labels) | {"cluster": f"{plan.namespace}-prod"}
    annotations = dict(chosen.alert.annotations)
    group = {key: labels[key] for key in ("alertname", "service", "namespace") if key in labels}
    key = "{}:{" + ", ".join(f'{name}="{value}"' for name, value in sorted(group.items())) + "}"
    return {
        "version": "4",
        "groupKey": key,
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "on-call",
        "groupLabels": group,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": f"https://alertmanager.{plan.domain}",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": _clock.to_iso(chosen.alert.starts_s),
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": f"https://prometheus.{plan.domain}/graph?g0.expr={_escaped(chosen.rule.expr)}&g0.tab=1",
                "fingerprint": fingerprint(labels),
            }
        ],
    }


def _escaped(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "+" if c == " " else f"%{ord(c):02X}" for c in text)
