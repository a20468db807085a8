"""What kubectl asks beyond get and describe: aggregated discovery, schemas, usage, watches, logs that go on, who am I."""

import json

import numpy as np
import pytest
import sample_telemetry as sample
from starlette import testclient

from rootward import _clock
from rootward.dojo import world
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import _kubernetes_table, kubernetes

AGGREGATED = {"accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
POD = "/api/v1/namespaces/shop/pods/checkout-7d9c6b5f4-abcde"


@pytest.fixture
def client(shop, shop_clock):
    return testclient.TestClient(kubernetes.app(shop, shop_clock))


@pytest.fixture(scope="module")
def real():
    scenario, _ = world.build("payments", "slow_query", 3)
    return testclient.TestClient(kubernetes.app(scenario.telemetry, _clock.VirtualClock(scenario.telemetry.now_s)))


def test_aggregated_discovery_says_what_the_lists_say(client):
    core = client.get("/api", headers=AGGREGATED)
    assert core.headers["content-type"].startswith("application/json;g=apidiscovery.k8s.io")
    (group,) = core.json()["items"]
    listed = {one["name"] for one in client.get("/api/v1").json()["resources"] if "/" not in one["name"]}
    assert {one["resource"] for one in group["versions"][0]["resources"]} == listed
    groups = {item["metadata"]["name"] for item in client.get("/apis", headers=AGGREGATED).json()["items"]}
    assert groups == {one["name"] for one in client.get("/apis").json()["groups"]}
    assert {"apps", "networking.istio.io", "admissionregistration.k8s.io"} <= groups


def test_schemas_are_drawn_from_the_objects(client):
    index = client.get("/openapi/v3").json()["paths"]
    document = client.get(index["apis/apps/v1"]["serverRelativeURL"]).json()
    schema = document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    assert schema["properties"]["spec"]["properties"]["replicas"]["type"] == "integer"
    assert client.get("/openapi/v3/apis/none/v1").status_code == 404


def test_usage_of_pods_and_nodes(real):
    nodes = real.get("/apis/metrics.k8s.io/v1beta1/nodes").json()["items"]
    assert {one["metadata"]["name"] for one in nodes} == {
        one["metadata"]["name"] for one in real.get("/api/v1/nodes").json()["items"]
    }
    pods = real.get("/apis/metrics.k8s.io/v1beta1/pods").json()["items"]
    running = {one["metadata"]["name"] for one in real.get("/api/v1/pods").json()["items"]}
    assert len(pods) > 10
    assert {one["metadata"]["name"] for one in pods} <= running
    usage = pods[0]["containers"][0]["usage"]
    assert usage["cpu"].endswith("n")
    assert usage["memory"].endswith("Ki")
    where = pods[0]["metadata"]
    one = real.get(f"/apis/metrics.k8s.io/v1beta1/namespaces/{where['namespace']}/pods/{where['name']}").json()
    assert one["containers"] == pods[0]["containers"]
    table = real.get("/apis/metrics.k8s.io/v1beta1/pods", headers=TABLE).json()
    assert len(table["rows"]) == len(pods)
    assert real.get("/apis/metrics.k8s.io/v1beta1/nodes/none").status_code == 404


def test_a_cluster_without_metrics_has_no_metrics_api(client):
    assert client.get("/apis/metrics.k8s.io/v1beta1/pods").status_code == 404


def events_of(reply):
    return [json.loads(line) for line in reply.text.splitlines()]


class Jumping(_clock.VirtualClock):
    """Jumps two minutes ahead after it was looked at a few times: time that passes while a stream is open."""

    def __init__(self, looks):
        super().__init__(sample.NOW_S)
        self.looks = looks

    def now_s(self):
        self.looks -= 1
        if self.looks == 0:
            self.advance(120.0)
        return super().now_s()


def test_a_watch_from_nothing_begins_with_all_there_is(client):
    found = events_of(client.get("/api/v1/pods?watch=true&timeoutSeconds=1&fieldSelector=metadata.namespace=shop"))
    assert [one["type"] for one in found] == ["ADDED", "ADDED"]
    assert found[0]["object"]["kind"] == "Pod"


def test_a_watch_from_a_list_tells_only_what_changed(shop):
    clock = _clock.VirtualClock(sample.NOW_S)
    client = testclient.TestClient(kubernetes.app(shop, clock))
    version = client.get("/api/v1/pods").json()["metadata"]["resourceVersion"]
    path = f"/api/v1/pods?watch=true&timeoutSeconds=1&resourceVersion={version}"
    assert events_of(client.get(path)) == []
    clock.advance(120.0)
    assert [(one["type"], one["object"]["metadata"]["name"]) for one in events_of(client.get(path))] == [
        ("ADDED", "FUTURE-1")
    ]
    row = events_of(client.get(path, headers=TABLE))[0]["object"]
    assert (row["kind"], row["rows"][0]["cells"][0]) == ("Table", "FUTURE-1")


def test_a_watch_follows_the_clock(shop):
    client = testclient.TestClient(kubernetes.app(shop, Jumping(looks=3)))
    found = events_of(client.get("/apis/apps/v1/deployments?watch=1"))
    assert [one["type"] for one in found] == ["ADDED", "ADDED", "MODIFIED"]
    assert found[-1]["object"]["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:FUTURE"


def test_a_deletion_is_told(shop):
    at = sample.START_S + 1000
    clock = _clock.VirtualClock(at)
    client = testclient.TestClient(kubernetes.app(shop, clock))
    version = client.get("/api/v1/pods").json()["metadata"]["resourceVersion"]
    clock.advance(400.0)
    found = events_of(client.get(f"/api/v1/pods?watch=true&resourceVersion={version}&labelSelector=app=gone"))
    assert [one["type"] for one in found] == ["DELETED"]


def test_a_followed_log_goes_on_as_time_does(shop):
    client = testclient.TestClient(kubernetes.app(shop, Jumping(looks=4)))
    lines = client.get(f"{POD}/log?follow=true&tailLines=1").text.splitlines()
    assert len(lines) == 1 + 60  # a line every other second
    assert "FUTURE" in lines[-1]


def test_who_am_i_and_what_may_i(client):
    who = client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json={}).json()
    assert who["status"]["userInfo"]["username"] == "viewer"
    rules = client.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", json={"spec": {}}).json()
    assert rules["status"]["resourceRules"][0]["verbs"] == ["get", "list", "watch"]
    refused = client.post(f"{POD}/exec")
    assert 'cannot create resource "pods/exec"' in refused.json()["message"]


# One object of each kind that has columns of its own, and the row that kubectl prints of it.
KINDS = [
    (
        "policy/v1",
        "PodDisruptionBudget",
        {"spec": {"minAvailable": 1}, "status": {"disruptionsAllowed": 2}},
        ["1", "N/A", "2"],
    ),
    ("networking.k8s.io/v1", "NetworkPolicy", {"spec": {"podSelector": {"matchLabels": {"app": "x"}}}}, ["app=x"]),
    (
        "v1",
        "ResourceQuota",
        {"status": {"hard": {"requests.cpu": "2", "limits.cpu": "4", "pods": "9"}, "used": {"pods": "3"}}},
        ["pods: 3/9, requests.cpu: 0/2", "limits.cpu: 0/4"],
    ),
    ("scheduling.k8s.io/v1", "PriorityClass", {"value": 1000, "globalDefault": True}, ["1000", "true"]),
    (
        "storage.k8s.io/v1",
        "StorageClass",
        {"provisioner": "ebs.csi.aws.com", "reclaimPolicy": "Delete", "allowVolumeExpansion": True},
        ["ebs.csi.aws.com", "Delete", "Immediate", "true"],
    ),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", {"webhooks": [{"name": "a"}]}, ["1"]),
    ("coordination.k8s.io/v1", "Lease", {"spec": {"holderIdentity": "node-1"}}, ["node-1"]),
    (
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        {
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "n"}],
        },
        ["Role/r"],
    ),
    ("apps/v1", "ControllerRevision", {"revision": 3}, ["<none>", "3"]),
    (
        "networking.k8s.io/v1",
        "IngressClass",
        {"spec": {"controller": "k8s.io/ingress-nginx"}},
        ["k8s.io/ingress-nginx"],
    ),
    ("example.io/v1", "Widget", {"spec": {}}, []),
]


