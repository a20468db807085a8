"""Loki's request parameters: times in four spellings, durations, limits and the window that they make."""

import json
import math
import re

from rootward.dojo.engines.logql import parser
from rootward.dojo.wire import _http

MAX_ENTRIES = 5_000
HOUR_NS = 3_600_000_000_000
_DEFAULT_LIMIT = 100
_DIGITS = re.compile(r"-?\d{1,100}", re.ASCII)


def window(call: _http.Call, now_ns: int, default_ns: int = HOUR_NS) -> tuple[int, int]:
    """start and end (ns); the last hour by default. Raises Refused (400)."""
    end_ns = time_ns(call.get("end"), "end", now_ns)
    since = call.get("since")
    span_ns = round(duration_s(since) * 1e9) if since else default_ns
    start_ns = time_ns(call.get("start"), "start", min(end_ns, now_ns) - span_ns)
    if end_ns < start_ns:
        raise _http.Refused(400, "end timestamp must not be before or equal to start time")
    return start_ns, end_ns


def step_ns(call: _http.Call, start_ns: int, end_ns: int) -> int:
    """`step`, by default a 250th of the window and at least a second."""
    default_s = max(math.floor((end_ns - start_ns) / 250e9), 1)
    return round((duration_s(call.get("step")) if call.get("step") else default_s) * 1e9)


def limit(call: _http.Call) -> int:
    found = _http.integer(call, "limit", _DEFAULT_LIMIT)
    if found == 0:
        raise _http.Refused(400, "limit must be a positive value")
    if found > MAX_ENTRIES:
        raise _http.Refused(
            400, f"max entries limit per query exceeded, limit > max_entries_limit_per_query ({found} > {MAX_ENTRIES})"
        )
    return found


def time_ns(text: str, name: str, default_ns: int) -> int:
    """Nanoseconds (more than ten digits), seconds (possibly with a fraction) or RFC 3339, as Loki tells them apart."""
    if not text:
        return default_ns
    if _DIGITS.fullmatch(text):
        return _http.bounded_ns(int(text) if len(text) > 10 else int(text) * 10**9)
    try:
        seconds = float(text)
    except ValueError:
        return _http.bounded_ns(round(_http.parse_iso(text, name) * 1e6) * 1000)
    if not math.isfinite(seconds):
        raise _http.Refused(400, f"invalid {name}: value out of range: {json.dumps(text)}")
    return _http.bounded_ns(round(min(max(seconds, 0.0), 1e10) * 1e9))


def duration_s(text: str) -> float:
    try:
        value = parser.duration_s(text)
    except ValueError as error:
        raise _http.Refused(400, f"cannot parse {json.dumps(text)} to a valid duration") from error
    if not 0 < value < 1e10:
        raise _http.Refused(
            400, "zero or negative query resolution step widths are not accepted. Try a positive integer"
        )
    return value
