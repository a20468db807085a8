"""A run's file: what is written is what is read, torn ends are passed over, anything else is refused by name."""

import dataclasses
import json

import hypothesis
import hypothesis.strategies as st
import pytest

from rootward import errors
from rootward.evals import records

text = st.text(max_size=12)
finite = st.floats(0, 1e6)
rows = st.builds(
    records.Row,
    scenario=text,
    scores=st.fixed_dictionaries({}, optional={"right": st.floats(0, 1), "onset": finite, "later": finite}),
    segments=st.dictionaries(text, text, max_size=3),
    repeat=st.integers(0, 9),
    perturbation=text,
    status=text,
    failure=text,
    verdict=text,
    evidence=st.lists(text, max_size=3).map(tuple),
    confidence=st.none() | st.floats(0, 1),
    right=st.none() | st.booleans(),
    seconds=finite,
    probes=st.integers(0, 1000),
    cost=finite,
    detail=st.dictionaries(text, st.none() | st.integers() | text, max_size=2),
)
RUN = records.Run(
    suite="standard",
    digest="sha256:ab",
    subject="embedded",
    version="0.2.0",
    started="2026-08-04T14:18:43Z",
    seed=7,
    measures=(
        records.Measure("right", "names the cause", gate=True),
        records.Measure("onset", "onset error", "amount", "lower", "s"),
    ),
    primary="right",
    traffic={"family=memory_leak": 0.5},
)


def lines(run: records.Run) -> list[str]:
    return [records.write_header(run), *(records.write_row(row) for row in run.rows)]


@hypothesis.given(st.lists(rows, max_size=6, unique_by=lambda row: row.key))
def test_what_is_written_is_read(written: list[records.Row]) -> None:
    run = dataclasses.replace(RUN, rows=tuple(sorted(written, key=lambda row: row.key)))
    assert all("\n" not in line for line in lines(run))
    assert records.read(lines(run), source="run") == run


@hypothesis.given(rows, st.integers(1, 400))
def test_a_torn_last_line_is_passed_over(row: records.Row, cut: int) -> None:
    whole = records.write_row(row)
    torn = whole[: min(cut, len(whole) - 1)]
    first = records.Row("a", {"right": 1.0})
    assert records.read([records.write_header(RUN), records.write_row(first), torn], source="run").rows == (first,)


def test_a_row_that_was_run_again_counts_once() -> None:
    again = [records.Row("a", {"right": 0.0}), records.Row("a", {"right": 1.0})]
    assert records.read(lines(dataclasses.replace(RUN, rows=tuple(again))), source="run").rows == (again[1],)


def test_only_seconds_may_differ_between_equal_runs() -> None:
    slow, fast = records.Row("a", {}, seconds=2.0), records.Row("a", {}, seconds=1.0)
    assert records.write_row(slow) != records.write_row(fast)
    assert records.write_row(slow, with_seconds=False) == records.write_row(fast, with_seconds=False)


def test_fields_of_a_later_version_are_passed_over() -> None:
    row = json.loads(records.write_row(records.Row("a", {"right": 1.0}))) | {"mood": "good"}
    assert records.read([records.write_header(RUN), json.dumps(row)], source="run").rows[0].scenario == "a"


HEADER = json.loads(records.write_header(RUN))
ROW = json.loads(records.write_row(records.Row("a", {"right": 1.0})))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ([], "empty"),
        (["{"], "first line is not JSON"),
        (["{", json.dumps(ROW)], "line 1: not JSON"),
        (["[]"], "expected an object"),
        ([json.dumps({"format": "other"})], "has format 'other'"),
        ([json.dumps(HEADER | {"primary": "luck"})], "primary measure 'luck'"),
        ([json.dumps(HEADER | {"measures": 3})], "expected a list"),
        ([json.dumps(HEADER | {"measures": [{"name": "x", "title": "x", "kind": "odd"}]})], "kind 'odd'"),
        ([json.dumps({k: v for k, v in HEADER.items() if k != "suite"})], "suite"),
        ([json.dumps(HEADER), json.dumps(ROW | {"repeat": "2"})], "'repeat' cannot be str"),
        ([json.dumps(HEADER), json.dumps(ROW | {"scores": {"right": None}})], "no finite number"),
        ([json.dumps(HEADER), json.dumps(ROW | {"scores": {"right": float("nan")}})], "no finite number"),
        ([json.dumps(HEADER), json.dumps(ROW | {"scores": {"right": 1.5}})], "between 0 and 1"),
        ([json.dumps(HEADER), json.dumps(ROW | {"confidence": -0.1})], "between 0 and 1"),
        ([json.dumps(HEADER), json.dumps({"scores": {}})], "scenario"),
        ([json.dumps(HEADER), "not json", json.dumps(ROW)], "line 2: not JSON"),
    ],
)
def test_what_is_not_a_run_is_refused_by_name(broken: list[str], said: str) -> None:
    with pytest.raises(errors.RunError, match=said) as caught:
        records.read(broken, source="some.jsonl")
    assert "some.jsonl" in str(caught.value)
