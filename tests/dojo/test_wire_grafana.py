"""Grafana's face: its data sources reach the other faces, queries come back as frames, dashboards draw what rules watch."""

import numpy as np
import pytest
import sample_telemetry as sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette import testclient

from rootward import _clock
from rootward.dojo.wire import faces


@pytest.fixture(scope="module")
def client(shop):
    return testclient.TestClient(faces.serve_app(shop, _clock.VirtualClock(sample.NOW_S)))


def uid_of(client, name):
    return client.get(f"/grafana/api/datasources/name/{name}").json()["uid"]


def test_sources_carry_the_uids_that_grafana_gives_provisioned_ones(client):
    listed = {one["name"]: one for one in client.get("/grafana/api/datasources").json()}
    assert list(listed) == ["Alertmanager", "Elasticsearch", "Jaeger", "Loki", "Prometheus", "Tempo"]
    assert listed["Prometheus"]["uid"] == "PBFA97CFB590B2093"
    assert listed["Loki"]["uid"] == "P8E80F9AEF21F6940"
    one = client.get(f"/grafana/api/datasources/{listed['Loki']['id']}").json()
    assert one["accessControl"]["datasources:query"] is True
    missing = client.get("/grafana/api/datasources/uid/nope")
    assert (missing.status_code, missing.json()["messageId"]) == (404, "datasources.notFound")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Prometheus", "api/v1/query?query=up"),
        ("Prometheus", "api/v1/labels"),
        ("Loki", "loki/api/v1/labels"),
        ("Tempo", "api/search?limit=3"),
        ("Jaeger", "api/services"),
        ("Alertmanager", "api/v2/alerts"),
    ],
)
def test_the_proxy_passes_on_byte_for_byte(client, name, path):
    source = client.get(f"/grafana/api/datasources/name/{name}").json()
    direct = client.get(f"/{name.lower()}/{path}")
    for prefix in (f"proxy/uid/{source['uid']}", f"proxy/{source['id']}", f"uid/{source['uid']}/resources"):
        reply = client.get(f"/grafana/api/datasources/{prefix}/{path}")
        assert (reply.status_code, reply.content) == (direct.status_code, direct.content)


def test_loki_resources_come_without_their_prefix_as_its_plugin_asks(client):
    path = f"/grafana/api/datasources/uid/{uid_of(client, 'Loki')}/resources/labels"
    assert "app" in client.get(path).json()["data"]


def ask(client, *queries, **ends):
    body = {"queries": list(queries), "from": "now-10m", "to": "now", **ends}
    return client.post("/grafana/api/ds/query", json=body)


def test_a_range_query_becomes_one_frame_a_series(client):
    query = {"refId": "A", "datasource": {"uid": uid_of(client, "Prometheus")}, "intervalMs": 60000}
    reply = ask(client, {**query, "expr": "rate(http_requests_total[$__rate_interval])", "legendFormat": "{{job}}"})
    (frame,) = reply.json()["results"]["A"]["frames"]
    assert frame["schema"]["fields"][1]["labels"] == {"job": "checkout", "namespace": "shop"}
    assert frame["schema"]["fields"][1]["config"]["displayNameFromDS"] == "checkout"
    times, values = frame["data"]["values"]
    assert times[1] - times[0] == 60000
    assert times[-1] <= sample.NOW_S * 1000
    assert values[-1] == pytest.approx(2.0)


def elastic(client, **query):
    found = ask(client, {"refId": "A", "datasource": {"uid": uid_of(client, "Elasticsearch")}, **query}).json()
    assert found["results"]["A"]["status"] == 200, found
    return found["results"]["A"]["frames"]


def test_elasticsearch_documents_become_rows(client):
    metrics = [{"type": "logs", "id": "1", "settings": {"limit": "5"}}]
    (frame,) = elastic(client, query="log.level:error AND service.name:checkout", metrics=metrics)
    names = [field["name"] for field in frame["schema"]["fields"]]
    assert names[:2] == ["@timestamp", "message"]
    assert frame["schema"]["meta"] == {"preferredVisualisationType": "logs"}
    rows = dict(zip(names, frame["data"]["values"], strict=True))
    assert rows["log.level"] == ["error"] * 5
    assert rows["service.name"] == ["checkout"] * 5
    assert rows["@timestamp"] == sorted(rows["@timestamp"], reverse=True)


def test_elasticsearch_buckets_become_series_and_tables(client):
    over_time = {"type": "date_histogram", "field": "@timestamp", "id": "3", "settings": {"interval": "60s"}}
    levels = {"type": "terms", "field": "log.level", "id": "2", "settings": {"size": "5"}}
    count = {"type": "count", "id": "1"}
    series = elastic(client, query="*", metrics=[count], bucketAggs=[levels, over_time])
    shown = {frame["schema"]["name"]: frame["data"]["values"] for frame in series}
    assert set(shown) == {"info", "error"}
    times, counts = shown["error"]
    assert set(np.diff(times)) == {60_000}
    (table,) = elastic(
        client, query="*", metrics=[count, {"type": "max", "field": "ms", "id": "4"}], bucketAggs=[levels]
    )
    assert [field["name"] for field in table["schema"]["fields"]] == ["log.level", "Count", "Max ms"]
    rows = dict(zip(table["data"]["values"][0], table["data"]["values"][1], strict=True))
    assert rows["error"] == sum(counts)
    (whole,) = elastic(client, query="log.level:error", metrics=[count])
    assert whole["data"]["values"] == [[rows["error"]]]
    refused = ask(client, {"datasource": {"uid": uid_of(client, "Elasticsearch")}, "query": "a:("})
    assert refused.status_code == 400
    assert "Failed to parse query" in refused.json()["results"]["A"]["error"]


