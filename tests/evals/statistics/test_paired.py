"""Paired comparison: exact p-values, no false alarms beyond what is promised, and no certainty from sameness."""

import itertools
import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import simulations

from rootward import _rng
from rootward.evals import statistics

unit = st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
versions = st.lists(st.tuples(unit, unit), min_size=1, max_size=10)


def compare(pairs: list[tuple[float, float]]) -> statistics.Paired:
    return statistics.paired([a for a, _ in pairs], [b for _, b in pairs], rng=_rng.stream(0, "flips"))


@hypothesis.given(versions)
def test_the_p_value_is_the_share_of_sign_patterns_as_extreme(pairs: list[tuple[float, float]]) -> None:
    differences = [b - a for a, b in pairs]
    patterns = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((-1, 1), repeat=len(pairs))
    ]
    exact = sum(each >= abs(sum(differences)) - 1e-9 for each in patterns) / len(patterns)
    assert compare(pairs).p == pytest.approx(exact)


@hypothesis.given(versions)
def test_swapping_the_versions_turns_the_sign_and_nothing_else(pairs: list[tuple[float, float]]) -> None:
    there, back = compare(pairs), compare([(b, a) for a, b in pairs])
    assert back.difference == pytest.approx(-there.difference)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert back.p == pytest.approx(there.p)


def test_one_run_each_is_mcnemar_exact() -> None:
    pairs = [(0.0, 1.0)] * 15 + [(1.0, 0.0)] * 4 + [(1.0, 1.0)] * 80
    tail = sum(math.comb(19, k) for k in range(5)) / 2**19
    assert compare(pairs).p == pytest.approx(2 * tail)


def test_many_scenarios_are_sampled_and_repeat_themselves() -> None:
    rng = np.random.default_rng(5)  # any values will do
    pairs = [(float(a), float(b)) for a, b in zip(rng.random(60), rng.random(60) + 0.05, strict=True)]
    first, second = compare(pairs), compare(pairs)
    assert first == second
    assert 1 / 10_000 <= first.p <= 1.0


def test_all_scenarios_alike_is_not_certainty() -> None:
    same = compare([(1.0, 1.0)] * 5)
    assert (same.difference, same.p) == (0.0, 1.0)
    assert same.high > 0.5
    assert same.low == -same.high
    many = compare([(1.0, 1.0)] * 400)
    assert many.high < 0.01


def test_one_scenario_says_next_to_nothing_and_none_nothing() -> None:
    one = compare([(0.0, 1.0)])
    assert one.p == 1.0
    assert one.low < 0.1
    assert math.isnan(one.detectable)
    assert str(statistics.paired([], [], rng=_rng.stream(0))) == "–"


def test_the_detectable_effect_is_found_four_times_in_five() -> None:
    rng = _rng.stream(2, "power")
    n, spread = 40, 0.3
    t, t_power = statistics.student_quantile(0.975, n - 1), statistics.student_quantile(0.8, n - 1)
    effect = (t + t_power) * spread / math.sqrt(n)
    found = [
        statistics.paired(np.zeros(n), rng.normal(effect, spread, n), rng=rng, bound=None).low > 0 for _ in range(300)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize(("scenarios", "repeats"), [(10, 5), (30, 3)])
def test_false_alarms_are_as_rare_as_promised(scenarios: int, repeats: int) -> None:
    simulated = 1200
    slack = 3 * math.sqrt(0.05 * 0.95 / simulated)
    for rate in simulations.coverage.false_alarms(scenarios, repeats, simulated, seed=11):
        assert rate <= 0.05 + slack


@hypothesis.given(versions)
def test_bounds_and_what_is_detectable_stay_within_what_a_rate_can_do(pairs: list[tuple[float, float]]) -> None:
    found = compare(pairs)
    assert -1.0 <= found.low <= found.difference <= found.high <= 1.0
    assert math.isnan(found.detectable) or 0.0 <= found.detectable <= 1.0
