"""Kinds of fault of databases, brokers, consumers and releases: told by what only they show, and not by what they share with others."""

import causal_cases as small
import numpy as np
import pytest
from causal_cases import Role

from rootward.investigator.causal import case as cases
from rootward.investigator.causal import judge
from rootward.signals import entities, records

FRONTEND, ORDERS, SEARCH = small.service("frontend"), small.service("orders"), small.service("search")
ORDERS_DB, JOBS = small.database("orders-db"), entities.Entity(entities.EntityKind.QUEUE, "jobs")
EDGES = small.case([]).edges


def failing() -> list[cases.Signal]:
    """Orders fail, and the frontend with them."""
    ratios = (small.signal(one, Role.ERROR_RATIO, 0.001, 0.3) for one in (FRONTEND, ORDERS))
    return small.replaced(small.healthy(), *ratios)


def first(*signals: cases.Signal, **parts: object) -> tuple[str, str]:
    top = judge.judge(small.case(small.replaced(failing(), *signals), **parts)).hypotheses[0]
    return top.entity.name, top.fault


def said(entity: entities.Entity, text: str, *, since_s: float = small.ONSET_S + 5.0) -> cases.LogsOf:
    chatter = [(float(at), f"GET /{n % 7} 200") for n, at in enumerate(np.arange(small.START_S, small.NOW_S, 30.0))]
    return small.logs(entity, chatter + [(float(at), text) for at in np.arange(since_s, small.NOW_S, 20.0)])


def change(
    kind: records.ChangeKind, entity: entities.Entity, summary: str, **parts: object
) -> tuple[records.Change, str]:
    return records.Change(kind, small.ONSET_S - 200.0, summary, "c1", entity, **parts), "C1"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("speaker", "text", "fault"),
    [
        (ORDERS_DB, "ERROR:  integer out of range STATEMENT:  INSERT INTO lines (id) VALUES ($1)", "integer_overflow"),
        (ORDERS, 'ERROR: nextval: reached maximum value of sequence "lines_id_seq" (2147483647)', "integer_overflow"),
        (ORDERS, "Error 1264 (22003): Out of range value for column 'id' at row 1", "integer_overflow"),
        (ORDERS_DB, "LOG:  selected new timeline ID: 4", "db_failover"),
        (ORDERS, "(NotWritablePrimary) not primary", "db_failover"),
        (ORDERS_DB, "ERROR:  invalid page in block 7 of relation base/16384/1255", "data_corruption"),
        (ORDERS, "[ERROR] InnoDB: Database page corruption on disk or a failed file read of page", "data_corruption"),
    ],
)
def test_what_a_database_says_is_the_databases_whoever_passes_it_on(
    speaker: entities.Entity, text: str, fault: str
) -> None:
    assert first(logs=[said(speaker, text)]) == ("orders-db", fault)


def test_blocks_that_were_unreadable_long_before_it_was_felt_count_and_other_old_words_do_not() -> None:
    bad = "ERROR:  invalid page in block 7 of relation base/16384/1255"
    assert first(logs=[said(ORDERS_DB, bad, since_s=small.START_S)]) == ("orders-db", "data_corruption")
    old = "ERROR:  integer out of range"
    assert first(logs=[said(ORDERS_DB, old, since_s=small.START_S)])[1] != "integer_overflow"


def test_an_operators_failover_event_names_the_database() -> None:
    workload = entities.Entity(entities.EntityKind.WORKLOAD, "orders-db", "shop")
    event = records.Event(small.ONSET_S - 10.0, workload, "FailingOver", "Current primary isn't healthy", True)
    top = judge.judge(small.case(failing(), events=[(event, "K1")])).hypotheses[0]
    assert (top.entity.name, top.fault) == ("orders-db", "db_failover")


def test_a_replicas_lag_is_its_primarys() -> None:
    lag = small.signal(small.database("orders-db-ro"), Role.OTHER, 0.01, 80.0, name="pg_replication_lag_seconds")
    own = small.signal(ORDERS_DB, Role.OTHER, 0.0, 0.0, name="pg_replication_lag_seconds")
    assert first(lag, own) == ("orders-db", "replication_lag")
    little = small.signal(small.database("orders-db-ro"), Role.OTHER, 0.01, 0.9, name="pg_replication_lag_seconds")
    assert first(little, own)[1] != "replication_lag"


