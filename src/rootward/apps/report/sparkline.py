"""A line chart in one row of text, for terminals."""

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
GAP = " "


def sparkline(values: Sequence[float | None], width: int = 40) -> str:
    """At most `width` bars; each shows the largest value of its share, a space where there is no sample."""
    shares = _shares(values, width)
    finite = [value for value in shares if value is not None]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    span = high - low
    return "".join(GAP if value is None else BARS[_level(value, low, span)] for value in shares)


def _level(value: float, low: float, span: float) -> int:
    return 0 if span <= 0 else min(len(BARS) - 1, int((value - low) / span * len(BARS)))


def _shares(values: Sequence[float | None], width: int) -> list[float | None]:
    count = min(width, len(values))
    shares: list[float | None] = []
    for index in range(count):
        part = values[index * len(values) // count : (index + 1) * len(values) // count]
        present = [value for value in part if value is not None and math.isfinite(value)]
        shares.append(max(present) if present else None)
    return shares
