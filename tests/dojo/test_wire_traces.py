"""The Jaeger and Tempo faces: the same spans found and written in either vendor's way."""

import base64

import pytest
import sample_telemetry as sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette import testclient

from rootward import _clock
from rootward.dojo.wire import jaeger, tempo

START_US, NOW_US = int(sample.START_S * 1e6), int(sample.NOW_S * 1e6)


@pytest.fixture
def jaeger_client(shop, shop_clock):
    return testclient.TestClient(jaeger.app(shop, shop_clock))


@pytest.fixture
def tempo_client(shop, shop_clock):
    return testclient.TestClient(tempo.app(shop, shop_clock))


def search(client, **params):
    return client.get("/api/traces", params={"service": "checkout", "start": START_US, "end": NOW_US, **params}).json()[
        "data"
    ]


def starts(traces):
    return [min(span["startTime"] for span in trace["spans"]) for trace in traces]


def test_services_and_operations(jaeger_client):
    assert jaeger_client.get("/api/services").json() == {
        "data": ["checkout", "frontend", "payments"],
        "total": 3,
        "limit": 0,
        "offset": 0,
        "errors": None,
    }
    assert jaeger_client.get("/api/services/payments/operations").json()["data"] == ["charge"]
    assert jaeger_client.get("/api/operations", params={"service": "frontend"}).json()["data"] == [
        {"name": "GET /cart", "spanKind": "server"}
    ]
    assert jaeger_client.get("/api/services/nobody/operations").json()["data"] == []


def test_a_trace_has_spans_references_tags_and_processes(jaeger_client):
    trace = jaeger_client.get("/api/traces/1").json()["data"][0]
    assert trace["traceID"] == "0000000000000001"
    root, child, _ = trace["spans"]
    assert root["references"] == []
    assert child["references"] == [{"refType": "CHILD_OF", "traceID": trace["traceID"], "spanID": root["spanID"]}]
    assert (root["startTime"], root["duration"]) == (START_US, 500_000)
    tags = {tag["key"]: (tag["type"], tag["value"]) for tag in child["tags"]}
    assert tags["retry"] == ("bool", True)
    assert tags["n"] == ("int64", 0)
    assert tags["error"] == ("bool", True)
    assert tags["span.kind"] == ("string", "server")
    process = trace["processes"][child["processID"]]
    assert process["serviceName"] == "checkout"
    assert {"key": "k8s.pod.name", "type": "string", "value": "checkout-0"} in process["tags"]


def test_the_newest_traces_win_when_the_limit_cuts(jaeger_client):
    found = starts(search(jaeger_client, limit=3))
    assert found == [START_US + 60_000_000 * i for i in (59, 58, 57)]


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 60),
        ({"tags": '{"error":"true"}'}, 15),
        ({"tags": '{"otel.status_code":"ERROR","retry":"true"}'}, 15),
        ({"tag": "k8s.pod.name:checkout-0"}, 60),
        ({"tags": '{"n":"7"}'}, 1),
        ({"operation": "POST /pay"}, 60),
        ({"operation": "charge"}, 0),
        ({"minDuration": "450ms"}, 0),
        ({"minDuration": "350ms", "maxDuration": "400ms"}, 60),
        ({"end": START_US + 60_000_000}, 1),
        ({"service": "nobody"}, 0),
    ],
)
def test_searches(jaeger_client, params, count):
    assert len(search(jaeger_client, limit=100, **params)) == count


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/traces", 400, "parameter 'service' is required"),
        ("/api/traces?service=x&tags=[1]", 400, "malformed 'tags'"),
        ("/api/traces?service=x&tag=novalue", 400, "expecting key:value"),
        ("/api/traces?service=x&minDuration=fast", 400, "minDuration"),
        ("/api/traces?service=x&minDuration=2s&maxDuration=1s", 400, "should be greater"),
        ("/api/traces?service=x&start=abc", 400, "unable to parse param 'start'"),
        ("/api/traces?service=x&limit=0", 400, "search depth"),
        ("/api/traces/ffff", 404, "trace not found"),
        ("/api/traces/xyz", 400, "traceID"),
        ("/api/dependencies", 400, "endTs"),
        ("/api/none", 404, "Not Found"),
    ],
)
def test_refusals_are_in_the_envelope(jaeger_client, path, status, words):
    reply = jaeger_client.get(path)
    assert reply.status_code == status
    assert reply.json()["data"] is None
    assert words in reply.json()["errors"][0]["msg"]


