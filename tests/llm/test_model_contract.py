"""One suite over every provider: the same conversation means the same, and every way of not answering has the same error."""

import asyncio
import contextlib
import dataclasses
import json
import types
from typing import Any

import contract_models
import model_fakes as fakes
import pytest
import virtual_time as virtual
from contract_models import ROWS, Row, client
from model_fakes import Answers, Breaks, Says

from rootward import errors, llm
from rootward.llm import access as accesses
from rootward.llm import door, providers
from rootward.llm.wires import anthropic_messages
from rootward.signals import outgoing

each_row = pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row.provider}{'-dated' if row.access.version else ''}"
)
each_way_to_ask = pytest.mark.parametrize("live", [False, True], ids=["whole", "live"])
WEATHER = llm.Tool("rate", "Requests a second", {"type": "object", "properties": {"service": {"type": "string"}}})
HELLO = llm.Request(messages=(llm.user("What broke?"),), system="Be brief.", tokens_max=50)


async def ask(model: llm.Model, request: llm.Request, *, live: bool) -> llm.Reply:
    """The reply, whichever way; live, the pieces must add up to it."""
    if not live:
        return await model.chat(request)
    said, thought, calls, reply = "", "", {}, None
    async with contextlib.aclosing(model.stream(request)) as pieces:
        async for piece in pieces:
            assert reply is None, "Finished is the last"
            match piece:
                case llm.TextDelta(text):
                    said += text
                case llm.ReasoningDelta(text=text):
                    thought += text
                case llm.CallStarted(index, _, name):
                    calls[index] = [name, ""]
                case llm.CallDelta(index, text):
                    calls[index][1] += text
                case llm.Finished(whole):
                    reply = whole
    assert reply is not None
    assert said == reply.text
    assert thought == "".join(part.text for part in reply.parts if isinstance(part, llm.Reasoning))
    assert [(name, json.loads(text or "{}")) for name, text in calls.values()] == [
        (one.name, one.arguments) for one in reply.calls
    ]
    return reply


def asked(
    row: Row, turn: Any, request: llm.Request = HELLO, *, live: bool = False, **more: Any
) -> tuple[llm.Reply, fakes.Api]:
    api = row.api(turn)

    async def main() -> llm.Reply:
        model = client(row, api, **more)
        try:
            return await ask(model, request, live=live)
        finally:
            await model.aclose()

    return virtual.run(main()), api


def test_every_provider_is_in_the_suite() -> None:
    assert {row.provider for row in ROWS} == set(providers.NAMES) - {"local"}, (
        "local has no API: tests/llm/test_local.py"
    )


@each_way_to_ask
@each_row
def test_words(row: Row, live: bool) -> None:
    reply, api = asked(row, Says("Checkout, since 14:18: größer ≠ 日本"), live=live)
    assert reply.text == "Checkout, since 14:18: größer ≠ 日本"
    assert (reply.stop, reply.model) == (llm.Stop.END, "served")
    assert reply.usage == llm.Usage(input_tokens=8, output_tokens=7, cache_read_tokens=3)
    assert reply.id
    assert api.addresses == [row.address if not live else row.live_address or row.address]


@each_way_to_ask
@each_row
def test_tools_and_their_results_go_round(row: Row, live: bool) -> None:
    first, _ = asked(
        row,
        Says("Let me look.", (("c1", "rate", {"service": "checkout"}), ("c2", "rate", {"service": "cart"}))),
        live=live,
    )
    assert first.stop is llm.Stop.TOOLS
    assert first.text == "Let me look."
    assert [(one.id, one.name, dict(one.arguments)) for one in first.calls] == [
        ("c1", "rate", {"service": "checkout"}),
        ("c2", "rate", {"service": "cart"}),
    ]
    results = llm.user(llm.ToolResult("c1", "12/s"), llm.ToolResult("c2", "no such service", failed=True), "Go on.")
    request = llm.Request(messages=(*HELLO.messages, first.message, results), tools=(WEATHER,))
    second, api = asked(row, Says("Done."), request, live=live)
    assert second.text == "Done."
    sent = json.dumps(api.asked[0])
    assert all(part in sent for part in ("12/s", "no such service", "Go on.", "c1", "c2"))


