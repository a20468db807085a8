"""Whatever a server sends, in whatever place of a reply: a reply, or one of our errors; never a crash further on."""

import contextlib
import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_fakes import AnthropicApi, Api, OpenAiApi, Says

from rootward import errors, llm
from rootward.llm import sse
from rootward.llm.wires import Wire, anthropic_messages, checked, openai_chat

ASK = llm.Request(messages=(llm.user("What broke?"),))
FULL = Says("Let me look.", (("c1", "rate", {"service": "checkout"}),), thinks="Hm")
WIRES: list[tuple[Wire, Callable[..., Api]]] = [(anthropic_messages, AnthropicApi), (openai_chat, OpenAiApi)]
each_wire = pytest.mark.parametrize(("wire", "api"), WIRES, ids=["anthropic", "openai"])
STRANGE: list[Any] = [
    None,
    True,
    -1,
    3.5,
    1e300,
    "",
    "x",
    [],
    {},
    [None],
    {"a": None},
    [[]],
    {"type": []},
    {"index": "x"},
]
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [at] if at else []
    for key, one in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        found += places(one, (*at, key))
    return found


def put(tree: Any, at: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(tree)
    place = changed
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = value
    return changed


def read_whole(wire: Wire, body: Any) -> None:
    with contextlib.suppress(errors.ModelError, checked.Wrong):
        reply = wire.decode(checked.mapping(body, "the answer"), "them/small", ASK)
        assert isinstance(reply.text, str)
        assert reply.usage.total >= 0


def read_stream(wire: Wire, events: list[sse.Event]) -> None:
    with contextlib.suppress(errors.ModelError, checked.Wrong):
        decoder = wire.decoder("them/small", ASK)
        for event in events:
            list(decoder.feed(event))
        assert isinstance(decoder.finish().text, str)


@each_wire
def test_any_value_in_any_place_of_a_whole_reply(wire: Wire, api: Callable[..., Api]) -> None:
    body = api().whole(FULL)
    for at in places(body):
        for value in STRANGE:
            read_whole(wire, put(body, at, value))


@each_wire
def test_any_value_in_any_place_of_a_stream(wire: Wire, api: Callable[..., Api]) -> None:
    events = [event for raw in api().events(FULL) for event in sse.Parser().feed(raw)]
    for number, event in enumerate(events):
        if not event.data.startswith("{"):
            continue
        body = json.loads(event.data)
        for at in places(body):
            for value in STRANGE:
                changed = sse.Event(event.name, json.dumps(put(body, at, value)))
                read_stream(wire, [*events[:number], changed, *events[number + 1 :]])


@each_wire
@pytest.mark.parametrize("seed", range(40))
def test_events_lost_doubled_and_out_of_order(wire: Wire, api: Callable[..., Api], seed: int) -> None:
    chance = random.Random(seed)
    events = [event for raw in api().events(FULL) for event in sse.Parser().feed(raw)]
    read_stream(wire, chance.choices(events, k=len(events)))


@each_wire
@settings(max_examples=100, derandomize=True, deadline=None)
@given(tree=trees, name=st.text(max_size=5))
def test_any_document(wire: Wire, api: Callable[..., Api], tree: Any, name: str) -> None:
    read_whole(wire, tree)
    read_stream(wire, [sse.Event(name, json.dumps(tree))])


@each_wire
@settings(max_examples=60, derandomize=True, deadline=None)
@given(data=st.text(max_size=30))
def test_any_text_for_an_event(wire: Wire, api: Callable[..., Api], data: str) -> None:
    read_stream(wire, [sse.Event("message", data)])
