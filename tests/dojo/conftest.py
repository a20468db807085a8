"""What tests of the dojo share: the hand-made shop and its clock."""

import pytest
import sample_telemetry

from rootward import _clock
from rootward.dojo.capsule import telemetry


@pytest.fixture(scope="session")
def shop() -> telemetry.Telemetry:
    return sample_telemetry.telemetry_of_shop()


@pytest.fixture
def shop_clock() -> _clock.VirtualClock:
    return _clock.VirtualClock(sample_telemetry.NOW_S)
