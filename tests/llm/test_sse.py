"""Server-sent events: whatever the cuts, the events are the same; the standard's odd corners hold; nothing grows without end."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rootward.llm import sse

STREAM = (
    "\ufeff: a comment\r\nevent: one\r\ndata: größer 日本\r\n\r\n"
    "data:no space\rdata:  two\r\r"
    "id: 7\nretry: 100\nevent: named\ndata\ndata: last\n\n"
    "event: without data\n\n"
    "data: [DONE]\n\n"
    "data: not ended\n"
).encode()
EVENTS = [
    sse.Event("one", "größer 日本"),
    sse.Event("message", "no space\n two"),
    sse.Event("named", "\nlast"),
    sse.Event("message", "[DONE]"),
]


def parse(chunks: list[bytes]) -> tuple[list[sse.Event], bool]:
    parser = sse.Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)], parser.tail


def test_the_standards_corners() -> None:
    assert parse([STREAM]) == (EVENTS, True)


def test_byte_by_byte() -> None:
    assert parse([STREAM[at : at + 1] for at in range(len(STREAM))]) == (EVENTS, True)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_cut_anywhere(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert parse([STREAM[a:b] for a, b in itertools.pairwise(edges)]) == (EVENTS, True)


texts = st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=4)), max_size=5),
    st.sampled_from(["\n", "\r", "\r\n"]),
    st.integers(1, 7),
)
def test_what_is_written_is_read(written: list[tuple[str, list[str]]], end: str, step: int) -> None:
    raw = "".join(
        f"event: {name}{end}" + "".join(f"data: {line}{end}" for line in lines) + end for name, lines in written
    ).encode()
    found, tail = parse([raw[at : at + step] for at in range(0, len(raw), step)])
    assert found == [sse.Event(name or "message", "\n".join(lines)) for name, lines in written]
    assert not tail


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 9))
def test_any_bytes_are_read_the_same_however_cut(raw: bytes, step: int) -> None:
    assert parse([raw]) == parse([raw[at : at + step] for at in range(0, len(raw), step)])


def test_an_event_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "EVENT_BYTES_MAX", 1000)
    for endless in (b"x" * 10, b"data: xxxxx\n"):
        with pytest.raises(sse.EventTooLarge):
            parse([endless] * 200)
    parser = sse.Parser()
    for _ in range(200):
        assert len(list(parser.feed(b"data: xxxxx\n\n"))) == 1
