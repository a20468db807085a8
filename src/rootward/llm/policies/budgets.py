"""What one run may spend on models: tokens, money, time. It is checked before every call, also with many calls under way at once."""

import contextlib
import dataclasses
from collections.abc import AsyncGenerator

from rootward import _clock, errors
from rootward.llm import deltas, messages, model
from rootward.llm import prices as price_table

TOKENS_USEFUL_MIN = 16
"""With room for fewer tokens of answer than this, there is no point in asking."""

TIMER_S = 0.05
"""Timers fire a little early: with less than this left, time is over."""


@dataclasses.dataclass(frozen=True, slots=True)
class Allowance:
    """None: as much as it takes."""

    tokens: int | None = None
    dollars: float | None = None
    seconds: float | None = None


@dataclasses.dataclass(slots=True)
class Hold:
    """What a call under way may take at most, set aside; `request` is the question, cut to what it may take."""

    request: messages.Request
    tokens: int
    dollars: float


class Budget:
    """One run's account. Time runs from its making. `calls`, `usage` and `dollars` tell what was spent so far;
    `unpriced` counts the calls to models whose price nobody knows."""

    def __init__(self, allowance: Allowance, clock: _clock.Clock) -> None:
        self._allowance, self._clock = allowance, clock
        self._ends_at_s = None if allowance.seconds is None else clock.monotonic_s() + allowance.seconds
        self._held_tokens = 0
        self._held_dollars = 0.0
        self.calls = 0
        self.usage = messages.Usage()
        self.dollars = 0.0
        self.unpriced = 0

    def left_s(self) -> float | None:
        """Seconds left, or None where time does not matter."""
        return None if self._ends_at_s is None else max(self._ends_at_s - self._clock.monotonic_s(), 0.0)

    def hold(self, request: messages.Request, price: price_table.Price | None, title: str) -> Hold:
        """Set aside what `request` may cost at most: the question as estimated and the longest answer, which is shortened to
        what is left.

        Raises:
            errors.BudgetSpent: nothing useful is left.
        """
        asked = messages.estimated_tokens(request)
        answer, seconds = request.tokens_max, request.seconds
        left_s = self.left_s()
        if left_s is not None:
            if left_s <= 0:
                raise _spent(title, f"its {self._allowance.seconds:g} seconds are over")
            seconds = min(seconds, left_s)
        if self._allowance.tokens is not None:
            left = self._allowance.tokens - self.usage.total - self._held_tokens
            answer = min(answer, left - asked)
            if answer < min(TOKENS_USEFUL_MIN, request.tokens_max):
                raise _spent(
                    title, f"{max(left, 0)} of {self._allowance.tokens} tokens are left, and the question takes {asked}"
                )
        if self._allowance.dollars is not None:
            answer = min(answer, self._affordable(asked, price, title, request.tokens_max))
        dollars = _worst(price, asked, answer)
        self._held_tokens += asked + answer
        self._held_dollars += dollars
        cut = dataclasses.replace(request, tokens_max=answer, seconds=seconds)
        return Hold(cut, asked + answer, dollars)

    def settle(self, hold: Hold, usage: messages.Usage, price: price_table.Price | None) -> None:
        """Give back what was set aside, and book what was spent."""
        self._held_tokens -= hold.tokens
        self._held_dollars -= hold.dollars
        self.calls += 1
        self.usage += usage
        if price is None:
            self.unpriced += 1
        else:
            self.dollars += price.of(usage)

    def _affordable(self, asked: int, price: price_table.Price | None, title: str, wanted: int) -> int:
        """Tokens of answer that the money is enough for."""
        limit = self._allowance.dollars
        assert limit is not None
        if price is None:
            raise errors.SettingsError(
                f"{title} has no known price, and dollars_max is set; say what it costs under `price` of this model in rootward.yaml"
            )
        left = limit - self.dollars - self._held_dollars
        question, a_token = _worst(price, asked, 0), _worst(price, asked, 1) - _worst(price, asked, 0)
        room = wanted if a_token <= 0 else int((left - question) / a_token)
        if left < question or room < min(TOKENS_USEFUL_MIN, wanted):
            raise _spent(
                title, f"${max(left, 0.0):.4f} of ${limit:g} is left, and the question alone takes ${question:.4f}"
            )
        return min(room, wanted)


class Budgeted(model.Around):
    """Around one model: every call is checked against a budget and booked on it, also the failed ones, for what they cost.

    Raises:
        errors.BudgetSpent: before a call that it does not allow, or when time is over in the middle of one.
    """

    def __init__(self, inner: model.Model, budget: Budget, price: price_table.Price | None) -> None:
        super().__init__(inner)
        self._budget, self._price = budget, price

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        hold = self._budget.hold(request, self._price, self.title)
        # Called off, or silent to the end: the question is charged for, as providers do.
        usage = messages.Usage(input_tokens=messages.estimated_tokens(request), estimated=True)
        settled = False
        try:
            async with contextlib.aclosing(self._inner.exchange(hold.request, live=live)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, deltas.Finished):  # booked before anybody sees the reply
                        self._budget.settle(hold, piece.reply.usage, self._price)
                        settled = True
                    yield piece
        except errors.ModelTimeout as error:
            left_s = self._budget.left_s()
            if left_s is not None and left_s < TIMER_S:
                raise _spent(self.title, "its time ran out while the model was answering") from error
            raise
        except errors.ModelError as error:
            usage = messages.paid(error.usage)
            raise
        finally:
            if not settled:
                self._budget.settle(hold, usage, self._price)


def _worst(price: price_table.Price | None, asked: int, answer: int) -> float:
    """The most that it may cost: nothing from a cache, everything written into one."""
    if price is None:
        return 0.0
    dear = price.cache_write is not None and price.cache_write > price.input
    into = messages.Usage(cache_write_tokens=asked) if dear else messages.Usage(input_tokens=asked)
    usage = dataclasses.replace(into, output_tokens=answer)
    return price.of(usage)


def _spent(title: str, why: str) -> errors.BudgetSpent:
    return errors.BudgetSpent(f"the budget for models is spent ({title}): {why}")
