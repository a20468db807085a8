"""Noise is a flat record of knobs: each does what its comment says, none moves the truth, and levels are names for whole settings."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward import _clock, _rng, errors
from rootward.dojo import world
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import layout as lay
from rootward.dojo.world import name_alikes, noise, shapes
from rootward.dojo.world.plans import web_shop

HOURS = 1.5


def built(**knobs: float) -> tm.Telemetry:
    return world.build("web-shop", "third_party_slow", 5, hours=HOURS, noise=noise.changed(noise.NONE, knobs))[
        0
    ].telemetry


def test_levels_are_names_and_a_yes_is_the_usual_one() -> None:
    assert noise.of(True, 0) == noise.USUAL == noise.of("usual", 3)
    assert noise.of(False, 0) == noise.NONE
    assert not noise.NONE
    assert noise.of("drawn", 1) != noise.of("drawn", 2)
    assert noise.of("drawn", 1) == noise.of("drawn", 1)
    with pytest.raises(errors.WorldError, match="heavy"):
        noise.of("loud", 0)


@pytest.mark.parametrize("knobs", [{"talk": 1.0}, {"talk_per_h": -1.0}, {"talk_per_h": float("nan")}])
def test_senseless_knobs_are_refused(knobs: dict[str, float]) -> None:
    with pytest.raises(errors.WorldError, match="noise"):
        noise.changed(noise.USUAL, knobs)


@given(seed=st.integers(0, 10_000))
def test_drawn_settings_lie_between_light_and_heavy(seed: int) -> None:
    found = dataclasses.asdict(noise.drawn(_rng.stream(seed, "noise")))
    low, high = dataclasses.asdict(noise.LIGHT), dataclasses.asdict(noise.HEAVY)
    for name, value in found.items():
        assert min(low[name], high[name]) <= value <= max(low[name], high[name]), name


def test_the_truth_does_not_depend_on_the_noise() -> None:
    truths = [world.build("payments", "bad_deploy", 4, hours=HOURS, noise=level)[1] for level in ("none", "heavy")]
    assert truths[0].causes[0].name == truths[1].causes[0].name
    assert truths[0].causes[0].onset_s == truths[1].causes[0].onset_s


def test_name_alikes_run_and_nothing_calls_them() -> None:
    plan = name_alikes.joined(web_shop.blueprint(0, None), noise.changed(noise.NONE, {"name_alikes": 5.0}), 3)
    before = {component.name for component in web_shop.blueprint(0, None).components}
    added = [component for component in plan.components if component.name not in before]
    assert added
    layout = lay.lay_out(plan)
    for component in added:
        assert component.kind is bp.Kind.SERVICE
        assert any(component.name.startswith(f"{name}-") for name in before)
        i = layout.index[component.name]
        assert layout.rate[i] > 0
        assert not layout.calls_to(i)
    assert layout.entries[0] == lay.lay_out(web_shop.blueprint(0, None)).entries[0]


def test_back_ends_go_missing_and_never_prometheus() -> None:
    access = built(missing_back_ends=1.0).access
    assert set(access.values()) == {"absent"}
    assert "prometheus" not in access
    assert set(built(failing_back_ends=1.0).access.values()) <= {"forbidden", "down"}


def test_late_samples_are_missing_before_now_only() -> None:
    telemetry = built(late_samples=1.0)
    late = []
    for block in telemetry.metrics.blocks:
        stale = tm.is_stale(block.values)
        recent = (block.times_s > telemetry.now_s - 50) & (block.times_s <= telemetry.now_s)
        if recent.any() and stale[:, recent].all():
            late.append(block)
            assert not stale[:, block.times_s < telemetry.now_s - 330].all(axis=0).any()
    assert len({block.labels[0]["job"] for block in late}) == 1


def test_skewed_clocks_shift_what_is_written_not_when_it_was_stored() -> None:
    plain, skewed = built(), built(skewed_nodes=1.0)
    assert plain.spans is not None
    assert skewed.spans is not None
    assert sorted(plain.spans.span_ids) == sorted(skewed.spans.span_ids)
    moved = dict(zip(skewed.spans.span_ids, skewed.spans.start_ns.tolist(), strict=True))
    shifts = {
        (moved[one] - at) / 1e9 for one, at in zip(plain.spans.span_ids, plain.spans.start_ns.tolist(), strict=True)
    }
    assert min(abs(shift) for shift in shifts) > 1.9
    assert max(abs(shift) for shift in shifts) < 9.1


def test_fewer_lines_and_traces_are_kept_when_they_are_sampled() -> None:
    plain, thin = built(), built(log_share=0.3, trace_share=0.3)
    assert plain.logs is not None
    assert thin.logs is not None
    assert plain.spans is not None
    assert thin.spans is not None
    assert len(thin.logs.lines) < 0.7 * len(plain.logs.lines)
    assert len(thin.spans.span_ids) < 0.7 * len(plain.spans.span_ids)


def test_flapping_rules_warn_and_never_page() -> None:
    telemetry = built(flapping_rules=6.0)
    flapping = [rule for rule in telemetry.rules if rule.name.endswith("ErrorBudgetBurn")]
    assert flapping
    assert {rule.labels["severity"] for rule in flapping} == {"warning"}


def test_restarts_give_pods_new_names() -> None:
    def pods(telemetry: tm.Telemetry) -> set[str]:
        return {v.body["metadata"]["name"] for v in telemetry.cluster.versions if v.body["kind"] == "Pod"}

    assert len(pods(built(restarts=5.0))) > len(pods(built()))


@given(seed=st.integers(0, 10_000), kind=st.sampled_from(shapes.KINDS))
def test_every_shape_starts_at_the_onset_and_stays_within_its_strength(seed: int, kind: str) -> None:
    shape = shapes.drawn(_rng.stream(seed, "shape"), (kind,))
    since_s = np.arange(-600.0, 3600.0, 15.0)
    strength = shape.profile(since_s, step_s=15.0)
    assert shape.kind == kind
    assert (strength[since_s < 0] == 0).all()
    assert strength[since_s >= 0][0] > 0
    assert strength.max() <= 1.0
    if kind in ("intermittent", "periodic"):
        assert (strength[since_s > 0] == 0).any()
    else:
        assert (np.diff(strength) >= 0).all()


@pytest.mark.parametrize(
    ("asked", "hint"),
    [({"shape": "periodic"}, "comes as"), ({"place": "catalogue"}, "catalog"), ({"parameters": {"failing": 0.2}}, "failing_share"),
     ({"parameters": {"failing_share": 3.0}}, "0.08 to 0.6")],
)  # fmt: skip
def test_what_a_family_does_not_have_is_refused(asked: dict[str, object], hint: str) -> None:
    with pytest.raises(errors.WorldError, match=hint):
        world.build("web-shop", "bad_deploy", 0, hours=HOURS, **asked)


def test_place_shape_and_parameters_can_be_asked_for() -> None:
    _, truth = world.build(
        "web-shop", "bad_deploy", 0, hours=HOURS, place="checkout", parameters={"failing_share": 0.5}
    )
    assert truth.causes[0].name == "checkout"
    _, truth = world.build("web-shop", "slow_query", 0, hours=HOURS, shape="periodic", place="catalog→catalog-db")
    assert truth.causes[0].name == "catalog-db"


def test_drained_nodes_are_cordoned_emptied_and_take_pods_again_before_the_trouble() -> None:
    plain, drained = built(), built(maintenance=3.0)
    cordoned = {
        version.body["metadata"]["name"]
        for version in drained.cluster.versions
        if version.body["kind"] == "Node" and version.body["spec"].get("unschedulable")
    }
    told = {
        reason: [event for event in drained.cluster.events if event["reason"] == reason]
        for reason in ("NodeNotSchedulable", "NodeSchedulable", "Killing")
    }
    assert cordoned
    for reason in ("NodeNotSchedulable", "NodeSchedulable"):
        assert {event["involvedObject"]["name"] for event in told[reason]} == cordoned
    first_alert_s = min(alert.active_s for alert in drained.alerts)
    assert max(event["lastTimestamp"] for event in told["NodeSchedulable"]) < _clock.to_iso(first_alert_s)
    last = {v.body["metadata"]["name"]: v.body for v in drained.cluster.versions if v.body["kind"] == "Node"}
    assert not any(last[name]["spec"].get("unschedulable") for name in cordoned)
    pods = [v.body for v in drained.cluster.versions if v.body["kind"] == "Pod"]
    lived_there = {body["metadata"]["name"] for body in pods if body["spec"].get("nodeName") in cordoned}
    assert len(lived_there & {event["involvedObject"]["name"] for event in told["Killing"]}) >= 3
    assert any("draining" in message.text for message in drained.messages)
    assert [alert.rule for alert in drained.alerts] == [alert.rule for alert in plain.alerts]
