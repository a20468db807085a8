"""Samples read quickly are the ones that the JSON reader finds, and whatever looks odd is left to it."""

import json
import math

import hypothesis
import pytest
from hypothesis import strategies

from rootward.connectors import _samples

_NUMBERS = strategies.one_of(
    strategies.floats(allow_nan=False, allow_infinity=False).map(repr),
    strategies.integers(-(10**20), 10**20).map(str),
    strategies.sampled_from(["NaN", "+Inf", "-Inf", "1e-07", "5E+22"]),
)
_PAIRS = strategies.lists(strategies.tuples(strategies.integers(0, 2**33), _NUMBERS), min_size=1, max_size=6)
_LABELS = strategies.dictionaries(strategies.sampled_from(["job", "values", 'x"values":[[1', "é"]), strategies.text())


@hypothesis.given(strategies.lists(strategies.tuples(_LABELS, _PAIRS), max_size=4), strategies.booleans())
def test_quick_samples_are_the_json_readers(
    rows: list[tuple[dict[str, str], list[tuple[int, str]]]], tight: bool
) -> None:
    result = [{"metric": labels, "values": [[t / 1000, v] for t, v in pairs]} for labels, pairs in rows]
    separators = (",", ":") if tight else (", ", ": ")
    body = json.dumps({"status": "success", "data": {"result": result}}, separators=separators).encode()
    for row, (labels, pairs) in zip(_samples.decode(body)["data"]["result"], rows, strict=True):
        assert row["metric"] == labels
        assert isinstance(row["values"], _samples.Samples if tight else list)
        found = zip(row["values"].times_s, row["values"].values, strict=True) if tight else row["values"]
        for (time_s, value), (time_ms, text) in zip(found, pairs, strict=True):
            assert time_s == time_ms / 1000
            assert float(value) == float(text) or (text == "NaN" and math.isnan(float(value)))


@pytest.mark.parametrize(
    "values",
    [
        '[[1,"2"],[3]]',
        "[[1,2]]",
        '[["1","2"]]',
        '[[1,"]]"]]',
        '[[1,"--"]]',
        '[[1,""]]',
        "[[]]",
        "[]",
        "7",
        '[[1,"2,3"],[4,""]]',
        '[[1,"2,3"]]',
        '[[1,"true"]]',
        '[[1,"2"],3]',
        f'[[1{"0" * 400},"2"]]',
    ],
)
def test_odd_samples_are_left_to_the_json_reader(values: str) -> None:
    body = f'{{"data":{{"result":[{{"metric":{{}},"values":{values}}}]}}}}'.encode()
    assert _samples.decode(body) == json.loads(body)


def test_what_is_no_json_is_refused_also_with_good_samples() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        _samples.decode(b'{"data":{"result":[{"values":[[1,"2"]]},')
