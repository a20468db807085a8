"""Elasticsearch's dates: formats, date math (`now-15m/m`, `2026-05-19||+1d`), and rounding up where a bound asks for it."""

import calendar
import datetime as dt
import functools
import re
import zoneinfo
from collections.abc import Sequence

from rootward.dojo.engines.elastic import rejection

DEFAULT_FORMATS = ("strict_date_optional_time", "epoch_millis")
DAY_MS = 86_400_000
UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
MS_MAX = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last that can be written with four digits
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ISO = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](?:(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?",
    re.ASCII,
)
_MATH = re.compile(r"([+-])(\d{0,9})([yMwdhHms])|/([yMwdhHms])", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?", re.ASCII)
_PATTERN = re.compile(r"yyyy|uuuu|yy|MM|dd|HH|mm|ss|SSS+|XXX|XX|X|ZZ?|'[^']*'|.", re.DOTALL)
_PARTS = {
    **dict.fromkeys(("yyyy", "uuuu"), r"(?P<year>\d{4})"),
    "MM": r"(?P<month>\d{2})",
    "dd": r"(?P<day>\d{2})",
    "HH": r"(?P<hour>\d{2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})",
    **dict.fromkeys(("XXX", "XX", "X", "Z", "ZZ"), r"(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)"),
}
_NAMED = {
    "date": "yyyy-MM-dd",
    "strict_date": "yyyy-MM-dd",
    "basic_date": "yyyyMMdd",
    "date_hour_minute_second": "yyyy-MM-dd'T'HH:mm:ss",
    "year_month": "yyyy-MM",
    "strict_year_month_day": "yyyy-MM-dd",
    "hour_minute_second": "HH:mm:ss",
}
_ISO_FORMATS = (
    *(
        "strict_date_optional_time",
        "date_optional_time",
        "strict_date_optional_time_nanos",
        "date_time",
        "strict_date_time",
    ),
    *("iso8601", "strict_date_time_no_millis", "date_time_no_millis"),
)


@functools.lru_cache(maxsize=256)
def zone(name: str) -> dt.tzinfo:
    """A zone by offset or name; raises Rejection."""
    if name in ("", "Z", "UTC"):
        return dt.UTC
    found = _OFFSET.fullmatch(name)
    if found:
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        if minutes <= 18 * 60:
            return dt.timezone(dt.timedelta(minutes=minutes if found[1] == "+" else -minutes))
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise rejection.argument(f"Unknown time-zone ID: {name}") from error


def formats_of(text: str | None) -> Sequence[str]:
    return text.split("||") if text else DEFAULT_FORMATS


def parse(
    value: object, now_ms: int, *, formats: Sequence[str] = DEFAULT_FORMATS, time_zone: str = "", round_up: bool = False
) -> int:
    """Milliseconds of a date, with date math; missing parts and `/d` are filled from above when `round_up`.

    Raises:
        rejection.Rejection: not a date in these formats.
    """
    text = str(value)
    if isinstance(value, bool) or len(text) > 100:
        raise unreadable(text[:100], formats)
    tz = zone(time_zone)
    if text.startswith("now"):
        return _math(now_ms, text[3:], tz, text, round_up=round_up)
    base, bars, math = text.partition("||")
    if not bars:
        return _plain(base, formats, tz, round_up=round_up)
    return _math(_plain(base, formats, tz, round_up=False), math, tz, text, round_up=round_up)


def unreadable(text: str, formats: Sequence[str]) -> rejection.Rejection:
    reason = f"failed to parse date field [{text}] with format [{'||'.join(formats)}]"
    cause = ("date_time_parse_exception", "Failed to parse with all enclosed parsers")
    return rejection.Rejection("parse_exception", reason, phase=True, caused_by=cause)


def _plain(text: str, formats: Sequence[str], tz: dt.tzinfo, *, round_up: bool) -> int:
    for name in formats:
        found = _by_format(text, name, tz, round_up=round_up)
        if found is not None:
            if abs(found) > MS_MAX:
                break
            return found
    raise unreadable(text, formats)


def _by_format(text: str, name: str, tz: dt.tzinfo, *, round_up: bool) -> int | None:
    if name in ("epoch_millis", "epoch_second"):
        if not re.fullmatch(r"-?\d{1,16}(\.\d{1,9})?", text, re.ASCII):
            return None
        return round(float(text) * (1000 if name == "epoch_second" else 1))
    if name in _ISO_FORMATS:
        found = _ISO.fullmatch(text)
        return None if found is None else _moment(found.groups(), tz, round_up=round_up)
    found = _compiled(_NAMED.get(name, name)).fullmatch(text)
    if found is None:
        return None
    parts = found.groupdict()
    names = ("year", "month", "day", "hour", "minute", "second", "fraction", "zone")
    values = [parts.get(part) for part in names]
    return _moment(values, tz, round_up=round_up)


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    if len(pattern) > 60:
        raise rejection.argument(f"Invalid format: [{pattern[:60]}]: Unknown pattern letter")
    out, seen = "", set()
    for piece in _PATTERN.findall(pattern):
        known = _PARTS.get(piece) or (rf"(?P<fraction>\d{{{len(piece)}}})" if piece.startswith("SSS") else "")
        if known and known not in seen:
            seen.add(known)
            out += known
        elif known or (piece.isalpha() and piece.isascii()):
            raise rejection.argument(f"Invalid format: [{pattern}]: Unknown pattern letter: {piece[0]}")
        else:
            out += re.escape(piece[1:-1] if len(piece) > 1 and piece[0] == "'" else piece)
    return re.compile(out, re.ASCII)


def _moment(parts: Sequence[str | None], tz: dt.tzinfo, *, round_up: bool) -> int | None:
    """Milliseconds of (year, month, day, hour, minute, second, fraction, zone); None when there is no such moment."""
    year, month, day, hour, minute, second, fraction, offset = parts
    try:
        y, m = int(year or 1970), int(month or (12 if round_up else 1))
        d = int(day or (calendar.monthrange(y, m)[1] if round_up else 1))
        h, mi, se = (
            int(part) if part is not None else (limit if round_up else 0)
            for part, limit in ((hour, 23), (minute, 59), (second, 59))
        )
        # A bound that rounds up covers the milliseconds of the second that it names.
        ms = int((fraction + "00")[:3]) if fraction else (999 if round_up else 0)
        return to_ms(dt.datetime(y, m, d, h, mi, se, tzinfo=zone(offset) if offset else tz)) + ms
    except (ValueError, OverflowError):
        return None


def to_ms(moment: dt.datetime) -> int:
    delta = moment - _EPOCH
    return delta.days * DAY_MS + delta.seconds * 1000 + delta.microseconds // 1000


def from_ms(ms: float, tz: dt.tzinfo = dt.UTC) -> dt.datetime:
    return (_EPOCH + dt.timedelta(milliseconds=ms)).astimezone(tz)


def _math(start_ms: int, steps: str, tz: dt.tzinfo, text: str, *, round_up: bool) -> int:
    at = 0
    try:
        moment = from_ms(start_ms, tz)
        while at < len(steps):
            found = _MATH.match(steps, at)
            if found is None:
                raise rejection.Rejection(
                    "parse_exception", f"operator not supported for date math [{steps}]", phase=True
                )
            at = found.end()
            if found[4]:
                moment = floor(moment, found[4])
                if round_up:
                    moment = add(moment, found[4], 1) - dt.timedelta(milliseconds=1)
            else:
                count = int(found[2] or 1)
                moment = add(moment, found[3], count if found[1] == "+" else -count)
        return to_ms(moment.astimezone(dt.UTC))
    except (OverflowError, ValueError) as error:
        raise rejection.Rejection(
            "parse_exception", f"failed to parse date field [{text}]: out of range", phase=True
        ) from error


def add(moment: dt.datetime, unit: str, count: int) -> dt.datetime:
    """`count` calendar units later on the clock of the moment's zone; raises OverflowError, ValueError out of range."""
    if unit in ("y", "M", "q"):
        months = moment.year * 12 + moment.month - 1 + count * {"y": 12, "q": 3, "M": 1}[unit]
        year, month = divmod(months, 12)
        return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))
    days = {"d": 1, "w": 7}.get(unit)
    if days:
        return moment + dt.timedelta(days=days * count)
    tz = moment.tzinfo
    step = dt.timedelta(milliseconds=UNIT_MS[unit.lower()] * count)
    return (moment.astimezone(dt.UTC) + step).astimezone(tz)


