"""What production's targets expose: valid text in both formats, each target its own page, exemplars that exist as traces."""

import asyncio
import re
from typing import Any

import httpx2
import numpy as np
import pytest

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import exporters, prometheus

NOW_S = 1_714_561_200.0
TARGET = {"job": "shop/api", "instance": "10.0.0.1:9464", "pod": "api-1"}
BUCKETS = {"0.1": 2.0, "0.5": 5.0, "+Inf": 6.0}
SERIES = re.compile(r'[a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*\})? \S+(?: # \{[^}]*\} \S+ \S+)?')


def telemetry() -> records.Telemetry:
    """One target with a counter, a gauge and a histogram whose middle bucket counted two traced requests; one that is down."""
    times_s = np.arange(NOW_S - 300, NOW_S + 300, 15.0)

    def block(values: dict[tuple[tuple[str, str], ...], float], target: dict[str, str]) -> records.MetricBlock:
        labels = tuple({**target, **dict(own)} for own in values)
        rows = np.array(list(values.values()))[:, None] * np.where(times_s <= NOW_S, 1, 666)
        return records.MetricBlock(times_s, rows, labels)

    seconds = "http_server_request_duration_seconds"
    own: dict[tuple[tuple[str, str], ...], float] = {
        (("__name__", "requests_total"), ("path", 'a "b"\\\n é')): 12.5,
        (("__name__", "temperature"),): float("nan"),
        (("__name__", "up"),): 1.0,
        (("__name__", "scrape_duration_seconds"),): 0.01,
        **{
            (("__name__", f"{seconds}_bucket"), ("http_route", "/x"), ("le", le)): count
            for le, count in BUCKETS.items()
        },
        (("__name__", f"{seconds}_sum"), ("http_route", "/x")): 1.9,
        (("__name__", f"{seconds}_count"), ("http_route", "/x")): 6.0,
    }
    down = {"job": "shop/api", "instance": "10.0.0.2:9464", "pod": "api-2"}
    meta = {
        "requests_total": records.MetricMeta("counter", "How\nmany."),
        "temperature": records.MetricMeta("gauge", "", "celsius"),
        seconds: records.MetricMeta("histogram", "How long.", "seconds"),
    }
    metrics = records.Metrics((block(own, TARGET), block({(("__name__", "up"),): 0.0}, down)), meta)
    return records.Telemetry("shop", NOW_S - 300, NOW_S + 300, NOW_S, metrics, spans=spans())


def spans() -> records.Spans:
    """Ends in seconds before now, duration, route; the last two are no exemplars of /x: another route, and the future."""
    rows = [(40.0, 0.3, "/x"), (20.0, 0.2, "/x"), (10.0, 0.25, "/y"), (-5.0, 0.3, "/x")]
    size = len(rows)
    ends_ns = np.array([int((NOW_S - before) * 1e9) for before, _, _ in rows])
    took_ns = np.array([int(took * 1e9) for _, took, _ in rows])
    return records.Spans(
        trace_ids=[f"{number:032x}" for number in range(size)],
        span_ids=[f"{number:016x}" for number in range(size)],
        parent_ids=[""] * size,
        process=np.zeros(size, dtype=np.int32),
        name=np.zeros(size, dtype=np.int32),
        kind=np.full(size, 2, dtype=np.int8),
        start_ns=ends_ns - took_ns,
        duration_ns=took_ns,
        status=np.zeros(size, dtype=np.int8),
        attributes=[{"http.route": route} for _, _, route in rows],
        processes=(records.Process("api", {"k8s.pod.name": "api-1"}),),
        names=("GET",),
    )


@pytest.fixture(scope="module")
def face() -> Any:
    return exporters.app(telemetry(), _clock.VirtualClock(NOW_S))


def ask(face: Any, path: str, accept: str = "", **fields: str) -> httpx2.Response:
    async def once() -> httpx2.Response:
        transport = httpx2.ASGITransport(face, root_path="/exporters")
        async with httpx2.AsyncClient(transport=transport, base_url="http://host:9800") as client:
            return await client.get(path, params=fields, headers={"Accept": accept} if accept else {})

    return asyncio.run(once())


