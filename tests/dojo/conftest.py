"""What tests of the dojo share: the hand-made shop and its clock."""

import pytest
import sample_telemetry

from rootward import _clock
from rootward.dojo.capsule import telemetry
from rootward.dojo.wire import _kubernetes_watch


@pytest.fixture(scope="session")
def shop() -> telemetry.Telemetry:
    return sample_telemetry.telemetry_of_shop()


@pytest.fixture
def shop_clock() -> _clock.VirtualClock:
    return _clock.VirtualClock(sample_telemetry.NOW_S)


@pytest.fixture(autouse=True)
def _streams_end_soon(monkeypatch):
    """Watches and followed logs go on for as long as the real ones do; no test waits for that."""
    monkeypatch.setattr(_kubernetes_watch, "POLL_S", 0.02)
    monkeypatch.setattr(_kubernetes_watch, "WATCH_MAX_S", 0.06)
    monkeypatch.setattr(_kubernetes_watch, "FOLLOW_MAX_S", 0.06)
