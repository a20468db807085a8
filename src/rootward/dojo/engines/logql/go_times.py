"""Go's time layouts ("2006-01-02T15:04:05Z07:00"), which LogQL's templates write and read times by."""

import calendar
import datetime as dt
import re
import zoneinfo

_DAYS = tuple(calendar.day_name)
_MONTHS = tuple(calendar.month_name)
_PART = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|-07:00|-0700|-07|Z07:00|Z0700|[.,]0+(?!\d)|[.,]9+(?!\d)|01|02|03|04|05|06|_2|15|PM|pm|1|2|3|4|5"
)
_READ = {
    "2006": r"(?P<year>\d{4})",
    "06": r"(?P<short_year>\d{2})",
    "01": r"(?P<month>\d{2})",
    "1": r"(?P<month>\d{1,2})",
    "02": r"(?P<day>\d{2})",
    "_2": r" ?(?P<day>\d{1,2})",
    "2": r"(?P<day>\d{1,2})",
    "15": r"(?P<hour>\d{2})",
    "03": r"(?P<hour12>\d{2})",
    "3": r"(?P<hour12>\d{1,2})",
    "04": r"(?P<minute>\d{2})",
    "4": r"(?P<minute>\d{1,2})",
    "05": r"(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?",
    "5": r"(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?",
    "PM": r"(?P<half>AM|PM)",
    "pm": r"(?P<half>am|pm)",
    "January": f"(?P<month_name>{'|'.join(_MONTHS[1:])})",
    "Jan": f"(?P<month_name>{'|'.join(name[:3] for name in _MONTHS[1:])})",
    "Monday": f"(?:{'|'.join(_DAYS)})",
    "Mon": f"(?:{'|'.join(name[:3] for name in _DAYS)})",
    "MST": r"(?:[A-Z]{3,4})",
    "Z07:00": r"(?P<zone>Z|[+-]\d\d:\d\d)",
    "Z0700": r"(?P<zone>Z|[+-]\d{4})",
    "-07:00": r"(?P<zone>[+-]\d\d:\d\d)",
    "-0700": r"(?P<zone>[+-]\d{4})",
    "-07": r"(?P<zone>[+-]\d\d)",
}


def write(time_ns: int, layout: str) -> str:
    """A time (ns since the epoch) in UTC by a layout."""
    seconds, nanos = divmod(time_ns, 10**9)
    try:
        moment = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    except (OverflowError, OSError, ValueError):
        return "0001-01-01 00:00:00 +0000 UTC"
    return _PART.sub(lambda found: _written(found.group(), moment, nanos), layout)


def _written(part: str, moment: dt.datetime, nanos: int) -> str:
    if part[0] in ".,":
        digits = f"{nanos:09d}"[: len(part) - 1]
        if part[1] == "0":
            return part[0] + digits
        kept = digits.rstrip("0")
        return part[0] + kept if kept else ""
    hour12 = moment.hour % 12 or 12
    values = {
        "2006": f"{moment.year:04d}",
        "06": f"{moment.year % 100:02d}",
        "January": _MONTHS[moment.month],
        "Jan": _MONTHS[moment.month][:3],
        "01": f"{moment.month:02d}",
        "1": str(moment.month),
        "Monday": _DAYS[moment.weekday()],
        "Mon": _DAYS[moment.weekday()][:3],
        "02": f"{moment.day:02d}",
        "_2": f"{moment.day:2d}",
        "2": str(moment.day),
        "15": f"{moment.hour:02d}",
        "03": f"{hour12:02d}",
        "3": str(hour12),
        "04": f"{moment.minute:02d}",
        "4": str(moment.minute),
        "05": f"{moment.second:02d}",
        "5": str(moment.second),
        "PM": "PM" if moment.hour >= 12 else "AM",
        "pm": "pm" if moment.hour >= 12 else "am",
        "MST": "UTC",
        "Z07:00": "Z",
        "Z0700": "Z",
        "-07:00": "+00:00",
        "-0700": "+0000",
        "-07": "+00",
    }
    return values[part]


def read(text: str, layout: str, zone: str = "UTC") -> int:
    """A time (ns since the epoch) out of a text by a layout; `zone` where the text names none.

    Raises:
        ValueError: the text does not fit the layout, or there is no such zone.
    """
    shape, at = "", 0
    for found in _PART.finditer(layout):
        shape += re.escape(layout[at : found.start()])
        shape += r"(?:[.,]\d{1,9})?" if found.group()[0] in ".," else _READ[found.group()]
        at = found.end()
    shape += re.escape(layout[at:])
    # The fraction after the seconds is read with them, whether the layout asks for it or not.
    shape = shape.replace(r"(?:[.,](?P<fraction>\d{1,9}))?(?:[.,]\d{1,9})?", r"(?:[.,](?P<fraction>\d{1,9}))?")
    try:
        matched = re.fullmatch(shape, text)
    except re.error as error:
        raise ValueError(f"cannot use layout {layout!r}") from error
    if matched is None:
        raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{text}"')
    return _moment({key: value for key, value in matched.groupdict().items() if value is not None}, zone)


def _moment(parts: dict[str, str], zone: str) -> int:
    month = int(parts.get("month", 1))
    if name := parts.get("month_name"):
        month = next(i for i, full in enumerate(_MONTHS) if full.startswith(name) and full)
    year = int(parts["year"]) if "year" in parts else 1900 + int(parts.get("short_year", "0"))
    if "short_year" in parts and year < 1969:
        year += 100
    hour = int(parts.get("hour", parts.get("hour12", "0")))
    if half := parts.get("half", "").lower():
        hour = hour % 12 + (12 if half == "pm" else 0)
    second, minute = int(parts.get("second", "0")), int(parts.get("minute", "0"))
    try:
        where: dt.tzinfo = dt.UTC if zone in ("Local", "UTC", "") else zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {zone}") from error
    if (offset := parts.get("zone")) and offset != "Z":
        digits = offset[1:].replace(":", "").ljust(4, "0")
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        where = dt.timezone(dt.timedelta(minutes=-minutes if offset[0] == "-" else minutes))
    elif offset == "Z":
        where = dt.UTC
    moment = dt.datetime(year, month, int(parts.get("day", "1")), hour, minute, second, tzinfo=where)
    whole = int(moment.timestamp())
    return whole * 10**9 + int(parts.get("fraction", "").ljust(9, "0") or 0)
