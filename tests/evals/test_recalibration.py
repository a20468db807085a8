"""Maps from stated confidence to probability: what each promises, on any input."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from rootward import _rng
from rootward.evals import recalibration

labelled = st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0.0, 1.0])), min_size=2, max_size=60)
GRID = np.linspace(0.0, 1.0, 41)


@hypothesis.given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 4)), min_size=1, max_size=25))
def test_pooling_is_the_projection_onto_increasing_sequences(pairs: list[tuple[float, float]]) -> None:
    values, weights = (np.array(each) for each in zip(*pairs, strict=True))
    fitted = recalibration.pool(values, weights)
    assert np.all(np.diff(fitted) >= -1e-9)
    assert np.dot(fitted, weights) == pytest.approx(np.dot(values, weights), abs=1e-6)
    # A projection: the residual is orthogonal to the fit, and makes no increasing direction better (cumulative sums stay >= 0).
    assert np.dot((values - fitted) * weights, fitted) == pytest.approx(0.0, abs=1e-6)
    assert np.all(np.cumsum((values - fitted) * weights) >= -1e-6)


@pytest.mark.parametrize("fit", [recalibration.platt, recalibration.beta, recalibration.isotonic])
@hypothesis.given(labelled)
@hypothesis.settings(max_examples=60)
def test_every_map_gives_probabilities(fit: object, pairs: list[tuple[float, float]]) -> None:
    confidence, right = (np.array(each) for each in zip(*pairs, strict=True))
    mapped = fit(confidence, right)(GRID)  # type: ignore[operator]
    assert np.all((mapped >= 0.0) & (mapped <= 1.0))


@hypothesis.given(labelled)
@hypothesis.settings(max_examples=60)
def test_venn_abers_bounds_are_in_order_and_around_their_one_probability(pairs: list[tuple[float, float]]) -> None:
    confidence, right = (np.array(each) for each in zip(*pairs, strict=True))
    low, high = recalibration.venn_abers(confidence, right, GRID)
    assert np.all(low <= high + 1e-12)
    fitted = recalibration.Fitted("", low, low, high)
    assert np.all((low - 1e-9 <= fitted.merged) & (fitted.merged <= high + 1e-9))


def test_venn_abers_covers_the_true_probability_on_average() -> None:
    # Its promise: one of the two is calibrated, so the mean outcome lies between the means of the bounds.
    rng = _rng.stream(2, "venn")
    inside = []
    for _ in range(60):
        x = rng.uniform(0, 1, 220)
        y = (rng.random(220) < x**2).astype(float)
        low, high = recalibration.venn_abers(x[:200], y[:200], x[200:])
        inside.append((low.mean() - 0.12, y[200:].mean(), high.mean() + 0.12))
    assert np.mean([low <= mean <= high for low, mean, high in inside]) > 0.8
    lows, means, highs = (np.mean(each) for each in zip(*inside, strict=True))
    assert lows + 0.12 <= means + 0.02
    assert means <= highs - 0.12 + 0.02


def test_with_hardly_any_labels_the_prior_keeps_confidence_as_it_is() -> None:
    few = recalibration.platt(np.array([0.9, 0.8]), np.array([1.0, 1.0]))
    assert float(few(np.array([0.5]))[0]) == pytest.approx(0.5, abs=0.15)


def test_maps_find_the_distortion_that_was_made() -> None:
    rng = _rng.stream(7, "distortion")
    stated = rng.uniform(0.02, 0.98, 6000)
    log_odds = np.log(stated / (1 - stated))
    true = 1 / (1 + np.exp(-(0.5 * log_odds - 0.4)))
    right = (rng.random(6000) < true).astype(float)
    for fit, slack in ((recalibration.platt, 0.02), (recalibration.beta, 0.025), (recalibration.isotonic, 0.06)):
        assert np.abs(fit(stated, right)(stated) - true).mean() < slack


def test_all_right_or_too_few_scenarios_fit_nothing() -> None:
    rng = _rng.stream(0)
    names = [f"s{i}" for i in range(30)]
    assert recalibration.cross_fit(np.full(30, 0.8), np.ones(30), names, rng=rng) is None
    assert recalibration.cross_fit(np.full(4, 0.8), np.array([0.0, 1.0, 0.0, 1.0]), names[:4], rng=rng) is None
