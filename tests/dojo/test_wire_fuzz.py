"""Any path, method, parameter and body on every face here: an answer or the vendor's own refusal, never a crash or a hang."""

import json

import pytest
import sample_telemetry as sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette import testclient

from rootward import _clock
from rootward.dojo.wire import faces

POD = "/kubernetes/api/v1/namespaces/shop/pods/checkout-7d9c6b5f4-abcde"
LAB, HUB = "/gitlab/api/v4/projects/acme%2Fshop", "/github/repos/acme/shop"
READS = {
    "/loki/loki/api/v1/patterns": ["query", "step", "start", "end"],
    "/loki/loki/api/v1/index/volume_range": ["query", "step", "targetLabels", "aggregateBy", "limit", "start"],
    "/loki/loki/api/v1/detected_fields": ["query", "limit", "line_limit", "since"],
    "/loki/loki/api/v1/detected_field/level/values": ["query", "limit"],
    "/loki/loki/api/v1/query_range": ["query", "step", "start", "end", "limit"],
    "/kubernetes/api/v1/events": ["watch", "resourceVersion", "timeoutSeconds", "labelSelector", "limit", "continue"],
    "/kubernetes/apis/discovery.k8s.io/v1/endpointslices": ["fieldSelector", "limit"],
    f"{POD}/log": ["follow", "container", "tailLines", "sinceTime", "limitBytes"],
    "/tempo/api/search": ["q", "tags", "limit", "spss", "start", "end"],
    "/tempo/api/metrics/query_range": ["q", "step", "start", "end"],
    "/tempo/api/v2/search/tag/x/values": ["q", "start"],
    "/alertmanager/api/v2/silences": ["filter"],
    "/alertmanager/api/v2/alerts": ["filter", "silenced", "active", "receiver"],
    f"{HUB}/compare/a...b": ["page"],
    f"{HUB}/contents/x": ["ref"],
    f"{HUB}/actions/runs": ["status", "head_sha", "page", "per_page"],
    "/github/search/commits": ["q", "page", "order"],
    "/github/search/issues": ["q", "page"],
    f"{LAB}/repository/commits": ["ref_name", "since", "until", "path", "page", "per_page", "with_stats"],
    f"{LAB}/repository/compare": ["from", "to"],
    f"{LAB}/merge_requests": ["state", "order_by", "created_after", "page"],
    f"{LAB}/deployments": ["order_by", "sort", "status", "updated_after"],
    f"{LAB}/repository/tree": ["path", "recursive", "ref"],
    "/slack/api/search.messages": ["query", "count", "page", "sort_dir"],
    "/slack/api/conversations.members": ["channel", "cursor", "limit"],
    "/pagerduty/log_entries": ["limit", "offset", "total"],
    "/pagerduty/users": ["query", "limit"],
    "/grafana/api/annotations": ["from", "to", "tags", "limit", "type", "matchAny"],
    "/grafana/api/search": ["query", "tag", "limit", "page", "type"],
}
WRITES = {
    ("POST", "/slack/api/chat.postMessage"): ["channel", "text", "thread_ts", "blocks", "attachments"],
    ("POST", "/slack/api/chat.update"): ["channel", "ts", "text"],
    ("POST", "/slack/api/reactions.add"): ["channel", "timestamp", "name"],
    ("PUT", "/pagerduty/incidents/12"): ["incident"],
    ("PUT", "/pagerduty/incidents"): ["incidents"],
    ("POST", "/pagerduty/incidents/12/notes"): ["note"],
    ("POST", "/alertmanager/api/v2/silences"): ["matchers", "startsAt", "endsAt", "comment", "createdBy", "id"],
    ("DELETE", "/alertmanager/api/v2/silence/x"): [],
    ("POST", f"{HUB}/issues/41/comments"): ["body"],
    ("PATCH", f"{HUB}/issues/comments/1"): ["body"],
    ("POST", f"{LAB}/issues"): ["title"],
    ("POST", "/grafana/api/ds/query"): ["queries", "from", "to"],
    ("POST", "/kubernetes/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"): ["spec"],
    ("DELETE", "/kubernetes/api/v1/namespaces/shop/pods/x"): [],
}
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            *(
                "1",
                "-1",
                "0",
                "1e400",
                "nan",
                "99999999999999999999",
                "true",
                "²",
                "٣",
                "now",
                "-1h",
                "5m",
                "0s",
                "1ns",
            ),
            *("2024-05-01T10:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "b" * 40, "main", "incidents"),
            *('{app="checkout"}', '{app=~".+"} | json', '{app=~"("}', "{status=error}", "{} >> {}", "{} | rate()"),
            *(
                'rate({app="checkout"}[1m])',
                '{app="x"} | line_format "{{',
                "acme/shop",
                "..",
                "%2e%2e/",
                "repo:acme/shop",
            ),
            *("a" * 5000, '"' * 200, "(" * 300, "\ud83d", "\x00", "[[[[", "{" * 100),
        ]
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["status", "content", "name", "value", "isRegex", "verb", "id", "expr", "datasource", "type"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
OPTIONS = settings(
    max_examples=250, deadline=5000, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def client(shop):
    app = faces.serve_app(shop, _clock.VirtualClock(sample.NOW_S))
    headers = {"Authorization": "Bearer t", "PRIVATE-TOKEN": "t", "From": "ana@acme.com"}
    return testclient.TestClient(app, headers=headers)


def clean(text):
    """What a client can put on the wire: no half characters."""
    return text.encode("utf-8", "replace").decode()


@given(path=st.sampled_from(sorted(READS)), data=st.data())
@OPTIONS
def test_any_parameters_are_answered_or_refused(client, path, data):
    names = data.draw(st.lists(st.sampled_from(READS[path]), max_size=4, unique=True))
    reply = client.get(path, params={name: clean(data.draw(TEXTS)) for name in names})
    assert reply.status_code < 500, reply.text
    assert reply.headers["content-type"]


@given(where=st.sampled_from(sorted(WRITES)), data=st.data(), raw=st.none() | st.binary(max_size=30))
@OPTIONS
def test_any_body_is_taken_or_refused(client, where, data, raw):
    method, path = where
    if raw is not None:
        kind = data.draw(st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "x"]))
        reply = client.request(method, path, content=raw, headers={"content-type": kind})
    else:
        names = data.draw(st.lists(st.sampled_from(WRITES[where]), max_size=4, unique=True)) if WRITES[where] else []
        # Python's writer keeps what JSON forbids or UTF-8 lacks: NaN, and halves of characters as escapes.
        body = json.dumps({name: data.draw(JSON) for name in names})
        reply = client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert reply.status_code < 500, reply.text


VENDORS = ["loki", "kubernetes", "jaeger", "tempo", "alertmanager", "github", "gitlab", "slack", "pagerduty", "grafana"]
PARTS = st.sampled_from(
    [
        "api",
        "v1",
        "v2",
        "v4",
        "apis",
        "loki",
        "query",
        "projects",
        "repos",
        "acme",
        "shop",
        "incidents",
        "datasources",
        "proxy",
        "uid",
        "1",
        "..",
        "",
        "%2F",
        "namespaces",
        "pods",
        "log",
        "traces",
        "search",
        "alerts",
        "silence",
        "commits",
    ]
)


@given(
    vendor=st.sampled_from(VENDORS),
    parts=st.lists(PARTS, max_size=7),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
)
@OPTIONS
def test_any_path_and_method_has_an_answer(client, vendor, parts, method):
    reply = client.request(method, "/" + "/".join([vendor, *parts]))
    assert reply.status_code < 500, reply.text
