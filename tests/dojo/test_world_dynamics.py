"""Several stretches of time at once give what one step after the other gives, also where a queue stands and nothing is forgotten."""

import dataclasses

import numpy as np
import pytest

from rootward.dojo.world import dynamics, knobs
from rootward.dojo.world import layout as lay
from rootward.dojo.world.plans import data_pipeline, generated, payments

STEPS, STEP_S = 700, 15.0


def system(plan: object) -> tuple[lay.Layout, knobs.Knobs]:
    layout = lay.lay_out(plan)
    return layout, knobs.ordinary(layout, 1.8e9 + STEP_S * np.arange(STEPS), 4)


def one_by_one(layout: lay.Layout, turned: knobs.Knobs) -> tuple[dynamics.State, dynamics.Carry]:
    state = dynamics.empty(STEPS, layout)
    return state, dynamics.advance(layout, turned, state, dynamics.at_rest(layout), 0, STEPS, STEP_S)


def at_once(
    layout: lay.Layout, turned: knobs.Knobs, monkeypatch: pytest.MonkeyPatch
) -> tuple[dynamics.State, dynamics.Carry, list[int]]:
    """Also how many steps were gone one by one."""
    state, single, advance = dynamics.empty(STEPS, layout), [], dynamics.advance

    def watched(*given: object) -> dynamics.Carry:
        single.append(given[5] - given[4])
        return advance(*given)

    monkeypatch.setattr(dynamics, "advance", watched)
    return state, dynamics.settle(layout, turned, state, STEPS, STEP_S), single


@pytest.mark.parametrize("plan", [payments.blueprint(4, None), generated.blueprint(4, 30)], ids=lambda plan: plan.name)
def test_stretches_at_once_are_the_steps_one_by_one(plan: object, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, turned = system(plan)
    expected, left = one_by_one(layout, turned)
    found, carry, single = at_once(layout, turned, monkeypatch)
    assert sum(single) < 20, "ordinary times are forgotten"
    assert carry.same(left)
    assert all(map(close, dynamics_arrays(expected), dynamics_arrays(found)))


def test_a_standing_queue_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    layout, turned = system(data_pipeline.blueprint(4, None))
    slow = next(i for i, component in enumerate(layout.components) if component.consumer)
    turned.cpu_s[100:, slow] *= 8.0  # its lag grows for hours
    expected, left = one_by_one(layout, turned)
    assert expected.queue[-1, slow] > 0
    found, carry, single = at_once(layout, turned, monkeypatch)
    assert max(single) > STEPS // 2, "gone one by one from where it mattered"
    assert carry.same(left)
    assert all(map(close, dynamics_arrays(expected), dynamics_arrays(found)))


def dynamics_arrays(state: dynamics.State) -> list[np.ndarray]:
    return [getattr(state, field.name) for field in dataclasses.fields(state)]


def close(one: np.ndarray, other: np.ndarray) -> bool:
    """To within the rounding of a power, which processors take by ones and by many."""
    return np.allclose(one, other, rtol=1e-13, atol=0.0)
