"""Cluster state and events: what every kind of object says now."""

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
CLUSTER_WIDE = ("Node", "Namespace", "PersistentVolume", "StorageClass", "IngressClass")
EVENTS_BACK_S = 3600.0  # clusters forget events after about an hour


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class ClusterState:
    objects: Mapping[str, Sequence[records.ClusterObject]] = dataclasses.field(default_factory=dict)
    evidence: Mapping[str, str] = dataclasses.field(default_factory=dict)
    events: Sequence[tuple[records.Event, str]] = ()


async def read(
    source: protocols.ClusterSource, frame: framing.Frame, chosen: options.Options, notebook: notebooks.Notebook
) -> ClusterState:
    """All objects of every namespace (a cause may sit in another one than its alert), and events; bounded by the limits."""
    asked = [kind for kind in (*NAMESPACED, *CLUSTER_WIDE) if source.holds(kind)]

    async def one(kind: str) -> answers.Answer[Sequence[records.ClusterObject]]:
        return await source.objects(kind, limits=chosen.limits)

    jobs = [lambda kind=kind: one(kind) for kind in asked]
    window = windows.Window(min(frame.focus.start_s, frame.now_s - EVENTS_BACK_S), frame.now_s)
    results = await _tasks.run_all(jobs, limit=chosen.concurrency)
    happened = await source.events(window, limits=chosen.limits) if source.holds("Event") else None

    objects: dict[str, list[records.ClusterObject]] = {}
    evidence: dict[str, str] = {}
    for kind, answer in zip(asked, results, strict=True):
        if answer is None:
            continue
        key = notebook.note(f"{kind} objects", answer)
        if answer.value:
            objects.setdefault(kind, []).extend(answer.value)
            evidence.setdefault(kind, key)
    if happened is None:
        return ClusterState(objects, evidence)
    key = notebook.note("cluster events", happened)
    return ClusterState(objects, evidence, [(event, key) for event in happened.value or ()])


def joined(first: ClusterState, second: ClusterState) -> ClusterState:
    """What two sources hold; where both know a kind of object, evidence is the first one's."""
    kinds = dict.fromkeys((*first.objects, *second.objects))
    return ClusterState(
        {kind: [*first.objects.get(kind, ()), *second.objects.get(kind, ())] for kind in kinds},
        {**second.evidence, **first.evidence},
        [*first.events, *second.events],
    )