def test_dependencies_count_calls_between_services(jaeger_client):
    params = {"endTs": NOW_US // 1000, "lookback": 3_600_000}
    links = jaeger_client.get("/api/dependencies", params=params).json()["data"]
    assert links == [
        {"parent": "checkout", "child": "payments", "callCount": 60},
        {"parent": "frontend", "child": "checkout", "callCount": 60},
    ]


def test_version_3_speaks_otlp(jaeger_client):
    params = {
        "query.service_name": "checkout",
        "query.start_time_min": sample.iso(sample.START_S),
        "query.start_time_max": sample.iso(sample.NOW_S),
        "query.search_depth": 1,
    }
    resources = jaeger_client.get("/api/v3/traces", params=params).json()["result"]["resourceSpans"]
    span = resources[1]["scopeSpans"][0]["spans"][0]
    assert len(span["traceId"]) == 32
    assert isinstance(span["startTimeUnixNano"], str)
    assert {"key": "n", "value": {"intValue": "59"}} in span["attributes"]
    assert jaeger_client.get("/api/v3/services").json()["services"] == ["checkout", "frontend", "payments"]
    refused = jaeger_client.get("/api/v3/traces", params={"query.service_name": "x"})
    assert (refused.status_code, refused.json()["error"]["httpCode"]) == (400, 400)


def test_tempo_writes_protobufs_json(tempo_client):
    batches = tempo_client.get("/api/traces/1").json()["batches"]
    span = batches[1]["scopeSpans"][0]["spans"][0]
    assert base64.b64decode(span["traceId"]).hex() == f"{1:032x}"
    assert (span["kind"], span["status"]) == ("SPAN_KIND_SERVER", {"code": "STATUS_CODE_ERROR"})
    assert tempo_client.get("/api/v2/traces/1").json()["trace"]["resourceSpans"] == batches


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("{}", 60),
        ('{ resource.service.name = "checkout" }', 60),
        ('{ resource.service.name = "checkout" && status = error }', 15),
        ('{ .service.name="checkout" && (status=error || span.n > 50) }', 22),
        ("{ duration > 450ms }", 60),
        ("{ duration >= 1s }", 0),
        ('{ name =~ "POST.*" && kind = server }', 60),
        ('{ name !~ ".*" }', 0),
        ("{ span.retry = true }", 15),
        ("{ span.n = 7 }", 1),
        ("{ span.n != nil && span.missing = nil }", 60),
        ('{ span.missing != "x" }', 0),
        ('{ resource.service.name = "checkout" && status = error } && { resource.service.name = "payments" }', 15),
        ("{ span.n = 7 } || { span.n = 8 }", 2),
        # how spans stand to each other: frontend calls checkout calls payments
        ('{ .service.name="frontend" } > { .service.name="checkout" && status=error }', 15),
        ('{ .service.name="frontend" } >> { .service.name="payments" }', 60),
        ('{ .service.name="frontend" } > { .service.name="payments" }', 0),
        ('{ .service.name="payments" } << { .service.name="frontend" }', 60),
        ('{ .service.name="payments" } < { .service.name="checkout" && span.n < 10 }', 10),
        ('{ .service.name="frontend" } !>> { .service.name="payments" }', 0),
        ('{ .service.name="frontend" } &>> { .service.name="payments" }', 60),
        ('{ .service.name="checkout" } ~ { .service.name="payments" }', 0),
        ('({ span.n = 7 } || { span.n = 8 }) && { .service.name="payments" }', 2),
        # the pipeline
        ("{} | count() > 2", 60),
        ("{} | count() > 3", 0),
        ("{} | avg(duration) = 400ms", 60),
        ('{ .service.name="checkout" } | { status=error }', 15),
        ("{} | by(resource.service.name) | count() > 1", 0),
        ("{ span.n != nil } | max(span.n) >= 58", 2),
        # intrinsics of traces and parents, arithmetic, fields on both sides
        ('{ trace:rootService = "frontend" && traceDuration > 499ms }', 60),
        ('{ rootName = "GET /cart" && parent.service.name = "checkout" }', 60),
        ("{ nestedSetParent < 0 }", 60),
        ("{ span.n * 2 = 14 }", 1),
        ("{ duration > 100ms * 4 && kind = server }", 60),
        ("{ !(status = error) && span.n < 4 }", 3),
    ],
)
def test_traceql(tempo_client, query, count):
    traces = tempo_client.get("/api/search", params={"q": query, "limit": 100}).json()["traces"]
    assert len(traces) == count


def test_tempo_search_by_tags_duration_and_window(tempo_client):
    found = tempo_client.get("/api/search", params={"tags": 'service.name=checkout retry="true"', "limit": 2}).json()[
        "traces"
    ]
    assert [trace["traceID"] for trace in found] == ["39", "35"]
    assert found[0]["rootServiceName"] == "frontend"
    assert found[0]["spanSets"][0]["matched"] == 1
    window = {"start": int(sample.START_S), "end": int(sample.START_S) + 120, "minDuration": "100ms"}
    assert len(tempo_client.get("/api/search", params=window).json()["traces"]) == 3


