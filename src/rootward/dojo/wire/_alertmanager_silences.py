"""Alertmanager's silences: what clients asked to be quiet about, bounded, and which of them hold now."""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from rootward import _clock, errors
from rootward.dojo.engines.logql import regex
from rootward.dojo.wire import _http

MAX_SILENCES = 500
MAX_MATCHERS = 50
_NAMESPACE = uuid.UUID("b6cf4a3e-91b4-4c0e-8a83-0a2a0d3a5f11")


@dataclasses.dataclass(slots=True)
class Silence:
    """One silence; `matchers` as the API writes them (name, value, isRegex, isEqual)."""

    id: str
    matchers: list[dict[str, Any]]
    starts_s: float
    ends_s: float
    updated_s: float
    comment: str
    created_by: str

    def state(self, now_s: float) -> str:
        return "pending" if now_s < self.starts_s else "active" if now_s < self.ends_s else "expired"

    def covers(self, labels: Mapping[str, str]) -> bool:
        return all(_matches(matcher, labels) for matcher in self.matchers)

    def to_json(self, now_s: float) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": {"state": self.state(now_s)},
            "updatedAt": _clock.to_iso(self.updated_s),
            "comment": self.comment,
            "createdBy": self.created_by,
            "endsAt": _clock.to_iso(self.ends_s),
            "matchers": self.matchers,
            "startsAt": _clock.to_iso(self.starts_s),
        }


class Silences:
    """All silences of one Alertmanager; nothing here but what was posted."""

    def __init__(self, clock: _clock.Clock) -> None:
        self._clock = clock
        self._all: dict[str, Silence] = {}
        self._made = 0

    def post(self, call: _http.Call) -> dict[str, Any]:
        """Create, or change the one whose id is given; raises Refused (400, 404, 503 when MAX_SILENCES are kept)."""
        now_s = self._clock.now_s()
        matchers = _matchers(call.get("matchers"))
        starts_s = max(_time_s(call, "startsAt"), now_s)
        ends_s = _time_s(call, "endsAt")
        if ends_s <= starts_s:
            problem = "end time must not be before start time" if ends_s > now_s else "end time can't be in the past"
            raise _http.Refused(400, f"Failed to create silence: {problem}")
        for name in ("comment", "createdBy"):
            if name not in call.fields:
                raise _http.Refused(400, f"{name} in body is required")
        identity = call.get("id")
        if identity and identity not in self._all:
            raise _http.Refused(404, "silence not found")
        made = Silence(
            identity, matchers, starts_s, ends_s, now_s, call.get("comment")[:4096], call.get("createdBy")[:256]
        )
        old = self._all.get(identity)
        if old is not None and (old.matchers != matchers or old.state(now_s) == "expired"):
            old.ends_s = min(old.ends_s, now_s)  # another silence takes its place, as the real one has it
            made.id = ""
        if not made.id:
            if self._made >= MAX_SILENCES:
                raise _http.Refused(503, f"exceeded maximum number of silences: {MAX_SILENCES}")
            self._made += 1
            made.id = str(uuid.uuid5(_NAMESPACE, str(self._made)))
        self._all[made.id] = made
        return {"silenceID": made.id}

    def find(self, identity: str) -> Silence:
        """Raises Refused (404)."""
        if identity not in self._all:
            raise _http.Refused(404, f"silence {identity} not found")
        return self._all[identity]

    def expire(self, identity: str) -> None:
        silence = self.find(identity)
        now_s = self._clock.now_s()
        if silence.state(now_s) == "expired":
            raise _http.Refused(500, f"silence {identity} already expired")  # as the real one words it
        silence.ends_s = silence.updated_s = now_s
        silence.starts_s = min(silence.starts_s, now_s)

    def listed(self, filters: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        """Active first, then pending, then expired; `filters` are name → value that a matcher must say."""
        now_s = self._clock.now_s()
        order = {"active": 0, "pending": 1, "expired": 2}
        kept = [
            one
            for one in self._all.values()
            if all(
                any(matcher["name"] == name and matcher["value"] == value for matcher in one.matchers)
                for wanted in filters
                for name, value in wanted.items()
            )
        ]
        kept.sort(key=lambda one: (order[one.state(now_s)], one.ends_s, one.id))
        return [one.to_json(now_s) for one in kept]

    def over(self, labels: Mapping[str, str]) -> list[str]:
        """Ids of the active silences that cover an alert with these labels."""
        now_s = self._clock.now_s()
        return sorted(one.id for one in self._all.values() if one.state(now_s) == "active" and one.covers(labels))


def _time_s(call: _http.Call, name: str) -> float:
    if not call.get(name):
        raise _http.Refused(400, f"{name} in body is required")
    return _http.parse_iso(call.get(name), name)


def _matchers(text: str) -> list[dict[str, Any]]:
    try:
        data = _http.decode(text or "null")
    except (ValueError, RecursionError) as error:
        raise _http.Refused(400, "matchers in body must be of type array") from error
    if not isinstance(data, list) or not data or len(data) > MAX_MATCHERS:
        raise _http.Refused(400, "Failed to create silence: invalid silence: at least one matcher required")
    found = [_matcher(one) for one in data]
    if all(_matches(one, {}) for one in found):
        raise _http.Refused(
            400, "Failed to create silence: invalid silence: at least one matcher must not match the empty string"
        )
    return found


def _matcher(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict) or not isinstance(data.get("name"), str) or not isinstance(data.get("value"), str):
        raise _http.Refused(400, "matchers.name in body is required")
    is_regex, is_equal = data.get("isRegex", False), data.get("isEqual", True)
    if not isinstance(is_regex, bool) or not isinstance(is_equal, bool):
        raise _http.Refused(400, "matchers.isRegex in body must be of type boolean")
    if is_regex:
        try:
            regex.check(data["value"])
        except errors.EngineError as error:
            raise _http.Refused(400, f"Failed to create silence: invalid silence: {error}") from error
    return {"isEqual": is_equal, "isRegex": is_regex, "name": data["name"], "value": data["value"]}


def _matches(matcher: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(matcher["name"], "")
    wanted = matcher["value"]
    equal = regex.is_match(wanted, value, anchored=True) if matcher["isRegex"] else bool(value == wanted)
    return equal is bool(matcher["isEqual"])
