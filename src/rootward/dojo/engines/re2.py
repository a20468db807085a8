"""Regular expressions with RE2's syntax and its guarantee: time linear in the text, whatever the pattern.

Prometheus and Loki use Go's regexp, which is RE2's language; Python's `re` is another one and can be made to run for ever. RE2
comes with pyarrow, which we need for capsules anyway. Everything here takes many texts at once, because that is what it is fast at.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rootward import errors

_GO_WORDS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "trailing \\": "trailing backslash at end of expression",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "pattern too large - compile failed": "expression too large",
}
_WHOLE = frozenset({"missing )", "missing ]", "unexpected )", "trailing \\"})


def whole(pattern: str, *, dot_newline: bool) -> str:
    """The pattern for texts that match from end to end; `dot_newline`: "." also means a new line."""
    return f"^(?s:{pattern})$" if dot_newline else f"^(?:{pattern})$"


def matches(pattern: str, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """In which texts the pattern is found; shape [len(texts)].

    Raises:
        errors.QuerySyntaxError: not an RE2 pattern, in Go's words.
    """
    try:
        found = pc.match_substring_regex(_array(texts), pattern=_valid(pattern))
    except pa.ArrowInvalid as error:
        raise errors.QuerySyntaxError(f"error parsing regexp: {_reason(error, pattern)}") from error
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def captures(pattern: str, texts: Sequence[str]) -> tuple[list[str], list[list[str] | None]]:
    """The capturing groups' names in order ("" for unnamed), and for each text what they captured where the pattern first
    matches ("" for groups that took no part), or None without a match.

    Raises:
        errors.QuerySyntaxError: not an RE2 pattern.
    """
    found = matches(pattern, texts)
    named, names = name_groups(pattern)
    if not names:
        return names, [[] if hit else None for hit in found]
    rows: list[Mapping[str, str] | None] = pc.extract_regex(_array(texts), pattern=named).to_pylist()
    keys = [f"g{number}" for number in range(1, len(names) + 1)]
    out: list[list[str] | None] = []
    for hit, row in zip(found, rows, strict=True):
        captured = row or {}
        out.append([captured.get(key) or "" for key in keys] if hit else None)
    return names, out


def name_groups(pattern: str) -> tuple[str, list[str]]:
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
            name = _GROUP.match(pattern, position)
            if name:
                names.append(name[1] or "")
                out.append(f"(?P<g{len(names)}>")
                position = name.end()
                continue
        out.append(character)
        position += 1
    return "".join(out), names


_GROUP = re.compile(r"\((?:\?P?<(\w+)>)?(?!\?)")


def _array(texts: Sequence[str]) -> pa.Array:
    return pa.array([_valid(text) for text in texts] if any(map(_lone, texts)) else list(texts), type=pa.string())


def _lone(text: str) -> bool:
    """Half a surrogate pair, which JSON may bring in and UTF-8 does not know."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _valid(text: str) -> str:
    return text.encode(errors="replace").decode() if _lone(text) else text


def _reason(error: Exception, pattern: str) -> str:
    """Go's words for RE2's complaint ("Invalid regular expression: missing ): ^(")."""
    complaint = str(error).partition(": ")[2]
    for theirs in sorted(
        (*_GO_WORDS, "unexpected )", "invalid escape sequence", "invalid character class range"), key=len
    ):
        if complaint.startswith(theirs):
            fragment = "" if theirs in _WHOLE else complaint.removeprefix(theirs).removeprefix(": ")
            return f"{_GO_WORDS.get(theirs, theirs)}: `{fragment or pattern}`"
    return f"{complaint.partition(':')[0]}: `{pattern}`"
