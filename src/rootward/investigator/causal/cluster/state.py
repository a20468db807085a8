"""The cluster of a case, indexed: pods with their owners, what each workload states, what happened to whom and when.

All families read through a `View`, so that each invariant is a sentence rather than a search.
"""

import base64
import dataclasses
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rootward import _clock
from rootward.investigator.causal import case as cases
from rootward.investigator.causal import loglines
from rootward.signals import entities, records

Json = Mapping[str, Any]

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})
WORKLOAD_KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
RECENT_S = 900.0  # an event older than this says what was, not what is


@dataclasses.dataclass(frozen=True, eq=False)
class Workload:
    """A Deployment, StatefulSet …, or a ReplicaSet or pod that nothing owns. `spec` is its pod template's, or the pod's own."""

    name: str
    namespace: str
    kind: str
    entity: entities.Entity
    body: Json
    spec: Json
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    desired: int
    pods: tuple["PodState", ...]

    @functools.cached_property
    def ready(self) -> int:
        return sum(pod.ready for pod in self.pods)

    @functools.cached_property
    def short(self) -> bool:
        """Fewer pods are ready than it wants."""
        return self.ready < self.desired

    @functools.cached_property
    def lacking(self) -> bool:
        """It is short, or a roll-out of it does not get on while older pods serve: a pod that is not ready, or fewer pods of the
        newest template than it wants."""
        status = part(self.body, "status")
        paused = bool(part(self.body, "spec").get("paused"))
        counted = self.kind == "Deployment" and "observedGeneration" in status and not paused
        behind = counted and int(status.get("updatedReplicas", 0) or 0) < self.desired
        return self.short or behind or any(pod.live and not pod.ready for pod in self.pods)

    @functools.cached_property
    def containers(self) -> list[Json]:
        """Of its template, and of its newest pod what was injected there (sidecars), by name."""
        found = {str(one.get("name", "")): one for one in items(self.spec, "containers")}
        for pod in self.pods[-1:]:
            for one in items(pod.spec, "containers"):
                found.setdefault(str(one.get("name", "")), one)
        return list(found.values())


