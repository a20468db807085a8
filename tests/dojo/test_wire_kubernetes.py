"""The Kubernetes face: paths, selectors, pages, tables, logs and Status objects as an API server gives them."""

import json

import pytest
import sample_telemetry as sample
from hypothesis import given
from hypothesis import strategies as st
from starlette import testclient

from rootward import _clock
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import _kubernetes_cells, _kubernetes_selectors, kubernetes

POD = "checkout-7d9c6b5f4-abcde"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


@pytest.fixture
def client(shop, shop_clock):
    return testclient.TestClient(kubernetes.app(shop, shop_clock))


def names(reply):
    return [item["metadata"]["name"] for item in reply.json()["items"]]


def test_version_and_health(client):
    assert client.get("/version").json()["gitVersion"] == "v1.31.2"
    assert client.get("/readyz").text == "ok"


def test_discovery_names_built_in_and_found_kinds(client):
    assert client.get("/api").json()["versions"] == ["v1"]
    groups = {group["name"] for group in client.get("/apis").json()["groups"]}
    assert {"apps", "batch", "events.k8s.io", "networking.istio.io"} <= groups
    core = {one["name"]: one for one in client.get("/api/v1").json()["resources"]}
    assert core["pods"]["shortNames"] == ["po"]
    assert core["nodes"]["namespaced"] is False
    istio = client.get("/apis/networking.istio.io/v1").json()["resources"]
    assert [(one["name"], one["kind"]) for one in istio] == [("virtualservices", "VirtualService")]


def test_lists_leave_kind_out_of_items_and_single_objects_have_it(client):
    listed = client.get("/api/v1/namespaces/shop/pods").json()
    assert (listed["kind"], listed["apiVersion"]) == ("PodList", "v1")
    assert "kind" not in listed["items"][0]
    assert client.get(f"/api/v1/namespaces/shop/pods/{POD}").json()["kind"] == "Pod"
    custom = client.get("/apis/networking.istio.io/v1/virtualservices").json()
    assert custom["items"][0]["kind"] == "VirtualService"


def test_objects_are_as_they_stand_now(shop):
    clock = _clock.VirtualClock(sample.START_S)
    client = testclient.TestClient(kubernetes.app(shop, clock))

    def image():
        body = client.get("/apis/apps/v1/namespaces/shop/deployments/checkout").json()
        return body["spec"]["template"]["spec"]["containers"][0]["image"]

    assert image() == "shop:1.4.1"
    assert "gone-5d4c3b2a1-zzzzz" in names(client.get("/api/v1/pods"))
    before = int(client.get("/api/v1/pods").json()["metadata"]["resourceVersion"])
    clock.advance(3600.0)
    assert image() == "shop:1.4.2"
    assert names(client.get("/api/v1/pods")) == [POD, "frontend-6b7f9d5c4-x2x7k"]
    assert int(client.get("/api/v1/pods").json()["metadata"]["resourceVersion"]) > before


def test_events_live_for_an_hour_in_both_groups(client):
    assert names(client.get("/api/v1/events")) == ["checkout.1"]
    new = client.get("/apis/events.k8s.io/v1/namespaces/shop/events").json()["items"][0]
    assert new["regarding"]["name"] == POD
    assert new["note"] == "Back-off restarting failed container"


@pytest.mark.parametrize(
    ("selector", "count"),
    [
        ("app=checkout", 1),
        ("app==checkout", 1),
        ("app!=checkout", 1),
        ("app in (checkout, frontend)", 2),
        ("app notin (checkout)", 1),
        ("app", 2),
        ("!app", 0),
        ("app,tier=web", 1),
        ("nothing!=x", 2),
    ],
)
def test_label_selectors(client, selector, count):
    assert len(names(client.get("/api/v1/pods", params={"labelSelector": selector}))) == count


def test_field_selectors(client):
    assert (
        len(names(client.get("/api/v1/pods", params={"fieldSelector": "spec.nodeName=node-1,status.phase!=Failed"})))
        == 2
    )
    assert names(client.get("/api/v1/pods", params={"fieldSelector": f"metadata.name={POD}"})) == [POD]
    about = {"fieldSelector": f"involvedObject.name={POD},involvedObject.kind=Pod,type=Warning"}
    assert names(client.get("/api/v1/namespaces/shop/events", params=about)) == ["checkout.1"]


def test_pages_continue_where_they_ended(client):
    first = client.get("/api/v1/pods", params={"limit": 1})
    meta = first.json()["metadata"]
    assert (names(first), meta["remainingItemCount"]) == ([POD], 1)
    second = client.get("/api/v1/pods", params={"limit": 1, "continue": meta["continue"]})
    assert names(second) == ["frontend-6b7f9d5c4-x2x7k"]
    assert "continue" not in second.json()["metadata"]


