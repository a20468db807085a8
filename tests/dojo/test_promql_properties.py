"""What must hold of PromQL for any samples, and what no query may do to the engine."""

import math

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine, options, patterns

START_S = 1_700_000_000.0
finite = st.floats(-1e9, 1e9, allow_nan=False)
quick = hypothesis.settings(max_examples=40, deadline=None)


def metrics_of(rows: list[list[float]], every_s: float = 15.0, name: str = "m_total") -> telemetry.Metrics:
    times_s = START_S + every_s * np.arange(len(rows[0]))
    labels = tuple({"__name__": name, "pod": f"p{k}", "zone": str(k % 3)} for k in range(len(rows)))
    return telemetry.Metrics((telemetry.MetricBlock(times_s, np.array(rows, dtype=float), labels),))


def values_of(result: engine.Result) -> dict[tuple, list[float]]:
    return {one.labels: one.values.tolist() for one in result.series}


@quick
@hypothesis.given(
    slope=st.floats(0.001, 1e5),
    every_s=st.sampled_from([5.0, 15.0, 60.0]),
    begin=st.floats(0, 1e6),
    shift_s=st.floats(0, 59),
)
def test_rate_of_a_constant_slope_is_the_slope(slope: float, every_s: float, begin: float, shift_s: float) -> None:
    """Also between scrapes, where the window's edges are extrapolated; the counter is old enough to be far from zero."""
    counter = begin + slope * every_s * np.arange(100, 200)
    promql = engine.Engine(metrics_of([counter.tolist()], every_s))
    found = promql.instant(f"rate(m_total[{20 * every_s:.0f}s])", START_S + 60 * every_s + shift_s)
    assert found.series[0].values[0] == pytest.approx(slope, rel=1e-6)


@quick
@hypothesis.given(
    steps=st.lists(st.tuples(st.floats(0, 100), st.booleans()), min_size=5, max_size=60), window_s=st.integers(16, 900)
)
def test_increase_is_never_negative_nor_far_beyond_what_was_counted(
    steps: list[tuple[float, bool]], window_s: int
) -> None:
    total, counter, added = 0.0, [], 0.0
    for amount, restart in steps:
        total = amount if restart else total + amount
        added += amount
        counter.append(total)
    promql = engine.Engine(metrics_of([counter]))
    found = promql.range(f"increase(m_total[{window_s}s])", START_S, START_S + 15 * len(counter), 15)
    for one in found.series:
        assert (one.values >= 0).all()
        assert (one.values <= 3 * added + 1e-6).all()


@quick
@hypothesis.given(
    rows=st.integers(2, 8).flatmap(lambda n: st.lists(st.lists(finite, min_size=6, max_size=6), min_size=n, max_size=n))
)
def test_the_parts_sum_up_to_the_whole(rows: list[list[float]]) -> None:
    promql = engine.Engine(metrics_of(rows))
    span = (START_S, START_S + 75, 15.0)
    for whole, parts in (
        ("sum(m_total)", "sum(sum by (zone) (m_total))"),
        ("max(m_total)", "max(max without (pod) (m_total))"),
    ):
        left, right = (values_of(promql.range(query, *span))[()] for query in (whole, parts))
        assert left == pytest.approx(right, rel=1e-9, abs=1e-3)
    counts = values_of(promql.range("count(topk by (zone) (1, m_total))", *span))[()]
    assert counts == [min(3, len(rows))] * 6


@quick
@hypothesis.given(
    rows=st.lists(st.lists(finite | st.none(), min_size=20, max_size=20), min_size=1, max_size=4),
    window_s=st.integers(1, 400),
)
def test_a_range_query_is_its_instant_queries(rows: list[list[float | None]], window_s: int) -> None:
    """With gaps of all shapes, so that the strips of the store are put to work."""
    samples = np.array([[0.0 if value is None else value for value in row] for row in rows])
    gone = np.array([[value is None for value in row] for row in rows])
    block = metrics_of(samples.tolist()).blocks[0]
    block = telemetry.MetricBlock(block.times_s, telemetry.absent_to_stale(samples, gone), block.labels)
    promql = engine.Engine(telemetry.Metrics((block,)))
    for query in (
        "m_total",
        f"max_over_time(m_total[{window_s}s])",
        f"delta(m_total[{window_s}s])",
        f"quantile_over_time(0.3, m_total[{window_s}s])",
        f"count_over_time((m_total > 0)[{window_s}s:10s])",
        "m_total and m_total offset 30s",
        f"deriv(m_total[{window_s}s])",
    ):
        ranged = promql.range(query, START_S - 30, START_S + 400, 37)
        got = {
            (one.labels, t): v
            for one in ranged.series
            for t, v in zip(one.times_ms.tolist(), one.values.tolist(), strict=True)
        }
        single = {}
        for time_ms in range(round((START_S - 30) * 1000), round((START_S + 400) * 1000) + 1, 37_000):
            for one in promql.instant(query, time_ms / 1000).series:
                single[one.labels, time_ms] = float(one.values[0])
        assert got.keys() == single.keys()
        assert all(math.isclose(got[key], single[key], rel_tol=1e-9, abs_tol=1e-9) for key in got)


