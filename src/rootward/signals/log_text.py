"""What a log line says, whatever its format: the message without its envelope, what varies masked, and how serious it is."""

import enum
import json
import re
from collections.abc import Mapping
from typing import Any

LINE_LENGTH_MAX = 600  # characters of a line that tell its template
MASK = "<*>"
NUMBER = "<n>"

_DIGITS = str.maketrans("123456789", "000000000")
_HTTP_STATUS = re.compile(r"(HTTP/[\d.]+\"?\s+)([1-5])\d\d\b")
_STATUS = re.compile(r"((?:[Ss]tatus|STATUS)(?:[_ -]?[Cc]ode)?[\"']?\s*[:= ]\s*[\"']?)([1-5])\d\d\b")
_QUOTED = re.compile(r"\"[^\"]*\"|(?<![\w])'[^']*'(?!\w)")
_LOGFMT = re.compile(r"([A-Za-z_][\w.-]*)=(\"(?:[^\"\\]|\\.)*\"|\S*)")
_EXCEPTION_LINE = re.compile(
    r"^\s*(?:Caused by: )?((?:[A-Za-z_$][\w$]*\.)*[A-Z]\w*(?:Exception|Error|Panic))\b", re.MULTILINE
)

_MESSAGE_FIELDS = ("message", "msg", "log", "body", "event", "@message", "text", "short_message", "Message", "MESSAGE")
_LEVEL_FIELDS = (
    "level",
    "severity",
    "severity_text",
    "severityText",
    "lvl",
    "log.level",
    "@level",
    "levelname",
    "loglevel",
    "PRIORITY",
)
_ERROR_FIELDS = (
    "exception",
    "error",
    "err",
    "exception.type",
    "error.type",
    "exc_info",
    "error.message",
    "exception.message",
    "stack_trace",
)
_STATUS_FIELDS = ("status", "status_code", "statusCode", "http.status_code", "http.response.status_code", "code")

_HEX = re.compile(r"[0a-fA-F]{6,}(?:-[0a-fA-F]+)*")
_HEX_INSIDE = re.compile(
    r"(?<![A-Za-z0])(?=[a-fA-F-]*0)(?=[0-]*[a-fA-F])[0a-fA-F]{5,}(?:-[0a-fA-F]+)*(?![A-Za-z0])|(?<![A-Za-z0])0[a-fA-F]+0?(?:-[0a-fA-F]+){3,4}(?![A-Za-z0])"
)
_HEX_LETTERS = re.compile(r"(?<![A-Za-z0-9])[a-f]{16,}(?![A-Za-z0-9])")
_POINTER = re.compile(r"0x[0a-fA-F]+")
_RANDOM = re.compile(r"(?<![A-Za-z0])(?=(?:[A-Za-z_-]*0){3})[A-Za-z0_-]{12,}(?![A-Za-z0])")
_TIME = re.compile(r"\[?0-0-0(?:[T ]0:0:0)?(?:Z|[+-]0:?0?)?\]?|0:0:0Z?|0/[A-Z][a-z]{2}/0:0:0:0")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_QUERY = re.compile(r"(/[^\s?\"]*)\?[^\s\"]*")
_AMOUNT = re.compile(r"-?0(?:(?:ns|us|µs|ms|s|m|h|d|B|[KMGT]i?B?|k|%)0?)*(?![A-Za-z])")
_VALUE_WITH_DIGIT = re.compile(r"(?<=[A-Za-z_]=)[^\s,;)\]}]*0[^\s,;)\]}]*")


class Severity(enum.IntEnum):
    """How serious a line says that it is; UNKNOWN when it does not say."""

    UNKNOWN = 0
    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4
    FATAL = 5


_WORDS: Mapping[str, Severity] = {
    **dict.fromkeys(("trace", "debug", "dbg", "fine", "finer", "finest", "verbose", "d"), Severity.DEBUG),
    **dict.fromkeys(("info", "information", "inf", "notice", "config", "i", "success"), Severity.INFO),
    **dict.fromkeys(("warn", "warning", "wrn", "w"), Severity.WARNING),
    **dict.fromkeys(("error", "err", "severe", "failure", "e"), Severity.ERROR),
    **dict.fromkeys(
        ("fatal", "panic", "critical", "crit", "alert", "emerg", "emergency", "dpanic", "f"), Severity.FATAL
    ),
}
_NUMBERS = (
    (60, Severity.FATAL),
    (50, Severity.ERROR),
    (40, Severity.WARNING),
    (30, Severity.INFO),
    (10, Severity.DEBUG),
)  # bunyan, pino
_SYSLOG = (
    Severity.FATAL,
    Severity.FATAL,
    Severity.FATAL,
    Severity.ERROR,
    Severity.WARNING,
    Severity.INFO,
    Severity.INFO,
    Severity.DEBUG,
)

