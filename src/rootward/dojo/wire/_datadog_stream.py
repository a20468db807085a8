"""The event stream: roll-outs, changes, Kubernetes' events and monitors that changed state, as Datadog's integrations post them."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.engines.columns import table
from rootward.dojo.wire import _datadog_events as events
from rootward.dojo.wire import _datadog_naming as naming
from rootward.dojo.wire import _datadog_replies as replies


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    time_s: float
    title: str
    text: str
    source: str
    status: str  # info, success, warning, error
    tags: Mapping[str, str]
    key: str


def of(telemetry: records.Telemetry) -> list[Event]:
    """Every event in order of time."""
    found = [*_deployments(telemetry), *_changes(telemetry), *_cluster(telemetry), *_monitors(telemetry)]
    return sorted(found, key=lambda one: (one.time_s, one.key))


def _deployments(telemetry: records.Telemetry) -> Iterator[Event]:
    for one in telemetry.code.deployments:
        tags = {
            "env": one.environment,
            "service": one.payload.get("service", ""),
            "version": one.payload.get("version", ""),
        }
        tags |= {"git.commit.sha": one.sha, "git.repository.id": one.repository}
        text = f"{one.creator} deployed {one.repository}@{one.sha[:7]} to {one.environment}"
        yield Event(one.time_s, one.description or text, text, "github", "info", _kept(tags), f"deployment{one.id}")


def _changes(telemetry: records.Telemetry) -> Iterator[Event]:
    for one in telemetry.change_events:
        tags = {
            **{key: naming.tag_value(value) for key, value in one.details.items()},
            "service": one.service,
            "env": "production",
        }
        text = "\n".join(f"{key}: {value}" for key, value in one.details.items())
        yield Event(one.time_s, one.summary, text, one.source, "info", _kept(tags), f"change{one.id}")


def _cluster(telemetry: records.Telemetry) -> Iterator[Event]:
    for one in telemetry.cluster.events:
        stamp = one.get("lastTimestamp") or one.get("eventTime") or (one.get("metadata") or {}).get("creationTimestamp")
        about = one.get("involvedObject") or one.get("regarding") or {}
        if not stamp:
            continue
        name = str(about.get("name", ""))
        tags = {
            "kube_namespace": str(about.get("namespace", "")),
            "kube_kind": str(about.get("kind", "")).lower(),
            "kube_name": name,
        }
        if about.get("kind") == "Pod":
            tags |= naming.tags({"pod": name})
        title = f"Events from the {about.get('kind', '')} {about.get('namespace', '')}/{name}"
        text = f"{one.get('count') or 1} **{one.get('reason', '')}**: {one.get('message') or one.get('note') or ''}"
        status = "warning" if one.get("type") == "Warning" else "info"
        yield Event(
            _clock.from_iso(str(stamp)),
            title,
            text,
            "kubernetes",
            status,
            _kept(tags),
            f"cluster{name}{one.get('reason', '')}{stamp}",
        )


def _monitors(telemetry: records.Telemetry) -> Iterator[Event]:
    for one in telemetry.alerts:
        tags = {key: naming.tag_value(value) for key, value in one.labels.items() if key != "alertname"}
        summary = one.annotations.get("summary", one.rule)
        text = one.annotations.get("description", summary)
        key = f"{one.rule}{one.starts_s}"
        monitor = {**tags, "monitor": naming.tag_value(one.rule), "env": "production"}
        yield Event(one.starts_s, f"[Triggered] {summary}", text, "alert", "error", _kept(monitor), f"a{key}")
        if one.ends_s is not None:
            yield Event(one.ends_s, f"[Recovered] {summary}", text, "alert", "success", _kept(monitor), f"r{key}")


def _kept(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if value}


def as_events(stream: list[Event]) -> events.Events:
    """The stream as a table to search."""
    sheet = events.Sheet()
    for row, one in enumerate(stream):
        sheet.put(
            row, {"title": one.title, "message": f"{one.title}\n{one.text}", "source": one.source, "status": one.status}
        )
        sheet.put(
            row,
            {
                name: value
                for name, value in one.tags.items()
                if name not in events.RESERVED or name in ("service", "host")
            },
        )
    times_ms = np.array([round(one.time_s * 1000) for one in stream], dtype=np.float64)
    return events.Events(sheet.table(times_ms, ("message",)), times_ms)


def v1(one: Event) -> dict[str, Any]:
    """An event of /api/v1/events."""
    number = replies.identifier(one.key)
    return {
        "id": number,
        "id_str": str(number),
        "title": one.title,
        "text": one.text,
        "date_happened": int(one.time_s),
        "alert_type": one.status,
        "priority": "normal",
        "source": one.source,
        "tags": [f"{key}:{value}" for key, value in sorted(one.tags.items())],
        "host": one.tags.get("host"),
        "device_name": None,
        "url": f"/event/event?id={number}",
        "resource": f"/api/v1/events/{number}",
        "is_aggregate": False,
        "children": [],
        "comments": [],
    }


def render(stream: list[Event]) -> events.Render:
    """What an event of /api/v2/events looks like."""

    def rendered(_table: table.Table, row: int) -> dict[str, Any]:
        one = stream[row]
        tags = [f"{key}:{value}" for key, value in sorted(one.tags.items())]
        ms = round(one.time_s * 1000)
        inner = {
            "title": one.title,
            "status": one.status,
            "service": one.tags.get("service", ""),
            "source_type_name": one.source,
            "timestamp": ms,
            "tags": tags,
            "priority": "normal",
            "hostname": one.tags.get("host", ""),
            "evt": {"id": str(replies.identifier(one.key)), "name": one.title, "type": one.source},
        }
        attributes = {"timestamp": replies.iso(ms), "message": one.text, "tags": tags, "attributes": inner}
        return {"id": events.event_id(row, "AgAAA"), "type": "event", "attributes": attributes}

    return rendered
