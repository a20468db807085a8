"""Budgets, limits and prices: nothing is spent beyond what was allowed, also with many calls at once; the clock is virtual."""

import asyncio
from typing import Any

import pytest
import virtual_time as virtual
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_models import ASK, RNG, now_s, pieces, script

from rootward import _tasks, errors, llm
from rootward.llm import prices, testing
from rootward.llm.policies import budgets, limits
from rootward.llm.stack import Link, Stack

PRICE = prices.Price(2.0, 10.0, cache_read=0.2, cache_write=2.5)
REPLY = llm.Reply((llm.Text("x"),), llm.Stop.END, llm.Usage(100, 50, 200, 40), "m")


def budget(**allowance: Any) -> budgets.Budget:
    return budgets.Budget(budgets.Allowance(**allowance), virtual.CLOCK)


def test_what_was_spent_is_known_to_the_cent() -> None:
    async def main() -> budgets.Budget:
        account = budget()
        await budgets.Budgeted(script(REPLY), account, PRICE).chat(ASK)
        return account

    account = virtual.run(main())
    assert account.dollars == pytest.approx((100 * 2 + 50 * 10 + 200 * 0.2 + 40 * 2.5) / 1e6)
    assert (account.calls, account.usage, account.unpriced) == (1, REPLY.usage, 0)


def test_nothing_is_asked_when_the_tokens_are_spent() -> None:
    model = script(REPLY, "never")

    async def main() -> None:
        account = budget(tokens=400)
        wrapped = budgets.Budgeted(model, account, None)
        await wrapped.chat(ASK)
        with pytest.raises(errors.BudgetSpent, match="10 of 400 tokens are left"):
            await wrapped.chat(ASK)

    virtual.run(main())
    assert len(model.asked) == 1


def test_an_answer_is_cut_to_what_is_left() -> None:
    model = script("x", "x")

    async def main() -> None:
        await budgets.Budgeted(model, budget(tokens=60), None).chat(ASK)
        await budgets.Budgeted(model, budget(dollars=0.0005), PRICE).chat(ASK)

    virtual.run(main())
    assert 16 <= model.asked[0].tokens_max < 60
    assert 16 <= model.asked[1].tokens_max < 50


def test_money_needs_a_price() -> None:
    with pytest.raises(errors.SettingsError, match="no known price"):
        virtual.run(_once(budgets.Budgeted(script("x"), _later(dollars=1.0), None)))


def test_without_a_price_and_without_a_limit_the_calls_are_counted_as_unpriced() -> None:
    account = _later()
    virtual.run(_once(budgets.Budgeted(script("x"), account, None)))
    assert (account.unpriced, account.dollars) == (1, 0.0)


def _later(**allowance: Any) -> budgets.Budget:
    """A budget made outside a loop, where no clock runs."""

    async def main() -> budgets.Budget:
        return budget(**allowance)

    return virtual.run(main())


async def _once(model: llm.Model) -> llm.Reply:
    return await model.chat(ASK)


def test_time_ends_a_call_in_the_middle_and_forbids_the_next() -> None:
    model = script(testing.Hangs(), "never")

    async def main() -> float:
        wrapped = budgets.Budgeted(model, budget(seconds=8.0), None)
        for why in ("ran out while", "seconds are over"):
            with pytest.raises(errors.BudgetSpent, match=why):
                await wrapped.chat(ASK)
        return now_s()

    assert virtual.run(main()) == 8.0


def test_failed_calls_cost_what_they_cost() -> None:
    async def main() -> budgets.Budget:
        account = budget()
        for failure in (errors.ModelFailed("x", usage={"input_tokens": 30}), errors.ModelNotPermitted("x")):
            with pytest.raises(errors.ModelError):
                await budgets.Budgeted(script(failure), account, PRICE).chat(ASK)
        return account

    account = virtual.run(main())
    assert account.usage == llm.Usage(input_tokens=30)
    assert account.calls == 2


