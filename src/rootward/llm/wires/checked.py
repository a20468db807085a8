"""Checked reading of what a provider sent: a proxy's web page or a half-made copy of an API gives a clear error, not a crash."""

from collections.abc import Mapping, Sequence
from typing import Any

from rootward.signals import redaction


class Wrong(ValueError):
    """A value is not what the format has in that place; the message says which and what it is."""


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """`value` if it is an object."""
    if isinstance(value, dict):
        return value
    raise _wrong(value, what, "an object")


def inner(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`; an empty one where there is none."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def items(value: object, what: str) -> Sequence[Any]:
    """`value` if it is a list; null counts as an empty one."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise _wrong(value, what, "a list")


def text(value: object, what: str) -> str:
    """`value` if it is a text; null counts as an empty one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise _wrong(value, what, "a text")


def count(value: object) -> int:
    """A number of tokens; 0 where there is none, or nonsense."""
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12 else 0


def _wrong(value: object, what: str, expected: str) -> Wrong:
    return Wrong(f"{what} is {redaction.redact(repr(value)[:200])[:80]}, not {expected}")