def slow_database(took_ms: float, statement: str) -> tuple[str, str]:
    slower = small.signal(ORDERS_DB, Role.DB_STATEMENT_TIME, 0.003, 0.3)
    line = f"LOG:  duration: {took_ms} ms  statement: {statement}"
    cron = records.ClusterObject("CronJob", "nightly-report", "shop", {"metadata": {"name": "nightly-report"}})
    return first(slower, logs=[said(ORDERS_DB, line)], objects={"CronJob": [cron]})


def test_a_batch_is_told_from_a_slow_statement_by_its_own_long_one() -> None:
    assert slow_database(41000.0, "COPY lines TO STDOUT") == ("orders-db", "batch_contention")
    assert slow_database(41000.0, "SELECT sum(n) FROM lines -- nightly-report") == ("orders-db", "batch_contention")
    assert slow_database(300.0, "COPY lines TO STDOUT") == ("orders-db", "slow_query")
    assert slow_database(41000.0, "SELECT sum(n) FROM lines") == ("orders-db", "slow_query")


def test_statements_that_wait_while_nothing_works_wait_for_the_disk() -> None:
    node = entities.Entity(entities.EntityKind.NODE, "m1")
    slower = small.signal(ORDERS_DB, Role.DB_STATEMENT_TIME, 0.003, 0.3)
    load = small.signal(node, Role.OTHER, 2.0, 9.0, name="node_load1")
    pod = records.ClusterObject("Pod", "orders-db-0", "shop", {"spec": {"nodeName": "m1"}})
    placed = {"objects": {"Pod": [pod]}, "pods_of": {"orders-db-0": ORDERS_DB}}
    working = small.signal(ORDERS_DB, Role.CPU_USAGE, 0.2, 1.5)
    assert first(slower, load, **placed) == ("orders-db", "io_storm")
    assert first(slower, load, working, **placed) == ("orders-db", "slow_query")
    assert first(slower, **placed) == ("orders-db", "slow_query")


def test_many_more_statements_for_as_many_requests_are_the_clients() -> None:
    many = small.signal(ORDERS_DB, Role.DB_QUERY_RATE, 100.0, 4000.0)
    slower = small.signal(ORDERS_DB, Role.DB_STATEMENT_TIME, 0.003, 0.05)
    assert first(many, slower) == ("orders", "n_plus_one")
    assert first(small.signal(ORDERS, Role.DB_QUERY_RATE, 100.0, 4000.0), slower) == ("orders", "n_plus_one")
    busy = [small.signal(one, Role.RATE, 100.0, 4000.0) for one in (FRONTEND, ORDERS, SEARCH)]
    assert first(many, slower, *busy)[1] != "n_plus_one"


def test_of_several_clients_the_one_whose_requests_ask_more_often_or_that_was_released() -> None:
    shared = (*EDGES, small.edge(SEARCH, ORDERS_DB))
    many = small.signal(ORDERS_DB, Role.DB_QUERY_RATE, 100.0, 4000.0)
    deploy = change(records.ChangeKind.DEPLOY, SEARCH, "Deploy search 7")
    assert first(many, edges=shared, changes=[deploy]) == ("search", "n_plus_one")
    rows = []
    for n, at in enumerate(np.arange(small.START_S + 9000.0, small.NOW_S, 40.0).tolist()):
        rows.append(small.Span(f"t{n}", f"r{n}", "", "orders", "GET /", at, 0.5, "server"))
        times = 30 if at >= small.ONSET_S else 1
        rows += [small.Span(f"t{n}", f"q{n}.{k}", f"r{n}", "orders", "SELECT", at, 0.002) for k in range(times)]
    assert first(many, edges=shared, changes=[deploy], spans=[small.spans(rows)]) == ("orders", "n_plus_one")


