"""Nodes over time: what their kubelets say of them, how they are tainted and cordoned, and when they were last heard of."""

from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import draft as dr
from rootward.dojo.world import frame as fr
from rootward.dojo.world import objects

CALM = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("KubeletReady", "kubelet is posting ready status"),
}
SIZE = {"cpu": "8", "memory": "32Gi", "pods": "58", "ephemeral-storage": "100Gi"}
ALLOCATABLE = {"cpu": "7910m", "memory": "30Gi", "pods": "58", "ephemeral-storage": "92Gi"}


def versions(frame: fr.Frame) -> list[tm.ObjectVersion]:
    """Every node, a version whenever something is said of it."""
    found: list[tm.ObjectVersion] = []
    for n in range(len(frame.fleet.nodes)):
        marks = [one for one in frame.draft.marks if one.node == n]
        edges = sorted({0, *(at for one in marks for at in (one.at, one.until) if 0 < at < frame.steps)})
        for step in edges:
            now = [one for one in marks if one.at <= step < one.until]
            time_s = float(frame.times_s[0]) - 1.0 if step == 0 else float(frame.times_s[step])
            found.append(tm.ObjectVersion(time_s, _body(frame, n, now)))
    return found


def zone(n: int) -> str:
    return f"eu-central-1{'abc'[n % 3]}"


def created_s(frame: fr.Frame, n: int) -> float:
    return float(frame.times_s[0]) - 86_400.0 * (11 + 3 * n)


def _body(frame: fr.Frame, n: int, marks: list[dr.NodeMark]) -> objects.Body:
    name, made_s = frame.fleet.nodes[n], created_s(frame, n)
    said = {one.condition[0]: one for one in marks if one.condition[0]}
    conditions = []
    for kind, calm in CALM.items():
        words, since_s = (("True" if kind == "Ready" else "False"), *calm), made_s + (40.0 if kind == "Ready" else 0.0)
        if kind in said:
            words, since_s = said[kind].condition[1:], float(frame.times_s[said[kind].at])
        conditions.append(
            {
                "type": kind,
                "status": words[0],
                "reason": words[1],
                "message": words[2],
                "lastTransitionTime": objects.stamp(since_s),
            }
        )
    spec: objects.Body = {"providerID": f"aws:///{zone(n)}/i-{objects.uid(name)[:8]}"}
    taints = [
        {"key": key, "effect": effect, **({"value": value} if value else {})}
        for one in marks
        for key, value, effect in one.taints
    ]
    if any(one.cordoned for one in marks):
        spec["unschedulable"] = True
        taints.append({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"})
    if taints:
        spec["taints"] = taints
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": "eu-central-1",
        "topology.kubernetes.io/zone": zone(n),
        "node.kubernetes.io/instance-type": "m6i.2xlarge",
    }
    info = {
        "kubeletVersion": "v1.31.2",
        "containerRuntimeVersion": "containerd://1.7.22",
        "osImage": "Amazon Linux 2023",
        "architecture": "amd64",
    }
    address = name.removeprefix("ip-").split(".", maxsplit=1)[0].replace("-", ".")
    return objects.body(
        "v1",
        "Node",
        "",
        name,
        made_s,
        metadata={"labels": labels},
        spec=spec,
        status={
            "capacity": SIZE,
            "allocatable": ALLOCATABLE,
            "conditions": conditions,
            "nodeInfo": info,
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
        },
    )
