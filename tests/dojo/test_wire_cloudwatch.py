"""The CloudWatch face: three protocols, statistics done by hand, metric math, filter patterns, Insights, paging, and AWS's way of refusing."""

import contextlib
import dataclasses
import json
import time

import numpy as np
import pytest
import sample_telemetry as sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette import testclient
from test_wire_datadog import requests

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.cloudwatch import expressions
from rootward.dojo.wire import _cloudwatch_protocols as protocols
from rootward.dojo.wire import cloudwatch, faces

NOW = int(sample.NOW_S)
GROUP = "/aws/containerinsights/production/application"
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/x"}
SERVICE = [{"Name": "Environment", "Value": "eks:production/shop"}, {"Name": "Service", "Value": "checkout"}]


@pytest.fixture(scope="module")
def client(shop):
    system = dataclasses.replace(shop, metrics=telemetry.Metrics((*shop.metrics.blocks, *requests())))
    return testclient.TestClient(cloudwatch.app(system, _clock.VirtualClock(sample.NOW_S)), headers=SIGNED)


def ask(client, operation, data, status=200):
    family = "GraniteServiceVersion20100801" if operation in METRIC_OPERATIONS else "Logs_20140328"
    reply = client.post("/", content=json.dumps(data), headers={"X-Amz-Target": f"{family}.{operation}"})
    assert reply.status_code == status, reply.text
    return reply.json()


METRIC_OPERATIONS = ("ListMetrics", "GetMetricData", "GetMetricStatistics", "DescribeAlarms", "PutMetricData")


def metric(name, namespace="ApplicationSignals", dimensions=None):
    return {"Namespace": namespace, "MetricName": name, "Dimensions": SERVICE if dimensions is None else dimensions}


def stat(identifier, name, statistic, **more):
    return {"Id": identifier, "MetricStat": {"Metric": metric(name), "Period": 300, "Stat": statistic}, **more}


def values(client, *queries):
    data = {"StartTime": NOW - 3600, "EndTime": NOW, "MetricDataQueries": list(queries), "ScanBy": "TimestampAscending"}
    return {one["Id"]: one["Values"] for one in ask(client, "GetMetricData", data)["MetricDataResults"]}


@pytest.mark.parametrize(
    ("name", "statistic", "wanted"),
    [
        ("Latency", "SampleCount", 600.0),
        ("Latency", "Average", 200.0),
        ("Latency", "Sum", 120_000.0),
        ("Latency", "p50", 175.0),
        ("Latency", "Maximum", 250.0),
        ("Fault", "Sum", 60.0),
    ],
)
def test_statistics_are_those_of_the_samples(client, name, statistic, wanted):
    found = values(client, stat("a", name, statistic))["a"]
    assert len(found) == 12
    assert found[1:] == pytest.approx([wanted] * 11)


def test_metrics_of_pods_are_pooled_by_their_dimensions(client):
    namespace = [{"Name": "ClusterName", "Value": "production"}, {"Name": "Namespace", "Value": "shop"}]
    data = metric("pod_memory_working_set", "ContainerInsights", namespace)
    data |= {
        "StartTime": NOW - 600,
        "EndTime": NOW,
        "Period": 300,
        "Statistics": ["Average", "Minimum", "Maximum", "SampleCount"],
    }
    points = ask(client, "GetMetricStatistics", data)["Datapoints"]
    assert points[0] == {
        "Timestamp": NOW - 600,
        "Unit": "Bytes",
        "Average": 200.0,
        "Minimum": 100.0,
        "Maximum": 300.0,
        "SampleCount": 40.0,
    }


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("100 * faults / requests", 10.0),
        ("requests - faults", 540.0),
        ("SUM([requests, faults])", 660.0),
        ("MAX(METRICS())", 600.0),
        ("AVG(requests) - AVG(requests)", 0.0),
        ("IF(faults > 50, requests, 0)", 600.0),
        ("RATE(requests) + 1", 1.0),
        ("FILL(faults, 0) ^ 2", 3600.0),
        ("-ABS(faults)", -60.0),
        ("PERIOD(requests)", 300.0),
        ("faults >= 60 AND requests < 700", 1.0),
        ("SUM(SEARCH('{ApplicationSignals,Environment,Service} MetricName=\"Fault\"', 'Sum', 300))", 60.0),
        ("SUM(SLICE(SORT([requests, faults], AVG, DESC), 0, 1))", 600.0),
    ],
)
def test_metric_math(client, expression, wanted):
    queries = (
        stat("requests", "Latency", "SampleCount", ReturnData=False),
        stat("faults", "Fault", "Sum", ReturnData=False),
    )
    found = values(client, *queries, {"Id": "e", "Expression": expression})["e"]
    assert found[2:] == pytest.approx([wanted] * len(found[2:]))


