"""History: the baseline is moved to where data are, and the grid fits the scrapes."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from rootward.investigator import frame as framing
from rootward.investigator import options
from rootward.investigator.probing import history
from rootward.signals import alerts, answers, protocols, series, windows

NOW_S = 1_700_000_000.0
CHOSEN = options.Options()


class Recorded:
    """A metric source over samples at given times; looks back five minutes as Prometheus does."""

    name = "recorded"

    def __init__(self, times_s: np.ndarray) -> None:
        self.times_s = times_s
        self.values = np.sin(np.arange(len(times_s)) * 1.7)

    async def query(
        self, query: protocols.MetricQuery, window: windows.Window, step_s: float, limits: protocols.Limits
    ) -> answers.Answer[series.SeriesSet]:
        grid = np.arange(window.start_s, window.end_s + 1e-6, step_s)
        at = np.searchsorted(self.times_s, grid, side="right") - 1
        held = np.where((at >= 0) & (grid - self.times_s[at] < 300.0), self.values[at], np.nan)
        values = np.where(np.isnan(held), np.nan, 1.0) if query.aggregate == "count" else held
        return answers.Answer(answers.Outcome.OK, "recorded", str(query), window, [series.Series({}, grid, values)])

    async def query_all(
        self, queries: Sequence[protocols.MetricQuery], window: windows.Window, step_s: float, limits: protocols.Limits
    ) -> Sequence[answers.Answer[series.SeriesSet]]:
        return [await self.query(query, window, step_s, limits) for query in queries]


def settle(times_s: np.ndarray) -> tuple[framing.Frame, framing.Frame]:
    alert = alerts.Alert("A", starts_at_s=NOW_S - 300.0)
    frame = framing.frame(alert, now_s=NOW_S, chosen=CHOSEN)
    return frame, asyncio.run(history.settle_baseline(Recorded(times_s), ["m"], frame, CHOSEN))  # type: ignore[arg-type]


def test_enough_past_just_before_is_used() -> None:
    frame, settled = settle(np.arange(NOW_S - 86_400.0, NOW_S, 15.0))
    assert settled == frame


def test_a_recording_with_a_gap_is_compared_with_its_latest_earlier_stretch() -> None:
    past = np.arange(NOW_S - 5 * 86_400.0, NOW_S - 5 * 86_400.0 + 6 * 3600.0, 300.0)
    _, settled = settle(np.concatenate([past, np.arange(NOW_S - 1500.0, NOW_S, 300.0)]))
    assert not settled.contiguous
    assert settled.baseline.end_s == pytest.approx(past[-1], abs=600.0)
    assert settled.baseline.length_s <= CHOSEN.history_s


def test_a_young_system_is_compared_with_its_own_first_minutes() -> None:
    frame, settled = settle(np.arange(NOW_S - 600.0, NOW_S, 15.0))
    assert settled.baseline.start_s == pytest.approx(NOW_S - 600.0, abs=15.0)
    assert settled.baseline.end_s < frame.alert.starts_at_s
    assert settled.contiguous


def test_a_system_whose_data_begin_with_the_alert_keeps_its_frame() -> None:
    frame, settled = settle(np.arange(NOW_S - 310.0, NOW_S, 15.0))
    assert settled == frame


def test_a_short_recording_long_ago_is_asked_for_where_it_lies() -> None:
    past = np.arange(NOW_S - 2 * 86_400.0, NOW_S - 2 * 86_400.0 + 600.0, 5.0)
    _, settled = settle(np.concatenate([past, np.arange(NOW_S - 300.0, NOW_S, 5.0)]))
    assert settled.baseline.start_s <= past[-1]
    assert settled.baseline.length_s <= 1800.0


@pytest.mark.parametrize("interval_s", [5.0, 15.0, 30.0, 60.0, 300.0])
def test_the_sampling_interval_is_measured(interval_s: float) -> None:
    frame, _ = settle(np.arange(NOW_S - 86_400.0, NOW_S, interval_s))
    source = Recorded(np.arange(NOW_S - 86_400.0, NOW_S, interval_s))
    found = asyncio.run(history.sampling_interval_s(source, ["m"], frame, CHOSEN))  # type: ignore[arg-type]
    assert found == interval_s


def test_gaps_are_not_mistaken_for_samples() -> None:
    times = np.arange(NOW_S - 86_400.0, NOW_S, 300.0)
    frame, _ = settle(times)
    source = Recorded(times[:-2])  # the last samples are missing: the grid ends in NaN
    assert asyncio.run(history.sampling_interval_s(source, ["m"], frame, CHOSEN)) == 300.0  # type: ignore[arg-type]


def test_the_step_is_a_multiple_of_the_interval_within_the_budget() -> None:
    frame, _ = settle(np.arange(NOW_S - 86_400.0, NOW_S, 15.0))
    step_s = history.step_s(frame, 15.0, 480)
    assert step_s % 15.0 == 0
    assert (frame.baseline.length_s + frame.focus.length_s) / step_s <= 480
