"""Recorded kubectl output of a tiny broken cluster, in Cloud-OpsBench's layout."""

import json
from pathlib import Path
from typing import Any

POD = """\
Name:             cart-79b49f5555-dmtxg
Namespace:        shop
Priority:         0
Service Account:  cart
Node:             worker-01/192.168.0.222
Start Time:       Sat, 29 Nov 2025 20:46:19 +0800
Labels:           app=cart
                  pod-template-hash=79b49f5555
Annotations:      <none>
Status:           Running
IP:               172.20.1.225
Controlled By:  ReplicaSet/cart-79b49f5555
Containers:
  server:
    Container ID:   containerd://3ec963
    Image:          registry.example:5000/shop/cart:v1
    Image ID:       registry.example:5000/shop/cart@sha256:ff1a
    Port:           7070/TCP
    Host Port:      0/TCP
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Exit Code:    137
      Started:      Sat, 29 Nov 2025 20:46:40 +0800
      Finished:     Sat, 29 Nov 2025 20:47:10 +0800
    Ready:          False
    Restart Count:  3
    Limits:
      cpu:     300m
      memory:  128Mi
    Requests:
      cpu:      200m
      memory:   64Mi
    Liveness:   grpc <pod>:7071  delay=5s timeout=1s period=10s #success=1 #failure=3
    Readiness:  http-get http://:7070/_healthz delay=15s timeout=1s period=10s #success=1 #failure=3
    Environment Variables from:
      cart-db  Secret  Optional: false
    Environment:
      REDIS_ADDR:  redis:6379
      TOKEN:       <set to the key 'token' in secret 'cart-db'>  Optional: false
      NODE:         (v1:spec.nodeName)
    Mounts:
      /data from data (rw)
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-7bjsk (ro)
Conditions:
  Type              Status
  Initialized       True
  Ready             False
Volumes:
  data:
    Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)
    ClaimName:  cart-pvc
    ReadOnly:   false
QoS Class:                   Burstable
Node-Selectors:              disk=ssd
Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                             critical=true:NoSchedule
Events:
  Type     Reason     Age                From     Message
  ----     ------     ----               ----     -------
  Normal   Scheduled  94s                default-scheduler  Successfully assigned shop/cart-79b49f5555-dmtxg to worker-01
  Warning  Unhealthy  10s (x9 over 80s)  kubelet  Liveness probe failed: timeout: failed to connect service "172.20.1.225:7071" within 1s
"""
NODE = """\
Name:               worker-01
Roles:              node
Labels:             kubernetes.io/hostname=worker-01
                    kubernetes.io/role=node
Annotations:        node.alpha.kubernetes.io/ttl: 0
CreationTimestamp:  Mon, 11 Aug 2025 15:49:09 +0800
Taints:             critical=true:NoSchedule
Unschedulable:      false
Lease:
  HolderIdentity:  worker-01
  AcquireTime:     <unset>
  RenewTime:       Sat, 29 Nov 2025 20:48:07 +0800
Conditions:
  Type    Status  LastHeartbeatTime                 LastTransitionTime                Reason        Message
  ----    ------  -----------------                 ------------------                ------        -------
  Ready   True    Sat, 29 Nov 2025 20:47:20 +0800   Mon, 11 Aug 2025 15:48:44 +0800   KubeletReady  kubelet is posting ready status
Allocatable:
  cpu:                8
  memory:             15671356Ki
Non-terminated Pods:          (1 in total)
  Namespace                   Name                     CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age
  ---------                   ----                     ------------  ----------  ---------------  -------------  ---
  kube-system                 kube-flannel-ds-v9qhx    100m (1%)     0 (0%)      50Mi (0%)        0 (0%)         15d
Events:              <none>
"""
SERVICE = """\
Name:                     cart
Namespace:                shop
Labels:                   app=cart
Annotations:              <none>
Selector:                 app=cart
Type:                     ClusterIP
IP:                       10.68.244.127
IPs:                      10.68.244.127
Port:                     grpc  7070/TCP
TargetPort:               7070/TCP
Endpoints:                <none>
Events:                   <none>
"""
QUOTA = """\
Name:         cpu-quota
Namespace:    shop
Resource      Used  Hard
--------      ----  ----
requests.cpu  10    10
"""
SECRET = """\
apiVersion: v1
data:
  DB_HOST: ZGI=
  DB_PASSWORD: aHVudGVyMg==
kind: Secret
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"DB_PASSWORD":"hunter2"}}'
  creationTimestamp: "2025-11-01T00:00:00Z"
  name: cart-db
  namespace: shop
type: Opaque
"""
STATES = {
    "kubectl get pods -n shop": "NAME                    READY   STATUS             RESTARTS   AGE\n"
    "cart-79b49f5555-dmtxg   0/1     CrashLoopBackOff   3          93s\n",
    "kubectl describe pods cart-79b49f5555-dmtxg -n shop": POD,
    "kubectl describe nodes worker-01 -n shop": NODE,
    "kubectl describe services cart -n shop": SERVICE,
    "kubectl describe resourcequota cpu-quota -n shop": QUOTA,
    "kubectl get secrets cart-db -n shop -o yaml": SECRET,
    "kubectl get serviceaccounts -n shop -o wide": "NAME      SECRETS   AGE\ncart      0         2m1s\ndefault   0         33d\n",
    "kubectl get jobs -n shop": "No resources found in shop namespace.\n",
    "kubectl get services gone -n shop": 'Error from server (NotFound): services "gone" not found\n',
    "kubectl get events -n shop --sort-by='.lastTimestamp' | tail -n 20": "2m    Warning   FailedCreate   replicaset/web-8cbf5b9d4   "
    'Error creating: pods "web-8cbf5b9d4-x" is forbidden: exceeded quota: cpu-quota, requested: requests.cpu=1, used: 10\n',
    "systemctl status kubelet": "active (running)",
}
LOGS = {
    "cart": [
        '{"message":"Tracing disabled.","timestamp":"2025-11-29T12:46:20.744453884Z"}',
        "a line that tells no time",
        '{"severity":"info","time":1764420381000,"message":"up"}',
    ],
    "cart.previous": "2025-11-29T20:46:00.000000001+08:00 before the restart\nError: Error from server (BadRequest): no\n",
    "cart.istio-proxy": "2025-11-29T20:46:01.5+08:00 proxy\n",
    "web": [],
}
METRICS = """\
\ufefftime,cart-cpu,cart-rps,cart-success_rate,cart-p95latency,cart-mem,worker-01-cpu,other
2025-11-29 20:47:00,0.5,10.0,0.9,20,1000,3.0,1
2025-11-29 20:47:05,0.5,10.0,0.9,40,,3.0,1
2025-11-29 20:47:10,1.5,10.0,0.5,60,1000,3.0,1
"""
RESULT = {"fault_taxonomy": "Runtime_Fault", "fault_object": "app/cart", "root_cause": "liveness_probe_incorrect_port"}
METADATA = {
    "namespace": "shop",
    "query": "Service abnormal restart.",
    "result": RESULT,
    "process": {"path1": ["GetResources::pods", "GetSecretHint::zebra"]},
}


def write_case(
    root: Path,
    *,
    metadata: Any = METADATA,
    states: Any = STATES,
    logs: Any = LOGS,
    metrics: str | None = METRICS,
    alert: Any = None,
) -> Path:
    """One case under `root`/boutique/runtime/7; None leaves a file out; JSON files begin with a byte order mark."""
    case = root / "boutique" / "runtime" / "7"
    (case / "raw_data").mkdir(parents=True)
    files = {"metadata.json": metadata, "raw_data/k8s_states.json": states, "raw_data/logs.json": logs}
    files["raw_data/alert.json"] = alert
    for name, content in files.items():
        if content is not None:
            (case / name).write_text(json.dumps(content), encoding="utf-8-sig")
    if metrics is not None:
        (case / "raw_data" / "metrics.csv").write_text(metrics, encoding="utf-8")
    return root
