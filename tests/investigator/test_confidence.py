"""The calibration table: what is shipped, what it makes of a judgement, and what is refused as one."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from rootward import errors
from rootward.apps import settings_model, wiring
from rootward.investigator import confidence
from rootward.investigator.causal import case as cases
from rootward.signals import entities

WHOLE = confidence.shipped_table().to_json()


def judged(*chances: float) -> cases.Judgement:
    return cases.Judgement(
        tuple(
            cases.Hypothesis(
                entities.Entity(entities.EntityKind.SERVICE, f"s{place}"), "slow_query", p, p / 2, (1 + p) / 2, None, ()
            )
            for place, p in enumerate(chances)
        ),
        outside=0.0,
        no_fault=0.0,
        not_enough=max(0.0, 1 - sum(chances)),
    )


def test_the_shipped_table_keeps_the_default_promise() -> None:
    voice = confidence.shipped()
    assert 0.0 < voice.speak_min < 1.0
    assert voice.table.curve is not None
    step = next(step for step in voice.table.curve.steps if step.threshold == voice.speak_min)
    assert step.wrong_max <= confidence.FALSE_CONFIDENCE_MAX
    assert step.told > 0, "a promise that is kept by never speaking is none"
    assert [one["suite"] for one in voice.table.fitted_on] == ["calibration"], "the standard suite stays out of sample"


@hypothesis.given(st.lists(st.floats(0.001, 1), min_size=1, max_size=8))
def test_stated_chances_keep_their_order_and_add_up_to_one_at_most(weights: list[float]) -> None:
    total = sum(weights) * 1.01
    chances = sorted((weight / total for weight in weights), reverse=True)
    stated = confidence.shipped().stated(judged(*chances)).hypotheses
    said = [one.probability for one in stated]
    assert said[0] == confidence.shipped_table().cause.of(chances[0], "slow_query")[0]
    assert said == sorted(said, reverse=True)
    assert sum(said) <= 1 + 1e-9
    assert all(0 <= one.low <= one.probability <= one.high <= 1 for one in stated)


def test_other_kinds_share_what_the_place_has_and_other_places_the_rest() -> None:
    here = entities.Entity(entities.EntityKind.SERVICE, "s0")
    before = judged(0.9, 0.05, 0.03)
    other = dataclasses.replace(before.hypotheses[1], entity=here, fault="cpu_throttling")
    before = dataclasses.replace(before, hypotheses=(before.hypotheses[0], other, before.hypotheses[2]))
    voice = confidence.shipped()
    stated = voice.stated(before).hypotheses
    place = voice.place(before.hypotheses[0])
    assert sum(one.probability for one in stated if one.entity == here) <= place + 1e-9
    assert sum(one.probability for one in stated if one.entity != here) <= 1 - place + 1e-9


def test_a_judgement_without_hypotheses_stays_as_it_is() -> None:
    assert confidence.shipped().stated(judged()) == judged()


def test_more_must_be_known_to_promise_less() -> None:
    table = confidence.shipped_table()
    assert table.curve is not None
    thresholds = [table.curve.threshold(share) for share in (1.0, 0.2, 0.1, 0.05, 0.03)]
    assert thresholds[0] == 0.0
    assert thresholds == sorted(thresholds, key=lambda t: math.inf if t is None else t)
    with pytest.raises(errors.SettingsError, match="can promise no less than"):
        confidence.voice(table, 1e-6, source="it")


def test_settings_choose_table_and_promise(tmp_path: Path) -> None:
    lax = settings_model.Investigation(false_confidence_max=0.2)
    voice = wiring.options_from_settings(settings_model.Settings(investigation=lax)).voice
    assert voice.speak_min < confidence.shipped().speak_min
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({**WHOLE, "curve": None}))
    for file, why in ((mine, "promises nothing"), (tmp_path / "none.json", "cannot read the calibration table")):
        chosen = settings_model.Investigation(calibration_file=str(file))
        with pytest.raises(errors.SettingsError, match=why):
            wiring.options_from_settings(settings_model.Settings(investigation=chosen))


def place(**parts: Any) -> dict[str, Any]:
    return {"place": {**WHOLE["place"], **parts}}


def knots(*rows: tuple[float, float, float, float]) -> dict[str, Any]:
    return place(knots=[dict(zip(("raw", "point", "low", "high"), row, strict=True)) for row in rows])


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"format": "rootward-run-1"}, "its format is not"),
        ({"cause": None}, "TypeError"),
        (place(knots=[]), "no knots"),
        (knots((0, 0.2, 0.3, 0.4)), "does not hold its point"),
        (knots((0, 0.5, 0.4, 0.6), (1, 0.4, 0.4, 0.6)), "do not rise"),
        (knots((0.5, 0.5, 0.4, 0.6), (0.5, 0.5, 0.4, 0.6)), "do not rise"),
        (knots((0, float("nan"), 0.4, 0.6)), "not between 0 and 1"),
        (place(knots=[{"raw": 0}]), "TypeError"),
        (place(kinds={"slow_query": {"nats": 0, "spread": -1, "answers": 1}}), "negative"),
        (place(kinds=[]), "AttributeError"),
        (place(spread="wide"), "TypeError|no number"),
        ({"curve": {"answers": 1, "certainty": 0.9, "steps": []}}, "no steps"),
        (
            {
                "curve": {
                    "answers": 1,
                    "certainty": 0.9,
                    "steps": [{"threshold": 0, "told": 5, "wrong": 9, "wrong_max": 1}],
                }
            },
            "cannot be",
        ),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(errors.InputError, match=why):
        confidence.parse(json.dumps({**WHOLE, **wrong}), source="it")


@hypothesis.given(st.text(max_size=40) | st.sampled_from(["[]", "null", "{}", "[" * 5000, '{"format": 1}']))
@hypothesis.settings(max_examples=60)
def test_any_text_is_a_table_or_refused(text: str) -> None:
    with pytest.raises(errors.InputError):
        confidence.parse(text, source="it")


scalars = (
    st.none() | st.booleans() | st.integers(-3, 10**400) | st.floats() | st.text(max_size=3) | st.just([]) | st.just({})
)


@hypothesis.given(st.sampled_from(sorted(WHOLE)), scalars, st.data())
@hypothesis.settings(max_examples=150, deadline=None)
def test_any_broken_part_is_refused_or_harmless(name: str, value: object, data: st.DataObject) -> None:
    broken = json.loads(json.dumps(WHOLE))
    place = broken
    while isinstance(place.get(name), dict | list) and place[name] and data.draw(st.booleans()):
        inner = place[name]
        if isinstance(inner, list):
            inner = data.draw(st.sampled_from(inner))
        if not isinstance(inner, dict):
            break
        place, name = inner, data.draw(st.sampled_from(sorted(inner)))
    place[name] = value
    try:
        table = confidence.parse(json.dumps(broken), source="it")
    except errors.InputError:
        return
    for worth in (table.cause, table.place):
        point, low, high = worth.of(0.9, "slow_query")
        assert 0 <= low <= point <= high <= 1