@quick
@hypothesis.given(
    rows=st.lists(st.lists(finite, min_size=20, max_size=20), min_size=1, max_size=3), now=st.integers(0, 300)
)
def test_what_happens_later_cannot_be_seen(rows: list[list[float]], now: int) -> None:
    """The answer is that of a world that ends now."""
    whole = metrics_of(rows)
    block = whole.blocks[0]
    here = block.times_s <= START_S + now
    past = telemetry.Metrics((telemetry.MetricBlock(block.times_s[here], block.values[:, here], block.labels),))
    for query in (
        "m_total",
        "rate(m_total[2m])",
        "max_over_time(m_total[1m:10s])",
        "timestamp(m_total)",
        "m_total @ end()",
    ):
        span = (START_S, START_S + 600, 30)
        hidden = values_of(engine.Engine(whole).range(query, *span, until_s=START_S + now))
        assert hidden == values_of(engine.Engine(past).range(query, *span))


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(
    text=st.text(alphabet="mp_total{}[]()\"=~!,.5 0-+*/%^ by(sum)rate@:#\\\n'`é", max_size=40) | st.text(max_size=30)
)
def test_any_text_is_answered_or_refused(text: str) -> None:
    promql = engine.Engine(metrics_of([[1.0, 2.0, 3.0]]))
    try:
        promql.instant(text, START_S + 30)
    except errors.EngineError:
        return


@pytest.mark.parametrize(
    "query",
    [
        "(" * 50_000 + "1" + ")" * 50_000,
        "-" * 50_000 + "m_total",
        "m_total + " * 50_000 + "1",
        "abs(" * 20_000 + "m_total" + ")" * 20_000,
        "m_total" + "[5m:1m]" * 10_000,
        "1 ^ " * 401 + "1",
        "m_total{a='" + "x" * 200_000 + "'}",
        "sum_over_time(m_total[1y:1ms])",
    ],
    ids=lambda query: query[:12],
)
def test_monsters_are_too_large(query: str) -> None:
    with pytest.raises((errors.QueryTooLarge, errors.QuerySyntaxError)):
        engine.Engine(metrics_of([[1.0, 2.0, 3.0]])).instant(query, START_S + 30)


def test_a_long_but_decent_query_is_answered() -> None:
    query = " + ".join(["m_total"] * 200)
    assert engine.Engine(metrics_of([[1.0]])).instant(query, START_S).series[0].values[0] == 200


def test_limits_are_named() -> None:
    promql = engine.Engine(metrics_of([[1.0] * 50] * 50), options.Options(limits=options.Limits(series=10)))
    with pytest.raises(errors.QueryTooLarge, match="50 series; the limit is 10"):
        promql.instant("m_total", START_S)
    promql = engine.Engine(
        metrics_of([[1.0] * 50] * 50), options.Options(limits=options.Limits(samples=1000, window_samples=1000))
    )
    for query in ("m_total", "rate(m_total[5m])"):
        with pytest.raises(errors.QueryTooLarge, match="too many samples"):
            promql.range(query, START_S, START_S + 600, 15)
    with pytest.raises(errors.QueryTooLarge, match="11,000 points"):
        promql.range("1", 0, 12_000, 1)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "((a*)*)*b", "(.*)*(.*)*(.*)*b"])
def test_patterns_that_hang_other_engines_do_not_hang_ours(pattern: str) -> None:
    texts = ["a" * 20_000]
    assert not patterns.matches(pattern, texts, options.Dialect.V3).any()
    assert patterns.expand(pattern, "$1", texts, options.Dialect.V3) == [None]


