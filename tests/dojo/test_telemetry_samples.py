"""Samples in half the space are the same samples: exact or not narrowed at all, markers kept, and a large world is served alike."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rootward.dojo import world
from rootward.dojo.capsule import telemetry as tm
from rootward.dojo.engines.promql import engine
from rootward.dojo.world.exporters import sheet

_VALUES = st.one_of(
    st.floats(), st.integers(0, 2**25).map(float), st.sampled_from([float("nan"), float("inf"), 1e300, 0.1])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_VALUES, st.booleans()), min_size=1, max_size=8))
@example([(float("nan"), False), (1.0, True)])
@example([(2.0**24 + 1, False)])
def test_narrow_samples_are_the_same_samples(rows: list[tuple[float, bool]]) -> None:
    values = tm.absent_to_stale(np.array([[value for value, _ in rows]]), np.array([[gone for _, gone in rows]]))
    narrow = tm.narrow(values)
    assert tm.is_stale(narrow).tolist() == [[gone for _, gone in rows]]
    assert tm.wide(narrow).tobytes() == values.tobytes()


def test_whole_numbers_are_narrowed_up_to_the_limit() -> None:
    assert tm.narrow(np.array([[1.0, tm.NARROW_MAX]])).dtype == np.float32
    assert tm.narrow(np.array([[1.0, tm.NARROW_MAX + 1]])).dtype == np.float64


def test_a_large_world_holds_the_samples_that_a_small_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = world.build("generated", "memory_leak", 1, services=5, hours=1.5)[0].telemetry
    monkeypatch.setattr(sheet, "NARROW_FROM", 0)
    tight = world.build("generated", "memory_leak", 1, services=5, hours=1.5)[0].telemetry
    assert {block.values.dtype for block in plain.metrics.blocks} == {np.dtype(np.float64)}
    assert np.dtype(np.float32) in {block.values.dtype for block in tight.metrics.blocks}
    assert _rows(tight) == _rows(plain)
    assert sum(_room(block.values) for block in tight.metrics.blocks) < 0.7 * sum(
        _room(block.values) for block in plain.metrics.blocks
    )
    first, second = engine.Engine(plain.metrics), engine.Engine(tight.metrics)
    for query in (
        "sum by (pod) (rate(container_network_receive_bytes_total[2m]))",
        "container_spec_memory_limit_bytes",
    ):
        one, two = (promql.range(query, plain.start_s, plain.end_s, 60.0) for promql in (first, second))
        assert [(s.labels, s.values.tobytes()) for s in one.series] == [
            (s.labels, s.values.tobytes()) for s in two.series
        ]
        assert one.series


def _rows(telemetry: tm.Telemetry) -> dict[tuple[object, ...], bytes]:
    found: dict[tuple[object, ...], bytes] = {}
    for block in telemetry.metrics.blocks:
        for labels, row in zip(block.labels, tm.wide(block.values), strict=True):
            found[(*sorted(labels.items()), float(block.times_s[0]))] = row.tobytes()
    return found


def _room(values: tm.Samples) -> int:
    return values.nbytes if values.strides[1] else len(values) * 8