def floor(moment: dt.datetime, unit: str) -> dt.datetime:
    """The start of the calendar unit that holds the moment."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "y":
        return midnight.replace(month=1, day=1)
    if unit == "q":
        return midnight.replace(month=(moment.month - 1) // 3 * 3 + 1, day=1)
    if unit == "M":
        return midnight.replace(day=1)
    if unit == "w":
        return midnight - dt.timedelta(days=moment.weekday())
    if unit == "d":
        return midnight
    keep = {"h": 0, "H": 0, "m": 1, "s": 2}[unit]
    return moment.replace(
        minute=moment.minute if keep >= 1 else 0, second=moment.second if keep >= 2 else 0, microsecond=0
    )


def text(ms: float, pattern: str = "", tz: dt.tzinfo = dt.UTC) -> str:
    """A date as `key_as_string` and `_source` have it, or in a format of the reader's."""
    first = pattern.partition("||")[0]
    if first == "epoch_millis":
        return str(int(ms))
    if first == "epoch_second":
        return str(int(ms // 1000))
    try:
        moment = from_ms(ms, tz)
    except (OverflowError, ValueError):
        return str(int(ms))
    if not first or first in _ISO_FORMATS:
        written = moment.isoformat(timespec="milliseconds")
        return written.replace("+00:00", "Z")
    return "".join(_written(piece, moment) for piece in _PATTERN.findall(_NAMED.get(first, first)))


def _written(piece: str, moment: dt.datetime) -> str:
    offset = moment.strftime("%z")
    known = {
        "yyyy": f"{moment.year:04d}",
        "uuuu": f"{moment.year:04d}",
        "yy": f"{moment.year % 100:02d}",
        "MM": f"{moment.month:02d}",
        "dd": f"{moment.day:02d}",
        "HH": f"{moment.hour:02d}",
        "mm": f"{moment.minute:02d}",
        "ss": f"{moment.second:02d}",
        "XXX": "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:]}",
        "XX": "Z" if offset == "+0000" else offset,
        "X": "Z" if offset == "+0000" else offset[:3],
        "Z": offset,
        "ZZ": offset,
    }
    if piece in known:
        return known[piece]
    if piece.startswith("SSS"):
        return f"{moment.microsecond // 1000:03d}".ljust(len(piece), "0")
    return piece[1:-1] if len(piece) > 1 and piece[0] == "'" else piece
