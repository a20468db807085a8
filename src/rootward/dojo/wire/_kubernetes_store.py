"""The cluster's objects over time: each one's state at a moment, with what an API server would have filled in."""

import bisect
import dataclasses
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _kubernetes_resources

EVENT_TTL_S = 3600.0
_FIRST_VERSION = 100_000
_NAMESPACE = uuid.UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
Key = tuple[str, str]  # namespace ("" for cluster-wide objects), name


@dataclasses.dataclass(slots=True, eq=False)
class State:
    """One version of one object; `listed` is its JSON inside a list, made when first asked for."""

    body: dict[str, Any]
    listed: dict[str, bytes] = dataclasses.field(default_factory=dict)

    @property
    def labels(self) -> Mapping[str, str]:
        return self.body["metadata"].get("labels") or {}

    @property
    def key(self) -> Key:
        return self.body["metadata"].get("namespace", ""), self.body["metadata"]["name"]

    def encoded(self, resource: _kubernetes_resources.Resource) -> bytes:
        """As an item of a list; built-in kinds leave out what the list already says."""
        done = self.listed.get(resource.api_version)
        if done is None:
            done = self.listed[resource.api_version] = _http.encode(self.of(resource, in_list=resource.built_in))
        return done

    def of(self, resource: _kubernetes_resources.Resource, *, in_list: bool = False) -> dict[str, Any]:
        """The body under the API version asked for."""
        rest = {name: value for name, value in self.body.items() if name not in ("kind", "apiVersion")}
        if resource.group == "events.k8s.io":
            rest = _new_event(rest)
        return rest if in_list else {"kind": resource.kind, "apiVersion": resource.api_version, **rest}


@dataclasses.dataclass(slots=True, eq=False)
class _History:
    """Times at which the object changed and its state from each on; None: deleted."""

    times_s: list[float]
    states: list[State | None]

    def at(self, now_s: float) -> State | None:
        i = bisect.bisect_right(self.times_s, now_s)
        return self.states[i - 1] if i else None


