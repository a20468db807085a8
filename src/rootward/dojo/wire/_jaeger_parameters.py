"""Jaeger's request parameters, and its wording of what is wrong with them."""

import json

from rootward.dojo.engines.logql import lexer
from rootward.dojo.wire import _http

MAX_TRACES = 1500
_LOOKBACK_NS = 2 * 86400 * 10**9


def tags(call: _http.Call) -> dict[str, str]:
    tags = json_tags(call.get("tags"))
    for pair in call.all("tag"):
        key, colon, value = pair.partition(":")
        if not colon:
            raise _http.Refused(400, f"malformed 'tag' parameter, expecting key:value, received: {pair}")
        tags[key] = value
    return tags


def json_tags(text: str) -> dict[str, str]:
    try:
        data = _http.decode(text or "{}")
    except (ValueError, RecursionError) as error:
        raise _http.Refused(400, f"malformed 'tags' parameter, cannot unmarshal JSON: {error}") from error
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise _http.Refused(400, "malformed 'tags' parameter, cannot unmarshal JSON: expecting string values")
    return data


def integer(call: _http.Call, name: str, default: int) -> int:
    try:
        return _http.integer(call, name, default)
    except _http.Refused as error:
        raise _http.Refused(400, f"unable to parse param '{name}': {error.message}") from error


def limit(limit: int) -> int:
    if not 0 < limit <= MAX_TRACES:
        raise _http.Refused(400, f"search depth must be greater than 0 and less than {MAX_TRACES}")
    return limit


def duration_ns(call: _http.Call, name: str) -> int:
    text = call.get(name)
    if not text:
        return 0
    try:
        return lexer.duration_ns(text)
    except ValueError as error:
        message = f"cannot parse {name}: time: invalid duration {json.dumps(text)}"
        raise _http.Refused(400, message) from error


def lookback_ns(text: str) -> int:
    if text in ("", "custom"):
        return _LOOKBACK_NS
    try:
        return lexer.duration_ns(text)
    except ValueError:
        return _LOOKBACK_NS
