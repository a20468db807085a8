"""The small parts of a selector: numbers, durations, and where `offset` and `@` may stand."""

import dataclasses
import re

from rootward.dojo.engines.promql import tree

NAME = "__name__"
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNITS = (
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
)
_LONGEST_MS = (
    200 * 365 * 86_400_000
)  # far from overflow of the int64 arithmetic that follows; Go's own end is at 292 years
FURTHEST_S = 9e12  # what int64 arithmetic in milliseconds bears


def number(text: str) -> float:
    """A number as Go reads it: 0x1f, 017 and 1_000 too."""
    plain = text.replace("_", "").lower()
    if plain.startswith("0x"):
        return float(int(plain, 16))
    if re.fullmatch(r"0[0-7]+", plain):
        return float(int(plain, 8))
    return float(plain)


def duration_ms(text: str, *, plain: bool) -> int:
    """Of 1h30m, or (`plain`) of a number of seconds; raises ValueError in the server's words."""
    if plain:
        seconds = number(text)
        if not abs(seconds) * 1000 <= _LONGEST_MS:
            raise ValueError("duration out of range")
        return round(seconds * 1000)
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f'not a valid duration string: "{text}"')
    total = sum(int(count) * size for count, (_, size) in zip(found.groups(), _UNITS, strict=True) if count)
    if total > _LONGEST_MS:
        raise ValueError("duration out of range")
    if not total:
        raise ValueError("duration must be greater than 0")
    return total


def duration_text(span_ms: int) -> str:
    """As model.Duration writes it: 1h30m."""
    if not span_ms:
        return "0s"
    out, rest = "", abs(span_ms)
    for unit, size in _UNITS:
        if unit in ("y", "w", "d") and rest % size:  # only whole ones, or 8d would be 1w1d
            continue
        count, rest = divmod(rest, size)
        out += f"{count}{unit}" if count else ""
    return f"-{out}" if span_ms < 0 else out


def with_offset(node: tree.Expr, offset_ms: int, end: int) -> tree.Expr | str:
    """The node moved, or why it cannot be."""
    return _changed(node, "offset", end, offset_ms=offset_ms)


def with_at(node: tree.Expr, at: tree.Edge | int, end: int) -> tree.Expr | str:
    """The node pinned to a time, or why it cannot be."""
    return _changed(node, "@", end, at=at)


def _changed(node: tree.Expr, modifier: str, end: int, **change: object) -> tree.Expr | str:
    inner = node.selector if isinstance(node, tree.Matrix) else node
    if not isinstance(inner, tree.Selector | tree.Subquery):
        which = "an instant vector selector or range vector selector or a subquery"
        return f"{modifier} modifier must be preceded by {which}"
    (field,) = change
    if getattr(inner, field) is not None:
        return (
            "offset may not be set multiple times"
            if modifier == "offset"
            else "@ <timestamp> may not be set multiple times"
        )
    if isinstance(node, tree.Matrix):
        assert isinstance(inner, tree.Selector), "a range is of a selector"
        return dataclasses.replace(node, end=end, selector=dataclasses.replace(inner, **change))  # type: ignore[arg-type]
    return dataclasses.replace(inner, end=end, **change)  # type: ignore[arg-type]
