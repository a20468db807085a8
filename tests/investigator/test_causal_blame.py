"""Who owns the trouble: names folded, the graph, explaining away, spans and logs."""

import causal_cases as small
import numpy as np
from causal_cases import Role, Span
from hypothesis import given
from hypothesis import strategies as st

from rootward.investigator.causal import calls, flow, graph, homes, loglines, novelty, picture, spans
from rootward.signals import entities, records


def blamed(subject: object) -> dict[str, float]:
    seen = picture.draw(subject)  # type: ignore[arg-type]
    kept = flow.blame(seen.graph, flow.pains(seen.by_role, flow.LATENCY), seen.rates, seen.alerted)
    return {entity.name: amount for entity, amount in kept.items()}


def test_a_caller_keeps_only_what_its_callee_does_not_account_for() -> None:
    slow = small.replaced(
        small.healthy(),
        small.signal(small.service("frontend"), Role.DURATION_MEAN, 0.2, 0.6),
        small.signal(small.service("orders"), Role.DURATION_MEAN, 0.05, 0.45),
    )
    kept = blamed(small.case(slow))
    assert max(kept, key=lambda name: kept[name]) == "orders"
    assert kept["orders"] > 0.8


def test_a_slow_service_with_healthy_callees_keeps_its_own_blame() -> None:
    slow = small.replaced(small.healthy(), small.signal(small.service("frontend"), Role.DURATION_MEAN, 0.2, 0.6))
    assert blamed(small.case(slow))["frontend"] > 0.9


def test_what_is_kept_sums_to_one_whatever_the_graph() -> None:
    ring = [small.edge(small.service(a), small.service(b)) for a, b in (("frontend", "orders"), ("orders", "frontend"))]
    slow = small.replaced(
        small.healthy(),
        small.signal(small.service("frontend"), Role.DURATION_MEAN, 0.2, 0.6),
        small.signal(small.service("orders"), Role.DURATION_MEAN, 0.05, 0.45),
    )
    assert abs(sum(blamed(small.case(slow, edges=tuple(ring))).values()) - 1.0) < 1e-6


def test_a_clients_view_of_a_host_is_no_owner_beside_the_service_behind_it() -> None:
    host = small.external("internal-orders-123.eu-west-1.elb.amazonaws.com")
    slow = small.replaced(
        small.healthy(),
        small.signal(small.service("frontend"), Role.DURATION_MEAN, 0.2, 0.6),
        small.signal(small.service("orders"), Role.DURATION_MEAN, 0.05, 0.45),
        small.signal(host, Role.DURATION_MEAN, 0.05, 0.5, observer=small.service("frontend")),
    )
    kept = blamed(small.case(slow))
    assert kept.get("orders", 0.0) > 5 * kept.get(host.name, 0.0)


def test_pods_and_workloads_fold_into_their_service() -> None:
    pod = entities.Entity(entities.EntityKind.POD, "orders-5d4f8c7b9-x2x9z")
    subject = small.case(small.healthy(), pods_of={pod.name: small.service("orders")})
    folded = homes.fold(subject)
    assert folded.of(pod) == small.service("orders")
    assert folded.of(entities.Entity(entities.EntityKind.WORKLOAD, "orders")) == small.service("orders")
    assert folded.of(small.service("orders-db")) == small.database("orders-db")
    assert folded.of(entities.edge("frontend", "orders")) == small.service("orders")


def test_the_path_leads_from_the_cause_up_to_the_alert() -> None:
    subject = small.case(small.healthy())
    known = graph.build(subject, homes.fold(subject))
    names = [one.name for one in known.path(small.database("orders-db"), small.service("frontend"))]
    assert names == ["orders-db", "orders", "frontend"]
    assert known.path(small.external("elsewhere"), small.service("frontend")) == ()


def test_self_time_leaves_out_the_union_of_children() -> None:
    rows = [
        Span("t", "a", "", "frontend", "GET /", 0.0, 1.0),
        Span("t", "b", "a", "frontend", "one", 0.1, 0.4),
        Span("t", "c", "a", "frontend", "two", 0.3, 0.4),
        Span("t", "d", "c", "orders", "serve", 0.35, 0.2),
    ]
    table = spans.table(small.case([], spans=(small.spans(rows),)))
    assert table is not None
    assert np.allclose(table.self_s, [0.4, 0.4, 0.2, 0.2])
    assert table.client.tolist() == [False, False, True, False]


