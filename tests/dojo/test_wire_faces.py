"""All faces together: who is there, who refuses, that the future stays hidden and that reading changes nothing."""

import dataclasses
import time

import pytest
import sample_telemetry as sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette import testclient

from rootward import errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import clients, faces

VENDORS = [
    "prometheus",
    "exporters",
    "loki",
    "elasticsearch",
    "datadog",
    "cloudwatch",
    "kubernetes",
    "jaeger",
    "tempo",
    "alertmanager",
    "github",
    "gitlab",
    "slack",
    "pagerduty",
]
HEADERS = {"Authorization": "Bearer t", "DD-API-KEY": "k", "DD-APPLICATION-KEY": "a"}
NOW, END = int(sample.NOW_S), int(sample.END_S)
CHANNEL_METHODS = ["conversations.list", "users.list"]
EVERYTHING = [
    f"/prometheus/api/v1/query?query=http_requests_total&time={END}",
    f'/loki/loki/api/v1/query_range?query={{namespace="shop"}}&end={END}&limit=5000',
    f'/loki/loki/api/v1/query?query=sum by (msg) (count_over_time({{app="checkout"}}|json[2h]))&time={END}',
    f'/loki/loki/api/v1/series?match[]={{app=~".%2B"}}&end={END}',
    "/elasticsearch/_search?size=10000&sort=@timestamp:desc",
    "/elasticsearch/logs-*/_search?q=pay&size=500",
    "/elasticsearch/_mapping",
    "/elasticsearch/_cat/indices?v",
    f"/datadog/api/v1/query?query=sum:openmetrics.http_requests.count{{*}}&from={NOW}&to={END}",
    f"/datadog/api/v2/logs/events?filter[to]={END}000&page[limit]=1000",
    f"/datadog/api/v2/spans/events?filter[from]=0&filter[to]={END}000&page[limit]=1000",
    f"/datadog/api/v2/events?filter[from]=0&filter[to]={END}000&page[limit]=1000",
    f"/datadog/api/v1/events?start=0&end={END}",
    "/datadog/api/v1/monitor?group_states=all",
    "/datadog/api/v2/incidents",
    "/cloudwatch/?Action=ListMetrics",
    "/cloudwatch/?Action=DescribeAlarms",
    "/kubernetes/api/v1/pods",
    "/kubernetes/api/v1/events",
    "/kubernetes/apis/apps/v1/deployments",
    "/kubernetes/api/v1/namespaces/shop/pods/checkout-7d9c6b5f4-abcde/log",
    "/jaeger/api/services/frontend/operations",
    f"/jaeger/api/traces?service=frontend&end={END}000000&limit=500",
    "/tempo/api/search?limit=500",
    f"/tempo/api/search?limit=500&start=1&end={END}",
    "/tempo/api/v2/search/tag/name/values",
    "/alertmanager/api/v2/alerts",
    "/github/repos/acme/shop/commits?until=2030-01-01T00:00:00Z",
    "/github/repos/acme/shop/pulls?state=all",
    "/github/repos/acme/shop/deployments",
    "/slack/api/conversations.list",
    "/slack/api/users.list",
    "/pagerduty/incidents?date_range=all",
    "/pagerduty/change_events?date_range=all",
    "/pagerduty/services",
]


@pytest.fixture
def client(shop, shop_clock):
    return testclient.TestClient(faces.serve_app(shop, shop_clock), headers=HEADERS)


def test_every_vendor_that_has_something_is_there(shop, shop_clock):
    assert list(faces.faces(shop, shop_clock)) == VENDORS
    empty = telemetry.Telemetry("empty", sample.START_S, sample.END_S, sample.NOW_S)
    assert faces.faces(empty, shop_clock) == {}
    only_logs = dataclasses.replace(empty, logs=sample.logs())
    assert list(faces.faces(only_logs, shop_clock)) == ["loki", "elasticsearch", "datadog", "cloudwatch"]


