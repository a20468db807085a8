"""Our own JSON for an alert, for senders that no connector knows: the fields of `alerts.Alert`, checked.

```json
{"name": "CheckoutErrors", "starts_at": "2026-03-04T10:15:00Z", "entity": {"kind": "service", "name": "checkout"},
 "metric": "error_rate", "severity": "page", "labels": {"team": "shop"}}
```
"""

import contextlib
import math
from collections.abc import Mapping
from typing import Any

from rootward import _clock, errors
from rootward.signals import alert_labels, alerts, entities, redaction

FIELDS = frozenset({"name", "starts_at", "ends_at", "severity", "summary", "description", "labels", "annotations", "entity",
  "metric", "expr", "threshold", "source", "fingerprint", "link"})  # fmt: skip
_TIME_S_MAX = 253_402_300_799.0  # the end of the year 9999


def parse(payload: object) -> list[alerts.Alert]:
    """One alert, or a list of them.

    Raises:
        errors.AlertError: a field is missing, unknown or of the wrong kind; the message names it.
    """
    if isinstance(payload, list):
        return [_parse_one(one) for one in payload]
    return [_parse_one(payload)]


def _parse_one(payload: object) -> alerts.Alert:
    if not isinstance(payload, dict):
        raise errors.AlertError(f"an alert is an object with name and starts_at, not {type(payload).__name__}")
    if unknown := sorted(str(key) for key in payload.keys() - FIELDS):
        raise errors.AlertError(f"an alert has no field {unknown[0]!r}; its fields are {', '.join(sorted(FIELDS))}")
    name = _text(payload, "name")
    if not name:
        raise errors.AlertError("an alert needs a name")
    labels, annotations = _texts(payload, "labels"), _texts(payload, "annotations")
    expr = _text(payload, "expr")
    limit = payload.get("threshold")
    if limit is not None and (
        isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit)
    ):
        raise errors.AlertError(f"threshold is a number, not {limit!r}")
    ends_at = payload.get("ends_at")
    return alerts.Alert(
        name=name,
        starts_at_s=time_s(payload.get("starts_at"), "starts_at"),
        ends_at_s=None if ends_at is None else time_s(ends_at, "ends_at"),
        severity=_text(payload, "severity"),
        summary=_text(payload, "summary"),
        description=_text(payload, "description"),
        labels=labels,
        annotations=annotations,
        entity=_entity(payload.get("entity")) or alert_labels.entity(labels),
        metric=_text(payload, "metric") or alert_labels.metric(labels, annotations, expr),
        expr=expr,
        threshold=alert_labels.threshold(expr) if limit is None else float(limit),
        source=_text(payload, "source") or "generic",
        fingerprint=_text(payload, "fingerprint"),
        link=_text(payload, "link"),
    )


def time_s(value: object, field: str) -> float:
    """Seconds since the epoch from RFC 3339 text, or from a number of seconds.

    Raises:
        errors.AlertError: it is neither, or lies outside the years 1970 to 9999.
    """
    moment_s = math.nan
    if isinstance(value, str):
        with contextlib.suppress(ValueError, OverflowError):  # refused below, with what was expected
            moment_s = _clock.from_iso(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        moment_s = float(value) if abs(value) <= _TIME_S_MAX else math.nan
    if not 0 < moment_s <= _TIME_S_MAX:
        hint = "; it looks like milliseconds" if isinstance(value, int | float) and 1e12 <= value < 1e13 else ""
        raise errors.AlertError(f"{field} is a time such as 2026-03-04T10:15:00Z, not {value!r}{hint}")
    return moment_s


def _entity(value: object) -> entities.Entity | None:
    if value is None:
        return None
    body: Mapping[str, Any] = value if isinstance(value, dict) else {}
    known = [str(kind) for kind in entities.EntityKind]
    name, namespace = body.get("name"), body.get("namespace", "")
    if body.get("kind") not in known or not isinstance(name, str) or not name or not isinstance(namespace, str):
        raise errors.AlertError(f"entity is an object with name and kind, one of {', '.join(known)}; not {value!r}")
    return entities.Entity(entities.EntityKind(body["kind"]), name, namespace)


def _text(payload: Mapping[str, Any], field: str) -> str:
    value = payload.get(field, "")
    if not isinstance(value, str):
        raise errors.AlertError(f"{field} is a text, not {value!r}")
    return redaction.redact(value)


def _texts(payload: Mapping[str, Any], field: str) -> dict[str, str]:
    value = payload.get(field) or {}
    if not isinstance(value, dict) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise errors.AlertError(f"{field} is an object of texts, not {value!r}")
    return redaction.redact_labels(value)
