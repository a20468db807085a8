"""The functions of Loki's templates: those of Go's text/template and of sprig that `line_format` and `label_format` may call."""

import base64
import binascii
import dataclasses
import functools
import json
import math
import re
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rootward.dojo.engines import re2
from rootward.dojo.engines.logql import go_times, lexer

MAX_TEXT = 65_536
_VERB = re.compile(r"%([-+# 0]*)(\d{1,4})?(?:\.(\d{1,4}))?([a-zA-Z%])")
_EPOCH_DIGITS = {5: 86400 * 10**9, 10: 10**9, 13: 10**6, 16: 10**3, 19: 1}
Function = Callable[..., Any]


class Failed(ValueError):
    """A function cannot work with what it was given; the message is Go's."""


@dataclasses.dataclass(frozen=True, slots=True)
class Time:
    """Go's time.Time, UTC."""

    ns: int

    def __str__(self) -> str:
        return go_times.write(self.ns, "2006-01-02 15:04:05.999999999 -0700 MST")


def text_of(value: Any) -> str:
    """A value as Go's `%v` prints it."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{text_of(one)}" for key, one in sorted(value.items())) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(text_of(one) for one in value) + "]"
    return str(value)


def number_text(value: float) -> str:
    """Go's shortest `%g`: an exponent below 1e-4 and from 1e21 on."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    if "e" in text and 1e-4 <= abs(value) < 1e21:
        return format(value, "f")
    return re.sub(r"e([+-])(\d)$", r"e\g<1>0\g<2>", text)


def is_true(value: Any) -> bool:
    """Go's truth: not empty, not zero, not nil."""
    return bool(value)


def _int(value: Any) -> int:
    """sprig's toInt64: what is no number is 0."""
    number = _float(value)
    return int(max(min(number, 9.2e18), -9.2e18)) if math.isfinite(number) else 0


def _float(value: Any) -> float:
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Failed(f"the text is longer than {MAX_TEXT} characters")
    return text


def _substr(start: Any, end: Any, text: Any) -> str:
    first, last, whole = _int(start), _int(end), text_of(text)
    if first < 0:
        return whole[: max(last, 0)]
    return whole[first:] if last < 0 or last > len(whole) else whole[first:last]


def _trunc(count: Any, text: Any) -> str:
    n, whole = _int(count), text_of(text)
    return whole[:n] if n >= 0 else whole[n:]


def _repeat(count: Any, text: Any) -> str:
    n, whole = max(_int(count), 0), text_of(text)
    if n * len(whole) > MAX_TEXT:
        raise Failed(f"the text is longer than {MAX_TEXT} characters")
    return whole * n


def _align(count: Any, text: Any, *, left: bool) -> str:
    n, whole = min(max(_int(count), 0), MAX_TEXT), text_of(text)
    if left:
        return whole[:n].ljust(n)
    return (whole[-n:] if n else "").rjust(n)


def _indent(spaces: Any, text: Any) -> str:
    pad = " " * min(max(_int(spaces), 0), 200)
    return _bounded(pad + text_of(text).replace("\n", "\n" + pad))


def _replaced(text: Any, old: Any, new: Any, count: Any) -> str:
    whole, what, by, n = text_of(text), text_of(old), text_of(new), _int(count)
    if whole.count(what) * max(len(by) - len(what), 0) + len(whole) > MAX_TEXT:
        raise Failed(f"the text is longer than {MAX_TEXT} characters")
    return whole.replace(what, by, n if n >= 0 else -1)


def _regex_replace(pattern: Any, text: Any, replacement: Any, *, literal: bool) -> str:
    by = text_of(replacement).replace("\\", "\\\\")
    named, names = re2.name_groups(text_of(pattern))
    re2.matches(named, ("",))
    if not literal:
        by = re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: _reference(found[1] or found[2], names), by)
    made = pc.replace_substring_regex(pa.array([text_of(text)]), pattern=named, replacement=by)
    return _bounded(str(made[0].as_py()))


