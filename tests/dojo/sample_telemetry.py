"""A small production system by hand: three services in a shop, an hour of everything, and a FUTURE nobody may see yet.

Every record after `NOW_S` carries the word FUTURE, so one test can ask all faces and look for it.
"""

import json

import numpy as np

from rootward import _clock
from rootward.dojo.capsule import telemetry

START_S = 1_714_557_600.0  # 2024-05-01T10:00:00Z
NOW_S = START_S + 3600.0
END_S = START_S + 7200.0
REPOSITORY = "acme/shop"


def iso(time_s: float) -> str:
    return _clock.to_iso(time_s).replace(".000Z", "Z")


def metrics() -> telemetry.Metrics:
    times_s = np.arange(START_S, END_S, 15.0)
    counter = np.cumsum(np.full(len(times_s), 30.0))
    labels = ({"__name__": "http_requests_total", "job": "checkout", "namespace": "shop"},)
    block = telemetry.MetricBlock(times_s, counter[None, :], labels)
    return telemetry.Metrics((block,), {"http_requests_total": telemetry.MetricMeta("counter", "Requests.")})


def logs() -> telemetry.Logs:
    """A line a second over two hours: frontend (logfmt) and checkout (JSON, every tenth an error with a trace id)."""
    streams = (
        {"namespace": "shop", "app": "frontend", "pod": "frontend-6b7f9d5c4-x2x7k", "container": "server"},
        {"namespace": "shop", "app": "checkout", "pod": "checkout-7d9c6b5f4-abcde", "container": "server"},
    )
    lines, stream, traces = [], [], []
    for i in range(7200):
        future = " FUTURE" if i > 3600 else ""
        failed = i % 10 == 1
        if i % 2 == 0:
            lines.append(f'level=info msg="GET /cart{future}" status=200 duration={i % 7}ms bytes={i}')
        else:
            lines.append(
                json.dumps(
                    {
                        "level": "error" if failed else "info",
                        "msg": "pay" + future,
                        "ms": i % 100,
                        "http": {"code": 500 if failed else 200},
                    }
                )
            )
        stream.append(i % 2)
        traces.append(f"{i:032x}" if failed else "")
    times_ns = (np.arange(7200) + int(START_S)) * 10**9
    return telemetry.Logs(
        times_ns.astype(np.int64), np.array(stream, dtype=np.int32), lines, streams, traces, [""] * 7200
    )


def spans() -> telemetry.Spans:
    """A trace a minute: frontend → checkout → (client) payments; every fourth fails in checkout."""
    processes = tuple(
        telemetry.Process(name, {"k8s.pod.name": f"{name}-0", "service.version": "1.4.2"})
        for name in ("frontend", "checkout", "payments")
    )
    names = ("GET /cart", "POST /pay", "charge", "FUTURE op")
    rows = []
    for i in range(120):
        start = int(START_S + 60 * i) * 10**9
        status = 2 if i % 4 == 0 else 0
        trace = f"{i + 1:032x}"
        future = i >= 60
        rows.append(
            (
                trace,
                f"{i * 3 + 1:016x}",
                "",
                0,
                3 if future else 0,
                2,
                start,
                500_000_000,
                0,
                {"http.request.method": "GET", "http.response.status_code": 200},
            )
        )
        rows.append(
            (
                trace,
                f"{i * 3 + 2:016x}",
                f"{i * 3 + 1:016x}",
                1,
                1,
                2,
                start + 10**7,
                400_000_000,
                status,
                {"rpc.system": "grpc", "retry": i % 4 == 0, "n": i},
            )
        )
        rows.append((trace, f"{i * 3 + 3:016x}", f"{i * 3 + 2:016x}", 2, 2, 2, start + 2 * 10**7, 300_000_000, 0, {}))
    columns = list(zip(*rows, strict=True))
    return telemetry.Spans(
        *(list(column) for column in columns[:3]),
        process=np.array(columns[3], dtype=np.int32),
        name=np.array(columns[4], dtype=np.int32),
        kind=np.array(columns[5], dtype=np.int8),
        start_ns=np.array(columns[6], dtype=np.int64),
        duration_ns=np.array(columns[7], dtype=np.int64),
        status=np.array(columns[8], dtype=np.int8),
        attributes=list(columns[9]),
        processes=processes,
        names=names,
    )


def _meta(name: str, namespace: str = "shop", **more: object) -> dict:
    meta = {"name": name, "uid": f"uid-{name}", "creationTimestamp": iso(START_S - 86400), "resourceVersion": "100"}
    return {**meta, **({"namespace": namespace} if namespace else {}), **more}


