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
    loaded = [
        {"configMapRef": {"name": f"{component.name}-settings"}},
        {"secretRef": {"name": f"{component.name}-credentials"}},
    ]
    return {
        "serviceAccountName": component.name,
        "imagePullSecrets": [{"name": "registry"}],
        "priorityClassName": "production",
        "containers": [
            {
                "name": component.name,
                "image": image(frame, component, version),
                "ports": [{"containerPort": port, "protocol": "TCP"}],
                "env": env,
                **({"envFrom": loaded} if component.kind is bp.Kind.SERVICE else {}),
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