def _reference(name: str, names: Sequence[str]) -> str:
    if name.isdecimal():
        number = int(name)
        return f"\\{number}" if number <= min(len(names), 9) else ""
    return f"\\{names.index(name) + 1}" if name in names[:9] else ""


def _count(pattern: Any, text: Any) -> int:
    found = pc.count_substring_regex(pa.array([text_of(text)]), pattern=re2.name_groups(text_of(pattern))[0])
    return int(found[0].as_py())


def _json(text: Any) -> Any:
    try:
        return json.loads(text_of(text))
    except (ValueError, RecursionError):
        return ""


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(text_of(key))
        elif isinstance(value, list | str):
            place = _int(key)
            if not 0 <= place < len(value):
                raise Failed(f"error calling index: index out of range: {place}")
            value = value[place]
        else:
            raise Failed("error calling index: can't index item of this type")
    return value


def _time(value: Any) -> Time:
    if not isinstance(value, Time):
        raise Failed("wrong type for value; expected time.Time")
    return value


def _unix(text: Any) -> Time:
    digits = text_of(text).strip()
    unit = _EPOCH_DIGITS.get(len(digits))
    if unit is None or not digits.isdecimal():
        raise Failed(f"unable to parse time '{digits}': invalid format")
    return Time(int(digits) * unit)


def _seconds(text: Any) -> float:
    return lexer.duration_ns(text_of(text)) / 1e9


def _round(value: Any, places: Any = 0, on: Any = 0.5) -> float:
    scale = 10.0 ** min(max(_int(places), -15), 15)
    number = _float(value) * scale
    rest = math.fabs(number) % 1 if math.isfinite(number) else 0.0
    whole = math.floor(math.fabs(number)) if math.isfinite(number) else number
    return math.copysign(whole + (1 if rest >= _float(on) else 0), number) / scale


def _printf(shape: Any, *values: Any) -> str:
    """The verbs %s %v %d %f %g %e %q %x %t %% with flags, width and precision."""
    waiting = list(values)

    def one(found: re.Match[str]) -> str:
        flags, width, precision, verb = found.groups()
        if verb == "%":
            return "%"
        if not waiting:
            return f"%!{verb}(MISSING)"
        text = _verb(verb, waiting.pop(0), precision)
        n = int(width or 0)
        if "-" in flags:
            return text.ljust(n)
        return text.zfill(n) if "0" in flags and verb in "dfge" else text.rjust(n)

    out = _VERB.sub(one, text_of(shape))
    extra = ", ".join(f"{_kind(value)}={text_of(value)}" for value in waiting)
    return _bounded(f"{out}%!(EXTRA {extra})" if waiting else out)


def _verb(verb: str, value: Any, precision: str | None) -> str:
    if verb == "d":
        return (
            str(value)
            if isinstance(value, int) and not isinstance(value, bool)
            else f"%!d({_kind(value)}={text_of(value)})"
        )
    if verb in "feg":
        if not isinstance(value, float):
            return f"%!{verb}({_kind(value)}={text_of(value)})"
        return number_text(value) if verb == "g" and precision is None else format(value, f".{precision or 6}{verb}")
    text = text_of(value)
    if verb in "sv":
        return text if precision is None else text[: int(precision)]
    if verb == "q":
        return json.dumps(text, ensure_ascii=False)
    if verb == "x":
        return f"{value:x}" if isinstance(value, int) else text.encode().hex()
    if verb == "t" and isinstance(value, bool):
        return text
    return f"%!{verb}({_kind(value)}={text})"


def _kind(value: Any) -> str:
    kinds = {bool: "bool", int: "int", float: "float64", str: "string"}
    return kinds.get(type(value), "interface {}")


def _equal(first: Any, *others: Any) -> bool:
    return any(first == other and isinstance(first, bool) == isinstance(other, bool) for other in others)


