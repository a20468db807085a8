"""Functions of one value at a time: mathematics, rounding, clamping."""

from collections.abc import Callable

import numpy as np

from rootward.dojo.engines.promql import values

FloatArray = values.FloatArray

FUNCTIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "sgn": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "deg": np.rad2deg,
    "rad": np.deg2rad,
}


def round_to(samples: FloatArray, nearest: FloatArray) -> FloatArray:
    """To the nearest multiple, halves upwards; computed with the inverse, as Prometheus does to avoid 0.30000000000000004."""
    inverse = 1.0 / nearest
    return np.floor(samples * inverse + 0.5) / inverse


def clamp(samples: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """NaN stays NaN, and a NaN bound makes everything NaN (Go's math.Max and math.Min)."""
    return np.maximum(low, np.minimum(high, samples))