def test_tables_show_what_kubectl_prints(client):
    table = client.get("/api/v1/namespaces/shop/pods", headers=TABLE).json()
    columns = [column["name"] for column in table["columnDefinitions"] if not column["priority"]]
    assert columns == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert table["rows"][0]["cells"][:5] == [POD, "0/1", "CrashLoopBackOff", "2 (5m ago)", "25h"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    for plural in ("services", "nodes", "events", "namespaces", "configmaps"):
        shown = client.get(f"/api/v1/{plural}", headers=TABLE).json()
        assert all(len(row["cells"]) == len(shown["columnDefinitions"]) for row in shown["rows"]), plural
        assert shown["rows"], plural


def test_logs_of_this_instance_and_the_one_before(client):
    path = f"/api/v1/namespaces/shop/pods/{POD}/log"
    tail = client.get(path, params={"tailLines": 2, "timestamps": "true", "container": "server"}).text.splitlines()
    assert [line.split(" ")[0] for line in tail] == ["2024-05-01T10:59:57.000000000Z", "2024-05-01T10:59:59.000000000Z"]
    assert len(client.get(path, params={"sinceSeconds": 60}).text.splitlines()) == 30
    assert client.get(path, params={"previous": "true"}).text.count("\n") > 100
    missing = client.get("/api/v1/namespaces/shop/pods/frontend-6b7f9d5c4-x2x7k/log", params={"previous": "true"})
    assert missing.status_code == 400
    assert "previous terminated container" in missing.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "code", "reason", "words"),
    [
        ("GET", "/api/v1/namespaces/shop/pods/nope", 404, "NotFound", 'pods "nope" not found'),
        ("GET", "/apis/apps/v1/namespaces/shop/deployments/nope", 404, "NotFound", 'deployments.apps "nope" not found'),
        ("GET", "/api/v1/unicorns", 404, "NotFound", "could not find the requested resource"),
        ("GET", "/apis/unknown.io/v1/things", 404, "NotFound", "could not find the requested resource"),
        ("GET", "/metrics", 404, "NotFound", "could not find"),
        ("DELETE", "/api/v1/namespaces/shop/pods/x", 403, "Forbidden", 'cannot delete resource "pods" in API group ""'),
        ("POST", "/api/v1/namespaces/shop/pods", 403, "Forbidden", 'cannot create resource "pods"'),
        ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/checkout", 403, "Forbidden", "cannot patch"),
        ("GET", "/api/v1/pods?labelSelector=a%20in%20b", 400, "BadRequest", "unable to parse requirement"),
        ("GET", "/api/v1/pods?labelSelector=%3D%3D", 400, "BadRequest", "unable to parse requirement"),
        (
            "GET",
            "/api/v1/pods?fieldSelector=spec.colour%3Dred",
            400,
            "BadRequest",
            "field label not supported: spec.colour",
        ),
        ("GET", "/api/v1/pods?continue=%21%21", 400, "BadRequest", "continue key is not valid"),
        ("GET", "/api/v1/pods?limit=many", 400, "BadRequest", "invalid limit"),
        (
            "GET",
            f"/api/v1/namespaces/shop/pods/{POD}/log?container=nope",
            400,
            "BadRequest",
            "container nope is not valid",
        ),
        ("GET", f"/api/v1/namespaces/shop/pods/{POD}/log?tailLines=-1", 422, "Invalid", "tailLines"),
    ],
)
def test_refusals_are_status_objects(client, method, path, code, reason, words):
    reply = client.request(method, path)
    body = reply.json()
    assert (reply.status_code, body["kind"], body["status"], body["code"]) == (code, "Status", "Failure", code)
    assert body["reason"] == reason
    assert words in body["message"]


def test_access_reviews_allow_reading_only(client):
    def allowed(verb):
        body = {"spec": {"resourceAttributes": {"verb": verb, "resource": "pods"}}}
        return client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=body).json()["status"][
            "allowed"
        ]

    assert (allowed("list"), allowed("delete")) == (True, False)
    assert client.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json={}).status_code == 422


def test_objects_without_identity_get_one_and_namespaces_are_implied(shop_clock):
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}
    event = {
        "metadata": {"name": "e", "namespace": "n"},
        "involvedObject": {"kind": "Pod", "namespace": "n", "name": "p"},
        "lastTimestamp": sample.iso(sample.NOW_S),
    }
    cluster = telemetry.Cluster(
        (telemetry.ObjectVersion(sample.START_S, bare),),
        (event, {"metadata": {"name": "never"}}, {"lastTimestamp": "soon"}),
    )
    recorded = telemetry.Telemetry("x", sample.START_S, sample.END_S, sample.NOW_S, cluster=cluster)
    client = testclient.TestClient(kubernetes.app(recorded, shop_clock))
    pod = client.get("/api/v1/namespaces/n/pods/p").json()
    assert pod["metadata"]["creationTimestamp"] == sample.iso(sample.START_S)
    assert names(client.get("/api/v1/namespaces")) == ["n"]
    about = {"fieldSelector": f"involvedObject.uid={pod['metadata']['uid']}"}
    assert names(client.get("/api/v1/events", params=about)) == ["e"]
    assert client.get("/api/v1/pods", headers=TABLE).json()["rows"][0]["cells"][:3] == ["p", "0/0", "Unknown"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (312, "5m12s"),
        (3600, "60m"),
        (11100, "3h5m"),
        (90000, "25h"),
        (187200, "2d4h"),
        (34560000, "400d"),
        (80000000, "2y195d"),
    ],
)
def test_ages_read_as_kubectls(seconds, text):
    assert _kubernetes_cells.human_duration(seconds) == text


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xyz"), max_size=3)


@given(LABELS, st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), min_size=1, max_size=2))
def test_in_and_notin_are_each_others_opposite(labels, key, values):
    inside = _kubernetes_selectors.labels_test(f"{key} in ({','.join(values)})")
    outside = _kubernetes_selectors.labels_test(f"{key} notin ({','.join(values)})")
    assert inside is not None
    assert outside is not None
    assert inside(labels) == (labels.get(key) in values) != outside(labels)


def test_a_list_is_equal_bytes_twice(client):
    first, second = (client.get("/api/v1/pods").content for _ in range(2))
    assert first == second
    assert json.loads(first)["items"]
