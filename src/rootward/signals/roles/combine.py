"""Arithmetic on lines with gaps: what a ratio of two measurements says, and what it must not pretend to say."""

import numpy as np

from rootward.signals import series
from rootward.signals.roles import binding


def divide(over: series.FloatArray, under: series.FloatArray) -> series.FloatArray:
    """`over / under`, NaN wherever the divisor is zero or either is missing: nothing per nothing is not a measurement."""
    usable = np.isfinite(over) & np.isfinite(under) & (under != 0)
    with np.errstate(over="ignore", under="ignore"):
        quotient = np.divide(over, under, out=np.full(np.shape(over), np.nan), where=usable)
    return np.where(np.isfinite(quotient), quotient, np.nan)


def combine(
    how: binding.Combine, first: series.FloatArray, second: series.FloatArray | None, times_s: series.FloatArray
) -> series.FloatArray:
    """One line from the terms of a binding; all shapes are [T], NaN where nothing is known.

    A missing count of failures means zero failures exactly where traffic was measured: clients only expose an error series once
    there has been an error.
    """
    if second is None:
        match how:
            case binding.Combine.COMPLEMENT:
                return 1.0 - first
            case binding.Combine.UNTIL:
                return first - times_s
            case binding.Combine.FAILURES | binding.Combine.VALUE:
                return first
            case _:
                return np.full_like(first, np.nan)
    match how:
        case binding.Combine.RATIO:
            return divide(first, second)
        case binding.Combine.SHARE:
            # A counter of hits or misses that has not moved yet may not be exposed at all.
            either = np.isfinite(first) | np.isfinite(second)
            part, rest = (np.where(either & np.isnan(term), 0.0, term) for term in (first, second))
            return divide(part, part + rest)
        case binding.Combine.FAILURES:
            return np.where(np.isnan(first) & np.isfinite(second), 0.0, first)
        case binding.Combine.FAILURE_RATIO:
            failures = np.where(np.isnan(first) & np.isfinite(second), 0.0, first)
            # Failures and requests are counted by different increments; extrapolation may put a ratio just above one.
            return np.minimum(divide(failures, second), 1.0)
        case binding.Combine.LACK:
            return np.maximum(second - np.where(np.isnan(first) & np.isfinite(second), 0.0, first), 0.0)
        case binding.Combine.LACK_RATIO:
            share = divide(np.where(np.isnan(first) & np.isfinite(second), 0.0, first), second)
            return np.maximum(1.0 - share, 0.0)
        case binding.Combine.REMAINDER:
            return 1.0 - divide(first, second)
        case binding.Combine.DIFFERENCE:
            return first - second
        case _:
            return first
