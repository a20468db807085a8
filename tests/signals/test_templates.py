"""Log templates: which lines are one kind of line, how serious they are, what is new."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rootward.signals import log_text, templates
from rootward.signals.log_text import Severity

SAME = [
    # pairs of lines of one kind
    ("connected to 10.0.0.1:5432 in 12ms", "connected to 10.0.0.77:5432 in 1.5s"),
    ("2026-03-02T10:00:01Z INFO order 17 accepted", "2026-03-02T10:00:59.123Z INFO order 99812 accepted"),
    ("user 4f3a9c1e-7b2d-4c55-9a11-0242ac120002 logged in", "user 00000000-7b2d-4c55-9a11-ffffffffffff logged in"),
    ("trace ffc8ca7e4c8f06c75142c880d5595d96 done", "trace 439bc949a9eeb0cc439bc949a9eeb0cc done"),
    ("GET /api/orders/17?page=2 took 3 ms", "GET /api/orders/99?page=7 took 44 ms"),
    ('rejected name "Anna Karenina" of form', 'rejected name "Bob" of form'),
    ("freed object at 0x7fff12ab", "freed object at 0x00ab34cd"),
    ("mail to anna@example.org queued", "mail to bob.b@shop.example.com queued"),
    (
        '{"ts":1,"level":"info","msg":"stock of 7 updated","trace_id":"a1b2"}',
        '{"level":"info","ts":2,"msg":"stock of 12 updated"}',
    ),
    ('time=1 level=error msg="query failed" id=7', 'time=2 level=error msg="query failed" id=8'),
    ("worker-3 picked job 8817263", "worker-12 picked job 1"),
]
DIFFERENT = [
    ("connection opened to database", "connection refused by database"),
    (
        "2026-03-02 INFO payment of order 7 was accepted by bank",
        "2026-03-02 ERROR payment of order 7 was accepted by bank",
    ),
    ('1.2.3.4 "GET /a HTTP/1.1" 200 17', '1.2.3.4 "GET /a HTTP/1.1" 503 17'),
    ('{"level":"info","msg":"done"}', '{"level":"error","msg":"done"}'),
    (
        '{"level":"error","msg":"failed","error":"timeout"}',
        '{"level":"error","msg":"failed","error":"connection refused"}',
    ),
    ('{"msg":"served","status":200}', '{"msg":"served","status":500}'),
    ("call failed\njava.lang.NullPointerException: x\n at A", "call failed\njava.net.SocketTimeoutException: y\n at A"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_lines_that_differ_in_values_only_are_one_template(one: str, other: str) -> None:
    found = templates.mine([one, other])
    assert found.ids.tolist() == [0, 0]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_lines_that_say_different_things_are_two_templates(one: str, other: str) -> None:
    found = templates.mine([one, other])
    assert found.ids.tolist() == [0, 1]


def test_words_that_vary_become_wildcards() -> None:
    lines = [f"could not deliver parcel for customer {name} today" for name in ("anna", "bob", "carol")]
    assert templates.mine(lines).texts == ("could not deliver parcel for customer <*> today",)


def test_ids_are_shared_between_batches_of_one_miner() -> None:
    miner = templates.Miner()
    before = miner.learn(["started in 3 s", "stopped"])
    after = miner.learn(["stopped", "started in 9 s", "exploded violently"])
    assert (before.tolist(), after.tolist()) == ([0, 1], [1, 0, 2])
    assert miner.templates(after).counts.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("2026-03-02T10:00:01Z ERROR boom", Severity.ERROR),
        ("[WARN] disk nearly full", Severity.WARNING),
        ("level=warning msg=slow", Severity.WARNING),
        ('{"severity":"CRITICAL","message":"x"}', Severity.FATAL),
        ('{"level":50,"msg":"pino"}', Severity.ERROR),
        ('{"level":30,"msg":"pino"}', Severity.INFO),
        ('{"level":3,"short_message":"gelf"}', Severity.ERROR),
        ("E0302 10:00:01.000000 1 controller.go:114] failed", Severity.ERROR),
        ("I0302 10:00:01.000000 1 controller.go:114] error count is 0", Severity.INFO),
        ("<3>kernel: it broke", Severity.ERROR),
        ("2026/03/02 10:00:01 [error] 7#7: upstream timed out", Severity.ERROR),
        ("panic: runtime error: invalid memory address", Severity.FATAL),
        ("Traceback (most recent call last):", Severity.ERROR),
        ("java.lang.OutOfMemoryError: Java heap space", Severity.ERROR),
        ("16:42:22.382 INFO  t.s.TravelServiceImpl#532 no error here", Severity.INFO),
        ("INFO:root:started", Severity.INFO),
        ("hello", Severity.UNKNOWN),
        ("", Severity.UNKNOWN),
    ],
)
def test_severity_across_formats(line: str, severity: Severity) -> None:
    assert log_text.severity(line) is severity


LINES = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.builds("order {} of {} failed".format, st.integers(), st.sampled_from(["anna", "bob"])),
        st.dictionaries(
            st.sampled_from(["msg", "level", "error", "x", "log"]),
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
        ).map(json.dumps),
    ),
    max_size=20,
)


@given(LINES)
def test_any_lines_get_templates_and_equal_lines_equal_ones(lines: list[str]) -> None:
    first, second = templates.mine(lines), templates.mine(lines)
    assert first.ids.tolist() == second.ids.tolist()
    assert first.texts == second.texts
    assert first.counts.sum() == len(lines)
    assert all(first.counts > 0)
    by_line = dict(zip(lines, first.ids.tolist(), strict=True))
    assert [by_line[line] for line in lines] == first.ids.tolist()


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.sampled_from(["ms", "s", "", "%", "MB"]))
def test_amounts_are_masked_whatever_their_size(one: int, other: int, unit: str) -> None:
    assert log_text.masked(f"{one}{unit}") == log_text.masked(f"{other}{unit}")


@given(st.uuids(), st.uuids())
def test_uuids_are_masked(one, other) -> None:
    assert templates.mine([f"session {one} opened", f"session {other} opened"]).ids.tolist() == [0, 0]


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=15))
def test_words_are_not_masked(word: str) -> None:
    assert log_text.masked(word) == word


def test_there_is_a_limit_on_templates(monkeypatch) -> None:
    monkeypatch.setattr(templates, "TEMPLATES_MAX", 3)
    letters = [f"{a}{b}x {b}{a}y" for a in "abcdefg" for b in "hijklmn"]
    found = templates.mine(letters)
    assert len(found.texts) == 4  # three, and one for all others of two words
    assert found.counts.sum() == len(letters)


def test_a_line_longer_than_any_limit_is_one_template() -> None:
    assert len(templates.mine(["x " * 100_000, "x " * 200_000]).texts) == 1


def counts(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_new_vanished_surged_and_dropped_templates_are_told_apart() -> None:
    found = templates.novelty(counts(0, 40, 10, 200, 50), counts(12, 0, 80, 20, 52), before_s=600, after_s=600)
    assert {one.template: str(one.turn) for one in found} == {0: "new", 1: "vanished", 2: "surged", 3: "dropped"}
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_one_or_two_lines_do_not_surprise() -> None:
    assert templates.novelty(counts(1, 0, 3), counts(2, 1, 2), before_s=600, after_s=600) == ()


def test_a_longer_window_promises_more_lines() -> None:
    assert templates.novelty(counts(10), counts(60), before_s=600, after_s=3600) == ()


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=10), st.floats(1, 1e5), st.floats(1, 1e5)
)
def test_scores_are_finite_and_never_negative(pairs, before_s, after_s) -> None:
    before, after = (counts(*(pair[side] for pair in pairs)) for side in (0, 1))
    scores = templates.surprise(before.astype(float), after.astype(float), before_s, after_s)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()


def test_bad_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="differ"):
        templates.novelty(counts(1), counts(1, 2), before_s=1, after_s=1)
    with pytest.raises(ValueError, match="last some time"):
        templates.novelty(counts(1), counts(1), before_s=0, after_s=1)
