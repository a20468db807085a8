"""core/v1 Events from the `Events:` of every `describe` and from `kubectl get events`."""

import hashlib
import re
from typing import Any

from rootward.dojo.capsule.importers import _kubectl_text as text

Json = dict[str, Any]

KINDS = {
    "pod": "Pod",
    "replicaset": "ReplicaSet",
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "job": "Job",
    "cronjob": "CronJob",
    "node": "Node",
    "service": "Service",
    "endpoints": "Endpoints",
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "persistentvolume": "PersistentVolume",
    "lease": "Lease",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler",
    "configmap": "ConfigMap",
    "serviceaccount": "ServiceAccount",
}


def of_described(output: str, kind: str, namespace: str, now_s: float) -> list[Json]:
    """The events printed under a `describe`; their ages count back from `now_s`."""
    root = text.tree(output)
    involved = {"kind": kind, "name": root.get("Name"), "namespace": namespace}
    out = []
    for row in text.block_table(root.child("Events")):
        if row.get("Type") not in ("Normal", "Warning"):
            continue
        last, count, first = _ages(row.get("Age", ""))
        made = {"type": row["Type"], "reason": row.get("Reason", ""), "message": row.get("Message", "")}
        out.append(_event({**made, "component": row.get("From", "")}, involved, (last, first), count, now_s))
    return out


def _ages(cell: str) -> tuple[float, int, float]:
    """`104s (x3 over 105s)` as seconds since the last, count, seconds since the first."""
    match = re.match(r"(\S+) \(x(\d+) over (\S+)\)", cell)
    if match:
        last, first = text.age_s(match.group(1)) or 0.0, text.age_s(match.group(3)) or 0.0
        return last, int(match.group(2)), first
    last = text.age_s(cell) or 0.0
    return last, 1, last


_LINE = re.compile(r"^(\S+)\s+(Normal|Warning)\s+(\S+)\s+(\w+)/(\S+)\s+(.*)$")


def listed(output: str, namespace: str, now_s: float) -> list[Json]:
    """Rows of `kubectl get events`; the header may be cut off (the command was piped through tail)."""
    out = []
    for line in output.splitlines():
        match = _LINE.match(line.strip())
        if match is None:
            continue
        age, kind, reason, involved_kind, name, message = match.groups()
        seconds = text.age_s(age) or 0.0
        involved = {"kind": KINDS.get(involved_kind, involved_kind.capitalize()), "name": name, "namespace": namespace}
        made = {"type": kind, "reason": reason, "message": message.strip(), "component": ""}
        out.append(_event(made, involved, (seconds, seconds), 1, now_s))
    return out


def _event(made: dict[str, str], involved: dict[str, str], ages: tuple[float, float], count: int, now_s: float) -> Json:
    namespace = involved["namespace"] or "default"
    identity = "/".join([*involved.values(), made["reason"], made["message"]])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{involved['name']}.{digest}", "namespace": namespace},
        "involvedObject": {key: value for key, value in involved.items() if value},
        "type": made["type"],
        "reason": made["reason"],
        "message": made["message"],
        "count": count,
        "firstTimestamp": text.api_time(now_s - ages[1]),
        "lastTimestamp": text.api_time(now_s - ages[0]),
        "source": {"component": made["component"]} if made["component"] else {},
    }


def merged(events: list[Json]) -> tuple[Json, ...]:
    """One event per name (object, reason, message): the one that counted most; in order of time."""
    best: dict[tuple[str, str], Json] = {}
    for event in events:
        key = (event["metadata"]["namespace"], event["metadata"]["name"])
        known = best.get(key)
        if known is None or (event["count"], bool(event["source"])) > (known["count"], bool(known["source"])):
            best[key] = event
    return tuple(sorted(best.values(), key=lambda e: (e["lastTimestamp"], e["metadata"]["name"])))
