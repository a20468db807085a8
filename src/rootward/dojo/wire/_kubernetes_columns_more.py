"""The columns of kinds that people look at less often: policies, quotas, classes, storage, access, webhooks."""

from collections.abc import Mapping
from typing import Any

from rootward.dojo.wire import _kubernetes_cells as cells
from rootward.dojo.wire._kubernetes_columns import PLAIN, Column

_NAME, _AGE = PLAIN
_CREATED = Column("Created At", cells.path("metadata.creationTimestamp", ""))


def _count(path: str) -> cells.Cell:
    return lambda body, _now_s: len(cells.at(body, path, ()))


def _selector(path: str) -> cells.Cell:
    """A label selector, both its halves."""

    def text(body: cells.Body, _now_s: float) -> str:
        chosen = cells.at(body, path, {})
        parts = [f"{key}={value}" for key, value in sorted(chosen.get("matchLabels", {}).items())]
        for one in chosen.get("matchExpressions", ()):
            word = {"In": "in", "NotIn": "notin"}.get(one.get("operator", ""), "")
            values = ",".join(one.get("values", ()))
            bare = f"!{one.get('key')}" if one.get("operator") == "DoesNotExist" else str(one.get("key"))
            parts.append(f"{one.get('key')} {word} ({values})" if word else bare)
        return ",".join(parts) or cells.NONE

    return text


def _quota(prefix: str) -> cells.Cell:
    """`requests.cpu: 1/2, …` of a quota's limits or of its requests."""

    def text(body: cells.Body, _now_s: float) -> str:
        hard, used = (
            cells.at(body, "status.hard", {}) or cells.at(body, "spec.hard", {}),
            cells.at(body, "status.used", {}),
        )
        wanted = sorted(name for name in hard if name.startswith("limits.") == (prefix == "limits."))
        return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in wanted)

    return text


def _subjects(kind: str) -> cells.Cell:
    def text(body: cells.Body, _now_s: float) -> str:
        found = [one for one in cells.at(body, "subjects", ()) if one.get("kind") == kind]
        prefix = kind == "ServiceAccount"
        return ", ".join(
            f"{one.get('namespace')}/{one.get('name')}" if prefix else str(one.get("name")) for one in found
        )

    return text


def _role(body: cells.Body, _now_s: float) -> str:
    return f"{cells.at(body, 'roleRef.kind')}/{cells.at(body, 'roleRef.name')}"


def _slice_ports(body: cells.Body, _now_s: float) -> str:
    return ",".join(str(one.get("port")) for one in cells.at(body, "ports", ()) or ()) or "<unset>"


def _slice_addresses(body: cells.Body, _now_s: float) -> str:
    found = [address for one in cells.at(body, "endpoints", ()) or () for address in one.get("addresses", ())]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or "<unset>"


def _default_class(body: cells.Body, _now_s: float) -> str:
    notes: Mapping[str, Any] = cells.at(body, "metadata.annotations", {})
    is_default = notes.get("storageclass.kubernetes.io/is-default-class") == "true"
    return f"{cells.at(body, 'metadata.name')}{' (default)' if is_default else ''}"


def _boolean(path: str, *, default: bool = False) -> cells.Cell:
    return lambda body, _now_s: str(bool(cells.at(body, path, default))).lower()


def _controller(body: cells.Body, _now_s: float) -> str:
    owner = next(iter(cells.at(body, "metadata.ownerReferences", ())), None)
    return f"{owner.get('kind', '').lower()}.apps/{owner.get('name')}" if owner else cells.NONE


_BINDING = (
    _NAME,
    Column("Role", _role),
    _AGE,
    Column("Users", _subjects("User"), wide=True),
    Column("Groups", _subjects("Group"), wide=True),
    Column("ServiceAccounts", _subjects("ServiceAccount"), wide=True),
)
_WEBHOOKS = (_NAME, Column("Webhooks", _count("webhooks"), kind="integer"), _AGE)
_USAGE = (
    _NAME,
    Column("CPU", lambda body, _now_s: _summed(body, "cpu")),
    Column("Memory", lambda body, _now_s: _summed(body, "memory")),
    Column("Window", cells.path("window", "")),
)


