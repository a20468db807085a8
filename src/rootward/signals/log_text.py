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
_QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)")
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
# Moments as collapsed digits leave them, longest first; a chain of plain replacements is much faster than one expression.
_TIMES = ("0-0-0T0:0:0Z", "0-0-0T0:0:0", "0-0-0 0:0:0", "0/0/0 0:0:0", "0-0-0", "0:0:0Z", "0:0:0")
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


def is_level(word: str) -> bool:
    """The word is a level and nothing else: `ERROR`, `[warn]`, `level=error`."""
    bare = word.strip("[]():|,").lower()
    return bare.removeprefix("level=") in _WORDS and (word.isupper() or not word.isalpha())


def _json_level(line: str) -> Severity:
    fields = _decoded(line) or {}
    value = next((fields[name] for name in _LEVEL_FIELDS if name in fields), None)
    return Severity.UNKNOWN if value is None else _level(value)


def _level(value: object) -> Severity:
    """Of a level field: a word, a syslog number (0 to 7) or bunyan's and pino's tens."""
    if isinstance(value, bool):
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


# What a field of a structured line is for, and its rank among fields for the same.
_PARTS: Mapping[str, tuple[str, int]] = {
    name: (part, rank)
    for part, names in (
        ("said", _MESSAGE_FIELDS),
        ("level", _LEVEL_FIELDS),
        ("error", _ERROR_FIELDS),
        ("status", _STATUS_FIELDS),
    )
    for rank, name in enumerate(names)
}


def _of_fields(fields: Mapping[str, Any]) -> str:
    best: dict[str, tuple[int, Any]] = {}
    raised: list[tuple[int, str, Any]] = []
    for name, value in fields.items():
        place = _PARTS.get(name)
        if place is None or value is None or value == "":
            continue
        part, rank = place
        if part == "error":
            raised.append((rank, name, value))
        elif part not in best or rank < best[part][0]:
            best[part] = (rank, value)
    said = best["said"][1] if "said" in best else ""
    inner = (said if isinstance(said, str) else json.dumps(said, sort_keys=True, default=str)).strip()
    if inner.startswith("{") and len(fields) < 8:  # a container runtime's envelope around a JSON line
        inner = message(inner)
    elif "\n" in inner or len(inner) > LINE_LENGTH_MAX:
        inner = _first_line(inner)
    level = _level(best["level"][1]) if "level" in best else Severity.UNKNOWN
    text = f"{level.name} {inner}" if level is not Severity.UNKNOWN and level.name not in inner else inner
    for _, name, value in sorted(raised, key=lambda one: one[:2]):
        if value is not False:
            text += f" {name}={_first_line(str(value))[:200]}"
    code = best["status"][1] if "status" in best else None
    if isinstance(code, int) and not isinstance(code, bool) and 100 <= code < 600:
        text += f" status=<{code // 100}xx>"
    return text or " ".join(sorted(fields))[:200]


def prepared(line: str) -> str:
    """The line's own words with what spans several words masked: quoted text; classes of HTTP status are kept, in letters."""
    text = message(line)
    if "HTTP/" in text:
        found = _HTTP_STATUS.search(text, text.index("HTTP/"))
        if found:
            text = f"{text[: found.start(2)]}<{found[2]}xx>{text[found.end() :]}"
    if "tatus" in text or "STATUS" in text:
        text = _STATUS.sub(_status_class, text)
    if '"' in text:
        text = _unquoted(text)
    if "'" in text:
        text = _QUOTED.sub(f"'{MASK}'", text)
    return text


def _status_class(match: re.Match[str]) -> str:
    return f"{match[1]}<{match[2]}xx>"


def _unquoted(text: str) -> str:
    """What stands between double quotes masked, but for an access log's request line, which is what the line is about."""
    parts = text.split('"')
    for place in range(1, len(parts) - 1, 2):
        if "HTTP/" not in parts[place]:
            parts[place] = MASK
    return '"'.join(parts)


def collapsed(word: str) -> str:
    """Every number, with the dots and commas in it, as one "0": a short alphabet in which identifiers are easy to tell."""
    word = word.translate(_DIGITS)
    while "00" in word:
        word = word.replace("00", "0")
    while "0.0" in word:
        word = word.replace("0.0", "0")
    while "0,0" in word:
        word = word.replace("0,0", "0")
    return word


def masked(word: str) -> str:
    """A word with what varies masked: identifiers, moments, addresses, amounts, values with digits."""
    token = collapsed(word)
    if "xx>" in token:
        return word  # a class of status, with whatever stands around it
    if "0" not in token:
        if len(token) >= 16 and _HEX_LETTERS.search(token):
            return _HEX_LETTERS.sub(MASK, token)
        return _EMAIL.sub(MASK, token) if "@" in token else token
    if _HEX.fullmatch(token):
        return MASK
    if "0:0:0" in token or "0-0-0" in token:
        for form in _TIMES:
            token = token.replace(form, NUMBER)
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
