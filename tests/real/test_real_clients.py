"""Official Python clients of Kubernetes and Slack against the dojo's faces (install the extra "real")."""

import dojo_server
import pytest

from rootward.dojo.wire import clients

# Other people's libraries warn about their own dependencies.
pytestmark = pytest.mark.filterwarnings("default")
REASON = "not installed (pip install 'rootward[real]'): the face was not tried with the official client"


@pytest.fixture(scope="module")
def base_url():
    with dojo_server.serving() as address:
        yield address


def test_the_official_kubernetes_client(base_url):
    kubernetes = pytest.importorskip("kubernetes", reason=REASON)
    api = kubernetes.config.new_client_from_config_dict(clients.kubeconfig(base_url))
    core, apps = kubernetes.client.CoreV1Api(api), kubernetes.client.AppsV1Api(api)
    assert kubernetes.client.VersionApi(api).get_code().git_version == "v1.31.2"
    pods = core.list_pod_for_all_namespaces(label_selector="app=checkout").items
    assert [pod.metadata.name for pod in pods] == ["checkout-7d9c6b5f4-abcde"]
    assert pods[0].status.container_statuses[0].last_state.terminated.reason == "OOMKilled"
    first = core.list_namespaced_pod("shop", limit=1)
    second = core.list_namespaced_pod("shop", limit=1, _continue=first.metadata._continue)
    assert {first.items[0].metadata.name, second.items[0].metadata.name} >= {"checkout-7d9c6b5f4-abcde"}
    assert apps.read_namespaced_deployment("checkout", "shop").status.available_replicas == 1
    assert core.list_namespaced_event("shop").items[0].reason == "BackOff"
    log = core.read_namespaced_pod_log("checkout-7d9c6b5f4-abcde", "shop", tail_lines=3, _preload_content=False)
    assert len(log.data.decode().splitlines()) == 3  # decoded here: version 36 gives the text of bytes, "b'…'"
    custom = kubernetes.client.CustomObjectsApi(api).list_cluster_custom_object(
        "networking.istio.io", "v1", "virtualservices"
    )
    assert custom["items"][0]["kind"] == "VirtualService"
    with pytest.raises(kubernetes.client.ApiException) as refused:
        core.delete_namespaced_pod("checkout-7d9c6b5f4-abcde", "shop")
    assert refused.value.status == 403
    api.rest_client.pool_manager.clear()
    api.close()


def test_the_official_slack_client(base_url):
    slack_sdk = pytest.importorskip("slack_sdk", reason=REASON)
    client = slack_sdk.WebClient(token="xoxb-1", base_url=f"{base_url}/slack/api/")
    assert client.auth_test()["team"] == "acme"
    channels = {one["name"]: one["id"] for page in client.conversations_list(limit=1) for one in page["channels"]}
    assert set(channels) == {"incidents", "deploys"}
    (parent,) = client.conversations_history(channel=channels["incidents"])["messages"]
    replies = client.conversations_replies(channel=channels["incidents"], ts=parent["ts"])["messages"]
    assert [one["text"] for one in replies] == ["checkout looks odd", "looking"]
    assert client.users_info(user=parent["user"])["user"]["name"] == "ana"
    with pytest.raises(slack_sdk.errors.SlackApiError, match="channel_not_found"):
        client.conversations_history(channel="C0")
