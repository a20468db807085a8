"""A calibration table keeps what it promises: maps never fall, intervals hold the truth, thresholds keep wrong causes as rare as they say."""

import dataclasses
import itertools

import drawn_answers
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from rootward import _rng, errors
from rootward.evals import records
from rootward.investigator import confidence
from rootward.triage import answers, fitting

GRID = np.linspace(0.0, 1.0, 201)
ONE_KIND = ("slow_query",)
labelled = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(drawn_answers.KINDS), st.booleans()), min_size=40, max_size=70
)


@hypothesis.given(labelled)
@hypothesis.settings(max_examples=40, deadline=None)
def test_a_surer_answer_of_the_same_kind_never_counts_for_less(drawn: list[tuple[float, str, bool]]) -> None:
    given = [
        answers.Answer(f"s{number:03d}", raw, fault, right, not right, evident=True)
        for number, (raw, fault, right) in enumerate(drawn)
    ]
    try:
        table = fitting.fit(given)
    except errors.InputError:
        hypothesis.assume(False)
    for worth, fault in itertools.product((table.cause, table.place), (*drawn_answers.KINDS, "never_seen")):
        columns = np.array([worth.of(raw, fault) for raw in GRID[::8]])
        assert np.all(np.diff(columns, axis=0) >= -1e-9)
        assert np.all((columns[:, 1] <= columns[:, 0]) & (columns[:, 0] <= columns[:, 2]))
        assert np.all((columns >= 0) & (columns <= 1))
    bounds = [step.wrong_max for step in table.curve.steps] if table.curve else []
    assert bounds == sorted(bounds, reverse=True), "a stricter threshold never promises less"


def test_what_it_says_is_how_often_answers_are_right() -> None:
    table = fitting.fit(drawn_answers.draw(1200, 1, nats={"bad_deploy": -2.0}))
    fresh = drawn_answers.draw(3000, 2, nats={"bad_deploy": -2.0})
    for fault in drawn_answers.KINDS:
        said = np.mean([table.cause.of(one.raw, fault)[0] for one in fresh if one.fault == fault])
        held = np.mean([one.right for one in fresh if one.fault == fault])
        assert said == pytest.approx(held, abs=0.1), fault


def test_intervals_hold_the_true_chance_at_least_as_often_as_they_say() -> None:
    at = np.array([0.25, 0.5, 0.75, 0.9, 0.99])
    inside = []
    for seed in range(80):
        told = drawn_answers.draw(150, seed, kinds=ONE_KIND)
        raw, right = np.array([one.raw for one in told]), np.array([float(one.right) for one in told])
        low, high = fitting.band(raw, right, at)
        inside.append((low <= drawn_answers.chance(at)) & (drawn_answers.chance(at) <= high))
    held = np.mean(inside, axis=0)
    assert np.all(held >= 0.88), held  # 90%, less what chance does to 80 draws


@pytest.mark.parametrize("promise", [0.05, 0.1])
def test_a_threshold_keeps_its_promise_as_often_as_it_says(promise: float) -> None:
    broken = 0
    fresh = drawn_answers.draw(20_000, 10_000, kinds=ONE_KIND)
    raw, wrong = np.array([one.raw for one in fresh]), np.array([one.wrong for one in fresh])
    for seed in range(60):
        table = fitting.fit(drawn_answers.draw(200, seed, kinds=ONE_KIND))
        assert table.curve is not None
        threshold = table.curve.threshold(promise)
        if threshold is not None:
            speaks_from = min((one for one in GRID if table.place.of(one, "slow_query")[0] >= threshold), default=2.0)
            broken += float(np.mean(wrong & (raw >= speaks_from))) > promise
    assert broken <= 60 * (1 - fitting.CERTAINTY) + 6, broken  # a tenth, and what chance does to 60 draws


def test_kinds_move_by_as_much_as_their_answers_prove() -> None:
    told = drawn_answers.draw(600, 3, nats={"bad_deploy": -3.0, "dns_failure": 2.0})
    table = fitting.fit(told)
    assert table.cause.kinds["bad_deploy"].nats < -1.0 < 0.5 < table.cause.kinds["dns_failure"].nats
    alike = fitting.fit(drawn_answers.draw(600, 3))
    assert max(abs(kind.nats) for kind in alike.cause.kinds.values()) < 0.5, (
        "kinds that do not differ stay with the pool"
    )
    rare = dataclasses.replace(told[0], scenario="zz", fault="rare", raw=0.9, right=False, wrong=True)
    moved = [
        fitting.fit([*told, *(dataclasses.replace(rare, scenario=f"zz{n}") for n in range(count))]) for count in (3, 60)
    ]
    few, many = (table.cause.kinds["rare"] for table in moved if "rare" in table.cause.kinds)
    assert many.nats < few.nats < 0
    assert many.spread < few.spread


def test_equal_answers_in_any_order_give_equal_bytes() -> None:
    told = drawn_answers.draw(120, 4)
    shuffled = [told[i] for i in _rng.stream(0, "order").permutation(len(told))]
    assert fitting.write(fitting.fit(told)) == fitting.write(fitting.fit(shuffled))


def test_what_is_written_is_read_again() -> None:
    table = fitting.fit(drawn_answers.draw(120, 5), fitted_on=[{"suite": "calibration"}])
    again = confidence.parse(fitting.write(table), source="it")
    assert fitting.write(again) == fitting.write(table)
    assert again.fitted_on == ({"suite": "calibration"},)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ([], "0 answers are too few"),
        (drawn_answers.draw(39, 6), "39 answers are too few"),
        (
            [dataclasses.replace(one, right=True, wrong=False) for one in drawn_answers.draw(60, 6)],
            "only candidates that are right",
        ),
        (
            [dataclasses.replace(one, right=False, wrong=True) for one in drawn_answers.draw(60, 6)],
            "no candidate that is right",
        ),
        ([dataclasses.replace(one, evident=False) for one in drawn_answers.draw(60, 6)], "no candidate:"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_with_the_reason(told: list[answers.Answer], why: str) -> None:
    with pytest.raises(errors.InputError, match=why):
        fitting.fit(told)


def test_answers_are_read_from_runs_each_scenario_once() -> None:
    told = drawn_answers.draw(50, 7)
    drawn = drawn_answers.run(told)
    again = dataclasses.replace(drawn.rows[0], repeat=1)
    perturbed = dataclasses.replace(drawn.rows[1], perturbation="clean")
    broken = dataclasses.replace(drawn.rows[2], status="error")
    mixed = dataclasses.replace(drawn, rows=(*drawn.rows[:2], broken, *drawn.rows[3:], again, perturbed))
    assert answers.of_runs([mixed]) == sorted(told[:2] + told[3:], key=lambda one: one.scenario)
    assert len(answers.of_runs([drawn, drawn])) == 50


@pytest.mark.parametrize(
    "leading",
    [None, {}, {"raw": 2, "fault": "", "right": 1, "wrong": 0, "evident": 1}, {"raw": "x"}, [], 7],
)
def test_runs_that_do_not_say_what_was_likeliest_are_refused(leading: object) -> None:
    drawn = drawn_answers.run(drawn_answers.draw(50, 8))
    detail = {} if leading is None else {"leading": leading}
    with pytest.raises(errors.RunError):
        answers.of_runs(
            [dataclasses.replace(drawn, rows=tuple(dataclasses.replace(row, detail=detail) for row in drawn.rows))]
        )
    with pytest.raises(errors.RunError):
        answers.of_runs([records.Run("s", "d", "embedded", "", "", 0, drawn_answers.MEASURES, "right")])
