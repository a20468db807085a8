"""Several models in order: where one does not answer, the next is asked; one that is down rests for a while."""

import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Sequence

from rootward import _clock, errors
from rootward.llm import deltas, messages, model

SHARE = 0.6
"""Of the time that is left, for each but the last: a model that hangs leaves time for the next."""
REST_S = {
    errors.ModelRateLimited: 20.0,
    errors.ModelOverloaded: 30.0,
    errors.ModelUnreachable: 30.0,
    errors.ModelTimeout: 60.0,
    errors.ModelNotPermitted: 300.0,
    errors.ModelUnknown: 300.0,
}
"""How long a model is passed over after failing so; other failures are about the one question."""


class Fallback(model.Model):
    """Asks the first of `models` that is not resting, then the next. If all rest, all are asked all the same.

    Raises:
        errors.ModelError: what the last one raised, with what the others said before it.
    """

    def __init__(self, models: Sequence[model.Model], *, clock: _clock.Clock, rest: "Rest | None" = None) -> None:
        assert models
        self._models, self._clock = list(models), clock
        self._rest = rest if rest is not None else Rest(clock)
        self.provider, self.name, self.way = models[0].provider, models[0].name, models[0].way
        self.context_tokens = min(
            (one.context_tokens for one in models if one.context_tokens is not None), default=None
        )

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        ends_at_s = self._clock.monotonic_s() + request.seconds
        chosen = self._rest.awake(self._models)
        failed: list[errors.ModelError] = []
        for one in chosen:
            left_s = max(ends_at_s - self._clock.monotonic_s(), 0.001)
            asked = dataclasses.replace(request, seconds=left_s if one is chosen[-1] else left_s * SHARE)
            try:
                async with contextlib.aclosing(one.exchange(asked, live=live)) as pieces:
                    async for piece in pieces:
                        yield self._with_spent(piece, failed)
                return
            except errors.ModelError as error:
                self._rest.after(one, error)
                failed.append(error)
                if one is chosen[-1]:
                    raise _all_of(failed) from error
                yield deltas.Restarted(str(error))

    async def aclose(self) -> None:
        """See `model.Model.aclose`."""
        for one in self._models:
            await one.aclose()

    def _with_spent(self, piece: deltas.Delta, failed: Sequence[errors.ModelError]) -> deltas.Delta:
        if not isinstance(piece, deltas.Finished) or not failed:
            return piece
        usage = sum((messages.paid(one.usage) for one in failed), piece.reply.usage)
        return deltas.Finished(dataclasses.replace(piece.reply, usage=usage))


class Rest:
    """Which models rest, and until when; shared by all chains over the same models."""

    def __init__(self, clock: _clock.Clock) -> None:
        self._clock = clock
        self._until_s: dict[str, float] = {}

    def awake(self, models: Sequence[model.Model]) -> list[model.Model]:
        now_s = self._clock.monotonic_s()
        return [one for one in models if self._until_s.get(one.title, now_s) <= now_s] or list(models)

    def after(self, one: model.Model, error: errors.ModelError) -> None:
        rest_s = REST_S.get(type(error), 0.0)
        if rest_s:
            self._until_s[one.title] = self._clock.monotonic_s() + max(rest_s, error.retry_after_s or 0.0)


def _all_of(failed: Sequence[errors.ModelError]) -> errors.ModelError:
    last = failed[-1]
    if len(failed) == 1:
        return last
    usage = sum((messages.paid(one.usage) for one in failed), messages.Usage())
    told = f"none of {len(failed)} models answered: " + "; ".join(str(one) for one in failed)
    return type(last)(told, model=last.model, retry_after_s=last.retry_after_s, usage=messages.spent(usage))
