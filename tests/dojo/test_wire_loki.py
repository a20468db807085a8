"""The Loki face: the shapes that Loki's documentation gives, its limits, and its way of refusing."""

import pytest
import sample_telemetry as sample
from starlette import testclient

from rootward import _clock
from rootward.dojo.wire import loki

API = "/loki/api/v1"
START, NOW = int(sample.START_S), int(sample.NOW_S)


@pytest.fixture
def client(shop, shop_clock):
    return testclient.TestClient(loki.app(shop, shop_clock))


def test_lines_come_newest_first_as_pairs_of_text_grouped_by_stream(client):
    reply = client.get(f"{API}/query_range", params={"query": '{app="frontend"}', "limit": 3})
    data = reply.json()["data"]
    assert data["resultType"] == "streams"
    assert [stream["stream"]["app"] for stream in data["result"]] == ["frontend"]
    times = [int(ns) for ns, _ in data["result"][0]["values"]]
    assert times == [(NOW - 2) * 10**9, (NOW - 4) * 10**9, (NOW - 6) * 10**9]  # the end, now, is exclusive


def test_forward_starts_at_start_and_the_end_is_exclusive(client):
    params = {"query": '{app="frontend"}', "start": START, "end": START + 4, "direction": "forward"}
    values = client.get(f"{API}/query_range", params=params).json()["data"]["result"][0]["values"]
    assert [int(ns) // 10**9 - START for ns, _ in values] == [0, 2]


def test_structured_metadata_joins_the_labels_unless_categories_are_asked_for(client):
    params = {"query": '{app="checkout"} |= "error" | json', "limit": 1}
    merged = client.get(f"{API}/query_range", params=params).json()["data"]["result"][0]
    assert len(merged["stream"]["trace_id"]) == 32
    assert merged["stream"]["http_code"] == "500"
    headers = {"X-Loki-Response-Encoding-Flags": "categorize-labels", "X-Scope-OrgID": "tenant"}
    data = client.get(f"{API}/query_range", params=params, headers=headers).json()["data"]
    assert data["encodingFlags"] == ["categorize-labels"]
    assert set(data["result"][0]["stream"]) == {"app", "namespace", "pod", "container", "service_name"}
    extra = data["result"][0]["values"][0][2]
    assert set(extra["structuredMetadata"]) == {"trace_id"}
    assert extra["parsed"]["level"] == "error"


def test_a_metric_query_answers_a_matrix_on_the_grid(client):
    params = {
        "query": 'sum by (app) (count_over_time({namespace="shop"}[1m]))',
        "start": NOW - 600,
        "end": NOW,
        "step": "60s",
    }
    data = client.post(f"{API}/query_range", data=params).json()["data"]
    assert data["resultType"] == "matrix"
    assert [one["metric"] for one in data["result"]] == [{"app": "checkout"}, {"app": "frontend"}]
    assert data["result"][0]["values"][0] == [NOW - 600, "30"]
    assert len(data["result"][0]["values"]) == 11


def test_an_instant_query_answers_a_vector_and_a_number_a_scalar(client):
    data = client.get(
        f"{API}/query", params={"query": 'sum(rate({app="checkout"} |= "error" [10m])) * 60', "time": NOW}
    ).json()["data"]
    assert data["resultType"] == "vector"
    assert data["result"] == [{"metric": {}, "value": [NOW, "6"]}]
    scalar = client.get(f"{API}/query", params={"query": "4 / 8"}).json()["data"]
    assert (scalar["resultType"], scalar["result"]) == ("scalar", [NOW, "0.5"])


def test_labels_values_and_series_cover_what_has_lines_in_the_window(client):
    assert client.get(f"{API}/labels").json() == {
        "status": "success",
        "data": ["app", "container", "namespace", "pod", "service_name"],
    }
    assert client.get(f"{API}/label/app/values").json()["data"] == ["checkout", "frontend"]
    assert client.get(f"{API}/label/app/values", params={"query": '{app=~"f.*"}'}).json()["data"] == ["frontend"]
    series = client.get(f"{API}/series", params={"match[]": '{app="checkout"}'}).json()["data"]
    assert [one["pod"] for one in series] == ["checkout-7d9c6b5f4-abcde"]
    assert client.get(f"{API}/labels", params={"start": START - 100, "end": START - 50}).json() == {"status": "success"}


def test_stats_count_streams_entries_and_bytes(client):
    stats = client.get(f"{API}/index/stats", params={"query": '{app="frontend"}', "start": START, "end": NOW}).json()
    assert stats["streams"] == 1
    assert stats["entries"] == 1800
    assert stats["bytes"] > 1800 * 20


def test_ready_and_build_info(client):
    assert client.get("/ready").text == "ready\n"
    assert client.get(f"{API}/status/buildinfo").json()["version"] == loki.VERSION


def test_nothing_after_now_is_counted_whatever_the_window(client):
    params = {"query": 'count_over_time({app="frontend"}[2h])', "time": NOW + 3600}
    assert client.get(f"{API}/query", params=params).json()["data"]["result"][0]["value"][1] == "1800"


@pytest.mark.parametrize(
    ("path", "params", "words"),
    [
        ("query_range", {"query": '{app="x"'}, "parse error at line 1, col 9: syntax error: unexpected $end"),
        ("query_range", {"query": ""}, "parse error"),
        ("query_range", {"query": '{app=~".*"}'}, "queries require at least one regexp or equality matcher"),
        ("query_range", {"query": '{app="x"} | nonsense'}, "unexpected"),
        ("query_range", {"query": '{app="x"}', "limit": 6000}, "max entries limit per query exceeded"),
        ("query_range", {"query": '{app="x"}', "limit": "ten"}, "invalid limit"),
        ("query_range", {"query": '{app="x"}', "direction": "sideways"}, "invalid direction"),
        ("query_range", {"query": '{app="x"}', "start": "yesterday"}, "invalid start"),
        ("query_range", {"query": '{app="x"}', "start": NOW, "end": START}, "end timestamp must not be before"),
        ("query_range", {"query": 'rate({app="x"}[1m])', "step": "1ms"}, "exceeded maximum resolution"),
        ("query_range", {"query": 'rate({app="x"}[1m])', "step": "-1"}, "zero or negative"),
        ("query", {"query": '{app="x"}'}, "log queries are not supported as an instant query type"),
        ("query", {"query": 'sum_over_time({app="frontend"} | logfmt | unwrap msg [1m])'}, "SampleExtractionErr"),
        ("series", {}, "0 matcher groups supplied"),
    ],
)
def test_refusals_are_plain_text_with_status_400(client, path, params, words):
    reply = client.get(f"{API}/{path}", params=params)
    assert reply.status_code == 400
    assert reply.headers["content-type"].startswith("text/plain")
    assert words in reply.text


def test_an_unknown_path_is_gos_own_404(client):
    reply = client.get("/loki/api/v1/nothing")
    assert (reply.status_code, reply.text) == (404, "404 page not found\n")


# ---- beside queries: volumes, patterns, detected labels and fields, tail


def get(client, path, **params):
    reply = client.get(f"/loki/api/v1{path}", params=params)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_volumes_by_series_and_label_add_up(client):
    stats = get(client, "/index/stats", query='{namespace="shop"}')
    by_app = get(client, "/index/volume", query='{namespace="shop"}', targetLabels="app")["data"]["result"]
    assert sum(int(one["value"][1]) for one in by_app) == stats["bytes"]
    assert [one["metric"] for one in by_app] == [{"app": "frontend"}, {"app": "checkout"}] or len(by_app) == 2
    along = get(client, "/index/volume_range", query='{namespace="shop"}', targetLabels="app", step="5m")["data"]
    assert along["resultType"] == "matrix"
    assert sum(int(size) for one in along["result"] for _, size in one["values"]) == stats["bytes"]
    labels = get(client, "/index/volume", query='{namespace="shop"}', aggregateBy="labels")["data"]["result"]
    assert {"app": ""} in [one["metric"] for one in labels]
    assert client.get("/loki/api/v1/index/volume?query={namespace='shop'}").status_code == 400


def test_patterns_fold_lines_to_their_shapes(client):
    (shape,) = get(client, "/patterns", query='{app="frontend"}', step="10m")["data"]
    assert shape["pattern"].startswith('level=info msg="GET /cart" status=<_> duration=<_> bytes=<_>')
    assert sum(count for _, count in shape["samples"]) == 1800
    assert "FUTURE" not in str(get(client, "/patterns", query='{app="checkout"}'))


def test_detected_labels_and_fields(client):
    found = {one["label"]: one["cardinality"] for one in get(client, "/detected_labels")["detectedLabels"]}
    assert (found["app"], found["namespace"]) == (2, 1)
    fields = {one["label"]: one for one in get(client, "/detected_fields", query='{namespace="shop"}')["fields"]}
    assert (fields["status"]["type"], fields["status"]["parsers"]) == ("int", ["logfmt"])
    assert fields["duration"]["type"] == "duration"
    assert fields["http_code"]["parsers"] == ["json"]
    values = get(client, "/detected_field/level/values", query='{namespace="shop"}')["values"]
    assert values == ["error", "info"]


def test_tail_sends_what_was_and_what_comes(shop):
    clock = _clock.VirtualClock(sample.NOW_S)
    app = loki.app(shop, clock)
    with testclient.TestClient(app).websocket_connect('/loki/api/v1/tail?query={app="frontend"}&limit=3') as socket:
        first = socket.receive_json()["streams"]
        assert [len(one["values"]) for one in first] == [3]
        clock.advance(4.0)
        later = socket.receive_json()["streams"][0]["values"]
        assert all("FUTURE" in line and int(at) > sample.NOW_S * 1e9 for at, line in later)


def test_tail_refuses_what_is_no_log_query(shop):
    from starlette import websockets

    app = loki.app(shop, _clock.VirtualClock(sample.NOW_S))
    with (
        testclient.TestClient(app).websocket_connect("/loki/api/v1/tail?query=1") as socket,
        pytest.raises(websockets.WebSocketDisconnect) as closed,
    ):
        socket.receive_json()
    assert closed.value.code == 1008
