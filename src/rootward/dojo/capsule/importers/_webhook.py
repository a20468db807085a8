"""The alert of a recorded incident as Alertmanager would have sent it (webhook payload, version 4)."""

import urllib.parse
from collections.abc import Mapping
from typing import Any

from rootward import _clock
from rootward.dojo.capsule import telemetry

NO_END = "0001-01-01T00:00:00Z"
_FNV_OFFSET, _FNV_PRIME = 14695981039346656037, 1099511628211


def payload(
    labels: Mapping[str, str], annotations: Mapping[str, str], *, starts_s: float, expr: str = ""
) -> dict[str, Any]:
    """One firing alert; `expr` is the watched query, which Prometheus puts into the generator's link."""
    link = "http://prometheus:9090/graph"
    if expr:
        link += "?" + urllib.parse.urlencode({"g0.expr": expr, "g0.tab": "1"})
    alert = {
        "status": "firing",
        "labels": dict(labels),
        "annotations": dict(annotations),
        "startsAt": _clock.to_iso(starts_s),
        "endsAt": NO_END,
        "generatorURL": link,
        "fingerprint": fingerprint(labels),
    }
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{labels["alertname"]}"}}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "rootward",
        "groupLabels": {"alertname": labels["alertname"]},
        "commonLabels": dict(labels),
        "commonAnnotations": dict(annotations),
        "externalURL": "http://alertmanager:9093",
        "alerts": [alert],
    }


def fired(labels: Mapping[str, str], annotations: Mapping[str, str], *, starts_s: float) -> telemetry.FiredAlert:
    """The same alert as Alertmanager's own API lists it."""
    return telemetry.FiredAlert(
        rule=labels["alertname"],
        labels=dict(labels),
        annotations=dict(annotations),
        active_s=starts_s,
        starts_s=starts_s,
    )


def fingerprint(labels: Mapping[str, str]) -> str:
    """FNV-1a over sorted names and values, each ended by 0xff (prometheus/common, model/signature.go)."""
    value = _FNV_OFFSET
    for name in sorted(labels):
        for part in (name, labels[name]):
            for byte in (*part.encode(), 0xFF):
                value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def absent(data: telemetry.Telemetry) -> dict[str, str]:
    """`access` of a recording: vendors of which it holds nothing are not part of that system."""
    held = {
        "prometheus": bool(data.metrics.blocks),
        "alertmanager": bool(data.alerts),
        "loki": data.logs is not None,
        "jaeger": data.spans is not None,
        "tempo": data.spans is not None,
        "kubernetes": bool(data.cluster.versions or data.cluster.events),
        "github": bool(data.code.commits),
        "slack": bool(data.messages),
        "pagerduty": bool(data.change_events or data.incidents),
    }
    return {vendor: "absent" for vendor, present in held.items() if not present}
