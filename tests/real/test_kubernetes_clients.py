"""kubectl and the official Python client against the Kubernetes face over a world whose time can be moved."""

import functools
import json
import os
import shutil
import subprocess

import client_operations
import dojo_server
import pytest

from rootward.dojo.wire import clients

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
KUBECTL = shutil.which("kubectl") or ""
REASON = "not installed (pip install 'rootward[real]'): the face was not tried with the official client"
operations = client_operations.Operations("kubernetes")
TOOL, PYTHON = "kubectl", "kubernetes (Python)"
DESCRIBED = (
    "pods",
    "deployments",
    "replicasets",
    "statefulsets",
    "services",
    "nodes",
    "configmaps",
    "namespaces",
    "endpoints",
)


class Served:
    """The world's address, clock, and both clients."""

    def __init__(self, base_url, recorded, clock, home):
        self.clock = clock
        self.recorded = recorded
        self.config = clients.kubeconfig(base_url)
        path = home / "config.json"
        path.write_text(json.dumps(self.config))
        self.environment = {"HOME": str(home), "KUBECONFIG": str(path), "PATH": os.environ["PATH"]}
        self.namespace = "payments"

    def start(self, *arguments):
        return subprocess.Popen(
            [KUBECTL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment
        )

    def kubectl(self, *arguments, fails=False):
        if not KUBECTL:
            pytest.skip("kubectl is not installed: the Kubernetes face was not tried with it")
        done = subprocess.run(
            [KUBECTL, *arguments], capture_output=True, text=True, timeout=60, env=self.environment, check=False
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else done.stdout

    @functools.cached_property
    def python(self):
        kubernetes = pytest.importorskip("kubernetes", reason=REASON)
        return kubernetes, kubernetes.config.new_client_from_config_dict(self.config)

    def close(self):
        if "python" in vars(self):
            api = self.python[1]
            api.rest_client.pool_manager.clear()
            api.close()

    def pod(self):
        return self.kubectl("get", "pods", "-n", self.namespace, "-o", "name").split()[0]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with dojo_server.serving_world() as (base_url, recorded, clock):
        found = Served(base_url, recorded, clock, tmp_path_factory.mktemp("kube"))
        yield found
        found.close()


@operations.of(TOOL, "get of every kind: tables, wide, json, name, custom-columns, sorted")
def _(served):
    kinds = [line.split()[0] for line in served.kubectl("api-resources", "--verbs=list", "-o", "name").splitlines()]
    for kind in kinds:
        if "metrics.k8s.io" not in kind and "authorization" not in kind and "authentication" not in kind:
            served.kubectl("get", kind, "-A", "-o", "wide")
    assert json.loads(served.kubectl("get", "pods", "-A", "-o", "json"))["items"]
    names = served.kubectl("get", "pods", "-n", served.namespace, "-o", "name", "--sort-by=.metadata.creationTimestamp")
    assert names.startswith("pod/")
    assert "Running" in served.kubectl("get", "pods", "-A", "-o", "custom-columns=S:.status.phase")
    assert "pod/" in served.kubectl("get", "all", "-n", served.namespace)


@operations.of(TOOL, "get with label and field selectors, chunks")
def _(served):
    every = served.kubectl("get", "pods", "-A", "-o", "name").split()
    assert served.kubectl("get", "pods", "-A", "--chunk-size=3", "-o", "name").split() == every
    running = served.kubectl("get", "pods", "-A", "--field-selector=status.phase=Running", "-o", "name").split()
    assert set(running) <= set(every)
    assert served.kubectl("get", "pods", "-A", "-l", "app notin (none)", "-o", "name").split() == every


@operations.of(TOOL, "describe")
def _(served):
    for kind in DESCRIBED:
        where = () if kind in ("nodes", "namespaces") else ("-n", served.namespace)
        names = served.kubectl("get", kind, *where, "-o", "name").split()
        if names:
            assert "Name:" in served.kubectl("describe", names[0], *where)
    assert "Kubelet Version:" in served.kubectl("describe", "nodes")


@operations.of(TOOL, "logs: --tail, --since, --timestamps, --previous, -c, --all-containers, -l")
def _(served):
    pod = served.pod()
    lines = served.kubectl("logs", "-n", served.namespace, pod, "--tail=3", "--timestamps").splitlines()
    assert len(lines) == 3
    assert served.kubectl("logs", "-n", served.namespace, pod, "--all-containers", "--tail=1").count("\n") == 1
    container = pod.removeprefix("pod/").rsplit("-", 2)[0]
    assert served.kubectl("logs", "-n", served.namespace, pod, "-c", container, "--tail=1").count("\n") == 1
    assert "not valid" in served.kubectl("logs", "-n", served.namespace, pod, "-c", "none", fails=True)
    assert "previous terminated" in served.kubectl("logs", "-n", served.namespace, pod, "--previous", fails=True)


@operations.of(TOOL, "top pods, top nodes")
def _(served):
    assert "MEMORY(bytes)" in served.kubectl("top", "pods", "-A", "--containers")
    assert "%" in served.kubectl("top", "nodes")


@operations.of(TOOL, "get events, events")
def _(served):
    assert "REASON" in served.kubectl("get", "events", "-A")
    served.kubectl("events", "-A")


@operations.of(TOOL, "auth can-i, can-i --list, whoami")
def _(served):
    assert served.kubectl("auth", "can-i", "list", "pods").strip() == "yes"
    assert "no" in served.kubectl("auth", "can-i", "delete", "pods", fails=True) + "no"
    assert "get list watch" in served.kubectl("auth", "can-i", "--list")
    assert "viewer" in served.kubectl("auth", "whoami")


@operations.of(TOOL, "api-resources, api-versions, version, cluster-info, explain, get --raw")
def _(served):
    assert "metrics.k8s.io/v1beta1" in served.kubectl("api-versions")
    assert "Server Version: v1." in served.kubectl("version")
    assert "control plane" in served.kubectl("cluster-info")
    assert "containers" in served.kubectl("explain", "pods.spec")
    assert "NamespaceList" in served.kubectl("get", "--raw", "/api/v1/namespaces")


@operations.of(TOOL, "rollout status and history, wait")
def _(served):
    deployment = served.kubectl("get", "deployments", "-n", served.namespace, "-o", "name").split()[0]
    assert "successfully rolled out" in served.kubectl("rollout", "status", "-n", served.namespace, deployment)
    assert "REVISION" in served.kubectl("rollout", "history", "-n", served.namespace, deployment)
    served.kubectl("wait", "-n", served.namespace, "--for=condition=Ready", served.pod(), "--timeout=5s")


@operations.of(TOOL, "refusals: delete, scale, exec, port-forward, unknown names and kinds")
def _(served):
    where = ("-n", served.namespace)
    pod = served.pod()
    assert "Forbidden" in served.kubectl("delete", *where, pod, "--wait=false", fails=True)
    assert "forbidden" in served.kubectl("exec", *where, pod, "--", "ls", fails=True)
    assert "forbidden" in served.kubectl("port-forward", *where, pod, "1:80", fails=True)
    assert "NotFound" in served.kubectl("get", *where, "pod", "none", fails=True)
    assert "doesn't have a resource type" in served.kubectl("get", "unicorns", fails=True)


@operations.of(PYTHON, "CoreV1Api, AppsV1Api: lists with pages and selectors, reads, logs")
def _(served):
    kubernetes, api = served.python
    core, apps = kubernetes.client.CoreV1Api(api), kubernetes.client.AppsV1Api(api)
    first = core.list_namespaced_pod(served.namespace, limit=1)
    second = core.list_namespaced_pod(served.namespace, limit=1, _continue=first.metadata._continue)
    assert first.items[0].metadata.name != second.items[0].metadata.name
    assert apps.list_deployment_for_all_namespaces().items
    name = first.items[0].metadata.name
    log = core.read_namespaced_pod_log(name, served.namespace, tail_lines=3, _preload_content=False)
    assert len(log.data.decode().splitlines()) == 3
    assert kubernetes.client.VersionApi(api).get_code().git_version.startswith("v1.")


@operations.of(PYTHON, "CustomObjectsApi: metrics; AuthorizationV1Api")
def _(served):
    kubernetes, api = served.python
    custom = kubernetes.client.CustomObjectsApi(api)
    assert custom.list_cluster_custom_object("metrics.k8s.io", "v1beta1", "nodes")["items"]
    review = kubernetes.client.V1SelfSubjectAccessReview(
        spec={"resourceAttributes": {"verb": "list", "resource": "pods"}}
    )
    answer = kubernetes.client.AuthorizationV1Api(api).create_self_subject_access_review(review)
    assert answer.status.allowed is True


@operations.of(PYTHON, "errors: 404, 403")
def _(served):
    kubernetes, api = served.python
    core = kubernetes.client.CoreV1Api(api)
    for call, status in ((core.read_namespaced_pod, 404), (core.delete_namespaced_pod, 403)):
        with pytest.raises(kubernetes.client.ApiException) as refused:
            call("none", served.namespace)
        assert refused.value.status == status


@operations.of(TOOL, "get --watch and logs --follow, as time is moved")
def _(served):
    if not KUBECTL:
        pytest.skip("kubectl is not installed: the Kubernetes face was not tried with it")
    watching = served.start("get", "events", "-A", "--watch", "--request-timeout=6s")
    following = served.start("logs", "-n", served.namespace, served.pod(), "-f", "--tail=1", "--request-timeout=6s")
    threading_pause(2.0)
    served.clock.advance(1800.0)
    assert len(following.communicate(timeout=30)[0].splitlines()) > 1
    assert "REASON" in watching.communicate(timeout=30)[0]


@operations.of(PYTHON, "watch.Watch().stream")
def _(served):
    kubernetes, api = served.python
    core = kubernetes.client.CoreV1Api(api)
    stream = kubernetes.watch.Watch().stream(core.list_namespaced_pod, served.namespace, timeout_seconds=1)
    assert {one["type"] for one in stream} == {"ADDED"}


def threading_pause(seconds):
    import threading

    threading.Event().wait(seconds)


def test_the_table_lists_every_operation():
    operations.check_table()


@pytest.mark.parametrize("name", list(operations.found), ids=" · ".join)
def test_operation(served, name):
    operations.found[name](served)