def test_expressions_may_need_each_other_but_not_in_a_circle(client):
    first = {"Id": "b", "Expression": "a * 2"}
    second = {"Id": "a", "Expression": "faults + 1"}
    assert values(client, first, second, stat("faults", "Fault", "Sum"))["b"][2] == 122.0
    data = {
        "StartTime": NOW - 600,
        "EndTime": NOW,
        "MetricDataQueries": [{"Id": "a", "Expression": "b"}, {"Id": "b", "Expression": "a"}],
    }
    assert "Circular" in ask(client, "GetMetricData", data, 400)["message"]


def test_metrics_are_listed_a_page_at_a_time(client):
    found = ask(
        client,
        "ListMetrics",
        {"Namespace": "ApplicationSignals", "Dimensions": [{"Name": "Service", "Value": "checkout"}]},
    )
    assert {one["MetricName"] for one in found["Metrics"]} == {"Latency", "Fault"}
    assert ask(client, "ListMetrics", {"MetricName": "none"}) == {"Metrics": []}


def test_alarms_have_states_and_what_they_are_about(client):
    (alarm,) = ask(client, "DescribeAlarms", {})["MetricAlarms"]
    assert (alarm["AlarmName"], alarm["StateValue"]) == ("HighErrors", "ALARM")
    assert alarm["StateUpdatedTimestamp"] == NOW - 300
    assert ask(client, "DescribeAlarms", {"StateValue": "OK"})["MetricAlarms"] == []


def matched(client, pattern):
    count, token = 0, None
    while True:  # pages hold a megabyte
        data = {"logGroupName": GROUP, "filterPattern": pattern, **({"nextToken": token} if token else {})}
        found = ask(client, "FilterLogEvents", data)
        count, token = count + len(found["events"]), found.get("nextToken")
        if not token:
            return count


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("", 3601),
        ("pay", 1800),
        ("pay error", 360),
        ('"GET /cart"', 1801),
        ("?pay ?cart", 3601),
        ("pay -error", 1440),
        ("%GET.+cart%", 1801),
        ("PAY", 0),
        ('{ $.log_processed.level = "error" }', 360),
        ('{ $.log_processed.level = "err*" && $.log_processed.ms < 50 }', 180),
        ("{ $.log_processed.http.code >= 500 || $.log_processed.ms = 3 }", 396),
        ('{ ($.kubernetes.namespace_name = "shop") && ($.log_processed.level != "error") }', 1440),
        ("{ $.log_processed.level EXISTS }", 1800),
        ("{ $.log_processed.level NOT EXISTS }", 1801),
        ("{ $.kubernetes.pod_name = %^checkout-.*% }", 1800),
    ],
)
def test_filter_patterns(client, pattern, wanted):
    assert matched(client, pattern) == wanted