def test_targets_are_listed_as_service_discovery_does(face: Any) -> None:
    found = ask(face, "/exporters/targets").json()
    assert [one["labels"]["instance"] for one in found] == ["10.0.0.1:9464", "10.0.0.2:9464"]
    assert found[0] == {
        "targets": ["host:9800"],
        "labels": {
            "__metrics_path__": "/exporters/metrics",
            "__param_job": "shop/api",
            "__param_instance": "10.0.0.1:9464",
            **TARGET,
        },
    }


def test_a_page_is_what_the_target_itself_would_write(face: Any) -> None:
    """Without the labels that the scraper puts there, without what only the scraper knows, and nothing of the future."""
    reply = ask(face, "/exporters/metrics", job="shop/api", instance="10.0.0.1:9464")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reply.text.splitlines() == [
        "# HELP http_server_request_duration_seconds How long.",
        "# TYPE http_server_request_duration_seconds histogram",
        'http_server_request_duration_seconds_bucket{http_route="/x",le="0.1"} 2',
        'http_server_request_duration_seconds_bucket{http_route="/x",le="0.5"} 5',
        'http_server_request_duration_seconds_bucket{http_route="/x",le="+Inf"} 6',
        'http_server_request_duration_seconds_sum{http_route="/x"} 1.9',
        'http_server_request_duration_seconds_count{http_route="/x"} 6',
        "# HELP requests_total How\\nmany.",
        "# TYPE requests_total counter",
        'requests_total{path="a \\"b\\"\\\\\\n é"} 12.5',
        "# TYPE temperature gauge",
        "temperature NaN",
    ]


def test_open_metrics_has_its_own_names_and_exemplars(face: Any) -> None:
    reply = ask(face, "/exporters/metrics", "application/openmetrics-text;version=1.0.0,*/*;q=0.1", job="shop/api", instance="10.0.0.1:9464")  # fmt: skip
    assert reply.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    lines = reply.text.splitlines()
    assert lines[-1] == "# EOF"
    assert "# TYPE requests counter" in lines
    assert "# UNIT http_server_request_duration_seconds seconds" in lines
    assert not [line for line in lines if line.startswith("# UNIT temperature")]
    (exemplar,) = [line for line in lines if " # {" in line]
    assert exemplar == (
        'http_server_request_duration_seconds_bucket{http_route="/x",le="0.5"} 5'
        f' # {{trace_id="{1:032x}",span_id="{1:016x}"}} 0.2 {NOW_S - 20:.3f}'
    )
    assert all(line.startswith("# ") or SERIES.fullmatch(line) for line in lines)


def test_without_a_target_the_page_holds_everything_with_its_labels(face: Any) -> None:
    text = ask(face, "/exporters/metrics").text
    assert 'temperature{instance="10.0.0.1:9464",job="shop/api",pod="api-1"} NaN' in text
    assert "666" not in text


def test_targets_that_are_down_or_unknown_answer_so(face: Any) -> None:
    assert ask(face, "/exporters/metrics", job="shop/api", instance="10.0.0.2:9464").status_code == 503
    assert ask(face, "/exporters/metrics", job="shop/api", instance='x"}').status_code == 404
    assert ask(face, "/exporters/anything").text == "404 page not found\n"


def test_exemplars_are_asked_by_query(face: Any) -> None:
    server = prometheus.app(telemetry(), _clock.VirtualClock(NOW_S))

    async def asked(**fields: str) -> Any:
        transport = httpx2.ASGITransport(server)
        async with httpx2.AsyncClient(transport=transport, base_url="http://host") as client:
            return (await client.get("/api/v1/query_exemplars", params=fields)).json()

    query = (
        "histogram_quantile(0.9, sum by (le) (rate(http_server_request_duration_seconds_bucket[5m]))) or requests_total"
    )
    (found,) = asyncio.run(asked(query=query))["data"]
    assert found["seriesLabels"]["le"] == "0.5"
    assert found["exemplars"] == [
        {"labels": {"trace_id": f"{k:032x}", "span_id": f"{k:016x}"}, "value": value, "timestamp": NOW_S - before}
        for k, value, before in ((0, "0.3", 40), (1, "0.2", 20))
    ]
    assert asyncio.run(asked(query=query, start=str(NOW_S - 10)))["data"] == []
    assert asyncio.run(asked(query="sum("))["errorType"] == "bad_data"
    assert "start timestamp" in asyncio.run(asked(query="up", start="9", end="8"))["error"]
