"""Queries that mean harm: each meets a named limit in Prometheus's own shape, soon and in little memory."""

import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
import test_wire_prometheus as basic

from rootward import _clock, errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines import re2
from rootward.dojo.engines.promql import budget, engine, options
from rootward.dojo.wire import prometheus

NOW_S = 1_700_000_000.0
EVERYTHING = '{__name__=~".+"}'
TIMEOUT = "query timed out in expression evaluation"
SECONDS_MAX = 4.0  # of CPU for one request; a unit of work is an estimate
BYTES_MAX = 700_000_000


def metrics() -> telemetry.Metrics:
    """Two thousand series over two hours."""
    times_s = NOW_S - 7200 + np.arange(0, 7215, 15.0)
    labels = tuple(
        {"__name__": f"m{k % 20}_total", "pod": f"pod-{k}", "job": f"job-{k % 7}", "le": str(k % 5)}
        for k in range(2000)
    )
    values = np.random.default_rng(1).random((2000, len(times_s))).cumsum(axis=1)
    return telemetry.Metrics((telemetry.MetricBlock(times_s, values, labels),))


@pytest.fixture(scope="module")
def face() -> Any:
    world = telemetry.Telemetry("large", NOW_S - 7200, NOW_S, NOW_S, metrics())
    return prometheus.app(world, _clock.VirtualClock(NOW_S))


def asked(face: Any, query: str, step_s: float) -> tuple[int, dict[str, Any]]:
    began = time.process_time()
    fields = {"query": query, "start": str(NOW_S - 7000), "end": str(NOW_S), "step": str(step_s)}
    reply = basic.ask(face, "/api/v1/query_range", method="POST", **fields)
    assert time.process_time() - began < SECONDS_MAX
    return reply.status_code, reply.json()


@pytest.mark.parametrize(
    ("query", "step_s", "status", "kind", "words"),
    [
        ("up", 0.5, 400, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing"),
        (EVERYTHING, 1.0, 422, "execution", budget.TOO_MANY_SAMPLES),
        (f"rate({EVERYTHING}[1h])", 1.0, 422, "execution", budget.TOO_MANY_SAMPLES),
        (f"max_over_time({EVERYTHING}[2h:1s])", 60, 422, "execution", budget.TOO_MANY_SAMPLES),
        (f"max_over_time(({EVERYTHING})[1y:1ms])", 60, 422, "execution", "subquery evaluates"),
        (" or ".join(f"topk by (pod) ({k}, {EVERYTHING})" for k in range(100)), 60, 503, "timeout", TIMEOUT),
        (f"quantile_over_time(0.5, {EVERYTHING}[2h])", 60, 503, "timeout", TIMEOUT),
        (f"sum by (pod) (deriv({EVERYTHING}[2h]))", 60, 503, "timeout", TIMEOUT),
        (f'count_values("v", {EVERYTHING})', 60, 422, "execution", budget.TOO_MANY_SAMPLES),
        (" and ".join([EVERYTHING] * 900), 60, 503, "timeout", TIMEOUT),
        (f"{EVERYTHING} * on () group_left () m1_total", 60, 422, "execution", "many-to-many matching not allowed"),
        ("(" * 5000 + "1" + ")" * 5000, 60, 422, "execution", "nested more than 80 levels"),
        ("+".join(["m1_total"] * 5000), 60, 422, "execution", "more than 1000 operators"),
        ("m1_total{" + ",".join(['pod=~"(.*a){20}.{0,900}"'] * 3000) + "}", 60, 503, "timeout", TIMEOUT),
        ('m1_total{pod=~"' + "a?" * 8_000 + '"}', 60, 200, "", ""),
        ('m1_total{pod=~"(x+x+)+y"}', 60, 200, "", ""),
        ("label_replace(" * 60 + "m1_total" + ', "job", "$1$1", "job", "(.*)")' * 60, 60, 422, "execution", "characters"),
        ("label_join(" * 60 + "m1_total" + ', "job", "", "job", "job")' * 60, 60, 422, "execution", "characters"),
        (f'label_replace({EVERYTHING}, "x", "{"$1" * 30_000}", "pod", "(.*)")', 60, 422, "execution", "characters"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)  # fmt: skip
def test_hostile_queries_meet_named_limits(
    face: Any, query: str, step_s: float, status: int, kind: str, words: str
) -> None:
    got, body = asked(face, query, step_s)
    assert (got, body.get("errorType", "")) == (status, kind), body.get("error")
    assert words in body.get("error", "")


def test_many_selectors_share_one_budget() -> None:
    promql = engine.Engine(metrics(), options.Options(limits=options.Limits(work=20_000_000)))
    cheap = [f'{{pod=~".*{k}.{{0,900}}x"}}' for k in range(500)]
    costly = [f'{{pod=~"{".{0,1000}" * 20}{k}"}}' for k in range(20)]
    assert promql.lookups.series(cheap[:5], NOW_S - 60, NOW_S) == []
    for selectors in (cheap, costly):
        for ask in (
            lambda some=selectors: promql.lookups.series(some, NOW_S - 60, NOW_S),
            lambda some=selectors: promql.lookups.current(some, NOW_S),
            lambda some=selectors: promql.lookups.chosen(some, [{"severity": "page"}]),
            lambda some=selectors: promql.parse(" or ".join(some)),
        ):
            with pytest.raises(errors.QueryTimedOut, match=TIMEOUT):
                ask()


def test_the_largest_answer_fits_into_memory() -> None:
    promql = engine.Engine(metrics(), options.Options(experimental=False))
    tracemalloc.start()
    try:
        promql.range(EVERYTHING, NOW_S - 7000, NOW_S, 2.0)
        assert tracemalloc.get_traced_memory()[1] < BYTES_MAX
    finally:
        tracemalloc.stop()


def test_budgets_are_counted_not_timed() -> None:
    """The same question is refused at the same point, whatever the machine does meanwhile."""
    purse = budget.Budget(10)
    purse.spend(10)
    with pytest.raises(errors.QueryTimedOut, match=TIMEOUT):
        purse.spend(1)


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|a)*b", "((a*)*)*b", "(.*)*(.*)*(.*)*b", "(a|aa)+$b", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_regular_expressions_take_linear_time(pattern: str) -> None:
    began = time.process_time()
    assert not re2.matches(pattern, ["a" * 50_000] * 4).any()
    assert re2.captures(f"({pattern})", ["a" * 50_000])[1] == [None]
    assert time.process_time() - began < 1.0


def test_captures_are_found_anywhere_and_named() -> None:
    names, found = re2.captures(r"(?P<verb>GET|PUT) (/\w+)(\?.*)?", ["x GET /a", "PUT /b?c", "nothing", "é GET /d"])
    assert names == ["verb", "", ""]
    assert found == [["GET", "/a", ""], ["PUT", "/b", "?c"], None, ["GET", "/d", ""]]
    assert re2.captures("a", ["a", "b", "\ud800a"]) == ([], [[], None, []])