def test_dot_matches_a_newline_only_since_version_3() -> None:
    assert patterns.matches("a.b", ["a\nb"], options.Dialect.V3).tolist() == [True]
    assert patterns.matches("a.b", ["a\nb"], options.Dialect.V2).tolist() == [False]


def test_experimental_functions_need_leave() -> None:
    promql = engine.Engine(metrics_of([[1.0, 2.0]]), options.Options(experimental=False))
    for query in ("mad_over_time(m_total[5m])", "limitk(1, m_total)", 'sort_by_label(m_total, "pod")'):
        with pytest.raises(errors.QuerySyntaxError, match="enabled"):
            promql.instant(query, START_S)


def test_warnings_travel_with_the_result() -> None:
    promql = engine.Engine(metrics_of([[1.0, 2.0, 3.0]], name="temperature"))
    found = promql.instant("quantile(2, rate(temperature[5m]))", START_S + 30)
    assert any("might not be a counter" in note and "(1:18)" in note for note in found.notes)
    assert any("between 0 and 1, got 2" in note for note in found.notes)
    assert promql.instant("temperature", START_S).notes == ()


def test_a_series_split_over_blocks_is_one_series() -> None:
    labels = ({"__name__": "m", "a": "", "b": "x"},)
    first = telemetry.MetricBlock(np.array([0.0, 10.0]), np.array([[1.0, 2.0]]), labels)
    second = telemetry.MetricBlock(
        np.array([10.0, 20.0]), telemetry.absent_to_stale(np.array([[5.0, 0.0]]), np.array([[False, True]])), labels
    )
    promql = engine.Engine(telemetry.Metrics((first, second)))
    assert values_of(promql.range("m", 0, 20, 10)) == {(("__name__", "m"), ("b", "x")): [1.0, 5.0]}
    assert promql.instant("m[1m]", 20).series[0].values.tolist() == [1.0, 5.0]


def test_times_beyond_reckoning_are_refused() -> None:
    promql = engine.Engine(metrics_of([[1.0]]))
    for moment in (math.inf, -math.inf, math.nan, 1e300):
        with pytest.raises(errors.QueryExecutionError, match="out of range"):
            promql.instant("m_total", moment)
    with pytest.raises(errors.QuerySyntaxError, match="out of range"):
        promql.instant("m_total offset 300y", START_S)
    with pytest.raises(errors.QuerySyntaxError, match="range vector"):
        promql.range("m_total[5m]", START_S, START_S + 10, 1)
    with pytest.raises(errors.QueryExecutionError, match="zero or negative"):
        promql.range("m_total", START_S, START_S + 10, 0)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("sum(", "1:5: parse error: unclosed left parenthesis"),
        ("1 +\n  nope(up)", '2:3: parse error: unknown function with name "nope"'),
        (
            "abs(rate(up))",
            '1:10: parse error: expected type range vector in call to function "rate", got instant vector',
        ),
        ("abs(up, up)", '1:1: parse error: expected 1 argument(s) in call to "abs", got 2'),
        ("1 < 2", "1:3: parse error: comparisons between scalars must use BOOL modifier"),
        ("", "unknown position: parse error: no expression found in input"),
    ],
)
def test_syntax_errors_are_in_the_server_s_words(query: str, words: str) -> None:
    with pytest.raises(errors.QuerySyntaxError) as caught:
        engine.Engine(telemetry.Metrics()).parse(query)
    assert str(caught.value) == words


def test_histograms_that_had_to_be_mended_are_told_of() -> None:
    times_s = START_S + 15.0 * np.arange(3)
    labels = tuple({"__name__": "h_bucket", "le": le} for le in ("1", "2", "+Inf", "oops"))
    rows = np.array([[5.0], [3.0], [6.0], [1.0]]) * np.ones(3)
    promql = engine.Engine(telemetry.Metrics((telemetry.MetricBlock(times_s, rows, labels),)))
    notes = promql.instant("histogram_quantile(0.5, h_bucket)", START_S + 30).notes
    page = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile"
    assert set(notes) == {
        'PromQL warning: bucket label "le" is missing or has a malformed value of "oops" for metric name "h_bucket" (1:25)',
        f'PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see {page}) for metric name "h_bucket" (1:25)',
    }
