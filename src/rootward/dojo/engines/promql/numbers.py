"""Numbers as Go's strconv writes them, in labels and in JSON."""

import decimal
import math


def plain(value: float) -> str:
    """`strconv.FormatFloat(value, 'f', -1, 64)`: shortest digits that read back the same, never an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = format(decimal.Decimal(text), "f")
    return text.removesuffix(".0")
