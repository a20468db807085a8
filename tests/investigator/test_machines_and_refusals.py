"""Kinds of fault that a machine, a zone, the operating system or somebody else's gate is behind: told from what merely follows."""

import dataclasses

import causal_cases as small
import numpy as np
import pytest
from causal_cases import Role

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import inherit, judge, loglines, picture
from rootward.investigator.causal.signatures import reading
from rootward.signals import entities, records

FRONTEND, ORDERS, SEARCH = small.service("frontend"), small.service("orders"), small.service("search")
ORDERS_DB = small.database("orders-db")
ZONES = {"m1": "a", "m2": "a", "m3": "b"}
PODS = {"frontend-0": "m3", "orders-0": "m1", "orders-1": "m2", "search-0": "m1"}


def machine(name: str) -> entities.Entity:
    return entities.Entity(entities.EntityKind.NODE, name)


def cluster() -> dict[str, object]:
    """Pods that say nothing about themselves but where they are, and machines with their zones."""
    nodes = [
        records.ClusterObject(
            "Node", name, "", {"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": zone}}}
        )
        for name, zone in ZONES.items()
    ]
    pods = [
        records.ClusterObject("Pod", name, "shop", {"metadata": {"name": name}, "spec": {"nodeName": node}})
        for name, node in PODS.items()
    ]
    owners = {name: small.service(name.partition("-")[0]) for name in PODS}
    return {"objects": {"Node": nodes, "Pod": pods}, "pods_of": owners}


def failing() -> list[cases.Signal]:
    """Orders and search fail, and the frontend with them."""
    found = small.healthy()
    for one, share in ((FRONTEND, 0.3), (ORDERS, 0.3), (SEARCH, 0.25)):
        found = small.replaced(found, small.signal(one, Role.ERROR_RATIO, 0.001, share))
    return found


def first(*signals: cases.Signal, **parts: object) -> tuple[str, str]:
    judgement = judge.judge(small.case(small.replaced(failing(), *signals), **{**cluster(), **parts}))
    top = judgement.hypotheses[0]
    return top.entity.name, top.fault


def resent(name: str, after: float) -> cases.Signal:
    return small.signal(machine(name), Role.NETWORK_RETRANSMITS, 0.07, after)


def said(entity: entities.Entity, text: str, *, pod: str = "", every_s: float = 20.0) -> cases.LogsOf:
    """Quiet chatter all along, and `text` since the onset, from one pod."""
    chatter = [(float(at), f"GET /{n % 7} 200") for n, at in enumerate(np.arange(small.START_S, small.NOW_S, 30.0))]
    lines = [(float(at), text) for at in np.arange(small.ONSET_S + 5.0, small.NOW_S, every_s)]
    logs = small.logs(entity, chatter + lines)
    return dataclasses.replace(logs, lines=dataclasses.replace(logs.lines, streams=[{"pod": pod}] if pod else [{}]))


def test_packets_lost_on_one_machine_are_that_machines() -> None:
    quiet = [resent(name, 0.07) for name in ("m2", "m3")]
    assert first(resent("m1", 120.0), *quiet) == ("m1", "network_loss")


def test_packets_lost_on_all_machines_of_one_zone_are_the_zones() -> None:
    assert first(resent("m1", 120.0), resent("m2", 110.0), resent("m3", 0.07)) == ("a", "zone_outage")


def test_packets_lost_everywhere_are_no_zones() -> None:
    name, fault = first(*(resent(name, 120.0) for name in ZONES))
    assert fault != "zone_outage"
    assert name in ZONES


def test_a_full_table_counts_when_packets_are_dropped_for_it() -> None:
    full = small.signal(machine("m1"), Role.SATURATION, 0.2, 1.0, name="node_nf_conntrack_entries", noise=0.001)
    dropped = small.signal(machine("m1"), Role.OTHER, 0.0, 60.0, name="node_network_receive_drop_total")
    assert first(full, dropped) == ("m1", "conntrack_full")
    spike = [small.signal(one, Role.RATE, 100.0, 400.0) for one in (FRONTEND, ORDERS, SEARCH)]
    assert first(full, *spike) == ("frontend", "traffic_spike")