@dataclasses.dataclass(frozen=True, eq=False)
class PodState:
    """One pod. `created_s` is None when the API did not say."""

    name: str
    namespace: str
    owner: str
    body: Json
    spec: Json
    status: Json
    labels: Mapping[str, str]
    created_s: float | None

    @property
    def phase(self) -> str:
        return str(self.status.get("phase", ""))

    @property
    def node(self) -> str:
        return str(self.spec.get("nodeName") or "")

    @functools.cached_property
    def ready(self) -> bool:
        """All its containers are ready (the Ready condition may be False for its node's sake, which counts as not ready)."""
        conditions = {c.get("type"): c.get("status") for c in items(self.status, "conditions")}
        if "Ready" in conditions:
            return conditions["Ready"] == "True"
        statuses = items(self.status, "containerStatuses")
        return bool(statuses) and all(one.get("ready") for one in statuses)

    @functools.cached_property
    def live(self) -> bool:
        """It is meant to run: neither finished nor on its way out."""
        return self.phase not in ("Succeeded", "Failed") and "deletionTimestamp" not in part(self.body, "metadata")

    @functools.cached_property
    def containers(self) -> list[Json]:
        return items(self.status, "initContainerStatuses") + items(self.status, "containerStatuses")


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    case: cases.Case
    pods: tuple[PodState, ...]  # of applications, not of the system namespaces
    system_pods: tuple[PodState, ...]
    workloads: tuple[Workload, ...]
    nodes: tuple[Json, ...]
    _events: Mapping[tuple[str, str], tuple[tuple[records.Event, str], ...]]

    def bodies(self, kind: str) -> list[Json]:
        """Objects of one kind outside the system namespaces."""
        found = self.case.objects.get(kind, ())
        return [one.body for one in found if one.namespace not in SYSTEM_NAMESPACES]

    @functools.cached_property
    def contents(self) -> Mapping[tuple[str, str], Mapping[str, Mapping[str, str]]]:
        """(ConfigMap | Secret, namespace) → name → key → text, as far as it may be read."""
        found: dict[tuple[str, str], dict[str, Mapping[str, str]]] = {}
        for kind in ("ConfigMap", "Secret"):
            for body in self.bodies(kind):
                metadata = part(body, "metadata")
                data = {str(key): str(value) for key, value in part(body, "data").items()}
                plain = {key: _plain(value) for key, value in data.items()} if kind == "Secret" else data
                found.setdefault((kind, str(metadata.get("namespace"))), {})[str(metadata.get("name", ""))] = plain
        return found

    def names(self, kind: str, namespace: str) -> set[str]:
        return {one.name for one in self.case.objects.get(kind, ()) if one.namespace in ("", namespace)}

    def knows(self, kind: str) -> bool:
        """The question for this kind was answered, so that absence means something."""
        return bool(self.case.objects.get(kind)) or kind in self.case.objects_evidence

    def evidence(self, *kinds: str) -> tuple[str, ...]:
        """Ids of the answers that objects of these kinds came in."""
        return tuple(
            dict.fromkeys(self.case.objects_evidence[kind] for kind in kinds if kind in self.case.objects_evidence)
        )

    def events(self, name: str, namespace: str = "", *, recent_s: float = RECENT_S) -> list[tuple[records.Event, str]]:
        """Events about the object called `name`, oldest first, last seen within `recent_s` of now."""
        found = self._events.get((namespace, name), ())
        return [pair for pair in found if self.case.now_s - pair[0].time_s <= recent_s]

    def warnings(self, workload: Workload) -> list[tuple[records.Event, str]]:
        """Warning events about a workload, its replica sets and its pods that still exist, oldest first."""
        names = {workload.name, *(pod.name for pod in workload.pods)}
        names |= {name for name, owner in replica_sets(self.case) if owner == workload.name}
        pairs = [pair for name in names for pair in self.events(name, workload.namespace)]
        return sorted((pair for pair in pairs if pair[0].warning), key=lambda pair: pair[0].time_s)

    def workload_of(self, pod: PodState) -> Workload | None:
        return next((one for one in self.workloads if pod in one.pods), None)

    @functools.cached_property
    def callers(self) -> Mapping[entities.Entity, set[entities.Entity]]:
        """Workload → who was seen to call it, both as entities."""
        found: dict[entities.Entity, set[entities.Entity]] = {}
        by_name = {one.name: one.entity for one in self.workloads}
        for edge in self.case.edges:
            if edge.caller.name in by_name and edge.callee.name in by_name:
                found.setdefault(by_name[edge.callee.name], set()).add(by_name[edge.caller.name])
        return found

    def selected(self, selector: Mapping[str, str], namespace: str) -> list[Workload]:
        """Workloads whose pods (by template or as they run) carry all labels of `selector`."""
        if not selector:
            return []
        first = next(iter(selector.items()))
        return [
            one
            for one in self._carriers.get((namespace, *first), ())
            if any(matches(selector, labels) for labels in label_sets(one))
        ]

    @functools.cached_property
    def _carriers(self) -> Mapping[tuple[str, str, str], Sequence[Workload]]:
        """(namespace, label, value) → the workloads that carry it, in order."""
        found: dict[tuple[str, str, str], list[Workload]] = {}
        for one in self.workloads:
            for pair in dict.fromkeys(pair for labels in label_sets(one) for pair in labels.items()):
                found.setdefault((one.namespace, *pair), []).append(one)
        return found

    def lines(self, wanted: Callable[[str], object]) -> Iterator[tuple[str, str, float, str]]:
        """(name of the speaking workload's entity, line, time, evidence id) of every recent log line whose kind is wanted: `wanted` is
        asked of one example of each kind."""
        known = loglines.kinds(self.case)
        chosen = np.array([bool(wanted(example)) for example in known.example], dtype=bool)
        speakers = {pod.name: one.entity.name for one in self.workloads for pod in one.pods}
        for logs, kinds in zip(self.case.logs, known.of, strict=True):
            batch = logs.lines
            speaker = speakers.get(logs.entity.name, logs.entity.name)
            recent = self.case.now_s - batch.times_s <= RECENT_S
            rows = np.flatnonzero(chosen[kinds] & recent).tolist() if kinds.size else []
            names = [speakers.get(stream.get("pod", ""), speaker) for stream in batch.streams] if rows else []
            for row in rows:
                name = names[batch.stream[row]] if names else speaker
                yield name, batch.lines[row], float(batch.times_s[row]), logs.evidence


def _plain(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return ""


def items(body: Json, key: str) -> list[Json]:
    """The list of objects under `key`; [] for anything else a back end may have sent."""
    value = body.get(key)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, Sequence) else []


def part(body: Json, key: str) -> Json:
    """The object under `key`; {} for anything else."""
    value = body.get(key)
    return value if isinstance(value, Mapping) else {}


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def label_sets(workload: Workload) -> list[Mapping[str, str]]:
    return [workload.labels, *(pod.labels for pod in workload.pods)]


def created_s(body: Json) -> float | None:
    """When the object was created, or None."""
    text = part(body, "metadata").get("creationTimestamp")
    try:
        return _clock.from_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


_SUFFIX = re.compile(r"-[0-9a-f]{6,10}$")


