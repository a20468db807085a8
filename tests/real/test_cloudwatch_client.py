"""boto3, AWS's own client, against the CloudWatch face."""

import datetime as dt

import client_operations
import dojo_server
import pytest

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
boto3 = pytest.importorskip(
    "boto3", reason="not installed (pip install 'rootward[real]'): the face was not tried with boto3"
)
GROUP = "/aws/containerinsights/production/application"
NOW = dt.datetime.fromtimestamp(dojo_server.sample.NOW_S, tz=dt.UTC)
HOUR = dt.timedelta(hours=1)
METRICS, LOGS = "boto3 cloudwatch", "boto3 logs"
aws = client_operations.Operations("cloudwatch")


@pytest.fixture(scope="module")
def clients():
    from botocore.config import Config

    options = {
        "region_name": "eu-central-1",
        "aws_access_key_id": "a",
        "aws_secret_access_key": "b",
        "config": Config(retries={"max_attempts": 1}),
    }
    with dojo_server.serving() as address:
        url = f"{address}/cloudwatch"
        both = {
            METRICS: boto3.client("cloudwatch", endpoint_url=url, **options),
            LOGS: boto3.client("logs", endpoint_url=url, **options),
        }
        yield both
        for one in both.values():
            one.close()


def requests_metric(client):
    (one,) = client.list_metrics(MetricName="http_requests_total")["Metrics"]
    return one


@aws.of(METRICS, "list_metrics, paginator")
def _(client):
    one = requests_metric(client)
    assert one["Namespace"] == "ContainerInsights/Prometheus"
    pages = client.get_paginator("list_metrics").paginate(Namespace=one["Namespace"])
    assert one in [metric for page in pages for metric in page["Metrics"]]


@aws.of(METRICS, "get_metric_data: statistics, math, SEARCH")
def _(client):
    stat = {"Metric": requests_metric(client), "Period": 300, "Stat": "Sum"}
    queries = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 / 300", "Label": "per second"},
        {"Id": "e2", "Expression": "SEARCH('http_requests_total', 'Sum', 300)"},
    ]
    found = client.get_metric_data(
        MetricDataQueries=queries, StartTime=NOW - HOUR / 2, EndTime=NOW, ScanBy="TimestampAscending"
    )
    rate, total = found["MetricDataResults"]
    assert rate["Label"] == "per second"
    assert rate["Values"] == [2.0] * 6
    assert total["Values"] == [600.0] * 6
    assert rate["Timestamps"][0] == NOW - HOUR / 2


@aws.of(METRICS, "get_metric_statistics")
def _(client):
    metric = requests_metric(client)
    found = client.get_metric_statistics(
        **metric, StartTime=NOW - HOUR / 2, EndTime=NOW, Period=600, Statistics=["Sum", "SampleCount"]
    )
    assert [(one["Sum"], one["SampleCount"]) for one in found["Datapoints"]] == [(1200.0, 40.0)] * 3


@aws.of(METRICS, "describe_alarms, paginator")
def _(client):
    (alarm,) = client.describe_alarms(StateValue="ALARM")["MetricAlarms"]
    assert alarm["AlarmName"] == "HighErrors"
    assert alarm["StateUpdatedTimestamp"] == NOW - dt.timedelta(minutes=5)
    assert list(client.get_paginator("describe_alarms").paginate(AlarmNamePrefix="High"))


@aws.of(METRICS, "errors: a wrong period, writing")
def _(client):
    metric = requests_metric(client)
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.get_metric_statistics(**metric, StartTime=NOW - HOUR, EndTime=NOW, Period=7, Statistics=["Sum"])
    with pytest.raises(client.exceptions.ClientError, match="not authorized"):
        client.put_metric_data(Namespace="x", MetricData=[{"MetricName": "y", "Value": 1.0}])


@aws.of(LOGS, "describe_log_groups, describe_log_streams")
def _(client):
    assert [one["logGroupName"] for one in client.describe_log_groups()["logGroups"]] == [GROUP]
    streams = client.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", descending=True)["logStreams"]
    assert len(streams) == 2


@aws.of(LOGS, "filter_log_events, paginator")
def _(client):
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, filterPattern='{ $.log_processed.level = "error" }'
    )
    assert len([event for page in pages for event in page["events"]]) == 360


@aws.of(LOGS, "get_log_events")
def _(client):
    stream = client.describe_log_streams(logGroupName=GROUP)["logStreams"][0]["logStreamName"]
    first = client.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True, limit=10)
    second = client.get_log_events(
        logGroupName=GROUP, logStreamName=stream, nextToken=first["nextForwardToken"], limit=10
    )
    assert first["events"][-1]["timestamp"] < second["events"][0]["timestamp"]


@aws.of(LOGS, "start_query, get_query_results")
def _(client):
    text = "filter log_processed.level = 'error' | stats count(*) as n by bin(10m) | sort n desc"
    start, end = int((NOW - HOUR).timestamp()), int(NOW.timestamp())
    query = client.start_query(logGroupName=GROUP, startTime=start, endTime=end, queryString=text)["queryId"]
    found = client.get_query_results(queryId=query)
    assert found["status"] == "Complete"
    assert [row[1]["value"] for row in found["results"]] == ["60"] * 6


@aws.of(LOGS, "errors: no such group, a wrong query")
def _(client):
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.filter_log_events(logGroupName="none")
    with pytest.raises(client.exceptions.MalformedQueryException):
        client.start_query(logGroupName=GROUP, startTime=1, endTime=2, queryString="nonsense")


def test_the_table_lists_every_operation():
    aws.check_table()


@pytest.mark.parametrize("name", list(aws.found), ids=" · ".join)
def test_operation(clients, name):
    aws.found[name](clients[name[0]])
