"""Kubernetes objects as the API returns them, for the workloads of a world."""

import datetime as dt
import hashlib
from typing import Any

from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import frame as fr

Body = dict[str, Any]


def stamp(time_s: float) -> str:
    """Kubernetes times have whole seconds."""
    return dt.datetime.fromtimestamp(int(time_s), tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def uid(*parts: str) -> str:
    """A stable identifier in the form of a version 4 UUID."""
    text = hashlib.sha256("/".join(parts).encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def body(api: str, kind: str, namespace: str, name: str, created_s: float, **rest: Any) -> Body:
    metadata: Body = {"name": name, "uid": uid(kind, namespace, name), "creationTimestamp": stamp(created_s)}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= rest.pop("metadata", {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def owned(kind: str, namespace: str, name: str) -> list[Body]:
    return [
        {
            "apiVersion": "apps/v1",
            "kind": kind,
            "name": name,
            "uid": uid(kind, namespace, name),
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def labels(component: bp.Component) -> dict[str, str]:
    return {"app": component.name, "app.kubernetes.io/name": component.name, "team": component.team}


def image(frame: fr.Frame, component: bp.Component, version: str) -> str:
    return f"registry.{frame.layout.plan.domain}/{component.name}:{version}"


def port_of(component: bp.Component) -> int:
    """Where a component listens, and its Service with it."""
    return {bp.Kind.DATABASE: 5432, bp.Kind.CACHE: 6379, bp.Kind.QUEUE: 9092}.get(component.kind, 8080)


def pod_spec(frame: fr.Frame, i: int, version: str, cores: float, memory_mib: float) -> Body:
    """The pod template's spec; limits as of the time asked."""
    component = frame.layout.components[i]
    env = [{"name": "LOG_LEVEL", "value": "info"}]
    for e in frame.layout.calls_from(i):
        callee = frame.layout.components[frame.layout.target[e]]
        key = callee.name.upper().replace("-", "_")
        env.append(
            {
                "name": f"{key}_ADDR",
                "value": f"{callee.host}:443"
                if callee.host
                else f"{callee.name}.{frame.layout.namespace(int(frame.layout.target[e]))}.svc.cluster.local:{port_of(callee)}",
            }
        )
    port = port_of(component)
    probe = (
        {"tcpSocket": {"port": port}}
        if component.kind is not bp.Kind.SERVICE
        else {"httpGet": {"path": "/healthz", "port": port}}
    )
    return {
        "serviceAccountName": component.name,
        "containers": [
            {
                "name": component.name,
                "image": image(frame, component, version),
                "ports": [{"containerPort": port, "protocol": "TCP"}],
                "env": env,
                "resources": {
                    "limits": {"cpu": f"{round(cores * 1000)}m", "memory": f"{round(memory_mib)}Mi"},
                    "requests": {"cpu": f"{max(round(cores * 500), 1)}m", "memory": f"{round(memory_mib * 0.6)}Mi"},
                },
                "readinessProbe": {**probe, "timeoutSeconds": 1, "periodSeconds": 10, "failureThreshold": 3},
                "livenessProbe": {
                    **probe,
                    "initialDelaySeconds": 15,
                    "timeoutSeconds": 3,
                    "periodSeconds": 10,
                    "failureThreshold": 3,
                },
            }
        ],
    }


def node(frame: fr.Frame, n: int) -> Body:
    name = frame.fleet.nodes[n]
    created_s = float(frame.times_s[0]) - 86_400.0 * (11 + 3 * n)
    size = {"cpu": "8", "memory": "32Gi", "pods": "58"}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastTransitionTime": stamp(created_s + 40),
    }
    calm = [
        {"type": kind, "status": "False", "lastTransitionTime": stamp(created_s)}
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    metadata = {
        "labels": {
            "kubernetes.io/hostname": name,
            "topology.kubernetes.io/zone": f"eu-central-1{'abc'[n % 3]}",
            "node.kubernetes.io/instance-type": "m6i.2xlarge",
        }
    }
    info = {
        "kubeletVersion": "v1.31.2",
        "containerRuntimeVersion": "containerd://1.7.22",
        "osImage": "Amazon Linux 2023",
    }
    return body(
        "v1",
        "Node",
        "",
        name,
        created_s,
        metadata=metadata,
        spec={"providerID": f"aws:///eu-central-1{'abc'[n % 3]}/i-{uid(name)[:8]}"},
        status={"capacity": size, "allocatable": size, "conditions": [*calm, ready], "nodeInfo": info},
    )


def event(
    namespace: str,
    kind: str,
    name: str,
    reason: str,
    message: str,
    first_s: float,
    last_s: float,
    *,
    count: int = 1,
    warning: bool = False,
    source: str = "kubelet",
) -> Body:
    """A core/v1 Event."""
    key = uid(kind, name, reason, stamp(first_s), message)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{name}.{key[:8]}{key[9:13]}{key[24:28]}",
            "namespace": namespace or "default",
            "uid": key,
            "creationTimestamp": stamp(first_s),
        },
        "involvedObject": {
            "apiVersion": "apps/v1" if kind in ("Deployment", "ReplicaSet") else "v1",
            "kind": kind,
            "name": name,
            "namespace": namespace,
            "uid": uid(kind, namespace, name),
        },
        "reason": reason,
        "message": message,
        "type": "Warning" if warning else "Normal",
        "count": count,
        "firstTimestamp": stamp(first_s),
        "lastTimestamp": stamp(last_s),
        "source": {"component": source},
        "reportingComponent": source,
    }