def _less(a: Any, b: Any) -> bool:
    if isinstance(a, str) != isinstance(b, str) or isinstance(a, dict | list | None.__class__ | Time):
        raise Failed("error calling lt: incompatible types for comparison")
    return bool(a < b)


def _b64(text: Any) -> str:
    try:
        return base64.b64decode(text_of(text), validate=True).decode(errors="replace")
    except binascii.Error as error:
        return f"illegal base64 data: {error}"


def _fold(step: Callable[[Any, Any], Any], convert: Callable[[Any], Any]) -> Function:
    return lambda first, *rest: functools.reduce(step, map(convert, rest), convert(first))


def _divided(a: Any, b: Any) -> Any:
    if b == 0:
        raise Failed("runtime error: integer divide by zero")
    return (
        int(a / b)
        if isinstance(a, int) and isinstance(b, int) and abs(a) < 2**53
        else a // b
        if isinstance(a, int)
        else a / b
    )


def _modulo(a: int, b: int) -> int:
    if b == 0:
        raise Failed("runtime error: integer divide by zero")
    return int(math.fmod(a, b))


# name → (fewest arguments, most arguments or None for any number, function)
FUNCTIONS: dict[str, tuple[int, int | None, Function]] = {
    "upper": (1, 1, lambda t: text_of(t).upper()),
    "lower": (1, 1, lambda t: text_of(t).lower()),
    "ToUpper": (1, 1, lambda t: text_of(t).upper()),
    "ToLower": (1, 1, lambda t: text_of(t).lower()),
    "title": (1, 1, lambda t: re.sub(r"\b\w", lambda m: m.group().upper(), text_of(t))),
    "trim": (1, 1, lambda t: text_of(t).strip()),
    "TrimSpace": (1, 1, lambda t: text_of(t).strip()),
    "Trim": (2, 2, lambda t, cut: text_of(t).strip(text_of(cut))),
    "TrimLeft": (2, 2, lambda t, cut: text_of(t).lstrip(text_of(cut))),
    "TrimRight": (2, 2, lambda t, cut: text_of(t).rstrip(text_of(cut))),
    "TrimPrefix": (2, 2, lambda t, cut: text_of(t).removeprefix(text_of(cut))),
    "TrimSuffix": (2, 2, lambda t, cut: text_of(t).removesuffix(text_of(cut))),
    "trimAll": (2, 2, lambda cut, t: text_of(t).strip(text_of(cut))),
    "trimPrefix": (2, 2, lambda cut, t: text_of(t).removeprefix(text_of(cut))),
    "trimSuffix": (2, 2, lambda cut, t: text_of(t).removesuffix(text_of(cut))),
    "Replace": (4, 4, _replaced),
    "replace": (3, 3, lambda old, new, t: _replaced(t, old, new, -1)),
    "trunc": (2, 2, _trunc),
    "substr": (3, 3, _substr),
    "repeat": (2, 2, _repeat),
    "default": (2, 2, lambda other, t: t if is_true(t) else other),
    "alignLeft": (2, 2, lambda n, t: _align(n, t, left=True)),
    "alignRight": (2, 2, lambda n, t: _align(n, t, left=False)),
    "indent": (2, 2, _indent),
    "nindent": (2, 2, lambda n, t: "\n" + _indent(n, t)),
    "b64enc": (1, 1, lambda t: base64.b64encode(text_of(t).encode()).decode()),
    "b64dec": (1, 1, _b64),
    "urlencode": (1, 1, lambda t: urllib.parse.quote_plus(text_of(t))),
    "urldecode": (1, 1, lambda t: urllib.parse.unquote_plus(text_of(t))),
    "urlquery": (1, 1, lambda t: urllib.parse.quote_plus(text_of(t))),
    "contains": (2, 2, lambda part, t: text_of(part) in text_of(t)),
    "hasPrefix": (2, 2, lambda part, t: text_of(t).startswith(text_of(part))),
    "hasSuffix": (2, 2, lambda part, t: text_of(t).endswith(text_of(part))),
    "regexReplaceAll": (3, 3, lambda p, t, r: _regex_replace(p, t, r, literal=False)),
    "regexReplaceAllLiteral": (3, 3, lambda p, t, r: _regex_replace(p, t, r, literal=True)),
    "count": (2, 2, _count),
    "fromJson": (1, 1, _json),
    "bytes": (1, 1, lambda t: lexer.bytes_count(text_of(t))),
    "duration": (1, 1, _seconds),
    "duration_seconds": (1, 1, _seconds),
    "int": (1, 1, _int),
    "float64": (1, 1, _float),
    "add": (1, None, _fold(lambda a, b: a + b, _int)),
    "sub": (2, 2, lambda a, b: _int(a) - _int(b)),
    "mul": (1, None, _fold(lambda a, b: max(min(a * b, 2**63 - 1), -(2**63)), _int)),
    "div": (2, 2, lambda a, b: _divided(_int(a), _int(b))),
    "mod": (2, 2, lambda a, b: _modulo(_int(a), _int(b))),
    "addf": (1, None, _fold(lambda a, b: a + b, _float)),
    "subf": (1, None, _fold(lambda a, b: a - b, _float)),
    "mulf": (1, None, _fold(lambda a, b: a * b, _float)),
    "divf": (1, None, _fold(_divided, _float)),
    "max": (1, None, lambda *v: max(map(_int, v))),
    "min": (1, None, lambda *v: min(map(_int, v))),
    "maxf": (1, None, lambda *v: max(map(_float, v))),
    "minf": (1, None, lambda *v: min(map(_float, v))),
    "ceil": (1, 1, lambda v: float(math.ceil(_float(v))) if math.isfinite(_float(v)) else _float(v)),
    "floor": (1, 1, lambda v: float(math.floor(_float(v))) if math.isfinite(_float(v)) else _float(v)),
    "round": (2, 3, _round),
    "date": (2, 2, lambda layout, t: go_times.write(_time(t).ns, text_of(layout))),
    "toDate": (2, 2, lambda layout, t: Time(go_times.read(text_of(t), text_of(layout)))),
    "toDateInZone": (3, 3, lambda layout, zone, t: Time(go_times.read(text_of(t), text_of(layout), text_of(zone)))),
    "unixEpoch": (1, 1, lambda t: str(_time(t).ns // 10**9)),
    "unixEpochMillis": (1, 1, lambda t: str(_time(t).ns // 10**6)),
    "unixEpochNanos": (1, 1, lambda t: str(_time(t).ns)),
    "unixToTime": (1, 1, _unix),
    "printf": (1, None, _printf),
    "print": (0, None, lambda *v: _bounded("".join(map(text_of, v)))),
    "println": (0, None, lambda *v: _bounded(" ".join(map(text_of, v)) + "\n")),
    "len": (1, 1, lambda v: len(v.encode()) if isinstance(v, str) else len(v) if isinstance(v, list | dict) else 0),
    "index": (1, None, _index),
    "eq": (2, None, _equal),
    "ne": (2, 2, lambda a, b: not _equal(a, b)),
    "lt": (2, 2, _less),
    "gt": (2, 2, lambda a, b: _less(b, a)),
    "le": (2, 2, lambda a, b: not _less(b, a)),
    "ge": (2, 2, lambda a, b: not _less(a, b)),
    "not": (1, 1, lambda v: not is_true(v)),
    "and": (1, None, lambda *v: next((one for one in v if not is_true(one)), v[-1])),
    "or": (1, None, lambda *v: next((one for one in v if is_true(one)), v[-1])),
    "html": (1, 1, lambda t: _escaped(text_of(t))),
}


def _escaped(text: str) -> str:
    for character, by in (("&", "&amp;"), ("'", "&#39;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;")):
        text = text.replace(character, by)
    return text
