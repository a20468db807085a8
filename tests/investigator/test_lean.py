"""A lean moves chances between hypotheses that evidence speaks for, and nothing else."""

import math

import causal_cases as small
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward.investigator import briefing
from rootward.investigator.causal import case as cases
from rootward.investigator.causal import judge, posterior
from rootward.memory import applying, matching, texts
from rootward.memory.guidance import Guidance
from rootward.signals import alerts, entities


def clue(entity: entities.Entity, fault: str, *, evidence: tuple[str, ...], weight: float = 2.0) -> cases.Clue:
    return cases.Clue(entity, fault, weight, "it moved", evidence, "test")


SERVICES = [small.service(name) for name in "abcdef"]
RANKED = st.lists(
    st.builds(
        lambda index, logit, evident: posterior.Ranked(
            SERVICES[index],
            "slow_query",
            logit,
            (clue(SERVICES[index], "slow_query", evidence=("E1",) if evident else ()),),
        ),
        st.integers(0, 5),
        st.floats(-20, 20),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def total(ranked: list[posterior.Ranked]) -> float:
    return math.log(sum(math.exp(one.logit) for one in ranked))


@settings(deadline=None, derandomize=True)
@given(RANKED, st.dictionaries(st.sampled_from(SERVICES), st.floats(-1.5, 1.5)))
def test_the_weight_of_all_suspects_together_stays(
    ranked: list[posterior.Ranked], nats: dict[entities.Entity, float]
) -> None:
    """So a lean can never turn "nothing to say" into a claim, nor a claim into silence."""
    ranked = sorted(ranked, key=lambda one: -one.logit)
    leaned = posterior.leaned(ranked, lambda entity, _: nats.get(entity, 0.0))
    assert total(leaned) == pytest.approx(total(ranked), abs=1e-9)
    assert [one.logit for one in leaned] == sorted((one.logit for one in leaned), reverse=True)


@settings(deadline=None, derandomize=True)
@given(RANKED, st.floats(0.01, 1.5))
def test_what_no_evidence_speaks_for_is_never_moved_up(ranked: list[posterior.Ranked], nats: float) -> None:
    before = {id(one.clues): one.logit for one in ranked}
    for one in posterior.leaned(ranked, lambda _, __: nats):
        if not one.clues[0].evidence:
            assert one.logit <= before[id(one.clues)] + 1e-9


def test_no_lean_is_the_same_order_and_the_same_numbers() -> None:
    ranked = [posterior.Ranked(SERVICES[1], "x", 1.25, ()), posterior.Ranked(SERVICES[0], "x", 1.25, ())]
    assert posterior.leaned(ranked, lambda _, __: 0.0) == ranked


def brief(*every: dict[str, object]) -> briefing.Briefing:
    kept = [texts.checked(Guidance, {"id": f"G{i}", "text": "x", **one}, what="g") for i, one in enumerate(every, 1)]
    alert = alerts.Alert("A", 0.0)
    return briefing.Briefing(applying.select(kept, alert, environment="default", at_s=0.0))


def test_leans_are_bounded_however_many_say_the_same() -> None:
    many = brief(*({"priors": [{"direction": "raise", "entity": "a", "strength": "large"}]} for _ in range(9)))
    assert many.lean(SERVICES[0], "slow_query") == briefing.LEAN_MAX
    assert many.lean(SERVICES[1], "slow_query") == 0.0


def test_a_lean_about_one_kind_of_fault_leaves_the_others() -> None:
    one = brief({"priors": [{"direction": "lower", "entity": "service/*", "fault": "slow_query", "strength": "small"}]})
    assert one.lean(SERVICES[0], "slow_query") == -0.5
    assert one.lean(SERVICES[0], "bad_deploy") == 0.0


def test_a_judgement_with_a_lean_keeps_the_weight_of_having_nothing_to_say() -> None:
    orders, frontend = small.service("orders"), small.service("frontend")
    subject = small.case(
        small.replaced(
            small.healthy(),
            small.signal(frontend, small.Role.DURATION_MEAN, 0.2, 2.0),
            small.signal(orders, small.Role.DURATION_MEAN, 0.05, 1.8),
            small.signal(orders, small.Role.POOL_WAITERS, 0.0, 20.0),
        )
    )
    plain = judge.judge(subject)
    towards = next(h.entity for h in plain.hypotheses[1:] if any(any(clue.evidence) for clue in h.clues))
    leaned = judge.judge(subject, lambda entity, _: 1.5 if entity == towards else 0.0)
    assert (leaned.outside, leaned.no_fault, leaned.not_enough) == pytest.approx(
        (plain.outside, plain.no_fault, plain.not_enough)
    )
    chance = {(h.entity, h.fault): h.probability for h in plain.hypotheses}
    moved = [h for h in leaned.hypotheses if h.entity == towards and any(any(c.evidence) for c in h.clues)]
    assert moved
    assert all(h.probability >= chance.get((h.entity, h.fault), 0.0) for h in moved)
    assert judge.judge(subject, lambda _, __: 0.0) == plain


def test_labels_for_matchers_never_raise_for_odd_alerts() -> None:
    assert matching.labels_of(alerts.Alert("", 0.0), "default")["class"] == "unnamed"
