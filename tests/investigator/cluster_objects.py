"""A small healthy cluster, in objects as the API returns them, for tests to break one thing at a time."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from rootward import _clock
from rootward.investigator.causal import case as cases
from rootward.signals import alerts, entities, records, windows

NOW_S = 1_764_420_480.0
NAMESPACE = "shop"
WORKLOADS = {"web": 8080, "cart": 7070, "catalog": 3550, "billing": 9090}
CALLS = {"web": ("cart", "catalog", "billing"), "cart": ("redis",), "catalog": ("db",), "billing": ("db",)}
STORES = {"redis": ("redis:7", 6379), "db": ("mysql:8.0", 3306)}
PROBE = {"initialDelaySeconds": 5, "timeoutSeconds": 1, "periodSeconds": 10, "failureThreshold": 3}
Json = dict[str, Any]


@dataclasses.dataclass(eq=False)
class Cluster:
    """`objects` by kind and name; change what you like, then ask for the `case`."""

    objects: dict[str, dict[str, Json]]
    events: list[records.Event] = dataclasses.field(default_factory=list)
    logs: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    fired: list[alerts.Alert] = dataclasses.field(default_factory=list)

    def template(self, name: str) -> Json:
        """The pod spec that a workload states."""
        spec: Json = self.objects["Deployment"][name]["spec"]["template"]["spec"]
        return spec

    def container(self, name: str) -> Json:
        found: Json = self.template(name)["containers"][0]
        return found

    def pod(self, name: str) -> Json:
        return self.objects["Pod"][f"{name}-6f966d9cc9-abcde"]

    def both(self, name: str) -> Sequence[Json]:
        """The first container of the template and of the pod: what was changed in a workload and rolled out."""
        return self.container(name), self.pod(name)["spec"]["containers"][0]

    def break_pod(self, name: str, *, phase: str = "Running", restarts: int = 0, **state: Any) -> None:
        """The pod of a workload is not ready; `waiting=`, `running=` or `terminated=` is its container's state."""
        status = self.pod(name)["status"]
        status["phase"] = phase
        status["conditions"] = [{"type": "Ready", "status": "False"}]
        one = {"name": name, "ready": False, "restartCount": restarts, "state": state}
        status["containerStatuses"] = [one] if state else []

    def unschedule(self, name: str, said: str = "") -> None:
        self.break_pod(name, phase="Pending")
        self.pod(name)["spec"].pop("nodeName")
        if said:
            self.happen(
                "FailedScheduling", f"{name}-6f966d9cc9-abcde", f"0/2 nodes are available: {said}. preemption: none."
            )

    def happen(self, reason: str, name: str, message: str, *, ago_s: float = 30.0, count: int = 3) -> None:
        kind = entities.EntityKind.POD if name.count("-") >= 2 else entities.EntityKind.WORKLOAD
        entity = entities.Entity(kind, name, NAMESPACE)
        moment = NOW_S - ago_s
        self.events.append(records.Event(moment, entity, reason, message, True, count, moment - 20.0))

    def say(self, name: str, *lines: str) -> None:
        self.logs.setdefault(name, []).extend(lines)

    def case(self) -> cases.Case:
        objects = {
            kind: [
                records.ClusterObject(kind, name, body["metadata"].get("namespace", ""), copy.deepcopy(body))
                for name, body in found.items()
            ]
            for kind, found in self.objects.items()
        }
        return cases.Case(
            alerts.Alert("ServiceDown", NOW_S - 60.0, labels={"namespace": NAMESPACE}),
            windows.Window(NOW_S - 7200.0, NOW_S - 600.0),
            windows.Window(NOW_S - 600.0, NOW_S),
            NOW_S,
            objects=objects,
            objects_evidence={kind: f"K.{kind}" for kind in objects},
            events=[(event, "K.events") for event in self.events],
            logs=[_logs(name, lines) for name, lines in self.logs.items()],
            alerts=[(alert, "C.alerts") for alert in self.fired],
        )


