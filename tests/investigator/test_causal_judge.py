"""The judgement as a whole: what a fault looks like across signals, what explains what, and what is not known."""

import dataclasses
import math

import causal_cases as small
import numpy as np
import pytest
from causal_cases import Role
from hypothesis import given
from hypothesis import strategies as st

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import judge, posterior, vote
from rootward.signals import entities

FRONTEND, ORDERS, SEARCH = small.service("frontend"), small.service("orders"), small.service("search")
ORDERS_DB = small.database("orders-db")


def suffering() -> list[cases.Signal]:
    """Frontend waits for orders; nobody says yet why orders is slow."""
    return small.replaced(
        small.healthy(),
        small.signal(FRONTEND, Role.DURATION_MEAN, 0.2, 2.0),
        small.signal(ORDERS, Role.DURATION_MEAN, 0.05, 1.8),
    )


def first(*signals: cases.Signal, **parts: object) -> tuple[str, str]:
    judgement = judge.judge(small.case(small.replaced(suffering(), *signals), **parts))
    top = judgement.hypotheses[0]
    return top.entity.name, top.fault


def lock_waits() -> cases.Signal:
    return small.signal(ORDERS_DB, Role.DB_LOCK_WAITS, 0.0, 14.0)


def slow_statement() -> cases.Signal:
    return small.signal(ORDERS_DB, Role.DB_STATEMENT_TIME, 0.003, 0.9)


def pool_waiters() -> cases.Signal:
    return small.signal(ORDERS, Role.POOL_WAITERS, 0.0, 20.0)


def test_each_store_fault_is_told_from_its_imitations() -> None:
    assert first(pool_waiters()) == ("orders", "pool_exhaustion")
    assert first(pool_waiters(), slow_statement()) == ("orders-db", "slow_query")
    assert first(pool_waiters(), slow_statement(), lock_waits()) == ("orders-db", "lock_contention")


def test_a_lost_cache_explains_the_flood_behind_it() -> None:
    cache = entities.Entity(entities.EntityKind.CACHE, "orders-cache")
    edges = (*small.case([]).edges, small.edge(ORDERS, cache))
    lost = small.signal(cache, Role.CACHE_HIT_RATIO, 0.95, 0.2, noise=0.01)
    assert first(lost, slow_statement(), pool_waiters(), edges=edges) == ("orders-cache", "cache_loss")


def test_throttling_without_more_traffic_is_the_limits_fault() -> None:
    assert first(small.signal(ORDERS, Role.CPU_THROTTLED, 0.0, 0.9)) == ("orders", "cpu_throttling")


def test_more_requests_at_the_door_explain_what_gives_way_behind_it() -> None:
    spike = [small.signal(one, Role.RATE, 100.0, 400.0) for one in (FRONTEND, ORDERS, SEARCH)]
    throttled = small.signal(ORDERS, Role.CPU_THROTTLED, 0.0, 0.6)
    busy = small.signal(ORDERS, Role.CPU_USAGE, 0.5, 1.0)
    assert first(*spike, throttled, busy) == ("frontend", "traffic_spike")


def test_a_third_party_is_seen_by_its_clients_only() -> None:
    bank = small.external("api.bank.example")
    edges = (*small.case([]).edges, small.edge(ORDERS, bank))
    slow = small.signal(bank, Role.DURATION_MEAN, 0.1, 1.8, observer=ORDERS)
    assert first(slow, edges=edges) == ("api.bank.example", "third_party_slow")


def test_a_certificate_expires_where_its_clients_fail() -> None:
    left = small.signal(ORDERS, Role.TLS_EXPIRY, 0.0)
    left = dataclasses.replace(left, values=small.ONSET_S - left.times_s)
    failing = small.signal(ORDERS, Role.ERROR_RATIO, 0.001, 0.6, observer=FRONTEND)
    assert first(left, failing) == ("orders", "certificate_expiry")


