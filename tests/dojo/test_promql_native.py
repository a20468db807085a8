"""Native histograms: what is worked out from their buckets is what the observations say, and the API shows them as Prometheus does."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo.capsule import tables, telemetry
from rootward.dojo.engines.promql import engine, native, options
from rootward.dojo.wire import _prometheus_json

START_S, EVERY_S, COUNT = 1_700_000_000.0, 15.0, 41
END_S = START_S + EVERY_S * (COUNT - 1)


def observed(rng: np.random.Generator, *, schema: int = 3, pod: str = "a", reset: int = 0) -> telemetry.HistogramSeries:
    """Forty scrapes of a process that has seen ever more log-normal durations; `observations` stand in the right buckets."""
    offset, size = -10 * 2**schema, 14 * 2**schema
    cells = np.zeros((native.BUCKETS + size, COUNT))
    for at in range(COUNT):
        seen = np.clip(rng.lognormal(-2.0, 0.8, int(rng.integers(5, 60))), 2.0**-9, 2.0**3)
        index = np.ceil(np.log2(seen) * 2.0**schema - 1e-12).astype(int) - offset
        if at:
            cells[:, at] = cells[:, at - 1]
        if reset and at == reset:
            cells[:, at] = 0.0
        np.add.at(cells[:, at], native.BUCKETS + index, 1.0)
        cells[native.COUNT, at] += len(seen)
        cells[native.SUM, at] += seen.sum()
    labels = {"__name__": "latency_seconds", "pod": pod}
    times_s = START_S + EVERY_S * np.arange(COUNT)
    return telemetry.HistogramSeries(labels, times_s, schema, 2.0**-128, offset, cells, np.zeros(COUNT, dtype=bool))


def asking(*series: telemetry.HistogramSeries) -> engine.Engine:
    return engine.Engine(telemetry.Metrics(histograms=series), options.Options(experimental=False))


def number(promql: engine.Engine, query: str, time_s: float = END_S) -> float:
    found = promql.instant(query, time_s).series
    assert len(found) == 1, query
    return float(found[0].values[0])


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), schema=st.integers(0, 5), q=st.floats(0.01, 0.99))
def test_quantiles_lie_within_a_bucket_of_the_observations(seed: int, schema: int, q: float) -> None:
    one = observed(np.random.default_rng(seed), schema=schema)
    counts, total = one.cells[native.BUCKETS :, -1], one.cells[native.COUNT, -1]
    at = int(np.searchsorted(np.cumsum(counts), q * total - 1e-9))
    found = number(asking(one), f"histogram_quantile({q!r}, latency_seconds)")
    low, high = 2.0 ** ((one.offset + at - 1) / 2**schema), 2.0 ** ((one.offset + at) / 2**schema)
    assert low * (1 - 1e-9) <= found <= high * (1 + 1e-9), seed
    back = number(asking(one), f"histogram_fraction(0, {found!r}, latency_seconds)")
    assert back == pytest.approx(q, abs=1e-6), seed


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), reset=st.integers(5, 35))
def test_rates_count_what_was_observed_over_resets_and_schemas(seed: int, reset: int) -> None:
    rng = np.random.default_rng(seed)
    plain, fine = observed(rng, schema=2), observed(rng, schema=4, pod="b", reset=reset)
    promql = asking(plain, fine)
    parts = [number(promql, f'histogram_count(increase(latency_seconds{{pod="{pod}"}}[5m]))') for pod in "ab"]
    together = promql.instant("sum(increase(latency_seconds[5m]))", END_S).histograms[0]
    assert together.shape.schema == 2
    assert together.cells[native.COUNT, 0] == pytest.approx(sum(parts), rel=1e-9), seed
    assert together.cells[native.ZERO :, 0].sum() == pytest.approx(sum(parts), rel=1e-9), seed
    assert (together.cells >= 0).all(), seed


def test_means_and_spreads_are_those_of_the_observations() -> None:
    promql = asking(observed(np.random.default_rng(3), schema=5))
    rng = np.random.default_rng(1)
    sample = np.clip(rng.lognormal(-2.0, 0.8, 200_000), 2.0**-9, 2.0**3)
    assert number(promql, "histogram_avg(latency_seconds)") == pytest.approx(sample.mean(), rel=0.1)
    assert number(promql, "histogram_stddev(latency_seconds)") == pytest.approx(sample.std(), rel=0.3)
    squared = number(promql, "histogram_stddev(latency_seconds) ^ 2")
    assert number(promql, "histogram_stdvar(latency_seconds)") == pytest.approx(squared)
    averaged = "histogram_sum(latency_seconds) / histogram_count(latency_seconds)"
    assert number(promql, averaged) == number(promql, "histogram_avg(latency_seconds)")


@pytest.mark.parametrize(
    ("query", "answer"),
    [("histogram_count(latency_seconds * 2) / histogram_count(latency_seconds)", 2.0),
     ("histogram_sum(latency_seconds + latency_seconds) / histogram_sum(latency_seconds)", 2.0),
     ("histogram_count(latency_seconds - latency_seconds)", 0.0), ("count(latency_seconds)", 1.0),
     ("histogram_sum(-latency_seconds) / histogram_sum(latency_seconds)", -1.0), ("count_over_time(latency_seconds[1m])", 4.0),
     ("histogram_count(avg_over_time(latency_seconds[1m])) * 4 / histogram_count(sum_over_time(latency_seconds[1m]))", 1.0),
     ("timestamp(latency_seconds)", END_S), ("absent(other)", 1.0)],
)  # fmt: skip
def test_arithmetic(query: str, answer: float) -> None:
    assert number(asking(observed(np.random.default_rng(5))), query) == pytest.approx(answer)


@pytest.mark.parametrize("query", ["abs(latency_seconds)", "max(latency_seconds)", "latency_seconds > 1", "absent(latency_seconds)",
                                   "absent_over_time(latency_seconds[1m])", "topk(1, latency_seconds)", "2 / latency_seconds"])  # fmt: skip
def test_what_has_no_use_for_histograms_leaves_them_out(query: str) -> None:
    found = asking(observed(np.random.default_rng(5))).instant(query, END_S)
    assert not found.series
    assert not found.histograms


def test_the_api_shows_buckets_that_hold_anything() -> None:
    cells = np.array([[9.0], [6.5], [2.0], [3.0], [0.0], [4.0]])
    one = telemetry.HistogramSeries({"__name__": "h"}, np.array([100.0]), 0, 0.001, 0, cells, np.array([False]))
    shown = json.loads(_prometheus_json.result(asking(one).instant("h", 100.0), 0))
    assert shown["result"] == [
        {
            "metric": {"__name__": "h"},
            "histogram": [100, {"count": "9", "sum": "6.5", "buckets": [[3, "-0.001", "0.001", "2"], [0, "0.5", "1", "3"], [0, "2", "4", "4"]]}],
        }
    ]  # fmt: skip
    ranged = json.loads(_prometheus_json.result(asking(one).range("h", 90.0, 120.0, 10.0), 0))
    assert [point[0] for point in ranged["result"][0]["histograms"]] == [100, 110, 120]


def test_a_capsule_keeps_them() -> None:
    one = observed(np.random.default_rng(8))
    gone = np.arange(COUNT) % 7 == 0
    kept = telemetry.HistogramSeries(
        one.labels, one.times_s, one.schema, one.near_zero, one.offset, one.cells * ~gone, gone
    )
    block = telemetry.MetricBlock(one.times_s, np.ones((1, COUNT)), ({"__name__": "up"},))
    back = tables.metrics_from_bytes(*tables.metrics_to_bytes(telemetry.Metrics((block,), {}, (kept,))))
    assert len(back.blocks) == 1
    (found,) = back.histograms
    assert dict(found.labels) == dict(kept.labels)
    assert (found.schema, found.near_zero, found.offset) == (kept.schema, kept.near_zero, kept.offset)
    assert np.array_equal(found.cells, kept.cells)
    assert np.array_equal(found.absent, gone)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.recursive(
    st.sampled_from(["latency_seconds", "rate(latency_seconds[1m])", "1", "latency_seconds offset 1m", "vector(2)"]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["sum", "avg", "count", "max", "group"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(st.sampled_from(["histogram_sum", "histogram_avg", "absent", "abs", "sort", "timestamp"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "and", "or", "==", ">"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        inner.map(lambda one: f"histogram_quantile(0.9, {one})"),
        inner.map(lambda one: f"-{one}"),
    ), max_leaves=6))  # fmt: skip
def test_any_expression_over_them_is_answered_or_refused(query: str) -> None:
    promql = asking(observed(np.random.default_rng(5)), observed(np.random.default_rng(6), schema=1, pod="b"))
    try:
        found = promql.range(query, END_S - 60, END_S, 15)
    except errors.EngineError:
        return
    json.loads(_prometheus_json.result(found, 0))
