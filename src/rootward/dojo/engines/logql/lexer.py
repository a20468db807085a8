"""Cuts LogQL text into tokens, each with its place, so that errors point at the character."""

import dataclasses
import re

from rootward import errors

_DURATION_NS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
    "d": 86400 * 10**9,
    "w": 7 * 86400 * 10**9,
    "y": 365 * 86400 * 10**9,
}
MAX_DURATION_NS = 2**61
_BYTES: dict[str, int] = {
    "b": 1,
    **{f"{prefix}b": 1000 ** (i + 1) for i, prefix in enumerate("kmgtp")},
    **{f"{prefix}ib": 1024 ** (i + 1) for i, prefix in enumerate("kmgtp")},
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w|y)")
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+|\#[^\n]*)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
  | (?P<duration>(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w|y))+(?![A-Za-z0-9_]))
  | (?P<bytes>\d+(?:\.\d+)?(?:[kKmMgGtTpP][iI]?)?[bB](?![A-Za-z0-9_]))
  | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_]))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?::[A-Za-z0-9_]+)*)
  | (?P<flag>--[a-z][a-z-]*)
  | (?P<symbol>\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[{}()\[\],|=<>+\-*/%^.])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[0-7]{3}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", '"': '"', "'": "'"}


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """`kind`: string | duration | bytes | number | name | flag | symbol | end; `text` is unquoted for strings."""

    kind: str
    text: str
    at: int


def error_at(text: str, at: int, message: str) -> errors.QuerySyntaxError:
    """Loki's wording, with line and column."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return errors.QuerySyntaxError(f"parse error at line {line}, col {column}: {message}")


def duration_at(text: str, token: Token) -> int:
    """Nanoseconds of a duration token; raises errors.QuerySyntaxError when it is out of range."""
    try:
        return duration_ns(token.text)
    except ValueError as error:
        raise error_at(text, token.at, str(error)) from error


def tokens(text: str) -> list[Token]:
    """All tokens, ended by one of kind "end".

    Raises:
        errors.QuerySyntaxError: a character or an unfinished string that LogQL does not have.
    """
    out: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            reason = "literal not terminated" if text[at] in '"`' else f"syntax error: unexpected {text[at]!r}"
            raise error_at(text, at, reason)
        kind = found.lastgroup or ""
        if kind == "string":
            out.append(Token(kind, _unquote(text, found.group(), at), at))
        elif kind != "space":
            out.append(Token(kind, found.group(), at))
        at = found.end()
    out.append(Token("end", "", len(text)))
    return out


def duration_ns(text: str) -> int:
    """Nanoseconds of `1h30m`, `250ms`, `1.5s`; a sign may stand first.

    Raises:
        ValueError: not a duration.
    """
    body = text.lstrip("+-")
    parts = _DURATION_PART.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        raise ValueError(f"not a valid duration string: {text!r}")
    exact = sum(float(number) * _DURATION_NS[unit] for number, unit in parts)
    total = round(min(exact, 2.0 * MAX_DURATION_NS))
    if total > MAX_DURATION_NS:
        raise ValueError(f"not a valid duration string: {text!r} is longer than 73 years")
    return -total if text.startswith("-") else total


def bytes_count(text: str) -> float:
    """Bytes of `5KB`, `1.5MiB`, `42`.

    Raises:
        ValueError: not a size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or (found.group(2) and found.group(2).lower() not in _BYTES):
        raise ValueError(f"not a valid size: {text!r}")
    return float(found.group(1)) * _BYTES.get(found.group(2).lower(), 1)


def _unquote(text: str, quoted: str, at: int) -> str:
    if quoted.startswith("`"):
        return quoted[1:-1]

    def plain(found: re.Match[str]) -> str:
        code = found.group(1)
        if code[0] in "xuU" and len(code) > 1:
            return _character(text, int(code[1:], 16), at)
        if len(code) == 3:
            return _character(text, int(code, 8), at)
        if code not in _PLAIN:
            raise error_at(text, at, "invalid char escape")
        return _PLAIN[code]

    return _ESCAPE.sub(plain, quoted[1:-1])


def _character(text: str, code: int, at: int) -> str:
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise error_at(text, at, "invalid char escape")
    return chr(code)
