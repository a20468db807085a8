"""Numbers as Go's strconv writes them, in labels and in JSON."""

import decimal
import math


def plain(value: float) -> str:
    """`strconv.FormatFloat(value, 'f', -1, 64)`: shortest digits that read back the same, never an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    if "e" in text:
        text = format(decimal.Decimal(text), "f")
    return text.removesuffix(".0")


def general(value: float) -> str:
    """`%g`: as `plain`, with an exponent below 1e-4 and from 1e21 on."""
    if math.isfinite(value) and value and not 1e-4 <= abs(value) < 1e21:
        sign, digits, power = decimal.Decimal(repr(float(value))).normalize().as_tuple()
        assert isinstance(power, int), "finite"
        text, scale = "".join(map(str, digits)), power + len(digits) - 1
        point = f".{text[1:]}" if len(text) > 1 else ""
        return f"{'-' if sign else ''}{text[0]}{point}e{'-' if scale < 0 else '+'}{abs(scale):02d}"
    return plain(value)