@pytest.mark.parametrize(("api_version", "kind", "body", "cells"), KINDS, ids=[row[1] for row in KINDS])
def test_tables_of_other_kinds(api_version, kind, body, cells, shop_clock):
    meta = {"name": "one", "namespace": "shop", "creationTimestamp": sample.iso(sample.NOW_S - 300)}
    version = telemetry.ObjectVersion(
        sample.NOW_S - 300, {"apiVersion": api_version, "kind": kind, "metadata": meta, **body}
    )
    recorded = telemetry.Telemetry(
        "x", sample.START_S, sample.END_S, sample.NOW_S, cluster=telemetry.Cluster(versions=(version,))
    )
    client = testclient.TestClient(kubernetes.app(recorded, shop_clock))
    prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    plural = next(
        one["name"] for one in client.get(prefix).json()["resources"] if one["kind"] == kind and "/" not in one["name"]
    )
    table = client.get(f"{prefix}/{plural}", headers=TABLE).json()
    wide = [column["priority"] for column in table["columnDefinitions"]]
    shown = [str(cell) for cell, priority in zip(table["rows"][0]["cells"], wide, strict=True) if priority == 0]
    assert shown[0].startswith("one")
    assert shown[1 : 1 + len(cells)] == cells


def test_every_column_takes_an_empty_object():
    for (group, kind), columns in _kubernetes_table._COLUMNS.items():
        for column in columns:
            assert json.dumps(column.cell({"metadata": {"name": "x"}}, sample.NOW_S)), (group, kind, column.name)


def test_endpoints_without_slices_are_shown_as_slices(real):
    endpoints = real.get("/api/v1/namespaces/payments/endpoints").json()["items"]
    slices = real.get("/apis/discovery.k8s.io/v1/endpointslices").json()["items"]
    assert len(slices) >= len(endpoints)
    names = {one["metadata"]["labels"]["kubernetes.io/service-name"] for one in slices}
    assert {one["metadata"]["name"] for one in endpoints} <= names
    assert np.all([one["addressType"] == "IPv4" for one in slices])
