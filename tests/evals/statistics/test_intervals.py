"""Intervals: honest bounds, repeats that do not count as scenarios, and the coverage that the reference measured."""

import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import simulations

from rootward import _rng
from rootward.evals import statistics
from rootward.evals.statistics import intervals

SIMULATIONS = 1200


@hypothesis.given(st.integers(1, 300), st.data())
def test_the_interval_holds_the_rate_and_stays_in_bounds(count: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, count))
    rate = statistics.rate(hits, count)
    assert 0.0 <= rate.low <= rate.point <= rate.high <= 1.0
    assert rate.low < rate.high, "so few cases never settle a rate"


def test_nothing_counted_is_said_as_such() -> None:
    for nothing in (statistics.rate(0, 0), statistics.clustered([], [])):
        assert math.isnan(nothing.point)
        assert str(nothing) == "–"
        assert nothing.to_json()["point"] is None


def test_a_rate_is_said_with_its_band_and_its_counts() -> None:
    assert str(statistics.rate(18, 20)) == "0.90 [0.68–0.97] (18/20)"
    assert str(statistics.clustered([5] * 18 + [0] * 2, [5] * 20)) == "0.90 [0.68–0.97] (90/100 in 20)"


runs_of_scenarios = st.lists(st.integers(1, 6), min_size=1, max_size=40).flatmap(
    lambda runs: st.tuples(st.tuples(*(st.integers(0, r) for r in runs)), st.just(tuple(runs)))
)


@hypothesis.given(runs_of_scenarios)
def test_repeats_never_tell_less_than_one_run_each_nor_more_than_that_many_scenarios(
    sample: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    hits, runs = sample
    found = statistics.clustered(hits, runs)
    assert 0.0 <= found.low <= found.point <= found.high <= 1.0
    widest = intervals.wilson(found.point, len(runs), len(runs))
    narrowest = intervals.wilson(found.point, sum(runs), len(runs))
    assert narrowest[1] - narrowest[0] - 1e-9 <= found.high - found.low <= widest[1] - widest[0] + 1e-9


@hypothesis.given(st.lists(st.integers(0, 1), min_size=1, max_size=60))
def test_with_one_run_each_it_is_the_plain_interval(outcomes: list[int]) -> None:
    assert statistics.clustered(outcomes, [1] * len(outcomes)) == statistics.rate(sum(outcomes), len(outcomes))


@hypothesis.given(st.lists(st.integers(0, 5), min_size=2, max_size=40))
def test_shares_agree_with_counts_of_the_same_scenarios(hits: list[int]) -> None:
    counted = statistics.clustered(hits, [5] * len(hits))
    shared = intervals.shares([h / 5 for h in hits], most=5)
    assert (shared.low, shared.high) == pytest.approx((counted.low, counted.high), abs=1e-9)


@pytest.mark.parametrize("setting", list(simulations.coverage.PUBLISHED), ids=str)
def test_coverage_is_what_the_reference_measured(setting: simulations.coverage.Setting) -> None:
    published = simulations.coverage.PUBLISHED[setting] / 100
    covered, _ = simulations.coverage.coverage(setting, simulations.coverage.chosen, SIMULATIONS, seed=7)
    error = math.sqrt(published * (1 - published) * (1 / SIMULATIONS + 1 / 4000))
    assert covered == pytest.approx(published, abs=3.5 * error)
    assert covered > 0.92


def test_the_common_intervals_fail_where_ours_holds() -> None:
    setting = next(each for each in simulations.coverage.PUBLISHED if (each.scenarios, each.p) == (20, 0.97))
    pooled, _ = simulations.coverage.coverage(setting, simulations.coverage.wald, 400, seed=7)
    assert pooled < 0.7


@pytest.mark.parametrize(("count", "share"), [(30, 0.5), (200, 0.95)])
def test_the_bounds_of_a_quantile_cover_it_whatever_the_distribution(count: int, share: float) -> None:
    draws = _rng.stream(3, "quantile", count).pareto(1.5, size=(500, count))
    true = (1 - share) ** (-1 / 1.5) - 1
    found = [statistics.quantile(list(values), share) for values in draws]
    covered = np.mean([each.low <= true <= each.high for each in found])
    assert covered >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 500)


@hypothesis.given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_a_quantile_lies_between_its_bounds_and_is_one_of_the_values(values: list[float], share: float) -> None:
    found = statistics.quantile(values, share)
    assert found.low <= found.point <= found.high
    assert found.point in values


def test_no_values_have_no_quantile() -> None:
    assert statistics.quantile([], 0.5).to_json() == {"count": 0, "point": None, "low": None, "high": None}
