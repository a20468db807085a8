"""What is read in columns or all at once reads as one by one would: label sets of a catalogue, tags of spans, odd ones too."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward.connectors.jaeger import model
from rootward.connectors.prometheus import catalogue

VALUES = st.one_of(st.sampled_from("abcdefghijkl"), st.just(7), st.just(None), st.just(["x"]))
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["job", "pod", "le"]), VALUES, max_size=3).flatmap(
        lambda labels: st.sampled_from(["up", "down", 3, None]).map(lambda name: {**labels, "__name__": name})
    ),
    max_size=40,
)


def one_by_one(rows: list[dict[str, Any]]) -> dict[str, tuple[int, dict[str, list[str]]]]:
    found: dict[str, tuple[int, dict[str, list[str]]]] = {}
    for row in rows:
        if not isinstance(row["__name__"], str):
            continue
        count, labels = found.get(row["__name__"], (0, {}))
        for name, value in row.items():
            if name != "__name__" and isinstance(value, str):
                known = labels.setdefault(name, [])
                if value not in known and len(known) < catalogue.EXAMPLES:
                    known.append(value)
        found[row["__name__"]] = (count + 1, labels)
    return found


@given(ROWS)
def test_label_sets_are_counted_and_sampled_as_one_by_one(rows: list[dict[str, Any]]) -> None:
    seen: dict[str, Any] = {}
    catalogue._collect([*rows, "no label set", {"job": "nameless"}], seen)
    read = {
        name: (one.series, {label: list(values) for label, values in one.labels.items()}) for name, one in seen.items()
    }
    assert read == one_by_one(rows)


TAG = {"key": "http.method", "type": "string", "value": "GET"}


@pytest.mark.parametrize(
    ("odd", "extra"),
    [
        ({"key": "error"}, {"error": None}),
        ({"key": 7, "value": "x"}, {}),
        ({"key": ["k"], "value": "x"}, {}),
        ({"value": "nameless"}, {}),
        ("no tag", {}),
        (None, {}),
        ({"key": "list", "value": ["a", "b"]}, {"list": ["a", "b"]}),
    ],
)
def test_an_odd_tag_costs_no_other(odd: Any, extra: dict[str, Any]) -> None:
    span = {"traceID": "a", "spanID": "b", "startTime": 1e15, "duration": 1, "tags": [TAG, odd]}
    rows, warnings = model.rows([{"spans": [span]}])
    assert (rows[0].attributes, warnings) == ({"http.method": "GET", **extra}, ())
