"""A model as it is used: clients with everything around them, in the one order that makes sense, for one run and its budget.

From the inside out, and why there: *record* (each attempt is one), *budget* (each attempt costs), *limit* (each attempt counts),
*retry*, *yield*, *form* (a repair is a new question, which may be retried), *words* (tools as a form), *fallback* (a model that cannot keep to a form is passed over),
*redact* (nothing below sees what must not leave).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from rootward import _clock
from rootward.llm import model
from rootward.llm import prices as price_table
from rootward.llm.policies import budgets, fallbacks, forms, limits, records, redacting, retries, wishes, words
from rootward.signals import redaction


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """One model of a chain: the client (or a double), what it costs, and what its account allows."""

    client: model.Model
    price: price_table.Price | None
    limiter: limits.Limiter | None = None


class Stack:
    """Models in the order in which they are asked, shared by all runs of a process. Whoever makes it closes it."""

    def __init__(
        self,
        links: Sequence[Link],
        *,
        clock: _clock.Clock,
        rng: np.random.Generator,
        journal: records.Journal | None = None,
        patience: retries.Patience | None = None,
    ) -> None:
        assert links
        self.links = tuple(links)
        self.journal = journal
        self._clock, self._rng, self._patience = clock, rng, patience
        self._rest = fallbacks.Rest(clock)
        self._deaf: set[str] = set()
        self._unwanted: set[tuple[str, str]] = set()
        self._refused: set[tuple[str, model.Way]] = set()

    def under(
        self,
        budget: budgets.Budget,
        *,
        hide: redacting.Change = redaction.redact,
        restore: redacting.Change | None = None,
    ) -> model.Model:
        """The model for one run. Do not close it; close the stack."""
        chain = [self._around(link, budget) for link in self.links]
        chosen = chain[0] if len(chain) == 1 else fallbacks.Fallback(chain, clock=self._clock, rest=self._rest)
        return redacting.Redacting(chosen, hide=hide, restore=restore)

    async def aclose(self) -> None:
        """Let go of all connections."""
        for link in self.links:
            await link.client.aclose()

    def _around(self, link: Link, budget: budgets.Budget) -> model.Model:
        one = link.client
        if self.journal is not None:
            one = records.Recorded(one, self.journal, clock=self._clock, price=link.price)
        one = budgets.Budgeted(one, budget, link.price)
        if link.limiter is not None:
            one = limits.Limited(one, link.limiter, clock=self._clock)
        one = retries.Retrying(one, clock=self._clock, rng=self._rng, patience=self._patience)
        one = wishes.Yielding(one, refused=self._unwanted)
        one = forms.Formed(one, refused=self._refused)
        return words.Spoken(one, deaf=self._deaf)