def traced(*, slow: str = "", slow_way: str = "") -> list[Span]:
    """A trace every ten seconds: frontend calls orders and search; after the onset one of them works, or is reached, slower."""
    rows = []
    for number, start_s in enumerate(np.arange(small.NOW_S - 3600.0, small.NOW_S, 10.0).tolist()):
        late = start_s >= small.ONSET_S
        trace, at_s = f"t{number}", start_s
        wobble = 0.001 * (number % 7)
        rows.append(Span(trace, "root", "", "frontend", "GET /", start_s, 2.0 + wobble))
        for callee in ("orders", "search"):
            work = 0.05 + wobble + (0.3 if late and slow == callee else 0.0)
            way = 0.004 + (0.3 if late and slow_way == callee else 0.0)
            rows.append(Span(trace, f"c-{callee}", "root", "frontend", f"call {callee}", at_s, work + way, "client"))
            rows.append(Span(trace, f"s-{callee}", f"c-{callee}", callee, "serve", at_s + way / 2, work, "server"))
            at_s += work + way
    return rows


def family(name: str, rows: list[Span]) -> dict[str, float]:
    seen = picture.draw(small.case([], spans=(small.spans(rows),)))
    votes = {one.family: one for one in calls.votes(seen)}
    return {entity.name: share for entity, share in votes[name].shares().items()} if name in votes else {}


def test_slow_code_and_a_slow_network_are_told_apart() -> None:
    assert family("work", traced(slow="orders"))["orders"] > 0.9
    assert family("way", traced(slow_way="search"))["search"] > 0.9
    assert family("work", traced(slow_way="search")).get("search", 0.0) < 0.5


def spoken(
    name: str, *, every_s: float, texts: tuple[str, ...], until_s: float = small.NOW_S
) -> list[tuple[float, str]]:
    times = np.arange(small.NOW_S - 3600.0, until_s, every_s).tolist()
    return [(time_s, f"{text} id={int(time_s)}") for time_s in times for text in texts]


def test_half_the_traffic_is_no_fault_and_a_missing_step_is() -> None:
    """Search gets half of its requests (its callers send less); orders serves as many, and no longer says that it stored them."""
    half = spoken("search", every_s=2.0, texts=("query received", "query answered"), until_s=small.ONSET_S)
    half += [
        (time_s, f"{text} id={int(time_s)}")
        for time_s in np.arange(small.ONSET_S, small.NOW_S, 4.0).tolist()
        for text in ("query received", "query answered")
    ]
    orders = spoken("orders", every_s=2.0, texts=("order received",))
    orders += spoken("orders", every_s=2.0, texts=("order stored",), until_s=small.ONSET_S)
    subject = small.case(
        small.replaced(small.healthy(), small.signal(small.service("frontend"), Role.ERROR_RATIO, 0.001, 0.3)),
        logs=(small.logs(small.service("search"), half), small.logs(small.service("orders"), orders)),
    )
    seen = picture.draw(subject)
    (vote,) = novelty.votes(seen)
    shares = {entity.name: share for entity, share in vote.shares().items()}
    assert shares["orders"] > 0.9
    assert any("stopped logging" in clue.sentence for clue in vote.clues)


@given(st.text(max_size=400))
def test_any_line_has_a_template_that_is_its_own_template(line: str) -> None:
    once = loglines.template(line)
    assert len(once) <= loglines.TEMPLATE_MAX
    assert loglines.template(line) == once


def test_lines_that_differ_in_values_share_a_template() -> None:
    one = "12:00:01 INFO paid order 8cf22d37-bb81-4609-a39e-4495b0646c6a in 12 ms for user=anna"
    other = "12:07:55 INFO paid order 0b23bd3e-876a-4af3-b920-c50a90c90b04 in 340 ms for user=otto"
    assert loglines.template(one) == loglines.template(other)
    assert loglines.template(one) != loglines.template(one.replace("paid", "refused"))


def test_a_batch_without_spans_or_with_orphans_does_no_harm() -> None:
    assert spans.table(small.case([])) is None
    orphan = [Span("t", "a", "gone", "orders", "x", 0.0, 1.0), Span("t", "b", "b", "orders", "loops", 0.0, 1.0)]
    table = spans.table(small.case([], spans=(small.spans(orphan),)))
    assert table is not None
    assert table.parent.tolist() == [-1, -1]
    assert calls.votes(picture.draw(small.case([], spans=(small.spans(orphan),)))) == []
    assert isinstance(records.LogBatch, type)


def test_a_target_that_cannot_be_scraped_is_no_pain() -> None:
    """`up` says of the watcher as much as of the watched."""
    lost = small.signal(small.service("orders"), small.Role.AVAILABILITY, 1.0, 0.0, name="up", noise=0.0)
    named = small.signal(small.service("orders"), small.Role.AVAILABILITY, 1.0, 0.0, name="slo_availability", noise=0.0)
    unseen, felt = (picture.draw(small.case([one])) for one in (lost, named))
    assert not flow.pains(unseen.by_role, flow.ERRORS)
    assert flow.pains(felt.by_role, flow.ERRORS)