def test_memory_that_climbs_until_the_container_is_killed_is_a_leak() -> None:
    climbing = small.signal(ORDERS, Role.MEMORY_USAGE, 1e9)
    ramp = np.clip((climbing.times_s - small.START_S) / (small.NOW_S - small.START_S), 0.0, 1.0)
    climbing = dataclasses.replace(climbing, values=1e9 * (1.0 + ramp))
    killed = small.signal(ORDERS, Role.OTHER, 0.0, 1.0, name="terminated", detail={"reason": "OOMKilled"})
    assert first(climbing, killed) == ("orders", "memory_leak")


def test_names_that_do_not_resolve_are_the_resolvers() -> None:
    resolver = small.service("coredns")
    assert first(small.signal(resolver, Role.DNS_ERRORS, 0.0, 9.0)) == ("coredns", "dns_failure")


def test_nothing_known_is_not_enough_evidence() -> None:
    judgement = judge.judge(small.case([], edges=()))
    assert judgement.not_enough > 0.9
    assert all(one.probability < 0.1 for one in judgement.hypotheses)


def test_a_healthy_system_names_nobody() -> None:
    judgement = judge.judge(small.case(small.healthy()))
    assert judgement.no_fault > 0.5
    assert judgement.hypotheses[0].probability < 0.2


def test_a_judgement_is_the_same_twice_and_in_any_order() -> None:
    signals = small.replaced(suffering(), slow_statement(), lock_waits())
    subject = small.case(signals)
    turned = dataclasses.replace(subject, signals=tuple(reversed(signals)), edges=tuple(reversed(subject.edges)))

    def told(one: cases.Case) -> list[tuple[str, str, float]]:
        return [(str(h.entity), h.fault, round(h.probability, 9)) for h in judge.judge(one).hypotheses]

    assert told(subject) == told(subject)
    assert told(turned)[:3] == told(subject)[:3]


def test_every_probability_is_one_and_its_interval_holds_it() -> None:
    judgement = judge.judge(small.case(small.replaced(suffering(), slow_statement())))
    total = sum(one.probability for one in judgement.hypotheses)
    assert total + judgement.outside + judgement.no_fault + judgement.not_enough <= 1.0 + 1e-9
    for one in judgement.hypotheses:
        assert 0.0 <= one.low <= one.probability <= one.high <= 1.0
        assert all(clue.sentence and all(clue.evidence) for clue in one.clues)
    assert [one.name for one in judgement.hypotheses[0].path] == ["orders-db", "orders", "frontend"]


@given(
    st.lists(st.floats(-20, 20), max_size=12),
    st.floats(-20, 20),
    st.floats(-20, 20),
    st.floats(-20, 20),
)
def test_hypotheses_and_nulls_share_one(
    logits: list[float], outside: float, no_fault: float, not_enough: float
) -> None:
    ranked = [posterior.Ranked(small.service(f"s{i}"), "unknown", logit, ()) for i, logit in enumerate(logits)]
    chances, ends = posterior.probabilities(ranked, posterior.Nulls(outside, no_fault, not_enough))
    assert math.isclose(sum(chances) + sum(ends), 1.0, abs_tol=1e-9)


def test_a_family_that_trusts_itself_in_nothing_says_nothing() -> None:
    suspects = [ORDERS, SEARCH]
    assert vote.pool([vote.Vote("x", {ORDERS: 5.0}, 0.0)], suspects) == {ORDERS: 0.0, SEARCH: 0.0}
    pooled = vote.pool([vote.Vote("x", {ORDERS: 5.0}, 0.8)], suspects)
    assert pooled[ORDERS] > 0 > pooled[SEARCH]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e300, 1e300])
def test_numbers_that_lie_do_not_break_a_judgement(value: float) -> None:
    lying = small.signal(ORDERS, Role.CPU_USAGE, 0.5)
    values = lying.values.copy()
    values[::7] = value
    judgement = judge.judge(small.case(small.replaced(suffering(), dataclasses.replace(lying, values=values))))
    assert judgement.hypotheses
    assert all(math.isfinite(one.probability) for one in judgement.hypotheses)
