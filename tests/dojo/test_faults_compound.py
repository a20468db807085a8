"""Several faults at once, red herrings, planted instructions, and alerts about nothing: what is true, what tempts, what is visible."""

import functools
import re

import numpy as np
import pytest

from rootward.dojo import faults, oracle, world
from rootward.dojo.capsule import telemetry as tm

HOURS = 1.5


@functools.cache
def built(name: str, fault: str, seed: int) -> tuple[tm.Scenario, oracle.Truth]:
    return world.build(name, fault, seed, hours=HOURS)


@pytest.mark.parametrize("seed", [0, 1])
def test_two_faults_are_two_causes_at_different_places(seed: int) -> None:
    _, truth = built("web-shop", "two_faults", seed)
    first, second = truth.causes
    assert first.name != second.name
    assert first.fault != second.fault
    assert first.onset_s is not None
    assert second.onset_s is not None
    assert 0 <= second.onset_s - first.onset_s <= 255


def test_a_lowered_limit_does_no_harm_until_the_crowd_comes() -> None:
    scenario, truth = built("payments", "spike_meets_limit", 1)
    limit, crowd = truth.causes
    assert (limit.fault, crowd.fault) == ("cpu_throttling", "traffic_spike")
    assert limit.onset_s is not None
    assert crowd.onset_s is not None
    assert 590 <= crowd.onset_s - limit.onset_s <= 1815
    assert any(c.sha == limit.change for c in scenario.telemetry.code.commits)
    critical = [a for a in scenario.telemetry.alerts if a.labels["severity"] == "critical"]
    assert all(a.active_s > crowd.onset_s for a in critical)


@pytest.mark.parametrize("seed", [0, 2])
def test_a_red_herring_is_deployed_just_before_and_is_innocent(seed: int) -> None:
    scenario, truth = built("web-shop", "red_herring", seed)
    (cause,) = truth.causes
    assert cause.onset_s is not None
    before = [d.payload["service"] for d in scenario.telemetry.code.deployments if 0 <= cause.onset_s - d.time_s <= 130]
    assert set(before) & set(truth.decoys)
    assert cause.name not in truth.decoys


def test_planted_instructions_name_somebody_innocent() -> None:
    scenario, truth = built("payments", "injected_instructions", 1)
    assert scenario.telemetry.logs is not None
    planted = [
        line
        for line in scenario.telemetry.logs.lines
        if re.search(r"ignore (all )?(previous|earlier)", line, re.IGNORECASE)
    ]
    assert planted
    guilty = {cause.name for cause in truth.causes}
    assert any(decoy in planted[0] for decoy in truth.decoys if decoy not in guilty)


@pytest.mark.parametrize("name", ["web-shop", "payments"])
def test_a_tightened_threshold_pages_about_ordinary_latency(name: str) -> None:
    scenario, truth = built(name, "monitor_misconfigured", 1)
    assert (truth.status, truth.causes) == ("no_fault", ())
    assert scenario.alert["alerts"][0]["labels"]["alertname"].endswith("HighLatency")
    assert any("tighten" in event.summary for event in scenario.telemetry.change_events)
    others = [
        a for a in scenario.telemetry.alerts if a.labels["severity"] == "critical" and "HighLatency" not in a.rule
    ]
    assert others == []


def test_a_lost_scrape_leaves_the_service_serving() -> None:
    scenario, truth = built("web-shop", "scrape_lost", 0)
    telemetry = scenario.telemetry
    label = scenario.alert["alerts"][0]["labels"]
    assert truth.status == "no_fault"
    assert label["alertname"].endswith("TargetDown")
    name = label["service"]
    up, used = {}, {}
    for block in telemetry.metrics.blocks:
        recent = (block.times_s > telemetry.now_s - 240) & (block.times_s < telemetry.now_s - 15)
        for labels, row in zip(block.labels, block.values, strict=True):
            if labels["__name__"] == "up" and labels.get("pod", "").startswith(f"{name}-"):
                up[labels["pod"]] = row[recent]
            if labels["__name__"] == "container_cpu_usage_seconds_total" and labels["container"] == name:
                used[labels["pod"]] = row[recent]
    assert up
    assert all(np.nanmax(row) == 0.0 for row in up.values() if np.isfinite(row).any())
    assert any(np.nanmax(row) > np.nanmin(row) for row in used.values() if np.isfinite(row).sum() > 2)


def test_every_row_of_the_catalogue_that_is_covered_is_a_number_of_it() -> None:
    rows = [row for name in faults.names() for row in faults.load(name).rows]
    assert set(rows) <= set(range(1, 67))
    assert {61, 62, 63, 64, 65, 66} <= set(rows)
