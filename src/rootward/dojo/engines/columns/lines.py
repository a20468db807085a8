"""What a log pipeline reads out of a line: its level, the message, the trace it belongs to, the request it tells of.

Collectors (Elastic's and Datadog's pipelines, Fluent Bit's parsers) do this before a line is stored. The rules here are the
common ones, per format: JSON, logfmt, access logs, and lines that open with a time and a level.
"""

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any

MAX_FIELDS = 1_000
"""Distinct fields of JSON lines that become columns (index.mapping.total_fields.limit); later ones stay in the message."""
MAX_DEPTH = 8

LEVELS = {
    **dict.fromkeys(("trace", "finest", "verbose"), "trace"),
    **dict.fromkeys(("debug", "dbg", "d"), "debug"),
    **dict.fromkeys(("info", "information", "log", "i", "informational", "statement", "detail", "hint"), "info"),
    "notice": "notice",
    **dict.fromkeys(("warn", "warning", "w", "wrn"), "warn"),
    **dict.fromkeys(("error", "err", "e", "severe"), "error"),
    **dict.fromkeys(("fatal", "critical", "crit", "panic", "f", "emerg", "emergency", "alert"), "fatal"),
}
_PINO = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}
_REDIS = {"*": "notice", "#": "warn", "-": "debug", ".": "debug"}
_LEVEL = re.compile(
    r"(?:^|[\s\[|\"=(])(TRACE|DEBUG|INFO|NOTICE|LOG|STATEMENT|DETAIL|HINT|WARN(?:ING)?|ERROR|ERR|SEVERE|FATAL|CRIT(?:ICAL)?|PANIC|EMERG"
    r"|trace|debug|info|notice|warn(?:ing)?|error|err|fatal|crit(?:ical)?|panic|emerg)(?=[\s\]:|\")]|$)"
)
_KLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d\.")
_REDIS_LINE = re.compile(r"\d+:[MSCX] \d\d \w{3} \d{4} [\d:.]+ ([*#.-]) ")
_TRACE = re.compile(
    r"\btrace[_.-]?[iI][dD][\"']?[=:]\s*[\"']?([0-9a-f]{32}|[0-9a-f]{16})\b|\[[\w.-]+,([0-9a-f]{32}),([0-9a-f]{16})[,\]]"
)
_ACCESS = re.compile(
    r'(\S+) \S+ \S+ \[[^\]]+\] "([A-Z]+) (\S+)(?: HTTP/([\d.]+))?" (\d{3}) (\d+|-)'
    r'(?: "([^"]*)" "([^"]*)")?(?: (?:request_time=|rt=)?(\d+\.\d+))?'
)
_ACCESS_TRACE = re.compile(r"\b([0-9a-f]{32})\b")
_REQUEST = re.compile(r"(?:^|\s)([\w.$]+(?: \S+)?|[A-Z]+ /\S*) ([1-5]\d\d) (?:in )?(\d+(?:\.\d+)?)(ms|s)\b")
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"))
_LOGFMT = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')
_EXCEPTION = re.compile(
    r"\b((?:[a-z_]\w*\.)+[A-Z]\w*(?:Exception|Error|Throwable|Timeout)|[A-Z]\w+(?:Exception|Error))\b"
)


@dataclasses.dataclass(slots=True)
class Line:
    """`level` is one of trace, debug, info, notice, warn, error, fatal or "" where the line has none."""

    message: str
    level: str = ""
    trace_id: str = ""
    span_id: str = ""
    logger: str = ""
    error: str = ""
    method: str = ""
    path: str = ""
    status: int = 0
    duration_s: float = -1.0
    client: str = ""
    agent: str = ""
    size: int = -1
    more: dict[str, Any] = dataclasses.field(default_factory=dict)


def read(text: str) -> Line:
    """The line taken apart; whatever it is, there is a message."""
    if text[:1] == "{":
        structured = _json(text)
        if structured is not None:
            return structured
    access = _ACCESS.match(text)
    if access is not None:
        return _access(text, access)
    line = Line(text, level=level_of(text))
    if "=" in text:
        _logfmt(text, line)
    _trace(text, line)
    _request(text, line)
    if line.level in ("error", "warn", "fatal"):
        thrown = _EXCEPTION.search(text)
        line.error = thrown[1] if thrown else ""
    return line


