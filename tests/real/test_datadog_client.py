"""The official Datadog client against the Datadog face."""

import datetime as dt

import client_operations
import dojo_server
import pytest

pytestmark = pytest.mark.filterwarnings("default")  # other people's libraries warn about their own dependencies
REASON = "not installed (pip install 'rootward[real]'): the face was not tried with the official client"
CLIENT = "datadog-api-client"
NOW = int(dojo_server.sample.NOW_S)
datadog = client_operations.Operations("datadog")
v1 = pytest.importorskip("datadog_api_client.v1", reason=REASON)
v2 = pytest.importorskip("datadog_api_client.v2", reason=REASON)


def configured(url):
    from datadog_api_client import ApiClient, Configuration

    configuration = Configuration(host=url)
    configuration.api_key["apiKeyAuth"] = "k"
    configuration.api_key["appKeyAuth"] = "a"
    configuration.enable_retry = False
    return ApiClient(configuration)


@pytest.fixture(scope="module")
def api():
    with dojo_server.serving() as address, configured(f"{address}/datadog") as client:
        yield client


@datadog.of(CLIENT, "AuthenticationApi.validate")
def _(api):
    from datadog_api_client.v1.api.authentication_api import AuthenticationApi

    assert AuthenticationApi(api).validate().valid is True


@datadog.of(CLIENT, "v1 MetricsApi: query_metrics, list_active_metrics, get_metric_metadata, list_metrics")
def _(api):
    from datadog_api_client.v1.api.metrics_api import MetricsApi

    metrics = MetricsApi(api)
    found = metrics.query_metrics(NOW - 3600, NOW, "sum:openmetrics.http_requests.count{kube_namespace:shop}.as_rate()")
    (series,) = found.series
    assert series.scope == "kube_namespace:shop"
    assert [round(point.value[1], 6) for point in series.pointlist[3:10]] == [2.0] * 7
    assert "openmetrics.http_requests.count" in metrics.list_active_metrics(NOW - 3600).metrics
    assert metrics.get_metric_metadata("openmetrics.http_requests.count").type == "count"
    assert metrics.list_metrics("metrics:http").results.metrics == ["openmetrics.http_requests.count"]


@datadog.of(
    CLIENT, "v2 MetricsApi: query_timeseries_data, query_scalar_data, list_tag_configurations, list_tags_by_metric_name"
)
def _(api):
    from datadog_api_client.v2.api.metrics_api import MetricsApi
    from datadog_api_client.v2.model.metrics_aggregator import MetricsAggregator
    from datadog_api_client.v2.model.metrics_data_source import MetricsDataSource
    from datadog_api_client.v2.model.metrics_scalar_query import MetricsScalarQuery
    from datadog_api_client.v2.model.metrics_timeseries_query import MetricsTimeseriesQuery
    from datadog_api_client.v2.model.query_formula import QueryFormula
    from datadog_api_client.v2.model.scalar_formula_query_request import ScalarFormulaQueryRequest
    from datadog_api_client.v2.model.scalar_formula_request import ScalarFormulaRequest
    from datadog_api_client.v2.model.scalar_formula_request_attributes import ScalarFormulaRequestAttributes
    from datadog_api_client.v2.model.scalar_formula_request_queries import ScalarFormulaRequestQueries
    from datadog_api_client.v2.model.scalar_formula_request_type import ScalarFormulaRequestType
    from datadog_api_client.v2.model.timeseries_formula_query_request import TimeseriesFormulaQueryRequest
    from datadog_api_client.v2.model.timeseries_formula_request import TimeseriesFormulaRequest
    from datadog_api_client.v2.model.timeseries_formula_request_attributes import TimeseriesFormulaRequestAttributes
    from datadog_api_client.v2.model.timeseries_formula_request_queries import TimeseriesFormulaRequestQueries
    from datadog_api_client.v2.model.timeseries_formula_request_type import TimeseriesFormulaRequestType

    metrics = MetricsApi(api)
    text = "sum:openmetrics.http_requests.count{*}.as_count()"
    span = {"_from": (NOW - 3600) * 1000, "to": NOW * 1000, "formulas": [QueryFormula(formula="a / 2")]}
    query = MetricsTimeseriesQuery(data_source=MetricsDataSource.METRICS, name="a", query=text)
    attributes = TimeseriesFormulaRequestAttributes(
        queries=TimeseriesFormulaRequestQueries([query]), interval=600_000, **span
    )
    body = TimeseriesFormulaQueryRequest(
        data=TimeseriesFormulaRequest(attributes=attributes, type=TimeseriesFormulaRequestType.TIMESERIES_REQUEST)
    )
    found = metrics.query_timeseries_data(body).data.attributes
    assert found.values.value[0].value[1] == 600.0
    scalar = MetricsScalarQuery(
        aggregator=MetricsAggregator.SUM, data_source=MetricsDataSource.METRICS, name="a", query=text
    )
    attributes = ScalarFormulaRequestAttributes(queries=ScalarFormulaRequestQueries([scalar]), **span)
    body = ScalarFormulaQueryRequest(
        data=ScalarFormulaRequest(attributes=attributes, type=ScalarFormulaRequestType.SCALAR_REQUEST)
    )
    assert metrics.query_scalar_data(body).data.attributes.columns[0].values[0] == pytest.approx(3600, abs=30)
    assert "openmetrics.http_requests.count" in [one.id for one in metrics.list_tag_configurations().data]
    assert (
        "kube_namespace:shop"
        in metrics.list_tags_by_metric_name("openmetrics.http_requests.count").data.attributes.tags
    )


