"""Regular expressions with RE2's syntax and its guarantee: time linear in the text, whatever the pattern.

Prometheus uses Go's regexp, which is RE2's language; Python's `re` is another one and can be made to run for ever. RE2 comes
with pyarrow, which we need for capsules anyway.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rootward import errors
from rootward.dojo.engines.promql import options, values

_REPLACEMENT = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")


def _anchored(pattern: str, dialect: options.Dialect) -> str:
    return f"^(?s:{pattern})$" if dialect is options.Dialect.V3 else f"^(?:{pattern})$"


def matches(pattern: str, texts: Sequence[str], dialect: options.Dialect) -> values.BoolArray:
    """Which texts the whole pattern matches; shape [len(texts)].

    Raises:
        errors.QuerySyntaxError: not an RE2 pattern.
    """
    array = pa.array(texts, type=pa.string())
    try:
        found = pc.match_substring_regex(array, pattern=_anchored(pattern, dialect))
    except pa.ArrowInvalid as error:
        raise errors.QuerySyntaxError(f"error parsing regexp: {_reason(error)}: `{pattern}`") from error
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def expand(pattern: str, replacement: str, texts: Sequence[str], dialect: options.Dialect) -> list[str | None]:
    """For each text the replacement with its `$1`, `${name}` filled in, or None where the whole pattern does not match.

    Raises:
        errors.QueryExecutionError: not an RE2 pattern.
    """
    try:
        found = matches(pattern, texts, dialect)
    except errors.QuerySyntaxError as error:
        raise errors.QueryExecutionError(f"invalid regular expression in label_replace(): {pattern}") from error
    named, names = _name_groups(pattern)
    groups = _captures(_anchored(named, dialect), texts) if names else {}
    groups["g0"] = list(texts)
    alias = {name: f"g{number}" for number, name in enumerate(names, start=1) if name}

    def fill(row: int) -> str:
        def one(match: re.Match[str]) -> str:
            if match[1]:
                return "$"
            key = match[2] or match[3]
            column = groups.get(f"g{int(key)}" if key.isdigit() else alias.get(key, ""))
            return column[row] if column is not None else ""

        return _REPLACEMENT.sub(one, replacement)

    return [fill(row) if found[row] else None for row in range(len(texts))]


def _captures(pattern: str, texts: Sequence[str]) -> dict[str, list[str]]:
    """What each named group captured, "" where it took no part."""
    found = pc.extract_regex(pa.array(texts, type=pa.string()), pattern=pattern)
    rows: list[Mapping[str, str] | None] = found.to_pylist()
    names = [field.name for field in found.type]
    return {name: [(row or {}).get(name) or "" for row in rows] for name in names}


def _name_groups(pattern: str) -> tuple[str, list[str]]:
    """The pattern with every capturing group renamed g1, g2 …, and their own names ("" for unnamed)."""
    out: list[str] = []
    names: list[str] = []
    position, in_class = 0, False
    while position < len(pattern):
        character = pattern[position]
        if character == "\\":
            end = pattern.find("\\E", position) if pattern.startswith("\\Q", position) else -1
            size = end + 2 - position if end >= 0 else 2
            out.append(pattern[position : position + size])
            position += size
            continue
        if in_class:
            in_class = character != "]"
        elif character == "[":
            in_class = True
            lead = 2 if pattern.startswith("[^", position) else 1  # a "]" right after it is literal
            size = lead + pattern.startswith("]", position + lead)
            out.append(pattern[position : position + size])
            position += size
            continue
        elif character == "(":
            name = re.match(r"\((?:\?P?<(\w+)>)?(?!\?)", pattern[position:])
            if name:
                names.append(name[1] or "")
                out.append(f"(?P<g{len(names)}>")
                position += name.end()
                continue
        out.append(character)
        position += 1
    return "".join(out), names


def _reason(error: Exception) -> str:
    return str(error).partition(": ")[2].partition(": ^(")[0] or str(error)
