"""Keeps below what a provider allows in a minute, so that it need not say no: requests, tokens, and calls under way."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator

from rootward import _clock, errors
from rootward.llm import deltas, messages, model

MINUTE_S = 60.0


class Bucket:
    """Fills evenly, `a_minute` in a minute, and holds as much; what is taken may be given back."""

    def __init__(self, a_minute: float, clock: _clock.Clock) -> None:
        self._a_minute, self._clock = a_minute, clock
        self._level = a_minute
        self._at_s = clock.monotonic_s()

    def wait_s(self, amount: float) -> float:
        """Seconds until `amount` is there; more than it holds counts as all of it."""
        self._fill()
        return max(min(amount, self._a_minute) - self._level, 0.0) * MINUTE_S / self._a_minute

    def take(self, amount: float) -> None:
        """Take it, also below nothing: what was more than thought delays the next."""
        self._fill()
        self._level -= amount

    def _fill(self) -> None:
        now_s = self._clock.monotonic_s()
        self._level = min(self._level + (now_s - self._at_s) * self._a_minute / MINUTE_S, self._a_minute)
        self._at_s = now_s


class Limiter:
    """What one account may do with one model; shared by everybody who asks it. None: no limit. Who comes first goes first."""

    def __init__(
        self,
        clock: _clock.Clock,
        *,
        requests_a_minute: float | None = None,
        tokens_a_minute: float | None = None,
        at_once: int | None = None,
    ) -> None:
        self._clock = clock
        self._requests = Bucket(requests_a_minute, clock) if requests_a_minute else None
        self._tokens = Bucket(tokens_a_minute, clock) if tokens_a_minute else None
        self._turn = asyncio.Lock()
        self._room = asyncio.Semaphore(at_once) if at_once else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def admitted(self, tokens: int, *, seconds: float, title: str) -> AsyncGenerator[None]:
        """Inside, the call may be made. `tokens`: what it is thought to take.

        Raises:
            errors.ModelRateLimited: it would have to wait longer than `seconds`.
        """
        ends_at_s = self._clock.monotonic_s() + seconds
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(seconds):
                    await stack.enter_async_context(self._room)
                    await self._waited(tokens, ends_at_s, title)
            except TimeoutError as error:
                raise _too_long(title, seconds) from error
            yield

    async def _waited(self, tokens: int, ends_at_s: float, title: str) -> None:
        async with self._turn:
            waits = [
                self._requests.wait_s(1) if self._requests else 0.0,
                self._tokens.wait_s(tokens) if self._tokens else 0.0,
            ]
            if self._clock.monotonic_s() + max(waits) > ends_at_s:
                raise _too_long(title, max(waits))
            if max(waits) > 0:
                await self._clock.sleep(max(waits))
            if self._requests:
                self._requests.take(1)
            if self._tokens:
                self._tokens.take(tokens)

    def settle(self, thought: int, real: int) -> None:
        """What a call took in the end, where it is known."""
        if self._tokens:
            self._tokens.take(real - thought)


class Limited(model.Around):
    """Around one model."""

    def __init__(self, inner: model.Model, limiter: Limiter, *, clock: _clock.Clock) -> None:
        super().__init__(inner)
        self._limiter, self._clock = limiter, clock

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        thought = messages.estimated_tokens(request) + request.tokens_max
        began_s = self._clock.monotonic_s()
        async with self._limiter.admitted(thought, seconds=request.seconds, title=self.title):
            left_s = max(request.seconds - (self._clock.monotonic_s() - began_s), 0.001)
            asked = dataclasses.replace(request, seconds=left_s)
            async with contextlib.aclosing(self._inner.exchange(asked, live=live)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, deltas.Finished):
                        self._limiter.settle(thought, piece.reply.usage.total)
                    yield piece


def _too_long(title: str, wait_s: float) -> errors.ModelRateLimited:
    message = f"{title}: our own limit (requests_a_minute, tokens_a_minute, at_once) would make this wait {wait_s:.0f} s or more; raise it, or ask less"
    return errors.ModelRateLimited(message, model=title, retry_after_s=wait_s)
