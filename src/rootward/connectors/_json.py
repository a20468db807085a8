"""Checked reading of decoded JSON: a back end that lies about types gives a clear error, not a crash further on."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import orjson

from rootward import _clock, errors
from rootward.signals import redaction

T = TypeVar("T")

_TIME_S_MAX = 253_402_300_799.0  # the end of the year 9999


def loads(text: bytes) -> Any:
    """The document, as `json.loads` reads it, which is asked where the quick reader refuses (NaN, half a surrogate).

    Raises:
        ValueError: it is not JSON (RecursionError: it is too deep).
    """
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """`value` if it is an object.

    Raises:
        errors.BackendMalformed: it is not. So do all functions here; `what` names the place in the message.
    """
    if isinstance(value, dict):
        return value
    raise _wrong(value, what, "an object")


def inner(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`; an empty one when there is none (raises nothing)."""
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def items(value: object, what: str) -> Sequence[Any]:
    """`value` if it is a list; null counts as an empty one (Go encodes empty slices so)."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise _wrong(value, what, "a list")


def text(value: object, what: str) -> str:
    if isinstance(value, str):
        return value
    raise _wrong(value, what, "a text")


def optional_text(value: object) -> str:
    """`value` if it is a text, a number's text, else ""."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def number(value: object, what: str) -> float:
    """A finite number, also when written as text (int64 in protobuf's JSON, Prometheus's values)."""
    try:
        result = float(value) if isinstance(value, (int, float, str)) else math.nan
    except (ValueError, OverflowError):
        result = math.nan
    if not math.isfinite(result):
        raise _wrong(value, what, "a number")
    return result


def nanoseconds(value: object, what: str) -> float:
    """Seconds since the epoch from integer nanoseconds, usually written as text."""
    return _moment(number(value, what) / 1e9, value, what)


def seconds(value: object, what: str) -> float:
    """Seconds since the epoch from a number of seconds."""
    return _moment(number(value, what), value, what)


def time(value: object, what: str) -> float:
    """Seconds since the epoch from RFC 3339 text."""
    try:
        return _clock.from_iso(text(value, what))
    except (ValueError, OverflowError) as error:
        raise _wrong(value, what, "a time as RFC 3339 writes it") from error


def optional_time(value: object) -> float | None:
    """The moment, or None when it is absent, no time, or Go's and protobuf's "never" (year 1 or the epoch itself)."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment_s = _clock.from_iso(value)
    except (ValueError, OverflowError):
        return None
    return moment_s if moment_s > 0 else None


def text_labels(value: object, what: str) -> dict[str, str]:
    """An object whose values are texts (others are written as texts, nulls and nested ones are left out)."""
    found = {}
    for key, one in mapping(value, what).items():
        if isinstance(one, str):
            found[key] = one
        elif isinstance(one, bool):
            found[key] = "true" if one else "false"
        elif isinstance(one, int | float):
            found[key] = str(one)
    return found


def read_each(values: Iterable[Any], read: Callable[[Any], T], what: str) -> tuple[list[T], tuple[str, ...]]:
    """`read` of each value; single unreadable records are left out and counted in a warning.

    Raises:
        errors.BackendMalformed: there were records, and none could be read.
    """
    good: list[T] = []
    bad: list[errors.BackendMalformed] = []
    for value in values:
        try:
            good.append(read(value))
        except errors.BackendMalformed as error:
            bad.append(error)
    if bad and not good:
        raise bad[0]
    return good, (f"{len(bad)} {what} could not be read and were left out ({bad[0]})",) if bad else ()


def _moment(value_s: float, value: object, what: str) -> float:
    if abs(value_s) > _TIME_S_MAX:
        raise _wrong(value, what, "a time")
    return value_s


def _wrong(value: object, what: str, expected: str) -> errors.BackendMalformed:
    shown = redaction.redact(repr(value)[:200])[:60]
    return errors.BackendMalformed(f"{what} is {shown}, not {expected}")
