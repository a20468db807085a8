"""The few distribution functions that intervals need, so that numpy stays the only dependency."""

import functools
import math

CONTINUED_FRACTION_STEPS_MAX = 500
BISECTIONS = 120
TINY = 1e-300


def log_beta(a: float, b: float) -> float:
    """Logarithm of the beta function B(a, b)."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by Lentz's continued fraction (Numerical Recipes, §6.4)."""
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta(a, b))
    # The fraction converges fast only below the mean; above it, the mirrored one does.
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


def student_cdf(t: float, freedom: int) -> float:
    """P(T ≤ t) of Student's t (Abramowitz & Stegun 26.7.1)."""
    assert freedom >= 1
    tail = beta_cdf(freedom / (freedom + t * t), freedom / 2.0, 0.5) / 2.0
    return 1.0 - tail if t >= 0 else tail


@functools.lru_cache(maxsize=4096)
def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t, by bisection of its distribution function."""
    assert 0.0 < probability < 1.0
    if probability < 0.5:
        return -student_quantile(1.0 - probability, freedom)
    low, high = 0.0, 1.0
    while student_cdf(high, freedom) < probability:
        low, high = high, high * 2.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if student_cdf(middle, freedom) < probability else (low, middle)
    return (low + high) / 2.0


def binomial_cdf(hits: int, count: int, p: float) -> float:
    """P(X ≤ hits) for X ~ Binomial(count, p)."""
    if hits < 0 or hits >= count:
        return 0.0 if hits < 0 else 1.0
    return beta_cdf(1.0 - p, count - hits, hits + 1.0)


@functools.lru_cache(maxsize=65536)
def binomial_upper(hits: int, count: int, miss: float) -> float:
    """The largest rate that `hits` of `count` do not refute: an upper bound that is too low with probability `miss` at most (Clopper & Pearson 1934)."""
    low, high = 0.0, 1.0
    if hits >= count:
        return 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        low, high = (middle, high) if binomial_cdf(hits, count, middle) > miss else (low, middle)
    return high


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, CONTINUED_FRACTION_STEPS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        before = value
        for step in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + step * d)
            c = _away_from_zero(1.0 + step / c)
            value *= c * d
        if abs(value - before) <= 1e-15 * abs(value):
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