_LEVEL_FIELD = re.compile(r"\b(?:level|lvl|severity|levelname)[\"']?\s*[=:]\s*[\"']?([A-Za-z]+)", re.IGNORECASE)
_LEVEL_WORD = re.compile(
    r"(?<![\w.-])(?:\[\s*)?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|FATAL|CRITICAL|PANIC|EMERG)(?:\s*\])?(?![\w-])"
    r"|\[(debug|info|notice|warn|warning|error|crit|alert|emerg|fatal)\]"
    r"|(?:^|\s)(Debug|Info|Warn|Warning|Error|Fatal|Critical|debug|info|warn|warning|error|fatal|panic|critical):\s"
)
_KLOG = re.compile(r"^([DIWEF])\d{4}\s+\d\d:\d\d:\d\d")
_SYSLOG_PREFIX = re.compile(r"^<(\d{1,3})>")
_CRASH = re.compile(
    r"\bpanic: |goroutine \d+ \[running\]|\bsegmentation fault\b|\bout of memory\b|\bOOM[- ]?[Kk]illed\b|\bcore dumped\b|\bfatal error\b",
    re.IGNORECASE,
)
_EXCEPTION = re.compile(
    r"\b\w*(?:Exception|Error)\b(?=[:\s(.]|$)|Traceback \(most recent call last\)|\bfailed to\b|\bconnection refused\b|<5xx>"
)
LEVEL_WITHIN = 160  # characters at a line's beginning in which a bare level word is a level and not prose


def severity(line: str) -> Severity:
    """From the level field of JSON and logfmt, level words, klog and syslog prefixes, else from panics and exceptions in the text."""
    if line.startswith("{"):
        level = _json_level(line)
        if level is not Severity.UNKNOWN:
            return level
    prefix = _KLOG.match(line)
    if prefix:
        return _WORDS[prefix[1].lower()]
    syslog = _SYSLOG_PREFIX.match(line)
    if syslog:
        return _SYSLOG[int(syslog[1]) % 8]
    head = line[:LEVEL_WITHIN]
    found = _LEVEL_FIELD.search(head)
    if found and found[1].lower() in _WORDS:
        return _WORDS[found[1].lower()]
    word = _LEVEL_WORD.search(head)
    if word:
        return _WORDS[next(group for group in word.groups() if group).lower()]
    if _CRASH.search(line):
        return Severity.FATAL
    return Severity.ERROR if _EXCEPTION.search(line) else Severity.UNKNOWN


def _json_level(line: str) -> Severity:
    fields = _decoded(line)
    return _level_of(fields) if fields is not None else Severity.UNKNOWN


def _level_of(fields: Mapping[str, Any]) -> Severity:
    value = next((fields[name] for name in _LEVEL_FIELDS if name in fields), None)
    if isinstance(value, bool) or value is None:
        return Severity.UNKNOWN
    if isinstance(value, int | float):
        if value < 8:
            return _SYSLOG[int(value)] if value >= 0 else Severity.UNKNOWN
        return next((level for limit, level in _NUMBERS if value >= limit), Severity.UNKNOWN)
    return _WORDS.get(str(value).strip().lower(), Severity.UNKNOWN)


def _decoded(line: str) -> Mapping[str, Any] | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def message(line: str) -> str:
    """The line's own words: of JSON and logfmt lines level, message and error; of a stack trace the first line and its exceptions."""
    if line.startswith("{"):
        fields = _decoded(line)
        if fields is not None:
            return _of_fields(fields)
    elif "msg=" in line or "message=" in line:
        pairs = {name: value.strip('"') for name, value in _LOGFMT.findall(line)}
        if "msg" in pairs or "message" in pairs:
            return _of_fields(pairs)
    return _first_line(line)