def _summed(body: cells.Body, name: str) -> str:
    """A node's usage, or that of all of a pod's containers (which share a unit)."""
    if cells.at(body, "usage", None) is not None:
        return str(cells.at(body, f"usage.{name}"))
    texts = [str(one.get("usage", {}).get(name, "0")) for one in cells.at(body, "containers", ())]
    unit = next((text.lstrip("0123456789") for text in texts if not text.isdecimal()), "")
    return f"{sum(int(text.removesuffix(unit) or 0) for text in texts)}{unit}"


BY_KIND: dict[tuple[str, str], tuple[Column, ...]] = {
    ("policy", "PodDisruptionBudget"): (
        _NAME,
        Column("Min Available", cells.path("spec.minAvailable", "N/A")),
        Column("Max Unavailable", cells.path("spec.maxUnavailable", "N/A")),
        Column("Allowed Disruptions", cells.number("status.disruptionsAllowed"), kind="integer"),
        _AGE,
    ),
    ("networking.k8s.io", "NetworkPolicy"): (_NAME, Column("Pod-Selector", _selector("spec.podSelector")), _AGE),
    ("networking.k8s.io", "IngressClass"): (
        _NAME,
        Column("Controller", cells.path("spec.controller", "")),
        Column("Parameters", cells.path("spec.parameters.name")),
        _AGE,
    ),
    ("", "ResourceQuota"): (
        _NAME,
        Column("Request", _quota("requests.")),
        Column("Limit", _quota("limits.")),
        _AGE,
    ),
    ("", "LimitRange"): (_NAME, _CREATED),
    ("", "ReplicationController"): (
        _NAME,
        Column("Desired", cells.number("spec.replicas"), kind="integer"),
        Column("Current", cells.number("status.replicas"), kind="integer"),
        Column("Ready", cells.number("status.readyReplicas"), kind="integer"),
        _AGE,
    ),
    ("scheduling.k8s.io", "PriorityClass"): (
        _NAME,
        Column("Value", cells.number("value"), kind="integer"),
        Column("Global-Default", _boolean("globalDefault"), kind="boolean"),
        _AGE,
        Column("PreemptionPolicy", cells.path("preemptionPolicy", "PreemptLowerPriority")),
    ),
    ("storage.k8s.io", "StorageClass"): (
        Column("Name", _default_class),
        Column("Provisioner", cells.path("provisioner", "")),
        Column("ReclaimPolicy", cells.path("reclaimPolicy", "Delete")),
        Column("VolumeBindingMode", cells.path("volumeBindingMode", "Immediate")),
        Column("AllowVolumeExpansion", _boolean("allowVolumeExpansion")),
        _AGE,
    ),
    ("storage.k8s.io", "VolumeAttachment"): (
        _NAME,
        Column("Attacher", cells.path("spec.attacher", "")),
        Column("PV", cells.path("spec.source.persistentVolumeName", "")),
        Column("Node", cells.path("spec.nodeName", "")),
        Column("Attached", _boolean("status.attached"), kind="boolean"),
        _AGE,
    ),
    ("storage.k8s.io", "CSIDriver"): (
        _NAME,
        Column("AttachRequired", _boolean("spec.attachRequired", default=True), kind="boolean"),
        Column("PodInfoOnMount", _boolean("spec.podInfoOnMount"), kind="boolean"),
        _AGE,
    ),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _WEBHOOKS,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _WEBHOOKS,
    ("discovery.k8s.io", "EndpointSlice"): (
        _NAME,
        Column("AddressType", cells.path("addressType", "")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _slice_addresses),
        _AGE,
    ),
    ("coordination.k8s.io", "Lease"): (_NAME, Column("Holder", cells.path("spec.holderIdentity", "")), _AGE),
    ("rbac.authorization.k8s.io", "Role"): (_NAME, _CREATED),
    ("rbac.authorization.k8s.io", "ClusterRole"): (_NAME, _CREATED),
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (_NAME, _CREATED),
    ("apps", "ControllerRevision"): (
        _NAME,
        Column("Controller", _controller),
        Column("Revision", cells.number("revision"), kind="integer"),
        _AGE,
    ),
    ("metrics.k8s.io", "PodMetrics"): _USAGE,
    ("metrics.k8s.io", "NodeMetrics"): _USAGE,
}
