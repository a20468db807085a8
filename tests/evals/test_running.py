"""Running a plan: what breaks becomes a row, and neither processes nor order change what rows say."""

import dataclasses
import os
from pathlib import Path

import pytest

from rootward import errors
from rootward.apps import subjects
from rootward.dojo.capsule import store
from rootward.dojo.capsule import telemetry as tm
from rootward.evals import materials, records, reply, running, specification
from rootward.evals import plan as plans

SUITE = """
name: tiny
defaults: {hours: 1.5, step_s: 60}
scenarios:
  - world: {name: generated, services: 8}
    fault: [slow_query, bad_deploy]
    total: 4
    seeds: 41
"""
ITEMS = plans.expand(specification.parse(SUITE, source="tiny"), Path()).items


@dataclasses.dataclass(frozen=True)
class Silent:
    """Says nothing, breaks on one scenario, and takes its process down on another."""

    breaks_on: str = ""
    dies_on: str = ""

    def ask(self, scenario: tm.Scenario) -> reply.Reply:
        alert = str(scenario.alert["alerts"][0]["startsAt"])
        if self.dies_on and alert == self.dies_on:
            os._exit(9)
        if self.breaks_on and alert == self.breaks_on:
            raise RuntimeError("no\nidea")
        return reply.Reply("quiet", probes=0, tokens=7, cost=0.01)


def alert_of(place: int) -> str:
    return str(materials.build(ITEMS[place]).scenario.alert["alerts"][0]["startsAt"])


def run(subject: object, jobs: int = 1, items: tuple[plans.Item, ...] = ITEMS, **choice: object) -> list[records.Row]:
    ran = running.run(items, subject, running.Choice(**choice), jobs=jobs)  # type: ignore[arg-type]
    return sorted(ran.rows, key=lambda row: row.key)


def said(rows: list[records.Row]) -> list[str]:
    return [records.write_row(row, with_seconds=False) for row in rows]


def test_the_embedded_reasoner_says_the_same_in_one_process_and_in_two() -> None:
    here = run(subjects.Embedded(), items=ITEMS[:2])
    assert said(here) == said(run(subjects.Embedded(), jobs=2, items=ITEMS[:2]))
    assert all(row.scores and row.probes > 50 for row in here)  # it was built and really asked


def test_repeats_and_variants_are_rows_of_their_own() -> None:
    rows = run(Silent(), items=ITEMS[:1], repeats=2, perturb=("clean",))
    assert [(row.perturbation, row.repeat) for row in rows] == [("", 0), ("", 1), ("clean", 0), ("clean", 1)]
    assert rows[0].tokens == 7


def test_a_recorded_incident_is_a_scenario_like_any_other(tmp_path: Path) -> None:
    made = materials.build(ITEMS[0])
    store.save(tmp_path / "kept" / "one", made.scenario, made.truth)
    text = "name: recorded\nscenarios: [{capsule: kept, access: {loki: down}, alert: bare, perturb: [clean, shifted_clock]}]"
    plan = plans.expand(specification.parse(text, source="recorded"), tmp_path)
    rows = run(Silent(), items=plan.items)
    assert [(row.scenario, row.perturbation, row.status) for row in rows] == [
        ("capsule/kept/one", "", "quiet"),
        ("capsule/kept/one", "shifted_clock", "quiet"),  # what was recorded has no twin without noise
    ]
    assert rows[0].segments["back_ends"] == "loki down"
    assert rows[0].segments["noise"] == "recorded"
    given = materials.build(plan.items[0]).scenario.alert["alerts"][0]
    assert given["labels"] == made.scenario.alert["alerts"][0]["labels"]
    assert given["annotations"] == {}


def test_what_is_done_is_not_done_again() -> None:
    asked: list[str] = []

    class Counting(Silent):
        def ask(self, scenario: tm.Scenario) -> reply.Reply:
            asked.append("once")
            return super().ask(scenario)

    done = run(Silent(), items=ITEMS[:3])
    ran = running.run(ITEMS, Counting(), running.Choice(), done=done)
    assert len(ran.rows) == len(ITEMS)
    assert len(asked) == len(ITEMS) - 3


def test_a_subject_that_breaks_is_a_row_that_says_why() -> None:
    rows = run(Silent(breaks_on=alert_of(1)), items=ITEMS[:3])
    broken = [row for row in rows if row.status == "error"]
    assert [row.scenario for row in broken] == [ITEMS[1].id]
    assert broken[0].message == "RuntimeError: no idea"
    assert broken[0].scores == {"right": 0.0}
    assert broken[0].failure == "no answer: RuntimeError"
    assert [row.status for row in rows].count("quiet") == 2


def test_a_subject_that_takes_its_process_down_costs_one_row() -> None:
    rows = run(Silent(dies_on=alert_of(1)), jobs=2, items=ITEMS[:2])
    assert [(row.scenario, row.status) for row in rows] == [(ITEMS[0].id, "quiet"), (ITEMS[1].id, "error")]


def test_a_world_that_cannot_be_built_is_nobodys_failure() -> None:
    impossible = dataclasses.replace(ITEMS[0], place="nowhere")
    rows = run(Silent(), items=(impossible, ITEMS[1]))
    unbuilt = [row for row in rows if row.status == "unbuilt"]
    assert len(unbuilt) == 1
    assert unbuilt[0].scores == {}
    assert "nowhere" in unbuilt[0].message


def test_stopping_early_keeps_a_prefix_of_a_drawn_order_whatever_the_processes() -> None:
    plan = plans.load("standard")
    order = [item.id for item in running.Choice(stop_width=0.5).items(plan)]
    assert order != [item.id for item in plan.items]
    assert sorted(order) == sorted(item.id for item in plan.items)
    items = tuple(dataclasses.replace(ITEMS[0], id=f"slow_query/{k}") for k in range(9))
    one = running.run(items, Silent(), running.Choice(stop_width=0.9), jobs=1)
    two = running.run(items, Silent(), running.Choice(stop_width=0.9), jobs=2)
    assert one.stopped_early
    assert len(one.rows) < len(items)
    assert {row.key for row in one.rows} == {row.key for row in two.rows}


def test_a_part_of_a_plan_is_chosen_by_glob_and_spread_by_limit() -> None:
    plan = plans.load("standard")
    assert all(item.fault == "slow_query" for item in running.Choice(only="slow_query/*").items(plan))
    few = running.Choice(limit=20).items(plan)
    assert len(few) == 20
    assert len({item.world for item in few}) > 1


def test_a_model_that_is_not_configured_and_a_subject_that_is_none_are_told() -> None:
    with pytest.raises(errors.SettingsError, match="no models are configured"):
        subjects.named("model:anything")
    with pytest.raises(errors.InputError, match="embedded"):
        subjects.named("embeded")


def test_a_run_that_is_clearly_worse_than_the_one_before_stops() -> None:
    items = tuple(dataclasses.replace(ITEMS[0], id=f"slow_query/{k}") for k in range(60))
    before = dict.fromkeys((item.id for item in items), 1.0)
    ran = running.run(items, Silent(), running.Choice(against="before"), before=before)
    assert ran.stopped_early
    assert len(ran.rows) < 30
    assert "worse" in ran.said
