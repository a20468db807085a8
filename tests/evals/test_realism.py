"""The realism report: a classifier that finds what is there and nothing that is not, and features that mean what they are called."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward import _rng, errors
from rootward.apps import realism
from rootward.dojo import world
from rootward.dojo.capsule import store
from rootward.evals.realism import classifier, compare, lines, numbers, samples, traces


def drawn(seed: int, *, shift: float = 0.0, twist: float = 0.0, groups: int = 20) -> samples.Samples:
    rng = _rng.stream(seed, "drawn")
    rows = rng.standard_normal((groups * 12, 4)) + shift
    rows[:, 1] += twist * (rows[:, 0] ** 2 - 1)
    return samples.Samples(rows, tuple(f"g{k % groups}" for k in range(len(rows))))


@pytest.mark.parametrize("seed", range(4))
def test_what_is_alike_cannot_be_told_apart(seed: int) -> None:
    found = classifier.separation(drawn(seed), drawn(seed + 100), _rng.stream(seed, "tell"))
    assert found is not None
    assert found.low <= 0.5 + 0.06
    assert found.auc < 0.62


def test_a_shift_and_a_twist_are_found() -> None:
    shifted = classifier.separation(drawn(1), drawn(2, shift=1.0), _rng.stream(0, "tell"))
    twisted = classifier.separation(drawn(1), drawn(2, twist=1.5), _rng.stream(0, "tell"))
    assert shifted is not None
    assert twisted is not None
    assert shifted.auc > 0.85
    assert shifted.low > 0.75
    assert twisted.auc > 0.65, "means are equal: only the products tell"


def test_groups_that_are_all_alike_inside_give_no_false_confidence() -> None:
    """Each group has an offset of its own: rows of a group must not stand on both sides of a fold."""
    rng = _rng.stream(3, "offsets")

    def side(name: str) -> samples.Samples:
        offsets = rng.standard_normal((12, 6)) * 3
        rows = np.repeat(offsets, 30, axis=0) + 0.1 * rng.standard_normal((360, 6))
        return samples.Samples(rows, tuple(f"{name}{k // 30}" for k in range(360)))

    found = classifier.separation(side("a"), side("b"), _rng.stream(3, "tell"))
    assert found is not None
    assert found.low < 0.6
    assert found.high - found.low > 0.2


def test_too_few_groups_are_not_judged() -> None:
    assert classifier.separation(drawn(1, groups=3), drawn(2), _rng.stream(0, "tell")) is None


def test_what_all_systems_share_is_carried_over_to_one_not_seen_and_what_one_has_is_not() -> None:
    rng = _rng.stream(0, "tell")
    shared = classifier.carried_over((drawn(1), drawn(2, shift=1.0)), (drawn(3), drawn(4, shift=1.0)), rng)
    own = classifier.carried_over((drawn(1), drawn(2, shift=1.0)), (drawn(3, shift=1.0), drawn(4)), rng)
    assert shared is not None
    assert own is not None
    assert shared.auc > 0.85
    assert own.auc < 0.2
    assert classifier.carried_over((drawn(1, groups=2), drawn(2)), (drawn(3), drawn(4)), rng) is None


def test_the_colour_of_noise_is_its_slope() -> None:
    at = numbers.FEATURES.index("colour of noise")
    white, brown = [], []
    for seed in range(40):
        steps = _rng.stream(seed, "noise").standard_normal(numbers.POINTS)
        for found, series in ((white, 100 + steps), (brown, 100 + np.cumsum(steps))):
            row = numbers.features(series)
            assert row is not None
            found.append(row[at])
    assert abs(np.mean(white)) < 0.25
    assert np.mean(brown) < -1.2


def test_what_never_moves_or_has_gaps_makes_no_row() -> None:
    assert numbers.features(np.full(numbers.POINTS, 3.0)) is None
    gappy = np.arange(1.0, numbers.POINTS + 1)
    gappy[4] = np.nan
    assert numbers.features(gappy) is None


@given(
    values=st.lists(st.floats(0.1, 1e9), min_size=numbers.POINTS, max_size=numbers.POINTS), factor=st.floats(1e-3, 1e6)
)
def test_features_have_no_unit(values: list[float], factor: float) -> None:
    window = np.array(values)
    one, other = numbers.features(window), numbers.features(window * factor)
    if one is not None and other is not None:
        assert np.allclose(one, other, rtol=1e-3, atol=1e-3)


def test_a_world_is_compared_with_itself(tmp_path) -> None:
    """Two times in the same two systems (others are instrumented differently): nothing to tell, and every signal has rows."""
    built = [world.build("web-shop", "third_party_slow", k % 2, hours=2.5 + k // 2) for k in range(4)]
    found = [
        compare.Source("left" if k < 2 else "right", str(k), scenario.telemetry, truth.causes[0].onset_s - 120)
        for k, (scenario, truth) in enumerate(built)
    ]
    against, among = compare.compare(found[:2], found[2:])
    assert among == []
    told = {one.signal: one.separation.auc for one in against}
    assert {"cpu", "memory", "latency", "logs", "traces"} <= set(told)
    assert np.median(list(told.values())) < 0.75, told
    assert max(told.values()) < 0.92, told
    for one in against:
        assert [f.distance for f in one.telling] == sorted((f.distance for f in one.features), reverse=True)


def test_a_folder_without_capsules_is_told(tmp_path) -> None:
    with pytest.raises(errors.InputError, match="no capsules"):
        realism.run(tmp_path, 1)


def test_the_report_reads_capsules_by_system(tmp_path) -> None:
    scenario, truth = world.build("payments", "third_party_slow", 3, hours=2)
    store.save(tmp_path / "shop" / "one", scenario, truth)
    report = realism.run(tmp_path, 1)
    assert {one.left for one in report.against} == {"shop"}
    assert report.to_json()["against"][0]["separation"]["auc"] <= 1.0


def test_signals_name_as_many_features_as_they_give() -> None:
    scenario, _ = world.build("web-shop", "third_party_slow", 1, hours=1.5)
    telemetry = scenario.telemetry
    for signal in (lines, traces):
        rows = signal.samples(telemetry, telemetry.end_s, "w").rows
        assert rows.shape[1] == len(signal.FEATURES)
        assert len(rows) > 10
