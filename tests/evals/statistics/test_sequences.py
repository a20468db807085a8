"""Confidence sequences: right at every look at once, where a plain interval is not; and they do close in."""

import math

import hypothesis
import hypothesis.strategies as st
import pytest
import simulations

from rootward import _rng
from rootward.evals import statistics


@pytest.mark.parametrize("p", [0.5, 0.9])
def test_looking_after_every_scenario_stays_within_five_percent(p: float) -> None:
    simulated, looks = 250, 80
    wrong = simulations.coverage.ever_wrong(p, looks, simulated, seed=13)
    slack = 3 * math.sqrt(0.05 * 0.95 / simulated)
    assert wrong["Robbins' mixture"] <= 0.05 + slack
    assert wrong["betting"] <= 0.05 + slack
    assert wrong["plain interval"] > 0.12, "the reason for sequences"


@hypothesis.given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_bounds_of_a_rate_only_close_in(outcomes: list[bool]) -> None:
    before = (0.0, 1.0)
    for low, high in statistics.bernoulli_sequence(outcomes):
        assert before[0] <= low
        assert high <= before[1]
        before = (low, high)


@hypothesis.given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=30))
def test_bounds_of_a_difference_only_close_in_and_stay_within_one(values: list[float]) -> None:
    before = (-1.0, 1.0)
    for low, high in statistics.betting_sequence(values):
        assert -1.0 <= low <= high <= 1.0
        assert before[0] <= low + 2e-3
        assert high <= before[1] + 2e-3
        before = (low, high)


def test_a_clear_difference_is_clear_long_before_the_end() -> None:
    rng = _rng.stream(6, "clear")
    bounds = statistics.betting_sequence((rng.random(200) < 0.9).astype(float) - (rng.random(200) < 0.5))
    stopped = next(n for n, (low, _) in enumerate(bounds, start=1) if low > 0)
    assert stopped < 80
    assert bounds[-1][0] < 0.4 < bounds[-1][1]


def test_a_rate_narrows_to_where_it_is() -> None:
    outcomes = _rng.stream(8, "narrow").random(400) < 0.8
    low, high = statistics.bernoulli_sequence(outcomes.tolist())[-1]
    assert low < 0.8 < high
    assert high - low < 0.16
