"""Change detection: what counts as a shift, what does not, and when it began."""

import dataclasses

import causal_cases as small
import numpy as np
import pytest
from causal_cases import Role

from rootward.investigator.causal import homes, onset, shifts


def measured(*signals: object, onset_s: float = small.ONSET_S) -> list[shifts.Shift]:
    subject = small.case(signals)  # type: ignore[arg-type]
    return shifts.measure(subject, homes.fold(subject), onset_s)


def test_a_step_is_far_from_its_own_past_and_noise_is_not() -> None:
    step, still = measured(
        small.signal(small.service("orders"), Role.DURATION_MEAN, 0.05, 0.4),
        small.signal(small.service("search"), Role.DURATION_MEAN, 0.05),
    )
    assert step.z > 10
    assert abs(still.z) < 3
    assert step.before == pytest.approx(0.05, rel=0.05)
    assert step.after == pytest.approx(0.4, rel=0.05)


def test_availability_is_turned_so_that_more_is_worse_and_percent_become_shares() -> None:
    (shift,) = measured(small.signal(small.service("orders"), Role.AVAILABILITY, 100.0, 90.0, noise=0.0))
    assert shift.z > 3
    assert shift.after == pytest.approx(0.1)


def test_a_signal_that_often_jumps_needs_a_larger_jump() -> None:
    jumpy = small.signal(small.service("orders"), Role.DURATION_MEAN, 0.05, 0.1)
    values = jumpy.values.copy()
    for start in range(10, values.size - 40, 60):
        values[start : start + 12] = 0.1
    jumpy = dataclasses.replace(jumpy, values=values)
    calm = small.signal(small.service("search"), Role.DURATION_MEAN, 0.05, 0.1)
    own, other = measured(jumpy, calm)
    assert own.z < other.z / 2


def test_peers_set_a_floor_under_counters_without_variance() -> None:
    """A service that never used CPU and now uses a little is no news beside others that use much."""
    idle = small.signal(small.service("idle"), Role.CPU_USAGE, 0.001, 0.004, noise=0.0)
    busy = [small.signal(small.service(f"busy{i}"), Role.CPU_USAGE, 1.0) for i in range(4)]
    assert measured(idle, *busy)[0].z < 1


def test_a_regime_that_changed_long_ago_is_not_a_shift_now() -> None:
    moved_long_ago = small.signal(
        small.service("orders"), Role.DURATION_MEAN, 0.05, 0.4, onset_s=small.ONSET_S - 1800.0
    )
    assert abs(measured(moved_long_ago)[0].z) < 3


def test_a_season_that_climbs_all_day_is_not_a_shift() -> None:
    climbing = small.signal(small.service("orders"), Role.RATE, 100.0)
    climbing = dataclasses.replace(climbing, values=np.linspace(50.0, 150.0, climbing.values.size))
    assert abs(measured(climbing)[0].z) < 3


def test_gaps_and_few_samples_are_no_evidence() -> None:
    gappy = small.signal(small.service("orders"), Role.DURATION_MEAN, 0.05, 0.4)
    values = gappy.values.copy()
    values[::3] = np.nan
    assert measured(dataclasses.replace(gappy, values=values))[0].z > 10
    assert measured(dataclasses.replace(gappy, values=np.full(values.size, np.nan))) == []
    short = dataclasses.replace(gappy, times_s=gappy.times_s[-22:-17], values=gappy.values[-22:-17])
    assert measured(short) == [] or abs(measured(short)[0].z) >= 0


@pytest.mark.parametrize("step_s", [5.0, 15.0, 60.0, 300.0])
def test_the_onset_is_found_at_any_sampling(step_s: float) -> None:
    subject = small.case(
        [
            small.signal(small.service("orders"), Role.DURATION_MEAN, 0.05, 0.5, step_s=step_s),
            small.signal(small.service("frontend"), Role.DURATION_MEAN, 0.2, 0.7, step_s=step_s),
            small.signal(small.service("search"), Role.DURATION_MEAN, 0.03, step_s=step_s),
        ]
    )
    assert onset.estimate(subject) == pytest.approx(small.ONSET_S, abs=max(step_s, 60.0))


@pytest.mark.parametrize("error_s", [-60.0, 60.0])
def test_the_onset_does_not_hang_on_the_alerts_clock(error_s: float) -> None:
    subject = small.case([small.signal(small.service("orders"), Role.DURATION_MEAN, 0.05, 0.5)])
    alert = dataclasses.replace(subject.alert, starts_at_s=subject.alert.starts_at_s + error_s)
    assert onset.estimate(dataclasses.replace(subject, alert=alert)) == pytest.approx(small.ONSET_S, abs=60.0)


def test_a_baseline_from_another_day_serves() -> None:
    """Normal was recorded days ago, and the trouble's own samples begin with the trouble."""
    signal = small.signal(small.service("orders"), Role.CPU_USAGE, 0.5, 2.0)
    keep = signal.times_s < small.ONSET_S - 1800.0
    times = np.concatenate([signal.times_s[keep] - 2 * 86_400.0, signal.times_s[signal.times_s >= small.ONSET_S]])
    values = np.concatenate([signal.values[keep], signal.values[signal.times_s >= small.ONSET_S]])
    subject = small.case([dataclasses.replace(signal, times_s=times, values=values)])
    alert = dataclasses.replace(subject.alert, starts_at_s=small.ONSET_S)
    subject = dataclasses.replace(subject, alert=alert)
    assert onset.estimate(subject) == pytest.approx(small.ONSET_S, abs=31.0)
    assert shifts.measure(subject, homes.fold(subject), small.ONSET_S)[0].z > 10