@pytest.mark.parametrize("path", EVERYTHING)
def test_nothing_after_now_is_visible_and_a_read_changes_nothing(client, path):
    first = client.get(path)
    assert first.status_code == 200
    assert "FUTURE" not in first.text
    assert client.get(path).content == first.content


def test_the_future_comes_into_view_when_its_time_comes(shop, shop_clock):
    client = testclient.TestClient(faces.serve_app(shop, shop_clock), headers=HEADERS)
    paths = [
        "/kubernetes/api/v1/pods",
        "/github/repos/acme/shop/commits",
        "/pagerduty/change_events",
        "/jaeger/api/services/frontend/operations",
    ]
    assert not any("FUTURE" in client.get(path).text for path in paths)
    shop_clock.advance(3600.0)
    assert all("FUTURE" in client.get(path).text for path in paths)


@pytest.mark.parametrize(("state", "status"), [("forbidden", 403), ("down", 503)])
@pytest.mark.parametrize("vendor", VENDORS)
def test_refusing_faces_refuse_everything(shop_clock, vendor, state, status):
    app = faces.faces(sample.telemetry_of_shop({vendor: state}), shop_clock)[vendor]
    reply = testclient.TestClient(app).get("/anything/at/all")
    wanted = 200 if (vendor, state) == ("slack", "forbidden") else status
    assert reply.status_code == wanted
    assert reply.text
    if vendor == "kubernetes":
        assert reply.json()["kind"] == "Status"
    if vendor == "slack":
        assert reply.json()["ok"] is False


def test_absent_vendors_are_left_out_and_unknown_access_is_an_error(shop_clock):
    assert "loki" not in faces.faces(sample.telemetry_of_shop({"loki": "absent"}), shop_clock)
    with pytest.raises(errors.WorldError, match="access lokki=down"):
        faces.faces(sample.telemetry_of_shop({"lokki": "down"}), shop_clock)
    with pytest.raises(errors.WorldError, match="broken"):
        faces.faces(sample.telemetry_of_shop({"loki": "broken"}), shop_clock)


def test_the_kubeconfig_points_at_the_mounted_face():
    config = clients.kubeconfig("http://127.0.0.1:8080/")
    assert config["clusters"][0]["cluster"]["server"] == "http://127.0.0.1:8080/kubernetes"
    assert config["current-context"] == config["contexts"][0]["name"]


PARAMETERS = {
    "/loki/loki/api/v1/query_range": ["query", "start", "end", "limit", "step", "since", "direction"],
    "/loki/loki/api/v1/query": ["query", "time"],
    "/loki/loki/api/v1/index/volume": ["query", "start", "limit", "targetLabels"],
    "/elasticsearch/_search": [
        "q",
        "size",
        "from",
        "sort",
        "_source",
        "default_operator",
        "df",
        "filter_path",
        "scroll",
    ],
    "/elasticsearch/_cat/indices": ["v", "h", "s", "format", "bytes"],
    "/elasticsearch/_field_caps": ["fields"],
    "/datadog/api/v1/query": ["query", "from", "to"],
    "/datadog/api/v2/logs/events": [
        "filter[query]",
        "filter[from]",
        "filter[to]",
        "page[limit]",
        "page[cursor]",
        "sort",
    ],
    "/datadog/api/v1/events": ["start", "end", "priority", "sources", "tags", "page"],
    "/datadog/api/v1/monitor/search": ["query", "page", "per_page", "sort"],
    "/datadog/api/v2/metrics": ["filter[tags]", "filter[metric_type]", "page[size]", "page[cursor]"],
    "/datadog/api/v1/metrics": ["from", "host", "tag_filter"],
    "/kubernetes/api/v1/pods": ["labelSelector", "fieldSelector", "limit", "continue", "watch"],
    "/kubernetes/api/v1/namespaces/shop/pods/checkout-7d9c6b5f4-abcde/log": [
        "tailLines",
        "sinceSeconds",
        "sinceTime",
        "limitBytes",
        "previous",
        "follow",
    ],
    "/jaeger/api/traces": [
        "service",
        "start",
        "end",
        "tags",
        "tag",
        "minDuration",
        "maxDuration",
        "limit",
        "lookback",
        "traceID",
    ],
    "/jaeger/api/v3/traces": [
        "query.start_time_min",
        "query.start_time_max",
        "query.search_depth",
        "query.attributes",
        "query.duration_min",
    ],
    "/jaeger/api/dependencies": ["endTs", "lookback"],
    "/tempo/api/search": ["q", "tags", "start", "end", "limit", "spss", "minDuration"],
    "/alertmanager/api/v2/alerts": ["filter", "active", "receiver"],
    "/github/repos/acme/shop/commits": ["since", "until", "sha", "path", "per_page", "page"],
    "/github/repos/acme/shop/pulls": ["state", "sort", "direction", "page"],
    "/slack/api/conversations.history": ["channel", "oldest", "latest", "limit", "cursor", "inclusive"],
    "/pagerduty/incidents": ["since", "until", "limit", "offset", "statuses[]", "date_range"],
}
NASTY = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "1",
            "-1",
            "0",
            "1e308",
            "1e400",
            "nan",
            "inf",
            "99999999999999999999",
            "checkout",
            '{app="checkout"}',
            "{status=error}",
            '{"a":"b"}',
        ]
    ),
    st.sampled_from(
        [
            'rate({app="checkout"}[1m])',
            "2024-05-01T10:00:00Z",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
            "1h",
            "true",
            "b" * 40,
            "²",
            "٣",
        ]
    ),
)


