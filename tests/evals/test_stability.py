"""Stability: equivalence is claimed only when shown, flips are measured against noise, and the variance adds up."""

import dataclasses

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import synthetic
from simulations import coverage

from rootward import _rng
from rootward.evals import stability


def measured(run: synthetic.records.Run) -> stability.Stability:
    found = stability.measure(run, rng=_rng.stream(0, "stability"))
    assert found is not None
    return found


def test_without_variants_there_is_nothing_to_say() -> None:
    assert stability.measure(synthetic.run(), rng=_rng.stream(0)) is None


def test_a_perturbation_that_hurts_is_degraded_and_named_first() -> None:
    found = measured(synthetic.run(scenarios=120, rate=0.9, perturbations={"rename": 0.0, "drop_logs": 0.4}))
    worst, other = found.variants
    assert (worst.perturbation, worst.label) == ("drop_logs", stability.DEGRADED)
    assert worst.change.high < 0
    assert worst.worst
    assert other.change.difference > worst.change.difference


def test_answers_that_never_change_are_stable_only_with_enough_scenarios() -> None:
    assert stability.label([0.0] * 400)[0] == stability.STABLE
    verdict, low, high, needed = stability.label([0.0] * 20)
    assert verdict == stability.UNDECIDED
    assert (low, high) != (0.0, 0.0)
    assert needed is not None
    assert stability.label([0.0] * (20 + needed))[0] == stability.STABLE


@hypothesis.given(st.lists(st.sampled_from([-1.0, 0.0, 0.0, 0.0, 0.0, 0.5]), min_size=2, max_size=60))
def test_what_is_needed_decides_if_the_rest_looks_alike(differences: list[float]) -> None:
    verdict, _, _, needed = stability.label(differences)
    if verdict != stability.UNDECIDED or needed is None or needed > 20_000:
        return
    wanted = len(differences) + needed
    more = np.resize(np.array(differences), -(-wanted // len(differences)) * len(differences))
    assert stability.label(more)[0] != stability.UNDECIDED


def test_equivalence_is_rarely_claimed_of_what_differs_by_the_margin() -> None:
    claimed = coverage.called_stable(80, stability.MARGIN, 600, seed=4)
    assert claimed <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    assert coverage.called_stable(200, 0.0, 200, seed=4) > 0.85


def test_the_floor_is_what_noise_alone_flips() -> None:
    noisy = measured(synthetic.run(scenarios=80, repeats=4, rate=0.6, perturbations={"rename": 0.0}))
    assert noisy.floor.count == 80
    assert noisy.floor.point > 0.1
    assert abs(noisy.variants[0].flips.point - noisy.floor.point) < 0.2
    once = measured(synthetic.run(perturbations={"rename": 0.0}))
    assert once.floor.count == 0, "one run each says nothing about noise"


def test_evidence_that_stays_the_same_overlaps_fully() -> None:
    run = synthetic.run(perturbations={"rename": 0.0})
    same = dataclasses.replace(run, rows=tuple(dataclasses.replace(row, evidence=("a", "b")) for row in run.rows))
    assert measured(same).variants[0].evidence.point == pytest.approx(1.0)
    half = tuple(dataclasses.replace(row, evidence=("a", "b") if row.perturbation else ("a", "c")) for row in run.rows)
    assert measured(dataclasses.replace(run, rows=half)).variants[0].evidence.point == pytest.approx(1 / 3)


def test_the_variance_is_found_where_it_was_put() -> None:
    rng = _rng.stream(9, "variance")
    rows = []
    for scenario in range(400):
        own = rng.normal(0.0, 0.3)
        for perturbation in ("", "a", "b"):
            cell = rng.normal(0.0, 0.2)
            rows += [
                synthetic.records.Row(
                    f"s{scenario}", {"right": own + cell + rng.normal(0.0, 0.1)}, repeat=r, perturbation=perturbation
                )
                for r in range(3)
            ]
    found = measured(dataclasses.replace(synthetic.run(), rows=tuple(rows))).variance
    assert found is not None
    assert found.scenario == pytest.approx(0.09, rel=0.2)
    assert found.perturbation == pytest.approx(0.04, rel=0.2)
    assert found.run == pytest.approx(0.01, rel=0.1)
    assert found.perturbation_share == pytest.approx(0.04 / 0.14, rel=0.25)


def test_what_noise_costs_is_no_question_of_stability() -> None:
    found = measured(synthetic.run(scenarios=200, rate=0.6, perturbations={"clean": -0.3, "rename": 0.0}))
    assert [variant.perturbation for variant in found.variants] == ["rename"]
    assert found.clean is not None
    assert found.clean.low > 0
    only = measured(synthetic.run(perturbations={"clean": -0.3}))
    assert (only.variants, only.variance) == ((), None)
