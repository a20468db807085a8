"""Alerts from Alertmanager's webhook (version 4), and from its API: both write an alert in almost the same way.

Source: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import math
from collections.abc import Mapping
from typing import Any
from urllib import parse as urls

from rootward import errors
from rootward.signals import alert_json, alert_labels, alerts, redaction

SUMMARIES = ("summary", "title", "message")


def recognises(payload: object) -> bool:
    """Whether this looks like Alertmanager's: a webhook, one alert, or a list of alerts."""
    if isinstance(payload, list):
        return bool(payload) and recognises(payload[0])
    return isinstance(payload, dict) and ("alerts" in payload or "startsAt" in payload)


def parse(payload: object) -> list[alerts.Alert]:
    """The alerts of a webhook, of a list as `GET /api/v2/alerts` gives it, or a single one of these; firing ones first.

    Raises:
        errors.AlertError: it is none of them; the message names the field.
    """
    if isinstance(payload, list):
        return _firing_first([one(alert) for alert in payload])
    if not isinstance(payload, dict):
        raise errors.AlertError(f"an Alertmanager webhook is an object, not {type(payload).__name__}")
    if "alerts" not in payload:
        return [one(payload)]
    listed = payload["alerts"]
    if not isinstance(listed, list) or not listed:
        raise errors.AlertError("an Alertmanager webhook has a list of alerts, with at least one in it")
    common = {key: _texts(payload.get(key), key) for key in ("commonLabels", "commonAnnotations")}
    return _firing_first([one(alert, common["commonLabels"], common["commonAnnotations"]) for alert in listed])


def one(
    payload: object,
    common_labels: Mapping[str, str] | None = None,
    common_annotations: Mapping[str, str] | None = None,
    *,
    now_s: float = math.inf,
    source: str = "alertmanager",
) -> alerts.Alert:
    """One alert. Its end counts only when it is not after `now_s`: the API gives firing ones an end to come.

    Raises:
        errors.AlertError: it has no name or no start.
    """
    if not isinstance(payload, dict):
        raise errors.AlertError(f"an alert is an object, not {type(payload).__name__}")
    labels = {**(common_labels or {}), **_texts(payload.get("labels"), "labels")}
    annotations = {**(common_annotations or {}), **_texts(payload.get("annotations"), "annotations")}
    name = labels.get("alertname", "")
    if not name:
        raise errors.AlertError("an alert needs the label alertname")
    link = payload.get("generatorURL")
    link = link if isinstance(link, str) else ""
    expr = annotations.get("expr", "") or urls.parse_qs(urls.urlsplit(_safe(link)).query).get("g0.expr", [""])[0]
    return alerts.Alert(
        name=name,
        starts_at_s=alert_json.time_s(payload.get("startsAt"), "startsAt"),
        ends_at_s=_ends_at_s(payload, now_s),
        severity=labels.get("severity", "") or labels.get("priority", ""),
        summary=next((annotations[key] for key in SUMMARIES if annotations.get(key)), ""),
        description=annotations.get("description", ""),
        labels=labels,
        annotations=annotations,
        entity=alert_labels.entity(labels),
        metric=alert_labels.metric(labels, annotations, expr),
        expr=expr,
        threshold=_threshold(annotations, expr),
        source=source,
        fingerprint=str(payload.get("fingerprint") or ""),
        link=redaction.redact(link),
    )


def _firing_first(found: list[alerts.Alert]) -> list[alerts.Alert]:
    return sorted(found, key=lambda alert: alert.ends_at_s is not None)


def _ends_at_s(payload: Mapping[str, Any], now_s: float) -> float | None:
    """None while it fires. Go writes "no end" as the year 1."""
    status = payload.get("status")
    text = payload.get("endsAt")
    if status == "firing" or not isinstance(text, str) or not text or text.startswith("0001-01-01"):
        return None
    ends_at_s = alert_json.time_s(text, "endsAt")
    return ends_at_s if ends_at_s <= now_s else None


def _threshold(annotations: Mapping[str, str], expr: str) -> float | None:
    try:
        return float(annotations["threshold"])
    except (KeyError, ValueError):
        return alert_labels.threshold(expr)


def _safe(link: str) -> str:
    """urlsplit raises on a few malformed hosts; such a link tells no expression."""
    try:
        urls.urlsplit(link)
    except ValueError:
        return ""
    return link


def _texts(value: object, field: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise errors.AlertError(f"{field} is an object of texts, not {value!r}")
    return redaction.redact_labels(value)
