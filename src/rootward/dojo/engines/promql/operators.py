"""Arithmetic and comparison on arrays, with Go's results for NaN, infinities and zero."""

from collections.abc import Callable

import numpy as np

from rootward.dojo.engines.promql import values

FloatArray = values.FloatArray

ARITHMETIC: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: dict[str, Callable[[FloatArray, FloatArray], values.BoolArray]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
SETS = frozenset({"and", "or", "unless"})


def scalars(operator: str, left: FloatArray, right: FloatArray) -> FloatArray:
    if operator in ARITHMETIC:
        return ARITHMETIC[operator](left, right)
    return COMPARISON[operator](left, right).astype(np.float64)


def with_scalar(
    operator: str, vector: values.Vector, scalar: FloatArray, *, swapped: bool, as_bool: bool
) -> values.Vector:
    """vector ∘ scalar, or scalar ∘ vector where `swapped`; a comparison keeps the vector's own value."""
    left, right = (scalar, vector.values) if swapped else (vector.values, scalar)
    if operator in ARITHMETIC or as_bool:
        return values.drop_name(values.Vector(vector.labels, scalars(operator, left, right), vector.present))
    return values.Vector(vector.labels, vector.values, vector.present & COMPARISON[operator](left, right))
