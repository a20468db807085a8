"""Asks again where the same question may be answered in a moment: too many questions, no room, a broken line."""

import contextlib
import dataclasses
from collections.abc import AsyncGenerator

import numpy as np

from rootward import _clock, errors
from rootward.llm import deltas, messages, model

WORTH_ASKING_AGAIN = (errors.ModelRateLimited, errors.ModelFailed, errors.ModelUnreachable)


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How often, and how long between: the first wait is drawn from 0 to `backoff_s`, each later one from twice as much
    (full jitter: AWS Architecture Blog, "Exponential Backoff and Jitter", 2015), and at least what the provider asks for."""

    attempts: int = 4
    backoff_s: float = 0.5
    backoff_s_max: float = 20.0


class Retrying(model.Around):
    """Around one model. All attempts and waits together stay within the request's seconds; what failed attempts cost is in the
    reply's usage. A live reply that broke off begins anew (`Restarted`)."""

    def __init__(
        self, inner: model.Model, *, clock: _clock.Clock, rng: np.random.Generator, patience: Patience | None = None
    ) -> None:
        super().__init__(inner)
        self._clock, self._rng, self._patience = clock, rng, patience or Patience()

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        ends_at_s = self._clock.monotonic_s() + request.seconds
        spent = messages.Usage()
        for attempt in range(1, self._patience.attempts + 1):
            asked = dataclasses.replace(request, seconds=max(ends_at_s - self._clock.monotonic_s(), 0.001))
            begun = False
            try:
                async with contextlib.aclosing(self._inner.exchange(asked, live=live)) as pieces:
                    async for piece in pieces:
                        if isinstance(piece, deltas.Finished):
                            reply = piece.reply
                            yield deltas.Finished(dataclasses.replace(reply, usage=reply.usage + spent))
                            return
                        begun = True
                        yield piece
            except WORTH_ASKING_AGAIN as error:
                spent += messages.paid(error.usage)
                if attempt == self._patience.attempts or not await self._wait(attempt, error, ends_at_s):
                    error.usage = messages.spent(spent)
                    raise
                if begun:
                    yield deltas.Restarted(str(error))
        raise AssertionError("the last attempt returns or raises")

    async def _wait(self, attempt: int, error: errors.ModelError, ends_at_s: float) -> bool:
        """Whether there is time for another attempt; if so, it has come."""
        ceiling_s = min(self._patience.backoff_s * 2 ** (attempt - 1), self._patience.backoff_s_max)
        wait_s = max(float(self._rng.uniform(0.0, ceiling_s)), error.retry_after_s or 0.0)
        if self._clock.monotonic_s() + wait_s >= ends_at_s:
            return False
        await self._clock.sleep(wait_s)
        return True
