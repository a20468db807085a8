"""Saturation: the estimators by hand and against simulated populations; each verdict from runs that deserve it."""

import collections
import itertools
import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from simulations import coverage

from rootward import _rng
from rootward.evals import saturation

counts = st.dictionaries(st.text(max_size=4), st.integers(1, 12), min_size=1, max_size=15)


def test_estimators_by_hand() -> None:
    # 10 failures: modes seen 4, 2, 2, 1, 1 times.
    found = saturation.discovery({"a": 4, "b": 2, "c": 2, "d": 1, "e": 1})
    assert (found.failures, found.modes, found.once, found.twice) == (10, 5, 2, 2)
    assert found.unseen == pytest.approx(0.2)
    assert found.unseen_high == pytest.approx(0.2 + 1.645 * math.sqrt(2 * 0.8 + 4) / 10)
    assert found.coverage == pytest.approx(1 - 0.2 * (9 * 2 / (9 * 2 + 4)))
    assert found.richness == pytest.approx(5 + 4 / 4 * 0.9)


def test_when_no_mode_was_seen_once_the_rule_of_three_holds() -> None:
    found = saturation.discovery({"a": 30, "b": 30})
    assert (found.unseen, found.coverage, found.richness) == (0.0, 1.0, 2.0)
    assert found.unseen_high == pytest.approx(3 / 60)


def test_before_the_first_failure_the_next_one_is_new() -> None:
    assert saturation.discovery({}).unseen_high == 1.0


@hypothesis.given(counts)
def test_the_curve_rises_through_what_was_seen(seen: dict[str, int]) -> None:
    found = saturation.discovery(seen)
    xs, ys = zip(*found.curve, strict=True)
    assert list(xs) == sorted(xs)
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(ys))
    assert dict(found.curve)[float(found.failures)] == pytest.approx(found.modes)
    assert found.modes - 1e-9 <= ys[-1] <= found.richness + 1e-9
    assert 0.0 <= found.unseen <= found.unseen_high <= 1.0


@hypothesis.given(st.lists(st.integers(0, 4), min_size=2, max_size=7))
def test_the_curve_is_the_mean_over_all_smaller_samples(catches: list[int]) -> None:
    found = saturation.discovery(collections.Counter(map(str, catches)))
    rng = _rng.stream(0, "rarefaction")
    for size, expected in [point for point in found.curve if 0 < point[0] <= len(catches)][:3]:
        drawn = [len({catches[i] for i in rng.permutation(len(catches))[: int(size)]}) for _ in range(60)]
        assert expected == pytest.approx(float(np.mean(drawn)), abs=5 * float(np.std(drawn)) / math.sqrt(60) + 0.35)


@pytest.mark.parametrize(("failures", "modes"), [(30, 15), (100, 50), (300, 200)])
def test_the_bound_of_the_unseen_holds_nine_times_in_ten(failures: int, modes: int) -> None:
    held, _ = coverage.unseen(failures, modes, 400, seed=5)
    assert held >= 0.90 - 3 * math.sqrt(0.09 / 400)


def test_chao_is_a_lower_bound() -> None:
    rng = _rng.stream(6, "chao")
    found = []
    for _ in range(60):
        caught = rng.choice(200, size=100, p=rng.dirichlet(np.full(200, 0.5)))
        found.append(saturation.discovery(collections.Counter(map(str, caught))).richness)
    assert 60 < np.mean(found) < 180, "of 200 modes"


def outcomes(hits: list[float], modes: list[str], *, apart: list[bool | None]) -> list[saturation.Outcome]:
    return [
        saturation.Outcome(f"s{i:03d}", h, 1, frozenset({m} if m else ()), a)
        for i, (h, m, a) in enumerate(zip(hits, modes, apart, strict=True))
    ]


def judged(found: list[saturation.Outcome], flips: float | None = None) -> saturation.Saturation:
    return saturation.judge(found, rng=_rng.stream(1), flips=flips)


def test_a_suite_that_still_finds_new_modes_goes_on() -> None:
    found = judged(outcomes([0.0] * 30 + [1.0] * 70, [f"m{i}" for i in range(30)] + [""] * 70, apart=[None] * 100))
    assert (found.verdict, found.used_up) == (saturation.KEEP_ADDING, False)
    assert "new mode" in found.reasons[0]


def test_a_suite_that_everything_passes_wants_harder_noise() -> None:
    found = judged(outcomes([1.0] * 150, [""] * 150, apart=[False] * 150))
    assert (found.verdict, found.used_up) == (saturation.HARDER_NOISE, True)


def test_a_suite_that_is_passed_to_the_noise_of_its_labels_is_done() -> None:
    found = judged(outcomes([1.0] * 400, [""] * 400, apart=[False] * 400))
    assert found.verdict == saturation.STOP
    assert "labels" in found.reasons[0]


def test_a_suite_whose_failures_are_all_known_wants_new_families() -> None:
    found = judged(outcomes([0.0] * 150 + [1.0] * 150, ["a", "b"] * 75 + [""] * 150, apart=[False] * 300))
    assert (found.verdict, found.used_up) == (saturation.NEW_FAMILIES, True)


def test_a_suite_that_tells_versions_apart_is_not_used_up() -> None:
    found = judged(outcomes([1.0] * 150, [""] * 150, apart=[True] * 40 + [False] * 110))
    assert found.verdict == saturation.KEEP_ADDING
    assert judged(outcomes([1.0] * 150, [""] * 150, apart=[False] * 150), flips=0.3).verdict == saturation.KEEP_ADDING


@hypothesis.given(st.lists(st.tuples(st.integers(0, 3), st.just(3)), min_size=1, max_size=30))
def test_one_more_scenario_is_worth_less_where_there_are_many(segment: list[tuple[int, int]]) -> None:
    hits, runs = [h for h, _ in segment], [r for _, r in segment]
    small = saturation.worth("x=y", hits, runs, 0.5)
    large = saturation.worth("x=y", hits * 20, runs * 20, 0.5)
    assert 0 < large.narrower < small.narrower
    assert small.worth == pytest.approx(small.narrower * 0.5)
