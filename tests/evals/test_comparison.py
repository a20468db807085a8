"""Comparison of two runs: real changes are found, none are invented, and what hangs on one scenario is said."""

import dataclasses

import numpy as np
import pytest
import synthetic

from rootward import errors
from rootward.evals import comparison


def test_a_run_against_itself_shows_nothing() -> None:
    found = comparison.compare(synthetic.run(scenarios=300), synthetic.run(scenarios=300))
    assert {contrast.verdict for contrast in found.measures if contrast.before} == {comparison.SAME}
    assert found.primary.change.p == 1.0
    assert found.gates_hold
    assert found.fixed == found.broken == ()
    assert found.clear_after is None
    assert found.influence.flips == 0.0


def test_a_clear_improvement_is_better_everywhere_it_counts() -> None:
    found = comparison.compare(
        synthetic.run(scenarios=150, rate=0.6), synthetic.run(scenarios=150, rate=0.6, shift=0.25)
    )
    assert found.primary.verdict == comparison.BETTER
    assert found.primary.change.low > 0
    assert found.primary.adjusted >= found.primary.change.p
    assert found.fixed
    assert not found.broken
    assert found.clear_after is not None
    assert found.clear_after < 150
    lower_is_better = next(each for each in found.measures if each.name == "false_confidence")
    assert lower_is_better.change.difference < 0
    assert lower_is_better.verdict == comparison.BETTER


def test_a_worse_gate_is_told_and_does_not_hold() -> None:
    found = comparison.compare(synthetic.run(scenarios=150), synthetic.run(scenarios=150, shift=-0.3))
    assert found.primary.verdict == comparison.WORSE
    assert not found.gates_hold


def test_segments_are_not_coloured_by_chance() -> None:
    invented = 0
    for seed in range(12):
        after = synthetic.run(seed, scenarios=120, repeats=2)
        rng = np.random.default_rng(seed)  # any shuffle will do: swap runs of the same scenario
        rows = list(after.rows)
        for i in range(0, len(rows), 2):
            if rng.random() < 0.5:
                rows[i], rows[i + 1] = (
                    dataclasses.replace(rows[i], scores=rows[i + 1].scores),
                    dataclasses.replace(rows[i + 1], scores=rows[i].scores),
                )
        first = dataclasses.replace(after, rows=tuple(row for row in rows if row.repeat == 0))
        second = dataclasses.replace(after, rows=tuple(row for row in rows if row.repeat == 1))
        found = comparison.compare(first, second)
        invented += any(each.verdict in (comparison.BETTER, comparison.WORSE) for each in found.segments)
    assert invented <= 3


def test_only_shared_scenarios_count_and_the_others_are_told() -> None:
    before, after = synthetic.run(scenarios=60), synthetic.run(scenarios=60)
    fewer = dataclasses.replace(after, rows=after.rows[10:], digest="sha256:other")
    found = comparison.compare(before, fewer)
    assert (found.scenarios, found.only_before, found.only_after) == (50, 10, 0)
    assert not found.same_suite


def test_runs_without_anything_in_common_are_refused() -> None:
    before = synthetic.run(scenarios=5)
    other = dataclasses.replace(
        before, rows=tuple(dataclasses.replace(row, scenario=f"x{row.scenario}") for row in before.rows)
    )
    with pytest.raises(errors.RunError, match="in common"):
        comparison.compare(before, other)


def test_a_decision_that_hangs_on_one_scenario_names_it() -> None:
    run = synthetic.run(scenarios=40, rate=0.0)
    rows = [
        dataclasses.replace(row, scores={**row.scores, "right": 0.2 if i < 8 else 0.0})
        for i, row in enumerate(run.rows)
    ]
    plain = comparison.compare(run, dataclasses.replace(run, rows=tuple(rows)))
    assert plain.influence.alone == ()
    edge = [
        dataclasses.replace(row, scores={**row.scores, "right": 1.0 if i < 4 else 0.0})
        for i, row in enumerate(run.rows)
    ]
    fragile = comparison.compare(run, dataclasses.replace(run, rows=tuple(edge)))
    assert fragile.influence.flips > plain.influence.flips
    assert len(fragile.influence.alone) == 4


def test_the_same_runs_compare_to_the_same_bytes() -> None:
    runs = synthetic.run(scenarios=80, repeats=3), synthetic.run(scenarios=80, repeats=3, shift=0.1)
    assert comparison.compare(*runs).to_json() == comparison.compare(*runs).to_json()
