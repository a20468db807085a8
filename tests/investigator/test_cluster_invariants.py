"""Each way to break a healthy cluster gives the clue that names it, on the right object, with evidence; health gives none."""

import base64
from collections.abc import Callable

import cluster_objects as objects
import pytest
from cluster_objects import Cluster
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward.investigator.causal import case as cases
from rootward.investigator.causal.cluster import inspect, state
from rootward.signals import alerts, entities, records

Break = Callable[[Cluster], None]
POD = "cart-6f966d9cc9-abcde"


def quota(cluster: Cluster, resource: str, used: str, hard: str) -> None:
    status = {"hard": {resource: hard}, "used": {resource: used}}
    metadata = {"name": "limit", "namespace": objects.NAMESPACE}
    cluster.objects["ResourceQuota"] = {"limit": {"metadata": metadata, "status": status}}


def denied(resource: str) -> Break:
    def apply(cluster: Cluster) -> None:
        del cluster.objects["Pod"][POD]
        quota(cluster, resource, "10", "10")
        said = f'pods "cart-x" is forbidden: exceeded quota: limit, requested: {resource}=1, used: {resource}=10, limited: {resource}=10'
        cluster.happen("FailedCreate", "cart-6f966d9cc9", f"Error creating: {said}")

    return apply


def services_quota(cluster: Cluster) -> None:
    del cluster.objects["Service"]["cart"]
    quota(cluster, "services", "5", "5")


def storage_quota(cluster: Cluster) -> None:
    quota(cluster, "requests.storage", "0", "1Gi")
    cluster.template("redis")["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": "redis-pvc"}}]
    cluster.unschedule("redis", 'persistentvolumeclaim "redis-pvc" not found')


def missing_account(cluster: Cluster) -> None:
    del cluster.objects["Pod"][POD]
    cluster.template("cart")["serviceAccountName"] = "carts"


def unschedulable(said: str, **spec: object) -> Break:
    def apply(cluster: Cluster) -> None:
        cluster.template("cart").update(spec)
        cluster.unschedule("cart", said)

    return apply


def node_condition(status: str, reason: str, message: str) -> Break:
    def apply(cluster: Cluster) -> None:
        condition = {"type": "Ready", "status": status, "reason": reason, "message": message}
        cluster.objects["Node"]["worker-1"]["status"]["conditions"] = [condition]
        for body in cluster.objects["Pod"].values():
            if body["spec"].get("nodeName") == "worker-1":
                body["status"]["conditions"] = [{"type": "Ready", "status": "False"}]

    return apply


def no_routes(cluster: Cluster) -> None:
    """web (on worker-0) relays what catalog … no: what cart (on worker-1) could not dial."""
    cluster.say("cart", *["dial tcp 10.68.0.14:6379: i/o timeout"] * 3)


def no_routes_quoted(cluster: Cluster) -> None:
    line = 'rpc error: code = Internal desc = cart failure: rpc error: code = Unavailable desc = "dial tcp 10.68.0.14:6379: i/o timeout"'
    cluster.say("web", *[line] * 3)


def pull(said: str) -> Break:
    def apply(cluster: Cluster) -> None:
        cluster.break_pod("cart", phase="Pending", waiting={"reason": "ImagePullBackOff"})
        cluster.happen("Failed", POD, f'Failed to pull image "registry.example/cart:v1": {said}')

    return apply


def pull_secret(cluster: Cluster) -> None:
    pull("failed to authorize: 403 Forbidden")(cluster)
    cluster.happen(
        "FailedToRetrieveImagePullSecret", POD, "Unable to retrieve some image pull secrets (gone); attempting"
    )


def missing_secret(cluster: Cluster) -> None:
    objects.set_all(cluster.both("cart"), envFrom=[{"secretRef": {"name": "cart-db"}}])
    cluster.break_pod("cart", phase="Pending", waiting={"reason": "CreateContainerConfigError"})
    cluster.happen("Failed", POD, 'Error: secret "cart-db" not found')