def test_instant_queries_and_failures(client):
    query = {"refId": "B", "datasource": {"uid": uid_of(client, "Prometheus")}, "instant": True, "range": False}
    good = ask(client, {**query, "expr": "sum(http_requests_total)"}).json()["results"]["B"]["frames"][0]
    assert good["schema"]["meta"]["type"] == "numeric-multi"
    bad = ask(client, {**query, "expr": "sum("})
    assert bad.status_code == 400
    assert "bad_data" in bad.json()["results"]["B"]["error"]
    both = ask(client, {**query, "expr": "1"}, {**query, "refId": "C", "expr": "sum("})
    assert (both.status_code, both.json()["results"]["B"]["status"]) == (207, 200)
    odd = ask(client, {**query, "expr": "0/0"}).json()["results"]["B"]["frames"][0]["data"]
    assert (odd["values"][1], odd["entities"]) == ([None], [None, {"NaN": [0]}])


def test_log_lines_and_traces_come_as_frames(client):
    loki = {"refId": "L", "datasource": {"uid": uid_of(client, "Loki")}, "maxLines": 5}
    lines = ask(client, {**loki, "expr": '{app="checkout"} |= "error"'}).json()["results"]["L"]["frames"][0]
    assert [field["name"] for field in lines["schema"]["fields"]] == ["labels", "Time", "Line", "tsNs", "id"]
    assert len(lines["data"]["values"][2]) == 5
    counted = ask(client, {**loki, "expr": 'sum(rate({app="checkout"}[$__auto]))'}).json()["results"]["L"]["frames"]
    assert counted[0]["schema"]["meta"]["type"] == "timeseries-multi"
    tempo = {"refId": "T", "datasource": {"uid": uid_of(client, "Tempo")}, "query": "{status=error}"}
    assert ask(client, tempo).json()["results"]["T"]["frames"][0]["schema"]["name"] == "Traces"


def test_dashboards_are_found_and_their_panels_can_be_asked(client):
    hits = client.get("/grafana/api/search?type=dash-db&query=&tag=service").json()
    assert hits == []  # the shop's rule names no service; see the world below
    assert client.get("/grafana/api/dashboards/uid/nope").status_code == 404


def test_every_panel_of_a_worlds_dashboards_can_be_asked():
    from rootward.dojo import world

    scenario, _ = world.build("payments", "slow_query", 3)
    client = testclient.TestClient(faces.serve_app(scenario.telemetry, _clock.VirtualClock(scenario.telemetry.now_s)))
    hits = client.get("/grafana/api/search").json()
    assert len(hits) > 4
    drawn = 0
    for hit in hits:
        board = client.get(f"/grafana/api/dashboards/uid/{hit['uid']}").json()["dashboard"]
        for panel in board["panels"]:
            reply = ask(client, {"refId": "A", **panel["targets"][0]})
            assert reply.status_code == 200, (hit["title"], panel["title"], reply.text[:300])
            drawn += bool(reply.json()["results"]["A"]["frames"])
    assert drawn > 10
    rules = client.get("/grafana/api/prometheus/grafana/api/v1/rules").json()["data"]["groups"]
    assert len(rules) > 3
    assert client.get("/grafana/api/ruler/grafana/api/v1/rules").status_code == 200


def test_annotations_are_the_changes_and_alerts_up_to_now(client):
    everything = client.get("/grafana/api/annotations?limit=100").json()
    assert {one["text"].split()[0] for one in everything} == {"Flag", "Flap", "HighErrors", "roll", "again"}
    assert [one["text"] for one in client.get("/grafana/api/annotations?tags=checkout&tags=deployment").json()] == [
        "roll out"
    ]
    assert all(one["alertName"] for one in client.get("/grafana/api/annotations?type=alert").json())


def test_a_viewer_may_not_write(client):
    refused = client.post("/grafana/api/dashboards/db", json={"dashboard": {}})
    assert refused.status_code == 403
    assert client.delete("/grafana/api/datasources/uid/x").status_code == 403
    assert client.get("/grafana/api/nothing").status_code == 404


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "refId",
    "datasource",
    "expr",
    "query",
    "instant",
    "intervalMs",
    "maxDataPoints",
    "timeRange",
    "maxLines",
    "metrics",
    "bucketAggs",
]


@given(
    name=st.sampled_from(["Prometheus", "Loki", "Tempo", "Jaeger", "Elasticsearch"]),
    query=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5),
    ends=st.tuples(st.text(max_size=8) | st.just("now-1h"), st.text(max_size=8) | st.just("now")),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_crashes_it(client, name, query, ends):
    query = {"expr": "up", "datasource": {"uid": uid_of(client, name)}, **query}
    reply = client.post("/grafana/api/ds/query", json={"queries": [query], "from": ends[0], "to": ends[1]})
    assert reply.status_code in (200, 207, 400, 404, 501)
