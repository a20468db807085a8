"""The checked building blocks of what memory keeps: bounded text, moments, names of entities with wildcards; and errors a person can read.

Records come from people, from files of other machines and from earlier versions, so every field is checked on the way in.
"""

import datetime as dt
import fnmatch
import math
from typing import Annotated, Any, TypeVar

import pydantic

from rootward import _clock, errors
from rootward.signals import entities

TEXT_LENGTH_MAX = 2_000
NAME_LENGTH_MAX = 200
LATEST_S = 253_402_300_799.0  # the end of the year 9999: what a date can hold


class Record(pydantic.BaseModel):
    """Base of everything kept: frozen, and unknown fields are refused so that a typing error is not silently lost."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


M = TypeVar("M", bound=Record)


def _moment(value: object) -> float:
    """Seconds from RFC 3339 text or a number, to the millisecond (as it is written again)."""
    if isinstance(value, dt.date):  # what YAML makes of a time that is not quoted
        value = value.isoformat()
    seconds = _clock.from_iso(value) if isinstance(value, str) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise ValueError("must be a time such as 2026-03-04T10:15:00Z")
    if not 0 <= seconds <= LATEST_S:
        raise ValueError("must be a time between the years 1970 and 9999")
    return round(float(seconds), 3)


def writable(text: str) -> str:
    """`text`, when it can be stored and shown."""
    if "\0" in text or any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise ValueError("holds characters that cannot be written to a file")
    return text


Moment = Annotated[float, pydantic.BeforeValidator(_moment), pydantic.PlainSerializer(_clock.to_iso, when_used="json")]
"""Seconds since the epoch; RFC 3339 in JSON."""

_Clean = pydantic.AfterValidator(writable)
Text = Annotated[
    str,
    pydantic.StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_LENGTH_MAX, strict=True),
    _Clean,
]
Name = Annotated[
    str, pydantic.StringConstraints(strip_whitespace=True, max_length=NAME_LENGTH_MAX, strict=True), _Clean
]
"""Short text, which may be empty."""
Line = Annotated[str, pydantic.StringConstraints(max_length=TEXT_LENGTH_MAX, strict=True), _Clean]
"""Text that is kept as it came, and may be empty."""


def _pattern(text: str) -> str:
    kind, slash, _ = text.partition("/")
    if slash and kind != "*" and kind not in set(entities.EntityKind):
        raise ValueError(f"names an entity as kind/name with one of {', '.join(entities.EntityKind)}, not {kind!r}")
    return text


EntityPattern = Annotated[
    str,
    pydantic.StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_LENGTH_MAX, strict=True),
    _Clean,
    pydantic.AfterValidator(_pattern),
]
"""`kind/name` or a name alone; `*` and `?` stand for any letters: `external/stripe*`, `checkout`."""


def names(pattern: str, entity: entities.Entity) -> bool:
    """Whether `pattern` means `entity`."""
    return fnmatch.fnmatchcase(str(entity) if "/" in pattern else entity.name, pattern)


def entity_of(pattern: str) -> entities.Entity | None:
    """The one entity that a pattern without wildcards names (a name alone is a service); None when it has wildcards."""
    kind, slash, name = pattern.partition("/")
    if any(letter in pattern for letter in "*?["):
        return None
    return (
        entities.Entity(entities.EntityKind(kind), name)
        if slash
        else entities.Entity(entities.EntityKind.SERVICE, pattern)
    )


def checked(model: type[M], data: object, *, what: str) -> M:
    """`data` as a record of `model`.

    Raises:
        InputError: it is none; the message names the first wrong field and what was expected of it.
    """
    try:
        return model.model_validate(data)
    except pydantic.ValidationError as error:
        raise errors.InputError(f"{what}: {_told(error.errors(include_url=False)[0])}") from error


def _told(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"there is no field {where}"
    return f"{where or 'it'}: {message[:1].lower()}{message[1:]}"
