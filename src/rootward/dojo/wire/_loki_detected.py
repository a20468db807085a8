"""Loki's detected labels and fields: what streams can be told apart by, and what is inside lines if they are parsed."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from starlette import responses

from rootward.dojo.engines.logql import evaluate, extract, lexer, parser, store, tree
from rootward.dojo.wire import _http, _loki_parameters

_LINES = 1000
_FIELDS = 1000
_STRUCTURED = ("trace_id", "span_id")
_WHOLE = re.compile(r"[-+]?\d{1,18}")
_REAL = re.compile(r"[-+]?\d+\.\d+(?:[eE][-+]?\d+)?")


def labels(call: _http.Call, seen: store.LogStore, now_ns: int) -> responses.Response:
    """Names of stream labels and how many values each has."""
    start_ns, end_ns = _loki_parameters.window(call, now_ns)
    matchers = parser.parse_selector(call.get("query")) if call.get("query") else ()
    values: dict[str, set[str]] = {}
    for stream in seen.streams_in(matchers, start_ns, end_ns):
        for name, value in stream.items():
            values.setdefault(name, set()).add(value)
    shown = [{"label": name, "cardinality": len(some)} for name, some in sorted(values.items())]
    return _http.answer({"detectedLabels": shown} if shown else {})


def fields(call: _http.Call, seen: store.LogStore, now_ns: int) -> responses.Response:
    """Fields of the newest lines, as JSON or logfmt parses them."""
    found = _parsed(call, seen, now_ns)
    limit = min(_http.integer(call, "limit", _FIELDS, least=1), _FIELDS)
    shown: list[dict[str, Any]] = [
        {
            "label": name,
            "type": _type(values),
            "cardinality": len(values),
            "parsers": sorted(parsers) or None,
        }
        for name, (values, parsers) in sorted(found.items())
    ]
    return _http.answer({"fields": shown[:limit], "limit": limit})


def values(call: _http.Call, seen: store.LogStore, now_ns: int) -> responses.Response:
    """Values of one field."""
    some, _ = _parsed(call, seen, now_ns).get(call.path["name"], ({}, set()))
    limit = min(_http.integer(call, "limit", _FIELDS, least=1), _FIELDS)
    return _http.answer({"values": sorted(some)[:limit], "limit": limit})


def _parsed(call: _http.Call, seen: store.LogStore, now_ns: int) -> dict[str, tuple[dict[str, None], set[str]]]:
    """Field → its values and the parsers that find it."""
    start_ns, end_ns = _loki_parameters.window(call, now_ns)
    query = parser.parse(call.get("query"))
    if not isinstance(query, tree.LogQuery):
        raise _http.Refused(400, "only log selectors are supported")
    most = min(_http.integer(call, "line_limit", _LINES, least=1), 5_000)
    out: dict[str, tuple[dict[str, None], set[str]]] = {}
    for line in evaluate.lines(seen, query, start_ns, end_ns, limit=most, newest_first=True):
        parser_name, found = _fields_of(line.text)
        for name, value in found.items():
            some, parsers = out.setdefault(name, ({}, set()))
            some[value] = None
            parsers.add(parser_name)
        for name, value in {**line.metadata, **line.parsed}.items():
            out.setdefault(name, ({}, set()))[0][value] = None
    return out


def _fields_of(text: str) -> tuple[str, Mapping[str, str]]:
    if text.lstrip().startswith("{"):
        try:
            return "json", extract.json_labels(text)
        except extract.ParseFailed:
            return "", {}
    return "logfmt", {name: value for name, value in extract.logfmt_labels(text).items() if value}


def _type(values: Mapping[str, None]) -> str:
    """What every value reads as: int, float, boolean, duration, bytes or string."""
    tests: dict[str, Callable[[str], bool]] = {
        "int": lambda v: _WHOLE.fullmatch(v) is not None,
        "float": lambda v: _REAL.fullmatch(v) is not None or _WHOLE.fullmatch(v) is not None,
        "boolean": lambda v: v in ("true", "false"),
        "duration": lambda v: _reads(lexer.duration_ns, v),
        "bytes": lambda v: _reads(lexer.bytes_count, v),
    }
    return next((kind for kind, test in tests.items() if values and all(test(value) for value in values)), "string")


def _reads(reader: Any, value: str) -> bool:
    try:
        reader(value)
    except ValueError:
        return False
    return True
