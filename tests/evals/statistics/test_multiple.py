"""Adjusted p-values: worked examples of the literature, and what must hold for any."""

import itertools

import hypothesis
import hypothesis.strategies as st
import pytest

from rootward.evals import statistics

p_values = st.lists(st.floats(0.0, 1.0), max_size=30)


def test_holm_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_by_hand() -> None:
    # The fifteen p-values of Benjamini & Hochberg 1995, §3.2: at 5% the procedure rejects four, Bonferroni three.
    values = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert sum(p <= 0.05 for p in statistics.benjamini_hochberg(values)) == 4
    assert sum(p <= 0.05 for p in statistics.holm(values)) == 3


@hypothesis.given(p_values)
def test_adjusting_never_makes_more_of_a_p_value_and_keeps_their_order(values: list[float]) -> None:
    for adjusted in (statistics.holm(values), statistics.benjamini_hochberg(values)):
        assert all(p <= q + 1e-12 and q <= 1.0 for p, q in zip(values, adjusted, strict=True))
        order = sorted(range(len(values)), key=lambda i: values[i])
        assert all(adjusted[a] <= adjusted[b] for a, b in itertools.pairwise(order))


@hypothesis.given(p_values)
def test_controlling_the_share_is_never_stricter_than_controlling_any(values: list[float]) -> None:
    pairs = zip(statistics.benjamini_hochberg(values), statistics.holm(values), strict=True)
    assert all(share <= every + 1e-12 for share, every in pairs)
