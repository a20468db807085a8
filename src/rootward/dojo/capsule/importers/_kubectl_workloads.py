"""Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs from `kubectl describe`."""

import re
from typing import Any

from rootward.dojo.capsule.importers import _kubectl_pods as pods
from rootward.dojo.capsule.importers import _kubectl_text as text

Json = dict[str, Any]


def metadata(root: text.Node) -> Json:
    """ObjectMeta as far as every `describe` prints it."""
    out: Json = {"name": root.get("Name"), "labels": text.pairs(root.values("Labels"))}
    if namespace := root.get("Namespace"):
        out["namespace"] = namespace
    if annotations := text.pairs(root.values("Annotations"), ": "):
        out["annotations"] = annotations
    if created := text.api_time(text.date_s(root.get("CreationTimestamp"))):
        out["creationTimestamp"] = created
    if owner := root.get("Controlled By"):
        kind, _, name = owner.partition("/")
        out["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True}]
    return out


def workload(root: text.Node, kind: str) -> Json:
    """Any kind with a pod template."""
    node = root.child("Pod Template")
    spec: Json = {"selector": {"matchLabels": text.pairs(root.values("Selector"))}}
    if node is not None:
        spec["template"] = pods.template(node)
    counts = _COUNTS.get(kind, _no_counts)(root)
    if "desired" in counts:
        spec["replicas"] = counts.pop("desired")
    status = {**counts, "conditions": _conditions(root)}
    version = "batch/v1" if kind in ("Job", "CronJob") else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata(root), "spec": spec, "status": status}


def _conditions(root: text.Node) -> list[Json]:
    rows = text.block_table(root.child("Conditions"))
    return [
        {"type": row.get("Type", ""), "status": row.get("Status", ""), "reason": row.get("Reason", "")} for row in rows
    ]


def _numbers(line: str, names: dict[str, str]) -> Json:
    """`1 desired | 0 updated | …` as fields; zero counts are left out of a status, as the API does."""
    found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", line)}
    return {field: found[word] for word, field in names.items() if word in found and (found[word] or word == "desired")}


def _deployment(root: text.Node) -> Json:
    names = {"desired": "desired", "updated": "updatedReplicas", "total": "replicas", "available": "availableReplicas"}
    counts = _numbers(root.get("Replicas"), {**names, "unavailable": "unavailableReplicas"})
    if "availableReplicas" in counts:
        counts["readyReplicas"] = counts["availableReplicas"]
    return counts


def _replica_set(root: text.Node) -> Json:
    return _numbers(root.get("Replicas"), {"desired": "desired", "current": "replicas"})


def _stateful_set(root: text.Node) -> Json:
    return _numbers(root.get("Replicas"), {"desired": "desired", "total": "replicas"})


def _daemon_set(root: text.Node) -> Json:
    fields = {
        "Desired Number of Nodes Scheduled": "desiredNumberScheduled",
        "Current Number of Nodes Scheduled": "currentNumberScheduled",
        "Number of Nodes Scheduled with Up-to-date Pods": "updatedNumberScheduled",
        "Number of Nodes Scheduled with Available Pods": "numberAvailable",
        "Number of Nodes Misscheduled": "numberMisscheduled",
    }
    return {field: text.whole(root.get(key)) or 0 for key, field in fields.items()}


def _no_counts(_root: text.Node) -> Json:
    return {}


_COUNTS = {
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
}