def test_brokers_alarms_and_partitions_are_the_brokers() -> None:
    edges = (*EDGES, small.edge(ORDERS, JOBS))
    alarm = small.signal(JOBS, Role.OTHER, 0.0, 1.0, name="rabbitmq_alarms_memory_used_watermark", noise=0.0)
    assert first(alarm, edges=edges) == ("jobs", "broker_blocked")
    lost = "NOT_FOUND - home node 'rabbit@jobs-2' of durable queue 'mail' in vhost '/' is down or inaccessible"
    assert first(edges=edges, logs=[said(ORDERS, lost)]) == ("jobs", "broker_partition")
    split = "mnesia_event got {inconsistent_database, running_partitioned_network, 'rabbit@jobs-2'}"
    assert first(edges=edges, logs=[said(JOBS, split)]) == ("jobs", "broker_partition")


def test_what_waits_for_a_consumer_is_the_consumers_unless_nobody_reads_it() -> None:
    lag = small.signal(ORDERS, Role.CONSUMER_LAG, 30.0, 9000.0)
    deploy = change(records.ChangeKind.DEPLOY, ORDERS, "Deploy orders 7")
    assert first(lag, changes=[deploy]) == ("orders", "consumer_lag")
    queue = entities.Entity(entities.EntityKind.QUEUE, "mail.orders")
    depth = small.signal(queue, Role.QUEUE_DEPTH, 1.0, 9000.0)
    assert first(depth) == ("orders", "consumer_lag")
    unread = small.signal(queue, Role.REPLICAS_READY, 1.0, 0.0, noise=0.0)
    assert first(depth, unread)[1] != "consumer_lag"


def test_an_answer_that_cannot_be_read_is_the_newly_released_callees() -> None:
    text = "decode response of search: json: cannot unmarshal object into Go struct field Quote.amount of type int64"
    deploy = change(records.ChangeKind.DEPLOY, SEARCH, "Deploy search 7")
    assert first(logs=[said(FRONTEND, text)], changes=[deploy]) == ("search", "version_skew")
    assert first(logs=[said(FRONTEND, text)])[1] != "version_skew"


def test_a_file_that_many_cannot_read_is_the_push_of_it() -> None:
    platform = small.service("platform")
    push = change(records.ChangeKind.CONFIG, platform, "Route /v2 to blue", files={"config/routes.yaml": ""})
    text = "panic: load /etc/routes.yaml: yaml: line 8: did not find expected key"
    everybody = [said(one, text) for one in (FRONTEND, ORDERS, SEARCH)]
    assert first(logs=everybody, changes=[push]) == ("platform", "bad_config")
    assert first(logs=everybody[:2], changes=[push]) != ("platform", "bad_config")


def test_a_limit_that_is_met_by_burning_is_not_the_limits() -> None:
    throttled = small.signal(ORDERS, Role.CPU_THROTTLED, 0.0, 0.9)
    assert first(throttled, small.signal(ORDERS, Role.CPU_USAGE, 0.2, 1.0)) == ("orders", "cpu_overload")
    assert first(throttled, small.signal(ORDERS, Role.CPU_USAGE, 0.5, 0.4)) == ("orders", "cpu_throttling")


def test_requests_that_stop_arriving_at_a_healthy_entry_are_a_drop_unless_its_address_fails() -> None:
    quiet = [small.signal(one, Role.RATE, 100.0, 8.0) for one in (FRONTEND, ORDERS, SEARCH)]
    signals = small.replaced(small.healthy(), *quiet)
    top = judge.judge(small.case(signals)).hypotheses[0]
    assert (top.entity, top.fault) == (FRONTEND, "traffic_drop")
    slow = small.signal(FRONTEND, Role.DURATION_MEAN, 0.2, 4.0)
    waiting = judge.judge(small.case(small.replaced(signals, slow))).hypotheses
    assert all(one.fault != "traffic_drop" for one in waiting)
    door = small.signal(small.external("www.shop.org"), Role.AVAILABILITY, 1.0, 0.2, noise=0.0)
    assert all(one.fault != "traffic_drop" for one in judge.judge(small.case([*signals, door])).hypotheses)
