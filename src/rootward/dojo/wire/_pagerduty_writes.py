"""What responders do to PagerDuty's incidents through the API: acknowledge, resolve, reassign words, and leave notes; bounded."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from rootward import _clock
from rootward.dojo.capsule import telemetry as records
from rootward.dojo.wire import _http, _ids

MAX_WRITTEN = 2_000
MAX_NOTE = 25_000
MAX_AT_ONCE = 250
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_KINDS = {"acknowledged": "acknowledge", "resolved": "resolve", "triggered": "unacknowledge"}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done: `kind` as log entries name it (acknowledge, resolve, unacknowledge, annotate, urgency_change)."""

    id: str
    kind: str
    time_s: float
    user: str
    text: str = ""


@dataclasses.dataclass(slots=True)
class Changed:
    """What clients changed about one incident."""

    entries: list[Entry] = dataclasses.field(default_factory=list)
    fields: dict[str, str] = dataclasses.field(default_factory=dict)  # title, urgency

    def notes(self) -> list[Entry]:
        return [one for one in self.entries if one.kind == "annotate"]

    def last(self, *kinds: str) -> Entry | None:
        return next((one for one in reversed(self.entries) if one.kind in kinds), None)


class Desk:
    """The incidents' changes, by incident number."""

    def __init__(self, clock: _clock.Clock) -> None:
        self._clock = clock
        self._changed: dict[int, Changed] = {}
        self._made = 0

    def of(self, one: records.Incident) -> Changed:
        """Nothing is kept for incidents that nobody touched."""
        return self._changed.get(one.number) or Changed()

    def status(self, one: records.Incident) -> str:
        """triggered, acknowledged or resolved, as it is now; what ended by itself stays ended."""
        now_s = self._clock.now_s()
        if one.resolved_s is not None and one.resolved_s <= now_s:
            return "resolved"
        last = self.of(one).last("acknowledge", "resolve", "unacknowledge")
        words = {"acknowledge": "acknowledged", "resolve": "resolved"}
        return words.get(last.kind, "triggered") if last else "triggered"

    def _write(self, one: records.Incident, kind: str, user: str, text: str = "") -> Entry:
        if self._made >= MAX_WRITTEN:
            raise _http.Refused(429, "Rate Limit Exceeded")
        self._made += 1
        entry = Entry(_ids.opaque("R", "written", str(self._made), length=14), kind, self._clock.now_s(), user, text)
        self._changed.setdefault(one.number, Changed()).entries.append(entry)
        return entry

    def update(self, one: records.Incident, wanted: Mapping[str, Any], user: str) -> None:
        """Change status, title or urgency as a PUT asks; raises Refused (400)."""
        status = wanted.get("status")
        if status is not None:
            if status not in _KINDS:
                raise _http.Refused(400, "Status must be one of acknowledged, resolved, triggered")
            now = self.status(one)
            if now == "resolved" and status != "resolved":
                raise _http.Refused(400, "Incident Already Resolved")
            if now != status:
                self._write(one, _KINDS[status], user)
            if status == "resolved" and isinstance(text := wanted.get("resolution"), str) and text:
                self._write(one, "annotate", user, text[:MAX_NOTE])
        for field, most in (("title", 1024), ("urgency", 10)):
            value = wanted.get(field)
            if value is None:
                continue
            if not isinstance(value, str) or not value or len(value) > most:
                raise _http.Refused(400, f"{field.capitalize()} is invalid")
            if field == "urgency" and value not in ("high", "low"):
                raise _http.Refused(400, "Urgency must be high or low")
            self._write(one, "urgency_change" if field == "urgency" else "priority_change", user, value)
            self._changed[one.number].fields[field] = value

    def note(self, one: records.Incident, call: _http.Call, user: str) -> Entry:
        """Add a note; raises Refused (400)."""
        content = decoded(call, "note").get("content")
        if not isinstance(content, str) or not content.strip():
            raise _http.Refused(400, "Note content cannot be empty")
        if len(content) > MAX_NOTE:
            raise _http.Refused(400, f"Note content is too long (maximum is {MAX_NOTE} characters)")
        return self._write(one, "annotate", user, content)


def decoded(call: _http.Call, name: str) -> dict[str, Any]:
    """The object `name` of a JSON body; raises Refused (400)."""
    try:
        data = _http.decode(call.get(name) or "null")
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise _http.Refused(400, f"Parameter {name} is required")
    return data


def decoded_list(call: _http.Call, name: str) -> list[dict[str, Any]]:
    """The list of objects `name` of a JSON body, at most MAX_AT_ONCE; raises Refused (400)."""
    try:
        data = _http.decode(call.get(name) or "null")
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, list) or not 0 < len(data) <= MAX_AT_ONCE or not all(isinstance(one, dict) for one in data):
        raise _http.Refused(400, f"Parameter {name} is required, with at most {MAX_AT_ONCE} items")
    return data


def requester(call: _http.Call) -> str:
    """The mail address in From, which every write needs; raises Refused (400)."""
    sender = call.headers.get("from", "")
    if not _MAIL.fullmatch(sender):
        raise _http.Refused(400, "From header must be the email address of a valid user")
    return sender
