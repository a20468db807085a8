"""Topology: edges from spans, lines, cluster objects and names; merged with their certainty."""

import numpy as np
import pytest

from rootward.signals import entities, measuring, records, topology
from rootward.signals.roles.role import Role

Kind = entities.EntityKind


def spans(*rows: tuple[str, str, str, str, dict]) -> records.SpanBatch:
    """(span, parent, service, kind, attributes)"""
    count = len(rows)
    return records.SpanBatch(
        trace_id=["t"] * count,
        span_id=[row[0] for row in rows],
        parent_id=[row[1] for row in rows],
        service=[row[2] for row in rows],
        instance=[""] * count,
        operation=["op"] * count,
        kind=[row[3] for row in rows],
        start_s=np.zeros(count),
        duration_s=np.ones(count),
        error=[False] * count,
        attributes=[row[4] for row in rows],
    )


def pairs(edges) -> set[tuple[str, str]]:
    return {(str(edge.caller), str(edge.callee)) for edge in edges}


def test_a_child_in_another_service_is_a_call() -> None:
    found = topology.from_spans(
        spans(
            ("1", "", "web", "server", {}),
            ("2", "1", "web", "client", {"server.address": "cart:8080"}),
            ("3", "2", "cart", "server", {}),
            ("4", "3", "cart", "internal", {}),
        )
    )
    assert pairs(found) == {("service/web", "service/cart")}
    assert found[0].weight == 1.0
    assert found[0].source == "traces"


@pytest.mark.parametrize(
    ("attributes", "callee"),
    [
        ({"db.system": "postgresql", "server.address": "orders-db.shop.svc:5432"}, "database/orders-db"),
        ({"db.system.name": "redis", "net.peer.name": "session-cache"}, "cache/session-cache"),
        ({"db.system": "mysql", "db.name": "orders"}, "database/orders"),
        ({"messaging.system": "kafka", "messaging.destination.name": "order-events"}, "queue/order-events"),
        ({"peer.service": "billing"}, "service/billing"),
        ({"url.full": "https://api.stripe.com/v1/charges"}, "external/api.stripe.com"),
        ({"faas.invoked_name": "resize"}, "function/resize"),
    ],
)
def test_a_client_span_says_whom_it_calls(attributes: dict, callee: str) -> None:
    assert pairs(topology.from_spans(spans(("1", "", "web", "client", attributes)))) == {("service/web", callee)}


def test_a_client_span_to_an_address_of_no_name_is_no_edge() -> None:
    attributes = {"server.address": "10.0.0.9"}
    assert topology.from_spans(spans(("1", "", "web", "client", attributes), ("2", "gone", "cart", "server", {}))) == ()


def line(role: Role, value: float, caller: str | None = "web", callee: str = "cart") -> measuring.Line:
    observer = None if caller is None else entities.Entity(Kind.SERVICE, caller)
    entity = entities.Entity(Kind.SERVICE, callee)
    return measuring.Line(entity, role, "m", np.arange(3.0), np.full(3, value), observer=observer)


def test_measured_calls_are_edges_with_their_rate() -> None:
    found = topology.from_lines([line(Role.RATE, 5.0), line(Role.DURATION_P99, 0.1), line(Role.RATE, 9.0, caller=None)])
    assert [(edge.weight, edge.source) for edge in found] == [(5.0, "metrics")]


def test_an_edge_without_calls_is_none() -> None:
    assert topology.from_lines([line(Role.RATE, 0.0)]) == ()


def obj(kind: str, name: str, body: dict, namespace: str = "shop") -> records.ClusterObject:
    return records.ClusterObject(kind, name, namespace, body)


def workload(name: str, container: dict, labels: dict | None = None, **pod: object) -> records.ClusterObject:
    template = {"metadata": {"labels": labels or {}}, "spec": {"containers": [container], **pod}}
    return obj("Deployment", name, {"spec": {"template": template}})


SERVICES = [obj("Service", name, {"spec": {}}) for name in ("cart", "catalog", "mail")] + [
    obj("Service", "bank", {}, "finance")
]


@pytest.mark.parametrize(
    ("value", "callees"),
    [
        ("cart:8080", {"cart"}),
        ("http://catalog.shop.svc.cluster.local:80/api", {"catalog"}),
        ("cart,catalog", set()),
        ("postgres://user:x@cart/db", {"cart"}),
        ("cart", {"cart"}),
        ("bank.finance", {"bank"}),
        ("bank:80", set()),  # of another namespace, so not reached by its bare name
        ("we cart things about", set()),
        ("", set()),
    ],
)
def test_values_that_name_a_service_as_a_host_are_edges(value: str, callees: set[str]) -> None:
    web = workload("web", {"env": [{"name": "X", "value": value}]})
    found = topology.from_objects({"Service": SERVICES, "Deployment": [web]})
    assert {edge.callee.name for edge in found} == callees
    assert {edge.source for edge in found} <= {"config"}


