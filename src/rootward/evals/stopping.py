"""Stopping a run as soon as its question is answered, by bands that hold at every look: looking on until it looks good is then no cheating.

Scenarios are looked at in the order in which they were drawn, not as they finish: quick ones must not count first.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from rootward.evals import records, statistics
from rootward.evals.scores import registry


class Rule(Protocol):
    """When to stop."""

    def look(self, scenario: str, score: float) -> bool:
        """Take the next scenario's headline score in; True once the question is answered."""

    def said(self) -> str:
        """The answer so far, with the band that holds at every look."""


class Narrow:
    """Stops when the band of the headline is narrower than `width`."""

    def __init__(self, width: float) -> None:
        self._width = width
        self._band = statistics.Bernoulli()

    def look(self, scenario: str, score: float) -> bool:
        del scenario
        low, high = self._band.update(score > 0)
        return high - low < self._width

    def said(self) -> str:
        low, high = self._band.bounds
        return f"headline between {low:.1%} and {high:.1%}"


class Apart:
    """Stops when the headline is clearly better or worse than `before` was, scenario by scenario; those it does not know are passed over."""

    def __init__(self, before: Mapping[str, float]) -> None:
        self._before = before
        self._band = statistics.Betting()
        self._seen = 0

    def look(self, scenario: str, score: float) -> bool:
        if scenario in self._before:
            self._seen += 1
            self._band.update(score - self._before[scenario])
        low, high = self._band.bounds
        return low > 0 or high < 0

    def said(self) -> str:
        low, high = self._band.bounds
        verdict = "better" if low > 0 else "worse" if high < 0 else "no difference seen"
        return f"{verdict} on {self._seen} shared scenarios: between {low * 100:+.1f} and {high * 100:+.1f} points"


class Watch:
    """Looks after every scenario, by all `rules`; `order` is that in which the scenarios were drawn."""

    def __init__(self, order: Sequence[str], rules: Sequence[Rule], done: Sequence[records.Row]) -> None:
        self._order = order
        self._rules = rules
        self._scores: dict[str, float | None] = {}
        self._seen = 0
        self._clear = False
        self.add(done)

    def add(self, rows: Sequence[records.Row]) -> None:
        """Rows that finished; of each scenario its first unperturbed run counts, one without a score (never built) does not."""
        if not self._rules:
            return
        first = (row for row in rows if not row.perturbation and row.repeat == 0)
        self._scores |= {row.scenario: row.scores.get(registry.PRIMARY) for row in first}
        while not self._clear and self._seen < len(self._order) and self._order[self._seen] in self._scores:
            scenario = self._order[self._seen]
            score = self._scores[scenario]
            self._seen += 1
            if score is not None:
                answers = [rule.look(scenario, score) for rule in self._rules]  # all look, even when one has its answer
                self._clear = any(answers)

    @property
    def clear(self) -> bool:
        """Answered before the end."""
        return self._clear and self._seen < len(self._order)

    def kept(self, rows: Sequence[records.Row]) -> tuple[records.Row, ...]:
        """Without those that were under way when it became clear: they depend on how fast the processes were."""
        if not self.clear:
            return tuple(rows)
        seen = set(self._order[: self._seen])
        return tuple(row for row in rows if row.scenario in seen)

    def said(self) -> str:
        """What the rules found, in words; empty without rules."""
        if not self._rules:
            return ""
        state = f"stopped after {self._seen} of {len(self._order)} scenarios" if self.clear else "ran to the end"
        return f"{state}: {'; '.join(rule.said() for rule in self._rules)} (bands that hold at every look)"