@datadog.of(CLIENT, "v2 LogsApi: list_logs, list_logs_get, list_logs_with_pagination, aggregate_logs")
def _(api):
    from datadog_api_client.v2.api.logs_api import LogsApi
    from datadog_api_client.v2.model.logs_aggregate_request import LogsAggregateRequest
    from datadog_api_client.v2.model.logs_aggregation_function import LogsAggregationFunction
    from datadog_api_client.v2.model.logs_compute import LogsCompute
    from datadog_api_client.v2.model.logs_group_by import LogsGroupBy
    from datadog_api_client.v2.model.logs_list_request import LogsListRequest
    from datadog_api_client.v2.model.logs_list_request_page import LogsListRequestPage
    from datadog_api_client.v2.model.logs_query_filter import LogsQueryFilter

    logs = LogsApi(api)
    wanted = LogsQueryFilter(query="service:checkout status:error", _from="now-1h", to="now")
    found = logs.list_logs(body=LogsListRequest(filter=wanted, page=LogsListRequestPage(limit=5)))
    assert [one.attributes.message for one in found.data] == ["pay"] * 5
    every = logs.list_logs_with_pagination(body=LogsListRequest(filter=wanted, page=LogsListRequestPage(limit=100)))
    assert len({one.id for one in every}) == 360
    start = dt.datetime.fromtimestamp(NOW - 600, tz=dt.UTC)
    assert logs.list_logs_get(filter_query="status:error", filter_from=start).data[0].attributes.service == "checkout"
    body = LogsAggregateRequest(
        compute=[LogsCompute(aggregation=LogsAggregationFunction.COUNT)],
        filter=wanted,
        group_by=[LogsGroupBy(facet="status")],
    )
    (bucket,) = logs.aggregate_logs(body=body).data.buckets
    assert bucket.by == {"status": "error"}
    assert bucket.computes["c0"] == 360


@datadog.of(CLIENT, "v2 SpansApi: list_spans, list_spans_get, aggregate_spans")
def _(api):
    from datadog_api_client.v2.api.spans_api import SpansApi
    from datadog_api_client.v2.model.spans_list_request import SpansListRequest
    from datadog_api_client.v2.model.spans_list_request_attributes import SpansListRequestAttributes
    from datadog_api_client.v2.model.spans_list_request_data import SpansListRequestData
    from datadog_api_client.v2.model.spans_list_request_type import SpansListRequestType
    from datadog_api_client.v2.model.spans_query_filter import SpansQueryFilter

    spans = SpansApi(api)
    attributes = SpansListRequestAttributes(filter=SpansQueryFilter(query="status:error", _from="now-1h", to="now"))
    body = SpansListRequest(data=SpansListRequestData(attributes=attributes, type=SpansListRequestType.SEARCH_REQUEST))
    assert spans.list_spans(body=body).data[0].attributes.service == "checkout"
    assert len(spans.list_spans_get(filter_query="service:payments", filter_from="now-1h", page_limit=4).data) == 4


@datadog.of(CLIENT, "EventsApi: v1 list_events, get_event; v2 list_events, search_events")
def _(api):
    from datadog_api_client.v1.api.events_api import EventsApi as First
    from datadog_api_client.v2.api.events_api import EventsApi as Second

    found = First(api).list_events(start=NOW - 7200, end=NOW).events
    assert First(api).get_event(found[0].id).event.title == found[0].title
    listed = Second(api).list_events(filter_query="source:alert", filter_from="now-2h", filter_to="now").data
    assert listed[0].attributes.attributes.title.startswith("[Triggered]")
    assert Second(api).search_events().data is not None


@datadog.of(CLIENT, "v1 MonitorsApi: list_monitors, get_monitor, search_monitors")
def _(api):
    from datadog_api_client.v1.api.monitors_api import MonitorsApi

    monitors = MonitorsApi(api)
    (one,) = monitors.list_monitors(group_states="all")
    assert str(one.overall_state) == "Alert"
    assert monitors.get_monitor(one.id).query == one.query
    assert monitors.search_monitors(query="status:alert").metadata.total_count == 1


@datadog.of(CLIENT, "v1 HostsApi.list_hosts; v2 IncidentsApi.list_incidents")
def _(api):
    from datadog_api_client.v1.api.hosts_api import HostsApi
    from datadog_api_client.v2.api.incidents_api import IncidentsApi

    assert HostsApi(api).list_hosts().total_matching == 0  # the sample has no nodes
    api.configuration.unstable_operations["list_incidents"] = True
    assert [one.attributes.public_id for one in IncidentsApi(api).list_incidents().data] == [11, 12]


@datadog.of(CLIENT, "errors: a wrong query, writing")
def _(api):
    from datadog_api_client.exceptions import ApiException, ForbiddenException
    from datadog_api_client.v1.api.events_api import EventsApi
    from datadog_api_client.v1.api.metrics_api import MetricsApi
    from datadog_api_client.v1.model.event_create_request import EventCreateRequest

    with pytest.raises(ApiException, match="Error parsing query"):
        MetricsApi(api).query_metrics(NOW - 60, NOW, "avg:x{")
    with pytest.raises(ForbiddenException):
        EventsApi(api).create_event(EventCreateRequest(title="x", text="y"))


def test_the_table_lists_every_operation():
    datadog.check_table()


@pytest.mark.parametrize("name", list(datadog.found), ids=" · ".join)
def test_operation(api, name):
    datadog.found[name](api)
