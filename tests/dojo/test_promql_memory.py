"""What an engine remembers changes no answer, no note and no cost: each is what an engine without a past gives."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rootward.dojo.capsule import telemetry
from rootward.dojo.engines.promql import engine, memory, values

TIMES_S = np.arange(0.0, 1800.0, 15.0)
END_S = float(TIMES_S[-1])


def metrics(bounds: tuple[str, ...]) -> telemetry.Metrics:
    labels = tuple({"__name__": "took_bucket", "le": bound, "pod": pod} for pod in "ab" for bound in bounds)
    rows = np.arange(1.0, len(labels) + 1)[:, None] * TIMES_S
    return telemetry.Metrics((telemetry.MetricBlock(TIMES_S, rows, labels),))


def told(one: engine.Engine, query: str, until_s: float | None = None) -> object:
    found = one.range(query, 600.0, END_S, 60.0, until_s=until_s)
    rows = [(series.labels, series.times_ms.tolist(), series.values.tolist()) for series in found.series]
    return repr(rows), found.notes, found.samples


def test_a_remembered_vector_answers_as_a_fresh_one() -> None:
    data = metrics(("0.1", "0.5", "1", "+Inf"))
    old = engine.Engine(data)
    inner = ("sum by (le) (rate(took_bucket[5m]))", "rate(took_bucket[5m])", "rate(took_bucket[5m] offset 1m)")
    for quantile, buckets, until_s in itertools.product((0.5, 0.9, 0.5), inner, (None, 900.0)):
        query = f"histogram_quantile({quantile}, {buckets})"
        assert told(old, query, until_s) == told(engine.Engine(data), query, until_s)


def test_what_had_a_note_has_it_each_time() -> None:
    data = metrics(("0.1", "wide", "+Inf"))
    old = engine.Engine(data)
    for query in ("histogram_quantile(0.5, took_bucket)", "  histogram_quantile(0.9, took_bucket)"):
        again = told(old, query)
        assert again == told(old, query) == told(engine.Engine(data), query)
        assert "malformed" in str(again)


def test_only_so_much_is_remembered() -> None:
    kept = memory.Memory()
    vector = values.empty(3)
    keys = [(str(k), b"", 0, 0, 0, 0) for k in range(memory.ENTRIES + 1)]
    for key in keys:
        kept.put(key, memory.Kept(vector, 1, 1))
    assert kept.get(keys[0]) is None
    assert kept.get(keys[1]) is not None


NAMES = st.sampled_from(["__name__", "job", "pod", "Zone", "le"])
ROWS = st.lists(st.dictionaries(NAMES, st.sampled_from(["", "a", "b", "é"])), max_size=12)


@given(ROWS, ROWS)
def test_sets_of_labels_made_together_are_those_made_one_by_one(first, second) -> None:
    together = values.LabelSets()
    for rows in (first, second):
        assert together.of(rows) == [values.label_set(row) for row in rows]


@given(st.dictionaries(NAMES, st.sampled_from("ab")), NAMES, st.sampled_from(["", "c"]))
def test_one_label_changed_is_the_set_with_that_label(pairs, name, value) -> None:
    assert values.with_label(values.label_set(pairs), name, value) == values.label_set({**pairs, name: value})
