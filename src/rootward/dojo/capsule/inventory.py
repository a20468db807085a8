"""What telemetry holds, in numbers: for people who look before they ask."""

from rootward.dojo.capsule import telemetry


def counts(recorded: telemetry.Telemetry) -> dict[str, int]:
    """How many of each kind of record there are."""
    blocks = recorded.metrics.blocks
    return {
        "metric series": sum(len(block.labels) for block in blocks),
        "samples": sum(int((~telemetry.is_stale(block.values)).sum()) for block in blocks),
        "log lines": len(recorded.logs.lines) if recorded.logs else 0,
        "spans": len(recorded.spans.span_ids) if recorded.spans else 0,
        "cluster objects": len({_identity(version) for version in recorded.cluster.versions}),
        "cluster events": len(recorded.cluster.events),
        "commits": len(recorded.code.commits),
        "deployments": len(recorded.code.deployments),
        "change events": len(recorded.change_events),
        "messages": len(recorded.messages),
        "alert rules": len(recorded.rules),
        "alerts": len(recorded.alerts),
        "incidents": len(recorded.incidents),
    }


def _identity(version: telemetry.ObjectVersion) -> tuple[str, str, str]:
    metadata = version.body.get("metadata", {})
    return str(version.body.get("kind", "")), str(metadata.get("namespace", "")), str(metadata.get("name", ""))