def test_log_events_page_without_loss(client):
    seen, token = [], None
    for _ in range(20):
        data = {"logGroupName": GROUP, "filterPattern": "error", "limit": 50, **({"nextToken": token} if token else {})}
        found = ask(client, "FilterLogEvents", data)
        seen += [one["eventId"] for one in found["events"]]
        token = found.get("nextToken")
        if not token:
            break
    assert len(seen) == len(set(seen)) == 360
    streams = ask(
        client, "DescribeLogStreams", {"logGroupName": GROUP, "orderBy": "LastEventTime", "descending": True}
    )["logStreams"]
    assert len(streams) == 2
    data = {"logGroupName": GROUP, "logStreamName": streams[0]["logStreamName"], "startFromHead": True, "limit": 1000}
    seen = []
    for _ in range(5):
        found = ask(client, "GetLogEvents", data)
        if not found["events"]:
            break
        seen += [one["timestamp"] for one in found["events"]]
        data["nextToken"] = found["nextForwardToken"]
    assert seen == sorted(set(seen))
    assert len(seen) == 1801
    event = json.loads(
        ask(client, "GetLogEvents", data | {"nextToken": found["nextBackwardToken"]})["events"][0]["message"]
    )
    assert event["kubernetes"]["pod_name"].startswith("frontend")


def insights(client, text, **more):
    data = {"logGroupName": GROUP, "startTime": NOW - 3600, "endTime": NOW, "queryString": text, **more}
    reply = ask(client, "GetQueryResults", {"queryId": ask(client, "StartQuery", data)["queryId"]})
    assert reply["status"] == "Complete"
    return [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in reply["results"]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("stats count(*) as n", [{"n": "3601"}]),
        (
            "stats count(*) as n by log_processed.level as level | filter n < 1000 | fields n * 2 as twice",
            [{"level": "error", "n": "360", "twice": "720"}],
        ),
        (
            "stats count(*) as n by bin(30m) | stats max(n) as most, count(*) as halves | filter most > 1",
            [{"most": "1800", "halves": "3"}],
        ),
        ("stats count(*) as n by log_processed.level as level | filter level = 'error' | display n", [{"n": "360"}]),
        ('filter log like /pay/ and log_processed.level = "error" | stats count(*) as n', [{"n": "360"}]),
        ("filter log like 'cart' | stats count(*)", [{"count(*)": "1801"}]),
        ("filter log not like /pay/ | stats count(*) as n", [{"n": "1801"}]),
        ("filter @message =~ /(?i)PAY/ | stats count() as n", [{"n": "1800"}]),
        ("filter log_processed.ms in [1, 3] | stats count(*) as n", [{"n": "72"}]),
        ("filter log_processed.ms + 1 = 100 or log_processed.ms = 97 | stats count(*) as n", [{"n": "72"}]),
        ("filter ispresent(log_processed.ms) and not (log_processed.ms > 9) | stats count(*) as n", [{"n": "180"}]),
        (
            "stats max(log_processed.ms) as top, count_distinct(log_processed.ms) as kinds, pct(log_processed.ms, 50) as half by kubernetes.labels.app as app | filter 1 = 1 | sort app desc",
            [{"app": "frontend", "kinds": "0"}, {"app": "checkout", "top": "99", "kinds": "50", "half": "50"}],
        ),
        (
            "stats count(*) as n by bin(30m) | sort n desc | limit 1",
            [{"bin(30m)": "2024-05-01 10:00:00.000", "n": "1800"}],
        ),
        (
            'parse log "duration=*ms bytes=*" as took, size | stats max(took) as top, count(size) as n',
            [{"top": "6", "n": "1801"}],
        ),
        (
            "parse log /status=(?<code>\\d+)/ | stats count(code) as n by code | sort n desc | limit 1",
            [{"code": "200", "n": "1801"}],
        ),
        (
            "fields toupper(kubernetes.labels.app) as app | dedup app | display app | sort app asc",
            [{"app": "CHECKOUT"}, {"app": "FRONTEND"}],
        ),
        (
            "fields @timestamp, log_processed.msg as msg | filter log_processed.ms = 1 | sort @timestamp desc | limit 1",
            [{"@timestamp": "2024-05-01 10:58:21.000", "msg": "pay"}],
        ),
    ],
)
def test_insights(client, text, wanted):
    assert insights(client, text) == wanted


