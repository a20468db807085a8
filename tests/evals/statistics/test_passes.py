"""pass^k and pass@k: equal to counting all draws, undefined without enough runs, not flattering."""

import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from rootward import _rng
from rootward.evals import statistics

scenarios = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@hypothesis.given(scenarios, st.integers(1, 5))
def test_they_are_the_shares_of_all_draws_of_k_runs(hits: list[int], k: int) -> None:
    draws = [list(itertools.combinations([1] * h + [0] * (5 - h), k)) for h in hits]
    every = np.mean([np.mean([all(draw) for draw in each]) for each in draws])
    any_of = np.mean([np.mean([any(draw) for draw in each]) for each in draws])
    assert statistics.pass_hat(hits, [5] * len(hits), k).point == pytest.approx(every)
    assert statistics.pass_at(hits, [5] * len(hits), k).point == pytest.approx(any_of)


@hypothesis.given(scenarios)
def test_more_runs_make_reliability_harder_and_luck_easier(hits: list[int]) -> None:
    curve = statistics.pass_curve(hits, [5] * len(hits))
    assert [point.k for point in curve] == [1, 2, 3, 4, 5]
    for earlier, later in itertools.pairwise(curve):
        assert later.every.point <= earlier.every.point + 1e-12
        assert later.any.point >= earlier.any.point - 1e-12
    assert curve[0].every.high == pytest.approx(curve[0].any.high)


def test_too_few_runs_of_any_scenario_leave_it_undefined() -> None:
    assert str(statistics.pass_hat([3, 2], [3, 2], 3)) == "–"
    assert len(statistics.pass_curve([3, 2], [3, 2])) == 2
    assert statistics.pass_curve([], []) == ()


def test_the_plug_in_would_flatter() -> None:
    rng = _rng.stream(4, "pass")
    rates = rng.beta(2.0, 1.0, size=4000)
    hits = rng.binomial(5, rates)
    true = float(np.mean(rates**3))
    unbiased = statistics.pass_hat(hits.tolist(), [5] * len(hits), 3)
    assert unbiased.low <= true <= unbiased.high
    assert float(np.mean((hits / 5) ** 3)) > unbiased.high
