"""Statistics of evals: intervals, tests and sequences in which scenarios, not runs, are the sampling unit.

Pure functions over numbers; nothing here knows what a scenario is, and randomness comes in as a generator.
What each method is, where it comes from and how well it covers: docs/reference/statistics.md.
"""

from rootward.evals.statistics.distributions import student_cdf, student_quantile
from rootward.evals.statistics.intervals import Quantile, Rate, clustered, quantile, rate
from rootward.evals.statistics.multiple import benjamini_hochberg, holm
from rootward.evals.statistics.paired import Paired, mean_interval, paired
from rootward.evals.statistics.passes import PassPoint, pass_at, pass_curve, pass_hat
from rootward.evals.statistics.sequences import Bernoulli, Betting, bernoulli_sequence, betting_sequence

__all__ = [
    "Bernoulli",
    "Betting",
    "Paired",
    "PassPoint",
    "Quantile",
    "Rate",
    "benjamini_hochberg",
    "bernoulli_sequence",
    "betting_sequence",
    "clustered",
    "holm",
    "mean_interval",
    "paired",
    "pass_at",
    "pass_curve",
    "pass_hat",
    "quantile",
    "rate",
    "student_cdf",
    "student_quantile",
]
