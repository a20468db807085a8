"""From recorded kubectl commands and their output to the objects that an API server would have served at that moment.

Each object is taken from the fullest record of it: `-o yaml`, else `describe`, else the rows of `get` (labels and wide columns
merged). Of secrets, what is secret is replaced by a fingerprint, so that equal values stay equal and nothing else is told.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from rootward.dojo.capsule import telemetry
from rootward.dojo.capsule.importers import _kubectl_events as events
from rootward.dojo.capsule.importers import _kubectl_objects as objects
from rootward.dojo.capsule.importers import _kubectl_tables as tables
from rootward.dojo.capsule.importers import _kubectl_text as text

Json = dict[str, Any]

_KINDS = {
    "configmap": "ConfigMap",
    "cronjob": "CronJob",
    "daemonset": "DaemonSet",
    "deployment": "Deployment",
    "endpoint": "Endpoints",
    "event": "Event",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler",
    "ingress": "Ingress",
    "job": "Job",
    "limitrange": "LimitRange",
    "namespace": "Namespace",
    "networkpolicy": "NetworkPolicy",
    "node": "Node",
    "persistentvolume": "PersistentVolume",
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "pod": "Pod",
    "replicaset": "ReplicaSet",
    "resourcequota": "ResourceQuota",
    "role": "Role",
    "rolebinding": "RoleBinding",
    "secret": "Secret",
    "service": "Service",
    "serviceaccount": "ServiceAccount",
    "statefulset": "StatefulSet",
    "storageclass": "StorageClass",
}


def _kind(word: str) -> str:
    """The kind of `pods`, `pod`, `networkpolicies`, `storageclasses` …; "" when unknown."""
    candidates = (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y")
    return next((_KINDS[name] for name in candidates if name in _KINDS), "")


_COMMAND = re.compile(r"^kubectl (get|describe) (\w+)(?: ([^-\s]\S*))?(.*)$")


def _commands(states: Mapping[str, str]) -> Iterable[tuple[str, str, str, str, str]]:
    """(verb, kind, name, options, output) of each command that is understood and has an output."""
    for command, output in states.items():
        match = _COMMAND.match(command)
        if match is None or not output.strip() or output.lstrip().lower().startswith(("error", "no resources")):
            continue
        verb, word, name, options = match.groups()
        if kind := _kind(word):
            yield verb, kind, name or "", options, output


def _namespace(options: str, kind: str) -> str:
    match = re.search(r"(?:-n|--namespace)[ =](\S+)", options)
    if kind in objects.CLUSTER_SCOPED:
        return ""
    return match.group(1) if match else "default"


def now_s(states: Mapping[str, str]) -> float | None:
    """When the commands were run: the latest moment that any of them prints; None when none prints one.

    Node leases are renewed every ten seconds, so this is right to about that.
    """
    moments: list[float] = []
    for verb, kind, _name, _options, output in _commands(states):
        if verb == "describe" and kind in ("Node", "Pod", "Deployment"):
            found = re.findall(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}", output)
            moments += [moment for moment in map(text.date_s, found) if moment is not None]
    return max(moments, default=None)


def utc_offset(states: Mapping[str, str]) -> str:
    """The zone that the machine which ran kubectl printed its dates in ("+0800"); "+0000" when none was printed."""
    for output in states.values():
        match = re.search(r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} ([+-]\d{4})", output)
        if match:
            return match.group(1)
    return "+0000"


def cluster(states: Mapping[str, str], at_s: float) -> telemetry.Cluster:
    """All objects and events that the recorded commands tell of, as they were at `at_s`."""
    rows: dict[tuple[str, str, str], Json] = {}
    found: dict[tuple[str, str, str], Json] = {}
    ranks: dict[tuple[str, str, str], int] = {}
    reported: list[Json] = []
    for verb, kind, name, options, output in _commands(states):
        namespace = _namespace(options, kind)
        if kind == "Event":
            reported += events.listed(output, namespace, at_s)
            continue
        if verb == "describe":
            reported += events.of_described(output, kind, namespace, at_s)
            _keep(found, ranks, objects.described(kind, output), 1)
            if kind == "Node":
                _keep(found, ranks, objects.lease(output), 1)
                for body in objects.pods_on_node(output):
                    _keep(found, ranks, body, 0)
        elif "yaml" in options:
            _keep(found, ranks, _from_yaml(output), 2)
        elif not name and "-l" not in options.split():
            for body in tables.listed(kind, output, namespace, at_s):
                key = _key(body)
                rows[key] = _filled(body, rows[key]) if key in rows else body
    for key, body in rows.items():
        found[key] = _filled(found[key], body) if key in found else body
    versions = tuple(_version(found[key], at_s) for key in sorted(found))
    return telemetry.Cluster(versions, events.merged(reported), _server_version(found))


def _key(body: Json) -> tuple[str, str, str]:
    metadata = body["metadata"]
    return body["kind"], metadata.get("namespace", ""), metadata["name"]


def _keep(
    found: dict[tuple[str, str, str], Json], ranks: dict[tuple[str, str, str], int], body: Json | None, rank: int
) -> None:
    if body is None:
        return
    key = _key(body)
    if rank > ranks.get(key, -1):
        found[key], ranks[key] = body, rank


def _filled(body: Json, other: Json) -> Json:
    """`body` with what only `other` tells at the top and in metadata, and the status and spec if `body` has none."""
    metadata = {**other["metadata"], **{k: v for k, v in body["metadata"].items() if v}}
    out = {**other, **body, "metadata": metadata}
    for part in ("spec", "status"):
        if part in other or part in body:
            out[part] = {**other.get(part, {}), **body.get(part, {})}
    return out


def _from_yaml(output: str) -> Json | None:
    try:
        body = yaml.load(output, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 -- both are safe loaders
    except yaml.YAMLError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict) or "kind" not in body:
        return None
    annotations = body["metadata"].get("annotations") or {}
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    body["metadata"].pop("managedFields", None)
    body["metadata"].setdefault("labels", {})
    if body["kind"] == "Secret":
        body["data"] = {key: _veiled(key, str(value)) for key, value in (body.get("data") or {}).items()}
        body.pop("stringData", None)
    return body


_ADDRESS = re.compile(r"(^|[_.-])(host|hostname|port|address|addr|database|db|name)$", re.IGNORECASE)
_PLAIN = re.compile(r"^[\w.:-]{0,80}$")


def _veiled(key: str, encoded: str) -> str:
    """A secret's value in base64: addresses and ports as they are, anything else as `sha256:` and twelve hex digits."""
    try:
        value = base64.b64decode(encoded, validate=True)
    except ValueError:
        return ""
    if _ADDRESS.search(key) and _PLAIN.match(value.decode("utf-8", errors="replace")):
        return encoded
    return base64.b64encode(f"sha256:{hashlib.sha256(value).hexdigest()[:12]}".encode()).decode()


def _version(body: Json, at_s: float) -> telemetry.ObjectVersion:
    """Visible from its creation; what it was before the recording is not known."""
    created = body["metadata"].get("creationTimestamp")
    time_s = at_s
    if isinstance(created, str):
        match = re.match(r"(\d{4})-(\d\d)-(\d\d)T", created)
        if match:
            time_s = min(text.iso_s(created), at_s)
    return telemetry.ObjectVersion(time_s, body)


def _server_version(found: Mapping[tuple[str, str, str], Json]) -> str:
    versions = [
        str(body.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", ""))
        for (kind, _, _), body in sorted(found.items())
        if kind == "Node"
    ]
    return max(versions, default="") or telemetry.Cluster().version
