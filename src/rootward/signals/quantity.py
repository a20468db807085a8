"""Numbers as people read them: 1.24 s, 310 ms, 1.5 GiB, 12%."""

BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def quantity(value: float, unit: str) -> str:
    """`value` in `unit` (UCUM as OpenTelemetry writes it) with three significant figures."""
    match unit:
        case "s" if abs(value) < 1.0:
            return f"{value * 1000:.3g} ms"
        case "s":
            return f"{value:.3g} s"
        case "By":
            return _bytes(value)
        case "1" if abs(value) <= 1.0:
            return f"{value * 100:.3g}%"
        case "" | "1":
            return f"{value:.3g}"
        case _:
            return f"{value:.3g} {_plain(unit)}"


def _plain(unit: str) -> str:
    """UCUM annotations are in braces: {request}/s reads as request/s."""
    return unit.replace("{", "").replace("}", "")


def _bytes(value: float) -> str:
    for name in BINARY_UNITS[:-1]:
        if abs(value) < 1024:
            return f"{value:.3g} {name}"
        value /= 1024
    return f"{value:.3g} {BINARY_UNITS[-1]}"
