"""Leaves out what a model refuses although the question can do without: how freely it may choose its words, and a seed.

Reasoning models take no temperature, some servers no seed, and which is which changes with every release: so they are asked, and what
they refuse is remembered.
"""

import contextlib
import dataclasses
import re
from collections.abc import AsyncGenerator

from rootward import errors
from rootward.llm import deltas, messages, model

WISHES = ("temperature", "seed")


class Yielding(model.Around):
    """Around one model. `refused` remembers (model, wish) for all that share it."""

    def __init__(self, inner: model.Model, *, refused: set[tuple[str, str]] | None = None) -> None:
        super().__init__(inner)
        self._refused = refused if refused is not None else set()

    async def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """See `model.Model.exchange`."""
        for _ in range(len(WISHES) + 1):
            asked = request
            if (self.title, "temperature") in self._refused:
                asked = dataclasses.replace(asked, temperature=None)
            if (self.title, "seed") in self._refused:
                asked = dataclasses.replace(asked, seed=None)
            try:
                async with contextlib.aclosing(self._inner.exchange(asked, live=live)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except errors.ContextTooLong:
                raise
            except errors.ModelRejected as error:
                wish = _named(str(error), asked)
                if wish is None:
                    raise
                self._refused.add((self.title, wish))
        raise AssertionError("every wish is given up at most once")


def _named(said: str, asked: messages.Request) -> str | None:
    """Which of the wishes in the question the refusal speaks of."""
    return next((one for one in WISHES if getattr(asked, one) is not None and re.search(rf"\b{one}\b", said)), None)
