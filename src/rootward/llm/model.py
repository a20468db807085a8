"""The one protocol that everything in front of a model speaks: clients, policies around them, and doubles."""

import abc
import contextlib
from collections.abc import AsyncGenerator
from typing import Literal

from rootward.llm import deltas, messages

Way = Literal["schema", "guided", "tool", "prompt"]
"""How a model is made to answer in a form: by the provider's own JSON schema; by a schema that only guides its choice of tokens and
is therefore told in words too; by a tool that it must call; or by asking. Where a provider refuses one, the next is tried."""


class Model(abc.ABC):
    """Something that answers requests.

    Whoever implements it writes `exchange` alone; policies wrap one model's exchange in their own, so that the same few lines
    hold for whole replies and for streams. Close a stream that you leave early (`contextlib.aclosing`): it holds a connection.
    """

    provider: str
    """Who is asked ("anthropic", "ollama")."""
    name: str
    """The model, as the provider names it."""
    way: Way = "schema"
    """How it is made to answer in a form."""
    context_tokens: int | None = None
    """Tokens of question and answer together that it has room for; None: nobody said."""

    @property
    def title(self) -> str:
        """Both, for messages to people."""
        return f"{self.provider}/{self.name}"

    @abc.abstractmethod
    def exchange(self, request: messages.Request, *, live: bool) -> AsyncGenerator[deltas.Delta]:
        """The pieces of the reply as they come if `live`, and in any case `Finished` with the whole, once and last.

        Raises:
            errors.ModelError: a subclass for each way of not answering.
            errors.BudgetSpent: a budget around it is spent.
        """

    async def chat(self, request: messages.Request) -> messages.Reply:
        """The whole reply. Raises as `exchange`."""
        async with contextlib.aclosing(self.exchange(request, live=False)) as pieces:
            async for piece in pieces:
                if isinstance(piece, deltas.Finished):
                    return piece.reply
        raise AssertionError("an exchange ends with Finished or raises")

    def stream(self, request: messages.Request) -> AsyncGenerator[deltas.Delta]:
        """The reply while it comes. Raises as `exchange`, possibly after pieces."""
        return self.exchange(request, live=True)

    async def aclose(self) -> None:
        """Let go of connections and memory."""
        return


class Around(Model):
    """A policy around one model: what it does not change is that model's."""

    def __init__(self, inner: Model) -> None:
        self._inner = inner
        self.provider, self.name, self.way = inner.provider, inner.name, inner.way
        self.context_tokens = inner.context_tokens

    async def aclose(self) -> None:
        await self._inner.aclose()