def test_a_call_that_is_called_off_costs_its_question_and_frees_what_was_held() -> None:
    async def main() -> budgets.Budget:
        account = budget(tokens=300)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await budgets.Budgeted(script(testing.Hangs()), account, PRICE).chat(ASK)
        await budgets.Budgeted(script("x"), account, PRICE).chat(ASK)
        return account

    assert virtual.run(main()).calls == 2


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 300), st.booleans()), min_size=1, max_size=20),
    st.integers(50, 2000),
    st.integers(1, 8),
)
def test_many_at_once_never_spend_more_than_allowed(
    calls: list[tuple[int, int, bool]], tokens: int, at_once: int
) -> None:
    """As long as a question is what it was thought to be, and a model keeps to `tokens_max`."""

    class Spending(llm.Model):
        provider, name = "scripted", "spending"

        async def exchange(self, request: llm.Request, *, live: bool) -> Any:
            await asyncio.sleep(0.1)
            usage = llm.Usage(llm.estimated_tokens(request), request.tokens_max)
            if request.system:
                raise errors.ModelFailed(
                    "x", usage={"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
                )
            yield llm.Finished(llm.Reply((), llm.Stop.LENGTH, usage, "m"))

    async def main() -> budgets.Budget:
        account = budget(tokens=tokens, dollars=0.01)
        model = budgets.Budgeted(Spending(), account, PRICE)

        async def one(length: int, answer: int, fails: bool) -> None:
            request = llm.Request(messages=(llm.user("x" * length),), system="f" if fails else "", tokens_max=answer)
            try:
                await model.chat(request)
            except (errors.BudgetSpent, errors.ModelFailed):
                return

        jobs = [lambda call=call: one(*call) for call in calls]
        await _tasks.run_all(jobs, limit=at_once)
        return account

    account = virtual.run(main())
    assert account.usage.total <= tokens
    assert account.dollars <= 0.01 + 1e-9
    assert account._held_tokens == 0
    assert account._held_dollars == pytest.approx(0.0, abs=1e-12)


# ---- limits


def test_requests_a_minute_are_kept_in_order() -> None:
    async def main() -> list[tuple[int, float]]:
        limiter = limits.Limiter(virtual.CLOCK, requests_a_minute=6)
        done: list[tuple[int, float]] = []

        async def one(number: int) -> None:
            await limits.Limited(script("x"), limiter, clock=virtual.CLOCK).chat(ASK)
            done.append((number, now_s()))

        await _tasks.run_all([lambda number=number: one(number) for number in range(9)], limit=9)
        return done

    done = virtual.run(main())
    assert [number for number, _ in done] == list(range(9))
    assert [at_s for _, at_s in done] == pytest.approx([0.0] * 6 + [10.0, 20.0, 30.0])


def test_tokens_a_minute_are_corrected_by_what_was_used() -> None:
    async def main() -> list[float]:
        limiter = limits.Limiter(virtual.CLOCK, tokens_a_minute=1000)
        model = limits.Limited(script(*["x"] * 30), limiter, clock=virtual.CLOCK)
        times = []
        for _ in range(12):
            await model.chat(llm.Request(messages=ASK.messages, tokens_max=900))
            times.append(now_s())
        return times

    assert virtual.run(main())[-1] < 60.0, "thought to take 900 each, they took a handful"


def test_calls_under_way_are_bounded() -> None:
    under_way, most = 0, 0

    class Slow(llm.Model):
        provider, name = "scripted", "slow"

        async def exchange(self, request: llm.Request, *, live: bool) -> Any:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(1.0)
            under_way -= 1
            yield llm.Finished(REPLY)

    async def main() -> float:
        limiter = limits.Limiter(virtual.CLOCK, at_once=2)
        model = limits.Limited(Slow(), limiter, clock=virtual.CLOCK)
        await _tasks.run_all([lambda: model.chat(ASK)] * 6, limit=6)
        return now_s()

    assert virtual.run(main()) == pytest.approx(3.0)
    assert most == 2


def test_who_would_wait_too_long_is_told_at_once() -> None:
    async def main() -> float:
        limiter = limits.Limiter(virtual.CLOCK, requests_a_minute=1)
        model = limits.Limited(script("x", "x"), limiter, clock=virtual.CLOCK)
        await model.chat(ASK)
        with pytest.raises(errors.ModelRateLimited, match="our own limit"):
            await model.chat(llm.Request(messages=ASK.messages, seconds=20.0))
        return now_s()

    assert virtual.run(main()) == 0.0


def test_a_live_reply_is_limited_and_budgeted_like_a_whole_one() -> None:
    async def main() -> budgets.Budget:
        account = budget()
        limiter = limits.Limiter(virtual.CLOCK, requests_a_minute=10)
        await pieces(limits.Limited(budgets.Budgeted(script(REPLY), account, PRICE), limiter, clock=virtual.CLOCK))
        return account

    assert virtual.run(main()).usage == REPLY.usage


# ---- prices


@pytest.mark.parametrize(
    ("name", "into"),
    [
        ("claude-opus-4-5", 5.0),
        ("claude-opus-4-5-20251101", 5.0),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", 5.0),
        ("claude-opus-4-5@20251101", 5.0),
        ("anthropic/claude-opus-4-5", 5.0),
        ("claude-opus-4-1-20250805", 15.0),
        ("gpt-5-mini-2025-08-07", 0.25),
        ("gpt-5.6-luna", 0.2),
    ],
)
def test_a_models_releases_cost_what_it_costs(name: str, into: float) -> None:
    price = prices.listed().price(name)
    assert price is not None
    assert price.input == into


@pytest.mark.parametrize("name", ["claude-opus-9", "gpt-5-mini-turbo", "gpt-5.6", "qwen3", "", "us.anthropic."])
def test_nobody_guesses_a_price(name: str) -> None:
    assert prices.listed().price(name) is None


def test_the_table_is_dated_and_makes_sense() -> None:
    table = prices.listed()
    assert table.as_of >= "2026-11-05"
    for name, price in table.prices.items():
        assert 0 < price.input < price.output, name
        assert price.cache_read is not None, name
        assert price.cache_read < price.input, name


def test_long_questions_cost_more_where_they_do() -> None:
    price = prices.listed().price("claude-haiku-5-5")
    assert price is not None
    assert price.of(llm.Usage(input_tokens=100_000)) == pytest.approx(0.01)
    assert price.of(llm.Usage(input_tokens=1, cache_read_tokens=100_000)) == pytest.approx(0.005, rel=1e-3)


def test_an_account_that_is_limited_is_limited_through_the_stack() -> None:
    async def main() -> float:
        limiter = limits.Limiter(virtual.CLOCK, requests_a_minute=1)
        stack = Stack([Link(script("a", "b"), None, limiter)], clock=virtual.CLOCK, rng=RNG)
        model = stack.under(budget())
        await model.chat(ASK)
        await model.chat(ASK)
        await stack.aclose()
        return now_s()

    assert virtual.run(main()) == pytest.approx(60.0)
