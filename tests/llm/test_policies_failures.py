"""Retries and fallbacks: who is asked how often, how long it takes on the clock, what is said when nobody answers."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
import virtual_time as virtual
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_models import ASK, RNG, now_s, pieces, said, script

from rootward import _rng, errors, llm
from rootward.llm import testing
from rootward.llm.policies import fallbacks, retries, wishes

AGAIN = [
    errors.ModelRateLimited("busy"), errors.ModelOverloaded("full"), errors.ModelFailed("broke"), errors.ModelUnreachable("gone"),
]  # fmt: skip
NOT_AGAIN = [
    errors.ModelNotPermitted("key"), errors.ModelUnknown("who"), errors.ModelRejected("bad"), errors.ContextTooLong("long"),
    errors.ModelRefused("no"), errors.ModelMalformed("html"), errors.ModelTimeout("late"), errors.OutputInvalid("form"),
]  # fmt: skip


def named(error: Exception) -> str:
    return type(error).__name__


def retrying(inner: llm.Model, **patience: Any) -> retries.Retrying:
    return retries.Retrying(inner, clock=virtual.CLOCK, rng=RNG, patience=retries.Patience(**patience))


@pytest.mark.parametrize("error", AGAIN, ids=named)
def test_asked_again_where_that_may_help(error: errors.ModelError) -> None:
    model = script(error, error, "Checkout.")
    assert virtual.run(retrying(model).chat(ASK)).text == "Checkout."
    model.assert_done()


@pytest.mark.parametrize("error", NOT_AGAIN, ids=named)
def test_not_asked_again_where_it_cannot(error: errors.ModelError) -> None:
    model = script(error, "Checkout.")
    with pytest.raises(type(error)):
        virtual.run(retrying(model).chat(ASK))
    assert len(model.asked) == 1


def test_attempts_have_an_end() -> None:
    model = script(*[errors.ModelOverloaded("full")] * 9)
    with pytest.raises(errors.ModelOverloaded, match="full"):
        virtual.run(retrying(model, attempts=3).chat(ASK))
    assert len(model.asked) == 3


def test_what_the_provider_asks_for_is_waited() -> None:
    async def main() -> float:
        await retrying(script(errors.ModelRateLimited("busy", retry_after_s=17.0), "ok")).chat(ASK)
        return now_s()

    assert virtual.run(main()) == pytest.approx(17.0)


def test_a_wait_longer_than_the_question_may_take_is_not_begun() -> None:
    async def main() -> float:
        with pytest.raises(errors.ModelRateLimited):
            await retrying(script(errors.ModelRateLimited("busy", retry_after_s=500.0), "ok")).chat(ASK)
        return now_s()

    assert virtual.run(main()) == 0.0


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 30.0), st.integers(1, 8))
def test_waits_are_jittered_and_bounded(seed: int, seconds: float, attempts: int) -> None:
    model = script(*[errors.ModelFailed("broke")] * attempts)
    patience = retries.Patience(attempts=attempts, backoff_s=0.5, backoff_s_max=4.0)
    wrapped = retries.Retrying(model, clock=virtual.CLOCK, rng=_rng.stream(seed, "retries"), patience=patience)
    request = llm.Request(messages=ASK.messages, seconds=seconds)

    async def main() -> float:
        with pytest.raises(errors.ModelFailed):
            await wrapped.chat(request)
        return now_s()

    assert virtual.run(main()) <= min(seconds, sum(min(0.5 * 2**n, 4.0) for n in range(attempts)))
    left = [one.seconds for one in model.asked]
    assert left == sorted(left, reverse=True), "each attempt has what the others left"


def test_failed_attempts_are_paid_for() -> None:
    model = script(errors.ModelFailed("broke", usage={"input_tokens": 50}), "ok")
    alone = virtual.run(script("ok").chat(ASK)).usage
    assert virtual.run(retrying(model).chat(ASK)).usage == alone + llm.Usage(input_tokens=50)


class _Breaking(llm.Model):
    """Says half of its answer, and fails; then says all of it."""

    provider, name = "scripted", "breaking"

    def __init__(self) -> None:
        self.asked = 0

    async def exchange(self, request: llm.Request, *, live: bool) -> AsyncGenerator[llm.Delta]:
        self.asked += 1
        yield llm.TextDelta("Check")
        if self.asked == 1:
            raise errors.ModelFailed("cut")
        yield llm.TextDelta("out.")
        yield llm.Finished(llm.Reply((llm.Text("Checkout."),), llm.Stop.END, llm.Usage(), "m"))


@pytest.mark.parametrize(
    "wrap", [retrying, lambda one: fallbacks.Fallback([one, script("Checkout.")], clock=virtual.CLOCK)]
)
def test_a_live_reply_that_broke_off_begins_anew(wrap: Any) -> None:
    async def main() -> list[llm.Delta]:
        return await pieces(wrap(_Breaking()))

    found = virtual.run(main())
    assert said(found) == "Checkout." == found[-1].reply.text
    assert sum(isinstance(piece, llm.Restarted) for piece in found) == 1


# ---- fallbacks


async def chain(*models: llm.Model, request: llm.Request = ASK, **more: Any) -> llm.Reply:
    return await fallbacks.Fallback(models, clock=virtual.CLOCK, **more).chat(request)


@pytest.mark.parametrize("error", AGAIN + NOT_AGAIN, ids=named)
def test_the_next_is_asked_whatever_is_wrong(error: errors.ModelError) -> None:
    assert virtual.run(chain(script(error), script("Checkout."))).text == "Checkout."


def test_a_hanging_model_leaves_time_for_the_next() -> None:
    async def main() -> tuple[str, float]:
        reply = await chain(script(testing.Hangs()), script("Checkout."))
        return reply.text, now_s()

    assert virtual.run(main()) == ("Checkout.", pytest.approx(72.0))


def test_when_nobody_answers_all_of_them_are_named() -> None:
    with pytest.raises(errors.ModelOverloaded, match="none of 2 models answered: key; full"):
        virtual.run(chain(script(errors.ModelNotPermitted("key")), script(errors.ModelOverloaded("full"))))


def test_one_that_is_down_rests() -> None:
    first, second = script(errors.ModelUnreachable("gone"), "back", name="first"), script("b", "c", name="second")

    async def main() -> list[str]:
        model = fallbacks.Fallback([first, second], clock=virtual.CLOCK)
        found = [(await model.chat(ASK)).text, (await model.chat(ASK)).text]
        await virtual.CLOCK.sleep(fallbacks.REST_S[errors.ModelUnreachable] + 1)
        return [*found, (await model.chat(ASK)).text]

    assert virtual.run(main()) == ["b", "c", "back"]


def test_when_all_rest_all_are_asked() -> None:
    first, second = (
        script(errors.ModelUnreachable("gone"), "a", name="first"),
        script(errors.ModelUnreachable("gone"), name="second"),
    )

    async def main() -> str:
        model = fallbacks.Fallback([first, second], clock=virtual.CLOCK)
        with pytest.raises(errors.ModelUnreachable):
            await model.chat(ASK)
        return (await model.chat(ASK)).text

    assert virtual.run(main()) == "a"


@pytest.mark.parametrize("bug", [errors.BudgetSpent("spent"), errors.UnexpectedPrompt("bug")], ids=named)
def test_a_spent_budget_and_a_bug_are_not_passed_over(bug: Exception) -> None:
    class Raising(llm.Model):
        provider, name = "scripted", "raising"

        async def exchange(self, request: llm.Request, *, live: bool) -> AsyncGenerator[llm.Delta]:
            raise bug
            yield

    with pytest.raises(type(bug)):
        virtual.run(chain(retrying(Raising()), script("no")))


# ---- wishes


def test_a_temperature_that_is_refused_is_left_out_from_then_on() -> None:
    no = errors.ModelRejected("m: Unsupported value: 'temperature' does not support 0 with this model")
    model = script(no, "a", "b")
    request = llm.Request(messages=ASK.messages, temperature=0.0, seed=3)
    known: set[tuple[str, str]] = set()

    async def main() -> list[str]:
        return [(await wishes.Yielding(model, refused=known).chat(request)).text for _ in range(2)]

    assert virtual.run(main()) == ["a", "b"]
    assert [(one.temperature, one.seed) for one in model.asked] == [(0.0, 3), (None, 3), (None, 3)]


@pytest.mark.parametrize(
    "error", [errors.ModelRejected("the seed of doubt: tools"), errors.ContextTooLong("seed")], ids=named
)
def test_what_is_refused_for_other_reasons_stays_refused(error: errors.ModelError) -> None:
    model = script(*[error] * 3)
    with pytest.raises(errors.ModelRejected):
        virtual.run(wishes.Yielding(model).chat(ASK))
    assert len(model.asked) == 1