@each_way_to_ask
@each_row
def test_thinking_is_kept_apart_and_sent_back_where_it_belongs(row: Row, live: bool) -> None:
    first, _ = asked(row, Says("Checkout.", thinks="Payment looks fine, so"), live=live)
    assert first.text == "Checkout."
    thought = [part for part in first.parts if isinstance(part, llm.Reasoning)]
    assert [part.text for part in thought] == ["Payment looks fine, so"]
    _, api = asked(row, Says("Yes."), HELLO.saying(first.message, llm.user("Sure?")), live=live)
    assert ("Payment looks fine, so" in json.dumps(api.asked[0])) == bool(thought[0].signature)


@each_row
def test_every_part_of_a_question_is_sent(row: Row) -> None:
    request = llm.Request(
        messages=(llm.user("Hi", cached=True),), system="Be brief.", tools=(WEATHER,), tool_choice="rate", tokens_max=77,
        temperature=0.5, seed=3, stop=("END",), cached_system=True,
    )  # fmt: skip
    _, api = asked(row, Says("x"), request)
    sent = api.asked[0]
    assert 77 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))
    assert sent.get("temperature") == (0.5 if row.provider != "anthropic" else None)
    assert ["END"] in (sent.get("stop"), sent.get("stop_sequences"))
    assert "Requests a second" in json.dumps(sent["tools"])
    assert "rate" in json.dumps(sent["tool_choice"])
    if issubclass(row.api, fakes.AnthropicApi):
        assert json.dumps(sent).count("cache_control") == 2
    else:
        assert "cache_control" not in json.dumps(sent)
        assert sent["seed"] == 3


@each_row
def test_only_the_last_cache_marks_are_sent(row: Row) -> None:
    turns = [
        one for at in range(9) for one in (llm.user(f"q{at}", cached=True), llm.Message("assistant", (llm.Text("a"),)))
    ]
    _, api = asked(row, Says("x"), llm.Request(messages=(*turns, llm.user("now")), system="s", cached_system=True))
    assert json.dumps(api.asked[0]).count("cache_control") <= 4


@each_way_to_ask
@each_row
def test_arguments_that_are_no_json_are_kept_as_they_came(row: Row, live: bool) -> None:
    if row.api is not fakes.OpenAiApi and not live:
        pytest.skip("this format has arguments as objects, which cannot be malformed")
    reply, _ = virtual_malformed(row, live)
    assert reply.calls[0].malformed == '{"service": check'
    assert reply.calls[0].arguments == {}


def virtual_malformed(row: Row, live: bool) -> tuple[llm.Reply, fakes.Api]:
    api = row.api(Says(calls=(("c1", "rate", '{"service": check'),)))
    return virtual.run(_last(client(row, api), live)), api


async def _last(model: llm.Model, live: bool) -> llm.Reply:
    if not live:
        return await model.chat(HELLO)
    return [piece async for piece in model.stream(HELLO)][-1].reply


@each_row
def test_an_answer_that_is_cut_off_says_so(row: Row) -> None:
    assert asked(row, Says("Half a", cut=True))[0].stop is llm.Stop.LENGTH


@each_way_to_ask
@each_row
def test_a_model_that_will_not_answer_is_paid_and_says_why(row: Row, live: bool) -> None:
    with pytest.raises(errors.ModelRefused, match=r"small refused .*Not this\.") as caught:
        asked(row, Says(refuses="Not this."), live=live)
    assert caught.value.usage["output_tokens"] == 7


@each_row
def test_who_we_are_is_sent_and_never_shown(row: Row) -> None:
    _, api = asked(row, Says("x"))
    assert (fakes.KEY in json.dumps(dict(api.headers[0]))) == bool(row.access.key)
    assert fakes.KEY not in repr(row.access)
    with pytest.raises(errors.ModelNotPermitted, match="API key") as caught:
        asked(row, Answers(401, {"error": {"message": f"Incorrect API key provided: {row.access.key}"}}))
    assert fakes.KEY not in str(caught.value)


