"""A whole world read through Elasticsearch, Datadog and CloudWatch: no word in any answer tells that it is made."""

import json
import re

import pytest
from starlette import testclient

from rootward import _clock
from rootward.dojo import world
from rootward.dojo.wire import faces

WORDS = re.compile(
    r"simulat|\bdojo\b|\bseed\b|\btest\b|example\.com|\bfake|\bmock|\bsynthetic|\bscenario|rootward|\bcapsule|\bdummy|placeholder|\bfoo\b|inject|\bchaos|sandbox",
    re.IGNORECASE,
)
IDENTIFIERS = re.compile(r"[\w-]{20,}")
HEADERS = {"DD-API-KEY": "k", "DD-APPLICATION-KEY": "a", "Authorization": "AWS4-HMAC-SHA256 x"}
GROUP = "/aws/containerinsights/production/application"


@pytest.fixture(scope="module")
def client():
    scenario, _ = world.build("web-shop", "slow_query", 3)
    clock = _clock.VirtualClock(scenario.telemetry.now_s)
    return testclient.TestClient(faces.serve_app(scenario.telemetry, clock), headers=HEADERS)


def told(text):
    return [text[max(found.start() - 40, 0) : found.end() + 40] for found in WORDS.finditer(IDENTIFIERS.sub("", text))]


def aws(client, operation, data, family="Logs_20140328"):
    return client.post("/cloudwatch", content=json.dumps(data), headers={"X-Amz-Target": f"{family}.{operation}"})


PAGES = [
    *(
        f"/elasticsearch{path}"
        for path in (
            "/",
            "/_cat/indices?v",
            "/_cat/nodes",
            "/_cat/health",
            "/_cluster/health",
            "/_mapping",
            "/_settings",
        )
    ),
    *(
        f"/elasticsearch{path}"
        for path in (
            "/_stats",
            "/_aliases",
            "/_field_caps?fields=*",
            "/_license",
            "/_search?size=10000",
            "/none/_search",
            "/_search?q=((",
        )
    ),
    *(
        f"/datadog{path}"
        for path in (
            "/api/v1/metrics",
            "/api/v2/metrics",
            "/api/v1/hosts",
            "/api/v1/monitor?group_states=all",
            "/api/v1/monitor/search",
            "/none",
        )
    ),
    *(f"/datadog/api/v2/{kind}?filter[from]=0&page[limit]=1000" for kind in ("events", "spans/events", "logs/events")),
    "/datadog/api/v1/events?start=0&end=4000000000",
    "/datadog/api/v2/incidents",
    "/datadog/api/v1/query?query=((&from=1&to=2",
]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_gives_it_away(client, path):
    assert told(client.get(path).text) == []


def test_no_metric_or_tag_of_datadog_gives_it_away(client):
    for one in client.get("/datadog/api/v2/metrics").json()["data"]:
        for path in (f"/datadog/api/v2/metrics/{one['id']}/all-tags", f"/datadog/api/v1/metrics/{one['id']}"):
            assert told(client.get(path).text) == []


def test_no_answer_of_cloudwatch_gives_it_away(client):
    for operation, data, family in (
        ("ListMetrics", {}, "GraniteServiceVersion20100801"),
        ("DescribeAlarms", {"MaxRecords": 100}, "GraniteServiceVersion20100801"),
        ("PutMetricData", {}, "GraniteServiceVersion20100801"),
        ("DescribeLogGroups", {}, "Logs_20140328"),
        ("DescribeLogStreams", {"logGroupName": GROUP}, "Logs_20140328"),
        ("GetLogGroupFields", {"logGroupName": GROUP}, "Logs_20140328"),
        ("FilterLogEvents", {"logGroupName": GROUP}, "Logs_20140328"),
        ("FilterLogEvents", {"logGroupName": "none"}, "Logs_20140328"),
    ):
        assert told(aws(client, operation, data, family).text) == []