class ClusterStore:
    """Reads one `Cluster`; built once, asked many times."""

    def __init__(self, cluster: records.Cluster) -> None:
        self._kinds: dict[tuple[str, str], dict[Key, _History]] = {}
        found: set[tuple[str, str, bool]] = set()
        self._change_times_s = sorted(version.time_s for version in cluster.versions)
        for number, version in enumerate(sorted(cluster.versions, key=lambda one: one.time_s)):
            api_version, kind = version.body.get("apiVersion", "v1"), version.body.get("kind", "")
            group, _ = _kubernetes_resources.split_api_version(api_version)
            state = State(_completed(version, number))
            namespace, name = state.key
            found.add((api_version, kind, bool(namespace)))
            history = self._kinds.setdefault((group, kind), {}).setdefault((namespace, name), _History([], []))
            _keep_identity(history, state)
            history.times_s.append(version.time_s)
            history.states.append(None if version.deleted else state)
        self.resources = _kubernetes_resources.with_custom(_dominant(found))
        timed = [(time_s, event) for event in cluster.events if (time_s := _event_time_s(event)) is not None]
        events = ((time_s, self._event(event, time_s, i)) for i, (time_s, event) in enumerate(timed))
        self._events = sorted(events, key=_time_of)
        self._event_times_s = [time_s for time_s, _ in self._events]
        self._moments_s = sorted([*self._change_times_s, *self._event_times_s])

    def _event(self, event: Mapping[str, Any], time_s: float, number: int) -> State:
        body = _completed(records.ObjectVersion(time_s, event), number)
        involved = dict(body.get("involvedObject") or {})
        if not involved.get("uid"):
            group, _ = _kubernetes_resources.split_api_version(involved.get("apiVersion", "v1"))
            key = involved.get("namespace", ""), involved.get("name", "")
            history = self._kinds.get((group, involved.get("kind", "")), {}).get(key)
            states = [one for one in history.states if one is not None] if history else []
            if states:
                involved["uid"] = states[0].body["metadata"]["uid"]
        return State({**body, "involvedObject": involved})

    def resource_version(self, now_s: float) -> str:
        """Grows with every change in the cluster."""
        return str(_FIRST_VERSION + 10 * bisect.bisect_right(self._moments_s, now_s) + 9)

    def moment_s(self, version: int) -> float:
        """When the cluster was at a version that `resource_version` gave; before everything for older ones."""
        seen = (version - _FIRST_VERSION) // 10
        return self._moments_s[min(seen, len(self._moments_s)) - 1] if seen > 0 and self._moments_s else float("-inf")

    def states(self, resource: _kubernetes_resources.Resource, now_s: float, namespace: str = "") -> list[State]:
        """All objects of the kind that exist now, in the API server's order (namespace, name)."""
        if resource.kind == "Event":
            found = self._recent_events(now_s)
        else:
            histories = self._kinds.get((resource.group, resource.kind), {})
            found = [state for history in histories.values() if (state := history.at(now_s)) is not None]
            if resource.kind == "Namespace" and not found:
                found = self._implied_namespaces(now_s)
            if resource.kind == "EndpointSlice" and not found:
                found = self._implied_slices(now_s)
        kept = [state for state in found if not namespace or state.key[0] == namespace]
        return sorted(kept, key=lambda state: state.key)

    def state(self, resource: _kubernetes_resources.Resource, now_s: float, key: Key) -> State | None:
        """One object as it is now."""
        histories = self._kinds.get((resource.group, resource.kind))
        if histories is not None and key in histories:
            return histories[key].at(now_s)
        if resource.kind in ("Event", "Namespace", "EndpointSlice"):
            return next((state for state in self.states(resource, now_s) if state.key == key), None)
        return None

    def _recent_events(self, now_s: float) -> list[State]:
        low = bisect.bisect_left(self._event_times_s, now_s - EVENT_TTL_S)
        return [state for _, state in self._events[low : bisect.bisect_right(self._event_times_s, now_s)]]

    def _implied_namespaces(self, now_s: float) -> list[State]:
        """Recorded clusters often lack Namespace objects; the namespaces are there all the same."""
        named = {
            key[0] for histories in self._kinds.values() for key, history in histories.items() if history.at(now_s)
        }
        started_s = self._change_times_s[0] if self._change_times_s else now_s
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        }
        metas = [{"name": name, "labels": {"kubernetes.io/metadata.name": name}} for name in named if name]
        return [State(_completed(records.ObjectVersion(started_s, {**body, "metadata": meta}), 0)) for meta in metas]

    def _implied_slices(self, now_s: float) -> list[State]:
        """Endpoints without slices: the slices that the mirroring controller would have made, which kubectl reads."""
        histories = self._kinds.get(("", "Endpoints"), {})
        return [
            State(_completed(records.ObjectVersion(now_s, _slice_of(state.body)), 0))
            for history in histories.values()
            if (state := history.at(now_s)) is not None
        ]


def _slice_of(body: Mapping[str, Any]) -> dict[str, Any]:
    meta, subsets = body["metadata"], body.get("subsets") or ()
    endpoints = [
        {
            "addresses": [address.get("ip", "")],
            "conditions": {"ready": ready, "serving": ready, "terminating": False},
            **{name: address[name] for name in ("targetRef", "nodeName") if name in address},
        }
        for subset in subsets
        for field, ready in (("addresses", True), ("notReadyAddresses", False))
        for address in subset.get(field) or ()
    ]
    name = f"{meta['name']}-{uuid.uuid5(_NAMESPACE, 'slice/' + meta['name']).hex[:5]}"
    labels = {**(meta.get("labels") or {}), "kubernetes.io/service-name": meta["name"]}
    kept = {key: meta[key] for key in ("namespace", "creationTimestamp", "resourceVersion") if key in meta}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, **kept, "labels": labels},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [dict(port) for subset in list(subsets)[:1] for port in subset.get("ports") or ()],
    }