def failing_probe(kind: str, said: str, **probe: object) -> Break:
    def apply(cluster: Cluster) -> None:
        objects.set_all(cluster.both("cart"), **{f"{kind.lower()}Probe": {**objects.PROBE, **probe}})
        cluster.break_pod("cart", restarts=2 if kind == "Liveness" else 0, running={})
        cluster.happen("Unhealthy", POD, f"{kind} probe failed: {said}", count=9)

    return apply


def slow_readiness(cluster: Cluster) -> None:
    objects.set_all(
        cluster.both("cart"), readinessProbe={**objects.PROBE, "initialDelaySeconds": 600, "grpc": {"port": 7070}}
    )
    cluster.break_pod("cart", running={})


def oom_at_start(cluster: Cluster) -> None:
    cluster.break_pod("cart", phase="Pending", waiting={"reason": "ContainerCreating"})
    cluster.happen(
        "FailedCreatePodSandBox", POD, "runc create failed: container init was OOM-killed (memory limit too low?)"
    )


def oom_later(cluster: Cluster) -> None:
    cluster.break_pod("cart", restarts=4, waiting={"reason": "CrashLoopBackOff"})
    status = cluster.pod("cart")["status"]["containerStatuses"][0]
    status["lastState"] = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}


def scaled_away(cluster: Cluster) -> None:
    cluster.objects["Deployment"]["cart"]["spec"]["replicas"] = 0
    del cluster.objects["Pod"][POD]


def sidecar_port(cluster: Cluster) -> None:
    template = cluster.objects["Deployment"]["cart"]["spec"]["template"]
    template["metadata"]["annotations"] = {"proxy.example/config": '{ "statusPort": 7070 }'}
    cluster.break_pod("cart", restarts=3, waiting={"reason": "CrashLoopBackOff"})


def crashing(*lines: str) -> Break:
    def apply(cluster: Cluster) -> None:
        cluster.break_pod("cart", restarts=3, waiting={"reason": "CrashLoopBackOff"})
        ended = {"terminated": {"reason": "Error", "exitCode": 1}}
        cluster.pod("cart")["status"]["containerStatuses"][0]["lastState"] = ended
        cluster.say("cart", *lines)

    return apply


def denied_volume(cluster: Cluster) -> None:
    cluster.template("cart")["volumes"] = [{"name": "data", "hostPath": {"path": "/mnt"}}]
    crashing("Fatal error: can't open dump.rdb for reading: Permission denied")(cluster)


def selects_nobody(cluster: Cluster) -> None:
    cluster.objects["Service"]["cart"]["spec"]["selector"] = {"app": "carts"}


def targets(port: int | str) -> Break:
    def apply(cluster: Cluster) -> None:
        cluster.objects["Service"]["cart"]["spec"]["ports"][0]["targetPort"] = port

    return apply


def address(value: str) -> Break:
    def apply(cluster: Cluster) -> None:
        objects.set_all(cluster.both("cart"), env=[{"name": "REDIS_ADDR", "value": value}])

    return apply


def unknown_class(cluster: Cluster) -> None:
    offered = cluster.objects["Service"]["cart"]["spec"]["ports"][0]["port"]
    paths = [{"path": "/cart", "backend": {"service": {"name": "cart", "port": {"number": offered}}}}]
    spec = {"ingressClassName": "public", "rules": [{"http": {"paths": paths}}]}
    cluster.objects["Ingress"] = {"cart": {"metadata": {"name": "cart", "namespace": objects.NAMESPACE}, "spec": spec}}
    cluster.objects["IngressClass"] = {"nginx": {"metadata": {"name": "nginx"}, "spec": {}}}


def own_resolver(cluster: Cluster) -> None:
    cluster.template("cart").update(dnsPolicy="None", dnsConfig={"nameservers": ["10.255.0.1"]})
    cluster.break_pod("cart", restarts=2, waiting={"reason": "CrashLoopBackOff"})