@pytest.mark.parametrize(
    "turn",
    [Says("Checkout."), Answers(503, {}), Breaks("refuses the connection"), Breaks("hangs")],
    ids=["ok", "503", "gone", "hangs"],
)
@each_way_to_ask
@each_row
def test_what_leaves_is_noted_without_content(row: Row, live: bool, turn: Any) -> None:
    sent: list[outgoing.Sent] = []
    log = types.SimpleNamespace(note=sent.append)
    noted = dataclasses.replace(row.access, note=accesses.noting(log, "main", virtual.CLOCK))
    with contextlib.suppress(errors.ModelError):
        asked(row, turn, live=live, access=noted)
    (one,) = sent
    address = row.live_address if live and row.live_address else row.address
    assert (one.door, one.name, one.method, one.path) == ("model", "main", "POST", address.partition("?")[0])
    assert one.bytes_out > 150
    assert one.status == (0 if turn == Breaks("refuses the connection") else 503 if turn == Answers(503, {}) else 200)
    assert (one.bytes_in > 0) == (one.status != 0)


@each_row
def test_a_missing_key_is_said_before_anything_is_sent(row: Row) -> None:
    if not providers.named(row.provider).key_variable or providers.named(row.provider).sign:
        pytest.skip("it needs no key, or finds credentials elsewhere (tests/llm/test_credentials.py)")
    bare = llm.Access(row.access.base_url, region=row.access.region, project=row.access.project)
    with pytest.raises(errors.ModelNotPermitted, match=providers.named(row.provider).key_variable):
        asked(row, Says("x"), access=bare)


BREAKS = [
    ("silent", errors.ModelTimeout, "120 s"),
    ("hangs", errors.ModelTimeout, "120 s"),
    ("hangs still", errors.ModelTimeout, "60 s"),
    ("resets", errors.ModelUnreachable, "reset by peer"),
    ("drops the kept connection", errors.ModelUnreachable, "disconnected"),
    ("refuses the connection", errors.ModelUnreachable, "nobody there"),
    ("babbles", errors.ModelMalformed, "went on"),
    ("ends", errors.ModelFailed, "in the middle"),
    ("overloaded_error", errors.ModelOverloaded, "no room"),
    ("rate_limit_exceeded", errors.ModelRateLimited, "went wrong"),
    ("server_error", errors.ModelFailed, "went wrong"),
]


@pytest.mark.parametrize(("how", "error", "said"), BREAKS, ids=[how for how, _, _ in BREAKS])
@each_row
def test_a_stream_that_breaks(row: Row, how: str, error: type[errors.ModelError], said: str) -> None:
    api = row.api(Breaks(how))
    transport = virtual.StreamingTransport(api)
    model = client(row, api, transport)

    async def main() -> None:
        try:
            async with contextlib.aclosing(model.stream(HELLO)) as pieces:
                async for _ in pieces:
                    pass
        finally:
            await asyncio.sleep(0)
            assert transport.closed == transport.opened, "the connection is let go of"
            await model.aclose()

    with pytest.raises(error, match=said) as caught:
        virtual.run(main())
    assert type(caught.value) is error
    assert caught.value.model == model.title
    assert model.title in str(caught.value)


@each_row
def test_a_reader_who_leaves_lets_go_of_the_connection(row: Row) -> None:
    api = row.api(Breaks("babbles"))
    transport = virtual.StreamingTransport(api)

    async def main() -> None:
        model = client(row, api, transport)
        async with contextlib.aclosing(model.stream(HELLO)) as pieces:
            async for piece in pieces:
                assert piece == llm.TextDelta("It begins")
                break
        assert transport.closed == 1
        await model.aclose()

    virtual.run(main())


