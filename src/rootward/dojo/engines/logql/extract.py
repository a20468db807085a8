"""Labels out of log lines: JSON, logfmt, pattern and regular-expression parsers, as Loki's parsers extract them."""

import functools
import ipaddress
import json
import re
from collections.abc import Sequence
from typing import Any

from rootward.dojo.engines import re2
from rootward.dojo.engines.logql import regex

_BAD_NAME = re.compile(r"[^A-Za-z0-9_]")
_LOGFMT = re.compile(r'([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?')
_CAPTURE = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")
_PATH_PART = re.compile(r'\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]+)(?![\w:])")
AddressRange = tuple[int, int, int]


class ParseFailed(Exception):
    """The line is not in the format; Loki keeps the line and sets `__error__`."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


def label_name(key: str) -> str:
    """A key as a label name: other characters become underscores, a leading digit gets one before it."""
    clean = _BAD_NAME.sub("_", key.strip())
    return f"_{clean}" if clean[:1].isdigit() else clean


def json_object(line: str) -> dict[str, Any]:
    """The line as a JSON object, numbers kept as written. Raises ParseFailed."""
    try:
        data = json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise ParseFailed("JSONParserErr", "Value looks like object, but can't find closing '}' symbol") from error
    if not isinstance(data, dict):
        raise ParseFailed("JSONParserErr", "Value looks like object, but can't find closing '}' symbol")
    return data


def json_texts(line: str) -> dict[str, str]:
    """The text values of the object's top level. Raises ParseFailed."""
    json_object(line)
    return {key: value for key, value in json.loads(line).items() if isinstance(value, str)}


def json_labels(line: str) -> dict[str, str]:
    """Every leaf of the object, nested names joined by `_`; arrays are left out."""
    out: dict[str, str] = {}
    _flatten("", json_object(line), out)
    return out


def _flatten(prefix: str, data: dict[str, Any], out: dict[str, str]) -> None:
    for key, value in data.items():
        name = label_name(f"{prefix}_{key}" if prefix else key)
        if isinstance(value, dict):
            _flatten(name, value, out)
        elif value is not None and not isinstance(value, list) and name not in out:
            out[name] = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@functools.lru_cache(maxsize=256)
def json_path(text: str) -> tuple[str | int, ...]:
    """The steps of `request.headers["User-Agent"][0]`.

    Raises:
        ValueError: not such an expression.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _PATH_PART.match(text, at)
        if found is None:
            raise ValueError(f"cannot parse expression [{text}]: syntax error")
        name, index, quoted = found.groups()
        steps.append(int(index) if index is not None else (name if name is not None else quoted))
        at = found.end()
    if not steps:
        raise ValueError("cannot parse expression []: empty expression")
    return tuple(steps)


def json_fields(line: str, fields: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Only the fields asked for; one that is not there is an empty label, as in Loki."""
    data = json_object(line)
    out: dict[str, str] = {}
    for label, path in fields:
        value: Any = data
        for step in json_path(path):
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
        out[label] = "" if value is None else _text(value)
    return out


def logfmt_labels(line: str, *, keep_empty: bool = False, strict: bool = False) -> dict[str, str]:
    """`key=value key="quoted value"`; the first of equal keys counts. Raises ParseFailed when strict."""
    out: dict[str, str] = {}
    for key, quoted, bare in _LOGFMT.findall(line):
        value = quoted.replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\") if quoted else bare
        if value or keep_empty:
            out.setdefault(label_name(key), value)
    if strict and _LOGFMT.sub("", line).strip():
        raise ParseFailed("LogfmtParserErr", "logfmt syntax error: unexpected '\"'")
    return out


@functools.lru_cache(maxsize=256)
def pattern_parts(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(captures, literals) of `<ip> - <_> "<path>"`, one literal more than captures; the first and last may be "".

    Raises:
        ValueError: no named capture, or captures side by side.
    """
    pieces = _CAPTURE.split(text)
    literals, captures = tuple(pieces[::2]), tuple(pieces[1::2])
    if not any(name != "_" for name in captures):
        raise ValueError("at least one capture is required")
    if any(not literal for literal in literals[1:-1]):
        raise ValueError("found consecutive capture: invalid expression")
    named = [name for name in captures if name != "_"]
    if len(set(named)) != len(named):
        raise ValueError("duplicate capture name: invalid expression")
    return captures, literals


def pattern_labels(line: str, text: str) -> dict[str, str]:
    """Captures up to the first literal that is not in the line."""
    captures, literals = pattern_parts(text)
    out: dict[str, str] = {}
    if literals[0]:
        start = line.find(literals[0])
        if start < 0:
            return out
        line = line[start + len(literals[0]) :]
    for name, literal in zip(captures, literals[1:], strict=True):
        end = line.find(literal) if literal else len(line)
        if end < 0:
            return out
        if name != "_":
            out[name] = line[:end]
        line = line[end + len(literal) :]
    return out


def matches_pattern(line: str, text: str) -> bool:
    """The `|>` filter: literals in order with anything in place of `<_>`, anchored where the pattern starts or ends with one."""
    literals = text.split("<_>")
    if len(literals) == 1:
        return line == text
    at = 0
    for i, literal in enumerate(literals):
        if i == 0 and not line.startswith(literal):
            return False
        if i == len(literals) - 1:
            return len(line) - len(literal) >= at and line.endswith(literal)
        at = line.find(literal, at)
        if at < 0:
            return False
        at += len(literal)
    return True


def named_groups(text: str) -> None:
    """Raises ValueError for a regular expression without a named group, errors.QuerySyntaxError for what is none."""
    regex.check(text)
    names = [name for name in re2.name_groups(text)[1] if name]
    if not names:
        raise ValueError("at least one named capture must be supplied")
    if len(set(names)) != len(names):
        raise ValueError("duplicate extracted label name")


def regexp_labels(lines: Sequence[str], text: str) -> list[dict[str, str]]:
    """For each line the named groups of the first match; none when it does not match."""
    names, found = re2.captures(text, lines)
    return [
        {name: value for name, value in zip(names, groups, strict=True) if name} if groups is not None else {}
        for groups in found
    ]


@functools.lru_cache(maxsize=256)
def address_range(text: str) -> AddressRange:
    """(version, first, last) of an address, a CIDR block or `a-b`; raises ValueError otherwise."""
    if "-" in text:
        low, high = (ipaddress.ip_address(part.strip()) for part in text.split("-", 1))
        if low.version != high.version:
            raise ValueError(f"invalid ip range: {text}")
        return low.version, int(low), int(high)
    network = ipaddress.ip_network(text.strip(), strict=False)
    return network.version, int(network.network_address), int(network.broadcast_address)


def has_address(text: str, wanted: AddressRange) -> bool:
    """Whether any address in the text falls in the range."""
    version, low, high = wanted
    for found in _ADDRESS.findall(text):
        try:
            address = ipaddress.ip_address(found)
        except ValueError:
            continue
        if address.version == version and low <= int(address) <= high:
            return True
    return False