def _dominant(found: set[tuple[str, str, bool]]) -> list[tuple[str, str, bool]]:
    """A kind is namespaced if any of its objects is."""
    namespaced = {(api_version, kind) for api_version, kind, inside in found if inside}
    return [(*pair, pair in namespaced) for pair in {(api_version, kind) for api_version, kind, _ in found}]


def _completed(version: records.ObjectVersion, number: int) -> dict[str, Any]:
    """The body with uid, resourceVersion and creationTimestamp where the telemetry left them out."""
    body = dict(version.body)
    meta = dict(body.get("metadata") or {})
    meta.setdefault("name", "")
    meta.setdefault(
        "uid", str(uuid.uuid5(_NAMESPACE, "/".join((body.get("kind", ""), meta.get("namespace", ""), meta["name"]))))
    )
    meta.setdefault("resourceVersion", str(_FIRST_VERSION + 10 * number))
    if not meta.get("creationTimestamp"):
        meta["creationTimestamp"] = _http.iso_seconds(version.time_s)
    if body.get("kind") == "Pod" and isinstance(body.get("status"), Mapping):
        body["status"] = _pod_status(body["status"], str(meta["uid"]))
    return {**body, "metadata": meta}


def _pod_status(status: Mapping[str, Any], uid: str) -> dict[str, Any]:
    """Containers' statuses with the fields that the API always has, and that clients in typed languages insist on."""
    out = dict(status)
    for field in ("containerStatuses", "initContainerStatuses"):
        if out.get(field):
            out[field] = [_container_status(one, uid) for one in out[field]]
    return out


def _container_status(one: Mapping[str, Any], uid: str) -> dict[str, Any]:
    image = str(one.get("image", ""))
    digest = hashlib.sha256(image.encode()).hexdigest()
    started = hashlib.sha256(f"{uid}/{one.get('name')}/{one.get('restartCount', 0)}".encode()).hexdigest()
    has_run = "running" in (one.get("state") or {}) or one.get("lastState")
    made = {"image": image, "restartCount": 0, "ready": False, "lastState": {}}
    made["imageID"] = f"{image.partition('@')[0].rpartition(':')[0] or image}@sha256:{digest}" if has_run else ""
    return {**made, **({"containerID": f"containerd://{started}"} if has_run else {}), **one}


def _keep_identity(history: _History, state: State) -> None:
    """A later version of the same object was created when the first one was, unless it was deleted in between."""
    if history.states and (last := history.states[-1]) is not None:
        first, meta = last.body["metadata"], state.body["metadata"]
        meta["creationTimestamp"] = min(first["creationTimestamp"], meta["creationTimestamp"])


def _time_of(pair: tuple[float, State]) -> float:
    return pair[0]


def _event_time_s(event: Mapping[str, Any]) -> float | None:
    """When an event was last seen; None (never visible) for one that carries no time that can be read."""
    series = event.get("series") or {}
    meta = event.get("metadata") or {}
    times = (
        event.get("lastTimestamp"),
        series.get("lastObservedTime"),
        event.get("eventTime"),
        meta.get("creationTimestamp"),
    )
    text = next((one for one in times if one), None)
    try:
        return _clock.from_iso(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _new_event(event: dict[str, Any]) -> dict[str, Any]:
    """core/v1 → events.k8s.io/v1 (k8s.io/api/events/v1/types.go)."""
    renamed = {
        "involvedObject": "regarding",
        "message": "note",
        "source": "deprecatedSource",
        "firstTimestamp": "deprecatedFirstTimestamp",
        "lastTimestamp": "deprecatedLastTimestamp",
        "count": "deprecatedCount",
        "reportingComponent": "reportingController",
    }
    out = {renamed.get(name, name): value for name, value in event.items()}
    return {"eventTime": None, **out}


def page(states: Sequence[State], after: Key | None, limit: int) -> tuple[Sequence[State], int]:
    """States after a key and how many remain beyond them; `limit` 0 means all."""
    start = bisect.bisect_right(states, after, key=lambda state: state.key) if after is not None else 0
    end = start + limit if limit else len(states)
    return states[start:end], max(len(states) - end, 0)