@each_way_to_ask
@each_row
def test_a_question_can_be_called_off(row: Row, live: bool) -> None:
    api = row.api(Breaks("silent"))
    transport = virtual.StreamingTransport(api)

    async def main() -> float:
        model = client(row, api, transport)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3.0):
                await ask(model, HELLO, live=live)
        await asyncio.sleep(0)
        assert transport.closed == 1
        await model.aclose()
        return asyncio.get_running_loop().time()

    assert virtual.run(main()) == pytest.approx(3.0)


SHAPE = {
    "type": "object",
    "properties": {"service": {"type": "string"}},
    "required": ["service"],
    "additionalProperties": False,
}


@each_way_to_ask
@each_row
def test_a_web_page_is_not_an_answer(row: Row, live: bool) -> None:
    page = Answers(200, b"<!doctype html><title>Sign in</title>", (("content-type", "text/html"),))
    with pytest.raises(errors.ModelMalformed, match="web page"):
        asked(row, page, live=live)
    plain = Answers(200, b"hello", (("content-type", "text/plain"),))
    with pytest.raises((errors.ModelMalformed, errors.ModelFailed), match=r"not its API|in the middle"):
        asked(row, plain, live=live)


@each_row
def test_a_schema_is_passed_on_natively_where_asked(row: Row) -> None:
    request = llm.Request(messages=HELLO.messages, output=llm.Output("finding", SHAPE))
    _, api = asked(row, Says('{"service": "checkout"}'), request)
    sent = api.asked[0]
    form = sent.get("response_format", {}).get("json_schema") or sent["output_config"]["format"]
    assert form["schema"] == SHAPE


def test_fakes_refuse_what_the_vendors_refuse() -> None:
    row = contract_models.ROWS[1]
    request = llm.Request(messages=(llm.user("x"), llm.user(llm.ToolResult("never asked", "y"))))
    with pytest.raises(errors.ModelRejected, match="preceding message"):
        asked(row, Says("x"), request)


@each_way_to_ask
@each_row
def test_a_reply_without_end_is_cut_off(row: Row, live: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "REPLY_BYTES_MAX", 2_000)
    with pytest.raises(errors.ModelMalformed, match="more than 2000 bytes"):
        asked(row, Says("and on " * 1000), live=live)


@each_row
def test_half_a_character_in_a_log_line_does_not_stop_the_question(row: Row) -> None:
    """Orjson refuses lone surrogates, which broken log lines have."""
    _, api = asked(row, Says("x"), llm.Request(messages=(llm.user("cut \ud83d off"),)))
    assert "cut \\ud83d off" in json.dumps(api.asked[0])


def test_sealed_thinking_goes_round() -> None:
    sealed = llm.Message("assistant", (llm.Reasoning("", sealed="c2VhbGVk"), llm.Text("x")))
    row = contract_models.row("anthropic")
    _, api = asked(row, Says("x"), HELLO.saying(sealed, llm.user("Sure?")))
    assert api.asked[0]["messages"][1]["content"][0] == {"type": "redacted_thinking", "data": "c2VhbGVk"}
    block = {"type": "redacted_thinking", "data": "c2VhbGVk"}
    body = {**row.api().whole(Says("x")), "content": [block, {"type": "text", "text": "x"}]}
    assert anthropic_messages.decode(body, "t", HELLO).message == sealed


@pytest.mark.parametrize(
    ("address", "said"), [("gateway/v1", "must be an address"), ("http://", "cannot reach|proper HTTP")]
)
def test_an_address_that_is_none(address: str, said: str) -> None:
    model = llm.Client(providers.named("compatible"), "m", llm.Access(address), clock=virtual.CLOCK)
    with pytest.raises(errors.ModelError, match=said):
        asyncio.run(model.chat(HELLO))


@pytest.mark.parametrize(
    ("name", "said"), [("antropic", "did you mean anthropic"), ("xyz", "there are anthropic, openai")]
)
def test_a_provider_that_is_none(name: str, said: str) -> None:
    with pytest.raises(errors.SettingsError, match=said):
        providers.named(name)
