"""Objects from the rows of `kubectl get`: what a list tells when no `describe` or YAML of the object was recorded."""

import re
from collections.abc import Callable
from typing import Any

from rootward.dojo.capsule.importers import _kubectl_objects as objects
from rootward.dojo.capsule.importers import _kubectl_text as text

Json = dict[str, Any]


def listed(kind: str, output: str, namespace: str, now_s: float | None) -> list[Json]:
    """One object per row, with its name, labels (if shown), creation time (from its age) and the columns that say more."""
    out = []
    for row in text.table(output):
        metadata: Json = {"name": row.get("NAME", ""), "labels": text.pairs([row.get("LABELS", "")])}
        if kind not in objects.CLUSTER_SCOPED:
            metadata["namespace"] = namespace
        age = text.age_s(row.get("AGE", ""))
        if age is not None and now_s is not None:
            metadata["creationTimestamp"] = text.api_time(now_s - age)
        body: Json = {"apiVersion": objects.API_VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata}
        out.append({**body, **_BY_KIND.get(kind, _nothing_more)(row)})
    return out


def _nothing_more(_row: dict[str, str]) -> Json:
    return {}


_PHASES = frozenset({"Pending", "Running", "Succeeded", "Failed", "Unknown"})


def _pod(row: dict[str, str]) -> Json:
    """READY "1/2", STATUS a phase or a container's reason, RESTARTS "3 (5m ago)"."""
    ready, _, total = row.get("READY", "").partition("/")
    status = row.get("STATUS", "")
    phase = status if status in _PHASES else {"Completed": "Succeeded", "Terminating": "Running"}.get(status, "Pending")
    if status in ("CrashLoopBackOff", "Error", "OOMKilled"):
        phase = "Running"
    base = re.sub(r"(-[0-9a-f]{8,10})?-[a-z0-9]{5}$", "", row.get("NAME", ""))
    count = text.whole(total) or 1
    names = [base if index == 0 else f"{base}-{index}" for index in range(count)]
    statuses = []
    for index, name in enumerate(names):
        is_ready = index < (text.whole(ready) or 0)
        waiting = {"waiting": {"reason": status}} if status not in _PHASES else {"waiting": {}}
        statuses.append(
            {
                "name": name,
                "ready": is_ready,
                "restartCount": text.whole(row.get("RESTARTS", "")) or 0,
                "state": {"running": {}} if is_ready else waiting,
            }
        )
    spec: Json = {"containers": [{"name": name} for name in names]}
    if (node := row.get("NODE", "")) not in text.NONE:
        spec["nodeName"] = node
    return {"spec": spec, "status": {"phase": phase, "containerStatuses": statuses}}


def _service(row: dict[str, str]) -> Json:
    ports = []
    for part in row.get("PORT(S)", "").split(","):
        match = re.match(r"(\d+)(?::(\d+))?/(\w+)", part)
        if match:
            ports.append({"port": int(match.group(1)), "protocol": match.group(3)})
            if match.group(2):
                ports[-1]["nodePort"] = int(match.group(2))
    spec: Json = {"type": row.get("TYPE", ""), "clusterIP": row.get("CLUSTER-IP", ""), "ports": ports}
    if selector := text.pairs([row.get("SELECTOR", "")]):
        spec["selector"] = selector
    return {"spec": spec}


def _deployment(row: dict[str, str]) -> Json:
    ready, _, desired = row.get("READY", "").partition("/")
    spec: Json = {"replicas": text.whole(desired) or 0}
    if selector := text.pairs([row.get("SELECTOR", "")]):
        spec["selector"] = {"matchLabels": selector}
    return {"spec": spec, "status": {"readyReplicas": text.whole(ready) or 0}}


def _node(row: dict[str, str]) -> Json:
    words = row.get("STATUS", "").split(",")
    ready = {"Ready": "True", "NotReady": "False"}.get(words[0], "Unknown")
    spec = {"unschedulable": True} if "SchedulingDisabled" in words else {}
    return {"spec": spec, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def _quota(row: dict[str, str]) -> Json:
    hard, used = {}, {}
    for part in f"{row.get('REQUEST', '')}, {row.get('LIMIT', '')}".split(","):
        match = re.match(r"\s*(\S+): (\S+)/(\S+)\s*$", part)
        if match:
            used[match.group(1)], hard[match.group(1)] = match.group(2), match.group(3)
    return {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}


def _claim(row: dict[str, str]) -> Json:
    return {"spec": {"volumeName": row.get("VOLUME", "")}, "status": {"phase": row.get("STATUS", "")}}


_BY_KIND: dict[str, Callable[[dict[str, str]], Json]] = {
    "Pod": _pod,
    "Service": _service,
    "Deployment": _deployment,
    "Node": _node,
    "ResourceQuota": _quota,
    "PersistentVolumeClaim": _claim,
}
