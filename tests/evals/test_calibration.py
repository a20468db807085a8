"""Calibration: the parts of the Brier score add up, honest confidence looks honest, and boasting is seen and mended."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from rootward import _rng
from rootward.evals import calibration, recalibration

answers = st.lists(
    st.builds(calibration.Stated, st.sampled_from("abcdefghijklmno"), st.floats(0, 1), st.booleans()),
    min_size=1,
    max_size=80,
)


def drawn(count: int, *, boast: float = 0.0, seed: int = 0, repeats: int = 1) -> list[calibration.Stated]:
    """Answers whose chance of being right is their confidence less `boast`."""
    rng = _rng.stream(seed, "stated", count)
    confidence = rng.uniform(0.3, 1.0, count)
    return [
        calibration.Stated(f"s{i // repeats}", float(c), bool(rng.random() < max(0.0, c - boast)))
        for i, c in enumerate(confidence)
    ]


def measure(stated: list[calibration.Stated]) -> calibration.Calibration:
    found = calibration.measure(stated, rng=_rng.stream(1))
    assert found is not None
    return found


def test_nothing_stated_is_nothing_measured() -> None:
    assert calibration.measure([], rng=_rng.stream(1)) is None


@hypothesis.given(answers)
@hypothesis.settings(max_examples=40)
def test_the_parts_add_up_and_bins_hold_everything(stated: list[calibration.Stated]) -> None:
    found = measure(stated)
    assert found.brier == pytest.approx(found.reliability - found.resolution + found.uncertainty + found.within)
    assert sum(each.right.count for each in found.bins) == len(stated)
    means = [each.confidence for each in found.bins]
    assert means == sorted(means)
    assert 0.0 <= found.error <= 1.0


def test_equal_confidences_stay_in_one_bin() -> None:
    found = measure([calibration.Stated(f"s{i}", 0.8, i % 2 == 0) for i in range(60)])
    assert len(found.bins) == 1


def test_honest_confidence_lies_within_its_bars() -> None:
    found = measure(drawn(600))
    inside = [each.right.low <= each.confidence <= each.right.high for each in found.bins]
    assert len(found.bins) == calibration.BINS
    assert sum(inside) >= 8
    assert found.error < 0.06


@pytest.mark.parametrize(("count", "method"), [(40, "Platt"), (80, "beta"), (400, "isotonic")])
def test_boasting_is_seen_and_recalibrating_would_mend_it(count: int, method: str) -> None:
    boasting, honest = measure(drawn(count, boast=0.3)), measure(drawn(count))
    assert boasting.method == method
    assert boasting.reliability > honest.reliability
    assert boasting.recalibrated is not None
    assert boasting.venn_abers is not None
    assert boasting.recalibrated < boasting.brier - 0.03
    assert boasting.venn_abers < boasting.brier - 0.03


def test_repeats_of_a_scenario_are_never_on_both_sides_of_a_fit() -> None:
    # Each scenario has its own outcome at its own confidence: a leak would let the fit know the answers.
    rng = _rng.stream(3)
    scenarios = [f"s{i}" for i in range(60) for _ in range(5)]
    confidence = np.repeat(rng.uniform(0, 1, 60), 5)
    right = np.repeat((rng.random(60) < 0.5).astype(float), 5)
    fitted = recalibration.cross_fit(confidence, right, scenarios, rng=rng)
    assert fitted is not None
    assert float(np.mean((fitted.point - right) ** 2)) > 0.2


def test_few_labels_make_wide_intervals() -> None:
    few, many = measure(drawn(40)), measure(drawn(1200))
    assert few.band is not None
    assert many.band is not None
    assert many.band < few.band / 2
