"""Intervals for rates: never a bare percentage.

Wilson's score interval with Student's t quantile (scenarios are the sampling unit, one repeat each, so no design effect);
its coverage is tabled in Brown, Cai & DasGupta, "Interval Estimation for a Binomial Proportion", Statistical Science 16 (2001).
"""

import dataclasses
import math


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `count`, with the bounds of its interval; all of `point`, `low`, `high` in 0..1 (NaN when nothing was counted)."""

    hits: int
    count: int
    low: float
    high: float

    @property
    def point(self) -> float:
        return self.hits / self.count if self.count else math.nan

    def __str__(self) -> str:
        if not self.count:
            return "–"
        return f"{self.point:.2f} [{self.low:.2f}–{self.high:.2f}] ({self.hits}/{self.count})"

    def to_json(self) -> dict[str, float | int | None]:
        def number(value: float) -> float | None:
            return None if math.isnan(value) else round(value, 4)

        return {
            "hits": self.hits,
            "count": self.count,
            "point": number(self.point),
            "low": number(self.low),
            "high": number(self.high),
        }


def rate(hits: int, count: int, *, level: float = 0.95) -> Rate:
    """The rate `hits`/`count` with its two-sided interval at `level`."""
    assert 0 <= hits <= count, "hits are among those counted"
    if count == 0:
        return Rate(0, 0, math.nan, math.nan)
    t = student_quantile(0.5 + level / 2, max(count - 1, 1))
    p = hits / count
    scale = 1 + t * t / count
    centre = (p + t * t / (2 * count)) / scale
    half = t * math.sqrt(p * (1 - p) / count + t * t / (4 * count * count)) / scale
    # Rounding may push a bound past the rate itself when every case is a hit (or none is).
    return Rate(hits, count, min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half)))


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t, by bisection of its distribution function (a closed form exists only for few degrees)."""
    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, freedom) < probability else (low, middle)
    return (low + high) / 2


def student_cdf(t: float, freedom: int) -> float:
    """P(T ≤ t) for t ≥ 0: the finite trigonometric sums of Abramowitz & Stegun 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine_squared = math.cos(angle) ** 2
    term = total = 1.0
    odd = freedom % 2
    for k in range(1 + odd, freedom - 1, 2):
        term *= cosine_squared * k / (k + 1)
        total += term
    if odd:
        inner = math.sin(angle) * math.cos(angle) * total if freedom > 1 else 0.0
        share = 2 / math.pi * (angle + inner)
    else:
        share = math.sin(angle) * total
    return 0.5 + share / 2
