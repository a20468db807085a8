"""Intervals: known quantiles, honest bounds, coverage near what they promise."""

import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from rootward import _rng
from rootward.evals import statistics


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.706), (2, 4.303), (3, 3.182), (9, 2.262), (30, 2.042), (119, 1.980)]
)
def test_student_quantiles_are_the_tabled_ones(freedom: int, expected: float) -> None:
    assert statistics.student_quantile(0.975, freedom) == pytest.approx(expected, abs=2e-3)


@hypothesis.given(st.integers(1, 300), st.data())
def test_the_interval_holds_the_rate_and_stays_in_bounds(count: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, count))
    rate = statistics.rate(hits, count)
    assert 0.0 <= rate.low <= rate.point <= rate.high <= 1.0


def test_nothing_counted_is_said_as_such() -> None:
    rate = statistics.rate(0, 0)
    assert math.isnan(rate.point)
    assert str(rate) == "–"
    assert rate.to_json()["point"] is None


@pytest.mark.parametrize(("count", "p"), [(10, 0.9), (20, 0.5), (50, 0.97), (100, 0.8)])
def test_the_interval_covers_at_least_nine_times_in_ten(count: int, p: float) -> None:
    draws = _rng.stream(1, "coverage", count).binomial(count, p, size=2000)
    covered = np.mean([(r := statistics.rate(int(k), count)).low <= p <= r.high for k in draws])
    assert covered >= 0.92
