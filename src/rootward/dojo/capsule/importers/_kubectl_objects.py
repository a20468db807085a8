"""Everything but pods and workloads from `kubectl describe`, and from `get` tables where nothing more was recorded."""

import re
from collections.abc import Callable
from typing import Any

from rootward.dojo.capsule.importers import _kubectl_pods as pods
from rootward.dojo.capsule.importers import _kubectl_text as text
from rootward.dojo.capsule.importers import _kubectl_workloads as workloads

Json = dict[str, Any]

API_VERSIONS = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "StorageClass": "storage.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "Role": "rbac.authorization.k8s.io/v1",
}
CLUSTER_SCOPED = frozenset({"Node", "PersistentVolume", "StorageClass", "Namespace"})


def described(kind: str, output: str) -> Json | None:
    """The object that a `describe` of one object shows; None when the text is not one (an error message, nothing)."""
    root = text.tree(output)
    if not root.get("Name"):
        return None
    if kind == "Pod":
        return pods.pod(root)
    if root.child("Pod Template") is not None:
        return workloads.workload(root, kind)
    body: Json = {"apiVersion": API_VERSIONS.get(kind, "v1"), "kind": kind, "metadata": workloads.metadata(root)}
    return {**body, **_BY_KIND.get(kind, _nothing_more)(root, output)}


def _nothing_more(_root: text.Node, _output: str) -> Json:
    return {}


def _service(root: text.Node, _output: str) -> Json:
    spec: Json = {"type": root.get("Type"), "ports": _service_ports(root)}
    if selector := text.pairs(root.values("Selector")):
        spec["selector"] = selector
    address = next((child.value for child in root.children if child.key == "IP"), "")
    if address:
        spec["clusterIP"] = "None" if address == "None" else address
    if external := root.get("External Name"):
        spec["externalName"] = external
    return {"spec": spec, "status": {"loadBalancer": {}}}


def _service_ports(root: text.Node) -> list[Json]:
    """Ports are printed as runs of Port, TargetPort, NodePort lines."""
    ports: list[Json] = []
    for line in root.children:
        value = line.value.split()
        if line.key == "Port" and value:
            number, _, protocol = value[-1].partition("/")
            ports.append({"port": text.whole(number), "protocol": protocol or "TCP"})
            if len(value) > 1 and value[0] != "<unset>":
                ports[-1]["name"] = value[0]
        elif line.key == "TargetPort" and ports and value:
            target = value[-1].partition("/")[0]
            ports[-1]["targetPort"] = int(target) if target.isdigit() else target
        elif line.key == "NodePort" and ports and value:
            ports[-1]["nodePort"] = text.whole(value[-1])
    return ports


def _endpoints(root: text.Node, _output: str) -> Json:
    subsets = []
    node = root.child("Subsets")
    current: Json = {}
    for line in node.children if node is not None else []:
        if line.key == "Addresses":
            current = {}
            subsets.append(current)
        if line.key in ("Addresses", "NotReadyAddresses") and line.value not in text.NONE:
            name = "addresses" if line.key == "Addresses" else "notReadyAddresses"
            current[name] = [{"ip": address.strip()} for address in line.value.split(",")]
        elif line.key == "Ports":
            current["ports"] = [
                {"name": row["Name"], "port": text.whole(row["Port"]), "protocol": row["Protocol"]}
                for row in text.block_table(line)
            ]
    return {"subsets": subsets}


def _node(root: text.Node, _output: str) -> Json:
    spec: Json = {}
    if taints := [_taint(line) for line in root.values("Taints")]:
        spec["taints"] = taints
    if root.get("Unschedulable") == "true":
        spec["unschedulable"] = True
    if cidr := root.get("PodCIDR"):
        spec["podCIDR"] = cidr
    status: Json = {"conditions": _node_conditions(root)}
    for key, field in (("Capacity", "capacity"), ("Allocatable", "allocatable")):
        if lines := root.child(key):
            status[field] = {line.key: line.value for line in lines.children}
    if lines := root.child("Addresses"):
        status["addresses"] = [{"type": line.key, "address": line.value} for line in lines.children]
    if info := root.child("System Info"):
        status["nodeInfo"] = {_INFO[line.key]: line.value for line in info.children if line.key in _INFO}
    return {"spec": spec, "status": status}


_INFO = {
    "Machine ID": "machineID",
    "System UUID": "systemUUID",
    "Boot ID": "bootID",
    "Kernel Version": "kernelVersion",
    "OS Image": "osImage",
    "Operating System": "operatingSystem",
    "Architecture": "architecture",
    "Container Runtime Version": "containerRuntimeVersion",
    "Kubelet Version": "kubeletVersion",
    "Kube-Proxy Version": "kubeProxyVersion",
}


def _taint(line: str) -> Json:
    left, _, effect = line.rpartition(":")
    key, equals, value = left.partition("=")
    return {"key": key, "effect": effect, **({"value": value} if equals else {})}


def _node_conditions(root: text.Node) -> list[Json]:
    out = []
    for row in text.block_table(root.child("Conditions")):
        condition = {"type": row.get("Type", ""), "status": row.get("Status", "")}
        condition |= {"reason": row.get("Reason", ""), "message": row.get("Message", "")}
        for column, field in (("LastHeartbeatTime", "lastHeartbeatTime"), ("LastTransitionTime", "lastTransitionTime")):
            if moment := text.api_time(text.date_s(row.get(column, ""))):
                condition[field] = moment
        out.append(condition)
    return out