def test_tokens_from_the_future_come_from_the_machine_whose_clock_is_off() -> None:
    early = "jwt.exceptions.ImmatureSignatureError: The token is not yet valid (nbf)"
    logs = [said(ORDERS, early, pod="orders-0"), said(SEARCH, early, pod="search-0")]
    assert first(logs=logs) == ("m1", "clock_drift")
    spread = [said(ORDERS, early, pod="orders-1"), said(SEARCH, early, pod="search-0")]
    assert first(logs=spread)[1] != "clock_drift"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("accept4: too many open files; retrying in 1s", "fd_exhaustion"),
        ("dial tcp 10.1.2.3:8080: connect: cannot assign requested address", "port_exhaustion"),
        (
            "AccessDeniedException: User arn:aws:sts::1:role/orders is not authorized to perform: s3:GetObject",
            "permission_revoked",
        ),
    ],
)
def test_who_is_refused_by_the_system_is_the_one_who_lacks_it(text: str, fault: str) -> None:
    deploy = records.Change(records.ChangeKind.DEPLOY, small.ONSET_S - 300.0, "Deploy orders 7", "v7", ORDERS)
    assert first(logs=[said(ORDERS, text)], changes=[(deploy, "C1")]) == ("orders", fault)


def test_shared_memory_is_the_databases_even_when_its_client_says_so() -> None:
    text = 'ERROR: could not resize shared memory segment "/PostgreSQL.1" to 8388608 bytes: No space left on device'
    assert first(logs=[said(ORDERS, text)]) == ("orders-db", "shm_exhaustion")


def test_what_was_always_said_names_nothing() -> None:
    text = "accept4: too many open files; retrying in 1s"
    always = [(float(at), text) for at in np.arange(small.START_S, small.NOW_S, 20.0)]
    assert first(logs=[small.logs(ORDERS, always)])[1] != "fd_exhaustion"


def test_a_right_that_was_taken_away_names_the_change() -> None:
    text = "upstream answered 403 Forbidden: AccessDenied"
    change = records.Change(records.ChangeKind.COMMIT, small.ONSET_S - 200.0, "Trim IAM role of orders", "c9")
    judgement = judge.judge(small.case(failing(), **cluster(), logs=[said(ORDERS, text)], changes=[(change, "C1")]))
    assert (judgement.hypotheses[0].fault, judgement.hypotheses[0].change) == ("permission_revoked", "c9")


def test_collections_beyond_what_the_requests_account_for_are_a_storm() -> None:
    slow = small.signal(ORDERS, Role.DURATION_MEAN, 0.05, 2.0)
    pauses = small.signal(ORDERS, Role.GC_TIME, 0.01, 0.8)
    assert first(slow, pauses) == ("orders", "gc_storm")
    more = [small.signal(one, Role.RATE, 100.0, 3000.0) for one in (FRONTEND, ORDERS, SEARCH)]
    assert first(slow, pauses, *more)[1] != "gc_storm"


def test_json_lines_keep_what_they_say() -> None:
    """Masked as quoted values, all lines of a service that logs JSON would be of one template."""
    one = '{"level":50,"time":1774613164550,"msg":"upstream %s responded with status 403","traceId":"470f7ece"}'
    served = '{"level":30,"time":1774613164550,"msg":"GET /carts 200 12ms","traceId":"470f7ece"}'
    assert loglines.template(one % "a") != loglines.template(served)
    assert loglines.template(one % "a").startswith("error upstream")
    assert loglines.template('{"broken": ') != ""


def test_lines_are_counted_by_who_says_them() -> None:
    text = "accept4: too many open files; retrying in 1s"
    subject = small.case(failing(), **cluster(), logs=[said(ORDERS, text, pod="orders-0")])
    heard = reading.spoken(picture.draw(subject), reading.compiled("too many open files"))
    assert [one.entity for one in heard] == [ORDERS]
    assert set(heard[0].pods) == {"orders-0"}
    assert len(heard[0].pods) == heard[0].count


def test_a_cause_reaches_those_whom_its_own_clue_names() -> None:
    """A job that nobody calls took the place of the pods that everybody waits for."""
    job = entities.Entity(entities.EntityKind.SERVICE, "backfill")
    seen = picture.draw(small.case(failing(), **cluster()))
    robbed = cases.Clue(
        job, "pod_preempted", 5.0, "pods of orders were preempted by backfill", ("K1",), "t", victims=(ORDERS,)
    )
    scores = inherit.scores(seen, {ORDERS: 2.0, FRONTEND: 3.0, SEARCH: 0.5}, [robbed])
    assert scores[job] > 2.0
    alone = inherit.scores(seen, {ORDERS: 2.0, FRONTEND: 3.0, SEARCH: 0.5}, [dataclasses.replace(robbed, victims=())])
    assert alone.get(job, 0.0) <= 0.0