def level_of(text: str) -> str:
    """The level that a plain line states near its start."""
    found = _LEVEL.search(text, 0, 160)
    if found:
        return LEVELS[found[1].lower()]
    klog = _KLOG.match(text)
    if klog:
        return LEVELS[klog[1].lower()]
    redis = _REDIS_LINE.match(text)
    return _REDIS[redis[1]] if redis else ""


def _json(text: str) -> Line | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    line = Line(text)
    flat = flatten(data)
    message = _first(flat, ("msg", "message", "log", "event.original"))
    line.message = text if message is None else str(message)
    line.level = _level(_first(flat, ("level", "log.level", "severity", "lvl", "levelname")))
    line.trace_id = str(_first(flat, ("trace_id", "traceId", "traceID", "trace.id", "dd.trace_id")) or "")
    line.span_id = str(_first(flat, ("span_id", "spanId", "spanID", "span.id", "dd.span_id")) or "")
    line.logger = str(_first(flat, ("logger", "logger_name", "log.logger")) or "")
    _first(flat, ("time", "ts", "timestamp", "@timestamp", "t"))
    status = _first(flat, ("http.response.status_code", "http.status_code", "http.code"))
    line.status = status if isinstance(status, int) and 100 <= status < 600 else 0
    _request(line.message, line)
    if line.level in ("error", "warn", "fatal"):
        thrown = _EXCEPTION.search(line.message)
        line.error = thrown[1] if thrown else ""
    line.more = flat
    return line


def _first(flat: dict[str, Any], names: Sequence[str]) -> Any:
    """Takes the first of these fields out."""
    for name in names:
        if name in flat:
            return flat.pop(name)
    return None


def _level(value: Any) -> str:
    if isinstance(value, int | float):
        return _PINO.get(int(value) // 10 * 10, "") if abs(value) < 100 else ""
    return LEVELS.get(str(value or "").lower(), "")


def flatten(data: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested objects as dotted names; lists, and what lies deeper than MAX_DEPTH, as JSON text; nulls left out."""
    out: dict[str, Any] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and depth < MAX_DEPTH:
            out.update(flatten(value, f"{name}.", depth + 1))
        elif isinstance(value, list | dict):
            out[name] = json.dumps(value, ensure_ascii=False)
        elif value is not None and name:
            out[name] = value
    return out


def _access(text: str, found: re.Match[str]) -> Line:
    client, method, path, _version, status, size, _referrer, agent, took = found.groups()
    line = Line(text, client=client, method=method, path=path, status=int(status), agent=agent or "")
    line.size = int(size) if size != "-" else 0
    line.duration_s = float(took) if took else -1.0
    traced = _ACCESS_TRACE.search(text, found.end())
    line.trace_id = traced[1] if traced else ""
    return line


def _logfmt(text: str, line: Line) -> None:
    pairs = {key: value.strip('"') for key, value in _LOGFMT.findall(text)}
    stated = _level(pairs.get("level") or pairs.get("lvl") or pairs.get("severity"))
    if not stated or len(pairs) < 2:
        return
    line.level = stated
    line.message = pairs.pop("msg", None) or pairs.pop("message", None) or text
    for known in ("level", "lvl", "severity", "time", "ts"):
        pairs.pop(known, None)
    for name in ("trace_id", "traceID", "span_id", "spanID"):
        value = pairs.pop(name, "")
        if value and name.startswith("trace"):
            line.trace_id = value
        elif value:
            line.span_id = value
    line.more = {key: _number(value) for key, value in pairs.items()}


def _number(text: str) -> Any:
    try:
        return int(text) if len(text) < 16 else text
    except ValueError:
        return text


def _trace(text: str, line: Line) -> None:
    found = _TRACE.search(text)
    if found and not line.trace_id:
        line.trace_id = found[1] or found[2]
        line.span_id = line.span_id or (found[3] or "")


def _request(text: str, line: Line) -> None:
    """`GET /cart 200 12.3ms`, `shop.CartService GetCart 200 3.7ms`: what request loggers write."""
    found = _REQUEST.search(text)
    if found is None:
        return
    first, _, path = found[1].partition(" ")
    if first in _METHODS:
        line.method, line.path = first, path
    elif path:
        line.path = f"/{first}/{path}"
    else:
        return
    line.status = int(found[2])
    line.duration_s = float(found[3]) / (1000.0 if found[4] == "ms" else 1.0)
