"""Worlds go on after the page: trouble passes, is mended rightly or wrongly, or comes back, and nothing before now tells which."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.dojo import oracle, world
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import aftermath

HOURS = 2.0


def built(kind: str, fault: str = "bad_deploy", seed: int = 3) -> tuple[tm.Scenario, oracle.Truth]:
    return world.build("web-shop", fault, seed, hours=HOURS, aftermath=kind, shape="step")


def firings(scenario: tm.Scenario) -> list[tm.FiredAlert]:
    name = scenario.alert["alerts"][0]["labels"]["alertname"]
    return [a for a in scenario.telemetry.alerts if a.rule == name and a.starts_s >= scenario.telemetry.now_s - 600]


def later(scenario: tm.Scenario) -> str:
    return " ".join(m.text for m in scenario.telemetry.messages if m.time_s > scenario.telemetry.now_s)


@pytest.mark.parametrize("kind", ["recovery", "mitigation"])
def test_the_alert_resolves_when_trouble_is_over(kind: str) -> None:
    scenario, truth = built(kind)
    (only,) = firings(scenario)
    assert only.ends_s is not None
    assert only.ends_s > scenario.telemetry.now_s
    assert truth.original["aftermath"] == kind


def test_a_right_mitigation_rolls_the_guilty_release_back() -> None:
    scenario, truth = built("mitigation")
    telemetry, cause = scenario.telemetry, truth.causes[0]
    reverts = [c for c in telemetry.code.commits if c.message.startswith("Revert") and cause.change in c.message]
    assert reverts
    assert reverts[0].time_s > telemetry.now_s - 3600
    assert f"rolling back {cause.name}" in later(scenario)


def test_a_wrong_mitigation_changes_nothing() -> None:
    scenario, _ = built("wrong_mitigation")
    assert firings(scenario)[-1].ends_s is None
    assert "something else" in later(scenario)


def test_a_recurrence_fires_twice() -> None:
    scenario, _ = built("recurrence")
    first, second = firings(scenario)
    assert first.ends_s is not None
    assert second.starts_s > first.ends_s


def test_what_lasts_by_itself_is_not_mended_by_chance() -> None:
    _, truth = built("recovery", "retry_storm", 0)
    assert truth.original["aftermath"] == "none"


def test_nothing_before_now_tells_what_will_come() -> None:
    plain, other = built("none")[0].telemetry, built("recurrence")[0].telemetry
    assert plain.now_s == other.now_s
    for left, right in zip(plain.metrics.blocks, other.metrics.blocks, strict=True):
        seen = left.times_s <= plain.now_s
        assert np.array_equal(left.values[:, seen], right.values[:, seen], equal_nan=True), left.labels[0]
    early = [m.text for m in plain.messages if m.time_s <= plain.now_s and not m.bot]
    assert early == [m.text for m in other.messages if m.time_s <= other.now_s and not m.bot]


def test_an_unknown_aftermath_is_refused() -> None:
    with pytest.raises(errors.WorldError, match="recurrence"):
        built("miracle")


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 500))
def test_any_seed_has_an_aftermath(seed: int) -> None:
    _, truth = world.build("payments", "third_party_slow", seed, hours=HOURS, aftermath="drawn")
    assert truth.original["aftermath"] in aftermath.KINDS
