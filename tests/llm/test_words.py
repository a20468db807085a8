"""Tools in words: found out when a model knows none, said as a form, heard as calls, and the same conversation goes on."""

import contextlib
import json
from typing import Any

import pytest
import virtual_time as virtual
from contract_models import client, row
from model_fakes import Answers, Api, Says

from rootward import errors, llm
from rootward.llm.policies import forms, words

RATE = llm.Tool(
    "rate",
    "Requests a second",
    {"type": "object", "properties": {"service": {"type": "string"}}, "required": ["service"]},
)
ERRORS = llm.Tool(
    "errors",
    "Failed requests",
    {"type": "object", "properties": {"service": {"type": "string"}}, "required": ["service"]},
)
ASK = llm.Request(
    messages=(llm.user("What broke?"),),
    system="Be brief.",
    tools=(RATE, ERRORS),
    tool_choice="required",
    tokens_max=300,
)
FORM = llm.Output(
    "finding",
    {
        "type": "object",
        "properties": {"service": {"type": "string"}},
        "required": ["service"],
        "additionalProperties": False,
    },
)


def step(tool: str, **rest: Any) -> Says:
    return Says(json.dumps({"step": {"tool": tool, **rest}}))


CALLS_RATE = step("rate", arguments={"service": "checkout"})


def ask(*turns: Any, request: llm.Request = ASK, deaf: set[str] | None = None, live: bool = False) -> tuple[Any, Api]:
    vllm = row("vllm")
    api = vllm.api(*turns)

    async def main() -> Any:
        model = words.Spoken(forms.Formed(client(vllm, api)), deaf=deaf)
        if live:
            async with contextlib.aclosing(model.stream(request)) as pieces:
                return [piece async for piece in pieces]
        return await model.chat(request)

    return virtual.run(main()), api


def test_a_model_that_knows_tools_is_left_alone() -> None:
    reply, api = ask(Says(calls=(("c1", "rate", {"service": "cart"}),)))
    assert [call.id for call in reply.calls] == ["c1"]
    assert len(api.asked) == 1
    assert "tools" in api.asked[0]


def test_one_that_passes_over_them_is_told_in_words_from_then_on() -> None:
    deaf: set[str] = set()
    reply, api = ask(Says("I would look at the rate."), CALLS_RATE, deaf=deaf)
    assert [(call.name, dict(call.arguments)) for call in reply.calls] == [("rate", {"service": "checkout"})]
    assert reply.stop is llm.Stop.TOOLS
    assert reply.usage == llm.Usage(16, 14, 6), "both questions are paid"
    assert deaf == {"vllm/small"}
    assert "tools" not in api.asked[1]
    assert "- rate: Requests a second" in api.asked[1]["messages"][0]["content"]
    assert "Be brief." in api.asked[1]["messages"][0]["content"]
    _, again = ask(CALLS_RATE, deaf=deaf)
    assert len(again.asked) == 1


def test_one_that_talks_until_it_is_cut_off_is_told_in_words_this_once() -> None:
    deaf: set[str] = set()
    reply, _ = ask(Says("I would, and on and on", cut=True), CALLS_RATE, deaf=deaf)
    assert reply.calls[0].name == "rate"
    assert deaf == set()
    thinking, api = ask(Says(thinks="Hm", cut=True), deaf=deaf)
    assert thinking.stop is llm.Stop.LENGTH
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "said",
    [
        "registry.ollama.ai/library/gemma does not support tools",
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        "tools param requires --jinja flag",
    ],
)
def test_one_that_refuses_them_is_told_in_words(said: str) -> None:
    refusal = Answers(400, {"error": {"message": said, "type": "invalid_request_error"}})
    assert ask(refusal, CALLS_RATE)[0].calls[0].name == "rate"


def test_other_refusals_stay_refusals() -> None:
    with pytest.raises(errors.ModelRejected, match="too strange"):
        ask(Answers(400, {"error": {"message": "messages: too strange", "type": "invalid_request_error"}}))


def test_the_conversation_goes_on_in_words() -> None:
    call = llm.Message("assistant", (llm.Text("Let me look."), llm.ToolCall("c1", "rate", {"service": "cart"})))
    request = ASK.saying(
        call, llm.user(llm.ToolResult("c1", "12/s"), llm.ToolResult("c1", "no such service", failed=True))
    )
    reply, api = ask(step("errors", arguments={"service": "cart"}), request=request, deaf={"vllm/small"})
    assert reply.calls[0].name == "errors"
    turns = [one["content"] for one in api.asked[0]["messages"]]
    assert '"tool": "rate"' in turns[2]
    assert "rate gave:\n12/s" in turns[3]
    assert "rate went wrong:\nno such service" in turns[3]


def test_a_call_that_does_not_fit_is_sent_back() -> None:
    reply, api = ask(step("rate", arguments={"servce": "x"}), CALLS_RATE, deaf={"vllm/small"})
    assert reply.calls[0].arguments == {"service": "checkout"}
    assert len(api.asked) == 2


def test_only_what_may_be_called_is_offered() -> None:
    named = llm.Request(messages=ASK.messages, tools=ASK.tools, tool_choice="errors")
    _, api = ask(step("errors", arguments={"service": "x"}), request=named, deaf={"vllm/small"})
    assert '"rate"' not in json.dumps(api.asked[0])
    none = llm.Request(messages=ASK.messages, tools=ASK.tools, tool_choice="none")
    reply, _ = ask(Says("Words."), request=none, deaf={"vllm/small"})
    assert reply.text == "Words."


def test_words_may_be_chosen_where_no_tool_must_be_called() -> None:
    auto = llm.Request(messages=ASK.messages, tools=ASK.tools)
    reply, _ = ask(step("say", text="Checkout."), request=auto, deaf={"vllm/small"})
    assert (reply.text, reply.calls, reply.output, reply.stop) == ("Checkout.", (), None, llm.Stop.END)


def test_a_reply_in_a_form_is_one_of_the_tools() -> None:
    both = llm.Request(messages=ASK.messages, tools=ASK.tools, output=FORM)
    reply, _ = ask(step("finding", arguments={"service": "checkout"}), request=both, deaf={"vllm/small"})
    assert reply.output == {"service": "checkout"}
    assert reply.calls == ()


def test_live_the_steps_json_is_not_shown() -> None:
    pieces, _ = ask(Says("I would look."), CALLS_RATE, live=True)
    at = next(number for number, piece in enumerate(pieces) if isinstance(piece, llm.Restarted))
    assert pieces[at + 1 :] == [
        llm.CallStarted(0, "call_1", "rate"),
        llm.CallDelta(0, '{"service": "checkout"}'),
        llm.Finished(pieces[-1].reply),
    ]
