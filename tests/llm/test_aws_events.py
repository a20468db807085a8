"""Amazon's framing: cut anywhere, damaged anywhere, and read the same as Amazon's own library reads it."""

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_fakes import aws_message

from rootward.llm import aws_events, sse


def chunk(data: str) -> bytes:
    payload = json.dumps({"bytes": base64.b64encode(data.encode()).decode(), "p": "abc"}).encode()
    return aws_message({":event-type": "chunk", ":message-type": "event", "größe": "ü"}, payload)


STREAM = (
    chunk('{"type": "ping"}')
    + aws_message({":event-type": "metrics", ":message-type": "event"}, b"{}")
    + chunk("größer")
)
STREAM += aws_message(
    {":message-type": "exception", ":exception-type": "throttlingException"}, b'{"message": "slow down"}'
)
STREAM += aws_message({":message-type": "error", ":error-code": "500", ":error-message": "oh"}, b"")
EVENTS = [
    sse.Event("message", '{"type": "ping"}'),
    sse.Event("message", "größer"),
    sse.Event("error", '{"error": {"type": "throttlingException", "message": "slow down"}}'),
    sse.Event("error", '{"error": {"type": "500", "message": "oh"}}'),
]


def parse(raw: bytes, step: int) -> list[sse.Event]:
    parser = aws_events.Parser()
    return [event for at in range(0, len(raw), step) for event in parser.feed(raw[at : at + step])]


@pytest.mark.parametrize("step", [1, 2, 7, 64, 10_000])
def test_cut_anywhere(step: int) -> None:
    assert parse(STREAM, step) == EVENTS


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
def test_no_damage_goes_unnoticed(at: int, flip: int) -> None:
    damaged = bytearray(STREAM)
    damaged[at] ^= flip
    with pytest.raises(aws_events.Broken):
        parse(bytes(damaged), 100)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_are_refused_or_waited_for(raw: bytes) -> None:
    parser = aws_events.Parser()
    try:
        assert list(parser.feed(raw)) == []
        assert parser.tail == bool(raw)
    except aws_events.Broken:
        assert len(raw) >= 12


@pytest.mark.parametrize(
    "message",
    [
        aws_message({":event-type": "chunk"}, b"not json"),
        aws_message({":event-type": "chunk"}, b'{"bytes": 3}'),
        aws_message({":event-type": "chunk"}, b'{"other": "x"}'),
        aws_message({":event-type": "chunk"}, b'{"bytes": "!!"}'),
    ],
)
def test_chunks_that_hold_something_else(message: bytes) -> None:
    with pytest.raises(aws_events.Broken, match="chunk"):
        parse(message, 1000)


def test_amazons_own_library_reads_the_same() -> None:
    eventstream = pytest.importorskip("botocore.eventstream", reason="botocore, the second opinion, is not installed")
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(STREAM)
    theirs = [one.to_response_dict() for one in buffer]
    chunks = [json.loads(one["body"])["bytes"] for one in theirs if one["headers"].get(":event-type") == "chunk"]
    assert [base64.b64decode(one).decode() for one in chunks] == [one.data for one in EVENTS[:2]]