def replica_sets(case: cases.Case) -> list[tuple[str, str]]:
    """(replica set, the name of what owns it, or its own without the hash)."""
    out = []
    for one in case.objects.get("ReplicaSet", ()):
        owners = [str(owner.get("name", "")) for owner in items(part(one.body, "metadata"), "ownerReferences")]
        out.append((one.name, owners[0] if owners else _SUFFIX.sub("", one.name)))
    return out


def view(case: cases.Case) -> View:
    """Index the cluster objects and events of `case`."""
    owners = dict(replica_sets(case))
    pods = [_pod(one, owners) for one in case.objects.get("Pod", ())]
    pods.sort(key=lambda pod: (pod.created_s or 0.0, pod.name))
    events: dict[tuple[str, str], list[tuple[records.Event, str]]] = {}
    for event, evidence in sorted(case.events, key=lambda pair: pair[0].time_s):
        for namespace in {event.entity.namespace, ""}:
            events.setdefault((namespace, event.entity.name), []).append((event, evidence))
    ours = tuple(pod for pod in pods if pod.namespace not in SYSTEM_NAMESPACES and pod.status)
    return View(
        case,
        ours,
        tuple(pod for pod in pods if pod.namespace in SYSTEM_NAMESPACES),
        tuple(_workloads(case, ours)),
        tuple(one.body for one in case.objects.get("Node", ())),
        {key: tuple(found) for key, found in events.items()},
    )


def _pod(one: records.ClusterObject, owners_of_sets: Mapping[str, str]) -> PodState:
    metadata = part(one.body, "metadata")
    owners = items(metadata, "ownerReferences")
    owner = one.name
    if owners:
        owner = str(owners[0].get("name", ""))
        if owners[0].get("kind") == "ReplicaSet":
            owner = owners_of_sets.get(owner, _SUFFIX.sub("", owner))
    labels = {str(key): str(value) for key, value in part(metadata, "labels").items()}
    spec, status = part(one.body, "spec"), part(one.body, "status")
    return PodState(one.name, one.namespace, owner, one.body, spec, status, labels, created_s(one.body))


def _workloads(case: cases.Case, pods: Sequence[PodState]) -> Iterator[Workload]:
    owned: set[tuple[str, str]] = set()
    for kind in WORKLOAD_KINDS:
        for one in case.objects.get(kind, ()):
            if one.namespace in SYSTEM_NAMESPACES:
                continue
            own = tuple(pod for pod in pods if (pod.namespace, pod.owner) == (one.namespace, one.name))
            owned.add((one.namespace, one.name))
            yield _workload(case, kind, one, own)
    orphans = sorted({(pod.namespace, pod.owner) for pod in pods} - owned)
    for namespace, name in orphans:
        own = tuple(pod for pod in pods if (pod.namespace, pod.owner) == (namespace, name))
        entity = _entity(case, name, namespace, own)
        running = [pod for pod in own if pod.phase != "Succeeded"]
        yield Workload(
            name, namespace, "Pod", entity, own[-1].body, own[-1].spec, own[-1].labels, {}, len(running), own
        )


def _workload(case: cases.Case, kind: str, one: records.ClusterObject, own: tuple[PodState, ...]) -> Workload:
    spec = part(one.body, "spec")
    template = part(spec, "template")
    if kind == "CronJob":
        template = part(part(part(spec, "jobTemplate"), "spec"), "template")
    replicas = spec.get("replicas", 1)
    desired = int(replicas) if isinstance(replicas, int | float) else 1
    if kind == "DaemonSet":
        desired = int(part(one.body, "status").get("desiredNumberScheduled", 0) or 0)
    elif kind in ("Job", "CronJob"):
        desired = 0
    metadata = part(template, "metadata")
    labels = {str(key): str(value) for key, value in part(metadata, "labels").items()}
    annotations = {str(key): str(value) for key, value in part(metadata, "annotations").items()}
    entity = _entity(case, one.name, one.namespace, own)
    return Workload(
        one.name, one.namespace, kind, entity, one.body, part(template, "spec"), labels, annotations, desired, own
    )


def _entity(case: cases.Case, name: str, namespace: str, pods: Sequence[PodState]) -> entities.Entity:
    """The entity that the case knows these pods by, else the service of the workload's name."""
    known = next((case.pods_of[pod.name] for pod in pods if pod.name in case.pods_of), None)
    return known or entities.Entity(entities.EntityKind.SERVICE, name, namespace)


_QUANTITY = re.compile(r"^([0-9.]+)(m|k|K|M|G|T|Ki|Mi|Gi|Ti|n|u)?$")
_SCALE = {
    None: 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip


def quantity(value: object) -> float | None:
    """A Kubernetes resource quantity ("250m", "64Mi", 2) as a number of its base unit; None when it is not one."""
    match = _QUANTITY.match(str(value))
    return float(match.group(1)) * _SCALE[match.group(2)] if match else None
