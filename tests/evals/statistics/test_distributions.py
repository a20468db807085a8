"""Distribution functions against tables of the literature and against identities."""

import math

import hypothesis
import hypothesis.strategies as st
import pytest

from rootward.evals.statistics import distributions


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [  # Student's t, as in any table (Abramowitz & Stegun 26.10)
        (0.975, 1, 12.7062),
        (0.975, 2, 4.3027),
        (0.975, 3, 3.1824),
        (0.975, 9, 2.2622),
        (0.975, 30, 2.0423),
        (0.975, 120, 1.9799),
        (0.95, 5, 2.0150),
        (0.8, 10, 0.8791),
        (0.995, 20, 2.8453),
    ],
)
def test_student_quantiles_are_the_tabled_ones(probability: float, freedom: int, expected: float) -> None:
    assert distributions.student_quantile(probability, freedom) == pytest.approx(expected, abs=1e-4)


@hypothesis.given(st.floats(0.001, 0.999), st.integers(1, 2000))
def test_quantile_and_distribution_are_inverse(probability: float, freedom: int) -> None:
    t = distributions.student_quantile(probability, freedom)
    assert distributions.student_cdf(t, freedom) == pytest.approx(probability, abs=1e-9)


@hypothesis.given(st.integers(1, 60), st.integers(0, 60), st.floats(0.01, 0.99))
def test_the_binomial_tail_is_the_sum_of_its_terms(count: int, hits: int, p: float) -> None:
    terms = sum(math.comb(count, k) * p**k * (1 - p) ** (count - k) for k in range(min(hits, count) + 1))
    assert distributions.binomial_cdf(hits, count, p) == pytest.approx(terms, abs=1e-10)


@hypothesis.given(st.floats(1e-3, 1 - 1e-3), st.floats(0.2, 300.0), st.floats(0.2, 300.0))
def test_the_incomplete_beta_function_mirrors_itself(x: float, a: float, b: float) -> None:
    value = distributions.beta_cdf(x, a, b)
    assert -1e-12 <= value <= 1 + 1e-12
    assert value + distributions.beta_cdf(1 - x, b, a) == pytest.approx(1.0, abs=1e-9)


def test_the_incomplete_beta_function_knows_its_closed_forms() -> None:
    assert distributions.beta_cdf(0.3, 1.0, 1.0) == pytest.approx(0.3)
    assert distributions.beta_cdf(0.3, 2.0, 1.0) == pytest.approx(0.09)
    assert distributions.beta_cdf(0.25, 0.5, 0.5) == pytest.approx(1 / 3)  # the arcsine law
    assert distributions.log_beta(3.0, 4.0) == pytest.approx(math.log(1 / 60))
