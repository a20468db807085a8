"""Regular expressions as PromQL uses them: anchored at both ends, and label_replace's `$1`."""

import functools
import re
from collections.abc import Sequence

from rootward import errors
from rootward.dojo.engines import re2
from rootward.dojo.engines.promql import options, values

_FEW_CHARS = 200
_REPLACEMENT = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")


def matches(pattern: str, texts: Sequence[str], dialect: options.Dialect) -> values.BoolArray:
    """Which texts the whole pattern matches; shape [len(texts)].

    Raises:
        errors.QuerySyntaxError: not an RE2 pattern.
    """
    check(pattern, dialect)
    return re2.matches(_anchored(pattern, dialect), texts)


@functools.lru_cache(maxsize=1024)
def check(pattern: str, dialect: options.Dialect) -> None:
    """Raises errors.QuerySyntaxError where it is not an RE2 pattern: version 3 looks at it without its anchors."""
    re2.matches(pattern if dialect is options.Dialect.V3 else _anchored(pattern, dialect), [""])


def _anchored(pattern: str, dialect: options.Dialect) -> str:
    return re2.whole(pattern, dot_newline=dialect is options.Dialect.V3)


def expand(pattern: str, replacement: str, texts: Sequence[str], dialect: options.Dialect) -> list[str | None]:
    """For each text the replacement with its `$1`, `${name}` filled in, or None where the whole pattern does not match.

    Raises:
        errors.QueryExecutionError: not an RE2 pattern.
    """
    distinct = tuple(dict.fromkeys(texts))
    try:
        captured = _few if sum(map(len, distinct)) <= _FEW_CHARS else re2.captures
        names, found = captured(_anchored(pattern, dialect), distinct)
    except errors.QuerySyntaxError as error:
        raise errors.QueryExecutionError(f"invalid regular expression in label_replace(): {pattern}") from error
    numbers = {name: number for number, name in enumerate(names, start=1) if name}

    def fill(text: str, groups: Sequence[str]) -> str:
        def one(match: re.Match[str]) -> str:
            if match[1]:
                return "$"
            key = match[2] or match[3]
            number = int(key) if key.isdecimal() and len(key) < 9 else numbers.get(key, -1)
            return text if number == 0 else groups[number - 1] if 0 < number <= len(groups) else ""

        return _REPLACEMENT.sub(one, replacement)

    filled = {
        text: None if groups is None else fill(text, groups) for text, groups in zip(distinct, found, strict=True)
    }
    return [filled[text] for text in texts]


@functools.lru_cache(maxsize=256)
def _few(pattern: str, texts: tuple[str, ...]) -> tuple[list[str], list[list[str] | None]]:
    """`re2.captures`, not to be written to: a label with few values is asked about by many queries."""
    return re2.captures(pattern, texts)
