"""The graph: edges know their sources, certainty and age; ways are found; scans keep it fresh and survive whatever back ends do."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import kept
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward import errors
from rootward.apps.report import graph as shown
from rootward.apps.report import graph_layout, graph_page
from rootward.feedback import remembering
from rootward.memory import store
from rootward.memory.graph import model, reading, scan
from rootward.signals import alerts, answers, entities, protocols, records

DAY_S = 86_400.0


def service(name: str) -> model.Node:
    return model.Node("service", name)


def said(
    subject: str, target: str, source: str = "traces", certainty: float = 1.0, relation: str = model.CALLS
) -> model.Sighting:
    return model.Sighting(service(subject), relation, service(target), source, certainty)


def graph(*sightings: model.Sighting) -> model.Graph:
    return model.put_together((one, kept.NOW_S, kept.NOW_S) for one in sightings)


def test_an_edge_is_as_sure_as_its_sources_together_and_its_layer_is_the_best_ones() -> None:
    (edge,) = graph(said("a", "b", "names", 0.3), said("a", "b", "config", 0.7)).edges
    assert edge.certainty == pytest.approx(1 - 0.7 * 0.3)
    assert edge.layer == "declared"
    assert [source.name for source in edge.sources] == ["config", "names"]
    assert graph(said("a", "b", certainty=0.3)).edges[0].layer == "inferred"
    assert graph(said("a", "b", certainty=0.95)).edges[0].layer == "seen"


def test_the_most_certain_way_is_told_not_the_shortest() -> None:
    drawn = graph(said("a", "c", "names", 0.1), said("a", "b"), said("b", "c"))
    way = drawn.path(service("a"), service("c"))
    assert [str(edge.object) for edge, _ in way] == ["service/b", "service/c"]
    assert drawn.path(service("c"), service("a"))[0][1] is False  # against the calls
    assert drawn.path(service("a"), service("zzz")) == []


def test_names_are_found_and_near_ones_suggested() -> None:
    owner = model.Sighting(service("pay"), model.OWNED_BY, model.Node("owner", "pay"), "labels", 0.9)
    drawn = graph(said("pay", "b"), owner)
    assert drawn.find("pay") == service("pay")
    assert drawn.find("owner/pay") == model.Node("owner", "pay")
    with pytest.raises(errors.InputError, match="did you mean"):
        drawn.find("payy")
    two = graph(said("a", "b"), model.Sighting(model.Node("database", "a"), model.CALLS, service("b"), "x", 1.0))
    with pytest.raises(errors.InputError, match="several"):
        two.find("a")


NAMES = st.sampled_from("abcdefgh")
SIGHTINGS = st.lists(
    st.builds(said, NAMES, NAMES, st.sampled_from(["traces", "config", "names"]), st.floats(0.01, 1.0)),
    min_size=1,
    max_size=20,
)


@settings(deadline=None, derandomize=True)
@given(SIGHTINGS, NAMES, NAMES)
def test_a_way_is_made_of_edges_that_follow_each_other(sightings: list[model.Sighting], start: str, goal: str) -> None:
    drawn = graph(*sightings)
    way = drawn.path(service(start), service(goal))
    here = service(start)
    for edge, along in way:
        assert here == (edge.subject if along else edge.object)
        here = edge.object if along else edge.subject
    assert not way or here == service(goal)


@settings(deadline=None, derandomize=True)
@given(SIGHTINGS)
def test_every_node_has_a_place_of_its_own_and_callers_stand_left(sightings: list[model.Sighting]) -> None:
    drawn = graph(*(one for one in sightings if one.subject != one.object))
    pairs = [(edge.subject, edge.object) for edge in drawn.edges]
    layout = graph_layout.lay_out(drawn.nodes, pairs)
    assert set(layout.places) == set(drawn.nodes)
    for (x, y), (other_x, other_y) in itertools.combinations(layout.places.values(), 2):
        assert x != other_x or abs(y - other_y) >= graph_layout.HEIGHT
    rings = any(
        one in drawn.reach(one, model.CALLS)
        or (one in drawn.reach(other, model.CALLS) and other in drawn.reach(one, model.CALLS))
        for one, other in pairs
    )
    if not rings:
        assert all(layout.places[one][0] < layout.places[other][0] for one, other in pairs)


@settings(deadline=None, derandomize=True)
@given(SIGHTINGS)
def test_every_node_that_calls_is_on_the_tree(sightings: list[model.Sighting]) -> None:
    from rich.console import Console

    console = Console(width=200)
    drawn = graph(*sightings)
    with console.capture() as captured:
        shown.tree(drawn, kept.NOW_S, console)
    assert all(str(one) in captured.get() for one in drawn.nodes)


HOSTILE = ['<script>alert("x")</script>', "javascript:alert(1)", 'a" onload="b', "[red]x[/red]", "a/b/c", "𝕌"]


def test_hostile_names_are_text_on_the_page_and_on_the_terminal() -> None:
    from rich.console import Console

    sightings = [said(one, "b") for one in HOSTILE]
    sightings += [
        model.Sighting(service("b"), model.SHOWN_ON, model.Node("dashboard", one), "x", 0.9, one) for one in HOSTILE
    ]
    sightings.append(
        model.Sighting(service("b"), model.SHOWN_ON, model.Node("dashboard", "https://grafana/d/1"), "x", 0.9)
    )
    drawn = graph(*sightings)
    page = graph_page.render(drawn, now_s=kept.NOW_S, about=service("b"))
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert 'href="https://grafana/d/1"' in page
    assert ' onload="' not in page
    console = Console(width=300)
    with console.capture() as captured:
        shown.tree(drawn, kept.NOW_S, console)
    assert all(one in captured.get() for one in HOSTILE)
    assert all(model.node_of_key(one.key) == one for one in drawn.nodes)


def test_a_graph_too_large_to_draw_says_so_and_lists_everything() -> None:
    drawn = graph(*(said(f"s{i}", f"s{i + 1}") for i in range(graph_page.DRAWN_MAX + 5)))
    page = graph_page.render(drawn, now_s=kept.NOW_S)
    assert "Too many nodes" in page
    assert "service/s42" in page


# ---- reading answers


def kube(kind: str, name: str, **body: Any) -> records.ClusterObject:
    return records.ClusterObject(kind, name, "shop", {"metadata": {"name": name, **body.pop("metadata", {})}, **body})


OBJECTS = {
    "Service": [kube("Service", "pay", spec={"selector": {"app": "pay"}}, metadata={"labels": {"team": "money"}})],
    "Deployment": [kube("Deployment", "pay-v2", spec={"template": {"metadata": {"labels": {"app": "pay", "x": "y"}}}})],
    "Pod": [
        kube(
            "Pod",
            f"pay-v2-5b67c48447-mv5h{i}",
            spec={"nodeName": "n1"},
            metadata={"ownerReferences": [{"kind": "ReplicaSet", "name": "pay-v2-5b67c48447"}]},
        )
        for i in range(2)
    ],
    "Ingress": [
        kube(
            "Ingress",
            "in",
            spec={
                "rules": [
                    {"host": "shop.io", "http": {"paths": [{"path": "/p", "backend": {"service": {"name": "pay"}}}]}}
                ]
            },
        )
    ],
}


def told(sightings: Any) -> set[tuple[str, str, str]]:
    return {(str(one.subject), one.relation, str(one.object)) for one in sightings}


def test_objects_tell_workloads_machines_owners_and_routes() -> None:
    assert told(reading.objects(OBJECTS, model.node)) == {
        ("service/pay", model.RUNS_AS, "workload/pay-v2"),
        ("service/pay", model.OWNED_BY, "owner/money"),
        ("workload/pay-v2", model.RUNS_ON, "node/n1"),
        ("external/shop.io", model.ROUTES_TO, "service/pay"),
    }


@pytest.mark.parametrize(
    "wrong",
    [None, 3, "x", [], {"selector": 3}, {"rules": 3}, {"rules": [3]}, {"template": {"metadata": {"labels": [1]}}}],
)
def test_objects_of_odd_shapes_tell_nothing(wrong: Any) -> None:
    odd = {kind: [records.ClusterObject(kind, "x", "", {"spec": wrong, "metadata": wrong})] for kind in scan.KINDS}
    assert list(reading.objects(odd, model.node)) == []


def test_alerts_and_changes_tell_owners_dashboards_runbooks_and_repositories() -> None:
    about = entities.Entity(entities.EntityKind.SERVICE, "pay")
    annotations = {"runbook_url": "https://wiki/pay", "dashboard": "https://grafana/d/1", "grafana_note": "not a link"}
    alert = alerts.Alert(
        "PaySlow", 0.0, labels={"team": "money"}, annotations=annotations, entity=about, source="alertmanager"
    )
    assert told(reading.fired([alert, alerts.Alert("Nobody", 0.0)], model.node)) == {
        ("alert/PaySlow", model.WATCHES, "service/pay"),
        ("service/pay", model.OWNED_BY, "owner/money"),
        ("service/pay", model.SHOWN_ON, "dashboard/https://grafana/d/1"),
        ("alert/PaySlow", model.EXPLAINED_BY, "runbook/https://wiki/pay"),
    }
    deploy = records.Change(records.ChangeKind.DEPLOY, 0.0, "x", entity=about, detail={"repository": "acme/payments"})
    commit = records.Change(records.ChangeKind.COMMIT, 0.0, "x", detail={"repository": "acme/cart-service"})
    assert told(reading.changed([deploy, commit], model.node, [service("cart")])) == {
        ("service/pay", model.BUILT_FROM, "repository/acme/payments"),
        ("service/cart", model.BUILT_FROM, "repository/acme/cart-service"),
    }


# ---- scans


class Stand:
    name = "stand"

    def __init__(self, outcome: answers.Outcome) -> None:
        self._outcome = outcome

    def holds(self, _kind: str) -> bool:
        return True

    def __getattr__(self, method: str) -> Any:
        async def ask(*_: Any, **__: Any) -> answers.Answer[Any]:
            return answers.Answer(self._outcome, "stand", method)

        return ask


@pytest.mark.parametrize(
    "outcome", [o for o in answers.Outcome if o not in (answers.Outcome.OK, answers.Outcome.TRUNCATED)]
)
def test_a_scan_of_back_ends_that_give_nothing_finds_nothing_and_says_what_is_missing(outcome: answers.Outcome) -> None:
    stand: Any = (Stand(outcome),)
    sources = protocols.Sources(stand, stand, stand, stand, stand, stand, stand)
    found = asyncio.run(scan.scan(sources, now_s=kept.NOW_S))
    assert found.sightings == []
    assert bool(found.gaps) is (outcome is not answers.Outcome.NO_DATA)
    assert asyncio.run(scan.scan(protocols.Sources(), now_s=kept.NOW_S)).questions == 0


def test_a_back_end_that_hangs_costs_only_its_own_answers() -> None:
    class Hanging(Stand):
        async def changes(self, *_: Any) -> answers.Answer[Any]:
            await asyncio.sleep(3600)
            raise AssertionError("unreachable")

    hanging: Any = (Hanging(answers.Outcome.FAILED),)
    found = asyncio.run(scan.scan(protocols.Sources(changes=hanging), now_s=kept.NOW_S, deadline_s=0.1))
    assert found.gaps == ["a back end that gave no answer before the deadline"]


def keep(path: Path, *sightings: model.Sighting, days: float = 0.0, environment: str = "prod") -> remembering.Sighted:
    return remembering.sighted(path, environment, sightings, now_s=kept.NOW_S + days * DAY_S)


def test_scans_confirm_add_and_forget(tmp_path: Path) -> None:
    path = tmp_path / "m"
    assert keep(path, said("a", "b"), said("b", "c")) == remembering.Sighted(2, 0, 0)
    assert keep(path, said("a", "b"), said("a", "d"), days=20) == remembering.Sighted(1, 1, 0)
    assert keep(path, said("a", "b"), days=35) == remembering.Sighted(0, 1, 1)  # b → c was last seen 35 days ago
    with store.Memory(path, "prod") as memory:
        drawn = memory.graph()
    assert [(str(e.subject), str(e.object)) for e in drawn.edges] == [
        ("service/a", "service/b"),
        ("service/a", "service/d"),
    ]
    source = drawn.edges[0].sources[0]
    assert (source.first_s, source.last_s) == (kept.NOW_S, kept.NOW_S + 35 * DAY_S)
    with store.Memory(path, "staging") as memory:
        assert memory.graph().edges == []
    assert remembering.forget_graph(path, "staging") == 0
    assert remembering.forget_graph(path, "prod") == 2


def test_past_incidents_are_on_the_graph_until_they_are_struck(tmp_path: Path) -> None:
    path = tmp_path / "m"
    keep(path, model.Sighting(model.Node("service", "a", "shop"), model.CALLS, service("b"), "traces", 1.0))
    finding = {
        "status": "found",
        "summary": "x",
        "root_causes": [{"entity": {"kind": "service", "name": "a"}, "fault": "bad_deploy"}],
    }
    remembering.incident(path, "prod", kept.alert(), finding, now_s=kept.NOW_S)
    with store.Memory(path, "prod") as memory:
        assert ("incident/I1", model.HAPPENED_AT, "service/a") in told(memory.graph().edges)
        assert len(memory.graph().into(model.Node("service", "a", "shop"), model.HAPPENED_AT)) == 1
    remembering.strike(path, "prod", "I1", why="", now_s=kept.NOW_S)
    with store.Memory(path, "prod") as memory:
        assert not any(edge.subject.kind == "incident" for edge in memory.graph().edges)
