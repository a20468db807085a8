"""Cluster state and events: what every kind of object says now, around the alert's namespace."""

import dataclasses
from collections.abc import Mapping, Sequence

from rootward import _tasks
from rootward.investigator import frame as framing
from rootward.investigator import options
from rootward.investigator.probing import notebook as notebooks
from rootward.signals import answers, protocols, records, windows

NAMESPACED = (
    "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "Endpoints", "ConfigMap",
    "Secret", "ServiceAccount", "ResourceQuota", "LimitRange", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "Ingress",
    "NetworkPolicy", "Role", "RoleBinding",
)  # fmt: skip
CLUSTER_WIDE = ("Node", "Namespace", "PersistentVolume", "StorageClass")
SYSTEM_NAMESPACE = "kube-system"
EVENTS_BACK_S = 3600.0  # clusters forget events after about an hour


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ClusterState:
    objects: Mapping[str, Sequence[records.ClusterObject]] = dataclasses.field(default_factory=dict)
    evidence: Mapping[str, str] = dataclasses.field(default_factory=dict)
    events: Sequence[tuple[records.Event, str]] = ()


async def read(
    source: protocols.ClusterSource, frame: framing.Frame, chosen: options.Options, notebook: notebooks.Notebook
) -> ClusterState:
    """All objects of the alert's namespace (of every namespace when the alert names none), nodes, the system's pods, events."""
    asked = [(kind, frame.namespace) for kind in NAMESPACED] + [(kind, "") for kind in CLUSTER_WIDE]
    if frame.namespace and frame.namespace != SYSTEM_NAMESPACE:
        asked += [(kind, SYSTEM_NAMESPACE) for kind in ("Pod", "Deployment", "DaemonSet", "ConfigMap")]

    async def one(kind: str, namespace: str) -> answers.Answer[Sequence[records.ClusterObject]]:
        return await source.objects(kind, namespace, limits=chosen.limits)

    jobs = [lambda kind=kind, namespace=namespace: one(kind, namespace) for kind, namespace in asked]
    window = windows.Window(min(frame.focus.start_s, frame.now_s - EVENTS_BACK_S), frame.now_s)
    results = await _tasks.run_all(jobs, limit=chosen.concurrency)
    event_answers = [await source.events(window, namespace, chosen.limits) for namespace in _event_namespaces(frame)]

    objects: dict[str, list[records.ClusterObject]] = {}
    evidence: dict[str, str] = {}
    for (kind, namespace), answer in zip(asked, results, strict=True):
        if answer is None:
            continue
        key = notebook.note(f"{kind} objects {namespace}".strip(), answer)
        if answer.value:
            objects.setdefault(kind, []).extend(answer.value)
            evidence.setdefault(kind, key)
    events: list[tuple[records.Event, str]] = []
    for answer in event_answers:
        key = notebook.note("cluster events", answer)
        events.extend((event, key) for event in answer.value or ())
    events.sort(key=lambda pair: pair[0].time_s)
    return ClusterState(objects, evidence, events)


def _event_namespaces(frame: framing.Frame) -> tuple[str, ...]:
    """Node events live in `default`; an alert without a namespace asks all at once."""
    if not frame.namespace:
        return ("",)
    return tuple(dict.fromkeys((frame.namespace, SYSTEM_NAMESPACE, "default")))
