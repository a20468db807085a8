"""Many comparisons at once: adjusted p-values, so that one in twenty segments does not turn red by chance."""

from collections.abc import Sequence

import numpy as np


def holm(values: Sequence[float]) -> list[float]:
    """Adjusted p-values that bound the chance of any false alarm (Holm, Scand. J. Statistics 6, 1979): for gates."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    adjusted = [1.0] * len(values)
    running = 0.0
    for place, i in enumerate(order):
        running = max(running, min(1.0, (len(values) - place) * values[i]))
        adjusted[i] = running
    return adjusted


def benjamini_hochberg(values: Sequence[float]) -> list[float]:
    """Adjusted p-values that bound the share of false alarms (Benjamini & Hochberg, JRSS B 57, 1995): for colouring."""
    order = sorted(range(len(values)), key=lambda i: values[i], reverse=True)
    adjusted = [1.0] * len(values)
    running = 1.0
    for place, i in enumerate(order):
        running = min(running, len(values) / (len(values) - place) * values[i])
        adjusted[i] = float(np.clip(running, 0.0, 1.0))
    return adjusted
