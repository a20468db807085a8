"""Reliability over repeats: pass^k (all of k runs are right) and pass@k (at least one is).

Unbiased per scenario from its r runs, k of them drawn without replacement: τ-bench (Yao et al., arXiv 2406.12045) and Chen et al.
(arXiv 2107.03374). Raising the mean rate to the power k instead flatters: x^k is convex.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from rootward.evals.statistics import intervals


@dataclasses.dataclass(frozen=True, slots=True)
class PassPoint:
    """Both curves at one k, each a mean over scenarios with its interval."""

    k: int
    every: intervals.Rate
    any: intervals.Rate

    def to_json(self) -> dict[str, Any]:
        return {"k": self.k, "every": self.every.to_json(), "any": self.any.to_json()}


def pass_hat(hits: Sequence[int], runs: Sequence[int], k: int) -> intervals.Rate:
    """pass^k: the chance that k runs of a scenario are all right; counts nothing when any scenario ran fewer than k times."""
    return _mean([math.comb(h, k) / math.comb(r, k) for h, r in _enough(hits, runs, k)], runs, k)


def pass_at(hits: Sequence[int], runs: Sequence[int], k: int) -> intervals.Rate:
    """pass@k: the chance that at least one of k runs of a scenario is right; undefined like `pass_hat`."""
    return _mean([1.0 - math.comb(r - h, k) / math.comb(r, k) for h, r in _enough(hits, runs, k)], runs, k)


def pass_curve(hits: Sequence[int], runs: Sequence[int]) -> tuple[PassPoint, ...]:
    """All k for which every scenario has enough runs."""
    return tuple(
        PassPoint(k, pass_hat(hits, runs, k), pass_at(hits, runs, k)) for k in range(1, min(runs, default=0) + 1)
    )


def _enough(hits: Sequence[int], runs: Sequence[int], k: int) -> list[tuple[int, int]]:
    assert k >= 1
    return list(zip(hits, runs, strict=True)) if runs and min(runs) >= k else []


def _mean(values: Sequence[float], runs: Sequence[int], k: int) -> intervals.Rate:
    """k runs make one trial, so a scenario stands for at most r/k of them."""
    return intervals.shares(values, most=sum(runs) / len(runs) / k) if values else intervals.NOTHING
