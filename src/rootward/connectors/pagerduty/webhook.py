"""Alerts from PagerDuty: its V3 webhook, and incidents of its REST API.

Source: https://developer.pagerduty.com/docs/webhooks-overview
"""

from collections.abc import Mapping
from typing import Any

from rootward import errors
from rootward.signals import alert_json, alert_labels, alerts, entities, redaction


def recognises(payload: object) -> bool:
    """Whether this looks like PagerDuty's: a V3 webhook, or an incident."""
    if not isinstance(payload, dict):
        return False
    event, incident = payload.get("event"), payload.get("incident")
    return (
        (isinstance(event, dict) and "event_type" in event)
        or isinstance(incident, dict)
        or "incident_number" in payload
    )


def parse(payload: object) -> list[alerts.Alert]:
    """The incident of a V3 webhook (`incident.triggered` and the like), or an incident as `GET /incidents/{id}` gives it.

    Raises:
        errors.AlertError: it is neither; the message names the field.
    """
    if not isinstance(payload, dict):
        raise errors.AlertError(f"a PagerDuty webhook is an object, not {type(payload).__name__}")
    if "event" not in payload:
        return [incident(payload.get("incident", payload))]
    event = payload["event"]
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise errors.AlertError("a PagerDuty webhook has event.data, an incident")
    kind = event.get("event_type")
    if not isinstance(kind, str) or not kind.startswith("incident."):
        raise errors.AlertError(f"event_type is one of PagerDuty's incident.*, not {kind!r}")
    return [incident(event["data"])]


def incident(payload: object, details: Mapping[str, str] | None = None, *, source: str = "pagerduty") -> alerts.Alert:
    """One incident; `details` are the labels of the alert that opened it, where they are known.

    Raises:
        errors.AlertError: it has no title or no start.
    """
    if not isinstance(payload, dict):
        raise errors.AlertError(f"an incident is an object, not {type(payload).__name__}")
    title = payload.get("title") or payload.get("summary")
    if not isinstance(title, str) or not title:
        raise errors.AlertError("an incident needs a title")
    labels = redaction.redact_labels({**_details(payload), **(details or {})})
    service = payload.get("service")
    service_name = service.get("summary") if isinstance(service, dict) else None
    found = alert_labels.entity(labels)
    if (
        isinstance(service_name, str)
        and service_name
        and (found is None or found.kind is entities.EntityKind.NAMESPACE)
    ):
        found = entities.Entity(entities.EntityKind.SERVICE, service_name, found.name if found else "")
    expr = labels.get("expr", "")
    priority = payload.get("priority")
    severity = priority.get("summary") if isinstance(priority, dict) else None
    return alerts.Alert(
        name=labels.get("alertname", "") or redaction.redact(title),
        starts_at_s=alert_json.time_s(payload.get("created_at"), "created_at"),
        ends_at_s=_ends_at_s(payload),
        severity=str(severity or labels.get("severity") or payload.get("urgency") or ""),
        summary=redaction.redact(title),
        description=redaction.redact(str(payload.get("description") or "")),
        labels=labels,
        entity=found,
        metric=alert_labels.metric(labels, {}, expr),
        expr=expr,
        threshold=alert_labels.threshold(expr),
        source=source,
        fingerprint=str(payload.get("incident_key") or payload.get("id") or ""),
        link=str(payload.get("html_url") or ""),
    )


def _ends_at_s(payload: Mapping[str, Any]) -> float | None:
    if payload.get("status") != "resolved":
        return None
    text = payload.get("resolved_at") or payload.get("last_status_change_at") or payload.get("updated_at")
    return None if text is None else alert_json.time_s(text, "resolved_at")


def _details(payload: Mapping[str, Any]) -> dict[str, str]:
    """The labels in `body.details`, where integrations put what the sender said, or in its `labels`, `firing_details` …"""
    body = payload.get("body")
    return details_of(body) if isinstance(body, dict) else {}


def details_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The texts under an alert's `body`: in details, in details.labels, and in the common event format's details."""
    details = body.get("details")
    cef = body.get("cef_details")
    places = [
        cef.get("details") if isinstance(cef, dict) else None,
        details,
        details.get("labels") if isinstance(details, dict) else None,
    ]
    found: dict[str, str] = {}
    for place in places:
        if isinstance(place, dict):
            found |= {str(key): value for key, value in place.items() if isinstance(value, str) and "\n" not in value}
    return found
