"""The real kubectl against the dojo's Kubernetes face."""

import json
import os
import shutil
import subprocess

import dojo_server
import pytest

from rootward.dojo.wire import clients

KUBECTL = shutil.which("kubectl") or ""
POD = "checkout-7d9c6b5f4-abcde"
pytestmark = pytest.mark.skipif(
    not KUBECTL, reason="kubectl is not installed: the Kubernetes face was not tried with the real client"
)


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory):
    home = tmp_path_factory.mktemp("kube")
    with dojo_server.serving() as base_url:
        config = home / "config.json"
        config.write_text(json.dumps(clients.kubeconfig(base_url)))
        environment = {"HOME": str(home), "KUBECONFIG": str(config), "PATH": os.environ["PATH"]}

        def run(*arguments, fails=False):
            done = subprocess.run(
                [KUBECTL, *arguments], capture_output=True, text=True, timeout=60, env=environment, check=False
            )
            assert (done.returncode != 0) == fails, done.stderr
            return done.stderr if fails else done.stdout

        yield run


def rows(output):
    """Table lines as lists of cells, the header first."""
    return [line.split() for line in output.splitlines()]


def test_version(kubectl):
    assert "Server Version: v1.31.2" in kubectl("version")


def test_get_pods_everywhere_wide(kubectl):
    header, first, second = rows(kubectl("get", "pods", "-A", "-o", "wide"))
    assert header[:6] == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert first[:5] == ["shop", POD, "0/1", "CrashLoopBackOff", "2"]
    assert second[:6] == ["shop", "frontend-6b7f9d5c4-x2x7k", "1/1", "Running", "0", "25h"]
    assert second[7] == "node-1"


def test_get_workloads_nodes_events_and_all(kubectl):
    assert rows(kubectl("get", "deployments", "-n", "shop"))[1] == ["checkout", "1/1", "1", "1", "25h"]
    assert rows(kubectl("get", "nodes"))[1] == ["node-1", "Ready", "worker", "25h", "v1.31.2"]
    events = kubectl("get", "events", "-n", "shop")
    assert "pod/checkout-7d9c6b5f4-abcde" in events
    assert "Back-off restarting failed container" in events
    assert {"pod/frontend-6b7f9d5c4-x2x7k", "service/checkout", "deployment.apps/checkout"} <= set(
        kubectl("get", "all", "-n", "shop").split()
    )


def test_selectors_and_json(kubectl):
    selected = json.loads(kubectl("get", "pods", "-A", "-l", "app in (checkout),tier!=web", "-o", "json"))
    assert [item["metadata"]["name"] for item in selected["items"]] == [POD]
    assert selected["items"][0]["kind"] == "Pod"
    by_node = kubectl("get", "pods", "-A", "--field-selector", "spec.nodeName=node-1", "-o", "name")
    assert by_node.split() == [f"pod/{POD}", "pod/frontend-6b7f9d5c4-x2x7k"]
    assert kubectl("get", "pods", "-A", "--chunk-size=1", "-o", "name") == by_node
    assert (
        kubectl(
            "get", "deployment", "checkout", "-n", "shop", "-o", "jsonpath={.spec.template.spec.containers[0].image}"
        )
        == "shop:1.4.2"
    )


def test_describe_shows_the_crash_and_its_events(kubectl):
    text = kubectl("describe", "pod", "-n", "shop", POD)
    assert "OOMKilled" in text
    assert "Restart Count:  2" in text
    assert "Back-off restarting failed container" in text
    assert "StrategyType" in kubectl("describe", "deployment", "checkout", "-n", "shop")
    assert "Kubelet Version:" in kubectl("describe", "node", "node-1")


def test_logs(kubectl):
    lines = kubectl("logs", "-n", "shop", POD, "--tail=2", "--timestamps").splitlines()
    assert [line.split()[0] for line in lines] == ["2024-05-01T10:59:57.000000000Z", "2024-05-01T10:59:59.000000000Z"]
    assert kubectl("logs", "-n", "shop", POD, "--previous", "--tail=1").count("\n") == 1
    assert len(kubectl("logs", "-n", "shop", "-l", "app=frontend", "--tail=5").splitlines()) == 5
    assert "previous terminated container" in kubectl(
        "logs", "-n", "shop", "frontend-6b7f9d5c4-x2x7k", "--previous", fails=True
    )


def test_api_resources_and_custom_kinds(kubectl):
    listed = {line[0] for line in rows(kubectl("api-resources"))}
    assert {"pods", "deployments", "cronjobs", "ingresses", "virtualservices", "poddisruptionbudgets"} <= listed
    assert rows(kubectl("get", "virtualservices", "-A"))[1][:2] == ["shop", "checkout"]


def test_refusals_read_as_a_clusters(kubectl):
    assert 'Error from server (NotFound): pods "nope" not found' in kubectl(
        "get", "pod", "nope", "-n", "shop", fails=True
    )
    assert "Error from server (Forbidden)" in kubectl("delete", "pod", POD, "-n", "shop", "--wait=false", fails=True)
    assert "the server doesn't have a resource type" in kubectl("get", "unicorns", fails=True)
    assert kubectl("auth", "can-i", "list", "pods").strip() == "yes"