@pytest.mark.parametrize(
    ("operation", "data", "code"),
    [
        ("GetMetricData", {"MetricDataQueries": []}, "ValidationError"),
        (
            "GetMetricData",
            {"StartTime": 2, "EndTime": 1, "MetricDataQueries": [stat("a", "x", "Sum")]},
            "InvalidParameterValueException",
        ),
        (
            "GetMetricData",
            {"StartTime": 1, "EndTime": 9, "MetricDataQueries": [{"Id": "A", "Expression": "1"}]},
            "ValidationError",
        ),
        (
            "GetMetricData",
            {"StartTime": 1, "EndTime": 9, "MetricDataQueries": [{"Id": "a", "Expression": "nonsense("}]},
            "ValidationError",
        ),
        (
            "GetMetricData",
            {"StartTime": 1, "EndTime": 9, "MetricDataQueries": [stat("a", "x", "Mode")]},
            "ValidationError",
        ),
        (
            "GetMetricStatistics",
            {**metric("x"), "StartTime": 1, "EndTime": NOW, "Period": 60, "Statistics": ["Sum"]},
            "InvalidParameterCombinationException",
        ),
        (
            "GetMetricStatistics",
            {**metric("x"), "StartTime": 1, "EndTime": 9, "Period": 7, "Statistics": ["Sum"]},
            "InvalidParameterValueException",
        ),
        ("PutMetricData", {}, "AccessDeniedException"),
        ("Nonsense", {}, "UnknownOperationException"),
        ("FilterLogEvents", {"logGroupName": "none"}, "ResourceNotFoundException"),
        ("FilterLogEvents", {"logGroupName": GROUP, "filterPattern": "{ $.a = }"}, "InvalidParameterException"),
        ("FilterLogEvents", {"logGroupName": GROUP, "filterPattern": "x" * 1025}, "InvalidParameterException"),
        ("FilterLogEvents", {"logGroupName": GROUP, "limit": 10_001}, "InvalidParameterException"),
        (
            "StartQuery",
            {"logGroupName": GROUP, "startTime": 1, "endTime": 2, "queryString": "nonsense"},
            "MalformedQueryException",
        ),
        (
            "StartQuery",
            {"logGroupName": GROUP, "startTime": 1, "endTime": 2, "queryString": "stats nonsense(x)"},
            "MalformedQueryException",
        ),
        ("GetQueryResults", {"queryId": "none"}, "ResourceNotFoundException"),
        ("DeleteLogGroup", {"logGroupName": GROUP}, "AccessDeniedException"),
    ],
)
def test_wrong_requests_are_refused_by_name(client, operation, data, code):
    assert ask(client, operation, data, 400)["__type"] == code


def test_an_unsigned_request_is_refused(shop, shop_clock):
    bare = testclient.TestClient(cloudwatch.app(shop, shop_clock))
    reply = bare.post("/", content="{}", headers={"X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"})
    assert (reply.status_code, reply.json()["__type"]) == (403, "MissingAuthenticationTokenException")
    assert reply.headers["x-amzn-query-error"] == "MissingAuthenticationToken;Sender"


def test_the_query_protocol_speaks_xml(client):
    fields = {
        "Action": "GetMetricStatistics",
        "Version": "2010-08-01",
        "Namespace": "ApplicationSignals",
        "MetricName": "Fault",
        "Dimensions.member.1.Name": "Environment",
        "Dimensions.member.1.Value": "eks:production/shop",
        "Dimensions.member.2.Name": "Service",
        "Dimensions.member.2.Value": "checkout",
        "StartTime": "2024-05-01T10:30:00Z",
        "EndTime": "2024-05-01T10:35:00Z",
        "Period": "300",
        "Statistics.member.1": "Sum",
    }
    reply = client.post("/", data=fields)
    assert (
        "<GetMetricStatisticsResult><Label>Fault</Label><Datapoints><member><Timestamp>2024-05-01T10:30:00Z</Timestamp>"
        in reply.text
    )
    assert "<Sum>60.0</Sum>" in reply.text
    wrong = client.post("/", data={**fields, "Period": "7"})
    assert (wrong.status_code, "<Code>InvalidParameterValue</Code>" in wrong.text) == (400, True)
    assert "<Code>InvalidAction</Code>" in client.post("/", data={"Action": "Nonsense"}).text