def test_tempo_tags_and_values(tempo_client):
    assert "service.name" in tempo_client.get("/api/search/tags").json()["tagNames"]
    scopes = {scope["name"]: scope["tags"] for scope in tempo_client.get("/api/v2/search/tags").json()["scopes"]}
    assert "k8s.pod.name" in scopes["resource"]
    assert tempo_client.get("/api/search/tag/service.name/values").json()["tagValues"] == [
        "checkout",
        "frontend",
        "payments",
    ]
    typed = tempo_client.get("/api/v2/search/tag/span.http.response.status_code/values").json()["tagValues"]
    assert typed == [{"type": "int", "value": "200"}]
    assert tempo_client.get("/api/echo").text == "echo"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/search?q={", 400, "invalid TraceQL query"),
        ("/api/search?q={ frob = 1 }", 400, "unknown identifier: frob"),
        ('/api/search?q={ name > "a" }', 400, "not valid on strings"),
        ("/api/search?q={} | rate()", 400, "invalid TraceQL query"),
        ("/api/search?q={} | count()", 400, "unexpected $end"),
        ("/api/search?q={} | select(frob)", 400, "unknown identifier: frob"),
        ("/api/metrics/query_range?q={}", 400, "not a metrics query"),
        ("/api/metrics/query_range?q={} | quantile_over_time(duration)", 400, "needs a quantile"),
        ("/api/metrics/query_range?q={} | rate()&start=1&end=4000000000&step=1s", 400, "exceeded maximum resolution"),
        ('/api/search?q={ name =~ "(" }', 400, "error parsing regexp"),
        ("/api/search?tags=what", 400, "invalid tags"),
        ("/api/search?limit=0", 400, "invalid limit"),
        ("/api/search?start=9&end=3", 400, "invalid start"),
        ("/api/traces/zz", 400, "hex"),
        ("/api/traces/ffff", 404, "trace not found"),
    ],
)
def test_tempo_refuses_in_plain_text(tempo_client, path, status, words):
    reply = tempo_client.get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "text/plain; charset=utf-8")
    assert words in reply.text


def test_an_unfinished_root_is_named_as_tempo_names_it(shop, shop_clock):
    shop_clock = type(shop_clock)(sample.START_S + 60 * 30 + 0.45)  # children have ended, the root has not
    client = testclient.TestClient(tempo.app(shop, shop_clock))
    newest = client.get("/api/search", params={"limit": 1}).json()["traces"][0]
    assert newest["rootServiceName"] == "<root span not yet received>"


def test_traceql_selects_and_groups(tempo_client):
    query = '{ .service.name="checkout" && span.n < 2 } | select(span.n, name) | by(status)'
    (newest, oldest) = tempo_client.get("/api/search", params={"q": query}).json()["traces"]
    assert oldest["spanSets"][0]["attributes"] == [{"key": "by(status)", "value": {"stringValue": "error"}}]
    assert newest["spanSets"][0]["spans"][0]["attributes"] == [
        {"key": "span.n", "value": {"intValue": "1"}},
        {"key": "name", "value": {"stringValue": "POST /pay"}},
    ]


def test_traceql_metrics_along_time(tempo_client):
    window = {"start": int(sample.START_S), "end": int(sample.NOW_S), "step": "10m"}

    def series(query):
        return tempo_client.get("/api/metrics/query_range", params={"q": query, **window}).json()["series"]

    by_service = series("{} | rate() by (resource.service.name)")
    assert [one["labels"][0]["value"]["stringValue"] for one in by_service] == ["checkout", "frontend", "payments"]
    assert by_service[0]["samples"][0]["value"] == pytest.approx(10 / 600)
    (total,) = series("{ status = error } | count_over_time()")
    assert sum(sample["value"] for sample in total["samples"]) == 15
    (p90,) = series('{ .service.name="checkout" } | quantile_over_time(duration, .9)')
    assert p90["samples"][0]["value"] == pytest.approx(0.4)
    assert series('{ .service.name="payments" } | max_over_time(duration)')[0]["samples"][0]["value"] == 0.3


TRACEQL = [
    "{",
    "}",
    "(",
    ")",
    "&&",
    "||",
    ">>",
    "!<",
    "~",
    "|",
    "by",
    "count()",
    "rate()",
    "select(",
    "name",
    "duration",
    ".n",
]


@given(
    words=st.lists(
        st.sampled_from([*TRACEQL, "=", ">", "1", "5ms", '"a"', "status", "error", "!", "-", "resource.x"]), max_size=12
    )
)
@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_traceql_is_answered_or_refused(lasting_tempo, words):
    for path in ("/api/search", "/api/metrics/query_range"):
        assert lasting_tempo.get(path, params={"q": " ".join(words), "limit": 3}).status_code in (200, 400)


@pytest.fixture(scope="module")
def lasting_tempo(shop):
    return testclient.TestClient(tempo.app(shop, _clock.VirtualClock(sample.NOW_S)))
