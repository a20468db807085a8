"""Confidence sequences: intervals that hold after every look at once, so a run may stop as soon as the answer is clear.

A plain interval looked at after every scenario is wrong far more often than it says. Scenarios must come in an order drawn at random.
"""

import math
from collections.abc import Iterable

import numpy as np

from rootward.evals.statistics import distributions

GRID = 2_001  # candidate means of the betting sequence; bounds are one step too wide, never too narrow
BET_MAX = 0.5  # share of the capital that may be lost on one scenario
BISECTIONS = 60

Bounds = tuple[float, float]


class Betting:
    """For a mean of values in −1..1, such as differences between two versions: the hedged capital process with predictable bets.

    Each candidate mean is bet against from both sides; a true one lets nobody grow rich (Waudby-Smith & Ramdas, "Estimating means of
    bounded random variables by betting", JRSS B 2024, arXiv 2010.09686). Bounds only ever close in.
    """

    def __init__(self, *, level: float = 0.95) -> None:
        self._alpha = 1 - level
        self._candidates = np.linspace(0.0, 1.0, GRID)
        self._up = np.zeros(GRID)  # log capital of the bet that the mean is higher than the candidate
        self._down = np.zeros(GRID)
        self._alive = np.ones(GRID, dtype=np.bool_)
        self._count, self._sum, self._squares = 0, 0.0, 0.0

    def update(self, value: float) -> Bounds:
        """Take one more scenario's value in; returns bounds that hold for this look and all before."""
        assert -1.0 <= value <= 1.0
        x, m = (value + 1.0) / 2.0, self._candidates
        self._count += 1
        n = self._count
        # The bet is set before x is seen: from the variance so far, with a quarter (the most there can be) as its first guess.
        variance = (0.25 + self._squares) / n
        bet = math.sqrt(2 * math.log(2 / self._alpha) / (variance * n * math.log(n + 1)))
        with np.errstate(divide="ignore"):
            up, down = np.minimum(bet, BET_MAX / m), np.minimum(bet, BET_MAX / (1.0 - m))
        self._up += np.log1p(up * (x - m))
        self._down += np.log1p(-down * (x - m))
        self._alive &= np.maximum(self._up, self._down) + math.log(0.5) < math.log(1 / self._alpha)
        self._sum += x
        self._squares += (x - (0.5 + self._sum) / (n + 1)) ** 2
        return self.bounds

    @property
    def bounds(self) -> Bounds:
        alive = np.flatnonzero(self._alive)
        if alive.size == 0:  # every candidate was refuted: only values that are not a fair sample do that
            middle = self._sum / self._count * 2.0 - 1.0
            return middle, middle
        step = 2.0 / (GRID - 1)
        low, high = self._candidates[alive[0]] * 2.0 - 1.0, self._candidates[alive[-1]] * 2.0 - 1.0
        return max(-1.0, float(low) - step), min(1.0, float(high) + step)


class Bernoulli:
    """For one rate of outcomes that are right or wrong, one per scenario: Robbins' mixture with a uniform prior.

    {p : B(S+1, n−S+1) / (p^S (1−p)^(n−S)) < 1/α} (Robbins, Annals of Mathematical Statistics 41, 1970). Bounds only ever close in.
    """

    def __init__(self, *, level: float = 0.95) -> None:
        self._limit = -math.log(1 - level)
        self._count, self._hits = 0, 0
        self._low, self._high = 0.0, 1.0

    def update(self, hit: bool) -> Bounds:
        """Take one more outcome in; returns bounds that hold for this look and all before."""
        self._count += 1
        self._hits += bool(hit)
        peak = self._hits / self._count
        self._low = max(self._low, self._edge(0.0, peak) if self._hits else 0.0)
        self._high = min(self._high, self._edge(1.0, peak) if self._hits < self._count else 1.0)
        return self.bounds

    @property
    def bounds(self) -> Bounds:
        return self._low, self._high

    def _edge(self, outside: float, inside: float) -> float:
        """Where the evidence against a rate between `outside` (refuted) and `inside` (the observed rate) reaches the limit."""
        for _ in range(BISECTIONS):
            middle = (outside + inside) / 2.0
            outside, inside = (outside, middle) if self._evidence(middle) < self._limit else (middle, inside)
        return outside

    def _evidence(self, p: float) -> float:
        misses = self._count - self._hits
        likelihood = (self._hits * math.log(p) if self._hits else 0.0) + (misses * math.log1p(-p) if misses else 0.0)
        return distributions.log_beta(self._hits + 1.0, misses + 1.0) - likelihood


def betting_sequence(values: Iterable[float], *, level: float = 0.95) -> list[Bounds]:
    """The bounds after each value in turn."""
    sequence = Betting(level=level)
    return [sequence.update(value) for value in values]


def bernoulli_sequence(outcomes: Iterable[bool], *, level: float = 0.95) -> list[Bounds]:
    """The bounds after each outcome in turn."""
    sequence = Bernoulli(level=level)
    return [sequence.update(outcome) for outcome in outcomes]