@pytest.fixture(scope="module")
def lasting_client(shop):
    from rootward import _clock

    return testclient.TestClient(faces.serve_app(shop, _clock.VirtualClock(sample.NOW_S)), headers=HEADERS)


@given(path=st.sampled_from(sorted(PARAMETERS)), data=st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_parameters_get_an_answer_or_a_refusal_never_a_crash(lasting_client, path, data):
    names = data.draw(st.lists(st.sampled_from(PARAMETERS[path]), max_size=4, unique=True))
    params = {name: data.draw(NASTY) for name in names}
    reply = lasting_client.get(path, params=params)
    assert reply.status_code < 500
    assert reply.headers["content-type"]


def test_links_stay_with_the_mounted_face(client):
    reply = client.get("/github/repos/acme/shop/commits?per_page=1")
    assert reply.json()[0]["url"].startswith("http://testserver/github/repos/acme/shop/commits/")
    assert client.get(reply.links["next"]["url"]).status_code == 200
    assert (
        client.get("/pagerduty/incidents")
        .json()["incidents"][0]["self"]
        .startswith("http://testserver/pagerduty/incidents/")
    )


def test_no_face_tells_the_name_of_the_telemetry(shop_clock):
    named = dataclasses.replace(sample.telemetry_of_shop(), name="SECRET-bad-deploy")
    client = testclient.TestClient(faces.serve_app(named, shop_clock), headers=HEADERS)
    for path in [*EVERYTHING, "/slack/api/auth.test", "/slack/api/team.info", "/alertmanager/api/v2/status"]:
        assert "SECRET" not in client.get(path).text, path


def test_a_hundred_thousand_lines_are_searched_in_well_under_a_second():
    import numpy as np

    from rootward.dojo.engines.logql import evaluate, parser, store

    count = 100_000
    lines = [f'level=info msg="request {i} done" took={i % 977}ms' for i in range(count)]
    logs = telemetry.Logs(np.arange(count, dtype=np.int64) * 10**7, np.zeros(count, np.int32), lines, ({"app": "x"},))
    log_store = store.LogStore(logs)
    query = parser.parse('{app="x"} |= "request 99999 "')
    begun = time.process_time()
    found = evaluate.lines(log_store, query, 0, 10**15, limit=10, newest_first=False)
    assert len(found) == 1
    assert time.process_time() - begun < 0.5  # about 0.01 s; the bound is for busy machines