def test_config_maps_that_a_workload_reads_are_searched_too() -> None:
    container = {
        "envFrom": [{"configMapRef": {"name": "all"}}],
        "env": [{"name": "M", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "mail"}}}],
    }
    web = workload("web", container, volumes=[{"configMap": {"name": "files"}}])
    configs = [
        obj("ConfigMap", "all", {"data": {"CART": "http://cart:80"}}),
        obj("ConfigMap", "one", {"data": {"mail": "mail:25", "other": "catalog:80"}}),
        obj("ConfigMap", "files", {"data": {"app.yaml": "catalog:\n  url: http://catalog:8080\n"}}),
        obj("ConfigMap", "unread", {"data": {"x": "bank.finance:1"}}),
    ]
    found = topology.from_objects({"Service": SERVICES, "Deployment": [web], "ConfigMap": configs})
    assert {edge.callee.name for edge in found} == {"cart", "mail", "catalog"}


def test_a_deployments_replica_sets_are_no_callers_of_their_own() -> None:
    web = workload("web", {"env": [{"name": "X", "value": "cart:80"}]})
    owned = {**web.body, "metadata": {"ownerReferences": [{"kind": "Deployment", "name": "web"}]}}
    old = obj("ReplicaSet", "web-7d9c6b5f4", owned)
    found = topology.from_objects({"Service": SERVICES, "Deployment": [web], "ReplicaSet": [old]})
    assert pairs(found) == {("service/web", "service/cart")}
    alone = topology.from_objects({"Service": SERVICES, "ReplicaSet": [obj("ReplicaSet", "solo", web.body)]})
    assert pairs(alone) == {("service/solo", "service/cart")}


def test_a_service_leads_to_the_workload_that_it_selects() -> None:
    objects = {
        "Service": [
            obj("Service", "shop-front", {"spec": {"selector": {"app": "web"}}}),
            obj("Service", "web", {"spec": {"selector": {"app": "web"}}}),
        ],
        "Deployment": [workload("web", {}, {"app": "web", "tier": "x"}), workload("cart", {}, {"app": "cart"})],
    }
    assert pairs(topology.from_objects(objects)) == {("service/shop-front", "service/web")}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"spec": None},
        {"spec": {"template": "x"}},
        {"spec": {"template": {"spec": {"containers": [None, 3, {"env": {"a": 1}}]}}}},
    ],
)
def test_objects_out_of_shape_are_no_edges(body: dict) -> None:
    assert topology.from_objects({"Service": SERVICES, "Deployment": [obj("Deployment", "web", body)]}) == ()


def test_stores_belong_to_the_service_whose_name_they_carry() -> None:
    known = [entities.Entity(Kind.SERVICE, name) for name in ("carts", "carts-db", "orders", "front-end")]
    known.append(entities.Entity(Kind.DATABASE, "orders-mysql"))
    assert pairs(topology.from_names(known)) == {
        ("service/carts", "service/carts-db"),
        ("service/orders", "database/orders-mysql"),
    }


def edge(
    caller: str, callee: str, source: str, certainty: float, weight: float | None = None, kind: Kind = Kind.SERVICE
):
    return records.TopologyEdge(
        entities.Entity(Kind.SERVICE, caller), entities.Entity(kind, callee), source, weight, certainty
    )


def test_sources_that_agree_make_an_edge_more_certain() -> None:
    (found,) = topology.merge(
        [
            edge("web", "cart", "config", 0.7),
            edge("web", "cart", "metrics", 0.5, 3.0),
            edge("web", "cart", "config", 0.7),
        ]
    )
    assert found.certainty == pytest.approx(1 - 0.3 * 0.5)
    assert found.source == "config+metrics"
    assert found.weight == 3.0


def test_spellings_and_kinds_of_one_thing_become_one_node() -> None:
    found = topology.merge(
        [edge("Web", "orders-db", "config", 0.7), edge("web", "orders_db", "traces", 1.0, 2.0, Kind.DATABASE)]
    )
    assert len(found) == 1
    assert found[0].callee.kind is Kind.DATABASE


def test_nothing_calls_itself_after_folding() -> None:
    assert topology.merge([edge("cart", "cart-service", "names", 0.3)]) == ()


def test_the_order_of_edges_does_not_matter() -> None:
    edges = [
        edge("a", "b", "config", 0.7),
        edge("a", "c", "traces", 1.0, 1.0),
        edge("b", "c", "names", 0.3),
        edge("a", "b", "metrics", 0.9, 2.0),
    ]
    assert topology.merge(edges) == topology.merge(edges[::-1])