def test_cbor_carries_the_same(client):
    data = {
        "StartTime": protocols.Moment(NOW - 600),
        "EndTime": protocols.Moment(NOW),
        "MetricDataQueries": [stat("a", "Fault", "Sum")],
    }
    path = "/service/GraniteServiceVersion20100801/operation/GetMetricData"
    headers = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    reply = client.post(path, content=protocols.encoded(data), headers=headers)
    assert reply.headers["smithy-protocol"] == "rpc-v2-cbor"
    (result,) = protocols.decoded(reply.content)["MetricDataResults"]
    assert result["Values"] == [60.0, 60.0]
    assert protocols.decoded(client.post(path, content=b"\xa0", headers=headers).content)["__type"].endswith(
        "#ValidationError"
    )


def test_the_face_answers_at_its_address_without_a_slash(shop, shop_clock):
    all_faces = testclient.TestClient(faces.serve_app(shop, shop_clock), headers=SIGNED)
    reply = all_faces.post("/cloudwatch", content="{}", headers={"X-Amz-Target": "Logs_20140328.DescribeLogGroups"})
    assert reply.json()["logGroups"][0]["logGroupName"] == GROUP


PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=4), inner.filter(lambda one: one is not None), max_size=4),
    ),
    max_leaves=10,
)


@given(data=PLAIN)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_cbor_reads_what_it_writes(data):
    assert protocols.decoded(protocols.encoded({"x": data} if data is not None else {})) == (
        {"x": data} if data is not None else {}
    )


@given(raw=st.binary(max_size=40))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_bytes_are_cbor_or_refused(raw):
    with contextlib.suppress(protocols.Refusal):
        protocols.decoded(raw)


@given(
    text=st.one_of(
        st.text(alphabet="abm1+-*/^()[],<>=&|'\" SUMIFRATE.", max_size=30),
        st.lists(
            st.sampled_from(
                ["a", "SUM(", "IF(", ")", ",", "[", "]", "1", "+", "METRICS()", "'x'", "FILL(", "REPEAT", ">"]
            ),
            max_size=10,
        ).map("".join),
    )
)
@settings(max_examples=250, deadline=None, derandomize=True)
def test_any_metric_math_is_computed_or_refused(text):
    line = expressions.Line("a", np.array([1.0, np.nan, 3.0]))
    scope = expressions.Scope(
        {"a": [line], "b": [line, line]}, {"a": [line]}, 3, 60, lambda _text, _stat, _period: [line]
    )
    try:
        for found in expressions.evaluate(text, scope):
            assert found.values.shape == (3,)
    except errors.EngineError:
        pass


TEXTS = st.one_of(
    st.text(alphabet='ab$.{}()[]=!<>&|*%?-"1 ', max_size=25),
    st.lists(
        st.sampled_from(
            ["{", "}", "$.a", "=", '"x"', "&&", "||", "(", ")", "1", "%a%", "EXISTS", "?pay", "-x", "[a]", "%(%"]
        ),
        max_size=8,
    ).map(" ".join),
)
QUERIES = st.one_of(
    st.text(alphabet="fieldstsbycount()*|/@,.=<>'\"` 1", max_size=30),
    st.lists(
        st.sampled_from(
            [
                "fields @timestamp",
                "filter log like /pay/",
                "filter a = 1",
                "stats count(*)",
                "by bin(5m)",
                "| sort @timestamp",
                "| limit 5",
                "|",
                "parse log '*' as x",
                "parse log /(?<a>.)/",
                "dedup a",
                "stats avg(log_processed.ms) as x by stream",
                "sort x desc",
                "display x",
                "filter (",
                "in [1,",
            ]
        ),
        max_size=5,
    ).map(" | ".join),
)