def _logs(name: str, lines: Sequence[str]) -> cases.LogsOf:
    times_s = NOW_S - 50.0 + np.arange(len(lines), dtype=np.float64)
    batch = records.LogBatch(times_s, list(lines), [0] * len(lines), [{"pod": f"{name}-6f966d9cc9-abcde"}])
    return cases.LogsOf(entities.Entity(entities.EntityKind.SERVICE, name, NAMESPACE), batch, f"L.{name}")


def _meta(name: str, **more: Any) -> Json:
    created = _clock.to_iso(NOW_S - 120.0)
    return {"name": name, "namespace": NAMESPACE, "labels": {"app": name}, "creationTimestamp": created, **more}


def _spec(name: str) -> Json:
    image, port = STORES.get(name, (f"registry.example/{name}:v1", WORKLOADS.get(name, 0)))
    ports = {**WORKLOADS, **{store: number for store, (_image, number) in STORES.items()}}
    env = [{"name": f"{callee.upper()}_ADDR", "value": f"{callee}:{ports[callee]}"} for callee in CALLS.get(name, ())]
    container = {
        "name": name,
        "image": image,
        "ports": [{"containerPort": port, "protocol": "TCP"}],
        "env": env,
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "livenessProbe": {**PROBE, "grpc": {"port": port}},
        "readinessProbe": {**PROBE, "grpc": {"port": port}},
    }
    return {"containers": [container], "serviceAccountName": name, "dnsPolicy": "ClusterFirst"}


def _pod(name: str, node: str) -> Json:
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": name, "ready": True, "restartCount": 0, "state": {"running": {}}}],
    }
    owners = [{"kind": "ReplicaSet", "name": f"{name}-6f966d9cc9"}]
    metadata = _meta(f"{name}-6f966d9cc9-abcde", labels={"app": name}, ownerReferences=owners)
    return {"metadata": metadata, "spec": {**_spec(name), "nodeName": node}, "status": status}


def _node(name: str, role: str) -> Json:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/role": role, "kubernetes.io/hostname": name}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "8", "memory": "15671356Ki"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "posting"}],
        },
    }


def healthy() -> Cluster:
    """Four services and two data stores on two nodes, and nothing wrong."""
    names = [*WORKLOADS, *STORES]
    objects: dict[str, dict[str, Json]] = {kind: {} for kind in ("Deployment", "ReplicaSet", "Pod", "Service")}
    for index, name in enumerate(names):
        ports = _spec(name)["containers"][0]["ports"]
        template = {"metadata": {"labels": {"app": name}}, "spec": _spec(name)}
        objects["Deployment"][name] = {
            "metadata": _meta(name),
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template},
        }
        owners = [{"kind": "Deployment", "name": name}]
        objects["ReplicaSet"][f"{name}-6f966d9cc9"] = {"metadata": _meta(f"{name}-6f966d9cc9", ownerReferences=owners)}
        objects["Pod"][f"{name}-6f966d9cc9-abcde"] = _pod(name, f"worker-{index % 2}")
        objects["Service"][name] = {
            "metadata": _meta(name),
            "spec": {
                "clusterIP": f"10.68.0.{index + 10}",
                "selector": {"app": name},
                "ports": [
                    {"port": ports[0]["containerPort"], "targetPort": ports[0]["containerPort"], "protocol": "TCP"}
                ],
            },
        }
    objects["ServiceAccount"] = {name: {"metadata": _meta(name)} for name in [*names, "default"]}
    objects["Node"] = {
        "worker-0": _node("worker-0", "node"),
        "worker-1": _node("worker-1", "node"),
        "master": _node("master", "master"),
    }
    objects["Secret"] = {"other": {"metadata": _meta("other"), "data": {}}}
    return Cluster(objects)


def set_all(found: Sequence[Json], **values: Any) -> None:
    for one in found:
        one.update(copy.deepcopy(values))


def strongest(found: Sequence[cases.Clue]) -> tuple[str, str]:
    return (found[0].entity.name, found[0].fault) if found else ("", "")