def pod(
    name: str, app: str, *, restarts: int = 0, phase: str = "Running", ready: bool = True, image: str = "shop:1.4.2"
) -> dict:
    state = (
        {"running": {"startedAt": iso(START_S - 3600)}}
        if ready
        else {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}
    )
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _meta(
            name,
            labels={"app": app, "tier": "web" if app == "frontend" else "back"},
            ownerReferences=[
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": name.rsplit("-", 1)[0],
                    "uid": "uid-rs",
                    "controller": True,
                }
            ],
        ),
        "spec": {
            "nodeName": "node-1",
            "serviceAccountName": "default",
            "containers": [
                {
                    "name": "server",
                    "image": image,
                    "ports": [{"containerPort": 8080}],
                    "resources": {"limits": {"memory": "256Mi"}},
                }
            ],
        },
        "status": {
            "phase": phase,
            "podIP": "10.1.0.7",
            "hostIP": "192.168.0.11",
            "qosClass": "Burstable",
            "startTime": iso(START_S - 3600),
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [
                {
                    "name": "server",
                    "ready": ready,
                    "restartCount": restarts,
                    "image": image,
                    "imageID": "",
                    "state": state,
                    "lastState": {
                        "terminated": {
                            "reason": "OOMKilled",
                            "exitCode": 137,
                            "finishedAt": iso(NOW_S - 300),
                            "startedAt": iso(START_S),
                        }
                    }
                    if restarts
                    else {},
                }
            ],
        },
    }


def deployment(name: str, image: str, *, available: int = 1) -> dict:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _meta(name, labels=labels, annotations={"deployment.kubernetes.io/revision": "3"}),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "server", "image": image}]}},
        },
        "status": {"replicas": 1, "updatedReplicas": 1, "readyReplicas": available, "availableReplicas": available},
    }


def node(name: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": _meta(name, "", labels={"kubernetes.io/hostname": name, "node-role.kubernetes.io/worker": ""}),
        "spec": {"podCIDR": "10.1.0.0/24"},
        "status": {
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "allocatable": {"cpu": "4", "memory": "15Gi", "pods": "110"},
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "lastHeartbeatTime": iso(START_S),
                    "lastTransitionTime": iso(START_S),
                }
            ],
            "addresses": [{"type": "InternalIP", "address": "192.168.0.11"}],
            "nodeInfo": {
                "kubeletVersion": "v1.31.2",
                "osImage": "Debian GNU/Linux 12",
                "kernelVersion": "6.1.0-18-amd64",
                "containerRuntimeVersion": "containerd://1.7.22",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def event(name: str, at_s: float, reason: str, message: str, kind: str = "Warning") -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": _meta(name, creationTimestamp=iso(at_s)),
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "shop",
            "name": "checkout-7d9c6b5f4-abcde",
            "uid": "uid-checkout-7d9c6b5f4-abcde",
        },
        "reason": reason,
        "message": message,
        "type": kind,
        "count": 3,
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": iso(at_s - 60),
        "lastTimestamp": iso(at_s),
    }


def cluster() -> telemetry.Cluster:
    begin = START_S - 7200
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _meta("checkout"),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.12",
            "selector": {"app": "checkout"},
            "ports": [{"name": "grpc", "port": 8080, "protocol": "TCP", "targetPort": 8080}],
        },
        "status": {"loadBalancer": {}},
    }
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _meta("checkout-config"), "data": {"pool": "10"}}
    custom = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": _meta("checkout"),
        "spec": {"hosts": ["checkout"]},
    }
    v = telemetry.ObjectVersion
    return telemetry.Cluster(
        versions=(
            v(
                begin,
                {"apiVersion": "v1", "kind": "Namespace", "metadata": _meta("shop", ""), "status": {"phase": "Active"}},
            ),
            v(begin, node("node-1")),
            v(begin, pod("frontend-6b7f9d5c4-x2x7k", "frontend")),
            v(begin, pod("checkout-7d9c6b5f4-abcde", "checkout")),
            v(begin, pod("gone-5d4c3b2a1-zzzzz", "gone")),
            v(begin, deployment("checkout", "shop:1.4.1")),
            v(begin, deployment("frontend", "shop:1.4.2")),
            v(begin, service),
            v(begin, config),
            v(begin, custom),
            v(START_S + 600, deployment("checkout", "shop:1.4.2")),
            v(START_S + 1200, pod("gone-5d4c3b2a1-zzzzz", "gone"), deleted=True),
            v(NOW_S - 300, pod("checkout-7d9c6b5f4-abcde", "checkout", restarts=2, ready=False)),
            v(NOW_S + 60, deployment("checkout", "shop:FUTURE")),
            v(NOW_S + 60, pod("FUTURE-1", "frontend")),
        ),
        events=(
            event("checkout.old", NOW_S - 4000, "Pulled", "long forgotten", "Normal"),
            event("checkout.1", NOW_S - 200, "BackOff", "Back-off restarting failed container"),
            event("checkout.2", NOW_S + 100, "BackOff", "FUTURE"),
        ),
    )


