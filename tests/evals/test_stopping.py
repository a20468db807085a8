"""Stopping early: rules that stop when they may, in the order drawn, and say what they found."""

import math

import hypothesis
import hypothesis.strategies as st

from rootward import _rng
from rootward.evals import records, stopping
from rootward.evals.scores import registry

ORDER = [f"s{i:03d}" for i in range(200)]


def row(scenario: str, right: float | None) -> records.Row:
    return records.Row(scenario, {} if right is None else {registry.PRIMARY: right})


def test_a_clear_difference_stops_it_and_is_said() -> None:
    watch = stopping.Watch(ORDER, [stopping.Apart(dict.fromkeys(ORDER, 0.0))], ())
    looks = 0
    while not watch.clear:
        watch.add([row(ORDER[looks], 1.0)])
        looks += 1
    assert looks < 30
    assert watch.said().startswith(f"stopped after {looks} of 200 scenarios: better on {looks} shared scenarios")


def test_no_difference_runs_to_the_end() -> None:
    before = {scenario: float(i % 3 > 0) for i, scenario in enumerate(ORDER)}
    watch = stopping.Watch(ORDER, [stopping.Apart(before)], [row(scenario, before[scenario]) for scenario in ORDER])
    assert not watch.clear
    assert watch.said().startswith("ran to the end: no difference seen on 200 shared scenarios")


def test_the_same_version_is_rarely_called_better_or_worse_however_often_one_looks() -> None:
    rng = _rng.stream(17, "apart")
    stopped, simulated = 0, 120
    for _ in range(simulated):
        chances = rng.random(100)
        before = dict(zip(ORDER, (rng.random(100) < chances).astype(float).tolist(), strict=False))
        rule = stopping.Apart(before)
        stopped += any(
            rule.look(name, float(rng.random() < chance)) for name, chance in zip(ORDER, chances, strict=False)
        )
    assert stopped / simulated <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / simulated)


def test_scenarios_without_a_score_or_a_partner_decide_nothing() -> None:
    watch = stopping.Watch(ORDER[:2], [stopping.Apart({}), stopping.Narrow(0.01)], ())
    watch.add([row(ORDER[0], None), row(ORDER[1], 1.0)])
    assert not watch.clear
    assert "no difference seen on 0 shared scenarios" in watch.said()


@hypothesis.given(st.permutations(ORDER[:40]), st.integers(1, 7))
@hypothesis.settings(max_examples=30)
def test_what_is_kept_does_not_depend_on_which_finished_first(finished: list[str], at_once: int) -> None:
    def kept(arrivals: list[str]) -> set[str]:
        watch = stopping.Watch(ORDER[:40], [stopping.Narrow(0.3)], ())
        rows: list[records.Row] = []
        for start in range(0, len(arrivals), at_once):
            fresh = [row(scenario, 1.0) for scenario in arrivals[start : start + at_once]]
            rows += fresh
            watch.add(fresh)
            if watch.clear:
                break
        return {each.scenario for each in watch.kept(rows)}

    assert kept(finished) == kept(ORDER[:40])


def test_without_rules_nothing_is_looked_at() -> None:
    watch = stopping.Watch(ORDER, [], [row(scenario, 1.0) for scenario in ORDER])
    assert (watch.clear, watch.said()) == (False, "")
