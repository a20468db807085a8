"""Questions in each vendor's language: what is written, and that the languages' own parser accepts it."""

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward.connectors.github import reading
from rootward.connectors.loki import logql
from rootward.connectors.prometheus import promql
from rootward.connectors.tempo import source as tempo
from rootward.signals.protocols import LogQuery, Matcher, MetricQuery, TraceQuery

PROMQL = [
    (MetricQuery("up"), "up"),
    (MetricQuery("up", (Matcher("job", "=~", "a|b"),)), 'up{job=~"a|b"}'),
    (MetricQuery("http.server.duration"), '{__name__="http.server.duration"}'),
    (MetricQuery("up", (Matcher("k8s.pod", "=", 'a"\\b'),)), 'up{"k8s.pod"="a\\"\\\\b"}'),
    (MetricQuery("x_total", function="rate"), "rate(x_total[300s])"),
    (MetricQuery("x_total", function="increase", over_s=0.5), "increase(x_total[500ms])"),
    (MetricQuery("x", aggregate="sum"), "sum(x)"),
    (MetricQuery("x", aggregate="max", by=("a", "b")), "max by (a, b) (x)"),
    (
        MetricQuery("x_bucket", function="rate", by=("svc",), quantile=0.99),
        "histogram_quantile(0.99, sum by (le, svc) (rate(x_bucket[300s])))",
    ),
]


@pytest.mark.parametrize(("query", "text"), PROMQL)
def test_promql(query: MetricQuery, text: str) -> None:
    assert promql.compile_query(query) == text


@given(
    metric=st.from_regex(r"\A[a-zA-Z_:][a-zA-Z0-9_:.-]{0,20}\Z"),
    value=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20),
    by=st.lists(st.from_regex(r"\A[a-z_]{1,8}\Z"), max_size=3, unique=True),
    function=st.sampled_from(["value", "rate", "increase", "delta"]),
    quantile=st.none() | st.floats(0.01, 0.99),
)
def test_any_promql_is_accepted_by_its_parser(
    metric: str, value: str, by: list[str], function: str, quantile: float | None
) -> None:
    query = MetricQuery(metric, (Matcher("a", "=", value),), function, 60.0, "sum", tuple(by), quantile)  # type: ignore[arg-type]
    promql_parser.parse(promql.compile_query(query))


LOGQL = [
    (LogQuery(), '{app=~".+"}'),
    (LogQuery((Matcher("pod", "=", "a"),)), '{pod="a"}'),
    (LogQuery((Matcher("pod", "!=", "a"),)), '{pod!="a", app=~".+"}'),
    (LogQuery((), ("a.b", 'say "x"'), ("ok",)), '{app=~".+"} |~ "(?i)a\\\\.b" |~ "(?i)say \\"x\\"" !~ "(?i)ok"'),
]


@pytest.mark.parametrize(("query", "text"), LOGQL)
def test_logql(query: LogQuery, text: str) -> None:
    assert logql.pipeline(query, "app") == text


def test_logql_counts() -> None:
    assert logql.counts(LogQuery(), "app", 60.0, ("a", "b")) == 'sum by (a, b) (count_over_time({app=~".+"} [60000ms]))'


def test_traceql() -> None:
    query = TraceQuery('a"b', "GET /", errors_only=True, min_duration_s=0.5)
    text = '{ resource.service.name = "a\\"b" && name = "GET /" && status = error && duration > 500000us }'
    assert tempo.traceql(query) == text


PATHS = [
    (["services/checkout/main.go", "services/checkout/pool.go"], "checkout"),
    (["charts/checkout/values.yaml"], "checkout"),
    (["k8s/checkout.yaml"], "checkout"),
    (["deploy/checkout-deployment.yaml"], "checkout"),
    (["checkout/config.yaml"], "checkout"),
    (["services/checkout/main.go", "services/cart/main.go"], ""),
    (["README.md"], ""),
    ([".github/workflows/ci.yml"], ""),
    ([], ""),
]


@pytest.mark.parametrize(("paths", "service"), PATHS)
def test_the_service_that_paths_tell(paths: list[str], service: str) -> None:
    assert reading.service_of_paths(paths) == service