def code() -> telemetry.Code:
    patch = "@@ -1 +1 @@\n-pool: 50\n+pool: 10"
    return telemetry.Code(
        commits=(
            telemetry.Commit(START_S - 90000, "a" * 40, "ana", "Start\n\nlong text", REPOSITORY, {"README.md": ""}),
            telemetry.Commit(
                START_S + 300,
                "b" * 40,
                "ben",
                "Smaller pool",
                REPOSITORY,
                {"checkout/config.yaml": patch},
                parent="a" * 40,
            ),
            telemetry.Commit(NOW_S + 300, "c" * 40, "cat", "FUTURE", REPOSITORY, {}, parent="b" * 40),
        ),
        pulls=(
            telemetry.Pull(41, "Smaller pool", "ben", REPOSITORY, START_S - 4000, START_S + 300, "b" * 40),
            telemetry.Pull(42, "Still open at now", "cat", REPOSITORY, START_S + 400, NOW_S + 300, "c" * 40),
            telemetry.Pull(43, "FUTURE", "cat", REPOSITORY, NOW_S + 400, None),
        ),
        deployments=(
            telemetry.Deployment(
                START_S + 500,
                7001,
                "b" * 40,
                REPOSITORY,
                "production",
                "ben",
                "roll out",
                {"service": "checkout"},
                "success",
                START_S + 620,
            ),
            telemetry.Deployment(
                NOW_S - 30, 7002, "b" * 40, REPOSITORY, "production", "ben", "again", {}, "failure", NOW_S + 30
            ),
            telemetry.Deployment(NOW_S + 500, 7003, "c" * 40, REPOSITORY, "production", "cat", "FUTURE"),
        ),
    )


def telemetry_of_shop(access: dict[str, str] | None = None) -> telemetry.Telemetry:
    labels = {"alertname": "HighErrors", "service": "checkout", "severity": "page"}
    notes = {"summary": "checkout fails"}
    return telemetry.Telemetry(
        name="shop",
        start_s=START_S,
        end_s=END_S,
        now_s=NOW_S,
        metrics=metrics(),
        logs=logs(),
        spans=spans(),
        cluster=cluster(),
        code=code(),
        change_events=(
            telemetry.ChangeEvent(
                START_S + 900,
                "01CHANGE1",
                "Flag new-pool on",
                "launchdarkly",
                "checkout",
                {"kind": "flag", "flag": "new-pool"},
            ),
            telemetry.ChangeEvent(NOW_S + 900, "01CHANGE2", "FUTURE", "terraform", "", {}),
        ),
        messages=(
            telemetry.ChatMessage(START_S + 1000, "incidents", "ana", "checkout looks odd"),
            telemetry.ChatMessage(START_S + 1060, "incidents", "ben", "looking", thread_s=START_S + 1000),
            telemetry.ChatMessage(START_S + 1100, "deploys", "deploybot", "rolled out 1.4.2", bot=True),
            telemetry.ChatMessage(NOW_S + 10, "incidents", "ana", "FUTURE"),
            telemetry.ChatMessage(NOW_S + 20, "incidents", "ben", "FUTURE", thread_s=START_S + 1000),
        ),
        rules=(telemetry.AlertRule("HighErrors", "rate(errors_total[5m]) > 1", 60.0, {"severity": "page"}, notes),),
        alerts=(
            telemetry.FiredAlert("HighErrors", labels, notes, NOW_S - 360, NOW_S - 300),
            telemetry.FiredAlert("Flap", {"alertname": "Flap"}, {}, START_S, START_S + 60, START_S + 600),
            telemetry.FiredAlert("Later", {"alertname": "FUTURE"}, {}, NOW_S, NOW_S + 60),
        ),
        incidents=(
            telemetry.Incident(START_S + 60, 11, "Flap", "frontend", "low", START_S + 600, {"alertname": "Flap"}),
            telemetry.Incident(NOW_S - 290, 12, "HighErrors on checkout", "checkout", alert_labels=labels),
            telemetry.Incident(NOW_S + 290, 13, "FUTURE", "checkout"),
        ),
        access=access or {},
    )