def _first_line(text: str) -> str:
    text = text.strip()
    if "\n" not in text:
        return text[:LINE_LENGTH_MAX]
    first, rest = text.split("\n", 1)
    raised = dict.fromkeys(_EXCEPTION_LINE.findall(rest[:20_000]))
    return " ".join([first[:LINE_LENGTH_MAX], *list(raised)[:3]])


def _of_fields(fields: Mapping[str, Any]) -> str:
    said = next((fields[name] for name in _MESSAGE_FIELDS if fields.get(name)), "")
    inner = said if isinstance(said, str) else json.dumps(said, sort_keys=True, default=str)
    inner = inner.rstrip()
    if inner.startswith("{") and len(fields) < 8:  # a container runtime's envelope around a JSON line
        inner = message(inner)
    level = _level_of(fields)
    parts = [level.name] if level is not Severity.UNKNOWN else []
    parts.append(_first_line(inner))
    parts.extend(
        f"{name}={_first_line(str(fields[name]))[:200]}"
        for name in _ERROR_FIELDS
        if fields.get(name) and fields[name] is not said
    )
    code = next((fields[name] for name in _STATUS_FIELDS if name in fields), None)
    if isinstance(code, int) and not isinstance(code, bool) and 100 <= code < 600:
        parts.append(f"status=<{code // 100}xx>")
    if not inner:
        parts.append(" ".join(sorted(fields))[:200])
    return " ".join(parts)


def collapsed(text: str) -> str:
    """Every run of digits (with dots and commas in it) as one "0", classes of HTTP status kept: equal for lines that differ in numbers."""
    if "HTTP/" in text:
        text = _HTTP_STATUS.sub(r"\1<\2xx>", text)
    if "tatus" in text or "STATUS" in text:
        text = _STATUS.sub(r"\1<\2xx>", text)
    text = _kept(text).translate(_DIGITS)
    while "00" in text:
        text = text.replace("00", "0")
    while "0.0" in text:
        text = text.replace("0.0", "0")
    while "0,0" in text:
        text = text.replace("0,0", "0")
    return text


def _kept(text: str) -> str:
    """Status classes survive the collapse of digits by being spelt in letters."""
    if "xx>" in text:
        for digit, letters in (("1", "i"), ("2", "ii"), ("3", "iii"), ("4", "iv"), ("5", "v")):
            text = text.replace(f"<{digit}xx>", f"<{letters}-xx>")
    return text


_ROMAN = (("<v-xx>", "<5xx>"), ("<iv-xx>", "<4xx>"), ("<iii-xx>", "<3xx>"), ("<ii-xx>", "<2xx>"), ("<i-xx>", "<1xx>"))


def tokens(collapsed_text: str) -> list[str]:
    """Words of a collapsed line; quoted text that varies is one word."""
    if '"' in collapsed_text or "'" in collapsed_text:
        collapsed_text = _QUOTED.sub(_quoted, collapsed_text)
    if "0-0-0" in collapsed_text or "0:0:0" in collapsed_text:
        collapsed_text = _TIME.sub(NUMBER, collapsed_text)
    return collapsed_text.split()


def _quoted(match: re.Match[str]) -> str:
    text = match[0]
    # The request line of an access log is quoted too, and is what the line is about.
    return text if "HTTP/" in text else f"{text[0]}{MASK}{text[0]}"


def masked(token: str) -> str:
    """One word of a collapsed line with what varies masked: identifiers, addresses, amounts, values with digits."""
    if "0" not in token:
        if len(token) >= 16 and _HEX_LETTERS.search(token):
            return _HEX_LETTERS.sub(MASK, token)
        return _EMAIL.sub(MASK, token) if "@" in token else token
    if _HEX.fullmatch(token):
        return MASK
    if "0x" in token:
        token = _POINTER.sub(MASK, token)
    if "?" in token:
        token = _QUERY.sub(r"\1?" + MASK, token)
    if "@" in token:
        token = _EMAIL.sub(MASK, token)
    if len(token) > 5:
        token = _RANDOM.sub(MASK, _HEX_INSIDE.sub(MASK, token))
    if "=" in token:
        token = _VALUE_WITH_DIGIT.sub(MASK, token)
    return _AMOUNT.sub(NUMBER, token).replace("0", NUMBER)


def shown(text: str) -> str:
    """A template as people read it: status classes in digits."""
    for letters, digits in _ROMAN:
        text = text.replace(letters, digits)
    return text
