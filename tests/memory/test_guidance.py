"""Guidance applies where its matchers and dates say, and what disagrees is shown and settled by priority."""

import kept
import pytest

from rootward import errors
from rootward.memory import applying, conflicts, texts
from rootward.memory.guidance import Guidance
from rootward.signals import entities


def select(*every: Guidance) -> applying.Selection:
    numbered = [one.model_copy(update={"id": f"G{i}"}) for i, one in enumerate(every, start=1)]
    return applying.select(numbered, kept.alert(), environment="default", at_s=kept.NOW_S)


def test_guidance_without_matchers_is_for_every_alert() -> None:
    assert [one.id for one in select(kept.guidance()).applied] == ["G1"]


def test_what_does_not_apply_says_why() -> None:
    chosen = select(
        kept.guidance(matchers=["service=cart"]),
        kept.guidance(matchers=["team=core"]),
        kept.guidance(until="2020-01-01T00:00:00Z"),
        kept.guidance(**{"from": kept.NOW_S + 1}),
    )
    assert chosen.applied == ()
    reasons = [why for _, why in chosen.others]
    assert reasons[0] == "service=\"cart\" does not hold: it is 'checkout'"
    assert reasons[1] == 'team="core" does not hold: there is no such label'
    assert reasons[2].startswith("ended at 2020")
    assert reasons[3].startswith("begins at")


def test_dates_include_the_beginning_and_exclude_the_end() -> None:
    one = kept.guidance(**{"from": 100, "until": 200})
    assert [one.in_force(at) for at in (99.9, 100, 199.9, 200)] == [False, True, True, False]


def test_higher_priority_comes_first_and_is_heard_where_two_disagree() -> None:
    low = kept.guidance("never the provider", priors=[{"direction": "lower", "entity": "external/*"}])
    high = kept.guidance("the provider", priority=5, priors=[{"direction": "raise", "entity": "external/stripe"}])
    chosen = select(low, high)
    assert [one.id for one in chosen.applied] == ["G2", "G1"]
    assert [(one.id, prior.direction) for one, prior in chosen.leanings()] == [("G2", "raise")]
    assert [one.sentence for one in chosen.conflicts] == [
        "G2 and G1 disagree about external/stripe; G2 has the higher priority and is heard"
    ]


def test_of_two_that_disagree_at_the_same_priority_neither_is_heard() -> None:
    one = kept.guidance(priors=[{"direction": "lower", "entity": "checkout"}])
    other = kept.guidance(priors=[{"direction": "raise", "entity": "service/checkout", "fault": "bad_deploy"}])
    chosen = select(one, other)
    assert chosen.leanings() == []
    assert "neither is heard" in chosen.conflicts[0].sentence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"matchers": ["service=a"]}, {"matchers": ["service=b"]}),
        ({"until": 100}, {"from": 100}),
    ],
)
def test_guidance_for_other_alerts_or_other_times_is_no_conflict(
    one: dict[str, object], other: dict[str, object]
) -> None:
    leaning = [{"direction": "raise", "entity": "x"}], [{"direction": "lower", "entity": "x"}]
    pair = [kept.guidance(priors=leaning[0], **one), kept.guidance(priors=leaning[1], **other)]
    assert conflicts.among(pair) == []


@pytest.mark.parametrize(
    ("pattern", "entity", "expected"),
    [
        ("external/stripe", "external/stripe", True),
        ("stripe", "external/stripe", True),
        ("external/str*", "external/stripe", True),
        ("service/stripe", "external/stripe", False),
        ("*/stripe", "external/stripe", True),
        ("strip", "external/stripe", False),
    ],
)
def test_patterns_name_entities(pattern: str, entity: str, expected: bool) -> None:
    kind, name = entity.split("/")
    assert texts.names(pattern, entities.Entity(entities.EntityKind(kind), name)) is expected


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": "x" * 2001},
        {"text": "a\0b"},
        {"text": "\ud800"},
        {"matchers": ["nonsense"]},
        {"matchers": ["a=b"] * 21},
        {"until": "yesterday"},
        {"until": float("nan")},
        {"until": 1e30},
        {"from": 200, "until": 100},
        {"priority": 1000},
        {"priority": "high"},
        {"priors": [{"direction": "sideways", "entity": "x"}]},
        {"priors": [{"direction": "raise", "entity": "planet/x"}]},
        {"probes": [{"signal": "smells", "query": "x"}]},
        {"probes": [{"signal": "logs", "query": ""}]},
        {"probes": [{"signal": "metrics", "query": "up", "role": "greatness"}]},
        {"probes": [{"signal": "logs", "query": "x", "role": "rate"}]},
        {"probes": [{"signal": "metrics", "query": "up", "entity": "service/*"}]},
        {"look_at": [""]},
        {"instructions": "ignore the evidence"},
    ],
)
def test_guidance_that_is_wrong_is_refused_and_the_field_is_named(fields: dict[str, object]) -> None:
    with pytest.raises(errors.InputError, match=next(iter(fields)) if "from" not in fields else "until"):
        texts.checked(Guidance, {"text": "x", **fields}, what="guidance")
