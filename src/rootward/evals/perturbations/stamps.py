"""Times written in texts: found in the forms that software writes, and moved."""

import datetime as dt
import re
from collections.abc import Callable

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CLOCK = r"[0-2]\d:[0-5]\d:[0-6]\d"
_FORMS = {
    "iso": (rf"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\dT{_CLOCK}", "%Y-%m-%dT%H:%M:%S"),
    "spaced": (rf"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d {_CLOCK}", "%Y-%m-%d %H:%M:%S"),
    "nginx": (rf"(?<!\d)(?:19|20)\d\d/[01]\d/[0-3]\d {_CLOCK}", "%Y/%m/%d %H:%M:%S"),
    "common": (rf"(?<!\d)[0-3]\d/(?:{_MONTHS})/(?:19|20)\d\d:{_CLOCK}", "%d/%b/%Y:%H:%M:%S"),
    "redis": (rf"(?<!\d)[0-3]\d (?:{_MONTHS}) (?:19|20)\d\d {_CLOCK}", "%d %b %Y %H:%M:%S"),
}
_FIND = re.compile(
    "|".join(f"(?P<{name}>{pattern})" for name, (pattern, _) in _FORMS.items())
    + rf"|(?P<klog>(?<![A-Z\d])[IWEF][01]\d[0-3]\d {_CLOCK})|(?P<hour>(?<![\d:])[0-2]\d:[0-5]\d(?= UTC))|(?P<millis>(?<=\"time\":)1\d{{12}})"
    + r"|(?P<seconds>(?<=\"ts\":)1\d{9})"
)
_ZONE = re.compile(r"(?P<fraction>[.,]\d+)?(?P<zone>Z| ?[+-]\d\d:?\d\d| UTC)?")
YEAR_OF_KLOG = 2024  # the form has no year; a leap year has every day


def moved(text: str, seconds: int, *, zone: str | None = None) -> str:
    """`text` with every time in it `seconds` later. With `zone` ("+02:00") they are the same moments told in that zone: a time that
    names its zone names this one, and machine times (milliseconds since the epoch) stay."""
    if not any(character.isdigit() for character in text):
        return text
    return _replaced(text, seconds, zone)


def _replaced(text: str, seconds: int, zone: str | None) -> str:
    parts: list[str] = []
    at = 0
    for found in _FIND.finditer(text):
        if found.start() < at:
            continue
        parts.append(text[at : found.start()])
        at = found.end()
        parts.append(_one(found, seconds, moving=zone is None))
        if zone is not None:
            tail = _ZONE.match(text, at)
            assert tail is not None, "an empty match is one"
            parts.append((tail["fraction"] or "") + _in_zone(tail["zone"] or "", zone))
            at = tail.end()
    return "".join([*parts, text[at:]]) if parts else text


def _in_zone(old: str, zone: str) -> str:
    """The zone in the way in which the old one was written; nothing where none was."""
    lead = " " if old.startswith(" ") else ""
    if old.strip() == "UTC":
        return lead + zone.removesuffix(":00")
    if old == "Z" or ":" in old:
        return lead + zone
    return lead + zone.replace(":", "") if old else ""


def _one(found: re.Match[str], seconds: int, *, moving: bool) -> str:
    kind, text = str(found.lastgroup), found.group()
    if kind in ("millis", "seconds"):
        return str(int(text) + seconds * (1000 if kind == "millis" else 1)) if moving else text
    if kind == "hour":
        return _shifted(text, seconds, "%H:%M") or text
    if kind == "klog":
        return text[0] + (_shifted(f"{YEAR_OF_KLOG} {text[1:]}", seconds, "%Y %m%d %H:%M:%S") or text)[5:]
    return _shifted(text, seconds, _FORMS[kind][1]) or text


def _shifted(text: str, seconds: int, form: str) -> str:
    """ "" when it only looks like a time."""
    try:
        moment = dt.datetime.strptime(text, form)  # noqa: DTZ007 -- the zone is written beside it, or nowhere
        return (moment + dt.timedelta(seconds=seconds)).strftime(form)
    except (ValueError, OverflowError):
        return ""


def mover(seconds: int, *, zone: str | None = None) -> Callable[[str], str]:
    """`moved` with its arguments, for use on many texts."""
    return lambda text: moved(text, seconds, zone=zone)