@given(text=TEXTS, query=QUERIES)
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_pattern_or_query_gets_an_answer_or_a_refusal(client, text, query):
    head = {"X-Amz-Target": "Logs_20140328.FilterLogEvents"}
    assert client.post(
        "/", content=json.dumps({"logGroupName": GROUP, "filterPattern": text, "limit": 1}), headers=head
    ).status_code in (200, 400)
    head = {"X-Amz-Target": "Logs_20140328.StartQuery"}
    body = {"logGroupName": GROUP, "queryString": query, "startTime": 1, "endTime": NOW}
    assert client.post("/", content=json.dumps(body), headers=head).status_code in (200, 400)


NAMES = (
    "Namespace",
    "MetricName",
    "Dimensions",
    "Name",
    "Value",
    "StartTime",
    "EndTime",
    "Period",
    "Statistics",
    "MetricDataQueries",
    "Id",
    "MetricStat",
    "Metric",
    "Stat",
    "Expression",
    "NextToken",
    "logGroupName",
    "limit",
    "nextToken",
    "filterPattern",
    "logStreamNames",
    "startTime",
    "endTime",
    "queryString",
    "queryId",
    "AlarmNames",
    "MaxRecords",
)
ANY = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=6),
        st.sampled_from([GROUP, "Sum", "a", 60, NOW, NOW - 600, "ApplicationSignals", "Latency"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)),
    max_leaves=12,
)


@given(
    data=ANY,
    operation=st.sampled_from(
        [
            "ListMetrics",
            "GetMetricData",
            "GetMetricStatistics",
            "DescribeAlarms",
            "FilterLogEvents",
            "GetLogEvents",
            "DescribeLogStreams",
            "StartQuery",
            "GetQueryResults",
        ]
    ),
)
@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_body_gets_an_answer_or_a_refusal(client, data, operation):
    family = "GraniteServiceVersion20100801" if operation in METRIC_OPERATIONS else "Logs_20140328"
    reply = client.post("/", content=json.dumps(data), headers={"X-Amz-Target": f"{family}.{operation}"})
    assert reply.status_code in (200, 400), reply.text


@pytest.mark.parametrize(
    ("operation", "data"),
    [
        ("FilterLogEvents", {"filterPattern": "{" + "(" * 900 + "}"}),
        ("FilterLogEvents", {"filterPattern": "%(a+)+" * 100}),
        ("StartQuery", {"queryString": "filter " + "(" * 5_000}),
        ("StartQuery", {"queryString": "filter a=1 " + "or a=1 " * 1_400}),
        ("StartQuery", {"queryString": "parse log '" + "*a" * 3_000 + "' as x"}),
        ("StartQuery", {"queryString": "stats count(*) by @message, @timestamp, @ptr"}),
        ("StartQuery", {"queryString": "|" * 9_000}),
        ("GetMetricData", {"MetricDataQueries": [{"Id": "a", "Expression": "(" * 2_000}]}),
        (
            "GetMetricData",
            {"MetricDataQueries": [{"Id": f"a{i}", "Expression": "SEARCH('', 'p50', 60)"} for i in range(5)]},
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_requests_end_soon(client, operation, data):
    begun = time.process_time()
    body = {"logGroupName": GROUP, "startTime": 1, "endTime": NOW, "StartTime": NOW - 3600, "EndTime": NOW, **data}
    family = "GraniteServiceVersion20100801" if operation in METRIC_OPERATIONS else "Logs_20140328"
    reply = client.post("/", content=json.dumps(body), headers={"X-Amz-Target": f"{family}.{operation}"})
    assert reply.status_code in (200, 400)
    assert time.process_time() - begun < 3.0


def test_nothing_of_the_future_is_told(client):
    for operation, data in (
        ("FilterLogEvents", {"logGroupName": GROUP, "filterPattern": "FUTURE"}),
        ("DescribeLogStreams", {"logGroupName": GROUP}),
        ("DescribeAlarms", {}),
        (
            "GetMetricStatistics",
            {**metric("Fault"), "StartTime": NOW, "EndTime": NOW + 3600, "Period": 60, "Statistics": ["Sum"]},
        ),
    ):
        assert "FUTURE" not in json.dumps(ask(client, operation, data))
    assert insights(client, "filter log like /FUTURE/", endTime=NOW + 3600) == []
