"""Everything of a telemetry that is no table, as plain JSON documents and back: cluster, code, changes, chat, alerts."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from rootward.dojo.capsule import telemetry

Record = TypeVar("Record")


def to_documents(data: telemetry.Telemetry) -> dict[str, Any]:
    """File name → JSON-able document."""
    return {
        "cluster.json": {
            "version": data.cluster.version,
            "versions": _plain(data.cluster.versions),
            "events": [dict(event) for event in data.cluster.events],
        },
        "code.json": {
            "commits": _plain(data.code.commits),
            "pulls": _plain(data.code.pulls),
            "deployments": _plain(data.code.deployments),
        },
        "changes.json": _plain(data.change_events),
        "chat.json": _plain(data.messages),
        "alerts.json": {
            "rules": _plain(data.rules),
            "recordings": _plain(data.recordings),
            "alerts": _plain(data.alerts),
            "incidents": _plain(data.incidents),
        },
    }


def from_documents(documents: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of `Telemetry` that `to_documents` took apart.

    Raises:
        KeyError, TypeError, AttributeError: fields missing or unknown.
    """
    cluster, code, alerts = documents["cluster.json"], documents["code.json"], documents["alerts.json"]
    return {
        "cluster": telemetry.Cluster(
            versions=_records(telemetry.ObjectVersion, cluster["versions"]),
            events=tuple(cluster["events"]),
            version=cluster["version"],
        ),
        "code": telemetry.Code(
            commits=_records(telemetry.Commit, code["commits"]),
            pulls=_records(telemetry.Pull, code["pulls"]),
            deployments=_records(telemetry.Deployment, code["deployments"]),
        ),
        "change_events": _records(telemetry.ChangeEvent, documents["changes.json"]),
        "messages": _records(telemetry.ChatMessage, documents["chat.json"]),
        "rules": _records(telemetry.AlertRule, alerts["rules"]),
        "recordings": _records(telemetry.RecordingRule, alerts.get("recordings", ())),
        "alerts": _records(telemetry.FiredAlert, alerts["alerts"]),
        "incidents": _records(telemetry.Incident, alerts["incidents"]),
    }


def _plain(records: Sequence[Any]) -> list[dict[str, Any]]:
    # Not dataclasses.asdict: it would copy every nested Kubernetes object.
    return [
        {field.name: _mapping(getattr(record, field.name)) for field in dataclasses.fields(record)}
        for record in records
    ]


def _mapping(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else value


def _records(kind: type[Record], rows: Sequence[Mapping[str, Any]]) -> tuple[Record, ...]:
    return tuple(kind(**row) for row in rows)