def logins(**differing: str) -> Break:
    """All workloads log in to db by secrets; cart's secret differs."""

    def apply(cluster: Cluster) -> None:
        for name in objects.WORKLOADS:
            values = {"DB_HOST": "db", "DB_PORT": "3306", "DB_USER": "u", "DB_PASSWORD": "sha256:1"}
            values |= differing if name == "cart" else {}
            data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
            metadata = {"name": f"{name}-db", "namespace": objects.NAMESPACE}
            cluster.objects["Secret"][f"{name}-db"] = {"metadata": metadata, "data": data}
            objects.set_all(cluster.both(name), envFrom=[{"secretRef": {"name": f"{name}-db"}}])
        if differing:
            cluster.break_pod("cart", restarts=3, waiting={"reason": "CrashLoopBackOff"})

    return apply


def refused_writes(cluster: Cluster) -> None:
    cluster.say(
        "billing", *["The MySQL server is running with the --read-only option so it cannot execute this statement"] * 3
    )


def only_writes_fail(cluster: Cluster) -> None:
    logins()(cluster)
    labels = {"service": "billing", "method": "POST"}
    cluster.fired.append(alerts.Alert("ProbeFailed", objects.NOW_S - 60.0, labels=labels))


TIMEOUT = 'timeout: failed to connect service "10.0.0.1:7070" within 1s: context deadline exceeded'
MALFORMED = 'Get "http://10.0.0.1:7070/": HTTP/1.x transport connection broken: malformed HTTP response'
LOOKUP = "dial tcp: lookup registry.example: Temporary failure in name resolution"
BROKEN: dict[str, tuple[Break, str, str]] = {
    "cpu quota": (denied("requests.cpu"), "shop", "quota_cpu"),
    "memory quota": (denied("limits.memory"), "shop", "quota_memory"),
    "pod quota": (denied("pods"), "shop", "quota_pods"),
    "service quota": (services_quota, "shop", "quota_services"),
    "storage quota": (storage_quota, "shop", "quota_storage"),
    "service account": (missing_account, "cart", "missing_service_account"),
    "cordoned": (unschedulable("3 node(s) were unschedulable"), "cart", "node_cordon"),
    "taint": (
        unschedulable("1 node(s) were unschedulable, 2 node(s) had untolerated taint {critical: true}"),
        "cart",
        "taint_toleration",
    ),
    "taint on what it selects": (
        unschedulable(
            "1 node(s) had untolerated taint {gpu: yes}, 2 node(s) didn't match Pod's node affinity/selector"
        ),
        "cart",
        "taint_toleration",
    ),
    "anti-affinity": (unschedulable("3 node(s) didn't match pod anti-affinity rules"), "cart", "pod_anti_affinity"),
    "cpu": (unschedulable("1 node(s) were unschedulable, 2 Insufficient cpu"), "cart", "capacity_cpu"),
    "memory": (unschedulable("3 Insufficient memory"), "cart", "capacity_memory"),
    "selector": (
        unschedulable("3 node(s) didn't match Pod's node affinity/selector", nodeSelector={"disk": "ssd"}),
        "cart",
        "node_selector",
    ),
    "affinity": (unschedulable("3 node(s) didn't match Pod's node affinity/selector"), "cart", "node_affinity"),
    "scheduler": (unschedulable(""), "master", "kube_scheduler_unavailable"),
    "kubelet": (
        node_condition("Unknown", "NodeStatusUnknown", "Kubelet stopped posting"),
        "worker-1",
        "kubelet_unavailable",
    ),
    "runtime": (
        node_condition("False", "KubeletNotReady", "container runtime is down"),
        "worker-1",
        "containerd_unavailable",
    ),
    "kube-proxy": (no_routes, "worker-1", "kube_proxy_unavailable"),
    "kube-proxy, quoted": (no_routes_quoted, "worker-1", "kube_proxy_unavailable"),
    "registry name": (pull(LOOKUP), "cart", "image_registry_dns"),
    "image": (pull("rpc error: code = NotFound desc = manifest unknown"), "cart", "image_reference"),
    "pull secret": (pull_secret, "cart", "image_pull_secret"),
    "secret": (missing_secret, "cart", "missing_secret"),
    "liveness port": (
        failing_probe("Liveness", TIMEOUT.replace("7070", "7071"), grpc={"port": 7071}),
        "cart",
        "liveness_port",
    ),
    "liveness protocol": (failing_probe("Liveness", MALFORMED, httpGet={"port": 7070}), "cart", "liveness_protocol"),
    "liveness timing": (
        failing_probe(
            "Liveness", TIMEOUT, grpc={"port": 7070}, initialDelaySeconds=0, periodSeconds=1, failureThreshold=1
        ),
        "cart",
        "liveness_timing",
    ),
    "readiness port": (
        failing_probe("Readiness", TIMEOUT.replace("7070", "7071"), grpc={"port": 7071}),
        "cart",
        "readiness_port",
    ),
    "readiness protocol": (failing_probe("Readiness", MALFORMED, httpGet={"port": 7070}), "cart", "readiness_protocol"),
    "readiness timing": (slow_readiness, "cart", "readiness_timing"),
    "killed at start": (oom_at_start, "cart", "oom_killed"),
    "killed later": (oom_later, "cart", "oom_killed"),
    "zero replicas": (scaled_away, "cart", "zero_replicas"),
    "sidecar's port": (sidecar_port, "cart", "port_conflict"),
    "port in use": (crashing("Web server failed to start. Port 7070 was already in use."), "cart", "port_conflict"),
    "volume permission": (denied_volume, "cart", "volume_permission"),
    "crash": (crashing("something odd"), "cart", "crash_loop"),
    "selects nobody": (selects_nobody, "cart", "service_selector"),
    "target port": (targets(7071), "cart", "service_port"),
    "named target port": (targets("grpc-api"), "cart", "service_port"),
    "misspelt address": (address("rediss:6379"), "cart", "service_address"),
    "wrong port of a callee": (address("redis:6380"), "cart", "service_address"),
    "ingress of an unknown class": (unknown_class, "cart", "ingress_misroute"),
    "own resolver": (own_resolver, "cart", "service_dns"),
    "database port": (logins(DB_PORT="3307"), "cart", "db_port"),
    "database password": (logins(DB_PASSWORD="sha256:2"), "cart", "db_credentials"),
    "login refused": (
        crashing("Access denied for user 'u'@'10.0.0.9' (using password: YES)"),
        "cart",
        "db_credentials",
    ),
    "read-only": (refused_writes, "db", "db_read_only"),
    "only writes fail": (only_writes_fail, "db", "db_read_only"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named(name: str) -> None:
    apply, entity, fault = BROKEN[name]
    cluster = objects.healthy()
    apply(cluster)
    found = inspect.clues(cluster.case())
    assert objects.strongest(found) == (entity, fault), [
        (round(c.weight, 1), c.entity.name, c.fault, c.sentence) for c in found
    ]
    assert found[0].evidence
    assert found[0].sentence
    assert all(
        clue.weight <= 0.5 * found[0].weight for clue in found if (clue.entity.name, clue.fault) != (entity, fault)
    )


def test_a_healthy_cluster_gives_nothing() -> None:
    assert inspect.clues(objects.healthy().case()) == []


def test_a_case_without_cluster_gives_nothing() -> None:
    case = objects.healthy().case()
    empty = cases.Case(case.alert, case.baseline, case.focus, case.now_s, logs=case.logs)
    assert inspect.clues(empty) == []
    assert inspect.refutations(empty) == []


def test_an_address_that_nobody_misses_is_an_oddity_and_is_ruled_out() -> None:
    cluster = objects.healthy()
    cluster.container("web")["env"].append({"name": "ASSISTANT_ADDR", "value": "shoppingassistant:80"})
    (clue,) = inspect.clues(cluster.case())
    assert clue.weight < 1.5
    assert [(one.entity.name, one.fault) for one in inspect.refutations(cluster.case())] == [("web", "service_address")]


def test_the_same_address_counts_when_its_client_says_that_it_fails() -> None:
    cluster = objects.healthy()
    cluster.container("web")["env"].append({"name": "ASSISTANT_ADDR", "value": "shoppingassistant:80"})
    cluster.say("web", "dial tcp: lookup shoppingassistant on 10.0.0.10:53: no such host")
    assert objects.strongest(inspect.clues(cluster.case())) == ("web", "service_address")


def test_when_all_clients_agree_the_service_is_at_fault() -> None:
    cluster = objects.healthy()
    cluster.objects["Service"]["db"]["spec"]["ports"][0]["port"] = 3307
    assert objects.strongest(inspect.clues(cluster.case())) == ("db", "service_port")


def test_a_service_account_that_came_late_is_no_fault() -> None:
    cluster = objects.healthy()
    said = 'pods "cart-x" is forbidden: error looking up service account shop/cart: serviceaccount "cart" not found'
    cluster.happen("FailedCreate", "cart-6f966d9cc9", said)
    assert inspect.clues(cluster.case()) == []


def test_old_events_and_events_of_what_is_gone_say_nothing() -> None:
    cluster = objects.healthy()
    cluster.happen("FailedScheduling", "old-6f966d9cc9-fffff", "0/2 nodes are available: 2 Insufficient cpu.")
    cluster.happen("Unhealthy", POD, f"Liveness probe failed: {TIMEOUT}", ago_s=3000.0)
    assert inspect.clues(cluster.case()) == []


def test_pods_on_a_dead_node_are_its_victims() -> None:
    cluster = objects.healthy()
    node_condition("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status")(cluster)
    crashing("x")(cluster)
    found = inspect.clues(cluster.case())
    assert found[0].entity == entities.Entity(entities.EntityKind.NODE, "worker-1")
    assert all(clue.symptom for clue in found[1:])


def test_a_database_that_logs_refused_logins_is_not_at_fault() -> None:
    cluster = objects.healthy()
    cluster.say("db", *["Access denied for user 'root'@'::1' (using password: NO)"] * 50)
    assert inspect.clues(cluster.case()) == []


def test_weights_keep_their_order_of_precedence() -> None:
    cluster = objects.healthy()
    denied("requests.cpu")(cluster)
    cluster.happen("FailedScheduling", "web-6f966d9cc9-abcde", "0/2 nodes are available: 2 Insufficient cpu.")
    cluster.unschedule("web")
    found = inspect.clues(cluster.case())
    assert objects.strongest(found) == ("shop", "quota_cpu")
    weights = [clue.weight for clue in found]
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(("text", "value"), [("250m", 0.25), ("64Mi", 64 * 2**20), ("2", 2.0), (3, 3.0), ("10G", 1e10)])
def test_quantities(text: object, value: float) -> None:
    assert state.quantity(text) == pytest.approx(value)


def test_what_is_no_quantity_is_none() -> None:
    assert [state.quantity(text) for text in ("", "lots", None, {})] == [None] * 4


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 99999) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["metadata", "spec", "status", "template", "containers", "env", "name", "value", "ports", "containerPort", "labels",
         "conditions", "type", "nodeName", "volumes", "selector", "replicas", "containerStatuses", "state", "phase", "hard"]
    ), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["Pod", "Deployment", "Service", "Node", "ResourceQuota", "Secret"]), JUNK),
        max_size=4,
    )
)
def test_objects_that_lie_break_nothing(found: list[tuple[str, object]]) -> None:
    cluster = objects.healthy()
    case = cluster.case()
    extra: dict[str, list[records.ClusterObject]] = {kind: list(of_kind) for kind, of_kind in case.objects.items()}
    for index, (kind, body) in enumerate(found):
        junk = body if isinstance(body, dict) else {"spec": body}
        extra.setdefault(kind, []).append(records.ClusterObject(kind, f"junk-{index}", objects.NAMESPACE, junk))
    lying = cases.Case(
        case.alert, case.baseline, case.focus, case.now_s, objects=extra, objects_evidence=case.objects_evidence
    )
    for clue in inspect.clues(lying):
        assert clue.weight == clue.weight
