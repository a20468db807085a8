"""The vendors' own clients beside ours, over the same API: they send the same question, and read the same reply from the same bytes.

That also holds our fakes of the APIs to what the vendors' clients accept.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from rootward import _clock, llm
from rootward.llm import providers

sys.path.append(str(Path(__file__).resolve().parents[1] / "llm"))

from model_fakes import KEY, AnthropicApi, OpenAiApi, Says
from virtual_time import StreamingTransport

TOOL = llm.Tool("rate", "Requests a second", {"type": "object", "properties": {"service": {"type": "string"}}})
TURN = Says(
    "Let me look: größer ≠ 日本.",
    (("c1", "rate", {"service": "checkout"}), ("c2", "rate", {"service": "cart"})),
    thinks="Hm",
)
CALLS = (llm.ToolCall("c1", "rate", {"service": "checkout"}), llm.ToolCall("c2", "rate", {"service": "cart"}))
CONVERSATION = llm.Request(
    messages=(
        llm.user("What broke?"),
        llm.Message("assistant", (llm.Text("Let me look."), *CALLS)),
        llm.user(llm.ToolResult("c1", "12/s"), llm.ToolResult("c2", "3/s"), "Go on."),
    ),
    system="Be brief.", tools=(TOOL,), tool_choice="required", tokens_max=300, temperature=0.5, stop=("END",),
)  # fmt: skip
FORM = llm.Request(
    messages=(llm.user("x"),),
    tokens_max=50,
    output=llm.Output(
        "finding",
        {
            "type": "object",
            "properties": {"service": {"type": "string"}},
            "required": ["service"],
            "additionalProperties": False,
        },
    ),
)


def ours(provider: str, api: Any, request: llm.Request, *, live: bool) -> llm.Reply:
    async def main() -> llm.Reply:
        access = llm.Access(key=KEY)
        model = llm.Client(
            providers.named(provider), "small", access, clock=_clock.SystemClock(), transport=StreamingTransport(api)
        )
        if live:
            return [piece async for piece in model.stream(request)][-1].reply
        return await model.chat(request)

    return asyncio.run(main())


def http(api: Any, package: Any) -> Any:
    """A client of the HTTP library that the vendor's package uses."""
    import httpx2

    if not issubclass(package.DefaultAsyncHttpxClient, httpx2.AsyncClient):
        pytest.skip(f"{package.__name__} uses another HTTP library than ours")
    return httpx2.AsyncClient(transport=StreamingTransport(api))


@pytest.mark.parametrize("live", [False, True], ids=["whole", "live"])
def test_openais_client_sends_and_reads_the_same(live: bool) -> None:
    openai = pytest.importorskip("openai", reason="OpenAI's client is not installed: pip install openai")
    api = OpenAiApi(TURN)
    tool = {
        "type": "function",
        "function": {"name": "rate", "description": "Requests a second", "parameters": TOOL.schema},
    }
    said = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments))},
        }
        for call in CALLS
    ]
    arguments: dict[str, Any] = {
        "model": "small", "max_completion_tokens": 300, "temperature": 0.5, "stop": ["END"], "tools": [tool], "tool_choice": "required",
        "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "What broke?"},
            {"role": "assistant", "content": "Let me look.", "tool_calls": said},
            {"role": "tool", "tool_call_id": "c1", "content": "12/s"}, {"role": "tool", "tool_call_id": "c2", "content": "3/s"},
            {"role": "user", "content": "Go on."},
        ],
    }  # fmt: skip

    async def theirs() -> Any:
        client = openai.AsyncOpenAI(api_key=KEY, http_client=http(api, openai))
        if not live:
            return (await client.chat.completions.create(**arguments)).choices[0].message
        async with client.chat.completions.stream(**arguments, stream_options={"include_usage": True}) as stream:
            return (await stream.get_final_completion()).choices[0].message

    message = asyncio.run(theirs())
    reply = ours("openai", api, CONVERSATION, live=live)
    assert api.asked[0] == api.asked[1]
    assert api.addresses[0] == api.addresses[1]
    assert message.content == reply.text
    assert [(one.id, one.function.name, json.loads(one.function.arguments)) for one in message.tool_calls] == [
        (one.id, one.name, dict(one.arguments)) for one in reply.calls
    ]


@pytest.mark.parametrize("live", [False, True], ids=["whole", "live"])
def test_anthropics_client_sends_and_reads_the_same(live: bool) -> None:
    anthropic = pytest.importorskip("anthropic", reason="Anthropic's client is not installed: pip install anthropic")
    api = AnthropicApi(TURN)
    arguments: dict[str, Any] = {
        "model": "small", "max_tokens": 300, "stop_sequences": ["END"], "tool_choice": {"type": "any"},
        "system": [{"type": "text", "text": "Be brief."}],
        "tools": [{"name": "rate", "description": "Requests a second", "input_schema": TOOL.schema}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "What broke?"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}, *({"type": "tool_use", "id": one.id, "name": one.name, "input": dict(one.arguments)} for one in CALLS)]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "12/s"}, {"type": "tool_result", "tool_use_id": "c2", "content": "3/s"},
                {"type": "text", "text": "Go on."},
            ]},
        ],
    }  # fmt: skip

    async def theirs() -> Any:
        client = anthropic.AsyncAnthropic(api_key=KEY, http_client=http(api, anthropic))
        if not live:
            return await client.messages.create(**arguments)
        async with client.messages.stream(**arguments) as stream:
            return await stream.get_final_message()

    message = asyncio.run(theirs())
    reply = ours("anthropic", api, CONVERSATION, live=live)
    assert api.asked[0] == api.asked[1]
    assert api.headers[0]["anthropic-version"] == api.headers[1]["anthropic-version"]
    thought, text, *calls = message.content
    assert (thought.thinking, thought.signature) == (reply.parts[0].text, reply.parts[0].signature)  # type: ignore[union-attr]
    assert text.text == reply.text
    assert [(one.id, one.name, one.input) for one in calls] == [
        (one.id, one.name, dict(one.arguments)) for one in reply.calls
    ]
    assert message.usage.input_tokens == reply.usage.input_tokens
    assert message.usage.cache_read_input_tokens == reply.usage.cache_read_tokens


def test_a_form_is_sent_as_their_clients_send_it() -> None:
    openai = pytest.importorskip("openai", reason="OpenAI's client is not installed")
    anthropic = pytest.importorskip("anthropic", reason="Anthropic's client is not installed")
    chat, messages = OpenAiApi(Says('{"service": "checkout"}')), AnthropicApi(Says('{"service": "checkout"}'))
    schema = FORM.output.schema if FORM.output else {}

    async def theirs() -> None:
        client = openai.AsyncOpenAI(api_key=KEY, http_client=http(chat, openai))
        form = {"type": "json_schema", "json_schema": {"name": "finding", "schema": schema, "strict": True}}
        await client.chat.completions.create(
            model="small", max_completion_tokens=50, messages=[{"role": "user", "content": "x"}], response_format=form
        )
        other = anthropic.AsyncAnthropic(api_key=KEY, http_client=http(messages, anthropic))
        await other.messages.create(
            model="small", max_tokens=50, messages=[{"role": "user", "content": [{"type": "text", "text": "x"}]}],
            output_config={"format": {"type": "json_schema", "schema": schema}},
        )  # fmt: skip

    asyncio.run(theirs())
    ours("openai", chat, FORM, live=False)
    ours("anthropic", messages, FORM, live=False)
    assert chat.asked[0] == chat.asked[1]
    assert messages.asked[0] == messages.asked[1]
