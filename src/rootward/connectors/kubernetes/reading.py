"""Turns Kubernetes Events and container logs into records."""

import re
from typing import Any

import numpy as np

from rootward import _clock, errors
from rootward.connectors import _json
from rootward.signals import entities, records, redaction

_ENTITY_KINDS = {
    "Pod": entities.EntityKind.POD,
    "Node": entities.EntityKind.NODE,
    "Namespace": entities.EntityKind.NAMESPACE,
    "Service": entities.EntityKind.SERVICE,
    "Endpoints": entities.EntityKind.SERVICE,
}
# A ReplicaSet is its Deployment's name and a hash (rand.SafeEncodeString of a number).
_REPLICA_SET = re.compile(r"(.+)-[bcdf0-9ghjklmnpqrstvwxz]{6,10}\Z")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\S+")


def event(value: Any, source: str) -> records.Event:
    """A core/v1 Event (or one of events.k8s.io, seen through it): repeated ones carry a count or a series.

    Raises:
        errors.BackendMalformed: it has no time or no object.
    """
    body = _json.mapping(value, "an event")
    about = _json.mapping(body.get("involvedObject") or body.get("regarding"), "involvedObject")
    repeated, metadata = _json.inner(body, "series"), _json.inner(body, "metadata")
    moments = [repeated.get("lastObservedTime"), body.get("lastTimestamp"), body.get("eventTime")]
    moments.append(metadata.get("creationTimestamp"))
    time_s = next((found for one in moments if (found := _json.optional_time(one)) is not None), None)
    if time_s is None:
        raise errors.BackendMalformed("an event has no time")
    count = repeated.get("count") or body.get("count") or 1
    return records.Event(
        time_s=time_s,
        entity=_entity(about),
        reason=_json.optional_text(body.get("reason")),
        message=redaction.redact(_json.optional_text(body.get("message") or body.get("note"))),
        warning=body.get("type") == "Warning",
        count=count if isinstance(count, int) and count > 0 else 1,
        first_s=_json.optional_time(body.get("firstTimestamp")) or _json.optional_time(body.get("eventTime")),
        source=source,
    )


def _entity(about: Any) -> entities.Entity:
    kind, name = _json.optional_text(about.get("kind")), _json.text(about.get("name"), "involvedObject.name")
    if kind == "ReplicaSet" and (match := _REPLICA_SET.match(name)):
        name = match[1]
    namespace = "" if kind in ("Node", "Namespace") else _json.optional_text(about.get("namespace"))
    return entities.Entity(_ENTITY_KINDS.get(kind, entities.EntityKind.WORKLOAD), name, namespace)


def log(text: str, labels: dict[str, str], *, lines_max: int) -> records.LogBatch:
    """The last `lines_max` lines, as `timestamps=true` writes them: RFC 3339, a space, the line. One without a time takes that
    of the line before it."""
    times_s: list[float] = []
    lines: list[str] = []
    for line in text.splitlines()[-lines_max:]:
        stamp, _, rest = line.partition(" ")
        time_s = _time(stamp)
        if time_s is None:
            time_s, rest = (times_s[-1] if times_s else 0.0), line
        times_s.append(time_s)
        lines.append(rest)
    order = np.argsort(np.array(times_s), kind="stable")
    return records.LogBatch(
        times_s=np.array(times_s, dtype=np.float64)[order],
        lines=redaction.redact_all(lines[i] for i in order),
        stream=[0] * len(lines),
        streams=[labels],
    )


def _time(text: str) -> float | None:
    if not _STAMP.match(text):
        return None
    try:
        return _clock.from_iso(text)
    except ValueError:
        return None
