"""Spans inside processes: they belong to the process of their parent, lie within it, and leave requests and calls as they were."""

import functools

import numpy as np
import pytest

from rootward import _rng
from rootward.dojo import world
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.world import blueprint as bp
from rootward.dojo.world import instrumentation as ins

INTERNAL, SERVER, CLIENT = 0, 2, 3
SEEDS = range(5)


@functools.cache
def spans_of(seed: int) -> tm.Spans:
    scenario, _ = world.build("web-shop", "third_party_slow", seed, hours=1.5, noise="none")
    spans = scenario.telemetry.spans
    assert spans is not None
    return spans


@pytest.mark.parametrize("seed", SEEDS)
def test_inner_spans_lie_within_the_span_they_hang_under_and_in_its_process(seed: int) -> None:
    spans = spans_of(seed)
    row_of = {span: row for row, span in enumerate(spans.span_ids)}
    inner = np.flatnonzero(spans.kind == INTERNAL)
    for row in inner.tolist():
        above = row_of[spans.parent_ids[row]]
        assert spans.process[above] == spans.process[row], f"seed {seed}"
        assert spans.trace_ids[above] == spans.trace_ids[row]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_wraps_calls_is_as_long_as_they_are(seed: int) -> None:
    """A call's span lies within the one it hangs under, but for consumers, and for reactive handlers beside it."""
    spans = spans_of(seed)
    row_of = {span: row for row, span in enumerate(spans.span_ids)}
    begins, ends = spans.start_ns, spans.start_ns + spans.duration_ns
    calls = [row for row in np.flatnonzero(spans.kind == CLIENT).tolist() if spans.parent_ids[row]]
    inside = [
        begins[row] >= begins[row_of[spans.parent_ids[row]]] - 2000
        and ends[row] <= ends[row_of[spans.parent_ids[row]]] + 2000
        for row in calls
    ]
    assert np.mean(inside) > 0.97, f"seed {seed}"


def test_every_server_span_but_the_roots_hangs_under_a_call_of_another_service() -> None:
    for seed in SEEDS:
        spans = spans_of(seed)
        row_of = {span: row for row, span in enumerate(spans.span_ids)}
        for row in np.flatnonzero(spans.kind == SERVER).tolist():
            if spans.parent_ids[row]:
                above = row_of[spans.parent_ids[row]]
                assert spans.kind[above] == CLIENT
                assert spans.processes[spans.process[above]].service != spans.processes[spans.process[row]].service


def test_systems_differ_in_what_they_instrument_and_one_system_does_not() -> None:
    names = [{spans_of(seed).names[k] for k in np.unique(spans_of(seed).name)} for seed in SEEDS]
    assert len({frozenset(found) for found in names}) == len(names)
    again, _ = world.build("web-shop", "third_party_slow", 0, hours=2, noise="none")
    assert again.telemetry.spans is not None
    assert set(again.telemetry.spans.names) == names[0]


def test_a_system_without_habits_has_no_spans_inside() -> None:
    bare = ins.Habits(0.0, 0.0, edge=True)
    service = bp.Component(name="order-history", language="java", routes=(bp.Route("GET", "/orders"),))
    call = bp.Call(
        caller="order-history", callee="orders-db", protocol="sql", operation="SELECT * FROM orders WHERE id = $1"
    )
    for seed in range(20):
        assert ins.client(service, call, bare, _rng.stream(seed, "c")) == (ins.NOTHING, ins.NOTHING)


def test_recipes_name_code_after_the_component_and_its_tables() -> None:
    full = ins.Habits(1.0, 1.0, edge=True)
    service = bp.Component(name="order-history", language="java", routes=(bp.Route("GET", "/orders"),))
    call = bp.Call(
        caller="order-history",
        callee="orders-db",
        protocol="sql",
        operation="SELECT * FROM orders WHERE customer_id = $1",
    )
    found = {one.name for seed in range(20) for one in ins.server(service, full, _rng.stream(seed, "s")).spans}
    assert any(name.startswith("OrderHistoryController.") for name in found)
    around, _ = ins.client(service, call, full, _rng.stream(0, "c"))
    assert around.spans[0].name == "OrderRepository.findByCustomerId"
    assert around.spans[around.holder].wraps