def lease(output: str) -> Json | None:
    """The node's Lease (coordination.k8s.io, namespace kube-node-lease) that its `describe` prints, or None."""
    root = text.tree(output)
    node = root.child("Lease")
    renewed = text.date_s(node.get("RenewTime")) if node is not None else None
    if node is None or renewed is None:
        return None
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": root.get("Name"), "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": node.get("HolderIdentity"), "renewTime": text.api_time(renewed)},
    }


def pods_on_node(output: str) -> list[Json]:
    """The pods that a node's `describe` lists: name, node and requests are told, their state is not."""
    root = text.tree(output)
    out = []
    for row in text.block_table(root.child("Non-terminated Pods")):
        if not row.get("Name"):
            continue
        resources: Json = {}
        for column, part, name in (
            ("CPU Requests", "requests", "cpu"),
            ("Memory Requests", "requests", "memory"),
            ("CPU Limits", "limits", "cpu"),
            ("Memory Limits", "limits", "memory"),
        ):
            amount = row.get(column, "").split(" ")[0]
            if amount and amount != "0":
                resources.setdefault(part, {})[name] = amount
        container = {"name": re.sub(r"(-[0-9a-f]{8,10})?-[a-z0-9]{5}$", "", row["Name"]), "resources": resources}
        out.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": row["Name"], "namespace": row.get("Namespace", ""), "labels": {}},
                "spec": {"containers": [container], "nodeName": root.get("Name")},
                "status": {},
            }
        )
    return out


def _quota(_root: text.Node, output: str) -> Json:
    rows = text.dashed_table(output)
    hard = {row["Resource"]: row["Hard"] for row in rows if row.get("Resource")}
    used = {row["Resource"]: row["Used"] for row in rows if row.get("Resource")}
    return {"spec": {"hard": hard}, "status": {"hard": hard, "used": used}}


def _service_account(root: text.Node, _output: str) -> Json:
    secrets = [line.split(" ")[0] for line in root.values("Image pull secrets")]
    return {"imagePullSecrets": [{"name": name} for name in secrets]} if secrets else {}


_MODES = {"RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod"}


def _modes(root: text.Node) -> list[str]:
    return [_MODES.get(mode, mode) for mode in root.get("Access Modes").split(",") if mode]


def _claim(root: text.Node, _output: str) -> Json:
    spec: Json = {"accessModes": _modes(root), "storageClassName": root.get("StorageClass")}
    if volume := root.get("Volume"):
        spec["volumeName"] = volume
    if mode := root.get("VolumeMode"):
        spec["volumeMode"] = mode
    status: Json = {"phase": root.get("Status")}
    if capacity := root.get("Capacity"):
        status["capacity"] = {"storage": capacity}
        spec["resources"] = {"requests": {"storage": capacity}}
    return {"spec": spec, "status": status}


def _volume(root: text.Node, _output: str) -> Json:
    spec: Json = {"accessModes": _modes(root), "storageClassName": root.get("StorageClass")}
    if capacity := root.get("Capacity"):
        spec["capacity"] = {"storage": capacity}
    if policy := root.get("Reclaim Policy"):
        spec["persistentVolumeReclaimPolicy"] = policy
    if claim := root.get("Claim"):
        namespace, _, name = claim.partition("/")
        spec["claimRef"] = {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": name}
    source = root.child("Source")
    if source is not None and source.get("Type").startswith(("HostPath", "LocalVolume")):
        field = "hostPath" if source.get("Type").startswith("HostPath") else "local"
        spec[field] = {"path": source.get("Path")}
    return {"spec": spec, "status": {"phase": root.get("Status")}}


def _storage_class(root: text.Node, _output: str) -> Json:
    return {
        "provisioner": root.get("Provisioner"),
        "reclaimPolicy": root.get("ReclaimPolicy"),
        "volumeBindingMode": root.get("VolumeBindingMode"),
    }


def _secret(root: text.Node, output: str) -> Json:
    """Keys only: values are not carried over."""
    keys = re.findall(r"^(\S+):\s+\d+ bytes$", output, flags=re.MULTILINE)
    return {"type": root.get("Type"), "data": dict.fromkeys(keys, "")}


def _config_map(_root: text.Node, output: str) -> Json:
    """Entries are `key:`, a line of four dashes, the text, and an empty line."""
    body = output.partition("\nData\n====\n")[2].partition("\nBinaryData\n")[0]
    parts = re.split(r"^(\S+):\n----\n", body, flags=re.MULTILINE)
    return {"data": {key: value.rstrip("\n") for key, value in zip(parts[1::2], parts[2::2], strict=True)}}


def _role_binding(root: text.Node, _output: str) -> Json:
    role = root.child("Role")
    subjects = text.block_table(root.child("Subjects"))
    reference = {"kind": role.get("Kind"), "name": role.get("Name")} if role is not None else {}
    return {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", **reference},
        "subjects": [
            {"kind": row["Kind"], "name": row["Name"], "namespace": row.get("Namespace", "")} for row in subjects
        ],
    }


_BY_KIND: dict[str, Callable[[text.Node, str], Json]] = {
    "Service": _service,
    "Endpoints": _endpoints,
    "Node": _node,
    "ResourceQuota": _quota,
    "ServiceAccount": _service_account,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "StorageClass": _storage_class,
    "Secret": _secret,
    "ConfigMap": _config_map,
    "RoleBinding": _role_binding,
}
